"""Blots out what looks like a person's address or number in free text."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^\s@\"'<>,;=]+@[^\s@\"'<>,;]+\.[^\s@\"'<>,;]+")
# a day is no phone number
_PHONE = re.compile(r"(?<![\d-])(?!\d{4}-\d\d-\d\d)\+?\d[\d ()./-]{7,}\d")
_BLOT = "[redacted]"


def without_emails(text: str) -> str:
    """The text without e-mail addresses; ids and numbers stay."""
    return _EMAIL.sub(_BLOT, text)


def redacted(text: str) -> str:
    """The text without e-mail addresses and phone numbers."""
    return _PHONE.sub(_BLOT, without_emails(text))
