"""Reads texts that stand in another spelling: percent-encoded, escaped, or with HTML's entities."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import quote, unquote

Clean = Callable[[str], str]

_ROUNDS = 5
_RUN = r"[^\s\"'<>?&#=;,/]"
_PERCENT = r"%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})"
_ENCODED = re.compile(rf"(?<!{_RUN}){_RUN}*{_PERCENT}{_RUN}*")
# what JavaScript's escape() makes
_WIDE = re.compile(r"%[uU]([0-9A-Fa-f]{4})")
_SPELT = re.compile(
    r"&#[0-9]{1,9};?|&#[xX][0-9A-Fa-f]{1,9};?|&[A-Za-z]{2,31};"
    r"|\\u[0-9A-Fa-f]{4}|\\u\{[0-9A-Fa-f]{1,6}\}|\\x[0-9A-Fa-f]{2}"
)
_SURROGATES = range(0xD800, 0xE000)
_LAST = 0x10FFFF


def decoded(text: str, clean: Clean) -> str:
    """The text, its encoded parts cleaned as what they encode, where that changes anything."""
    if "%" in text:
        text = _ENCODED.sub(lambda match: _requoted(match[0], clean), text)
    if "&" in text or "\\" in text:
        inner = _SPELT.sub(_plainly, text)
        if inner != text and (outer := clean(inner)) != inner:
            return outer
    return text


def unquoted(text: str) -> str:
    """The text without percent-encoding, however often it was encoded."""
    for _ in range(_ROUNDS):
        inner = unquote(_WIDE.sub(lambda match: _sign(match[1], match[0]), text))
        if inner == text:
            break
        text = inner
    return text


def _requoted(part: str, clean: Clean) -> str:
    inner = unquoted(part)
    outer = clean(inner) if inner != part else inner
    return part if outer == inner else quote(outer, safe="/:()@!*~,", errors="replace")


def _plainly(match: re.Match[str]) -> str:
    spelt = match[0]
    return unescape(spelt) if spelt[0] == "&" else _sign(spelt[2:].strip("{}"), spelt)


def _sign(code: str, otherwise: str) -> str:
    """The sign of a hexadecimal code; half of a pair stays as it is spelt."""
    point = int(code, 16)
    return otherwise if point in _SURROGATES or point > _LAST else chr(point)
