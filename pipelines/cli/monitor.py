"""``adcanary monitor`` and ``adcanary metrics``: what the warehouse says after a day's work."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.doctor import exit_by, print_findings
from pipelines.cli.options import ConfigOption, FormatOption
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.finding import Finding

_COLUMNS = ("name", "status", "message", "fix", "runbook")


def monitor(
    monitors: Annotated[
        list[str] | None, typer.Argument(metavar="[MONITOR]...", help="Only these monitors.")
    ] = None,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Ask the warehouse after a day's work: late data, odd volumes, drift, jobs, ledger, cost.

    Nothing is changed, and no platform is asked. The exit code is 1 if a monitor fails, and 3 if
    all that fails is something that didn't answer. docs/runbooks says what to do about each.
    """
    from pipelines.config import load_settings
    from pipelines.monitors.held import Held
    from pipelines.monitors.registry import MONITORS, examine, runbook

    known = [one.name for one in MONITORS]
    if unknown := sorted(set(monitors or ()) - set(known)):
        raise UsageError(
            f"There is no monitor {', '.join(unknown)} (there are: {', '.join(known)}).",
            kept="nothing was read.",
            fix="Correct the name, or leave it out for all monitors.",
        )
    findings = list(examine(Held(load_settings(config)), monitors or ()))
    if format_ is Format.TABLE:
        print_findings(findings)
    else:
        rows = [_row(finding, runbook(finding)) for finding in findings]
        print_rows(rows, format_, columns=_COLUMNS)
    exit_by(findings)


def metrics(
    serve: Annotated[
        str | None,
        typer.Option(
            metavar="[HOST:]PORT",
            help="Answer Prometheus there until Ctrl-C (host: 127.0.0.1), instead of printing.",
        ),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --serve: seconds for which what was read is answered again (default: 60; "
            "900 on BigQuery, which bills each reading).",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print metrics for Prometheus: freshness, rows, builds, jobs, proposals, cost, monitors.

    For node_exporter's textfile collector, write them beside the file and rename it.
    """
    from pipelines.config import load_settings
    from pipelines.monitors.metrics import exposition
    from pipelines.monitors.serve import serve_metrics

    settings = load_settings(config)
    if serve is None:
        sys.stdout.write(exposition(settings))
        return
    host, port = _address(serve)
    with serve_metrics(settings, host, port, every) as address:
        print_plainly(f"Metrics are at http://{address}/metrics. Press Ctrl-C to stop.")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"--serve '{given}' names no port.",
            kept="nothing was read.",
            fix="Use a port, such as --serve 9464, or an address and a port: 127.0.0.1:9464.",
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def _row(finding: Finding, runbook: str | None) -> dict[str, Any]:
    return {**{name: getattr(finding, name) for name in _COLUMNS[:-1]}, "runbook": runbook}
