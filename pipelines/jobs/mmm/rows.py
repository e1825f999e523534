"""Weekly rows of contract tables: what channels brought, what was predicted, what is to come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pipelines.jobs.base import significant
from pipelines.jobs.mmm.backtest import Backtest
from pipelines.jobs.mmm.curves import banded, percentiles
from pipelines.jobs.mmm.panel import Floats, Panel


def contribution_rows(panel: Panel, brought: Floats) -> Iterator[dict[str, Any]]:
    """Rows of contracts.mmm_contributions_weekly, all geos together.

    Args:
        brought: as ``contributions`` gives it, [draw, geo, week, channel].
    """
    for i, channel in enumerate(panel.channels):
        drawn = brought[..., i].sum(axis=1)
        means, bands = drawn.mean(axis=0), percentiles(drawn)
        for week, start in enumerate(panel.starts):
            yield {
                "channel": channel,
                "week_start": start,
                "orders_mean": significant(float(means[week])),
                **banded("orders", bands[:, week]),
            }


def prediction_rows(
    past: Backtest, later: Panel, expected: Floats, forecast: Floats, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of contracts.mmm_predictions_weekly.

    Args:
        later: the panel with the weeks to come.
        expected: of the fitted weeks, [draw, week].
        forecast: of the weeks to come, [draw, week].
    """
    random = np.random.default_rng(seed)
    orders = later.outcome.sum(axis=0)

    def rows(origin: int, first: int, drawn: Floats, noise: float) -> Iterator[dict[str, Any]]:
        bands = percentiles(drawn + noise * random.standard_normal(drawn.shape))
        for i in range(drawn.shape[1]):
            actual = orders[first + i]
            yield {
                "origin_week": later.starts[origin],
                "week_start": later.starts[first + i],
                "orders": None if np.isnan(actual) else round(float(actual)),
                **banded("orders", bands[:, i]),
            }

    for origin, noise in zip(past.origins, past.noises, strict=True):
        yield from rows(origin.weeks - 1, origin.weeks, origin.expected, noise)
    weeks = expected.shape[1]
    residual = float((orders[:weeks] - expected.mean(axis=0)).std())
    yield from rows(weeks - 1, 0, expected, residual)
    yield from rows(weeks - 1, weeks, forecast, past.noise)
