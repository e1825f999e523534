"""``adcanary ingest``: pulls every account that is due, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import err, print_error, print_plainly
from pipelines.cli.options import ConfigOption, day, day_option, open_settings, person
from pipelines.cli.progress import shown
from pipelines.errors import AdcanaryError, UsageError

if TYPE_CHECKING:
    from pipelines.landing.backfills import Backfill
    from pipelines.landing.ingest import Ingested
    from pipelines.sources.base import Source
    from pipelines.warehouse import Warehouse


FirstDayOption = Annotated[
    datetime | None, day_option("First day to pull (default: as far back as the source restates).")
]
LastDayOption = Annotated[
    datetime | None,
    day_option("Last day to pull (default: yesterday, in the account's time zone)."),
]


def ingest(
    source: Annotated[
        str | None, typer.Argument(help="A configured source, such as google_ads; or files.")
    ] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Pull every configured source.")] = False,
    account: Annotated[str | None, typer.Option(help="Pull only this account.")] = None,
    start: FirstDayOption = None,
    end: LastDayOption = None,
    backfill: Annotated[
        bool, typer.Option(help="Pull in slices, and resume where an earlier run stopped.")
    ] = False,
    why: Annotated[
        str | None, typer.Option(help="With --backfill: the reason, for the record.")
    ] = None,
    unpark: Annotated[
        bool, typer.Option(help="Call a platform even while it asks to be left alone.")
    ] = False,
    allow_withdrawals: Annotated[
        bool,
        typer.Option(help="Publish also what takes a large share of the published rows away."),
    ] = False,
    platform: Annotated[
        str | None, typer.Option(help="With --path: the platform that the mapping must be of.")
    ] = None,
    path: Annotated[Path | None, typer.Option(help="With files: the export to ingest.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="With --path: the mapping file; without, one is drafted.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Pull accounts and publish what changed.

    If one account fails, the others are still published.
    """
    from pipelines.landing.backfills import Backfill
    from pipelines.privacy.salt import check_salt
    from pipelines.secret_settings import Secrets
    from pipelines.source_settings import FileSettings
    from pipelines.sources.files.draft import write_draft
    from pipelines.sources.files.source import open_source as open_file
    from pipelines.sources.registry import open_source, source_names

    settings, warehouse = open_settings(config)
    openers: list[Callable[[], Source]]
    if path is not None:
        if source == "files" and mapping is None:
            draft = write_draft(path, platform)
            raise UsageError(
                f"{path} needs a mapping; one is drafted from what the file looks like: {draft}.",
                kept="nothing was ingested.",
                fix=f"Correct it, and: adcanary ingest files --path {path} --mapping {draft}",
            )
        if source != "files" or mapping is None:
            raise UsageError(
                "--path goes with the source 'files', and needs --mapping (without a mapping, one "
                "is drafted).",
                kept="nothing was pulled.",
                fix="adcanary ingest files --path FILE --mapping FILE",
            )
        file = FileSettings(
            platform=platform,
            path=path,
            mapping=mapping,
            placeholders=settings.identity.placeholders,
        )
        openers = [partial(open_file, file, Secrets(), settings.clock())]
    elif all_ or source:
        names = source_names(settings, source)
        openers = [partial(open_source, settings, Secrets(), name) for name in names]
    else:
        raise UsageError(
            "No source was named.",
            kept="nothing was pulled.",
            fix="Name a source, or pass --all to pull every configured one.",
        )
    if backfill and not (why or "").strip():
        raise UsageError(
            "A backfill needs a reason, for the record.",
            kept="nothing was pulled.",
            fix='Add --why "…", such as --why "first load".',
        )
    request = Request(
        now=settings.clock(),
        account=account,
        start=day(start),
        end=day(end),
        backfill=Backfill(person(None), str(why).strip()) if backfill else None,
        unpark=unpark,
        allow_withdrawals=allow_withdrawals,
        lookback_days=settings.sources.account_lookback_days,
    )
    if salt := Secrets().hash_salt:
        check_salt(warehouse, salt.get_secret_value())
    failures = ingest_sources(warehouse, openers, request)
    if failures:
        err.print(f"{len(failures)} failed; the others, if there were any, are published.")
        raise SystemExit(max(e.exit_code for e in failures))


@dataclass(frozen=True)
class Request:
    """What ``adcanary ingest`` was asked for; see :func:`pipelines.landing.ingest.ingest_account`.

    ``account`` excludes every other one; ``lookback_days`` has the accounts with a look-back of
    their own, by ``source/account``.
    """

    now: datetime
    account: str | None = None
    start: date | None = None
    end: date | None = None
    backfill: Backfill | None = None
    unpark: bool = False
    allow_withdrawals: bool = False
    lookback_days: Mapping[str, int] = field(default_factory=dict)


def ingest_sources(
    warehouse: Warehouse, openers: Iterable[Callable[[], Source]], request: Request
) -> list[AdcanaryError]:
    """Ingest every account of every source; if one fails, the others are still published.

    Returns:
        The failures, already printed.

    Raises:
        UsageError: no source has the account that was asked for.
    """
    from pipelines.landing.overlaps import overlapping

    failures: list[AdcanaryError] = []
    opened: list[tuple[Source, tuple[str, ...]]] = []
    for opener in openers:
        try:
            source = opener()
            opened.append((source, tuple(source.account_ids)))
        except AdcanaryError as error:  # a secret is missing, a file can't be read
            failures.append(error)
            print_error(error)
    known = [account_id for _, account_ids in opened for account_id in account_ids]
    refused = overlapping(source for source, _ in opened)
    for source, account_ids in opened:
        for account_id in account_ids:
            if request.account not in (None, account_id):
                continue
            try:
                if clash := refused.get((id(source), account_id)):
                    raise clash
                done = _ingest(warehouse, source, account_id, request)
            except AdcanaryError as error:
                if error in failures:  # of two files that clash both have the one error
                    continue
                failures.append(error)
                print_error(error, f"{source.name}/{account_id}")
            else:
                print_plainly(f"{source.name}/{account_id}: {done}")
    if request.account and request.account not in known:
        raise UsageError(
            f"Account '{request.account}' is not configured (configured: {', '.join(known)}).",
            kept="nothing was pulled.",
            fix="Correct --account, or add it to the source's `accounts` in adcanary.yaml.",
        )
    return failures


def _ingest(warehouse: Warehouse, source: Source, account_id: str, request: Request) -> Ingested:
    from pipelines.landing.ingest import ingest_account

    with shown(f"{source.name}/{account_id}") as show:
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
            allow_withdrawals=request.allow_withdrawals,
            on_progress=show,
        )
