"""Consent: what a TC string allows, what it refuses, and what says nothing at all."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.privacy.consent import Consent, allows, decide, judge
from pipelines.sandbox.platforms.server_events.export import tc_string

GRANTED, REFUSED, UNKNOWN = Consent.GRANTED, Consent.REFUSED, Consent.UNKNOWN
VENDOR, PURPOSES = 42, (1, 7)
# the IAB's own example of 2020, of global scope: purposes 1 to 3, vendors 2, 6 and 8 in a bit field
IAB = "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"  # noqa: E501
V1 = "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"

# Made by IAB Tech Lab's own encoder (npm @iabtechlabtcf/core 1.5.21): policy version 5, created on
# 2026-06-03, consent for purposes 1, 2 and 7 and for vendor 42 among others, unless it says else.
_CORE = "CQlOlEAQlOlEAEsACBENBNFgAMIAAAAAAAqIBmwAwABwAoAC2AZABmgA"
_SHOWN, _PUBLISHER = ".IBmwBAABgAHgBQAFsAyADNAA", ".YAAAAAAAAAAA"
FEBRUARY = "CQgVeAAQgVeAAEsACBENBNEgAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA"
ENCODED = {
    "everything": (f"{_CORE}AAAA{_SHOWN}{_PUBLISHER}", GRANTED),
    "the segments in another order": (f"{_CORE}AAAA{_PUBLISHER}{_SHOWN}", GRANTED),
    "vendors as ranges": (
        "CQlOlEAQlOlEAEsACBENBNFgAMIAAAAAAAqIHCQA4AUABbAMgAzQHCAAAAAA.IHCQAoAUABaA4QAA",
        GRANTED,
    ),
    "the vendor forbidden": (f"{_CORE}AABHAAQAVAAA{_SHOWN}", REFUSED),
    "another vendor forbidden": (f"{_CORE}AABHAAQAVgAA{_SHOWN}", GRANTED),
    "another purpose forbidden": (f"{_CORE}AABCAAQAVAAA{_SHOWN}", GRANTED),
    "the vendor not shown": (f"{_CORE}AAAA.IAViIAAAAAIA{_PUBLISHER}", UNKNOWN),
    "nobody shown": (f"{_CORE}AAAA.IAAA{_PUBLISHER}", UNKNOWN),
    "not said who was shown": (f"{_CORE}AAAA", UNKNOWN),
    "no purpose": (
        f"CQlOlEAQlOlEAEsACBENBNFgAAAAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA{_SHOWN}",
        REFUSED,
    ),
    "no consent for the vendor": (
        f"CQlOlEAQlOlEAEsACBENBNFgAMIAAAAAAAqIABiAAAAA{_SHOWN}",
        REFUSED,
    ),
    "of global scope": (
        f"CQlOlEAQlOlEAEsACBENBNFAAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA{_SHOWN}",
        UNKNOWN,
    ),
    "of global scope, 2020": (
        "CO5svkAO5svkAEsACBENBNCAAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA",
        GRANTED,
    ),
    "of global scope, 2022": (
        "CPfSv8APfSv8AEsACBENBNCAAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA",
        UNKNOWN,
    ),
    "policy 4, 2026-02-28": (FEBRUARY, GRANTED),
    "policy 5, 2026-02-28": (
        "CQgVeAAQgVeAAEsACBENBNFgAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA",
        GRANTED,
    ),
    "policy 4, 2026-03-01": (
        "CQgYw8AQgYw8AEsACBENBNEgAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA",
        UNKNOWN,
    ),
    "policy 2, 2022": ("CPYSgcAPYSgcAEsACBENBNCgAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA", GRANTED),
    "policy 3, 2024": ("CP97zwAP97zwAEsACBENBNDgAMIAAAAAAAqIBmwAwABwAoAC2AZABmgAAAAA", UNKNOWN),
}
WHOLE = ENCODED["everything"][0]


@pytest.mark.parametrize(("text", "consent"), ENCODED.values(), ids=ENCODED)
def test_a_string_of_the_iabs_encoder_is_judged_as_the_specification_of_its_day_asks(
    text: str, consent: Consent
) -> None:
    assert decide(text, PURPOSES, VENDOR) is consent
    assert allows(text, PURPOSES, VENDOR) is (consent is GRANTED)


@pytest.mark.parametrize(
    ("purposes", "vendor_id", "allowed"),
    [
        ((1,), None, True),
        ((1, 2, 3), 6, True),
        ((1, 7), None, False),
        ((1,), 7, False),
        ((1,), 9, False),
    ],
)
def test_every_purpose_and_the_vendor_must_be_consented_to(
    purposes: tuple[int, ...], vendor_id: int | None, allowed: bool
) -> None:
    assert decide(IAB, purposes, vendor_id) is (GRANTED if allowed else REFUSED)


def test_a_string_is_never_asked_for_no_purpose() -> None:
    with pytest.raises(ValueError, match="name at least one"):
        decide(WHOLE, (), VENDOR)


def test_a_string_cut_off_anywhere_allows_nothing() -> None:
    core = IAB.split(".", maxsplit=1)[0]
    for end in range(len(core)):
        assert decide(core[:end], (1,)) is UNKNOWN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no consent string"),
        (" ", "no consent string"),
        ("granted", "not version 2"),
        ("é", "not base64"),
        (f"C!{IAB}", "not base64"),
        (f"{WHOLE}.", "not base64"),
        (V1, "not version 2"),
        ("C" * 60, "cut off"),
        (f"DBABMA~{FEBRUARY}", "a GPP string"),
        ("2~9.21.70~dv.4.8", "an AC string"),
        ("1~9.21", "an AC string"),
        (f"{FEBRUARY}AAAA", "longer than its content"),
        (f"{FEBRUARY[:-1]}B", "longer than its content"),
        (f"{FEBRUARY}==", "not base64"),
        (f"{FEBRUARY}{_SHOWN}{_SHOWN}", "two segments of one type"),
        (f"{FEBRUARY}{_SHOWN}AAAA", "longer than its content"),
        (f"{FEBRUARY}.gAAA", "a segment of an unknown type"),
        (f"{FEBRUARY}.AAAA", "a segment of an unknown type"),
        (f"{FEBRUARY}{_SHOWN[:-4]}", "cut off"),
        (f"{FEBRUARY}{_PUBLISHER[:8]}", "cut off"),
    ],
)
def test_what_is_no_valid_tc_string_is_neither_consent_nor_refusal_and_says_why(
    text: str | None, why: str
) -> None:
    judgement = judge(text, (1,))
    assert judgement.consent is UNKNOWN
    assert why in judgement.why
    assert not (text or "").strip() or text not in judgement.why


@pytest.mark.parametrize("around", [" {}", "{}\n", "\t{} "])
def test_space_around_a_string_is_no_part_of_it(around: str) -> None:
    assert decide(around.format(WHOLE), PURPOSES, VENDOR) is GRANTED


def test_base64s_padding_is_no_part_of_a_string_where_it_belongs() -> None:
    texts = [_string(restrictions=[(3, 1, [(9, 9)] * n)]) for n in range(1, 4)]
    assert {len(text) % 4 for text in texts} >= {2, 3}
    for text in texts:
        padding = "=" * (-len(text) % 4)
        assert decide(text + padding, PURPOSES, VENDOR) is GRANTED
        assert decide(text + padding + "=", PURPOSES, VENDOR) is UNKNOWN


def test_the_sandboxes_strings_say_what_they_are_made_to_say() -> None:
    string = tc_string(frozenset({1, 7}), frozenset({3, 755}))
    assert allows(string, (1, 7), 755)
    assert decide(string, (1, 7), 4) is UNKNOWN
    assert decide(tc_string(frozenset()), (1,), 755) is REFUSED


_RANGES = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 20)).map(lambda r: (r[0], r[0] + r[1])),
    min_size=1,
    max_size=3,
)


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2, 7, 24]), st.integers(0, 2), _RANGES), max_size=4
    ).flatmap(st.permutations)
)
def test_of_several_restrictions_the_strictest_counts_in_any_order(
    entries: list[tuple[int, int, list[tuple[int, int]]]],
) -> None:
    overruled = any(
        purpose in PURPOSES and kind != 1 and any(a <= VENDOR <= b for a, b in ranges)
        for purpose, kind, ranges in entries
    )
    text = _string(restrictions=entries)
    assert decide(text, PURPOSES, VENDOR) is (REFUSED if overruled else GRANTED)


@pytest.mark.parametrize(
    "restriction",
    [
        (7, 1, [(50, 9)]),
        (7, 1, [(0, 0)]),
        (7, 1, [(0, 9)]),
        (7, 1, [(3, 4), (60, 43)]),
        (7, 3, [(9, 9)]),
        (0, 1, [(9, 9)]),
        (25, 1, [(9, 9)]),
    ],
)
def test_a_restriction_that_can_not_be_makes_the_string_none(
    restriction: tuple[int, int, list[tuple[int, int]]],
) -> None:
    assert decide(_string(restrictions=[restriction]), PURPOSES, VENDOR) is UNKNOWN
    assert decide(_string(restrictions=[(3, 1, [(9, 9)]), restriction]), PURPOSES) is UNKNOWN


@pytest.mark.parametrize(
    ("ranges", "consent"),
    [
        ([(40, 44)], GRANTED),
        ([(1, 1), (42, 42)], GRANTED),
        ([(1, 41), (43, 60)], REFUSED),
        ([(44, 40)], UNKNOWN),
        ([(0, 42)], UNKNOWN),
        ([(42, 42), (0, 0)], UNKNOWN),
        ([(40, 61)], UNKNOWN),
        ([(42, 42), (61, 61)], UNKNOWN),
    ],
)
def test_ranges_of_vendors_ascend_from_1_to_the_highest(
    ranges: list[tuple[int, int]], consent: Consent
) -> None:
    assert decide(_string(vendors=ranges), PURPOSES, VENDOR) is consent
    disclosed = _string(created=17_800_000_000, policy=5, disclosed=ranges)
    assert decide(disclosed, PURPOSES, VENDOR) is (GRANTED if consent is GRANTED else UNKNOWN)


@pytest.mark.parametrize(
    "change",
    [
        {"created": 0},
        {"created": 15_646_000_000},  # 2019-07-31
        {"updated": 17_750_000_000},  # written anew in March 2026
        {"language": 26},
        {"country": 63},
        {"count": 1},
        {"count": 4095},
        {"version": 1},
        {"version": 3},
    ],
)
def test_a_field_that_can_not_be_makes_the_string_none(change: dict[str, int]) -> None:
    assert decide(_string(), PURPOSES, VENDOR) is GRANTED
    assert decide(_string(**change), PURPOSES, VENDOR) is UNKNOWN


@given(
    st.sampled_from([WHOLE, FEBRUARY, IAB, ENCODED["vendors as ranges"][0]]),
    st.data(),
)
def test_no_mutation_grants_what_the_bits_do_not_say(text: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["replace", "delete", "insert", "cut"]))
    at = data.draw(st.integers(0, len(text) - 1))
    signs = data.draw(
        st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=~ é", max_size=9)
    )
    mutated = {
        "replace": text[:at] + signs + text[at + len(signs) :],
        "delete": text[:at] + text[at + 1 + len(signs) :],
        "insert": text[:at] + signs + text[at:],
        "cut": text[:at],
    }[kind]
    if decide(mutated, (1, 2), VENDOR) is not GRANTED:
        return
    core, *segments = mutated.strip().split(".")
    bits = "".join(f"{byte:08b}" for byte in urlsafe_b64decode(core + "=" * (-len(core) % 4)))
    assert int(bits[:6], 2) == 2
    assert bits[152:154] == "11"  # purposes 1 and 2
    created = int(bits[6:42], 2)
    assert bits[138] == "1" or created < 16_304_544_000  # 2021-09-01, service-specific
    if created >= 17_723_232_000:  # 2026-03-01
        assert any(segment.strip()[0] in "IJKL" for segment in segments)


def _string(
    *,
    created: int = 17_700_000_000,
    updated: int = 0,
    policy: int = 4,
    vendors: list[tuple[int, int]] | None = None,
    restrictions: list[tuple[int, int, list[tuple[int, int]]]] | None = None,
    disclosed: list[tuple[int, int]] | None = None,
    language: int = 5,
    country: int = 5,
    version: int = 2,
    count: int | None = None,
) -> str:
    """A string of February 2026 with consent for everything, and what it is asked to hold.

    ``count`` is of restrictions, whatever there is; the highest vendor is 60.
    """
    entries = restrictions or []
    bits = f"{version:06b}{created:036b}{updated or created:036b}{300:012b}{1:012b}{1:06b}"
    bits += f"{language:06b}{5:06b}{77:012b}{policy:06b}10{0:012b}" + "1" * 24 + "0" * 25
    bits += f"{country:06b}{5:06b}{60:016b}1{_ranges(vendors or [(1, 60)])}{0:016b}0"
    bits += f"{len(entries) if count is None else count:012b}"
    for purpose, kind, ranges in entries:
        bits += f"{purpose:06b}{kind:02b}{_ranges(ranges)}"
    segments = [bits]
    if disclosed is not None:
        segments.append(f"001{60:016b}1{_ranges(disclosed)}")
    return ".".join(map(_base64, segments))


def _ranges(ranges: list[tuple[int, int]]) -> str:
    bits = f"{len(ranges):012b}"
    for first, last in ranges:
        bits += f"0{first:016b}" if first == last else f"1{first:016b}{last:016b}"
    return bits


def _base64(bits: str) -> str:
    bits += "0" * (-len(bits) % 8)
    packed = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return urlsafe_b64encode(packed).decode().rstrip("=")
