"""``adcanary …``: the commands, and how errors are reported."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli import (
    backup,
    changes,
    doctor,
    evaluate,
    ingest,
    lab,
    migrate,
    monitor,
    policy,
    privacy,
    proposals,
    review,
    rules,
    sandbox,
    scorecard,
)
from pipelines.cli.console import (
    Format,
    logs_as_json,
    native_output_aside,
    of_rows,
    out,
    print_error,
    print_object,
    print_plainly,
    print_rows,
)
from pipelines.cli.options import (
    AsOfOption,
    ConfigOption,
    FormatOption,
    RowsOption,
    day,
    open_settings,
)
from pipelines.errors import AdcanaryError, FileRefused, UsageError
from pipelines.shipped import shipped

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Load ad spend, model it, and propose budget changes for a person to decide on.",
    epilog="Exit codes: 0 done; 1 the work failed or found something wrong; 2 wrong usage or "
    "configuration; 3 a platform or the warehouse is unavailable.",
)


def main() -> None:
    """Run the command line; expected errors are printed as messages, never as tracebacks."""
    logs_as_json()
    try:
        try:
            app()
        except OSError as error:  # a full disk, a read-only folder, a missing permission
            raise FileRefused.of(error) from error
    except AdcanaryError as error:
        print_error(error)
        raise SystemExit(error.exit_code) from None


@app.command()
def init(
    path: Annotated[Path, typer.Option(help="File to write.")] = Path("adcanary.yaml"),
) -> None:
    """Write a commented configuration file, and a policy beside it, to start from."""
    beside = path.parent / "policy.yaml"
    if there := next((file for file in (path, beside) if file.exists()), None):
        raise UsageError(
            f"{there} already exists.",
            kept="it was not changed, and nothing was written.",
            fix="Move it away, or pass --path in another folder.",
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"The folder {path.absolute().parent} does not exist.",
            kept="nothing was written.",
            fix="Create it first, or pass --path with another name.",
        )
    path.write_text((shipped("infra") / "adcanary.example.yaml").read_text())
    beside.write_text((shipped("infra") / "policy" / "default.yaml").read_text())
    out.print(
        f"Wrote {path} and {beside}. Edit them, then run `adcanary doctor`, and "
        "`adcanary ingest --all`."
    )


app.command("ingest")(ingest.ingest)


@app.command()
def build(
    select: Annotated[
        str | None, typer.Option(help="Build only these models, as a dbt selector.")
    ] = None,
    full_refresh: Annotated[
        bool,
        typer.Option(
            "--full-refresh",
            help="Rebuild every day, such as after a change of the reporting currency, or where "
            "somebody edited rows by hand.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Build and test the models with dbt, if anything is new since they were last."""
    from pipelines.build import build as build_models

    settings, _ = open_settings(config)
    result = build_models(settings, select, print_plainly, full_refresh=full_refresh)
    for warning in result.warnings:
        print_plainly(f"Warning: {warning}")
    print_plainly(str(result))


@app.command()
def job(
    name: Annotated[
        str | None, typer.Argument(help="Job to run; leave it out to list the jobs.")
    ] = None,
    as_of: AsOfOption = None,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Run a decision job on the built models, and print its verdict.

    A job without enough evidence refuses: its verdict is NO_DATA or INCONCLUSIVE, with the reason.
    """
    from pipelines.jobs.registry import JOBS

    if name is None:
        for known in JOBS:
            print_plainly(known)
        return

    from pipelines.jobs.plots import plot_run, plots_folder
    from pipelines.jobs.run import run_job

    settings, warehouse = open_settings(config)
    with native_output_aside():
        run = run_job(warehouse, settings, name, day(as_of) or settings.yesterday())
    if format_ is Format.JSON:
        drawing = plot_run(warehouse, run, plots_folder(settings))
        print_object({**asdict(drawing.run), "plots": [str(path) for path in drawing.paths]})
        return
    reused = " (known result: same evidence, same settings)" if run.reused else ""
    out.print(f"{run.job} as of {run.as_of}: {run.verdict}{reused}", highlight=False)
    print_plainly(run.reason)
    drawing = plot_run(warehouse, run, plots_folder(settings))
    for path in drawing.paths:
        print_plainly(f"Plot: {path}")
    if drawing.problem:
        print_plainly(f"Warning: {drawing.problem}")


app.command("propose")(proposals.propose)
app.command("scorecard")(scorecard.scorecard)


@app.command()
def query(
    sql: Annotated[str | None, typer.Argument(help="One GoogleSQL SELECT statement.")] = None,
    file: Annotated[
        typer.FileText | None,
        typer.Option(help="Read the statement from a file; - for standard input."),
    ] = None,
    format_: RowsOption = None,
    spreadsheet: Annotated[
        bool,
        typer.Option(
            "--spreadsheet",
            help="With --format csv: an apostrophe before texts that would be formulas.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Run a read-only GoogleSQL query on the configured warehouse.

    On DuckDB, what isn't proven to give what BigQuery gives is refused by name; no file is opened.
    """
    chosen = of_rows(format_)
    if spreadsheet and chosen is not Format.CSV:
        raise UsageError(
            "--spreadsheet is about CSV files.",
            kept="nothing was read.",
            fix="Pass --format csv with it.",
        )
    if (sql is None) == (file is None):
        raise UsageError(
            "A query is one statement: as an argument, or in a file.",
            kept="nothing was read.",
            fix='Pass "SELECT …", or --file FILE.',
        )
    _, warehouse = open_settings(config, create=False)
    rows = warehouse.ask(file.read() if file else sql or "")
    print_rows(rows.to_pylist(), chosen, columns=rows.column_names, spreadsheet=spreadsheet)


app.command("doctor")(doctor.doctor)
app.command("monitor")(monitor.monitor)
app.command("metrics")(monitor.metrics)
app.command("migrate")(migrate.migrate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("review")(review.review)
app.command("stop")(policy.stop)
app.command("resume")(policy.resume)
app.add_typer(policy.policy_app, name="policy")
proposals.proposals_app.command("export")(changes.export)
app.add_typer(proposals.proposals_app, name="proposals")
app.add_typer(proposals.audit_app, name="audit")
app.add_typer(sandbox.sandbox_app, name="sandbox")
app.add_typer(privacy.privacy_app, name="privacy")
app.add_typer(evaluate.evaluate_app, name="evaluate")
app.add_typer(lab.lab_app, name="lab")
app.add_typer(rules.rules_app, name="rules")
