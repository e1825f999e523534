"""What a campaign should have spent by a day, and what it will have spent by the month's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from pipelines.jobs.pacing.evidence import CampaignHistory, month_days
from pipelines.jobs.pacing.usual import LEVEL_STEP, Usual, learn

FORECAST_DAYS = 7


@dataclass(frozen=True)
class Forecast:
    """Spend by the month's end in micros; ``deviation`` is its standard deviation, and
    ``surprise`` that of the month around what is usual, spent days included; None without a
    budget."""

    micros: int
    spent: int
    deviation: float | None
    surprise: float | None = None

    def bound(self, z: float) -> int | None:
        """So many standard deviations off, but never less than what was spent."""
        if self.deviation is None:
            return None
        return max(round(self.micros + z * self.deviation), self.spent)


@dataclass(frozen=True)
class Month:
    """A campaign's month: its days, and what is usual for it."""

    history: CampaignHistory
    days: tuple[date, ...]
    usual: Usual

    @classmethod
    def of(
        cls, history: CampaignHistory, as_of: date, holidays: frozenset[date] = frozenset()
    ) -> Month:
        days = tuple(month_days(as_of))
        return cls(history, days, learn(history, days[0], as_of, holidays))

    @cached_property
    def target(self) -> Mapping[date, float]:
        """Day → its part of the month's budget in micros: effective-dated budgets, shaped by
        weekday and holiday. The month adds up to its daily budgets. Empty without any budget."""
        if not self.history.has_budget:
            return {}
        budgets = {day: self.history.budget(day) for day in self.days}
        shaped = {day: budget * self.usual.shape(day) for day, budget in budgets.items()}
        total = sum(shaped.values())
        factor = sum(budgets.values()) / total if total else 0.0
        return {day: value * factor for day, value in shaped.items()}

    def total(self) -> float:
        """The month's budget in micros."""
        return sum(self.target.values())

    def usual_total(self) -> float:
        """What the month comes to at the level that was usual when it began, in micros."""
        started = next(
            (i for i, day in enumerate(self.usual.days) if day >= self.days[0]),
            len(self.usual.days),
        )
        levels = self.usual.level
        level = float(levels[started]) if started < len(levels) else self.usual.last_level
        return level * self.total()

    def forecast(self, today: date) -> Forecast | None:
        """Spend by the month's end, as seen at the end of ``today``; None before any data.

        Published spend, plus the pace of the last seven published days, shaped, for days without
        data and days to come. A stopped campaign spends no more. The interval has the noise of the
        pace and of the days to come, and the level's drift until then.
        """
        history, usual = self.history, self.usual
        recent = recent_days(history, today, FORECAST_DAYS)
        if not recent:
            return None
        spent = {day: history.cost(day) for day in self.days if day <= today}
        known = sum(cost for cost in spent.values() if cost is not None)
        weight = sum(self._weight(day) for day in recent)
        pace = sum(history.cost(day) or 0 for day in recent) / weight if weight else 0.0
        ahead = [d for d in self.days if spent.get(d) is None and history.may_spend(d)]
        parts = [pace * self._weight(day) for day in ahead]
        rest = sum(parts)
        if not history.has_budget:
            return Forecast(round(known + rest), known, None)
        walk = (LEVEL_STEP * usual.noise) ** 2 * len(ahead) / 3
        variance = (usual.spread(len(recent)) ** 2 + walk) * rest**2
        variance += usual.noise**2 * sum(part**2 for part in parts)
        days = sum(cost is not None for cost in spent.values())
        past = (usual.spread(max(days, 1)) * known) ** 2
        return Forecast(round(known + rest), known, variance**0.5, (variance + past) ** 0.5)

    def _weight(self, day: date) -> float:
        """A day's share of the pace: by its shape, and by its budget where there are any."""
        budget = self.history.budget(day) if self.history.has_budget else 1
        return budget * self.usual.shape(day)


def recent_days(history: CampaignHistory, today: date, count: int) -> list[date]:
    """The last ``count`` published days up to ``today``, ascending, from the first delivery on.

    It looks back at most twice as many days: older ones aren't recent.
    """
    days = [today - timedelta(days=age) for age in range(2 * count)]
    since = history.first_date
    published = [d for d in days if history.cost(d) is not None and (since is None or d >= since)]
    return published[:count][::-1]
