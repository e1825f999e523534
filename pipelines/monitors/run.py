"""All monitors at once, for flows and commands."""

from __future__ import annotations

from pipelines.config import Settings
from pipelines.finding import Finding
from pipelines.monitors.held import Held
from pipelines.monitors.registry import examine


def monitor(settings: Settings) -> list[Finding]:
    """What every monitor finds in the warehouse, in the registry's order; nothing is changed.

    A warehouse that doesn't answer is a finding of each (``unavailable``), and raises nothing.
    """
    return list(examine(Held(settings)))
