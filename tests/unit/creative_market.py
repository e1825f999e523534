"""A simulated account of ads whose traits and wear are known, for the creatives job."""

from __future__ import annotations

import numpy as np

from pipelines.jobs.creatives.fatigue import Campaign
from pipelines.jobs.creatives.returns import Floats, Returns, relative_return

TRAITS = 60
CAMPAIGNS, ADS = 5, 30


def ads_with_traits(
    seed: int, effect: float, orders: float = 40.0
) -> tuple[Returns, dict[str, Floats]]:
    """Ads of five campaigns. ``planted`` multiplies what an ad brings by ``effect``; the others do
    nothing: ``marks the best campaign`` has all ads of one that brings twice as much, ``marks old
    ads`` those that ran longer and are worn out."""
    rng = np.random.default_rng([seed, 17])
    count = CAMPAIGNS * ADS
    campaign = np.repeat(np.arange(CAMPAIGNS), ADS)
    prevalence = rng.uniform(0.15, 0.6, TRAITS)
    has = (rng.random((count, TRAITS)) < prevalence).astype(np.float64)
    age = rng.uniform(5, 100, count)
    traits = {f"trait {i:02d}": has[:, i] for i in range(TRAITS)}
    traits["planted"] = (rng.random(count) < 0.4).astype(np.float64)
    traits["marks the best campaign"] = (campaign == CAMPAIGNS - 1).astype(np.float64)
    traits["marks old ads"] = (age > 60).astype(np.float64)
    rate = np.exp(0.35 * rng.standard_normal(count)) * effect ** traits["planted"]
    rate *= np.where(campaign == CAMPAIGNS - 1, 2.0, 1.0) * 0.5 ** (age / 120)
    spend = orders * rng.gamma(4, 1 / 4, count)
    bought = rng.poisson(spend * rate)
    value = np.array([rng.lognormal(4, 0.6, n).sum() for n in bought])
    expected = np.empty(count)
    for c in range(CAMPAIGNS):
        own = campaign == c
        expected[own] = spend[own] * value[own].sum() / spend[own].sum()
    returns = Returns(
        ads=tuple(("meta_ads", "a", str(i)) for i in range(count)),
        campaign=campaign,
        relative=relative_return(value, expected, bought.astype(np.float64)),
        weight=expected,
        age=age,
    )
    return returns, traits


def worn_campaigns(
    seed: int, ads: int = 12, conversions: float = 60.0
) -> tuple[list[Campaign], list[tuple[float, float, float]]]:
    """Four campaigns of 26 weeks whose ads were launched at different times; and of each ad the
    share of its rate that is left in the end, its half-life in days, and its age today."""
    rng = np.random.default_rng([seed, 18])
    weeks, campaigns, truth = 26, [], []
    for number in range(4):
        launched = rng.integers(0, weeks - 3, ads)
        first = rng.lognormal(-0.06, 0.35, ads)
        left, half = rng.uniform(0.3, 0.95, ads), rng.uniform(15, 90, ads)
        age = np.maximum(7.0 * (np.arange(weeks)[:, None] - launched) + 3, 0)
        runs = np.arange(weeks)[:, None] >= launched
        spend = np.where(runs, rng.gamma(20, 1 / 20, (weeks, ads)), 0)
        rate = first * (left + (1 - left) * 0.5 ** (age / half))
        season = rng.lognormal(0, 0.4, weeks)[:, None]
        won = rng.poisson(conversions / 4 * spend * rate * season).astype(np.float64)
        shown = spend * 10_000
        today = np.asarray(7.0 * (weeks - launched), dtype=np.float64)
        campaigns.append(
            Campaign(
                ads=tuple(f"{number}-{i}" for i in range(ads)),
                spend=spend,
                conversions=won,
                age=age,
                impressions=shown.cumsum(axis=0) - shown / 2,
                today=today,
                seen=shown.sum(axis=0),
                pace=shown[-1] / 7,
            )
        )
        truth += list(zip(left.tolist(), half.tolist(), today.tolist(), strict=True))
    return campaigns, truth
