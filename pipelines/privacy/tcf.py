"""Reads a TC string to its last bit, and refuses one that its specification doesn't allow.

IAB Tech Lab, "Transparency and Consent String with Global Vendor & CMP List Formats", TCF 2.3 as of
May 2026. What an older edition asks of the strings of its time is in ``decode``. It is a reader of
its own because ``iab-tcf`` reads past the end, skips characters that aren't base64, keeps the first
of two restrictions, and doesn't check ranges.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_VERSION = 2
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_PURPOSES = 24
_LETTERS = 26
# IAB Tech Lab's own encoder fills up to a multiple of 24 bits.
_MOST_PADDING = 23
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Version 2 was published in August 2019. From the later days on, a string is invalid: of global
# scope; of a policy before version 4; without the segment of disclosed vendors.
_FIRST = datetime(2019, 8, 1, tzinfo=UTC)
_NO_GLOBAL_SCOPE = datetime(2021, 9, 1, tzinfo=UTC)
_POLICY_4 = datetime(2023, 10, 1, tzinfo=UTC)
_DISCLOSURE = datetime(2026, 3, 1, tzinfo=UTC)
# Of TCF 2.3, in which the segment says which vendors a person was shown.
_POLICY_WITH_DISCLOSURE = 5
_CORE, _DISCLOSED, _ALLOWED, _PUBLISHER = range(4)

NOT_ALLOWED, REQUIRE_CONSENT, REQUIRE_LEGITIMATE_INTEREST = range(3)

Vendors = tuple[tuple[int, int], ...]
"""Vendor ids as ranges, first and last inclusive."""


class InvalidConsent(ValueError):
    """A string that isn't a valid TC string; its message says why, and quotes nothing of it."""


@dataclass(frozen=True)
class Restriction:
    """What a publisher overrules: a purpose, for some vendors, in one of the three ways."""

    purpose: int
    kind: int
    vendors: Vendors


@dataclass(frozen=True)
class TcString:
    """What a valid TC string says of consent; ``disclosed`` is None where that doesn't count."""

    created: datetime
    purposes: frozenset[int]
    vendors: Vendors
    restrictions: tuple[Restriction, ...]
    disclosed: Vendors | None


def decode(text: str) -> TcString:
    """Read a TC string. Space around it, and base64's padding, are no part of it.

    A string is judged by the day it was last written, however old it says to be: none is older than
    version 2; until the end of August 2021 it may be of global
    scope, until the end of September 2023 of a policy before version 4, and until the end of
    February 2026 without disclosed vendors.

    Raises:
        InvalidConsent: it isn't one of version 2, is cut off, goes on after its end, contradicts
            itself, or isn't valid under its specification.
    """
    text = text.strip()
    if re.match(r"[0-9]+~", text):
        raise InvalidConsent("an AC string (Google's Additional Consent), which is no TC string")
    if "~" in text:
        raise InvalidConsent("a GPP string, which isn't read: send the TC string within it")
    first, *others = [_Bits(segment) for segment in text.split(".")]
    core = _core(first)
    segments: dict[int, Vendors] = {}
    for bits in others:
        kind = bits.number(3)
        if kind not in (_DISCLOSED, _ALLOWED, _PUBLISHER):
            raise InvalidConsent("a segment of an unknown type")
        if kind in segments:
            raise InvalidConsent("two segments of one type")
        segments[kind] = bits.publisher() if kind == _PUBLISHER else bits.vendors()
        bits.end()
    disclosed = segments.get(_DISCLOSED)
    if disclosed is None and core.created >= _DISCLOSURE:
        raise InvalidConsent("no segment of disclosed vendors, created after February 2026")
    counts = core.policy >= _POLICY_WITH_DISCLOSURE or core.created >= _DISCLOSURE
    return TcString(
        core.created,
        core.purposes,
        core.vendors,
        core.restrictions,
        disclosed if counts else None,
    )


def holds(vendors: Vendors, vendor_id: int) -> bool:
    """Whether a vendor is among them."""
    return any(first <= vendor_id <= last for first, last in vendors)


@dataclass(frozen=True)
class _Core:
    created: datetime
    policy: int
    purposes: frozenset[int]
    vendors: Vendors
    restrictions: tuple[Restriction, ...]


def _core(bits: _Bits) -> _Core:
    version = bits.number(6)
    if version != _VERSION:
        raise InvalidConsent(f"not version {_VERSION} of the TC string")
    # A platform that writes a string anew writes it by the rules of that day.
    created = max(bits.instant(), bits.instant())
    bits.number(12 + 12 + 6)  # the CMP, its version, its screen
    bits.letters()  # language
    bits.number(12)  # version of the vendor list
    policy, service_specific = bits.number(6), bits.flag()
    bits.number(1 + 12)  # texts of its own, special features
    purposes = bits.set_of(_PURPOSES)
    bits.number(_PURPOSES + 1)  # legitimate interests, treatment of purpose 1
    bits.letters()  # country
    vendors = bits.vendors()
    bits.vendors()  # legitimate interests
    restrictions = bits.restrictions()
    bits.end()
    if created < _FIRST:
        raise InvalidConsent("older than version 2 of the TC string")
    if not service_specific and created >= _NO_GLOBAL_SCOPE:
        raise InvalidConsent("not service-specific")
    if policy < 4 and created >= _POLICY_4:
        raise InvalidConsent("of a policy before version 4, created after September 2023")
    return _Core(created, policy, purposes, vendors, restrictions)


class _Bits:
    """The bits of a segment, read in order.

    Raises:
        InvalidConsent: on making one, of what isn't base64; on reading, past the end, and of what
            can't be.
    """

    def __init__(self, segment: str) -> None:
        unpadded = segment.rstrip("=")
        padding = "=" * (-len(unpadded) % 4)
        if (
            not _SEGMENT.fullmatch(segment)
            or len(padding) > 2
            or segment[len(unpadded) :] not in ("", padding)
        ):
            raise InvalidConsent("not base64")
        content = urlsafe_b64decode(unpadded + padding)
        self._bits = "".join(f"{byte:08b}" for byte in content)
        self._at = 0

    def number(self, width: int) -> int:
        start, self._at = self._at, self._at + width
        if self._at > len(self._bits):
            raise InvalidConsent("cut off")
        return int(self._bits[start : self._at], 2) if width else 0

    def flag(self) -> bool:
        return bool(self.number(1))

    def instant(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.number(36) / 10)

    def letters(self) -> None:
        if self.number(6) >= _LETTERS or self.number(6) >= _LETTERS:
            raise InvalidConsent("a language or country that isn't two letters")

    def set_of(self, count: int) -> frozenset[int]:
        """The ids, from 1, whose bit is set."""
        start = self._at
        self.number(count)
        return frozenset(i + 1 for i in range(count) if self._bits[start + i] == "1")

    def vendors(self) -> Vendors:
        most = self.number(16)
        if not self.flag():
            return tuple((i, i) for i in sorted(self.set_of(most)))
        ranges = self._ranges()
        if any(last > most for _, last in ranges):
            raise InvalidConsent("a vendor beyond the highest one")
        return ranges

    def restrictions(self) -> tuple[Restriction, ...]:
        entries = []
        for _ in range(self.number(12)):
            purpose, kind = self.number(6), self.number(2)
            if not 1 <= purpose <= _PURPOSES or kind > REQUIRE_LEGITIMATE_INTEREST:
                raise InvalidConsent("a publisher restriction of an unknown purpose or type")
            entries.append(Restriction(purpose, kind, self._ranges()))
        return tuple(entries)

    def publisher(self) -> Vendors:
        """The publisher's own purposes, which say nothing of a vendor."""
        self.number(2 * _PURPOSES)
        self.number(2 * self.number(6))
        return ()

    def end(self) -> None:
        rest = self._bits[self._at :]
        if "1" in rest or len(rest) > _MOST_PADDING:
            raise InvalidConsent("longer than its content")

    def _ranges(self) -> Vendors:
        ranges = []
        for _ in range(self.number(12)):
            is_range, first = self.flag(), self.number(16)
            last = self.number(16) if is_range else first
            if not 1 <= first <= last:
                raise InvalidConsent("a range of vendors that ends before it starts, or vendor 0")
            ranges.append((first, last))
        return tuple(ranges)
