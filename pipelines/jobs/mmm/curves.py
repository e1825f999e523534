"""Response curves: what a channel's weekly spend brings, in steady state and in the next weeks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.jobs.base import significant
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.forward import following, steady
from pipelines.jobs.mmm.panel import Floats
from pipelines.jobs.mmm.weeks import MICRO, Weeks

STEADY = 0
"""The horizon of the steady state."""
_STEP = 0.01
"""Of the current spend: how far apart the two spends are whose difference is the marginal one."""


def percentiles(draws: Floats) -> Floats:
    """10th, 50th and 90th percentile over draws, [3, …]."""
    result: Floats = np.quantile(draws, (0.1, 0.5, 0.9), axis=0)
    return result


def spend_grid(current_micros: int, usual_micros: int, points: int) -> npt.NDArray[np.int64]:
    """Ascending weekly spends from 0 to twice the current one, which is among them.

    For a channel that has stopped, the grid goes to twice its usual spend, and its current point
    is 0.
    """
    if current_micros == 0:
        return np.rint(np.linspace(0, 2 * usual_micros, points)).astype(np.int64)
    below = (points - 1) // 2
    lower = np.linspace(0, current_micros, below + 1)
    upper = np.linspace(current_micros, 2 * current_micros, points - below)[1:]
    return np.rint(np.concatenate([lower, upper])).astype(np.int64)


def curve_rows(
    fitted: Fitted, weeks: Weeks, points: int, expected: Mapping[int, Floats]
) -> Iterator[dict[str, Any]]:
    """Rows of contracts.mmm_curves, without what every row of a run carries.

    Args:
        expected: by horizon, the weekly orders to expect at current spend, [draw].
    """
    for i, channel in enumerate(weeks.channels):
        current = int(weeks.current_micros[i])
        grid = spend_grid(current, weeks.usual_micros(i), points)
        curves = [(STEADY, _points(fitted, i, grid, STEADY))]
        for horizon, orders in expected.items():
            now = following(fitted, i, np.array([current / MICRO]), horizon)[:, 0]
            curves.append((horizon, _points(fitted, i, grid, horizon, orders - now)))
        for horizon, rows in curves:
            for point, (micros, columns) in enumerate(zip(grid, rows, strict=True)):
                yield {
                    "channel": channel,
                    "horizon_weeks": horizon,
                    "point": point,
                    "weekly_spend_micros": int(micros),
                    **columns,
                    "is_current": int(micros) == current,
                    "currency_code": weeks.currency_code,
                }


def _points(
    fitted: Fitted,
    channel: int,
    grid: npt.NDArray[np.int64],
    horizon: int,
    rest: Floats | None = None,
) -> Iterator[dict[str, float | int | None]]:
    """Bands at each point of the grid; ``rest`` is what else is expected, [draw]."""
    money = grid / MICRO
    step = money[-1] / 2 * _STEP
    # at 0 there is no spend below
    below, above = np.maximum(money - step / 2, 0), np.maximum(money, step / 2) + step / 2
    spends = np.concatenate([money, below, above])
    drawn = (
        following(fitted, channel, spends, horizon) if horizon else steady(fitted, channel, spends)
    )
    orders, low, high = np.split(drawn, 3, axis=1)
    marginal = percentiles((high - low) / (above - below))
    bands = percentiles(orders)
    totals = None if rest is None else percentiles(rest[:, None] + orders)
    for point in range(len(grid)):
        yield {
            **banded("orders", bands[:, point]),
            **banded("marginal_orders", marginal[:, point]),
            **_cac(marginal[:, point]),
            **({} if totals is None else banded("total_orders", totals[:, point])),
        }


def banded(name: str, band: Floats) -> dict[str, float]:
    """Columns of a 10th, 50th and 90th percentile."""
    return {f"{name}_p{p}": significant(float(v)) for p, v in zip((10, 50, 90), band, strict=True)}


def _cac(marginal: Floats) -> dict[str, int | None]:
    """The money that one more order costs: the more orders, the less, so the ends change places."""
    costs = [significant(MICRO / v) if v > 0 else None for v in marginal[::-1]]
    return {
        f"marginal_cac_micros_p{p}": None if cost is None or cost > 1e15 else round(cost)
        for p, cost in zip((10, 50, 90), costs, strict=True)
    }


def marginal_orders(fitted: Fitted, channel: int, money: float) -> Floats:
    """Orders for one more unit of money at a weekly spend, [draw]."""
    spends = money * np.array([1 - _STEP / 2, 1 + _STEP / 2])
    low, high = steady(fitted, channel, spends).T
    marginal: Floats = (high - low) / (spends[1] - spends[0])
    return marginal


def flat_channels(fitted: Fitted, weeks: Weeks) -> list[str]:
    """Channels whose band has no width at their current spend (their usual one, if stopped)."""
    flat = []
    for i, channel in enumerate(weeks.channels):
        low, _, high = percentiles(steady(fitted, i, np.array([weeks.typical_money(i)])))[:, 0]
        if significant(float(low)) == significant(float(high)):
            flat.append(channel)
    return flat
