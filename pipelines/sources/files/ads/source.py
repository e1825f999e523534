"""Lands an export of ads by day (CSV, Parquet or XLSX), as its mapping describes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from pipelines.errors import SourceRejected
from pipelines.sources.base import Account, Batch, Unreadable, Window
from pipelines.sources.files.ads import queries
from pipelines.sources.files.ads.mapping import AdsMapping
from pipelines.sources.files.ads.periods import SPREAD
from pipelines.sources.files.ads.typed import typed_rows
from pipelines.sources.files.aside import TypedRows, within
from pipelines.sources.files.cells import KEPT, Reading
from pipelines.sources.files.drift import names_beside
from pipelines.sources.files.rows import RowsFile
from pipelines.sources.shapes.columns import side_by_side, typed

_LEVELS = ("campaign", "adgroup", "ad")
_ADS, _ENTITIES = "raw.ads_ad_performance", "raw.ads_entities"
_BUDGETS = "raw.ads_campaign_budgets"


class AdsFile:
    """An export of ads. It is read once, when its accounts or rows are first asked for, in
    chunks; typed rows wait in a temporary file, so that its size does not decide the memory.

    A file is taken to be complete for every day from its first to its last (``span``): batches
    replace no day outside of it, since a day the export does not reach is not a day without
    spend.

    Columns that the mapping does not name are kept as drift in the table of the file's own level,
    where a row of the file is a row of the table; those that may be about a person are not
    taken, and logged.

    Args:
        path: the file.
        mapping: what it holds.
        now: the present instant; by default, the machine's.
    """

    name = "files"
    lookback_days = 30
    max_window_days = 36_600

    def __init__(self, path: Path, mapping: AdsMapping, now: datetime | None = None) -> None:
        self.path, self.mapping, self.platform = path, mapping, mapping.platform
        self._now = now or datetime.now(UTC)

    @property
    def tables(self) -> tuple[str, ...]:
        """What :meth:`pull` gives, in order."""
        ads = (_ADS,) if self.mapping.level == "ad" else ()
        campaigns = ("raw.ads_campaign_performance",) if self.mapping.makes_campaigns else ()
        return ads + campaigns

    @property
    def complete(self) -> bool:
        """Whether the file has all that was delivered on its days, as its mapping says."""
        return self.mapping.complete

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The mapping's account, or those of the file (which reads it: InputError)."""
        if self.mapping.account is not None:
            return (self.mapping.account,)
        return tuple(account for (account,) in self._rows.query(queries.ACCOUNTS))

    @cached_property
    def span(self) -> Window:
        """First to last day of the file."""
        ((first, last),) = self._rows.query(queries.SPAN)
        return Window(first, last)

    def account(self, account_id: str) -> Account:
        """One of the file's accounts.

        Raises:
            SourceRejected: it is not in the file; names those that are.
            InputError: the file can't be used.
        """
        currencies = self._rows.query(queries.CURRENCY, account_id)
        if not currencies:
            known = ", ".join(account for (account,) in self._rows.query(queries.ACCOUNTS))
            raise SourceRejected(
                f"{self.path} has no account {account_id}; it has {known}.",
                kept=KEPT,
                fix="Ask for one of those, or export the file for that account.",
            )
        name = self.mapping.account_name or account_id
        return Account(account_id, name, currencies[0][0], self.mapping.time_zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """The file's rows in the window; nothing where the file has none of its days.

        ``rows`` are streams.

        Raises:
            InputError: a column that can't be used, or too many rows; nothing of the file is handed
                on.
        """
        pulled_at = datetime.now(UTC)
        self.account(account_id)
        span = self.span
        if window.end < span.start or window.start > span.end:
            return
        days = Window(max(window.start, span.start), min(window.end, span.end))
        unreadable = self._unreadable(account_id, days)
        note = f"in no sum are rows that can't be read: {len(unreadable)}" if unreadable else ""
        for table, level in zip(self.tables, _own_levels(self.tables), strict=True):
            columns = self._rows.column_names
            if level == self.mapping.level and self.mapping.duplicate_rows == "refuse":
                beside = names_beside(table, self._read.drift, SPREAD)
                sql = queries.as_they_are(level, columns, beside)
            else:
                sql = queries.summed(level, columns)
            rows = self._rows.stream(sql, account_id, days.start, days.end)
            batch = self._batch(table, account_id, days, rows, pulled_at)
            if level == self.mapping.level:
                read = len(unreadable) and self._read.count
                yield replace(batch, unreadable=unreadable, rows_read=read)
            else:
                yield replace(batch, note=note)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Entities with names, and budgets, as of the file's last day, whatever ``day`` is.

        A campaign without a budget has no row.
        """
        pulled_at, seen = datetime.now(UTC), self.span.end
        self.account(account_id)
        window = Window(seen, seen)
        columns = self._rows.column_names
        entities = [
            self._rows.table(queries.entities(level), account_id)
            for level in _LEVELS
            if {f"name_{level}", f"status_{level}", f"{level}_id"} <= set(columns)
        ]
        if entities:
            rows = pa.concat_tables(entities)
            absent = {"advertising_type": [None] * len(rows), "labels": [[]] * len(rows)}
            rows = side_by_side(rows, typed(_ENTITIES, absent))
            yield self._batch(_ENTITIES, account_id, window, rows, pulled_at)
        if self.mapping.daily_budget:
            rows = self._rows.table(queries.BUDGETS, seen, account_id)
            yield self._batch(_BUDGETS, account_id, window, rows, pulled_at)

    def _batch(
        self,
        table: str,
        account_id: str,
        window: Window,
        rows: pa.Table | pa.RecordBatchReader,
        pulled_at: datetime,
    ) -> Batch:
        # entities are of all days: another file's campaigns are not in this one
        complete = self.complete and table != _ENTITIES
        return Batch(
            *(self.name, table, account_id, self.platform, window, rows, pulled_at),
            complete=complete,
        )

    def _unreadable(self, account_id: str, days: Window) -> tuple[Unreadable, ...]:
        """An account's rows that can't be read; the first account has those that are nobody's."""
        owners = {account_id, None} if account_id == self.account_ids[0] else {account_id}
        own = (aside for aside in self._read.aside if aside.account_id in owners)
        return tuple(aside.unreadable(self.path) for aside in within(own, self.span, days))

    @cached_property
    def _rows(self) -> RowsFile:
        return self._read.rows

    @cached_property
    def _read(self) -> TypedRows:
        return typed_rows(Reading(self.path, self.mapping, self._now))


def _own_levels(tables: tuple[str, ...]) -> list[str]:
    """The level of each performance table."""
    return [table.removeprefix("raw.ads_").removesuffix("_performance") for table in tables]
