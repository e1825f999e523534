"""The cells of an export file: every bad one is found, and named by row and column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from typing import TypeVar

from pipelines.errors import InputError
from pipelines.money import micros
from pipelines.sources.files.mapping import Mapping

_T = TypeVar("_T")
_SHOWN, _KEPT_AT_MOST = 5, 1_000
# A float, and so a number in a spreadsheet, has no more digits than these for certain.
_SAFE = 10**15
_TEXT_OR_ID = "a text, or a number that has kept all of its digits"
KEPT = "published data is unchanged."


class Problems:
    """What is wrong with a file's cells and rows: the first of them, and how many there are."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._first: list[tuple[int, str]] = []

    def add(self, row: int, text: str, times: int = 1) -> None:
        """Note what is wrong with a row, by its number."""
        self.count += times
        self._first.append((row, text))
        if len(self._first) > _KEPT_AT_MOST:
            self._first = sorted(self._first)[:_SHOWN]

    def refuse(self) -> None:
        """Raise InputError if there was any: the first five, and how many there are."""
        if not self.count:
            return
        lines = [f"{self.path} row {row}{text}" for row, text in sorted(self._first)[:_SHOWN]]
        if self.count > 1:
            lines.append(f"{self.count} bad cells or rows in all.")
        raise InputError(
            "\n".join(lines),
            kept=KEPT,
            fix="Correct the file, or the mapping if it describes another file.",
        )


@dataclass
class Sheet:
    """Some rows of a file: the cells of the columns that a mapping names, and of the others.

    Cells are texts (CSV), or what the format holds: numbers, days, None. ``row_numbers`` are
    those of a spreadsheet, whose header is row 1; a Parquet file's first row is row 1.
    """

    columns: dict[str, Sequence[object]]
    others: dict[str, Sequence[object]]
    row_numbers: list[int]
    mapping: Mapping
    problems: Problems

    def __len__(self) -> int:
        return len(self.row_numbers)

    def texts(self, column: str) -> list[str]:
        """Cells that must say something."""
        return self._parse(column, _text, _TEXT_OR_ID, nothing=None)

    def days(self, column: str, format_: str) -> list[date]:
        """Cells that must be a day, or a text of one in strptime's ``format_``."""

        def parse(cell: object) -> date:
            if isinstance(cell, datetime) and cell.tzinfo is None and cell.time() == time():
                return cell.date()
            if isinstance(cell, date) and not isinstance(cell, datetime):
                return cell
            return datetime.strptime(_text(cell), format_).date()

        return self._parse(column, parse, f"a day as {format_}", nothing=None)

    def counts(self, column: str) -> list[int]:
        """Whole numbers from 0; 0 for nothing."""
        return self._parse(column, self._numeric(_count), "a whole number", nothing=0)

    def micros(self, column: str) -> list[int]:
        """Decimal amounts in millionths, from 0; 0 for nothing.

        Digits beyond the millionth (exports that went through floating point) are rounded,
        half to even.
        """
        return self._parse(column, self._numeric(_micros), "an amount", nothing=0)

    def micros_if_any(self, column: str) -> list[int | None]:
        """As :meth:`micros`; None for nothing."""
        amounts = self._parse(column, self._numeric(_micros), "an amount", nothing=-1)
        return [None if amount < 0 else amount for amount in amounts]

    def numbers(self, column: str) -> list[float]:
        """Numbers from 0; 0 for nothing."""
        return self._parse(column, self._numeric(_number), "a number", nothing=0.0)

    def translated(self, column: str, values: dict[str, str]) -> list[str]:
        """Cells that must be one of ``values``, translated."""

        def parse(cell: object) -> str:
            return values[_text(cell)]

        return self._parse(column, parse, f"one of {', '.join(values)}", nothing=None)

    def drift(self, column: str) -> list[str | None]:
        """A column that the mapping does not name, as texts; None for nothing."""
        texts = (None if cell is None else str(cell).strip() for cell in self.others[column])
        return [None if text in self.mapping.null_tokens else text for text in texts]

    def _numeric(self, parse: Callable[[str], _T]) -> Callable[[object], _T]:
        thousands = self.mapping.thousands

        def parse_cell(cell: object) -> _T:
            if isinstance(cell, str):
                return parse(cell.replace(thousands, "") if thousands else cell)
            return parse(_plain(cell))

        return parse_cell

    def _parse(
        self, column: str, parse: Callable[[object], _T], wanted: str, *, nothing: _T | None
    ) -> list[_T]:
        nulls = {None, *self.mapping.null_tokens}
        known: dict[object, _T] = {}
        values = []
        for i, raw in enumerate(self.columns[column]):
            key = raw if type(raw) is str else (type(raw), raw)  # else True were 1
            if key not in known:
                cell = raw.strip() if isinstance(raw, str) else raw
                is_null = cell is None or (isinstance(cell, str) and cell in nulls)
                try:
                    if is_null and nothing is None:
                        raise ValueError(cell)
                    known[key] = nothing if is_null and nothing is not None else parse(cell)
                except (ValueError, KeyError, TypeError, InvalidOperation, OverflowError):
                    said = "means nothing" if is_null else f"is not {wanted}"
                    shown = "" if cell is None else cell
                    row = self.row_numbers[i]
                    self.problems.add(row, f", column {column}: '{shown}' {said}")
                    continue
            values.append(known[key])
        return values


def _text(cell: object) -> str:
    """A cell as text; an id that is a number must have kept all of its digits."""
    return cell if isinstance(cell, str) else _plain(cell)


def _plain(cell: object) -> str:
    """A number as decimal digits."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise TypeError(cell)
    if isinstance(cell, float) and abs(cell) >= _SAFE:
        raise ValueError(cell)
    whole = not isinstance(cell, int) and cell == int(cell)
    return format(int(cell) if whole else cell, "d" if whole or isinstance(cell, int) else "")


def _count(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(cell)
    return _within_int64(int(cell))


def _micros(cell: str) -> int:
    if Decimal(cell) < 0:
        raise ValueError(cell)
    return micros(cell)


def _within_int64(value: int) -> int:
    if value >= 2**63:
        raise ValueError(value)
    return value


def _number(cell: str) -> float:
    number = float(cell)
    if not isfinite(number) or number < 0:
        raise ValueError(cell)
    return number
