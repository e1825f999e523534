"""Ingests many sources one after the other for the command line, and shows how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.console import out, print_error
from pipelines.errors import AdcanaryError, UsageError
from pipelines.landing.backfills import Backfill
from pipelines.landing.ingest import Ingested, Progressed, ingest_account
from pipelines.sources.base import Source
from pipelines.warehouse import Warehouse


@dataclass(frozen=True)
class Request:
    """What ``adcanary ingest`` was asked for; see :func:`pipelines.landing.ingest.ingest_account`.

    ``account`` leaves every other one out; ``lookback_days`` holds the accounts that have their
    own, by ``source/account``.
    """

    now: datetime
    account: str | None = None
    start: date | None = None
    end: date | None = None
    backfill: Backfill | None = None
    unpark: bool = False
    lookback_days: Mapping[str, int] = field(default_factory=dict)


def ingest_sources(
    warehouse: Warehouse, openers: Iterable[Callable[[], Source]], request: Request
) -> list[AdcanaryError]:
    """Ingest every account of every source; one that fails doesn't keep the others.

    Returns:
        What failed, told to the reader already.

    Raises:
        UsageError: no source has the account that was asked for.
    """
    failures: list[AdcanaryError] = []
    known: list[str] = []
    for opener in openers:
        try:
            source = opener()
            account_ids = source.account_ids
        except AdcanaryError as error:  # a secret is missing, a file can't be read
            failures.append(error)
            print_error(error)
            continue
        known += account_ids
        for account_id in account_ids:
            if request.account not in (None, account_id):
                continue
            try:
                done = _ingest(warehouse, source, account_id, request)
            except AdcanaryError as error:
                failures.append(error)
                print_error(error, f"{source.name}/{account_id}")
            else:
                line = f"{source.name}/{account_id}: {done}"
                out.print(line, markup=False, highlight=False, soft_wrap=True)
    if request.account and request.account not in known:
        raise UsageError(
            f"Account '{request.account}' is not configured (there are: {', '.join(known)}).",
            kept="nothing was pulled.",
            fix="Add it to the source's `accounts` in adcanary.yaml, or correct --account.",
        )
    return failures


def _ingest(warehouse: Warehouse, source: Source, account_id: str, request: Request) -> Ingested:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    quiet = not out.is_terminal
    with Progress(
        *columns, TimeElapsedColumn(), console=out, transient=True, disable=quiet
    ) as progress:
        bar = progress.add_task(f"{source.name}/{account_id}", total=None)

        def show(now: Progressed) -> None:
            landed = f"{now.landed.table} {now.landed.window}"
            label = f"{source.name}/{account_id} {landed}"
            progress.update(bar, completed=now.done, total=now.pulls, description=label)

        return ingest_account(
            warehouse,
            source,
            account_id,
            now=request.now,
            start=request.start,
            end=request.end,
            backfill=request.backfill,
            lookback_days=request.lookback_days.get(f"{source.name}/{account_id}"),
            unpark=request.unpark,
            on_progress=show,
        )
