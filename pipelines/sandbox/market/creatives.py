"""How well each ad of the simulated market converts, and which ad a claimed conversion is of.

An ad's conversions for its money, relative to its campaign's, are lognormal, wear out, and where
ads are replaced, some of what they say and show sells better (``designs.EFFECTS``).
They are drawn from random streams of their own: what a campaign brings doesn't depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipelines.sandbox.market.designs import design_of, effect_of
from pipelines.sandbox.market.portfolio import Ad
from pipelines.sandbox.market.truth import Floats, Ints

if TYPE_CHECKING:
    from pipelines.sandbox.market.market import Market

_SPREAD = 0.35
FATIGUED = "120210201000101"
"""An ad that has worn out: a fifth of its first rate is left."""


def relative_rates(seed: tuple[int, int], days: int, ads: Sequence[Ad]) -> Floats:
    """Days × ads: conversions for the money, over that of an average new ad."""
    first, left, half_life = _wear(seed, ads)
    ages = np.stack([ad.age(days) for ad in ads], axis=1)
    rates: Floats = first * (left + (1 - left) * 0.5 ** (ages / half_life))
    return rates


def _wear(seed: tuple[int, int], ads: Sequence[Ad]) -> tuple[Floats, Floats, Floats]:
    """Of each ad its first rate, the share of it that is left in the end, and half-life in days."""
    rng, count = np.random.default_rng([*seed, 35]), len(ads)
    first = np.exp(_SPREAD * rng.standard_normal(count) - _SPREAD**2 / 2)
    replaced = any(ad.flight for ad in ads)
    left = rng.uniform(*((0.3, 0.95) if replaced else (0.5, 0.95)), count)
    half_life = rng.uniform(*((15, 90) if replaced else (60, 240)), count)
    for i, ad in enumerate(ads):
        first[i] *= effect_of(design_of(ad.ad_id)) if replaced else 1.0
        if ad.ad_id == FATIGUED:
            left[i], half_life[i] = 0.2, 15.0
    return first, left, half_life


class ClaimedAds:
    """The ad of every unit of conversions that a campaign claims, in the order of their coming.

    Args:
        units: by day, how many there will have been in the end.
        chances: days × ads, each ad's part of what the campaign brings.
    """

    def __init__(self, seed: tuple[int, int], units: Ints, chances: Floats) -> None:
        rng = np.random.default_rng([*seed, 36])
        self._ads = chances.shape[1]
        self._first = np.concatenate([[0], np.cumsum(units)])
        day = np.repeat(np.arange(len(units)), units)
        limits = np.cumsum(chances, axis=1) / chances.sum(axis=1, keepdims=True)
        limits[:, -1] = 1.0
        self._ad = (rng.random(len(day))[:, None] >= limits[day]).sum(axis=1)

    def counted(self, days: range, reported: Ints) -> Ints:
        """Days × ads: of the first ``reported`` units of each of these days."""
        counts = np.zeros((len(days), self._ads), dtype=np.int64)
        for row, (day, count) in enumerate(zip(days, reported, strict=True)):
            own = self._ad[self._first[day] : self._first[day] + count]
            counts[row] = np.bincount(own, minlength=self._ads)
        return counts


def creative_truth(market: Market) -> dict[str, Floats]:
    """By ad, its true relative rate on each day of the market. No server serves it."""
    truth: dict[str, Floats] = {}
    for delivered in market._delivery.values():
        ads = delivered.plan.campaign.ads
        if ads:
            rates = relative_rates(delivered.ad_seed, len(market.days), ads)
            truth |= {ad.ad_id: rates[:, i] for i, ad in enumerate(ads)}
    return truth


def wear_truth(market: Market) -> dict[str, tuple[float, float]]:
    """By ad, the share of its first rate that is left in the end, and half-life in days."""
    truth: dict[str, tuple[float, float]] = {}
    for delivered in market._delivery.values():
        ads = delivered.plan.campaign.ads
        if ads:
            _, left, half_life = _wear(delivered.ad_seed, ads)
            of_ads = zip(left.tolist(), half_life.tolist(), strict=True)
            truth |= {ad.ad_id: of for ad, of in zip(ads, of_ads, strict=True)}
    return truth
