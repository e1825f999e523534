"""The cells of an export file: every bad one is named by row and column."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import partial
from math import inf, isfinite
from pathlib import Path
from typing import Generic, TypeVar, cast
from zoneinfo import ZoneInfo

from pipelines.errors import InputError
from pipelines.money import micros
from pipelines.platforms import Level
from pipelines.privacy.redaction import redacted
from pipelines.sources.files.advice import total_word
from pipelines.sources.files.ids import NotAnId, read_id
from pipelines.sources.files.layout import Layout
from pipelines.sources.files.mapping import Day, FileMapping
from pipelines.sources.files.numerals import NotANumber, Numerals

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
M = TypeVar("M", bound=FileMapping)
_SHOWN, _KEPT_AT_MOST, _SET_ASIDE_AT_MOST = 5, 1_000, 100_000
# no amount: below every INT64
_NOTHING = -(2**64)
# A float, and so a number in a spreadsheet, has no more digits than these for certain.
_SAFE = 10**15
_AN_ID = "an id"
_TEXT = "a text, or a number that has kept all of its digits"
_UNUSABLE = (ValueError, KeyError, TypeError, InvalidOperation, OverflowError)
KEPT = "published data is unchanged."
# how it ends what a row of another width than the header is
CELLS_MISSING = "cells than the header"


class Problems:
    """What is wrong with a file's cells and rows: the first of them, and how many there are.

    ``rows`` are those that can be set aside, and why; ``cells`` are those of rows of another width
    than the header, as far as they go; ``of_file`` is whether something isn't one row's, but the
    file's or its mapping's.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self.rows: dict[int, str] = {}
        self.cells: dict[int, dict[str, object]] = {}
        self.of_file = False
        self._first: list[tuple[int, str]] = []
        self._fix: str | None = None

    def advise(self, fix: str) -> None:
        """Say what to do, where it is known; the first advice counts."""
        self._fix = self._fix or fix

    def add(self, row: int, text: str, times: int = 1, *, why: str | None = None) -> None:
        """Note what is wrong with a row, by its number.

        Args:
            why: the same without the row's values, where the row alone is to blame.
        """
        self.count += times
        if why is None or len(self.rows) >= _SET_ASIDE_AT_MOST:
            self.of_file = True
        else:
            self.rows.setdefault(row, why)
        self._first.append((row, text))
        if len(self._first) > _KEPT_AT_MOST:
            self._first = sorted(self._first)[:_SHOWN]

    def day(self, row: int, column: str, as_: Day) -> date | None:
        """The day of a row of another width, where it can be read."""
        return day_of(self.cells.get(row, {}).get(column), as_)

    def refuse(self, most: int = 0) -> None:
        """Raise InputError if there was any: the first five, and how many there are.

        Args:
            most: how many rows may be set aside.
        """
        if not self.of_file and len(self.rows) <= most:
            return
        lines = [f"{self.path} row {row}{text}" for row, text in sorted(self._first)[:_SHOWN]]
        if self.count > 1:
            lines.append(f"{self.count} bad cells or rows in all.")
        raise InputError(
            "\n".join(lines),
            kept=KEPT,
            fix=self._fix or "Correct the file, or the mapping if it describes another file.",
        )


@dataclass(frozen=True)
class ExportFile:
    """A file, and how it is said to be written."""

    path: Path
    layout: Layout

    def refusal(self, reason: str, fix: str) -> InputError:
        """The error of a file that can't be used as a whole."""
        return InputError(f"{self.path} {reason}", kept=KEPT, fix=fix)


@dataclass
class Reading(Generic[M]):
    """A file while it is read: what its mapping says, and what was seen in it so far.

    ``totals`` are cells of the mapping's ``total_column`` in rows that are left out, by their
    number; ``last_row`` is the number of the last row with something in it.
    """

    path: Path
    mapping: M
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    problems: Problems = field(init=False)
    numerals: Numerals = field(init=False)
    left_out: int = 0
    last_row: int = 0
    totals: list[tuple[int, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems, self.numerals = Problems(self.path), Numerals(self.mapping)

    def refusal(self, reason: str, fix: str) -> InputError:
        """As :meth:`ExportFile.refusal`."""
        return self.file.refusal(reason, fix)

    def warn_of_left_out(self) -> None:
        """Log how many rows were left out, if any were."""
        if self.left_out:
            _log.warning("%s: left out, as the mapping says: %d row(s)", self.path, self.left_out)

    @property
    def today(self) -> date:
        """The day in the mapping's time zone: none of the file's is later."""
        return self.now.astimezone(ZoneInfo(self.mapping.time_zone)).date()

    @property
    def file(self) -> ExportFile:
        """The file itself."""
        return ExportFile(self.path, self.mapping)


@dataclass
class Sheet(Generic[M]):
    """Some rows of a file: the cells of the columns that a mapping names, and of the others.

    Cells are texts (CSV), or what the format holds: numbers, days, None. ``row_numbers`` are
    those of a spreadsheet; a Parquet file's first row is row 1.
    """

    columns: dict[str, Sequence[object]]
    others: dict[str, Sequence[object]]
    row_numbers: list[int]
    reading: Reading[M]

    def __len__(self) -> int:
        return len(self.row_numbers)

    def ids(self, column: str, level: Level) -> list[str]:
        """Cells that must be an id of the mapping's platform."""
        platform = self.reading.mapping.platform
        return self._parse(column, lambda cell: read_id(cell, platform, level), _AN_ID)

    def texts(self, column: str) -> list[str]:
        """Cells that must say something."""
        return self._parse(column, _text, _TEXT)

    def texts_if_any(self, column: str) -> list[str | None]:
        """As :meth:`texts`; None for nothing."""
        return [text or None for text in self._parse(column, _text, _TEXT, nothing="")]

    def days(self, column: str, as_: Day) -> list[date]:
        """Cells that must be a day, or a text of one in a format."""
        return self._parse(column, lambda cell: _day(cell, as_), f"a day as {as_.format}")

    def days_if_any(self, column: str, as_: Day) -> list[date | None]:
        """As :meth:`days`; None for nothing."""
        days = self._parse(
            column, lambda cell: _day(cell, as_), f"a day as {as_.format}", nothing=date.min
        )
        return [None if day == date.min else day for day in days]

    def instants(self, column: str, format_: str) -> list[datetime]:
        """Cells that must be a time with its offset from UTC."""
        return self._parse(column, lambda cell: _instant(cell, format_), _instants(format_))

    def instants_if_any(self, column: str, format_: str) -> list[datetime | None]:
        """As :meth:`instants`; None for nothing."""
        read = partial(_instant, format_=format_)
        instants = self._parse(column, read, _instants(format_), nothing=datetime.min)
        return [None if instant is datetime.min else instant for instant in instants]

    def counts(self, column: str) -> list[int]:
        """Whole numbers from 0; 0 for nothing."""
        return self._parse(column, self._count, "a whole number", nothing=0)

    def amounts(self, column: str, *, signed: bool = False) -> list[int | None]:
        """Decimal amounts in millionths, from 0 unless ``signed``; None for nothing.

        Digits beyond the millionth (exports that went through floating point) are rounded,
        half to even.
        """
        read = partial(self._micros, signed=signed)
        amounts = self._parse(column, read, "an amount", nothing=_NOTHING)
        return [None if amount == _NOTHING else amount for amount in amounts]

    def numbers(self, column: str) -> list[float]:
        """Numbers from 0; 0 for nothing."""
        return self._parse(column, self._number, "a number", nothing=0.0)

    def numbers_if_any(self, column: str) -> list[float | None]:
        """Numbers of either sign; None for nothing."""
        read = partial(self._number, signed=True)
        numbers = self._parse(column, read, "a number", nothing=inf)
        return [None if number == inf else number for number in numbers]

    def translated(
        self, column: str, values: dict[str, str], nothing: str | None = None
    ) -> list[str]:
        """Cells that must be one of ``values``, translated."""

        def parse(cell: object) -> str:
            return values[_text(cell)]

        wanted = f"one of {', '.join(values)} (the mapping's values can say what it means)"
        return self._parse(column, parse, wanted, nothing=nothing)

    def drift(self, column: str) -> list[str | None]:
        """A column that the mapping does not name, as texts; None for nothing."""
        texts = (None if cell is None else str(cell).strip() for cell in self.others[column])
        return [None if text in self.reading.mapping.null_tokens else text for text in texts]

    @property
    def is_readable(self) -> bool:
        """Whether nothing of its cells was wrong so far."""
        problems = self.reading.problems
        return not problems.of_file and problems.rows.keys().isdisjoint(self.row_numbers)

    def readable(self) -> Sheet[M]:
        """Without the rows that are set aside."""
        bad = self.reading.problems.rows
        return self.only(i for i, row in enumerate(self.row_numbers) if row not in bad)

    def only(self, places: Iterable[int]) -> Sheet[M]:
        """Some of its rows, by their places in it."""
        chosen = list(places)

        def picked(columns: dict[str, Sequence[object]]) -> dict[str, Sequence[object]]:
            return {name: [cells[i] for i in chosen] for name, cells in columns.items()}

        numbers = [self.row_numbers[i] for i in chosen]
        return Sheet(picked(self.columns), picked(self.others), numbers, self.reading)

    def is_nothing(self, cell: object) -> bool:
        """Whether a cell is one of those that mean nothing."""
        text = cell.strip() if isinstance(cell, str) else cell
        return text is None or text in self.reading.mapping.null_tokens

    def _micros(self, cell: object, *, signed: bool) -> int:
        return micros(self._decimal(cell, signed=signed))

    def _number(self, cell: object, *, signed: bool = False) -> float:
        number = float(self._decimal(cell, signed=signed))
        if not isfinite(number):
            raise ValueError(cell)
        return number

    def _count(self, cell: object) -> int:
        """A whole number that fits an INT64."""
        if isinstance(cell, str):
            count = self.reading.numerals.whole(cell)
        else:
            number = self._decimal(cell)
            count = int(number)
            if count != number:
                raise ValueError(cell)
        if count >= 2**63:
            raise ValueError(cell)
        return count

    def _decimal(self, cell: object, *, signed: bool = False) -> Decimal:
        if isinstance(cell, str):
            return self.reading.numerals.number(cell, signed=signed)
        number = Decimal(_plain(cell))
        if number < 0 and not signed:
            raise ValueError(cell)
        return number

    def _parse(
        self, column: str, parse: Callable[[object], _T], wanted: str, *, nothing: _T | None = None
    ) -> list[_T]:
        nulls = {None, *self.reading.mapping.null_tokens}
        known: dict[object, _T] = {}
        values = []
        for i, raw in enumerate(self.columns[column]):
            key = raw if type(raw) is str else (type(raw), raw)  # else True were 1
            if key not in known:
                cell = raw.strip() if isinstance(raw, str) else raw
                is_null = cell is None or (isinstance(cell, str) and cell in nulls)
                if is_null and nothing is not None:
                    known[key] = nothing
                else:
                    try:
                        if is_null:
                            raise ValueError(cell)
                        known[key] = parse(cell)
                    except _UNUSABLE as error:
                        quoted = self.reading.mapping.quotes_cells
                        shown = cell if quoted and cell is not None else ""
                        reason = "means nothing" if is_null else _reason(error, wanted)
                        text = redacted(f"'{shown}' {reason}", ids=wanted == _AN_ID)
                        why = None if self._advise_on_total(i) else f"column {column} {reason}"
                        self.reading.problems.add(
                            self.row_numbers[i], f", column {column}: {text}", why=why
                        )
                        values.append(cast(_T, None))  # the row is set aside
                        continue
            values.append(known[key])
        return values

    def _advise_on_total(self, i: int) -> bool:
        """Say how a row that calls itself a total is left out, if this is one."""
        row, mapping = self.row_numbers[i], self.reading.mapping
        for name, cells in (self.columns | self.others).items():
            if word := total_word(cells[i]):
                self.reading.problems.advise(
                    f"Row {row} looks like a total. Leave such rows out in the "
                    f'mapping: leave_out: [{{column: "{name}", starts_with: "{word}"}}].'
                )
                return True
        keys = [self.columns[name][i] for name in mapping.key_columns]
        if keys and all(key is None or str(key).strip() in mapping.null_tokens for key in keys):
            self.reading.problems.advise(
                f"Row {row} has neither a day nor an id. If it is a total, leave such rows out in "
                f'the mapping: leave_out: [{{column: "{mapping.key_columns[0]}", empty: true}}].'
            )
            return True
        return False


def day_of(cell: object, as_: Day) -> date | None:
    """A cell's day; None where it is none."""
    try:
        return _day(cell.strip() if isinstance(cell, str) else cell, as_)
    except _UNUSABLE:
        return None


def _day(cell: object, as_: Day) -> date:
    if isinstance(cell, datetime) and cell.tzinfo is None and cell.time() == time():
        return cell.date()
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return cell
    if as_.names_a_day or "%V" not in as_.format:
        return datetime.strptime(_text(cell), as_.format).date()
    # a week's Monday: strptime makes no day of a week alone
    return datetime.strptime(f"{_text(cell)} 1", f"{as_.format} %u").date()


def _instant(cell: object, format_: str) -> datetime:
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return cell
    return datetime.strptime(_text(cell), format_)


def _instants(format_: str) -> str:
    return f"a time with its offset, as {format_}"


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


def _reason(error: Exception, wanted: str) -> str:
    if isinstance(error, NotAnId):
        return str(error)
    if isinstance(error, NotANumber) and str(error):
        return f"is not {wanted} ({error})"
    return f"is not {wanted}"
