"""Ids in a file's cells; one that a spreadsheet has rounded is another's, and refused."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal

from pipelines.platform_ids import ROUNDED, canonical_id, rounded_ids
from pipelines.platforms import Level

# A float keeps 53 bits: of a longer number it has zeros (in binary) in the place of others.
_SAFE, _BITS, _CHANCE = 10**15, 53, 1_000
# ="901" and '901 are how a spreadsheet is told that 901 is a text.
_AS_TEXT = re.compile(r'="([^"]*)"|\'(.*)')


class NotAnId(ValueError):
    """A cell that is nobody's id; its text says why."""


def read_id(cell: object, platform: str, level: Level) -> str:
    """The id that a cell holds, in the platform's one spelling.

    Raises:
        NotAnId: it is none, or has lost digits.
    """
    try:
        return canonical_id(platform, level, _written(cell))
    except ValueError as error:
        raise NotAnId(str(error)) from None


def as_text(cell: str) -> str:
    """A cell without the signs by which a spreadsheet takes it for a text."""
    match = _AS_TEXT.fullmatch(cell.strip())
    return (match[1] or match[2] or "") if match else cell


def _written(cell: object) -> str:
    if isinstance(cell, str):
        return as_text(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise NotAnId("is no id")
    if cell != int(cell) or (isinstance(cell, float) and abs(cell) >= _SAFE):
        raise NotAnId(ROUNDED)
    return str(int(cell))


def look_rounded(ids: Collection[str]) -> list[str]:
    """The long numbers among distinct ids, where all of them are such as rounding leaves, beyond
    chance; else none."""
    return rounded_ids(ids) or _look_like_floats(ids)


def _look_like_floats(ids: Collection[str]) -> list[str]:
    rarity, endings, long = 1, set(), []
    for id_ in ids:
        number = int(id_) if id_.isascii() and id_.isdigit() else 0
        power = number.bit_length() - _BITS
        if power <= 0:
            continue
        if number % 2**power:
            return []
        long.append(id_)
        # the ids of an account at Meta end alike, and the last digits decide this
        if (ending := id_[-power:]) not in endings:
            rarity *= 2**power
            endings.add(ending)
    return sorted(long) if rarity >= _CHANCE else []
