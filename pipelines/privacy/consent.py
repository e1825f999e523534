"""What a person consented to, as a TC string (IAB Europe's TCF) says it.

Whatever can't be read, or isn't valid, is no consent, and no refusal either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from pipelines.privacy.tcf import REQUIRE_CONSENT, InvalidConsent, decode, holds


class Consent(Enum):
    """What a consent string says; UNKNOWN where there is none that is valid."""

    GRANTED = "granted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judgement:
    """A consent, and where it isn't granted why; ``why`` quotes nothing of the string."""

    consent: Consent
    why: str = ""


_GRANTED, _REFUSED = Judgement(Consent.GRANTED), Judgement(Consent.REFUSED, "refused")


def allows(consent: str | None, purposes: tuple[int, ...], vendor_id: int | None = None) -> bool:
    """Whether a TC string consents to all purposes, and to the vendor where one is given.

    A missing, malformed or invalid string, or one of another version, allows nothing.
    """
    return decide(consent, purposes, vendor_id) is Consent.GRANTED


def decide(consent: str | None, purposes: tuple[int, ...], vendor_id: int | None = None) -> Consent:
    """As :func:`judge`, without the reason."""
    return judge(consent, purposes, vendor_id).consent


@lru_cache(maxsize=65_536)
def judge(
    consent: str | None, purposes: tuple[int, ...], vendor_id: int | None = None
) -> Judgement:
    """As :func:`allows`, but tells a person's refusal from a string that says nothing.

    Legitimate interest is not consent. A publisher's restriction that forbids the vendor a purpose,
    or allows it for legitimate interest only, is a refusal; of several, the strictest counts.
    A vendor that the person wasn't shown (TCF 2.3) was neither granted nor refused anything.

    Raises:
        ValueError: no purposes, which every string would allow.
    """
    if not purposes:
        raise ValueError("consent is for purposes; name at least one")
    if not consent or not consent.strip():
        return Judgement(Consent.UNKNOWN, "no consent string")
    try:
        said = decode(consent)
    except InvalidConsent as error:
        return Judgement(Consent.UNKNOWN, f"no valid TC string: {error}")
    shown = vendor_id is None or said.disclosed is None or holds(said.disclosed, vendor_id)
    if not shown:
        return Judgement(Consent.UNKNOWN, "the vendor wasn't disclosed")
    if not said.purposes.issuperset(purposes):
        return _REFUSED
    if vendor_id is None:
        return _GRANTED
    overruled = any(
        entry.purpose in purposes
        and entry.kind != REQUIRE_CONSENT
        and holds(entry.vendors, vendor_id)
        for entry in said.restrictions
    )
    return _REFUSED if overruled or not holds(said.vendors, vendor_id) else _GRANTED
