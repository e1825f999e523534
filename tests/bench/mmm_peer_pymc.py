"""pymc-marketing's side: geometric adstock, logistic saturation, its defaults, NumPyro.

Its optimiser plans a constant budget for weeks to come, so its lift is of the mean week's spend
times the factors, week after week, in the last year of such weeks. Run by its own environment;
``python -m tests.bench.mmm_recovery`` runs all sides.
"""

from __future__ import annotations

from importlib.metadata import version

import arviz as az  # type: ignore[import-not-found]
import numpy as np
import pandas as pd
import xarray as xr
from pymc_marketing.mmm import (  # type: ignore[import-not-found]
    MMM,
    GeometricAdstock,
    LogisticSaturation,
)

from tests.bench.mmm_answer import MOST_MOVED, Allocation, Fitted, Floats, Weeks, main

LIFT_WEEKS = 52
_LAGS, _CHAINS = 8, 4
_BROUGHT = "channel_contribution_original_scale"


def fit(weeks: Weeks, seed: int) -> Fitted:
    """With yearly seasonality; controls are scaled, as its documentation asks."""
    several = len(weeks.geos) > 1
    channels, controls = list(weeks.channels), list(weeks.control_names)
    table = weeks.table.copy()
    table[controls] /= table[controls].abs().max()
    model = MMM(
        date_column="date",
        target_column="y",
        channel_columns=channels,
        control_columns=controls,
        dims=("geo",) if several else None,
        adstock=GeometricAdstock(l_max=_LAGS),
        saturation=LogisticSaturation(),
        yearly_seasonality=2,
    )
    known = table[["date", *(["geo"] if several else []), *channels, *controls]]
    model.build_model(X=known, y=table["y"])
    model.add_original_scale_contribution_variable(var=["channel_contribution"])
    # as many chains as its own warning asks for; on two cores its default is two
    model.fit(
        known,
        table["y"],
        random_seed=seed,
        chains=_CHAINS,
        nuts_sampler="numpyro",
        progressbar=False,
    )
    posterior = model.idata["posterior"].to_dataset()
    brought = _array(posterior[_BROUGHT].stack(sample=("chain", "draw")), several)

    def allocate() -> Allocation:
        mean = xr.DataArray(
            weeks.spend.mean(axis=1),
            dims=("geo", "channel"),
            coords={"geo": list(weeks.geos), "channel": channels},
        )
        present = mean if several else mean.isel(geo=0, drop=True)
        first = weeks.dates[-1] + pd.Timedelta(weeks=1)
        dates = pd.date_range(first, periods=LIFT_WEEKS + _LAGS, freq="7D")
        bounds = xr.concat([present * (1 - MOST_MOVED), present * (1 + MOST_MOVED)], dim="bound")
        bounds = bounds.transpose(..., "bound").assign_coords(bound=["lower", "upper"])
        best = model.budget_optimizer(dates[0], dates[-1]).allocate_budget(
            float(present.sum()), budget_bounds=bounds
        )
        budgets = best.budgets.transpose(*present.dims).reindex_like(present)

        def flat(budget: xr.DataArray) -> Floats:
            spend = budget.expand_dims(date=dates).to_dataset(dim="channel")
            future = spend.to_dataframe().reset_index().assign(**dict.fromkeys(controls, 0.0))
            drawn = model.sample_posterior_predictive(
                future,
                extend_idata=False,
                var_names=[_BROUGHT],
                random_seed=seed,
                progressbar=False,
            )
            totals: Floats = _array(drawn[_BROUGHT], several)[:, :, _LAGS:].sum(axis=(1, 2, 3))
            return totals

        def lift() -> tuple[float, float, float]:
            more = flat(budgets) - flat(present)
            low, high = np.quantile(more, [0.05, 0.95])
            return float(low), float(more.mean()), float(high)

        return Allocation((budgets / present).to_numpy(), lift, LIFT_WEEKS, "flat")

    free = posterior[[name for name in posterior.data_vars if "date" not in posterior[name].dims]]
    checks = {
        "rhat_max": float(_values(az.rhat(free)).max()),
        "ess_bulk_min": float(_values(az.ess(free)).min()),
        "divergences": float(model.idata["sample_stats"]["diverging"].sum()),
    }
    return Fitted(brought, allocate, version("pymc-marketing"), checks)


def _array(values: xr.DataArray, several: bool) -> Floats:
    """[draw, geo, week, channel]"""
    if not several:
        values = values.expand_dims(geo=1)
    drawn: Floats = values.transpose("sample", "geo", "date", "channel").to_numpy()
    return drawn


def _values(of: xr.Dataset) -> Floats:
    """Of all parameters that were sampled and vary."""
    values = np.concatenate([np.ravel(value) for value in of.data_vars.values()])
    finite: Floats = values[np.isfinite(values)]
    return finite


if __name__ == "__main__":
    main(fit)
