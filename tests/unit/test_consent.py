"""TCF v2 consent: what a string allows, what it refuses, and what says nothing at all."""

import pytest

from pipelines.privacy.consent import Consent, allows, decide, is_personal
from pipelines.sandbox.platforms.server_events.export import tc_string

# the IAB's own example: purposes 1 to 3, vendors 2, 6 and 8 in a bit field
IAB = "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"  # noqa: E501
V1 = "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"


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
    assert allows(IAB, purposes, vendor_id) is allowed
    assert decide(IAB, purposes, vendor_id) is (Consent.GRANTED if allowed else Consent.REFUSED)


def test_a_string_cut_off_anywhere_allows_nothing() -> None:
    core = IAB.split(".", maxsplit=1)[0]
    for end in range(len(core)):
        assert decide(core[:end], (1,)) is Consent.UNKNOWN


@pytest.mark.parametrize("text", [None, "", "granted", f"C!{IAB}", f" {IAB}", V1, "C" * 60, "é"])
def test_what_is_no_tcf_v2_string_is_neither_consent_nor_refusal(text: str | None) -> None:
    assert decide(text, (1,)) is Consent.UNKNOWN
    assert not allows(text, (1,))


def test_the_sandboxes_strings_say_what_they_are_made_to_say() -> None:
    string = tc_string(frozenset({1, 7}), frozenset({3, 755}))
    assert allows(string, (1, 7), 755)
    assert not allows(string, (1, 7), 4)
    assert decide(tc_string(frozenset()), (1,)) is Consent.REFUSED


def test_a_publishers_restriction_overrules_consent() -> None:
    restricted = _with_restriction(purpose=1, kind=0, vendor=6)
    assert not allows(restricted, (1,), 6)
    assert allows(restricted, (2,), 6)
    assert allows(restricted, (1,), 2)
    assert allows(_with_restriction(purpose=1, kind=1, vendor=6), (1,), 6)


@pytest.mark.parametrize(
    ("field", "personal"),
    [
        *(
            (name, True)
            for name in ("first_name", "Billing Address", "userAgent", "clientIP", "age")
        ),
        *((name, False) for name in ("campaign_group", "Total_Conversion", "placement", "page")),
    ],
)
def test_fields_about_a_person_are_known_by_their_names(field: str, personal: bool) -> None:
    assert is_personal(field) is personal


def _with_restriction(purpose: int, kind: int, vendor: int) -> str:
    """The IAB's example with one publisher restriction for one vendor."""
    from base64 import urlsafe_b64decode, urlsafe_b64encode

    core = urlsafe_b64decode(IAB.split(".", maxsplit=1)[0] + "=")
    bits = "".join(f"{byte:08b}" for byte in core)
    # behind the fixed part, the vendors' bit fields (8 consents, then as many interests)
    at = 213 + 17 + int(bits[213:229], 2)
    at += 17 + int(bits[at : at + 16], 2)
    bits = bits[:at] + f"{1:012b}{purpose:06b}{kind:02b}{1:012b}0{vendor:016b}"
    bits += "0" * (-len(bits) % 8)
    packed = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return urlsafe_b64encode(packed).decode().rstrip("=")
