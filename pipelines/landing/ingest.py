"""Ingests one account of one source: which windows are due, then pull and land each."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import httpx

from pipelines.errors import (
    AdcanaryError,
    AuditError,
    InputError,
    SourceParked,
    SourceUnavailable,
    StatementError,
    UsageError,
)
from pipelines.landing import ledger
from pipelines.landing.backfills import Backfill, recorded
from pipelines.landing.parking import park, refuse_if_parked
from pipelines.landing.publish import Landed, Terms, sweep
from pipelines.landing.rejected import where_to_look
from pipelines.landing.slices import runs_of_days
from pipelines.landing.spool import NO_ROOM
from pipelines.landing.together import Outcome, land_pull
from pipelines.landing.withdrawals import campaigns_of
from pipelines.privacy import tombstones
from pipelines.privacy.erasure import erase_ids
from pipelines.sources.base import Batch, Source, TracksChanges, Window
from pipelines.telemetry import work
from pipelines.warehouse import Warehouse

_HOLES_WITHIN = timedelta(days=92)
_FIRST_YEAR = 2000  # before it there was no ad platform to export from
_ADS, _CAMPAIGNS = "raw.ads_ad_performance", "raw.ads_campaign_performance"
_NO_CAMPAIGNS = (
    "no campaign rows, so this spend is in no sum of campaigns: say campaign_totals: sum_of_ads in "
    "the mapping, or load the campaigns"
)
T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True)
class Progressed:
    """How far an account's ingestion is: ``done`` of ``pulls``, and what landed last."""

    done: int
    pulls: int
    landed: Landed


Progress = Callable[[Progressed], None]


@dataclass(frozen=True)
class Ingested:
    """What became of one account's batches; empty where nothing was due."""

    source: str
    account_id: str
    landed: tuple[Landed, ...]

    def __str__(self) -> str:
        if not self.landed:
            return "nothing is due: its days are published (load them again without --backfill)"
        published = [batch for batch in self.landed if batch.outcome == "published"]
        text = (
            f"{len(published)} of {len(self.landed)} batches published, "
            f"{sum(b.rows for b in published):,} rows, "
            f"{sum(b.restated_rows for b in published):,} restated"
        )
        if withdrawn := sum(b.withdrawn_rows for b in published):
            campaigns = max(b.withdrawn_campaigns or 0 for b in published)
            text += f", {withdrawn:,} withdrawn{campaigns_of(withdrawn, campaigns)}"
        if dropped := sum(b.dropped_rows for b in published):
            text += f", {dropped:,} dropped (no consent)"
        if refused := sum(b.refused_rows for b in published):
            text += f", {refused:,} refused (not the platform's: see the log)"
        for table in dict.fromkeys(b.table for b in self.landed if b.rejected_rows):
            aside = [b for b in self.landed if b.table == table]
            why = "; ".join(dict.fromkeys(why for b in aside for why in b.rejected_why))
            text += (
                f", {sum(b.rejected_rows for b in aside):,} set aside "
                f"({table.removeprefix('raw.')}: {why}; {where_to_look(table, self.account_id)})"
            )
        if drift := {f"{b.table}.{column}" for b in self.landed for column in b.drift}:
            text += f"; new columns, kept in _extra: {', '.join(sorted(drift))}"
        if notes := {b.note for b in self.landed if b.note}:
            text += f"; {'; '.join(sorted(notes))}"
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
    lookback_days: int | None = None,
) -> list[Window]:
    """The windows to pull for an account.

    Without ``start`` and ``end``: the days a file covers, or else the source's restatement
    look-back, ending yesterday, and every day of three months that no batch covers, so that nothing
    is missing after an outage that was longer than the look-back. With
    ``backfill`` a long range is cut into the source's slices, and those that the ledger already
    covers are left out, so that a backfill resumes where it stopped.

    Args:
        today: the present day in the account's time zone.
        lookback_days: of this account, where it differs from its source's.

    Raises:
        UsageError: the range ends before it starts or after yesterday, or a backfill has no
            start.
    """
    if source.span and start is None and end is None:
        if source.span.end > today or source.span.start.year < _FIRST_YEAR:
            raise InputError(
                f"{source.name}, account {account_id}: its days are {source.span}, and today is "
                f"{today}: a date was mistyped.",
                kept="published data is unchanged.",
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
    look_back = last - timedelta(days=(lookback_days or source.lookback_days) - 1)
    first = start or look_back
    if last < first:
        raise UsageError(
            f"The range {first}..{last} ends before it starts.", fix="Swap --start and --end."
        )
    windows = list(Window(first, last).split(source.max_window_days))
    if start is None:
        # windows of their own, after it: the look-back is the same window in every run of a day,
        # and a day that the platform will never give keeps nobody from the newest ones
        days = _missing_days(warehouse, source, account_id, look_back)
        if isinstance(source, TracksChanges):
            changed = source.changed_windows(account_id, min({look_back, *days}))
            days |= {day for w in changed for day in w.days() if day < look_back}
        for run in runs_of_days(days):
            windows += run.split(source.max_window_days)
    if not backfill:
        return windows
    return ledger.missing_windows(warehouse, source.name, account_id, source.tables, windows)


def _missing_days(warehouse: Warehouse, source: Source, account_id: str, before: date) -> set[date]:
    """The days that no batch covers, in an account's last three months; none for a new one.
    Older holes are for a backfill: somebody may have wanted them."""
    covered = ledger.covered_days(warehouse, source.name, account_id, source.tables)
    first = max(min(covered, default=before), before - _HOLES_WITHIN)
    return {first + timedelta(days=n) for n in range((before - first).days)} - covered


def ingest_account(
    warehouse: Warehouse,
    source: Source,
    account_id: str,
    *,
    now: datetime,
    start: date | None = None,
    end: date | None = None,
    backfill: Backfill | None = None,
    lookback_days: int | None = None,
    unpark: bool = False,
    allow_withdrawals: bool = False,
    on_progress: Progress = lambda _: None,
) -> Ingested:
    """Pull and land what is due for one account, then its present state (entities, budgets).

    Args:
        now: the present instant, UTC; the account's own time zone says which day that is.
        lookback_days: of this account, where it differs from its source's.
        backfill: cut a long range into slices and go on where an earlier one stopped; recorded.
        unpark: call the platform although it asked to be left alone.
        allow_withdrawals: publish also what withdraws more rows than a suite allows.

    Raises:
        SourceParked: a quota is used up; says until when. Remembered for the next run.
        AuditError: of what can't be published; whatever else the account has was.
        SourceError, WarehouseError: from the first window that fails; the windows before it stay
            published.
    """
    if not unpark:
        refuse_if_parked(warehouse, source.name, account_id)
    try:
        account = _asked(source, account_id, lambda: source.account(account_id))
        zone = _asked(source, account_id, lambda: ZoneInfo(account.time_zone))
        today = now.astimezone(zone).date()
        due = partial(due_windows, warehouse, source, account_id, today, start=start, end=end)
        windows = _asked(
            source, account_id, partial(due, backfill=bool(backfill), lookback_days=lookback_days)
        )
        record: AbstractContextManager[None] = nullcontext()
        if backfill and windows:
            asked = Window(start or windows[0].start, end or windows[-1].end)
            record = recorded(warehouse, backfill, source, account_id, asked)
        with record, work("ingest", source=source.name, account=account_id) as doing:
            landed = _land_all(
                warehouse,
                source,
                account_id,
                windows,
                today=today,
                allow_withdrawals=allow_withdrawals,
                on_progress=on_progress,
            )
            doing.note(windows=len(windows), batches=len(landed))
    except SourceParked as error:
        park(warehouse, source.name, account_id, error.until, error.message)
        raise
    if unpark:
        park(warehouse, source.name, account_id, datetime.now(UTC), "unparked")
    return Ingested(source.name, account_id, tuple(landed))


def _land_all(
    warehouse: Warehouse,
    source: Source,
    account_id: str,
    windows: list[Window],
    *,
    today: date,
    allow_withdrawals: bool,
    on_progress: Progress,
) -> list[Landed]:
    if not windows:
        return []
    erased = tombstones.load(warehouse)
    landings: list[Landed] = []
    done: list[Batch] = []
    refused: list[AuditError] = []
    for number, pull in enumerate(_pulls(source, account_id, windows, today), start=1):
        batches = _asked(source, account_id, pull)
        if withdrawn := [one for batch in batches for one in batch.withdrawn]:
            now = datetime.now(UTC)
            erase_ids(warehouse, withdrawn, requested_by="ingest", now=now)
            erased = tombstones.load(warehouse)
        # campaigns first: where they don't add up to the account, none of it is published
        batches.sort(key=lambda b: b.account_spend is None)
        terms = Terms(erased, allow_withdrawals=allow_withdrawals)
        for batch, outcome in zip(batches, land_pull(warehouse, batches, terms), strict=False):
            try:
                landings += _asked(source, account_id, partial(_landed, outcome))
            except AuditError as error:  # one batch keeps no other one out
                refused.append(error)
                continue
            done.append(replace(batch, rows=batch.rows.schema.empty_table()))
            on_progress(Progressed(number, len(windows) + 1, landings[-1]))
    sweep(warehouse, done)
    if refused:
        raise _all_of(refused, len(landings))
    return _with_notes(warehouse, source, landings)


def _landed(outcome: Outcome) -> list[Landed]:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _all_of(refused: list[AuditError], landed: int) -> AuditError:
    """One error of all that were refused."""
    first, *others = refused
    kept = first.kept
    if landed:
        others_are = "1 other batch of the account is" if landed == 1 else f"{landed} others are"
        kept = f"{kept} {others_are} published."
    more = [f"  and {len(others)} more: {error.message}" for error in others[:1]]
    return AuditError("\n".join([first.message, *more]), kept=kept, fix=first.fix)


def _with_notes(warehouse: Warehouse, source: Source, landings: list[Landed]) -> list[Landed]:
    """With a word on ads whose campaigns nobody loads: spend is read from campaign rows."""
    if _ADS not in source.tables or _CAMPAIGNS in source.tables:
        return landings
    platform = getattr(source, "platform", source.name)
    noted = []
    for landed in landings:
        note = landed.note
        if landed.table == _ADS and landed.rows:
            days = {"start": landed.window.start, "end": landed.window.end}
            rows = warehouse.query(
                f"SELECT COUNT(*) AS n FROM {_CAMPAIGNS} WHERE platform = @platform "
                "AND account_id = @account_id AND date BETWEEN @start AND @end",
                {"platform": platform, "account_id": landed.account_id, **days},
            )
            if not rows["n"][0].as_py():
                note = "; ".join(filter(None, (note, _NO_CAMPAIGNS)))
        noted.append(replace(landed, note=note))
    return noted


def _pulls(
    source: Source, account_id: str, windows: list[Window], today: date
) -> Iterator[Callable[[], list[Batch]]]:
    """What to ask of the source, in order; each gives its batches when it is called."""
    for window in windows:
        yield partial(_read, source.pull, account_id, window)
    yield partial(_read, source.snapshot, account_id, today)


def _read(pull: Callable[[str, D], Iterator[Batch]], account_id: str, of: D) -> list[Batch]:
    return list(pull(account_id, of))


def _asked(source: Source, account_id: str, ask: Callable[[], T]) -> T:
    """Call a source; a reply of an unexpected shape is an error that says where.

    The exception's own message may quote a value, so only its kind and its key are shown.
    """
    try:
        return ask()
    except AdcanaryError:
        raise
    except Exception as error:  # if one source fails, the others are still published
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise StatementError(
                f"{source.name}, account {account_id}: no disk space for what was pulled: {error}",
                kept="published data is unchanged; nothing from this pull was staged.",
                fix="Free some disk space, or point TMPDIR at a disk that has some.",
            ) from error
        if isinstance(error, OSError | httpx.RequestError):
            raise SourceUnavailable(
                f"{source.name}, account {account_id}: {type(error).__name__} while it was read.",
                kept="published data is unchanged.",
                fix="Run again later; if it lasts, check the network and the files.",
            ) from None
        ours = [f for f in traceback.extract_tb(error.__traceback__) if "pipelines" in f.filename]
        at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "unknown"
        key = error.args[0] if isinstance(error, KeyError) and error.args else None
        named = f" {key}" if isinstance(key, str) and key.isidentifier() else ""
        # without its cause, which may quote a person's value
        raise AuditError(
            f"{source.name}, account {account_id}: the platform's reply could not be read "
            f"({type(error).__name__}{named} at {at}).",
            kept="published data is unchanged; nothing from this pull was staged.",
            fix="A field is gone or of another type, or the source has a fault: look at the "
            "platform's change log, and report it with this line.",
        ) from None
