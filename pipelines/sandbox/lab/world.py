"""The market, run from one decision to the next: spend from budgets, orders from spend.

Campaigns and their budgets, flights, delivery, demand and response are the sandbox's; people and
visits aren't simulated. Every random number is drawn before anything is decided, so that two arms
that decide alike have the same orders, to the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from scipy.stats import poisson

from pipelines.sandbox.lab.scenario import Scenario
from pipelines.sandbox.market import delivery, portfolio
from pipelines.sandbox.market.portfolio import ACCOUNTS, CURRENCY, PLANS, PLATFORMS
from pipelines.sandbox.market.truth import ChannelTruth, Floats, Ints, base_demand

FIRST_DAY = date(2024, 1, 1)
HISTORY_WEEKS = 104
LAG_DAYS = 2
"""A week is complete two days after its Sunday; decisions of Tuesday take effect on Wednesday."""
EUROPEAN = tuple(a.account_id for a in ACCOUNTS if a.name.endswith("EU"))
EUR = "EUR"
_CHASE = 2.0
"""How far spend goes with demand, as a power of it."""
_CHASED_CLAIM = 0.25
"""Share of unpaid orders that the platform of a chasing channel claims."""
_WAVE, _WAVE_KEPT = 0.07, 0.6
_RATE, _RATE_STEP = 1.08, 0.004

Budgets = Floats
"""Daily budgets in the account's currency, [campaign]."""


@dataclass(frozen=True)
class Trial:
    """A test of a channel: more is spent in one half of the regions, drawn for it, and as much less
    in the other.

    Args:
        week: in which it is decided.
        weeks: how long it goes on.
        change: of spend in the first half, as a share; the second has the opposite.
    """

    channel: str
    week: int
    weeks: int
    change: float


@dataclass(frozen=True)
class Books:
    """What came of daily budgets, by day.

    Args:
        cost: in the account's currency, [day, campaign].
        spend: in the reporting currency, [day, channel].
        expected: orders to expect, of nothing paid and of each channel, [day, 1 + channel].
        halves: orders to expect of each channel if all regions were like one half of them, which
            differ while it is tested, [half, day, channel].
        orders: orders that came, [day].
        claimed: conversions that platforms claim, [day, channel].
    """

    cost: Floats
    spend: Floats
    expected: Floats
    halves: Floats
    orders: Ints
    claimed: Floats


class World:
    """One market of one seed; the same arguments give the same orders.

    Args:
        weeks: between the first decision and the end.
    """

    def __init__(self, scenario: Scenario, seed: int, weeks: int) -> None:
        self.scenario, self.seed, self.weeks = scenario, seed, weeks
        self.first = 7 * HISTORY_WEEKS + LAG_DAYS
        count = self.first + 7 * weeks
        self.days = [FIRST_DAY + timedelta(days=i) for i in range(count)]
        self.channels = PLATFORMS
        self.plans = tuple(p for p in PLANS if p.paused_before_end is None)
        self.channel_of = np.array([PLATFORMS.index(p.campaign.platform) for p in self.plans])
        in_euros = [p.campaign.account_id in EUROPEAN for p in self.plans]
        self.currencies = tuple(EUR if scenario.euros and eu else CURRENCY for eu in in_euros)
        self.demand = base_demand(seed, self.days) * self._waves()
        self._truth = scenario.channels(seed)
        random = np.random.default_rng([seed, 82])
        self._uniform = random.random((count, 1 + len(PLATFORMS)))
        self._claims = random.lognormal(-0.005, 0.1, (count, len(PLATFORMS)))
        steps = np.random.default_rng([seed, 83]).normal(0, _RATE_STEP, count)
        self.eur_rate: Floats = np.round(_RATE * np.exp(np.cumsum(steps)), 4)

    def decided_on(self, week: int) -> int:
        """The first day, as an index, on which what is decided in a week holds."""
        return self.first + 7 * week

    def as_of(self, week: int) -> date:
        """The last day of evidence of a week's decision."""
        return self.days[self.decided_on(week) - 1]

    def truth(self, channel: int, day: int) -> ChannelTruth:
        """A channel's response on a day."""
        name = self.channels[channel]
        if day >= self._broken_on and name in self.scenario.broken:
            return self.scenario.broken[name]
        return self._truth[name]

    def rate(self, day: int) -> Floats:
        """What one unit of each campaign's currency is worth on a day, [campaign]."""
        return np.array([self.eur_rate[day] if c == EUR else 1.0 for c in self.currencies])

    @cached_property
    def rates(self) -> Floats:
        """The same of every day, [day, campaign]."""
        foreign = np.array([c == EUR for c in self.currencies])
        return np.where(foreign, self.eur_rate[:, None], 1.0)

    @cached_property
    def present(self) -> Budgets:
        """Budgets when the first decision is taken; in the account's currency, worth the same
        dollars in every market."""
        dollars = np.array([float(p.budget) for p in self.plans])
        return np.round(dollars / self.rate(self.first - 1), 2)

    @cached_property
    def delivered(self) -> Floats:
        """Spend as a share of the budget, [day, campaign]."""
        shares = np.empty((len(self.days), len(self.plans)))
        past = self.days[: self.first]
        ratio = self.demand / self.demand.mean()
        for i, channel in enumerate(self.channel_of.tolist()):
            name = self.channels[channel]
            flight = np.ones(len(self.days))
            if name == self.scenario.chaser:
                flight = ratio**_CHASE
            else:
                flight[: self.first] = delivery.flighting(self.seed, channel, past)
            weekday = delivery.WEEKDAY[name][[d.weekday() for d in self.days]]
            random = np.random.default_rng([self.seed, 84, i])
            noise = random.lognormal(-0.005, 0.10, size=len(self.days))
            shares[:, i] = np.minimum(weekday * flight * noise, delivery.DAY_CAP)
        return shares

    @cached_property
    def history(self) -> Floats:
        """Daily budgets until the first decision, [day, campaign]."""
        past = self.days[: self.first]
        budgets = portfolio.budget_history(self.seed, past[0], past[-1])
        rows = np.empty((len(past), len(self.plans)))
        for i, plan in enumerate(self.plans):
            levels = delivery.daily(budgets[plan.campaign.campaign_id], past)
            rows[:, i] = levels / plan.budget * self.present[i]
        return rows

    def run(self, decided: list[Budgets], trials: Sequence[Trial] = ()) -> Books:
        """What comes of the budgets of each week, the last of which hold until the end."""
        later = [decided[min(i, len(decided) - 1)] for i in range(self.weeks)]
        budgets = np.concatenate([self.history, np.repeat(np.array(later), 7, axis=0)])
        cost = np.round(budgets * self.delivered, 2)
        dollars = cost * self.rates
        spend = np.array([dollars[:, self.channel_of == c].sum(axis=1) for c in self._range]).T
        swings = self._swings(trials)
        halves = np.array(
            [
                [self.brought(c, spend[:, c] * (1 + side * swings[:, c])) for c in self._range]
                for side in (1, -1)
            ]
        ).transpose(0, 2, 1)
        paid = halves.mean(axis=0)
        expected = np.column_stack([self.demand, paid])
        orders = poisson.ppf(self._uniform, expected).astype(np.int64).sum(axis=1)
        return Books(cost, spend, expected, halves, orders, self._claimed(paid))

    def days_of(self, trial: Trial) -> slice:
        """The days on which it changes spend, as indices."""
        start = self.decided_on(trial.week)
        return slice(start, start + 7 * trial.weeks)

    def _swings(self, trials: Sequence[Trial]) -> Floats:
        """By how much more a channel spends in the first half of the regions, and less in the
        second, as a share, [day, channel]."""
        swings = np.zeros((len(self.days), len(self.channels)))
        for trial in trials:
            swings[self.days_of(trial), self.channels.index(trial.channel)] = trial.change
        return swings

    def brought(self, channel: int, spend: Floats) -> Floats:
        """Orders to expect of a channel's daily spend from the first day on."""
        before = self.truth(channel, 0)
        worked = before.adstock(spend)
        brought = before.saturation(worked)
        brought[self._broken_on :] = self.truth(channel, len(self.days)).saturation(
            worked[self._broken_on :]
        )
        return brought

    def steady(self, channel: int, day: int, spend: float) -> float:
        """Orders a week to expect of constant daily spend, by the response of a day."""
        return 7 * float(self.truth(channel, day).saturation(np.array([spend]))[0])

    def spent_daily(self, budgets: Budgets, day: int) -> Floats:
        """What daily budgets spend on average at a day's rates, in the reporting currency,
        [channel]."""
        dollars = budgets * self.rate(day)
        return np.array([dollars[self.channel_of == c].sum() for c in self._range])

    @property
    def _range(self) -> range:
        return range(len(self.channels))

    @property
    def _broken_on(self) -> int:
        return self.decided_on(self.scenario.break_week)

    def _waves(self) -> Floats:
        """Weeks of more and of less demand, which carry over."""
        if not self.scenario.waves:
            return np.ones(len(self.days))
        random = np.random.default_rng([self.seed, 85])
        level, levels = 0.0, []
        for _ in range(len(self.days) // 7 + 1):
            level = _WAVE_KEPT * level + random.normal(0, _WAVE)
            levels.append(level)
        return np.exp(np.repeat(levels, 7)[: len(self.days)])

    def _claimed(self, paid: Floats) -> Floats:
        factors = [self.truth(c, 0).claim_factor for c in self._range]
        more = [self.scenario.over_claims.get(name, 1.0) for name in self.channels]
        claimed = paid * np.array(factors) * np.array(more) * self._claims
        if self.scenario.chaser:
            at = self.channels.index(self.scenario.chaser)
            claimed[:, at] = _CHASED_CLAIM * self.demand * self._claims[:, at]
        return claimed
