"""Simulated campaign-months with planted faults, to score pacing on.

The spend of a campaign is its budget times a level, a weekday shape, the effect of public holidays
and lognormal noise with odd days. Every one of these differs by campaign, and what watches it has
to learn them from the twelve weeks before the month. :mod:`pipelines.evaluate.pacing_platforms`
makes months of another structure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipelines.jobs.pacing.calendar import public_holidays
from pipelines.jobs.pacing.evidence import HISTORY_DAYS, CampaignHistory, Flight, month_days
from pipelines.jobs.pacing.sharing import with_shared_budgets
from pipelines.platforms import daily_cap, spending_rule

Floats = npt.NDArray[np.float64]
FaultName = Literal["underspend", "overspend", "zero_delivery", "hard_cap", "data_missing"]
FAULTS: tuple[FaultName, ...] = (
    "underspend",
    "overspend",
    "zero_delivery",
    "hard_cap",
    "data_missing",
)
HEALTHY_SHARE = 0.5
COUNTRY = "US"
UNDERSPEND, OVERSPEND = 0.7, 1.4
"""What a planted fault leaves of a day's usual spend."""
PLATFORMS = ("google_ads", "microsoft_ads", "meta_ads", "tiktok_ads")
_FIRST_MONTH = 2024 * 12
_MONTHS = 30


@dataclass(frozen=True)
class Planted:
    """A fault of a month, from ``first`` to ``last``."""

    name: FaultName
    first: date
    last: date


@dataclass(frozen=True)
class CampaignMonth:
    """A campaign's month with the twelve weeks before it, as it came to be known.

    Args:
        campaigns: one history, or those of campaigns that share a budget; to the month's end.
        usual: what each day of the month would have cost without the fault, in micros.
        first_seen: what the platform first reported for a day that it restated a day later, as a
            share of what it was.
    """

    campaigns: tuple[CampaignHistory, ...]
    month: tuple[date, ...]
    fault: Planted | None
    usual: Mapping[date, float]
    first_seen: Mapping[date, float] = field(default_factory=dict)
    shared: tuple[Mapping[str, Any], ...] = ()

    def seen(self, as_of: date) -> CampaignHistory:
        """What was published when ``as_of`` was over."""
        known = [_until(campaign, as_of, self.first_seen.get(as_of)) for campaign in self.campaigns]
        if not self.shared:
            return known[0]
        (together,) = with_shared_budgets(known, self.shared, as_of)
        return together

    def spent(self, day: date) -> int:
        """Micros, in truth: of a day that is not published, too."""
        return sum(campaign.costs.get(day, 0) for campaign in self.campaigns)


def market_months(count: int, seed: int) -> Iterator[CampaignMonth]:
    """``count`` campaign-months; about half of them have one fault, each kind as often."""
    for i in range(count):
        yield market_month(np.random.default_rng([seed, 801, i]))


def days_around(rng: np.random.Generator) -> tuple[tuple[date, ...], list[date]]:
    """A month, and all days from twelve weeks before it to its end."""
    index = _FIRST_MONTH + int(rng.integers(_MONTHS))
    month = tuple(month_days(date(index // 12, index % 12 + 1, 1)))
    before = [month[0] - timedelta(days=age) for age in range(HISTORY_DAYS, 0, -1)]
    return month, [*before, *month]


def plant(rng: np.random.Generator, month: tuple[date, ...]) -> Planted | None:
    """A fault that begins after the third day and can be noticed before the month is over."""
    if rng.random() < HEALTHY_SHARE:
        return None
    name = FAULTS[int(rng.integers(len(FAULTS)))]
    first = int(rng.integers(3, len(month) - 7))
    short = {"zero_delivery": (2, 6), "hard_cap": (1, 2), "data_missing": (1, 4)}
    low, high = short.get(name, (8, 16))
    last = min(first + int(rng.integers(low, high + 1)), len(month)) - 1
    return Planted(name, month[first], month[last])


def afflict(
    rng: np.random.Generator, fault: Planted, days: list[date], amount: Floats, most: Floats
) -> Floats:
    """The spend of ``days`` with the fault; ``most`` is what the platform may charge for each."""
    afflicted = np.array([fault.first <= day <= fault.last for day in days])
    if fault.name == "underspend":
        return np.where(afflicted, UNDERSPEND * amount, amount)
    if fault.name == "overspend":
        return np.where(afflicted, OVERSPEND * amount, amount)
    if fault.name == "zero_delivery":
        return np.where(afflicted, 0.0, amount)
    if fault.name == "hard_cap":
        return np.where(afflicted, most * rng.uniform(1.05, 1.6, len(days)), amount)
    return amount


def within_limits(platform: str, days: list[date], amount: Floats, budget: Floats) -> Floats:
    """The spend of whole weeks and months held to what the platform allows itself."""
    rule = spending_rule(platform, days[-1])
    held = amount.copy()
    sundays = [(day - timedelta(days=(day.weekday() + 1) % 7)).toordinal() for day in days]
    months = [day.replace(day=1).toordinal() for day in days]
    for times, period in ((rule.week, sundays), (rule.month, months)):
        if times is None:
            continue
        _, index = np.unique(period, return_inverse=True)
        allowed = times * np.bincount(index, budget) / np.bincount(index)
        spent = np.maximum(np.bincount(index, held), 1e-9)
        held = held * np.minimum(1.0, allowed / spent)[index]
    return held


def market_month(rng: np.random.Generator) -> CampaignMonth:
    """One campaign-month of this module's structure."""
    month, days = days_around(rng)
    platform = PLATFORMS[int(rng.integers(len(PLATFORMS)))]
    budget = _budgets(rng, len(days))
    form = rng.random()
    flight = None
    if form < 0.1:
        flight = _flight(rng, days, month)
        budget = np.full(len(days), budget[0])
    paused = _pause(rng, days, month) if 0.1 <= form < 0.2 else frozenset[date]()
    runs = np.array(
        [
            day not in paused and (flight is None or flight.first <= day <= flight.last)
            for day in days
        ]
    )
    usual = _spend(rng, days, budget) * runs
    caps = np.array([daily_cap(platform, day) for day in days])
    most = caps * np.maximum(budget, np.r_[budget[0], budget[:-1]])
    if flight is None:
        usual = within_limits(platform, days, np.minimum(usual, 0.999 * most), budget)
    fault = plant(rng, month)
    if fault and not _can_show(fault, days, runs, flight):
        fault = None
    amount = afflict(rng, fault, days, usual, most) if fault else usual
    missing = (
        {d for d in days if fault.first <= d <= fault.last}
        if fault is not None and fault.name == "data_missing"
        else set()
    )
    history = history_of(
        platform, days, amount, budget, paused=paused, missing=frozenset(missing), flight=flight
    )
    campaigns: tuple[CampaignHistory, ...] = (history,)
    shared: tuple[Mapping[str, Any], ...] = ()
    if form > 0.9:
        campaigns, shared = _share_out(rng, history, days)
    return CampaignMonth(
        campaigns,
        month,
        fault,
        {day: 1e6 * usual[days.index(day)] for day in month},
        {day: float(rng.uniform(0.8, 1)) for day in month if rng.random() < 0.1},
        shared,
    )


def history_of(
    platform: str,
    days: list[date],
    amount: Floats,
    budget: Floats,
    *,
    paused: frozenset[date] = frozenset(),
    missing: frozenset[date] = frozenset(),
    flight: Flight | None = None,
) -> CampaignHistory:
    """A campaign's history from arrays by day, in currency units."""
    micros = {day: round(1e6 * value) for day, value in zip(days, amount, strict=True)}
    spent = {d: cost for d, cost in micros.items() if d not in missing and (cost or d in paused)}
    first = min((day for day, cost in spent.items() if cost), default=None)
    if flight is not None:
        whole = round(1e6 * budget[0]) * flight.length
        flight = replace(flight, amount_micros=whole)
    return CampaignHistory(
        platform=platform,
        account_id="1",
        campaign_id="c",
        status="ENABLED",
        time_zone="UTC",
        budget_micros=round(1e6 * budget[-1]),
        currency_code="USD",
        first_date=first,
        covered=frozenset(set(days) - missing),
        costs=spent,
        budgets={day: round(1e6 * b) for day, b in zip(days, budget, strict=True) if day in spent},
        paused=paused,
        flights=(flight,) if flight else (),
    )


def _spend(rng: np.random.Generator, days: list[date], budget: Floats) -> Floats:
    """Budget × level × weekday × holiday × noise, in currency units."""
    shape = _weekday_shape(rng)
    weekday = shape[[day.weekday() for day in days]]
    off = np.array([day in _holidays() for day in days])
    sunday = min(shape[6], 1.0) / weekday
    holiday = np.where(off, np.clip(rng.normal((1 + sunday) / 2, 0.2), 0.1, 1.6), 1.0)
    level = rng.uniform(0.88, 1.0) if rng.random() < 0.85 else rng.uniform(0.5, 0.88)
    drift = np.empty(len(days))
    state = rng.normal(0, 0.03)
    for i in range(len(days)):
        state = 0.96 * state + rng.normal(0, 0.008)
        drift[i] = state
    sigma = float(np.clip(rng.lognormal(np.log(0.11), 0.4), 0.04, 0.25))
    noise = rng.lognormal(-(sigma**2) / 2, sigma, len(days))
    odd = rng.random(len(days)) < 0.02
    noise *= np.where(odd, rng.choice([0.6, 1.5], len(days)), 1.0)
    # a new budget is taken up within two days
    budget = np.where(
        np.r_[False, budget[1:] != budget[:-1]], (budget + np.r_[0, budget[:-1]]) / 2, budget
    )
    result: Floats = budget * level * np.exp(drift) * weekday * holiday * noise
    return result


def _weekday_shape(rng: np.random.Generator) -> Floats:
    """About alike on all days, weaker on weekends, or stronger on them."""
    kind = rng.random()
    low, high = (0.9, 1.1) if kind < 0.2 else (0.15, 0.6) if kind < 0.8 else (1.3, 1.8)
    weekend = rng.uniform(low, high)
    shape = np.array([1.0] * 5 + [weekend] * 2) * rng.normal(1, 0.05, 7)
    result: Floats = shape / shape.mean()
    return result


def _budgets(rng: np.random.Generator, length: int) -> Floats:
    """Daily budgets, changed about once in two months."""
    budget = float(rng.lognormal(np.log(150), 0.8))
    changed = rng.random(length) < 1 / 60
    steps = np.where(changed, rng.uniform(0.7, 1.5, length), 1.0)
    steps[0] = 1.0
    return np.round(budget * np.cumprod(steps), 2)


def _flight(rng: np.random.Generator, days: list[date], month: tuple[date, ...]) -> Flight:
    first = days[int(rng.integers(0, 40))]
    last = month[-1] + timedelta(days=int(rng.integers(-12, 30)))
    return Flight(first, last, 0)


def _pause(rng: np.random.Generator, days: list[date], month: tuple[date, ...]) -> frozenset[date]:
    begin = int(rng.integers(len(month) - 10))
    length = int(rng.integers(2, 9))
    return frozenset(month[begin : begin + length])


def _can_show(fault: Planted, days: list[date], runs: npt.NDArray[np.bool_], flight: Any) -> bool:
    """No fault is planted on days on which the campaign does not run, nor a daily cap on a flight,
    which has none."""
    shown = [run for day, run in zip(days, runs, strict=True) if fault.first <= day <= fault.last]
    return all(shown) and not (flight is not None and fault.name == "hard_cap")


def _share_out(
    rng: np.random.Generator, history: CampaignHistory, days: list[date]
) -> tuple[tuple[CampaignHistory, ...], tuple[Mapping[str, Any], ...]]:
    """Three campaigns that spend the history's budget together, in changing parts."""
    parts = rng.dirichlet([8, 4, 2], len(days))
    campaigns = []
    for i in range(3):
        costs = {d: round(history.costs.get(d, 0) * parts[j, i]) for j, d in enumerate(days)}
        costs = {d: cost for d, cost in costs.items() if cost or d in history.paused}
        campaigns.append(replace(history, campaign_id=f"c{i}", costs=costs))
    rows = tuple(
        {
            "platform": c.platform,
            "account_id": c.account_id,
            "campaign_id": c.campaign_id,
            "shared_budget_id": "b",
            "valid_from": date(1900, 1, 1),
            "valid_before": date(9999, 12, 31),
        }
        for c in campaigns
    )
    return tuple(campaigns), rows


def _until(history: CampaignHistory, as_of: date, first_seen: float | None) -> CampaignHistory:
    costs = {day: cost for day, cost in history.costs.items() if day <= as_of}
    if first_seen is not None and as_of in costs:
        costs[as_of] = round(costs[as_of] * first_seen)
    return replace(
        history,
        costs=costs,
        budgets={day: budget for day, budget in history.budgets.items() if day <= as_of},
        budget_micros=_budget_on(history, as_of),
        covered=frozenset(day for day in history.covered if day <= as_of),
        paused=frozenset(day for day in history.paused if day <= as_of),
        status="PAUSED" if as_of in history.paused else "ENABLED",
    )


def _budget_on(history: CampaignHistory, as_of: date) -> int | None:
    known = [day for day in history.budgets if day <= as_of]
    return history.budgets[max(known)] if known else history.budget_micros


@cache
def _holidays() -> frozenset[date]:
    years = range(_FIRST_MONTH // 12 - 1, (_FIRST_MONTH + _MONTHS) // 12 + 2)
    return public_holidays(COUNTRY, years)
