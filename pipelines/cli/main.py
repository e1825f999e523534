"""``adcanary …``: the commands, and how errors are told.

Exit codes: 0 done, 1 the work found something wrong, 2 bad usage or configuration, 3 a platform or
the warehouse is unavailable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.build import build as build_models
from pipelines.cli import evaluate, ingest, privacy, proposals, sandbox
from pipelines.cli.console import Format, out, print_error, print_plainly, print_rows
from pipelines.cli.options import ConfigOption, DayOption, FormatOption, day, open_settings
from pipelines.errors import AdcanaryError, UsageError
from pipelines.shipped import shipped

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


def main() -> None:
    """Run the command line; expected errors are told in words, never as a traceback."""
    try:
        app()
    except AdcanaryError as error:
        print_error(error)
        raise SystemExit(error.exit_code) from None


@app.command()
def init(path: Path = Path("adcanary.yaml")) -> None:
    """Write a commented adcanary.yaml."""
    if path.exists():
        raise UsageError(
            f"{path} exists.", kept="it is as it was.", fix="Remove it, or name another file."
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.absolute().parent}.", fix="Make it first.")
    path.write_text((shipped("infra") / "adcanary.example.yaml").read_text())
    out.print(f"Wrote {path}. Edit it, then run `adcanary ingest --all`.")


app.command("ingest")(ingest.ingest)


@app.command()
def build(
    select: Annotated[str | None, typer.Option(help="dbt selector")] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="every day, such as in another currency")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Build and test the models (dbt build)."""
    settings, _ = open_settings(config)
    result = build_models(settings, select, print_plainly, full_refresh=full_refresh)
    out.print(f"{result.models} models built, {result.tests} tests passed, {result.seconds:.0f} s")


@app.command()
def job(name: str, as_of: DayOption = None, config: ConfigOption = None) -> None:
    """Run a job: mmm, pacing or identity_links. Its verdict may be a refusal, in words."""
    from pipelines.jobs.plots import plot_run, plots_folder
    from pipelines.jobs.run import run_job

    settings, warehouse = open_settings(config)
    run = run_job(warehouse, settings, name, day(as_of) or settings.yesterday())
    known = " (known result: the same evidence and settings)" if run.reused else ""
    out.print(f"{run.job} as of {run.as_of}: {run.verdict}{known}", highlight=False)
    print_plainly(run.reason)
    plot = plot_run(warehouse, run, plots_folder(settings))
    if plot:
        print_plainly(f"Plot: {plot}")


app.command("propose")(proposals.propose)


@app.command()
def query(sql: str, format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """Run one reading GoogleSQL statement on the configured warehouse."""
    _, warehouse = open_settings(config, create=False)
    print_rows(warehouse.query(sql).to_pylist(), format_)


app.add_typer(proposals.proposals_app, name="proposals")
app.add_typer(proposals.audit_app, name="audit")
app.add_typer(sandbox.sandbox_app, name="sandbox")
app.add_typer(privacy.privacy_app, name="privacy")
app.add_typer(evaluate.evaluate_app, name="evaluate")
