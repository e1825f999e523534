"""Simulated creatives that wear out and whose conversions come late, for bandits to share clicks.

A market is an ad group of 120 days and 500 to 5,000 clicks a day (log-uniform), each drawn anew:

- it has places for 4 to 8 creatives; each runs for 20 to 60 days and is then replaced by a new one,
  as teams do before a creative is quite worn out;
- conversion rates at launch are lognormal about 2 to 5%, with a deviation of 0.35 (so that the
  best of six is some 1.5 times the median);
- a creative wears out with the days since its launch, to 0.2 to 0.9 of its first rate, half of the
  way in 5 to 45 days (log-uniform);
- a conversion comes 0 to 14 days after its click, about 5 days on average.

Three variants change one thing: ``stays`` (no creative is replaced), ``steady`` (none wears out)
and ``quiet`` (a fifth of the clicks).

Who would convert, and when, is drawn for each click of each creative beforehand, so that all
policies meet the same visitors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from pipelines.jobs.bandits.delay import MAX_DELAY
from pipelines.jobs.bandits.off_policy import Floats, Ints

DAYS = 120


Variant = Literal["stays", "steady", "quiet"]


@dataclass(frozen=True)
class CreativeMarket:
    """A market by its seed, of a variant or of none."""

    seed: int
    variant: Variant | None = None

    @cached_property
    def clicks(self) -> Ints:
        """By day."""
        rng = np.random.default_rng([self.seed, 72])
        level = 0.2 if self.variant == "quiet" else 1.0
        return rng.poisson(level * np.exp(rng.uniform(np.log(500), np.log(5000))), DAYS)

    @cached_property
    def lives(self) -> Ints:
        """Creatives × (first day, day after the last), one after another in each place."""
        rng = np.random.default_rng([self.seed, 73])
        lives = []
        for _ in range(int(rng.integers(4, 9))):
            day = 0
            while day < DAYS:
                end = day + (DAYS if self.variant == "stays" else int(rng.integers(20, 61)))
                lives.append((day, end))
                day = end
        return np.array(sorted(lives))

    @cached_property
    def rates(self) -> Floats:
        """Days × creatives, the true conversion rate of a click; 0 while it doesn't run."""
        rng = np.random.default_rng([self.seed, 74])
        count = len(self.lives)
        first = rng.uniform(0.02, 0.05) * np.exp(0.35 * rng.standard_normal(count))
        left = rng.uniform(0.2, 0.9, count)
        if self.variant == "steady":
            left = np.ones(count)
        half = np.exp(rng.uniform(np.log(5), np.log(45), count))
        age = np.arange(DAYS)[:, None] - self.lives[:, 0]
        rates: Floats = np.minimum(first * (left + (1 - left) * 0.5 ** (age / half)), 0.5)
        return np.where((age >= 0) & (np.arange(DAYS)[:, None] < self.lives[:, 1]), rates, 0.0)

    @cached_property
    def delays(self) -> Floats:
        """Probability of each delay in days, 0 to 14."""
        weights = np.random.default_rng([self.seed, 75]).gamma(
            1.2 * 0.85 ** np.arange(MAX_DELAY + 1)
        )
        return weights / weights.sum()

    def outcomes(self, day: int, creative: int) -> Ints:
        """By click of the day that the creative would get, the delay of its conversion, or −1."""
        rng = np.random.default_rng([self.seed, 76, day, creative])
        clicks = int(self.clicks[day])
        converts = rng.random(clicks) < self.rates[day, creative]
        return np.where(converts, rng.choice(MAX_DELAY + 1, clicks, p=self.delays), -1)

    def regret(self, day: int, shares: Floats) -> float:
        """Expected conversions that the shares lose to the day's best creative."""
        best = float(self.rates[day].max())
        return float(self.clicks[day]) * (best - float(shares @ self.rates[day]))
