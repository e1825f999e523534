"""Spend above what a platform allows itself, or above a lifetime budget.

A day's limit counts the day before's budget, too: after a change it follows the highest of the day.
A week's (from Sunday on) or a month's is so many times its mean daily budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.jobs.pacing.evidence import CampaignHistory, Flight, month_days
from pipelines.money import Money
from pipelines.platforms import daily_cap, spending_rule

OPEN_DAYS = 2
"""A breach is open while its last day is one of so many last ones."""
TOLERANCE = 0.02
"""Of a week, a month or a flight: platforms round, and stop a campaign within minutes."""


@dataclass(frozen=True)
class Breach:
    """The ``first`` and last day of an unbroken run of days above a limit, and a sentence."""

    first: date
    last: date
    message: str


def breaches(history: CampaignHistory, days: list[date]) -> Iterator[Breach]:
    """Limits that are exceeded on the last of the published ``days``, ascending, or shortly
    before it; of a day, a flight, a week and a month."""
    if not days:
        return
    if any(over_daily_cap(history, day) for day in days[-OPEN_DAYS:]):
        yield _of_days(history, [day for day in days if over_daily_cap(history, day)])
    flight = history.flight(days[-1])
    if flight is not None:
        yield from _of_period(
            history, _flight_days(flight, days[-1]), flight.amount_micros, "its lifetime budget"
        )
        return
    rule, last = spending_rule(history.platform, days[-1]), days[-1]
    if rule.week is not None:
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        week = [sunday + timedelta(days=i) for i in range(7)]
        what = f"the {rule.week:g} times a week that {history.platform} may spend"
        yield from _of_period(history, week, rule.week * _mean_budget(history, week), what)
    if rule.month is not None:
        month = month_days(last)
        what = f"the {rule.month:g} times a month that {history.platform} may spend"
        yield from _of_period(history, month, rule.month * _mean_budget(history, month), what)


def over_daily_cap(history: CampaignHistory, day: date) -> bool:
    """Whether a day cost more than the platform allows itself; a lifetime budget has no daily
    limit."""
    if history.flights:
        return False
    budget = max(history.budget(day), history.budget(day - timedelta(days=1)))
    return (history.cost(day) or 0) > budget * daily_cap(history.platform, day) > 0


def _of_days(history: CampaignHistory, over: list[date]) -> Breach:
    since = over[-1]
    for day in reversed(over[:-1]):
        if (since - day).days > OPEN_DAYS:
            break
        since = day
    worst = over[-1]
    cost, budget = history.cost(worst) or 0, history.budget(worst)
    message = (
        f"{worst} cost {_money(cost, history)}, {cost / budget if budget else 0:.1f} times its "
        f"daily budget of {_money(budget, history)}; {history.platform} may spend "
        f"{daily_cap(history.platform, worst):g} times on a day. First on {since}."
    )
    return Breach(since, worst, message)


def _of_period(
    history: CampaignHistory, period: list[date], limit: float, what: str
) -> Iterator[Breach]:
    """A breach on the last day with spend, if the sum of the period up to it is above its limit."""
    total, first, last = 0, None, None
    for day in period:
        if cost := history.cost(day):
            total, last = total + cost, day
            if first is None and total > limit * (1 + TOLERANCE) > 0:
                first = day
    if first is None or last is None:
        return
    message = (
        f"{_money(total, history)} from {period[0]} to {last} is more than "
        f"{_money(round(limit), history)}, {what}. Above it since {first}."
    )
    yield Breach(first, last, message)


def _mean_budget(history: CampaignHistory, days: list[date]) -> float:
    """Over the days on which it may spend."""
    budgets = [budget for day in days if (budget := history.budget(day))]
    return sum(budgets) / len(budgets) if budgets else 0.0


def _flight_days(flight: Flight, last: date) -> list[date]:
    span = (min(last, flight.last) - flight.first).days
    return [flight.first + timedelta(days=i) for i in range(span + 1)]


def _money(micros: int, history: CampaignHistory) -> str:
    return str(Money(micros, history.currency_code))
