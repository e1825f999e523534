"""The monitors there are, in the order in which they are told, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from pipelines.finding import Finding, looked, skip
from pipelines.monitors import cost, drift, jobs, landed, ledger
from pipelines.monitors.held import Held
from pipelines.monitors.volume import volume


@dataclass(frozen=True)
class Monitor:
    """One question; what to do when it warns or fails is in ``docs/runbooks/<runbook>.md``.

    Args:
        name: of its findings, before the colon.
        look: gives its findings.
    """

    name: str
    look: Callable[[Held], Iterable[Finding]]
    runbook: str


MONITORS = (
    Monitor("freshness", landed.freshness, "late-data"),
    Monitor("volume", volume, "unusual-volume"),
    Monitor("build", landed.build, "build-failed"),
    Monitor("jobs", jobs.jobs, "job-not-run"),
    Monitor("drift", drift.drift, "input-drift"),
    Monitor("predictions", drift.predictions, "predictions-off"),
    Monitor("ledger", ledger.ledger, "ledger-broken"),
    Monitor("kill_switch", ledger.kill_switch, "kill-switch-on"),
    Monitor("proposals", ledger.proposals, "expired-proposals"),
    Monitor("cost", cost.cost, "cost-rising"),
)
_UNANSWERED = "warehouse-unavailable"


def examine(held: Held, only: Collection[str] = ()) -> Iterator[Finding]:
    """Run the monitors; one that itself fails is a finding, and the others go on.

    Args:
        only: names of monitors; empty for all.
    """
    for monitor in MONITORS:
        if only and monitor.name not in only:
            continue
        for finding in _run(monitor, held):
            page = runbook(finding)
            note = f"{finding.fix} Runbook: {page}" if finding.fix and page else finding.fix
            yield replace(finding, fix=note)


def runbook(finding: Finding) -> str | None:
    """The page that says what to do about a finding; None where there is nothing to do."""
    if finding.fix is None:
        return None
    if finding.unavailable:
        return f"docs/runbooks/{_UNANSWERED}.md"
    name = finding.name.partition(":")[0]
    return next(f"docs/runbooks/{m.runbook}.md" for m in MONITORS if m.name == name)


def _run(monitor: Monitor, held: Held) -> Iterator[Finding]:
    if not held.exists:
        yield skip(monitor.name, "There is no warehouse yet.")
        return
    yield from looked("monitor", monitor.name, partial(monitor.look, held))
