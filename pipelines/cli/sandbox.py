"""``adcanary sandbox …``: the simulated market, its demo and its faults."""

from __future__ import annotations

import shlex
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.options import FormatOption, day, day_option

sandbox_app = typer.Typer(no_args_is_help=True, help="Run a simulated market, with its platforms.")


@sandbox_app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Folder to keep it in.")] = Path(".adcanary/demo"),
) -> None:
    """Run the whole loop on a simulated market: ingest, build, jobs, proposals."""
    from pipelines.cli.demo import run_demo

    run_demo(folder)


@sandbox_app.command()
def serve(
    folder: Annotated[Path, typer.Option(help="Folder to keep it in.")] = Path(".adcanary/sandbox"),
    today: Annotated[
        datetime | None, day_option("Simulated present day (default: the demo's).")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="Fault to inject, as source:fault or source:fault@account; repeatable."),
    ] = None,
    every_fault: Annotated[
        bool, typer.Option(help="Inject every fault that a client can survive.")
    ] = False,
) -> None:
    """Serve the simulated market's platforms until Ctrl-C."""
    from pipelines.cli.demo import TODAY
    from pipelines.sandbox.serve import served

    with served(folder, day(today) or TODAY, fault or (), every_fault=every_fault) as world:
        print_plainly("Serving every platform. In another terminal, run:\n")
        for name in ("ADCANARY_CONFIG", *sorted(world.secrets)):
            print_plainly(f"export {name}={shlex.quote(world.environment[name])}")
        print_plainly("adcanary ingest --all\n\nPress Ctrl-C to stop.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print_plainly("Stopped.")


@sandbox_app.command("faults")
def list_faults(format_: FormatOption = Format.TABLE) -> None:
    """List the faults that the sandbox can inject."""
    from pipelines.sandbox.serve import known_faults

    print_rows(known_faults(), format_)
