"""mmm-framework's side: its Bayesian engine with NumPyro and its defaults, and its optimiser.

Run by its own environment (``framework-requirements.lock``); ``python -m tests.bench.mmm_recovery``
runs all sides.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd
from mmm_framework import (  # type: ignore[import-not-found]
    BayesianMMM,
    ModelConfigBuilder,
    TrendConfig,
    TrendType,
)
from mmm_framework.config import (  # type: ignore[import-not-found]
    ControlVariableConfig,
    DimensionType,
    KPIConfig,
    MediaChannelConfig,
    MFFConfig,
)
from mmm_framework.data_loader import (  # type: ignore[import-not-found]
    PanelCoordinates,
    PanelDataset,
)
from mmm_framework.planning.budget import optimize_budget  # type: ignore[import-not-found]

from tests.bench.mmm_answer import MOST_MOVED, Allocation, Fitted, Weeks, main


def fit(weeks: Weeks, seed: int) -> Fitted:
    """As its README shows: NumPyro, its default chains and draws, a linear trend."""
    model = BayesianMMM(
        _panel(weeks),
        ModelConfigBuilder().bayesian_numpyro().build(),
        TrendConfig(type=TrendType.LINEAR),
    )
    results = model.fit(random_seed=seed)
    drawn = model.sample_channel_contributions(random_seed=seed)
    shape = (len(drawn), len(weeks.dates), len(weeks.geos), len(weeks.channels))
    brought = drawn.reshape(shape).transpose(0, 2, 1, 3)

    def allocate() -> Allocation:
        best = optimize_budget(
            model, min_multiplier=1 - MOST_MOVED, max_multiplier=1 + MOST_MOVED, random_seed=seed
        )
        factors = np.asarray(best.optimal_alloc) / model.X_media_raw.sum(axis=0)
        low, high = best.uplift_hdi
        lift = float(low), float(best.expected_uplift), float(high)
        return Allocation(factors, lambda: lift, shape[1], "scaled")

    checks = {
        name: float(results.diagnostics[name])
        for name in ("rhat_max", "ess_bulk_min", "divergences")
    }
    return Fitted(brought, allocate, version("mmm-framework"), checks)


def _panel(weeks: Weeks) -> PanelDataset:
    """Rows by week, then by geo, as its loader makes them."""
    several = len(weeks.geos) > 1
    dimensions = [DimensionType.PERIOD, *([DimensionType.GEOGRAPHY] if several else [])]
    names = ["Period", "Geography"]
    index = (
        pd.MultiIndex.from_product([weeks.dates, weeks.geos], names=names)
        if several
        else weeks.dates
    )

    def rows(values: np.ndarray, columns: tuple[str, ...]) -> pd.DataFrame:
        flat = values.transpose(1, 0, 2).reshape(len(index), -1)
        return pd.DataFrame(flat, index=index, columns=list(columns))

    return PanelDataset(
        y=pd.Series(weeks.outcome.T.ravel(), index=index, name="y"),
        X_media=rows(weeks.spend, weeks.channels),
        X_controls=rows(weeks.controls, weeks.control_names),
        coords=PanelCoordinates(
            periods=weeks.dates,
            geographies=list(weeks.geos) if several else None,
            products=None,
            channels=list(weeks.channels),
            controls=list(weeks.control_names),
        ),
        index=index,
        config=MFFConfig(
            kpi=KPIConfig(name="y", dimensions=dimensions),
            media_channels=[
                MediaChannelConfig(name=c, dimensions=dimensions) for c in weeks.channels
            ],
            controls=[
                ControlVariableConfig(name=c, dimensions=dimensions) for c in weeks.control_names
            ],
        ),
    )


if __name__ == "__main__":
    main(fit)
