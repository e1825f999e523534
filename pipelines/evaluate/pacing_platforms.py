"""Simulated campaign-months of another structure: a platform steers, demand limits.

Demand wanders (a first-order autoregression with Student-t shocks), the week is a wave, and the
platform's own controller bids towards the month's allowance: what one day missed, the next days
make up for, within its daily and monthly caps. Auctions add gamma noise, and some days are credited
back later. Nothing of pacing was tuned on these months.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from pipelines.evaluate.pacing_months import (
    COUNTRY,
    CampaignMonth,
    Floats,
    afflict,
    days_around,
    history_of,
    plant,
    within_limits,
)
from pipelines.jobs.pacing.calendar import public_holidays
from pipelines.platforms import daily_cap

PLATFORMS = ("google_ads", "microsoft_ads", "meta_ads", "linkedin_ads")
_MONTH_CAP = 30.4


def platform_months(count: int, seed: int) -> Iterator[CampaignMonth]:
    """``count`` campaign-months; about half of them have one fault, each kind as often."""
    for i in range(count):
        yield _platform_month(np.random.default_rng([seed, 802, i]))


def _platform_month(rng: np.random.Generator) -> CampaignMonth:
    month, days = days_around(rng)
    platform = PLATFORMS[int(rng.integers(len(PLATFORMS)))]
    budget = _budgets(rng, len(days))
    cap = np.array([daily_cap(platform, day) for day in days])
    usual = within_limits(platform, days, _steered(rng, days, budget, cap), budget)
    most = cap * np.maximum(budget, np.r_[budget[0], budget[:-1]])
    fault = plant(rng, month)
    amount = usual if fault is None else afflict(rng, fault, days, usual, most)
    missing = frozenset(
        day
        for day in days
        if fault and fault.name == "data_missing" and fault.first <= day <= fault.last
    )
    return CampaignMonth(
        (history_of(platform, days, amount, budget, missing=missing),),
        month,
        fault,
        {day: 1e6 * usual[days.index(day)] for day in month},
        {day: float(rng.uniform(1, 1.06)) for day in month if rng.random() < 0.3},
    )


def _steered(rng: np.random.Generator, days: list[date], budget: Floats, cap: Floats) -> Floats:
    """What the controller spends a day, in currency units, of what demand lets it."""
    demand = budget * _demand(rng, days)
    noise_sd = rng.uniform(0.04, 0.14)
    auction = rng.gamma(1 / noise_sd**2, noise_sd**2, len(days))
    catch_up = rng.uniform(0.05, 0.3)
    spend = np.empty(len(days))
    owed, in_month = 0.0, 0.0
    weekly = _wave(rng, days)
    _, month = np.unique([day.replace(day=1).toordinal() for day in days], return_inverse=True)
    allowed = (_MONTH_CAP * np.bincount(month, budget) / np.bincount(month))[month]
    for i, day in enumerate(days):
        if day.day == 1:
            owed, in_month = 0.0, 0.0
        wanted = max(budget[i] * weekly[i] + catch_up * owed, 0.0)
        spend[i] = min(wanted, demand[i]) * auction[i]
        spend[i] = min(spend[i], 0.999 * cap[i] * budget[i], allowed[i] - in_month)
        spend[i] = max(spend[i], 0.01 * budget[i])
        in_month += spend[i]
        owed += budget[i] * weekly[i] - spend[i]
    return spend


def _demand(rng: np.random.Generator, days: list[date]) -> Floats:
    """What could be spent, in daily budgets: mostly more than the budget."""
    persistence, shock = rng.uniform(0.3, 0.8), rng.uniform(0.03, 0.1)
    room = rng.uniform(1.1, 2.0) if rng.random() < 0.8 else rng.uniform(0.6, 1.1)
    shocks = shock * rng.standard_t(4, len(days))
    state, path = 0.0, np.empty(len(days))
    for i in range(len(days)):
        state = persistence * state + shocks[i]
        path[i] = state
    off = public_holidays(COUNTRY, range(days[0].year, days[-1].year + 2))
    lull = rng.uniform(0.5, 1.2)
    holiday = np.array([lull if day in off else 1.0 for day in days])
    result: Floats = room * np.exp(path) * holiday * _wave(rng, days)
    return result


def _wave(rng: np.random.Generator, days: list[date]) -> Floats:
    """The week as a wave, its mean 1."""
    height, peak = rng.uniform(0, 0.45), rng.uniform(0, 7)
    angle = 2 * np.pi * (np.array([day.weekday() for day in days]) - peak) / 7
    result: Floats = 1 + height * np.cos(angle)
    return result


def _budgets(rng: np.random.Generator, length: int) -> Floats:
    """Raised for a week or two and set back, now and then."""
    budget = np.full(length, float(rng.lognormal(np.log(200), 1.0)))
    for _ in range(int(rng.poisson(0.7))):
        begin = int(rng.integers(length))
        budget[begin : begin + int(rng.integers(5, 15))] *= rng.uniform(1.1, 1.8)
    return np.round(budget, 2)
