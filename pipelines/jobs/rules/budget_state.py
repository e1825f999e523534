"""What is planned, spent, committed and left of an account's money in a month."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.jobs.rules.units import Account
from pipelines.money import MICROS


@dataclass(frozen=True)
class BudgetState:
    """The state on ``day``, which the next budgets are for. Amounts are micros of their currency.

    ``days_left`` counts ``day``. ``planned_by`` is where the plan is from: ``setting``, or
    ``daily_budgets``, which is what today's budgets come to in the whole month.
    """

    month: date
    day: date
    days_left: int
    currency_code: str
    planned: int
    planned_by: str
    spent: int
    committed: int

    @property
    def left(self) -> int:
        """What may still be spent; negative where more was spent than planned."""
        return self.planned - self.spent

    @property
    def note(self) -> str:
        """What the state means for the days that are left, and for the last of them."""
        left, currency = f"{self.left / MICROS:,.2f}", self.currency_code
        if self.left <= 0:
            more = f"{-self.left / MICROS:,.2f} {currency}"
            return (
                f"Nothing is left of {self.month:%Y-%m}: {more} more than planned was spent. No "
                "budget is planned; a person has to stop the ads or raise the plan."
            )
        if self.days_left == 1:
            return (
                f"Last day of {self.month:%Y-%m}: budgets of all ads together are at most the "
                f"{left} {currency} that are left. Platforms may spend more than a daily budget "
                "on a day, and what isn't spent isn't carried into the next month."
            )
        over = self.committed - self.left
        if over > 0:
            return (
                f"Today's budgets would spend {over / MICROS:,.2f} {currency} more than what is "
                f"left by the end of {self.month:%Y-%m}; they are cut alike."
            )
        return f"{left} {currency} are left for {self.days_left} days of {self.month:%Y-%m}."


def budget_state(account: Account, monthly: Mapping[str, int]) -> BudgetState:
    """The state on the day after the account's features.

    Args:
        monthly: planned micros a month by ``<platform>.<account>``, in the account's currency.
    """
    day = account.as_of + timedelta(days=1)
    days = calendar.monthrange(day.year, day.month)[1]
    days_left = days - day.day + 1
    daily = round(sum(unit.budget for unit in account.units) * MICROS)
    planned = monthly.get(".".join(account.key))
    return BudgetState(
        month=day.replace(day=1),
        day=day,
        days_left=days_left,
        currency_code=account.currency_code,
        planned=daily * days if planned is None else planned,
        planned_by="daily_budgets" if planned is None else "setting",
        spent=account.month_cost_micros if day.day > 1 else 0,
        committed=daily * days_left,
    )
