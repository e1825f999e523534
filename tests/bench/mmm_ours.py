"""Our side: an engine of ``pipelines.evaluate.mmm``, or all combined, on one file of weeks."""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np

from pipelines.evaluate.mmm import COMBINED, ENGINES
from pipelines.jobs.mmm import decision
from pipelines.jobs.mmm.combine import pool
from pipelines.jobs.mmm.engine import contributions
from pipelines.jobs.mmm.engines import engine_of
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
    chosen = ENGINES if engine == COMBINED else tuple(n for n in ENGINES if n == engine)
    fits = {name: engine_of(name)(panel, seed) for name in chosen}
    fitted = pool(fits) if engine == COMBINED else fits[chosen[0]]

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
