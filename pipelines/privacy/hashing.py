"""Salted SHA-256 of personal identifiers, normalised first so that the same person hashes alike."""

from __future__ import annotations

import hashlib
import unicodedata

_GOOGLE_DOMAINS = {"gmail.com", "googlemail.com"}


def normalise_email(email: str) -> str:
    """Trim and lower-case; for Gmail drop dots and what follows a plus, as Google's
    enhanced-conversions rules say."""
    cleaned = unicodedata.normalize("NFKC", email).strip().lower()
    local, at, domain = cleaned.rpartition("@")
    if at and domain in _GOOGLE_DOMAINS:
        local = local.split("+", 1)[0].replace(".", "")
    return f"{local}{at}{domain}"


def hash_email(email: str | None, salt: str) -> str | None:
    """Salted SHA-256 of a normalised e-mail address, hex; None for none."""
    return _hash("email", normalise_email(email), salt) if email and email.strip() else None


def hash_user_id(user_id: str | None, salt: str) -> str | None:
    """Salted SHA-256 of a site's user or customer id, hex; None for none."""
    return _hash("user", user_id.strip(), salt) if user_id and user_id.strip() else None


def _hash(kind: str, value: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{kind}:{value}".encode()).hexdigest()
