"""Ingests one account of one source: which windows are due, then pull and land each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from pipelines.errors import UsageError
from pipelines.landing import ledger
from pipelines.landing.publish import Landed, land
from pipelines.sources.base import Source, Window
from pipelines.warehouse import Warehouse

Progress = Callable[[Landed], None]


def due_windows(
    warehouse: Warehouse,
    source: Source,
    account_id: str,
    today: date,
    *,
    start: date | None = None,
    end: date | None = None,
    backfill: bool = False,
) -> list[Window]:
    """The windows to pull for an account.

    Without ``start`` and ``end``: the source's restatement look-back, ending yesterday. With
    ``backfill`` a long range is cut into the source's slices, and those that the ledger already
    covers are left out, so that a backfill resumes where it stopped.

    Args:
        today: the present day in the account's time zone.

    Raises:
        UsageError: the range ends before it starts, or a backfill has no start.
    """
    last = end or today - timedelta(days=1)
    if backfill and start is None:
        raise UsageError("A backfill needs a start.", fix="Add --start YYYY-MM-DD.")
    first = start or last - timedelta(days=source.lookback_days - 1)
    if last < first:
        raise UsageError(
            f"The range {first}..{last} ends before it starts.", fix="Swap --start and --end."
        )
    windows = list(Window(first, last).split(source.max_window_days))
    if not backfill:
        return windows
    return ledger.missing_windows(warehouse, source.name, account_id, source.tables, windows)


def ingest_windows(
    warehouse: Warehouse, source: Source, account_id: str, windows: list[Window], today: date
) -> Iterator[Landed]:
    """Pull and land the windows of one account, then its present state (entities, budgets).

    Raises:
        SourceError, AuditError, WarehouseError: from the first window that fails; the windows
            before it stay published.
    """
    for window in windows:
        for batch in source.pull(account_id, window):
            yield land(warehouse, batch)
    if windows:
        for batch in source.snapshot(account_id, today):
            yield land(warehouse, batch)
