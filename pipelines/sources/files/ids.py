"""Ids as a platform spells them; one that a spreadsheet has rounded is another's, and refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from pipelines.platforms import canonical_id

Level = Literal["account", "campaign", "adgroup", "ad"]
LOST = "has not kept all of its digits"
# A spreadsheet keeps 15 digits of a number and has zeros in the place of others; a float keeps 53
# bits. An id of an honest file looks rounded by chance: all of a file's do so less than once in…
_DIGITS, _BITS, _CHANCE = 15, 53, 1_000
# ="901" and '901 are how a spreadsheet is told that 901 is a text.
_AS_TEXT = re.compile(r'="([^"]*)"|\'(.*)')
# 1.2021E+17 and 901.0 went through a number; a plus or a point tells them from ids like 12e4.
_NUMBER = re.compile(r"\d+[.,]\d+(?:[eE][+-]?\d+)?|\d+[eE]\+\d+", re.ASCII)
_CELL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#DIV/0!"}


class NotAnId(ValueError):
    """A cell that is nobody's id; its text says why."""


def read_id(cell: object, platform: str, level: Level) -> str:
    """The id that a cell holds, in the platform's one spelling.

    Raises:
        NotAnId: it is none, or has lost digits.
    """
    text = _written(cell)
    if _NUMBER.fullmatch(text):
        raise NotAnId(LOST)
    if text in _CELL_ERRORS:
        raise NotAnId("is a spreadsheet's error")
    try:
        return canonical_id(platform, level, text)
    except ValueError as error:
        raise NotAnId(f"is no {level} id of {platform}: {error}") from None


def _written(cell: object) -> str:
    if isinstance(cell, str):
        text = cell.strip()
        match = _AS_TEXT.fullmatch(text)
        return (match[1] or match[2] or "").strip() if match else text
    if isinstance(cell, float) and (abs(cell) >= 10**_DIGITS or cell != int(cell)):
        raise NotAnId(LOST)
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise NotAnId("is no id")
    if cell != int(cell):
        raise NotAnId(LOST)
    return str(int(cell))


def look_rounded(ids: Iterable[str]) -> bool:
    """Whether all long numbers among distinct ids are such as rounding leaves, beyond chance."""
    zeros, bits, endings = 1, 1, set()
    for text in ids:
        match = re.search(r"\d+$", text)
        if match is None or len(match[0]) <= _DIGITS:
            continue
        number = int(match[0])
        zeros *= _rarity(number, 10, len(match[0]) - _DIGITS)
        power = max(number.bit_length() - _BITS, 0)
        # the ids of an account at Meta end alike, and their last digits decide this
        ending = str(number)[-power:]
        if number % 2**power or ending not in endings:
            bits *= _rarity(number, 2, power)
            endings.add(ending)
    return max(zeros, bits) >= _CHANCE


def _rarity(number: int, base: int, power: int) -> int:
    """How rarely a number is a multiple of a power by chance; 0 where it is none."""
    step: int = base**power
    return step if number % step == 0 else 0
