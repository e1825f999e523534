"""What a campaign should have spent by a day, and what it will have spent by the month's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from pipelines.jobs.pacing.evidence import HISTORY_DAYS, CampaignHistory

FORECAST_DAYS = 7
MIN_WEEKDAY_DAYS = 4
FLAT: Mapping[int, float] = {weekday: 1.0 for weekday in range(7)}


@dataclass(frozen=True)
class Target:
    """A campaign's month.

    Args:
        shape: weekday (Monday is 0) → its spend as a multiple of the mean day's.
        daily: day → expected spend in micros, for the month and the history before it. Over the
            month it adds up to the sum of the daily budgets. Empty if no budget is known.
    """

    shape: Mapping[int, float]
    daily: Mapping[date, float]

    def over(self, days: Sequence[date]) -> float:
        return sum(self.daily.get(day, 0.0) for day in days)


def weekday_shape(history: CampaignHistory, before: date) -> Mapping[int, float]:
    """Median spend of each weekday over their mean, from the 56 days before ``before``.

    Medians, so that an outage or a runaway week doesn't bend the shape. Flat if a weekday has
    fewer than four published days on which it ran since the first delivery, or nothing was spent.
    """
    by_weekday: dict[int, list[int]] = {weekday: [] for weekday in range(7)}
    for age in range(1, HISTORY_DAYS + 1):
        day = before - timedelta(days=age)
        cost = None if history.was_paused(day) else history.cost(day)
        if cost is not None and history.first_date is not None and day >= history.first_date:
            by_weekday[day.weekday()].append(cost)
    if min(len(costs) for costs in by_weekday.values()) < MIN_WEEKDAY_DAYS:
        return FLAT
    medians = {weekday: median(costs) for weekday, costs in by_weekday.items()}
    mean = sum(medians.values()) / 7
    if mean == 0:
        return FLAT
    return {weekday: value / mean for weekday, value in medians.items()}


def month_target(history: CampaignHistory, month: Sequence[date]) -> Target:
    """Effective-dated budgets shaped by weekday; the month adds up to its daily budgets."""
    shape = weekday_shape(history, month[0])
    if not history.has_budget:
        return Target(shape, {})
    budgets = {day: history.budget(day) for day in month}
    shaped = {day: budgets[day] * shape[day.weekday()] for day in month}
    total = sum(shaped.values())
    factor = sum(budgets.values()) / total if total else 0.0
    daily = {day: value * factor for day, value in shaped.items()}
    for age in range(1, HISTORY_DAYS + 1):
        day = month[0] - timedelta(days=age)
        daily[day] = history.budget(day) * shape[day.weekday()]
    return Target(shape, daily)


def month_forecast(
    history: CampaignHistory, target: Target, month: Sequence[date], today: date
) -> int | None:
    """Spend by the month's end in micros, as seen at the end of ``today``.

    Published spend, plus the pace of the last seven published days, shaped by weekday, for days
    without data and days to come. None before any data. A stopped campaign spends no more.
    """
    spent = {day: history.cost(day) for day in month if day <= today}
    recent = recent_days(history, today, FORECAST_DAYS)
    weight = sum(target.shape[day.weekday()] for day in recent)
    if not recent:
        return None
    known = sum(cost for cost in spent.values() if cost is not None)
    pace = sum(history.cost(day) or 0 for day in recent) / weight if weight else 0.0
    open_days = [day for day in month if spent.get(day) is None and history.may_spend(day)]
    return round(known + pace * sum(target.shape[day.weekday()] for day in open_days))


def recent_days(history: CampaignHistory, today: date, count: int) -> list[date]:
    """The last ``count`` published days up to ``today``, ascending, from the first delivery on.

    It looks back at most twice as many days: older ones aren't recent.
    """
    days = [today - timedelta(days=age) for age in range(2 * count)]
    since = history.first_date
    published = [d for d in days if history.cost(d) is not None and (since is None or d >= since)]
    return published[:count][::-1]
