"""``adcanary sandbox …``: the simulated market, its demo and its faults."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.options import DayOption, FormatOption, day

sandbox_app = typer.Typer(no_args_is_help=True, help="The simulated market.")


@sandbox_app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="where it lives")] = Path(".adcanary/demo"),
) -> None:
    """The whole loop on a simulated market: ingest, build, jobs, proposals."""
    from pipelines.cli.demo import run_demo

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
    from pipelines.cli.demo import TODAY
    from pipelines.sandbox.serve import served

    with served(folder, day(today) or TODAY, fault or (), every_fault=every_fault) as world:
        print_plainly("Every platform is being served. In another terminal:\n")
        for name in ("ADCANARY_CONFIG", *sorted(world.secrets)):
            print_plainly(f"export {name}={shlex.quote(world.environment[name])}")
        print_plainly("adcanary ingest --all\n\nCtrl-C ends it.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print_plainly("Stopped.")


@sandbox_app.command("faults")
def list_faults(format_: FormatOption = Format.TABLE) -> None:
    """The faults that the sandbox's platforms know."""
    from pipelines.sandbox.serve import known_faults

    print_rows(known_faults(), format_)
