"""How the simulated platforms spend budgets, and the conversions they claim for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from pipelines.sandbox.market.creatives import ClaimedAds, relative_rates
from pipelines.sandbox.market.portfolio import PLANS, PLATFORMS, Budget, Campaign, Plan
from pipelines.sandbox.market.truth import CHANNELS, Floats, Ints, Truth

# Relative spend on Monday … Sunday; each averages 1, so that a week spends seven budgets.
WEEKDAY = {
    "google_ads": np.array([1.08, 1.06, 1.04, 1.02, 0.98, 0.88, 0.94]),
    "meta_ads": np.array([0.97, 0.96, 0.98, 1.00, 1.02, 1.05, 1.02]),
    "tiktok_ads": np.array([0.94, 0.95, 0.96, 0.99, 1.05, 1.08, 1.03]),
}
# A platform may spend twice a budget on a day and 30.4 budgets in a month.
DAY_CAP, _MONTH_CAP = 2.0, 30.4
_RUNAWAY_DAYS, _RUNAWAY_FACTOR = 11, 2.2
_ZERO_DAYS = 7
_CENT = 10_000
# Google bills in micros here; the other two report cents.
_COST_UNIT = {"google_ads": 1, "meta_ads": _CENT, "tiktok_ads": _CENT}
# Conversions are counted in quarters (Google credits fractions), which floats hold exactly.
QUARTERS = 4
_MATURE_AFTER_DAYS = 28


@dataclass(frozen=True)
class CampaignDelivery:
    """One campaign by day; conversions and their value (dollars) are final, in quarters."""

    plan: Plan
    cost_micros: Ints
    impressions: Ints
    clicks: Ints
    conversion_quarters: Ints
    value_quarters: Ints
    ad_seed: tuple[int, int]

    @cached_property
    def ad_shares(self) -> Floats:
        """Cumulative share of each ad in the campaign, days × ads; the last column is 1."""
        ads, days = self.plan.campaign.ads, len(self.cost_micros)
        rng = np.random.default_rng([*self.ad_seed, 33])
        level = rng.dirichlet(np.full(len(ads), 6.0))
        noise = rng.gamma(25.0, 1 / 25.0, size=(days, len(ads)))
        running = np.zeros((days, len(ads)))
        for i, ad in enumerate(ads):
            running[ad.runs(days), i] = 1
        weights = level * noise * running
        shares: Floats = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
        shares[shares > 1 - 1e-12] = 1.0  # an ad after the last one that runs has none
        return shares

    @property
    def conversion_unit(self) -> int:
        """Quarters that the platform counts conversions in: Google has fractions."""
        return 1 if self.plan.campaign.platform == "google_ads" else QUARTERS

    @cached_property
    def ad_chances(self) -> Floats:
        """Each ad's part of what the campaign brings, days × ads: ads convert differently, and
        wear out. A campaign without ads has no column."""
        if not self.plan.campaign.ads:
            return np.empty((len(self.cost_micros), 0))
        spent = np.diff(self.ad_shares, axis=1, prepend=0)
        chances: Floats = spent * relative_rates(self.ad_seed, len(spent), self.plan.campaign.ads)
        return chances

    @cached_property
    def claimed_ads(self) -> ClaimedAds:
        """Which ad each claimed conversion is of."""
        units = self.conversion_quarters // self.conversion_unit
        return ClaimedAds(self.ad_seed, units, self.ad_chances)


def maturity(age_days: Ints) -> Floats:
    """Share of the final conversions that a platform reports, ``age_days`` after the day."""
    share = 1 - 0.4 * np.exp(-(np.asarray(age_days, dtype=np.float64) - 1) / 4)
    matured: Floats = np.where(age_days >= _MATURE_AFTER_DAYS, 1.0, share)
    return matured


def split(totals: Ints, shares: Floats, unit: int = 1) -> Ints:
    """Divide whole ``totals`` by cumulative shares (days × parts); parts sum to the totals."""
    cumulated = np.floor(totals[:, None] // unit * shares + 1e-9).astype(np.int64)
    cumulated[:, -1] = totals // unit
    parts: Ints = np.diff(cumulated, axis=1, prepend=0) * unit
    return parts


def cost_unit(campaign: Campaign) -> int:
    """Smallest amount, in micros, that the campaign's platform reports."""
    return _COST_UNIT[campaign.platform]


def spend(
    seed: int, days: list[date], budgets: dict[str, tuple[Budget, ...]]
) -> tuple[dict[str, Ints], dict[str, Floats]]:
    """Every campaign's cost in micros by day, and every channel's in dollars by day."""
    flights = {name: flighting(seed, i, days) for i, name in enumerate(PLATFORMS)}
    cost = {}
    channel = {name: np.zeros(len(days)) for name in PLATFORMS}
    for i, plan in enumerate(PLANS):
        campaign = plan.campaign
        budget = daily(budgets[campaign.campaign_id], days)
        rng = np.random.default_rng([seed, 32, i])
        amount = _spend(plan, days, budget, flights[campaign.platform], rng)
        unit = _COST_UNIT[campaign.platform]
        micros = np.rint(amount * 1e6 / unit).astype(np.int64) * unit
        cost[campaign.campaign_id] = micros
        channel[campaign.platform] += micros / 1e6
    return cost, channel


def flighting(seed: int, channel: int, days: list[date]) -> Floats:
    """A channel's weekly plan: 0.5 to 1.5 of its budgets in flights of one to three weeks.

    In the last month it is 1: present budgets are meant as they stand.
    """
    rng = np.random.default_rng([seed, 31, channel])
    weeks = len(days) // 7 + 2
    levels: list[float] = []
    while len(levels) < weeks:
        levels += [float(rng.uniform(0.5, 1.5))] * int(rng.integers(1, 4))
    monday = days[0] - timedelta(days=days[0].weekday())
    flight = np.array([levels[(d - monday).days // 7] for d in days])
    flight[[d >= days[-1].replace(day=1) for d in days]] = 1.0
    return flight


def daily(history: tuple[Budget, ...], days: list[date]) -> Floats:
    budget = np.zeros(len(days))
    for entry in history:
        budget[max((entry.effective_from - days[0]).days, 0) :] = entry.daily_budget_micros / 1e6
    return budget


def _spend(
    plan: Plan,
    days: list[date],
    budget: Floats,
    flight: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Dollars a day: budget × weekday × flight × noise, within the platform's caps, and faults."""
    weekday = WEEKDAY[plan.campaign.platform][[d.weekday() for d in days]]
    noise = rng.lognormal(-0.005, 0.10, size=len(days))
    amount = np.minimum(budget * weekday * flight * noise, DAY_CAP * budget)
    months = np.array([d.year * 12 + d.month for d in days])
    _, month = np.unique(months, return_inverse=True)
    spent, length = np.bincount(month, amount), np.bincount(month)
    allowed = _MONTH_CAP * np.bincount(month, budget) / length
    amount *= np.minimum(1.0, allowed / np.maximum(spent, 1e-9))[month]
    if plan.fault == "runaway":
        factor = rng.normal(_RUNAWAY_FACTOR, 0.03, size=_RUNAWAY_DAYS)
        amount[-_RUNAWAY_DAYS:] = budget[-_RUNAWAY_DAYS:] * factor
    if plan.fault == "zero_delivery":
        amount[-_ZERO_DAYS:] = 0
    if plan.paused_before_end is not None:
        amount[-plan.paused_before_end :] = 0
    result: Floats = amount
    return result


def deliver(
    seed: int, cost: dict[str, Ints], truth: Truth, order_value: float
) -> dict[str, CampaignDelivery]:
    """Impressions, clicks and claimed conversions of every campaign, given what it cost.

    A platform claims its channel's true orders times its ``claim_factor``, and shares them
    among its campaigns by spend and by how readily it credits each.
    """
    weighted = {p.campaign.campaign_id: cost[p.campaign.campaign_id] * p.claim for p in PLANS}
    total = {name: np.zeros(len(truth.days)) for name in PLATFORMS}
    for plan in PLANS:
        total[plan.campaign.platform] += weighted[plan.campaign.campaign_id]
    delivered = {}
    for i, plan in enumerate(PLANS):
        rng = np.random.default_rng([seed, 34, i])
        key, platform = plan.campaign.campaign_id, plan.campaign.platform
        micros = cost[key]
        impressions = np.rint(
            micros / 1e6 / plan.cpm * 1000 * rng.lognormal(0, 0.08, size=len(micros))
        ).astype(np.int64)
        share = weighted[key] / np.maximum(total[platform], 1)
        claimed = truth.expected[platform] * CHANNELS[platform].claim_factor * share
        step = 1 if platform == "google_ads" else QUARTERS
        quarters = rng.poisson(claimed * QUARTERS / step).astype(np.int64) * step
        basket = order_value * rng.lognormal(-0.02, 0.2, size=len(micros))
        delivered[key] = CampaignDelivery(
            plan,
            micros,
            impressions,
            rng.binomial(impressions, plan.ctr).astype(np.int64),
            quarters,
            np.rint(quarters * basket).astype(np.int64),
            (seed, i),
        )
    return delivered
