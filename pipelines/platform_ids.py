"""Ids of accounts, campaigns, ad groups and ads: one spelling each, and whole."""

from __future__ import annotations

import re
from collections.abc import Collection

from pipelines.platforms import Level, platform

# A float, and so a number in a spreadsheet, keeps 15 digits; zeros stand for the others.
_DIGITS_KEPT = 15
_LOST = re.compile(r"[0-9]+[.,]0*|[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
ROUNDED = "has not kept all of its digits: a spreadsheet took it for a number"


def canonical_id(platform_name: str, level: Level, text: str) -> str:
    """An id in the one spelling that is stored, such as 1112223334 for Google's 111-222-3334.

    Raises:
        ValueError: it is no id of this platform and level; says what one looks like, or that a
            spreadsheet rounded it.
        ConfigError: the platform isn't in platforms.yaml.
    """
    shape = platform(platform_name).ids.get(level)
    given = text.strip()
    if _LOST.fullmatch(given):
        raise ValueError(ROUNDED)
    if shape is None:
        return given
    if (canonical := shape.canonical(given)) is None:
        raise ValueError(f"is no {level} id of {platform_name}: {shape.as_}")
    return canonical


def rounded_ids(ids: Collection[str]) -> list[str]:
    """Ids that a spreadsheet rounded: each of more than 15 digits ends in zeros after them.

    One such id may be real; that all are is taken for chance only above one in a thousand.
    """
    long = sorted({i for i in ids if i.isascii() and i.isdigit() and len(i) > _DIGITS_KEPT})
    if any(set(i[_DIGITS_KEPT:]) != {"0"} for i in long):
        return []
    return long if sum(len(i) - _DIGITS_KEPT for i in long) >= 3 else []
