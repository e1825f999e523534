"""How far each ad has worn out, and how many days it has left.

An ad's rate falls from its first one to a floor, ``left + (1 - left)·½^(age / half-life)``, where
age is counted in days or in impressions, whichever the ads of the account show. How the whole
campaign fares on a week is not known and needn't be: of the conversions that a campaign claims in a
week, each ad's part is proportional to its spend times its rate, so that only ads of one campaign
are compared, and weeks whose conversions are still coming in count as they stand. That says nothing
of ads that were all launched together, nor of one whose launch isn't known.

The posterior is drawn by Gibbs sampling. Given a gamma variable for each week, the parts of a
multinomial are independent Poisson counts (Caron and Doucet 2012), so that an ad's first rate is
gamma and its shape one of a grid. How usual each shape is, the account's ads say together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import logsumexp

from pipelines.jobs.creatives.returns import Floats, Ints

HORIZON = 180
"""Days ahead that are looked at; an ad that lasts longer has this many left."""

_LEFT = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
_HALF_LIVES = (7.0, 12.0, 20.0, 33.0, 55.0, 90.0)
_CLOCKS = ("days", "impressions")
_STRENGTH = 8.0  # conversions that the prior of a first rate is worth: ads differ by some 35%
_ADS_OF_PRIOR = 3.0  # ads that the prior of how usual each shape is is worth: all alike
_DRAWS, _BURNT = 1500, 300


@dataclass(frozen=True)
class Campaign:
    """A campaign's ads by week, oldest first: weeks × ads.

    Args:
        spend: of any one currency.
        conversions: as claimed so far.
        age: days since the ad's launch, in the middle of the week's delivery.
        impressions: of the ad until then.
        today: days since launch, of each ad.
        seen: impressions of each ad until now.
        pace: impressions of each ad on a day of late.
    """

    ads: tuple[str, ...]
    spend: Floats
    conversions: Floats
    age: Floats
    impressions: Floats
    today: Floats
    seen: Floats
    pace: Floats


@dataclass(frozen=True)
class Wear:
    """What is believed of an ad, by draws.

    Args:
        freshness: draws of its rate today over its first one.
        rate: draws of its rate today, in units that are the campaign's own.
        days_left: draws of the days until its rate is below ``worn`` of its first one; 0 where it
            is, ``HORIZON`` where it isn't by then.
        by_impressions: share of the draws in which impressions wear it out, not days.
    """

    ad_id: str
    freshness: Floats
    rate: Floats
    days_left: Floats
    by_impressions: float


def wear_of(campaigns: Sequence[Campaign], worn: float, seed: int = 0) -> list[Wear]:
    """What is believed of every ad of an account.

    Args:
        worn: the share of its first rate below which an ad is worn out.
    """
    rng = np.random.default_rng([seed, 92])
    grid = list(product(_CLOCKS, _LEFT, _HALF_LIVES))
    scale = _impressions_a_day(campaigns)
    chains = [_Chain(campaign, grid, scale) for campaign in campaigns]
    mix = np.full(len(grid), 1 / len(grid))
    kept: list[list[tuple[Ints, Floats]]] = [[] for _ in chains]
    for draw in range(_DRAWS):
        counts = np.full(len(grid), _ADS_OF_PRIOR / len(grid))
        for chain, draws in zip(chains, kept, strict=True):
            shapes, first = chain.step(mix, rng)
            counts += np.bincount(shapes, minlength=len(grid))
            if draw >= _BURNT:
                draws.append((shapes, first))
        mix = rng.dirichlet(counts)
    worn_out = []
    for campaign, draws in zip(campaigns, kept, strict=True):
        shapes, first = (np.array(of) for of in zip(*draws, strict=True))
        for k in range(len(campaign.ads)):
            drawn = shapes[:, k], first[:, k]
            worn_out.append(_believed(campaign, k, drawn, grid, scale, worn))
    return worn_out


class _Chain:
    """The state of one campaign: of each ad the first rate and the shape."""

    def __init__(
        self, campaign: Campaign, grid: Sequence[tuple[str, float, float]], scale: float
    ) -> None:
        ages = {"days": campaign.age, "impressions": campaign.impressions / scale}
        shapes = np.stack(
            [left + (1 - left) * 0.5 ** (ages[clock] / half) for clock, left, half in grid], axis=2
        )
        self._counts = campaign.conversions.sum(axis=0)
        self._total = campaign.conversions.sum(axis=1)
        # weeks × ads × shapes: what an ad of first rate 1 would bring for its spend
        self._level = campaign.spend[:, :, None] * shapes / max(campaign.spend.sum(), 1e-9)
        self._logs = np.einsum("tk,tks->ks", campaign.conversions, np.log(shapes))
        self._first = np.ones(len(campaign.ads))
        self._shape = np.zeros(len(campaign.ads), dtype=np.int64)

    def step(self, mix: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """One sweep; the shapes and first rates drawn."""
        ads = np.arange(len(self._first))
        rates = (self._level[:, ads, self._shape] * self._first).sum(axis=1)
        busy = (self._total > 0) & (rates > 0)
        week = np.zeros(len(rates))
        week[busy] = rng.gamma(self._total[busy]) / rates[busy]
        exposed = np.tensordot(week, self._level, axes=(0, 0))  # ads × shapes
        a, b = _STRENGTH + self._counts, _STRENGTH + exposed
        chances = np.log(mix) + self._logs - a[:, None] * np.log(b)
        chances = np.exp(chances - logsumexp(chances, axis=1, keepdims=True)).cumsum(axis=1)
        drawn = (rng.random(len(ads))[:, None] > chances).sum(axis=1)
        self._shape = np.minimum(drawn, chances.shape[1] - 1)
        self._first = rng.gamma(a) / b[ads, self._shape]
        return self._shape, self._first


def _believed(  # noqa: PLR0917
    campaign: Campaign,
    k: int,
    drawn: tuple[Ints, Floats],
    grid: Sequence[tuple[str, float, float]],
    scale: float,
    worn: float,
) -> Wear:
    shapes, first = drawn
    clock, left, half = (np.array(values)[shapes] for values in zip(*grid, strict=True))
    by_days = clock == "days"
    now = np.where(by_days, campaign.today[k], campaign.seen[k] / scale)
    freshness = left + (1 - left) * 0.5 ** (now / half)
    with np.errstate(divide="ignore", invalid="ignore"):
        until = half * np.log2((1 - left) / np.maximum(worn - left, 0))
    pace = np.where(by_days, 1.0, max(float(campaign.pace[k]), 1e-9) / scale)
    days = np.clip((np.where(left < worn, until, np.inf) - now) / pace, 0, HORIZON)
    by_impressions = float(1 - by_days.mean())
    return Wear(campaign.ads[k], freshness, first * freshness, days, by_impressions)


def _impressions_a_day(campaigns: Sequence[Campaign]) -> float:
    """Impressions of an ad on an ordinary day: what makes a count of them comparable to days."""
    paces = np.concatenate(
        [campaign.seen / np.maximum(campaign.today, 1) for campaign in campaigns]
    )
    return float(np.median(paces[paces > 0])) if (paces > 0).any() else 1.0
