"""Reads the cells of a CSV export: every bad one is found, and named by row and column."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from typing import TypeVar

from pipelines.errors import InputError
from pipelines.sources.mapping import Mapping

_T = TypeVar("_T")
_SHOWN = 5
KEPT = "nothing was published; what was published before is as it was."


@dataclass
class Sheet:
    """A CSV file's cells as text, the columns that a mapping uses.

    ``row_numbers`` are those of a spreadsheet: the header is row 1. ``problems`` collects what
    can't be used, until :meth:`refuse_problems`.
    """

    path: Path
    columns: dict[str, list[str]]
    row_numbers: list[int]
    mapping: Mapping
    problems: list[tuple[int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.row_numbers)

    def texts(self, column: str) -> list[str]:
        """Cells that must say something."""
        return self._parse(column, str, "a text", nothing=None)

    def days(self, column: str, format_: str) -> list[date]:
        """Cells that must be a day in strptime's ``format_``."""

        def parse(cell: str) -> date:
            return datetime.strptime(cell, format_).date()

        return self._parse(column, parse, f"a day as {format_}", nothing=None)

    def counts(self, column: str) -> list[int]:
        """Whole numbers from 0; 0 for nothing."""
        return self._parse(column, _count, "a whole number", nothing=0)

    def micros(self, column: str) -> list[int]:
        """Decimal amounts in millionths, from 0; 0 for nothing.

        Digits beyond the millionth (exports that went through floating point) are rounded,
        half to even.
        """
        return self._parse(column, _micros, "an amount", nothing=0)

    def numbers(self, column: str) -> list[float]:
        """Numbers from 0; 0 for nothing."""
        return self._parse(column, _number, "a number", nothing=0.0)

    def translated(self, column: str, values: dict[str, str]) -> list[str]:
        """Cells that must be one of ``values``, translated."""
        wanted = f"one of {', '.join(values)}"
        return self._parse(column, values.__getitem__, wanted, nothing=None)

    def add_problem(self, position: int, text: str) -> None:
        """Note what is wrong with the row at a position."""
        self.problems.append((self.row_numbers[position], text))

    def refuse_problems(self) -> None:
        """Raise InputError if any cell was bad: the first five, and how many there are."""
        if not self.problems:
            return
        self.problems.sort()
        lines = [f"{self.path} row {row}{text}" for row, text in self.problems[:_SHOWN]]
        if len(self.problems) > 1:
            lines.append(f"{len(self.problems)} bad cells or rows in all.")
        raise InputError(
            "\n".join(lines),
            kept=KEPT,
            fix="Correct the file, or the mapping if it describes another file.",
        )

    def _parse(
        self, column: str, parse: Callable[[str], _T], wanted: str, *, nothing: _T | None
    ) -> list[_T]:
        nulls, thousands = set(self.mapping.null_tokens), self.mapping.thousands
        numeric = nothing is not None
        known: dict[str, _T] = {}
        values = []
        for i, raw in enumerate(self.columns[column]):
            cell = raw.strip()
            if cell not in known:
                try:
                    if cell in nulls and nothing is not None:
                        known[cell] = nothing
                    elif cell in nulls:
                        raise ValueError(cell)
                    else:
                        plain = cell.replace(thousands, "") if numeric and thousands else cell
                        known[cell] = parse(plain)
                except (ValueError, KeyError, InvalidOperation, OverflowError):
                    said = "means nothing" if cell in nulls else f"is not {wanted}"
                    self.add_problem(i, f", column {column}: '{cell}' {said}")
                    continue
            values.append(known[cell])
        return values


def read_sheet(path: Path, mapping: Mapping) -> Sheet:
    """Read a CSV file's columns that a mapping uses.

    Raises:
        InputError: no file, not UTF-8 CSV, empty, a missing column, or a row of other length.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter=mapping.delimiter, strict=True))
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.", kept=KEPT, fix="Check the path.") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(
            f"{path} can't be read as CSV in UTF-8: {error}", kept=KEPT, fix="Export it again."
        ) from error
    if not rows or not rows[0]:
        raise InputError(f"{path} is empty.", kept=KEPT, fix="Export it again.")
    header = [cell.strip() for cell in rows[0]]
    _check_header(path, header, mapping)
    numbered = [(i, row) for i, row in enumerate(rows[1:], start=2) if row]
    if not numbered:
        raise InputError(
            f"{path} has a header and no rows.", kept=KEPT, fix="Export it again with its days."
        )
    whole = [(i, row) for i, row in numbered if len(row) == len(header)]
    places = {name: header.index(name) for name in mapping.used_columns()}
    sheet = Sheet(
        path,
        {name: [row[place] for _, row in whole] for name, place in places.items()},
        [i for i, _ in whole],
        mapping,
    )
    sheet.problems += [
        (i, f": {len(row)} cells, the header has {len(header)}")
        for i, row in numbered
        if len(row) != len(header)
    ]
    return sheet


def _check_header(path: Path, header: list[str], mapping: Mapping) -> None:
    missing = [name for name in mapping.used_columns() if name not in header]
    if missing:
        hints = []
        for name in missing:
            near = _nearest(name, header)
            hints.append(f"'{name}'" + (f" (is it '{near}'?)" if near else ""))
        raise InputError(
            f"{path} has no column {', '.join(hints)}. Its columns: {', '.join(header)}.",
            kept=KEPT,
            fix="Correct the mapping, or export the file with that column.",
        )
    twice = {name for name in mapping.used_columns() if header.count(name) > 1}
    if twice:
        raise InputError(
            f"{path} has several columns called {', '.join(sorted(twice))}.",
            kept=KEPT,
            fix="Export the file with each column once.",
        )


def _nearest(name: str, header: list[str]) -> str | None:
    """The column that was probably meant: one that holds the words, or is spelt alike."""
    lower = {column.lower(): column for column in header}
    holding = [c for low, c in lower.items() if name.lower() in low]
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return holding[0] if holding else lower[near[0]] if near else None


def _count(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(cell)
    return _within_int64(int(cell))


def _micros(cell: str) -> int:
    amount = Decimal(cell)
    if not amount.is_finite() or amount < 0:
        raise ValueError(cell)
    return _within_int64(int((amount * 1_000_000).to_integral_value(ROUND_HALF_EVEN)))


def _within_int64(value: int) -> int:
    if value >= 2**63:
        raise ValueError(value)
    return value


def _number(cell: str) -> float:
    number = float(cell)
    if not isfinite(number) or number < 0:
        raise ValueError(cell)
    return number
