"""Meridian's side: its default priors and chains, knots every half year, and its optimiser.

Knots and lags are those that pymc-labs/mmm-param-recovery gives it; with its default of one knot
for national data it couldn't see the season. Run by its own environment;
``python -m tests.bench.mmm_recovery`` runs all sides.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from meridian.analysis import analyzer, optimizer  # type: ignore[import-not-found]
from meridian.data import data_frame_input_data_builder  # type: ignore[import-not-found]
from meridian.model import model as meridian_model  # type: ignore[import-not-found]
from meridian.model import spec  # type: ignore[import-not-found]

from tests.bench.mmm_answer import Allocation, Fitted, Floats, Weeks, main

_KNOTS_EVERY = 26
_CHAINS, _ADAPT, _BURN_IN, _KEPT = 4, 500, 500, 1000


def fit(weeks: Weeks, seed: int) -> Fitted:
    """Its model of revenue."""
    channels = list(weeks.channels)
    table = weeks.table.rename(columns={"date": "time"}).assign(population=1.0)
    table["time"] = table["time"].dt.strftime("%Y-%m-%d")
    builder = data_frame_input_data_builder.DataFrameInputDataBuilder(kpi_type="revenue")
    builder.with_kpi(table, kpi_col="y").with_population(table)
    builder.with_controls(table, control_cols=list(weeks.control_names))
    builder.with_media(
        table, media_cols=channels, media_spend_cols=channels, media_channels=channels
    )
    model = meridian_model.Meridian(
        input_data=builder.build(),
        model_spec=spec.ModelSpec(
            max_lag=8, knots=np.arange(0, len(weeks.dates), _KNOTS_EVERY).tolist()
        ),
    )
    model.sample_posterior(_CHAINS, _ADAPT, _BURN_IN, _KEPT, seed=seed)
    asked = analyzer.Analyzer(
        model_context=model.model_context, inference_data=model.inference_data
    )
    drawn = np.asarray(
        asked.incremental_outcome(aggregate_geos=False, aggregate_times=False, use_posterior=True)
    )
    brought = drawn.reshape(-1, *drawn.shape[2:])  # [draw, geo, week, channel]

    def allocate() -> Allocation:
        best = optimizer.BudgetOptimizer(model).optimize()
        present, planned = best.nonoptimized_data, best.optimized_data
        # its interval is of the outcome of each plan, draws apart: of the difference it gives none
        factors = (planned.spend / present.spend).sel(channel=channels).to_numpy()
        return Allocation(factors, lambda: _lift(asked, model, factors), len(weeks.dates), "scaled")

    rhat = [np.asarray(value, float).ravel() for value in asked.get_rhat().values()]
    checks = {"rhat_max": float(np.nanmax(np.concatenate(rhat)))}
    return Fitted(brought, allocate, version("google-meridian"), checks)


def _lift(
    asked: analyzer.Analyzer, model: meridian_model.Meridian, factors: Floats
) -> tuple[float, float, float]:
    """By its own posterior, of media times the factors against media as they were."""
    media = model.media_tensors.media
    scaled = analyzer.DataTensors(media=media * factors)
    plan, present = (
        np.asarray(asked.incremental_outcome(new_data=data, use_posterior=True)).sum(axis=-1)
        for data in (scaled, None)
    )
    more = (plan - present).ravel()
    low, high = np.quantile(more, [0.05, 0.95])
    return float(low), float(more.mean()), float(high)


if __name__ == "__main__":
    main(fit)
