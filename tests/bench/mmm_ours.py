"""Our side: an engine of ``pipelines.evaluate.mmm``, named first, on one file of weeks."""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np

from pipelines.evaluate.mmm import ENGINES
from pipelines.jobs.mmm import decision
from pipelines.jobs.mmm.engine import contributions
from pipelines.jobs.mmm.panel import Panel
from tests.bench.mmm_answer import Allocation, Fitted, Weeks, main


def fit(engine: str, weeks: Weeks, seed: int) -> Fitted:
    """Fit it and recommend, as ``adcanary evaluate mmm`` does."""
    panel = Panel(
        tuple(day.date() for day in weeks.dates),
        weeks.geos,
        weeks.channels,
        weeks.spend,
        weeks.outcome,
        weeks.controls,
        weeks.control_names,
    )
    fitted = ENGINES[engine](panel, seed)

    def allocate() -> Allocation:
        responded = decision.respond(fitted)
        factors = decision.best_split(panel, responded)
        last = decision.decided_weeks(panel)
        more = decision.lift(panel, responded, factors) * panel.outcome[:, -last:].sum()
        low, high = np.quantile(more, [0.05, 0.95])
        lift = float(low), float(more.mean()), float(high)
        return Allocation(factors, lambda: lift, last, "scaled")

    return Fitted(contributions(fitted), allocate, version("adcanary"), dict(fitted.checks))


if __name__ == "__main__":
    main(lambda weeks, seed: fit(sys.argv[1], weeks, seed), sys.argv[2:])
