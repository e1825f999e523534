"""Ingests one account of one source: which windows are due, then pull and land each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.errors import InputError, UsageError
from pipelines.landing import ledger
from pipelines.landing.publish import Landed, land
from pipelines.sources.base import Batch, Source, Window
from pipelines.warehouse import Warehouse

_FIRST_YEAR = 2000  # before it there was no ad platform to export from
Progress = Callable[[Landed], None]


@dataclass(frozen=True)
class Ingested:
    """What became of one account's batches; empty where nothing was due."""

    source: str
    account_id: str
    landed: tuple[Landed, ...]

    def __str__(self) -> str:
        if not self.landed:
            return "nothing is due"
        published = [batch for batch in self.landed if batch.outcome == "published"]
        text = (
            f"{len(published)} of {len(self.landed)} batches published, "
            f"{sum(b.rows for b in published):,} rows, "
            f"{sum(b.restated_rows for b in published):,} restated"
        )
        if dropped := sum(b.dropped_rows for b in published):
            text += f", {dropped:,} dropped for want of consent"
        if drift := {f"{b.table}.{column}" for b in self.landed for column in b.drift}:
            text += f"; columns nobody knows, left out: {', '.join(sorted(drift))}"
        return text


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

    Without ``start`` and ``end``: the days a file covers, or else the source's restatement
    look-back, ending yesterday, and every day since the last published one, so that nothing is
    missing after an outage that was longer than the look-back. With
    ``backfill`` a long range is cut into the source's slices, and those that the ledger already
    covers are left out, so that a backfill resumes where it stopped.

    Args:
        today: the present day in the account's time zone.

    Raises:
        UsageError: the range ends before it starts or after yesterday, or a backfill has no
            start.
    """
    if source.span and start is None and end is None:
        if source.span.end > today or source.span.start.year < _FIRST_YEAR:
            raise InputError(
                f"{source.name}, account {account_id}: its days are {source.span}, and today is "
                f"{today}: a date was mistyped.",
                kept="what was published before is as it was.",
                fix="Correct the dates in the file, or the mapping's date format.",
            )
        return [source.span]
    yesterday = today - timedelta(days=1)
    last = end or yesterday
    if last > yesterday:
        raise UsageError(
            f"{last} is not over in the account's time zone; the last full day is {yesterday}.",
            kept="nothing was pulled.",
            fix=f"Use --end {yesterday} or leave it out.",
        )
    if backfill and start is None:
        raise UsageError("A backfill needs a start.", fix="Add --start YYYY-MM-DD.")
    look_back = last - timedelta(days=source.lookback_days - 1)
    first = start or look_back
    if last < first:
        raise UsageError(
            f"The range {first}..{last} ends before it starts.", fix="Swap --start and --end."
        )
    windows = list(Window(first, last).split(source.max_window_days))
    if start is None:
        # a window of its own: the look-back is the same window in every run of a day, and a
        # second run finds it unchanged
        gap = _day_after_published(warehouse, source, account_id, last)
        if gap < look_back:
            missing = Window(gap, look_back - timedelta(days=1))
            windows = [*missing.split(source.max_window_days), *windows]
    if not backfill:
        return windows
    return ledger.missing_windows(warehouse, source.name, account_id, source.tables, windows)


def _day_after_published(warehouse: Warehouse, source: Source, account_id: str, last: date) -> date:
    """The first day after all that batches cover; ``last`` for a new account."""
    covered = ledger.covered_days(warehouse, source.name, account_id, source.tables)
    return max(covered) + timedelta(days=1) if covered else last


def ingest_account(
    warehouse: Warehouse,
    source: Source,
    account_id: str,
    *,
    now: datetime,
    start: date | None = None,
    end: date | None = None,
    backfill: bool = False,
    on_landed: Progress = lambda _: None,
) -> Ingested:
    """Pull and land what is due for one account, then its present state (entities, budgets).

    Args:
        now: the present instant, UTC; the account's own time zone says which day that is.

    Raises:
        SourceError, AuditError, WarehouseError: from the first window that fails; the windows
            before it stay published.
    """
    account = source.account(account_id)
    today = now.astimezone(ZoneInfo(account.time_zone)).date()
    windows = due_windows(
        warehouse, source, account_id, today, start=start, end=end, backfill=backfill
    )
    landed: list[Landed] = []
    for batch in _batches(source, account_id, windows, today):
        landed.append(land(warehouse, batch))
        on_landed(landed[-1])
    return Ingested(source.name, account_id, tuple(landed))


def _batches(
    source: Source, account_id: str, windows: list[Window], today: date
) -> Iterator[Batch]:
    for window in windows:
        yield from source.pull(account_id, window)
    if windows:
        yield from source.snapshot(account_id, today)
