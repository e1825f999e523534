"""Response curves in steady state: the weekly orders that a constant weekly spend brings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.jobs.base import significant
from pipelines.jobs.mmm.fit import Fit, Floats
from pipelines.jobs.mmm.weeks import Weeks


def weekly_orders(fit: Fit, channel: int, spend_micros: Floats) -> Floats:
    """Weekly orders of one channel at constant weekly spends, [draw, spend].

    Normalised adstock of a constant is that constant, so the steady state is the Hill curve
    coefficient · x^s / (x^s + half^s) of the spend itself.
    """
    half = fit.half_saturation_micros[:, channel, None]
    slope = fit.slope[:, channel, None]
    positive = np.where(spend_micros > 0, spend_micros, 1.0)
    odds = np.exp(np.clip(slope * (np.log(half) - np.log(positive)), -700, 700))
    orders: Floats = fit.coefficient[:, channel, None] / (1 + odds) * (spend_micros > 0)
    return orders


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


def curve_rows(fit: Fit, weeks: Weeks, points: int) -> Iterator[dict[str, Any]]:
    """Rows of contracts.mmm_curves, without what every row of a run carries."""
    for i, channel in enumerate(weeks.channels):
        current = int(weeks.current_micros[i])
        spend = weeks.spend_micros[:, i]
        grid = spend_grid(current, round(float(spend[spend > 0].mean())), points)
        bands = percentiles(weekly_orders(fit, i, grid.astype(np.float64)))
        for point, micros in enumerate(grid):
            low, median, high = (significant(float(v)) for v in bands[:, point])
            yield {
                "channel": channel,
                "point": point,
                "weekly_spend_micros": int(micros),
                "orders_p10": low,
                "orders_p50": median,
                "orders_p90": high,
                "is_current": int(micros) == current,
                "currency_code": weeks.currency_code,
            }


def flat_channels(fit: Fit, weeks: Weeks) -> list[str]:
    """Channels whose band has no width at their current spend (their usual one, if stopped)."""
    flat = []
    for i, channel in enumerate(weeks.channels):
        at = float(weeks.current_micros[i]) or float(weeks.spend_micros[:, i].mean())
        low, _, high = percentiles(weekly_orders(fit, i, np.array([at])))[:, 0]
        if significant(float(low)) == significant(float(high)):
            flat.append(channel)
    return flat
