"""An account of ad sets whose true response is known, week by week: for rules to be tried on.

What an ad set brings is concave in its spend and drifts. The platform claims more than it brings,
of some ad sets twice as much as of others; the order book sees a part of the orders of all alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ELASTICITY = 0.7
_SPREAD, _DRIFT, _MEMORY = 0.45, 0.12, 0.93
_ORDERS = 40.0  # a week, of a usual ad set at its usual spend
_SEEN = 0.6
_DAILY = 100.0
_BUDGETS = 0.3
STEP = 0.2
"""The most that one week may change a budget: what the oracle is held to, too."""


@dataclass(frozen=True)
class Week:
    """What an account did in a week, by ad set: spend in units of currency, counts of what the
    platform claims and of what the order book credits."""

    budgets: Floats
    spend: Floats
    impressions: Floats
    clicks: Floats
    claimed: Floats
    ordered: Floats
    true_orders: Floats


class AdSetMarket:
    """One account; the same arguments give the same weeks.

    Args:
        weeks: that it lasts.
        signal: without it all ad sets are alike, and no rule can gain.
    """

    def __init__(self, seed: int, weeks: int, ad_sets: int = 12, *, signal: bool = True) -> None:
        rng = np.random.default_rng([seed, 71])
        self.seed, self.ad_sets = seed, ad_sets
        self.start: Floats = _DAILY * np.exp(_BUDGETS * rng.standard_normal(ad_sets))
        level = _SPREAD * rng.standard_normal(ad_sets)
        steps = _DRIFT * rng.standard_normal((weeks, ad_sets))
        drift = np.zeros((weeks, ad_sets))
        for week in range(1, weeks):
            drift[week] = _MEMORY * drift[week - 1] + steps[week]
        self._rates: Floats = np.exp(level + drift) if signal else np.ones((weeks, ad_sets))
        self._claims: Floats = rng.uniform(0.8, 2.0, ad_sets)

    def true_orders(self, week: int, budgets: Floats) -> Floats:
        """What budgets bring in a week, in the mean."""
        orders: Floats = _ORDERS * self._rates[week] * (budgets / _DAILY) ** ELASTICITY
        return orders

    def run(self, week: int, budgets: Floats) -> Week:
        """The week with these daily budgets. What is drawn depends on the week, not on them."""
        rng = np.random.default_rng([self.seed, 72, week])
        spend = 7 * budgets * np.minimum(np.exp(0.08 * rng.standard_normal(self.ad_sets)) * 0.95, 1)
        orders = self.true_orders(week, spend / 7)
        impressions = np.round(spend / 10 * 1000 * np.exp(0.05 * rng.standard_normal(self.ad_sets)))
        return Week(
            budgets=budgets,
            spend=spend,
            impressions=impressions,
            clicks=rng.poisson(impressions * 0.011).astype(float),
            claimed=rng.poisson(orders * self._claims).astype(float),
            ordered=rng.poisson(orders * _SEEN).astype(float),
            true_orders=orders,
        )

    def best(self, week: int, budgets: Floats, step: float | None = STEP) -> Floats:
        """The best budgets of a week for the same money, no further than a step from these."""
        power = 1 / (1 - ELASTICITY)
        weights = self._rates[week] ** power
        total = budgets.sum()
        if step is None:
            return np.asarray(total * weights / weights.sum())
        low, high = budgets * (1 - step), budgets * (1 + step)
        scales = np.geomspace(1e-6, 1e6, 4001) * total / weights.sum()
        spent = np.clip(scales[:, None] * weights, low, high).sum(axis=1)
        scale = np.interp(total, spent, scales)
        chosen: Floats = np.clip(scale * weights, low, high)
        return chosen * total / chosen.sum()
