"""An export of one account that lands in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from pipelines.errors import SourceRejected
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.files.aside import TypedRows, within
from pipelines.sources.files.cells import KEPT, M, Reading
from pipelines.sources.files.mapping import FileMapping
from pipelines.sources.files.rows import RowsFile


@dataclass(frozen=True)
class Landing:
    """Where the rows go.

    Args:
        table: the raw table.
        day: its column of days.
        select: what is asked of the rows as they were written, as a query of all of them; its
            columns are the table's.
        note: what a person should know of the rows.
    """

    table: str
    day: str
    select: str
    note: str = ""


class OneTableFile:
    """One export file, as :class:`pipelines.sources.base.Source`. It is read once, in chunks.

    A file is taken to be of every day from its first to its last (``span``); batches replace no
    day outside of it.

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
        """First to last day of the file."""
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
        ((currency,),) = self._rows.query("SELECT ARG_MIN(currency_code, _row) FROM rows")
        name = self._mapping.account_name or account_id
        return Account(account_id, name, currency, self._mapping.time_zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """The file's rows in the window, as a stream; nothing where it has none of its days."""
        pulled_at, span = datetime.now(UTC), self.span
        self.account(account_id)
        if window.end < span.start or window.start > span.end:
            return
        days = Window(max(window.start, span.start), min(window.end, span.end))
        rows = self._rows.stream(
            f"SELECT * FROM ({self._landing.select}) WHERE {self._landing.day} BETWEEN ? AND ?",
            days.start,
            days.end,
        )
        unreadable = tuple(a.unreadable(self.path) for a in within(self._typed.aside, span, days))
        yield Batch(
            *(self.name, self._landing.table, account_id, None, days, rows, pulled_at),
            complete=self.complete,
            note=self._landing.note,
            unreadable=unreadable,
            rows_read=len(unreadable) and self._typed.count,
        )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: the rows say all that there is."""
        yield from ()

    @cached_property
    def _typed(self) -> TypedRows:
        return self._read()

    @property
    def _rows(self) -> RowsFile:
        return self._typed.rows


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
