"""What may be taken of a person: what they consented to, and which fields never.

Consent is a TCF v2 string (IAB Europe, "Transparency & Consent String", version 2), decoded by
``iab-tcf``. Whatever can't be read is no consent, and no refusal either.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from iab_tcf import ConsentV2, PubRestrictionEntry, base64_decode

_VERSION = 2
_BASE64 = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_OVERRULED = {
    PubRestrictionEntry.PURPOSE_FLATLY_NOT_ALLOWED,
    PubRestrictionEntry.REQUIRE_LEGITIMATE_INTEREST,
}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_PERSONAL = frozenset(
    re.findall(
        r"\w+",
        """
        address age agent aid birth birthday birthdate city comment cookie device dob email
        fingerprint firstname fullname gaid gender idfa idfv imei ip ipv lastname lat latitude
        lng lon longitude mail message mobile name note passport password person phone postal
        postcode secret session ssn street surname tel telephone token ua username zip
        """,
    )
)


class Consent(Enum):
    """What a consent string says; UNKNOWN where there is none that can be read."""

    GRANTED = "granted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def allows(consent: str | None, purposes: tuple[int, ...], vendor_id: int | None = None) -> bool:
    """Whether a TCF v2 string consents to all purposes, and to the vendor where one is given.

    A missing, malformed or cut-off string, or one of another version, allows nothing.
    """
    return decide(consent, purposes, vendor_id) is Consent.GRANTED


@lru_cache(maxsize=65_536)
def decide(consent: str | None, purposes: tuple[int, ...], vendor_id: int | None = None) -> Consent:
    """As :func:`allows`, but tells a person's refusal from a string that says nothing.

    Legitimate interest is not consent. A publisher's restriction that forbids the vendor a
    purpose, or allows it for legitimate interest only, is a refusal.
    """
    decoded = _decoded(consent)
    if decoded is None:
        return Consent.UNKNOWN
    granted = all(decoded.is_purpose_allowed(purpose) for purpose in purposes)
    if vendor_id is not None:
        restricted = (decoded.get_restriction(vendor_id, purpose) for purpose in purposes)
        granted = (
            granted
            and decoded.is_vendor_allowed(vendor_id)
            and not any(entry and entry.restriction_type in _OVERRULED for entry in restricted)
        )
    return Consent.GRANTED if granted else Consent.REFUSED


def is_personal(field: str) -> bool:
    """Whether a field that nobody described is, by its name, about a person: it is not taken.

    ``first_name``, ``Billing Address`` and ``userAgent`` are; ``campaign_group`` is not.
    """
    return any(word.lower() in _PERSONAL for word in _WORDS.findall(field))


def _decoded(consent: str | None) -> ConsentV2 | None:
    """The core segment; None where it is no whole TCF v2 string."""
    if not consent or not _BASE64.fullmatch(consent):
        return None  # the decoder would skip what isn't base64
    try:
        decoded = ConsentV2(base64_decode(consent.split(".")[0]))
    except (ValueError, OverflowError, OSError):
        return None
    # The decoder reads past the end, and what is not there comes out as true.
    reader = decoded._reader
    whole = reader._pointer <= len(reader._consent)
    return decoded if whole and decoded.version == _VERSION else None
