"""Salted SHA-256 of personal identifiers, normalised first so that the same person hashes alike.

A text that stands where an id is missing (``undefined``, zeros) is nobody's: it has no hash.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import unquote

import phonenumbers

from pipelines.placeholders import SHIPPED, Placeholders

_GOOGLE_DOMAINS = {"gmail.com", "googlemail.com"}
# what mail programs and links put around an address, and what stands beside it in lists
_AROUND = re.compile(r"(?:mailto:|[^<>]*<)([^<>?]+)(?:>|\?.*)?")
_BESIDE = " \t\r\n,;.<>\"'"
_ONE_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
# the numbers that forms are filled with where none is given
_TYPED = re.compile(r"(\d)\1{6,}$|0?1234567890?$")


def normalise_email(email: str) -> str:
    """Take it out of what programs put around it (``mailto:``, ``Ada <…>``), trim and lower-case;
    for Gmail drop dots and what follows a plus, as Google's enhanced-conversions rules say.

    Elsewhere dots and plus signs are kept: there they may be two people, and Meta's rules, which
    ask for trimming and lower case only, agree.
    """
    cleaned = unicodedata.normalize("NFKC", email).lower()
    if "@" not in cleaned:
        cleaned = unquote(cleaned)
    if match := _AROUND.fullmatch(cleaned.strip()):
        cleaned = match[1]
    cleaned = cleaned.strip(_BESIDE)
    local, at, domain = cleaned.rpartition("@")
    if at and domain in _GOOGLE_DOMAINS:
        local = local.split("+", 1)[0].replace(".", "")
    return f"{local}{at}{domain}"


def hash_email(email: str | None, salt: str, nobodys: Placeholders = SHIPPED) -> str | None:
    """Salted SHA-256 of a normalised e-mail address, hex; None for none, for several, and for
    nobody's."""
    known = nobodys.real_address(email)
    address = normalise_email(known) if known else ""
    return _hash("email", address, salt) if _ONE_ADDRESS.fullmatch(address) else None


def normalise_phone(phone: str, region: str | None = None) -> str | None:
    """E.164 (+4930123456), as Google's and Meta's matching rules ask; None if it is no number.

    Google hashes the number with its plus and Meta without; a salted hash is compared only with
    our own, so one of the two serves. A leading 00 is read as the plus.

    Args:
        region: ISO 3166 country of a number that is written without its country code.
    """
    written = phone.strip()
    if region is None and written.startswith("00"):
        written = f"+{written[2:]}"
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def hash_phone(
    phone: str | None,
    salt: str,
    region: str | None = None,
    nobodys: Placeholders = SHIPPED,
) -> str | None:
    """Salted SHA-256 of a phone number in E.164, hex; None for none, and for what is no number or
    nobody's: one digit again and again, or all of them in order."""
    known = nobodys.real(phone)
    normalised = normalise_phone(known, region) if known else None
    if normalised is None or _TYPED.search(normalised):
        return None
    return _hash("phone", normalised, salt)


def hash_user_id(user_id: str | None, salt: str, nobodys: Placeholders = SHIPPED) -> str | None:
    """Salted SHA-256 of a site's user or customer id, hex; None for none, and for nobody's."""
    known = nobodys.real(user_id)
    return _hash("user", known.strip(), salt) if known else None


def placeholder_hashes(salt: str, nobodys: Placeholders = SHIPPED) -> frozenset[str]:
    """What placeholders hash to: ids that landed before they were known to be nobody's."""
    users = (_hash("user", text.strip(), salt) for text in nobodys.texts)
    emails = (_hash("email", normalise_email(text), salt) for text in nobodys.texts)
    return frozenset([*users, *emails])


def _hash(kind: str, value: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{kind}:{value}".encode()).hexdigest()
