"""Salted SHA-256 of personal identifiers, normalised first so that the same person hashes alike."""

from __future__ import annotations

import hashlib
import unicodedata

import phonenumbers

_GOOGLE_DOMAINS = {"gmail.com", "googlemail.com"}


def normalise_email(email: str) -> str:
    """Trim and lower-case; for Gmail drop dots and what follows a plus, as Google's
    enhanced-conversions rules say.

    Elsewhere dots and plus signs are kept: there they may be two people, and Meta's rules, which
    ask for trimming and lower case only, agree.
    """
    cleaned = unicodedata.normalize("NFKC", email).strip().lower()
    local, at, domain = cleaned.rpartition("@")
    if at and domain in _GOOGLE_DOMAINS:
        local = local.split("+", 1)[0].replace(".", "")
    return f"{local}{at}{domain}"


def hash_email(email: str | None, salt: str) -> str | None:
    """Salted SHA-256 of a normalised e-mail address, hex; None for none."""
    return _hash("email", normalise_email(email), salt) if email and email.strip() else None


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


def hash_phone(phone: str | None, salt: str, region: str | None = None) -> str | None:
    """Salted SHA-256 of a phone number in E.164, hex; None for none, and for what is no number."""
    normalised = normalise_phone(phone, region) if phone else None
    return _hash("phone", normalised, salt) if normalised else None


def hash_user_id(user_id: str | None, salt: str) -> str | None:
    """Salted SHA-256 of a site's user or customer id, hex; None for none."""
    return _hash("user", user_id.strip(), salt) if user_id and user_id.strip() else None


def _hash(kind: str, value: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{kind}:{value}".encode()).hexdigest()
