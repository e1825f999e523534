"""Our side: an engine of ``pipelines.evaluate.mmm``, named first, on one file of weeks."""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np

from pipelines.evaluate import mmm
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
    fitted = mmm.ENGINES[engine](panel, seed)

    def allocate() -> Allocation:
        last = min(mmm.LIFT_WEEKS, len(panel.starts))
        paths = mmm._GRID[:, None, None, None] * panel.spend
        responded = [fitted.totals(i, paths[:, :, :, i], last) for i in range(len(panel.channels))]
        factors = mmm._recommended(panel, responded)
        more = sum(mmm._at(r, f) - mmm._at(r, 1.0) for r, f in zip(responded, factors, strict=True))
        low, high = np.quantile(more, [0.05, 0.95])
        lift = float(low), float(np.mean(more)), float(high)
        return Allocation(factors, lambda: lift, last, "scaled")

    return Fitted(contributions(fitted), allocate, version("adcanary"), dict(fitted.checks))


if __name__ == "__main__":
    main(lambda weeks, seed: fit(sys.argv[1], weeks, seed), sys.argv[2:])
