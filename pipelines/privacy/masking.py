"""The form of a text that can't be taken apart, and so may hold a person's data anywhere."""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = re.compile(r"\w+")
_PLAIN = {"true", "false", "null"}
_LONGEST = 500


def masked(text: str, known: Collection[str] = ()) -> str:
    """A text with x for each letter and 0 for each digit, but names of columns, and cut off.

    Args:
        known: words that stay: what a column is called is nobody's.
    """

    def mask(match: re.Match[str]) -> str:
        word = match[0]
        if word in known or word in _PLAIN:
            return word
        return "".join("0" if c.isdecimal() else c if c == "_" else "x" for c in word)

    cut = text[:_LONGEST]
    return _WORD.sub(mask, cut) + ("…" if len(text) > _LONGEST else "")
