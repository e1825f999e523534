"""An export of one account that lands in one table: read row by row, and landed by its days."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.errors import SourceRejected
from pipelines.privacy.field_names import is_personal
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.files.aside import Aside, TypedRows, refuse_more_than_rows, within
from pipelines.sources.files.cells import KEPT, M, Reading, Sheet
from pipelines.sources.files.drift import names_beside
from pipelines.sources.files.formats import read_sheets
from pipelines.sources.files.mapping import Day, FileMapping
from pipelines.sources.files.rows import RowsFile
from pipelines.sources.shapes.columns import schema_of

_log = logging.getLogger(__name__)

_NO_DAY = date(2000, 1, 1)


@dataclass(frozen=True)
class Landing:
    """Where the rows go.

    Args:
        table: the raw table.
        day: its column of days.
        key: of which no two rows of a file may have the same.
        select: what is asked of the rows as they were written, as a query of all of them; its
            columns are the table's.
        note: what a person should know of the rows.
        currency: the rows' column of currencies, or a constant.
    """

    table: str
    day: str
    key: tuple[str, ...]
    select: str = "SELECT * EXCLUDE (_row) FROM rows"
    note: str = ""
    currency: str = "currency_code"

    @property
    def is_list(self) -> bool:
        """Whether the table holds the present state of a list, whatever days its rows have."""
        return load_contract(self.table).partition_by is None


class OneTableFile:
    """One export file, as :class:`pipelines.sources.base.Source`. It is read once, in chunks.

    A file is taken to be of every day from its first to its last (``span``); batches replace no
    day outside of it. A list is the present state of all that it has.

    Args:
        path: the file.
        mapping: what it holds.
        account_id: whose it is.
        landing: where its rows go.
        read: reads and checks its rows; InputError where they can't be used.
    """

    name = "files"
    lookback_days = 30
    max_window_days = 36_600

    def __init__(
        self,
        path: Path,
        mapping: FileMapping,
        account_id: str,
        landing: Landing,
        read: Callable[[], TypedRows],
    ) -> None:
        self.path, self.platform, self.complete = path, mapping.platform, mapping.complete
        self.tables, self.account_ids = (landing.table,), (account_id,)
        self._mapping, self._landing, self._read = mapping, landing, read

    @cached_property
    def span(self) -> Window:
        """First to last day of the file; a list has no days, and two of one account meet."""
        if self._landing.is_list:
            return Window(_NO_DAY, _NO_DAY)
        day = self._landing.day
        ((first, last),) = self._rows.query(f"SELECT MIN({day}), MAX({day}) FROM rows")
        return Window(first, last)

    def account(self, account_id: str) -> Account:
        """The file's account.

        Raises:
            SourceRejected: the mapping is for another one.
            InputError: the file can't be used.
        """
        if account_id not in self.account_ids:
            raise SourceRejected(
                f"{self.path} has no account {account_id}; it has {self.account_ids[0]}.",
                kept=KEPT,
                fix="Ask for that one, or correct account_id in the mapping.",
            )
        ((currency,),) = self._rows.query(
            f"SELECT ARG_MIN({self._landing.currency}, _row) FROM rows"
        )
        name = self._mapping.account_name or account_id
        return Account(account_id, name, currency, self._mapping.time_zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """The file's rows in the window, as a stream; nothing where it has none of its days."""
        span = self.span
        self.account(account_id)
        if self._landing.is_list or window.end < span.start or window.start > span.end:
            return
        days = Window(max(window.start, span.start), min(window.end, span.end))
        sql = f"SELECT * FROM ({self._landing.select}) WHERE {self._landing.day} BETWEEN ? AND ?"
        aside = within(self._typed.aside, span, days)
        yield self._batch(account_id, days, aside, sql, days.start, days.end)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """A list, as seen on ``day``; of other files, the rows say all that there is."""
        self.account(account_id)
        if self._landing.is_list:
            days = Window(day, day)
            yield self._batch(account_id, days, self._typed.aside, self._landing.select)

    def _batch(
        self, account_id: str, days: Window, aside: Iterable[Aside], sql: str, *params: object
    ) -> Batch:
        pulled_at = datetime.now(UTC)
        unreadable = tuple(one.unreadable(self.path) for one in aside)
        return Batch(
            *(self.name, self._landing.table, account_id, None, days),
            *(self._rows.stream(sql, *params), pulled_at),
            complete=self.complete,
            note=self._landing.note,
            unreadable=unreadable,
            rows_read=len(unreadable) and self._typed.count,
        )

    @cached_property
    def _typed(self) -> TypedRows:
        return self._read()

    @property
    def _rows(self) -> RowsFile:
        return self._typed.rows


def typed_rows(
    reading: Reading[M],
    landing: Landing,
    typed: Callable[[Sheet[M]], dict[str, list[Any]]],
    dates: Day | None = None,
) -> TypedRows:
    """A file's rows: columns of the table, ``_row``, and those that the mapping does not name.

    Args:
        typed: the columns of some rows by name, ``_row`` (their numbers) and the landing's day
            among them; cells that can't be read are noted in the reading.
        dates: the column by which a row of another width has its day, where it has one.

    Raises:
        InputError: a column that can't be used, more rows that can't than may be set aside, or a
            row twice.
    """
    rows, count = RowsFile(), 0
    days: dict[int, date | None] = {}
    personal: set[str] = set()
    for whole in read_sheets(reading):
        personal |= {name for name in whole.others if is_personal(name)}
        count += len(whole)
        sheet, values = whole, typed(whole)
        if not whole.is_readable:
            days |= dict(zip(whole.row_numbers, values[landing.day], strict=True))
            sheet = whole.readable()
            values = typed(sheet)
        if values["_row"] and not reading.problems.of_file:
            rows.write(_table(landing.table, values | _drift(sheet, landing.table, values)))
    rows.close()
    problems = reading.problems
    count += len(problems.rows.keys() - days.keys())
    refuse_more_than_rows(reading, landing.table, count)
    if not rows.is_written:
        raise reading.refusal("has no row that isn't left out.", "Correct leave_out.")
    if number := reading.numerals.ambiguous:
        raise reading.refusal(
            f"has no number that shows what '{reading.mapping.decimal_sign}' is: '{number}' is a "
            "fraction, or thousands.",
            "Say both signs in the mapping: decimal: and thousands: ('' for none).",
        )
    refuse_duplicates(reading, rows, landing.key)
    if personal:
        warning = "columns that may be about a person are not taken"
        _log.warning("%s: %s: %s", reading.path, warning, ", ".join(sorted(personal)))
    reading.warn_of_left_out()

    def day(row: int) -> date | None:
        return days.get(row) or (problems.day(row, dates.column, dates) if dates else None)

    aside = tuple(Aside(row, why, day=day(row)) for row, why in sorted(problems.rows.items()))
    return TypedRows(rows, aside=aside, count=count)


def _drift(sheet: Sheet[M], table: str, values: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Columns that the mapping does not name, as texts, by names that no other column has."""
    kept = [name for name in sheet.others if not is_personal(name)]
    drift: dict[str, list[Any]] = {}
    for name, beside in zip(kept, names_beside(table, kept, "_row"), strict=True):
        drift[_apart(beside, (*values, *drift))] = list(sheet.drift(name))
    return drift


def _apart(name: str, others: tuple[str, ...]) -> str:
    """A name that is another in small letters, too: DuckDB doesn't tell them apart."""
    while name.lower() in map(str.lower, others):
        name += "_"
    return name


def _table(table: str, values: dict[str, list[Any]]) -> pa.Table:
    types = {f.name: f.type for f in schema_of(table)} | {"_row": pa.int64()}
    text = pa.string()
    return pa.table({name: pa.array(v, types.get(name, text)) for name, v in values.items()})


def refuse_duplicates(reading: Reading[M], rows: RowsFile, key: tuple[str, ...]) -> None:
    """Refuse rows that have one key: of which one is right, nothing says.

    Raises:
        InputError: there are such rows; names the first of them.
    """
    columns = ", ".join(key)
    sql = f"""
    SELECT MIN(_row), MIN(_row, 2)[2], COUNT(*), {columns}
    FROM rows GROUP BY {columns} HAVING COUNT(*) > 1
    """
    for first, again, times, *values in rows.query(sql):
        what = ", ".join(f"{name} {value}" for name, value in zip(key, values, strict=True))
        reading.problems.add(again, f": {what} was in row {first} already", times - 1)
    reading.problems.refuse(len(reading.problems.rows))
