"""What each job predicted and what came, as predictions by basis: live, or the latest run's past.

- mmm: orders of a week; every origin's next four, so that a week counts once, however often it was
  predicted.
- pacing: a campaign's spend of a month, as its tenth day forecast it, as a share of its budget. One
  forecast a month: those of later days are of nearly the same days.
- bandits: an ad's conversions for what it cost, by the rates of the decisions of those days. A day
  has too few to tell, so that days are taken together until chance is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, Literal

import numpy as np
from scipy.stats import gamma, norm

from pipelines.jobs.fidelity.score import Prediction

Row = Mapping[str, Any]
ByBasis = dict[str, list[Prediction]]

TO_TENTH = float(norm.ppf(0.9))
OF_INTERVAL = 1.96
"""Standard deviations from the middle of a 95% interval to its end, as the jobs write it."""
LEAST_DAYS, MOST_DAYS = 7, 28
"""Of an ad that are taken together."""
SURE = 1 / 3
"""Standard deviation of an ad's conversions, as a share of them, from which on days suffice: with
more, the mean error of right predictions comes near half."""
_AD = ("platform", "account_id", "campaign_id", "adgroup_id", "ad_id")


@dataclass(frozen=True)
class Watched:
    """One job's predictions of a quantity.

    Args:
        query: the query, and input, of its rows, which ``read`` makes predictions of.
        remedy: what makes more predictions.
        closed: what follows where they don't hold.
        severity: CRITICAL where a kind of proposal waits for them.
    """

    job: str
    quantity: str
    query: str
    read: Callable[[list[Row]], ByBasis]
    remedy: str
    closed: str
    severity: Literal["CRITICAL", "WARNING"]


def weeks(rows: list[Row]) -> ByBasis:
    """Forecasts of weeks that hadn't come, and the latest run's predictions of its past."""
    latest = max((row["as_of"] for row in rows), default=None)
    by_basis: ByBasis = {}
    for row in rows:
        is_live = row["week_start"] + timedelta(days=6) > row["as_of"]
        if not is_live and row["as_of"] != latest:
            continue
        percentiles = (row["orders_p10"], row["orders_p50"], row["orders_p90"])
        prediction = Prediction(*percentiles, actual=row["orders"], of=row["week_start"])
        by_basis.setdefault("live" if is_live else "backtest", []).append(prediction)
    return by_basis


def months(rows: list[Row]) -> ByBasis:
    """Months by campaign, as shares of the budget: currencies differ, and so do budgets."""
    by_basis: ByBasis = {}
    for row in rows:
        target, middle = row["month_target_micros"], row["month_forecast_micros"]
        reach = (row["month_forecast_high_micros"] - middle) / OF_INTERVAL * TO_TENTH
        prediction = Prediction(
            p10=(middle - reach) / target,
            p50=middle / target,
            p90=(middle + reach) / target,
            actual=row["month_cost_micros"] / target,
        )
        by_basis.setdefault(row["basis"], []).append(prediction)
    return by_basis


def conversions(rows: list[Row]) -> ByBasis:
    """Conversions by ad, over days that are enough to tell, one span after the other."""
    predictions = [
        prediction
        for _, days in groupby(rows, key=lambda row: tuple(row[name] for name in _AD))
        for prediction in _spans(days)
    ]
    return {"live": predictions} if predictions else {}


def _spans(days: Iterable[Row]) -> Iterator[Prediction]:
    """Of one ad. When a span ends depends on what was predicted alone, not on what came.

    What is known of an ad's rate hardly changes from day to day, so that its errors add up; given
    the rate, conversions are Poisson. Together they are near a Gamma distribution.
    """
    count, mean, deviation, actual = 0, 0.0, 0.0, 0.0
    for day in days:
        cost = day["cost_reporting_micros"]
        lowest = 1 / day["cac_high_micros"] if day["cac_high_micros"] else 0.0
        mean += cost / day["cac_micros"]
        deviation += cost * (1 / day["cac_low_micros"] - lowest) / (2 * OF_INTERVAL)
        actual += day["conversions"]
        count += 1
        variance = mean + deviation**2
        if count >= LEAST_DAYS and variance <= (SURE * mean) ** 2:
            shape, scale = mean**2 / variance, variance / mean
            low, median, high = gamma.ppf(np.array([0.1, 0.5, 0.9]), shape, scale=scale).tolist()
            yield Prediction(low, median, high, actual)
        elif count < MOST_DAYS:
            continue
        count, mean, deviation, actual = 0, 0.0, 0.0, 0.0


WATCHED = (
    Watched(
        job="mmm",
        quantity="weekly orders up to four weeks ahead",
        query="predicted_weeks",
        read=weeks,
        remedy="Run `adcanary job mmm` every week; it also predicts its own past.",
        closed="No shift of budgets is approved until its predictions hold again.",
        severity="CRITICAL",
    ),
    Watched(
        job="pacing",
        quantity="monthly spend of campaigns ten days in",
        query="predicted_months",
        read=months,
        remedy="Run `adcanary job pacing` every day; a month counts once all of it is published.",
        closed="Don't plan by its month-end forecasts. Its pauses rest on spend that was seen, and "
        "go on.",
        severity="WARNING",
    ),
    Watched(
        job="bandits",
        quantity="conversions of ads for their cost",
        query="predicted_rates",
        read=conversions,
        remedy="Run `adcanary job bandits` every day; a day counts once it is two weeks old, and "
        "an ad once its conversions are many enough to tell.",
        closed="Don't follow its shares: ads don't earn what it says that they do.",
        severity="WARNING",
    ),
)
