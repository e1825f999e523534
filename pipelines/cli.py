"""``adcanary …``: a thin command over each room. Exit codes: 0 done, 1 the work found something
wrong, 2 bad usage or configuration, 3 a platform or the warehouse is unavailable."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipelines import report
from pipelines.build import build as build_models
from pipelines.commands_evaluate import evaluate_app
from pipelines.commands_privacy import privacy_app
from pipelines.config import Secrets, Settings, load_settings
from pipelines.console import Format, err, out, print_error, print_rows
from pipelines.errors import AdcanaryError, UsageError
from pipelines.proposals.ledger import Actor
from pipelines.proposals.states import OPEN, Action, State
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Source
from pipelines.warehouse import Warehouse, open_warehouse

ROOT = Path(__file__).parents[1]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
proposals_app = typer.Typer(no_args_is_help=True, help="List, show and decide proposals.")
audit_app = typer.Typer(no_args_is_help=True, help="Prove the event log.")
sandbox_app = typer.Typer(no_args_is_help=True, help="The simulated market.")
app.add_typer(proposals_app, name="proposals")
app.add_typer(audit_app, name="audit")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(privacy_app, name="privacy")
app.add_typer(evaluate_app, name="evaluate")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="adcanary.yaml to use")]
FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv")]
DayOption = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
ActorOption = Annotated[str | None, typer.Option("--as", help="who decides (default: you)")]
CommentOption = Annotated[str | None, typer.Option("--comment", help="why")]


def main() -> None:
    """Run the command line; expected errors are told in words, never as a traceback."""
    try:
        app()
    except AdcanaryError as error:
        print_error(error)
        raise SystemExit(error.exit_code) from None


def _open(config: Path | None, *, create: bool = True) -> tuple[Settings, Warehouse]:
    settings = load_settings(config)
    return settings, open_warehouse(settings, create=create)


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


def _actor(name: str | None) -> Actor:
    """One person has one name, however it is typed: two approvals need two people."""
    chosen = name or os.environ.get("ADCANARY_USER") or getpass.getuser()
    return Actor(" ".join(chosen.casefold().split()), "person")


def _print_plainly(line: str) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def init(path: Path = Path("adcanary.yaml")) -> None:
    """Write a commented adcanary.yaml."""
    if path.exists():
        raise UsageError(
            f"{path} exists.", kept="it is as it was.", fix="Remove it, or name another file."
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.absolute().parent}.", fix="Make it first.")
    path.write_text((ROOT / "infra" / "adcanary.example.yaml").read_text())
    out.print(f"Wrote {path}. Edit it, then run `adcanary ingest --all`.")


@app.command()
def ingest(
    source: Annotated[str | None, typer.Argument(help="google_ads, meta_ads, …, files")] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="every configured source")] = False,
    account: Annotated[str | None, typer.Option(help="only this account")] = None,
    start: DayOption = None,
    end: DayOption = None,
    backfill: Annotated[bool, typer.Option(help="in slices, resuming where it stopped")] = False,
    why: Annotated[str | None, typer.Option(help="backfill: the reason, for the record")] = None,
    unpark: Annotated[bool, typer.Option(help="call a platform that asked to wait")] = False,
    platform: Annotated[str | None, typer.Option(help="files: the platform")] = None,
    path: Annotated[Path | None, typer.Option(help="files: the export")] = None,
    mapping: Annotated[Path | None, typer.Option(help="files: which column is what")] = None,
    config: ConfigOption = None,
) -> None:
    """Pull accounts and publish what changed. One that fails doesn't keep the others."""
    from pipelines.ingestion import Request, ingest_sources
    from pipelines.landing.backfills import Backfill
    from pipelines.privacy.salt import check_salt
    from pipelines.sources.files import FilesSource
    from pipelines.sources.registry import open_source, source_names

    settings, warehouse = _open(config)
    openers: list[Callable[[], Source]]
    if path is not None:
        if source != "files" or platform is None or mapping is None:
            raise UsageError(
                "--path is for files.",
                fix="adcanary ingest files --platform NAME --path FILE --mapping FILE",
            )
        file = FileSettings(platform=platform, path=path, mapping=mapping)
        openers = [partial(FilesSource, file)]
    elif all_ or source:
        names = source_names(settings, source)
        openers = [partial(open_source, settings, Secrets(), name) for name in names]
    else:
        raise UsageError("Which source?", fix="Name one, or pass --all for every configured one.")
    if backfill and not (why or "").strip():
        raise UsageError(
            "A backfill is recorded with its reason.",
            kept="nothing was pulled.",
            fix='Add --why "…", such as --why "first load".',
        )
    request = Request(
        now=settings.clock(),
        account=account,
        start=_day(start),
        end=_day(end),
        backfill=Backfill(_actor(None).name, str(why).strip()) if backfill else None,
        unpark=unpark,
        lookback_days=settings.sources.account_lookback_days,
    )
    if salt := Secrets().hash_salt:
        check_salt(warehouse, salt.get_secret_value())
    failures = ingest_sources(warehouse, openers, request)
    if failures:
        err.print(f"{len(failures)} account(s) failed; what the others published stays.")
        raise SystemExit(max(e.exit_code for e in failures))


@app.command()
def build(
    select: Annotated[str | None, typer.Option(help="dbt selector")] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="every day, such as in another currency")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Build and test the models (dbt build)."""
    settings, _ = _open(config)
    result = build_models(settings, select, _print_plainly, full_refresh=full_refresh)
    out.print(f"{result.models} models built, {result.tests} tests passed, {result.seconds:.0f} s")


@app.command()
def job(name: str, as_of: DayOption = None, config: ConfigOption = None) -> None:
    """Run a job: mmm, pacing or identity_links. Its verdict may be a refusal, in words."""
    from pipelines.jobs.plots import plot_run, plots_folder
    from pipelines.jobs.run import run_job

    settings, warehouse = _open(config)
    run = run_job(warehouse, settings, name, _day(as_of) or settings.yesterday())
    known = " (known result: the same evidence and settings)" if run.reused else ""
    out.print(f"{run.job} as of {run.as_of}: {run.verdict}{known}", highlight=False)
    _print_plainly(run.reason)
    plot = plot_run(warehouse, run, plots_folder(settings))
    if plot:
        _print_plainly(f"Plot: {plot}")


@app.command()
def propose(as_of: DayOption = None, config: ConfigOption = None) -> None:
    """Propose from the jobs' last results."""
    from pipelines.proposals.decide import open_ledger, propose_from

    settings, warehouse = _open(config)
    done = propose_from(warehouse, settings, created_by=_actor(None).name, as_of=_day(as_of))
    out.print(
        f"{len(done.created)} new, {len(done.existing)} known, {len(done.superseded)} superseded, "
        f"{len(done.expired)} expired"
    )
    for words in done.refused:
        _print_plainly(f"Refused: {words}")
    rows = open_ledger(warehouse, settings).read().proposals
    shown = [r for r in rows if r["state"] in OPEN]
    if shown:
        report.print_proposals(shown)


@proposals_app.command("list")
def list_proposals(format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """Every proposal's last revision and its state."""
    from pipelines.proposals.decide import open_ledger

    settings, warehouse = _open(config, create=False)
    rows = open_ledger(warehouse, settings).read().proposals
    if format_ is Format.TABLE:
        report.print_proposals(rows)
    else:
        print_rows(rows, format_)


@proposals_app.command("show")
def show_proposal(
    proposal_id: str, format_: FormatOption = Format.TABLE, config: ConfigOption = None
) -> None:
    """One proposal: certificate, evidence, rollback, history."""
    from pipelines.proposals.decide import open_ledger

    settings, warehouse = _open(config, create=False)
    ledger = open_ledger(warehouse, settings)
    row = ledger.read().proposal(proposal_id)
    if format_ is Format.TABLE:
        events = [e for e in ledger.events() if e["proposal_id"] == row["proposal_id"]]
        report.print_proposal(row, events)
    else:
        print_rows([row], format_)


@proposals_app.command()
def approve(
    proposal_id: str,
    actor: ActorOption = None,
    comment: CommentOption = None,
    seen_hash: Annotated[
        str | None, typer.Option("--hash", help="content hash that `show` printed, or its start")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Approve a proposal; it is recorded in the shadow feed, never applied."""
    from pipelines.proposals import decide

    settings, warehouse = _open(config)
    state = decide.approve(
        decide.open_ledger(warehouse, settings),
        settings.guardrails,
        proposal_id,
        _actor(actor),
        now=settings.clock(),
        as_of=settings.yesterday(),
        day_began=settings.day_began(),
        comment=comment,
        seen_hash=seen_hash,
    )
    more = " (approved; it needs another person too)" if state == State.PENDING_REVIEW else ""
    out.print(f"{proposal_id}: {state}{more}")


def _decision(name: str, action: Action, doc: str) -> None:
    """The three decisions that only move a proposal differ in nothing but their action."""

    def command(
        proposal_id: str,
        actor: ActorOption = None,
        comment: CommentOption = None,
        config: ConfigOption = None,
    ) -> None:
        from pipelines.proposals import decide

        settings, warehouse = _open(config)
        ledger = decide.open_ledger(warehouse, settings)
        now = settings.clock()
        state = decide.decide(ledger, proposal_id, action, _actor(actor), now=now, comment=comment)
        out.print(f"{proposal_id}: {state}")

    proposals_app.command(name, help=doc)(command)


_decision("reject", Action.REJECT, "Reject a proposal.")
_decision("request-changes", Action.REQUEST_CHANGES, "Ask for changes; blocks approval.")
_decision("withdraw", Action.WITHDRAW, "Take a proposal back.")


@audit_app.command("verify")
def verify(config: ConfigOption = None) -> None:
    """Prove that no event and no proposal was changed after the fact."""
    from pipelines.proposals.decide import open_ledger
    from pipelines.proposals.verify import verify as verify_ledger

    settings, warehouse = _open(config, create=False)
    _print_plainly(verify_ledger(open_ledger(warehouse, settings)))


@app.command()
def query(sql: str, format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """Run one reading GoogleSQL statement on the configured warehouse."""
    _, warehouse = _open(config, create=False)
    print_rows(warehouse.query(sql).to_pylist(), format_)


@sandbox_app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="where it lives")] = Path(".adcanary/demo"),
) -> None:
    """The whole loop on a simulated market: ingest, build, jobs, proposals."""
    from pipelines.sandbox.demo import run_demo

    run_demo(folder)


@sandbox_app.command()
def serve(
    folder: Annotated[Path, typer.Option(help="where it lives")] = Path(".adcanary/sandbox"),
    today: DayOption = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="source:fault or source:fault@account; repeatable")
    ] = None,
    every_fault: Annotated[bool, typer.Option(help="all that a client survives")] = False,
) -> None:
    """Serve every platform of the simulated market until Ctrl-C."""
    from pipelines.sandbox.demo import TODAY
    from pipelines.sandbox.serve import serve as serve_world

    serve_world(folder, _day(today) or TODAY, fault or (), every_fault=every_fault)


@sandbox_app.command("faults")
def list_faults(format_: FormatOption = Format.TABLE) -> None:
    """The faults that the sandbox's platforms know."""
    from pipelines.sandbox.serve import known_faults

    print_rows(known_faults(), format_)


if __name__ == "__main__":
    main()
