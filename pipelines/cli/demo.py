"""The demo: a newcomer's first three minutes, on a simulated market.

It does what a data engineer would: run a backfill, then the daily flow, each in its own process
against the sandbox's servers. It then prints the results.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from pipelines.cli import report
from pipelines.cli.console import out
from pipelines.config import load_settings
from pipelines.errors import AdcanaryError, IntegrityError
from pipelines.jobs.plots import plots_folder
from pipelines.proposals.events import Actor
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.terms import Terms, file_policy
from pipelines.proposals.verify import verify
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import ADMIN, World
from pipelines.warehouse import open_warehouse

START = date(2025, 1, 1)
FIRST_DAY = date(2026, 6, 24)  # the simulated day of the backfill
TODAY = date(2026, 7, 1)  # the daily flow runs a week later: conversions have been restated


def run_demo(folder: Path) -> None:
    """Run the whole loop in ``folder`` and print it. A second run changes nothing.

    Raises:
        AdcanaryError: a step failed; the output it printed says why.
    """
    began = time.monotonic()
    out.rule("adcanary: a simulated market, served over the platforms' own protocols")
    with World(folder, Market(), FIRST_DAY) as world:
        backfill = ("ingest", "--all", "--backfill", "--start", str(START), "--why", "first load")
        _step("Backfill of 18 months, in slices", world, *backfill)
        world.advance(TODAY)
        _put_policy_in_force(world.config)
        _step("The daily flow, a week later: ingest, transform, decide, propose", world)
        if world.mutations:
            raise IntegrityError(
                f"The platforms received calls that would change them: {world.mutations}"
            )
    _print(folder, time.monotonic() - began)


def _put_policy_in_force(config: Path) -> None:
    settings = load_settings(config)
    policy = file_policy(settings)
    ledger = open_ledger(open_warehouse(settings), settings)
    moment = Terms.of(settings, policy).moment
    set_policy(ledger, policy, moment, Actor(ADMIN, "person"), comment="the demo's policy")
    out.print(f"[dim]{ADMIN} put {config.parent / 'policy.yaml'} in force[/]", soft_wrap=True)


def _step(title: str, world: World, *command: str) -> None:
    out.rule(title, align="left")
    if command:
        arguments = ["-m", "pipelines.cli", *command]
    else:
        arguments = ["-m", "flows.daily", "--config", str(world.config)]
    environment = {
        **world.environment,
        "PREFECT_HOME": str(world.folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # a busy machine takes longer than the default of 20 s
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PYTHONUNBUFFERED": "1",
    }
    began = time.monotonic()
    done = subprocess.run([sys.executable, *arguments], env=environment, check=False)
    if done.returncode != 0:
        raise AdcanaryError(
            f"The step '{title}' failed with exit code {done.returncode}.",
            kept=f"everything published before it, in {world.folder}.",
            fix="Read its output above; `make demo` resumes where it stopped.",
        )
    out.print(f"[dim]{time.monotonic() - began:.0f} s[/]")


def _print(folder: Path, seconds: float) -> None:
    settings = load_settings(folder / "adcanary.yaml")
    warehouse = open_warehouse(settings, create=False)
    out.rule("Results", align="left")
    report.print_loaded(warehouse)
    report.print_verdicts(warehouse)
    ledger = open_ledger(warehouse, settings)
    report.print_proposals(ledger.read().proposals)
    out.print(f"Audit: {verify(ledger)}", highlight=False, soft_wrap=True)
    for plot in sorted(plots_folder(settings).glob("*.png")):
        out.print(f"Plot: {plot}", highlight=False, soft_wrap=True)
    out.print(
        f"\nDone in {seconds:.0f} s. Next, with --config {folder / 'adcanary.yaml'} (or export "
        "ADCANARY_CONFIG):\n"
        "  adcanary review --as ben          read the proposals and decide, in the browser\n"
        "  adcanary proposals show ID        the reasons, with every guardrail\n"
        "  adcanary proposals approve ID --as ben   record it in the shadow feed, no more\n"
        '  adcanary query "SELECT …"         query the marts in GoogleSQL\n'
        "  adcanary audit verify             prove that the record is intact",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
