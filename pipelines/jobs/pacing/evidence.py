"""Arranges the published rows by campaign and day, telling zero spend from missing data."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

Key = tuple[str, str, str]
HISTORY_DAYS = 84
OTHER_CURRENCIES = "other_currencies"
"""The input that names the last day of campaigns in another currency than theirs, if any."""
PAUSED_DAYS = "paused_days"
"""The input that names days of a pause of campaigns that ran again after it, if any did."""
FIRST_BUDGETS = "first_budgets"
"""The input that names the day on which a campaign's budget was first seen, if that was later than
the first day read."""
STOPPED = ("PAUSED", "REMOVED")


@dataclass(frozen=True)
class Flight:
    """Days that a lifetime budget is for, and the whole of it."""

    first: date
    last: date
    amount_micros: int

    @property
    def length(self) -> int:
        """In days."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Delivery:
    """What a day's spend bought; None where the platform doesn't tell."""

    impressions: float | None
    clicks: float | None
    conversions: float | None


@dataclass(frozen=True)
class CampaignHistory:
    """One campaign from twelve weeks before the month to ``as_of``.

    Args:
        time_zone: the account's own, in which its days end; None if it isn't known.
        budget_micros: the daily budget last seen, None if none is known.
        first_date: first day with delivery, None if it never delivered; at the earliest the
            day from which on its amounts are in ``currency_code``.
        covered: days that a published batch of its account covers, from then on.
        costs: day → spend in micros, for days with a row.
        budgets: day → daily budget in micros, for days with a row that has one.
        delivery: day → what its spend bought, for days with a row.
        paused: days without spend whose row says that the campaign was paused or removed.
        budget_seen_since: the day on which its budget was first seen, and which stands for the days
            before it, too; None if it is known for all days.
        flights: lifetime budgets. The campaign has no budget on days that none of them is for.
        shared_budget_id: set for the history of a budget that campaigns share, whose ids
            ``shared_by`` has; ``campaign_id`` is then no campaign's.
    """

    platform: str
    account_id: str
    campaign_id: str
    status: str | None
    time_zone: str | None
    budget_micros: int | None
    currency_code: str
    first_date: date | None
    covered: frozenset[date]
    costs: Mapping[date, int] = field(default_factory=dict)
    budgets: Mapping[date, int] = field(default_factory=dict)
    delivery: Mapping[date, Delivery] = field(default_factory=dict)
    paused: frozenset[date] = frozenset()
    budget_seen_since: date | None = None
    flights: tuple[Flight, ...] = ()
    shared_budget_id: str | None = None
    shared_by: tuple[str, ...] = ()

    def cost(self, day: date) -> int | None:
        """Spend of a day in micros: 0 if the day is published without a row, None if it isn't."""
        if day in self.costs:
            return self.costs[day]
        return 0 if day in self.covered else None

    @cached_property
    def last_delivery(self) -> date | None:
        """Last day with spend, up to ``as_of``."""
        return max((d for d, cost in self.costs.items() if cost), default=None)

    @property
    def has_budget(self) -> bool:
        return self.budget_micros is not None or bool(self.budgets) or bool(self.flights)

    def may_spend(self, day: date) -> bool:
        """Not before the first delivery, not while it was paused, not outside its flights, and not
        after a stopped campaign's last day with spend."""
        if self.first_date is not None and day < self.first_date:
            return False
        if self.flights and self.flight(day) is None:
            return False
        return not self.is_stopped(day) and not self.was_paused(day)

    def flight(self, day: date) -> Flight | None:
        """The flight that the day is of."""
        return next((f for f in self.flights if f.first <= day <= f.last), None)

    def was_paused(self, day: date) -> bool:
        """Paused on the day, and running again later: its row says so, or it has none and the row
        before it does. What follows the last row is not known to be a pause."""
        if not self.paused or self.cost(day) or day > self._row_days[-1]:
            return False
        row = bisect_right(self._row_days, day)
        return row > 0 and self._row_days[row - 1] in self.paused

    def is_stopped(self, day: date) -> bool:
        """Paused or removed, and without any spend on the day or later."""
        if self.status not in STOPPED:
            return False
        return self.last_delivery is None or day > self.last_delivery

    def budget(self, day: date) -> int:
        """Daily budget in micros: a flight's, spread over its days; of the day's row; between two
        rows, of the earlier one; else the one last seen. 0 on days on which it may not spend."""
        if not self.may_spend(day):
            return 0
        if flight := self.flight(day):
            return round(flight.amount_micros / flight.length)
        if day in self.budgets:
            return self.budgets[day]
        known = self._budget_days
        if known and day < known[-1]:
            return self.budgets[known[max(bisect_right(known, day) - 1, 0)]]
        if self.budget_micros is not None:
            return self.budget_micros
        return self.budgets[known[-1]] if known else 0

    @cached_property
    def _row_days(self) -> list[date]:
        return sorted(self.costs)

    @cached_property
    def _budget_days(self) -> list[date]:
        return sorted(self.budgets)


def read_histories(inputs: Mapping[str, pa.Table], as_of: date) -> list[CampaignHistory]:
    """Every campaign's history, ordered by platform, account and campaign.

    One whose account changed its currency begins anew on that day.
    """
    since = {
        _key(row): row["last_date"] + timedelta(days=1)
        for row in (inputs[OTHER_CURRENCIES].to_pylist() if OTHER_CURRENCIES in inputs else ())
    }
    paused: defaultdict[Key, set[date]] = defaultdict(set)
    for row in inputs[PAUSED_DAYS].to_pylist() if PAUSED_DAYS in inputs else ():
        paused[_key(row)].add(row["date"])
    seen_since = {
        _key(row): row["first_seen"]
        for row in (inputs[FIRST_BUDGETS].to_pylist() if FIRST_BUDGETS in inputs else ())
    }
    covered: defaultdict[tuple[str, str], set[date]] = defaultdict(set)
    for row in inputs["account_days"].to_pylist():
        covered[row["platform"], row["account_id"]].add(row["date"])
    costs: defaultdict[Key, dict[date, int]] = defaultdict(dict)
    budgets: defaultdict[Key, dict[date, int]] = defaultdict(dict)
    delivery: defaultdict[Key, dict[date, Delivery]] = defaultdict(dict)
    for row in inputs["campaign_days"].to_pylist():
        key = _key(row)
        if row["date"] < since.get(key, date.min):
            continue
        costs[key][row["date"]] = row["cost_micros"] or 0
        bought = Delivery(row["impressions"], row["clicks"], row["conversions"])
        delivery[key][row["date"]] = bought
        if row["daily_budget_micros"] is not None:
            budgets[key][row["date"]] = row["daily_budget_micros"]
    return [
        CampaignHistory(
            platform=row["platform"],
            account_id=row["account_id"],
            campaign_id=row["campaign_id"],
            status=row["campaign_status"],
            time_zone=row["time_zone"],
            budget_micros=row["daily_budget_micros"],
            currency_code=row["currency_code"],
            first_date=since.get(_key(row), _not_after(row["first_date"], as_of)),
            covered=frozenset(
                day
                for day in covered[row["platform"], row["account_id"]]
                if day >= since.get(_key(row), date.min)
            ),
            costs=costs[_key(row)],
            budgets=budgets[_key(row)],
            delivery=delivery[_key(row)],
            paused=frozenset(paused[_key(row)]),
            budget_seen_since=seen_since.get(_key(row)),
        )
        for row in inputs["campaigns"].to_pylist()
    ]


def month_days(as_of: date) -> list[date]:
    """Every day of the month of ``as_of``."""
    first = as_of.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return [first + timedelta(days=i) for i in range((following - first).days)]


def last_due_day(history: CampaignHistory, as_of: date, reporting_zone: str) -> date:
    """The last day that was over in the account's own time zone when ``as_of`` ended in the
    reporting one: when a day ends in Auckland, it has hardly begun in New York."""
    over = datetime.combine(as_of + timedelta(days=1), time.min, ZoneInfo(reporting_zone))
    there = over.astimezone(ZoneInfo(history.time_zone or reporting_zone)).date()
    return min(as_of, there - timedelta(days=1))


def is_paced(history: CampaignHistory, as_of: date) -> bool:
    """Whether it spent in the month, or runs (isn't paused or removed) and has delivered before or
    has a budget: an enabled campaign with neither gives nothing to pace."""
    first = as_of.replace(day=1)
    if any(cost and day >= first for day, cost in history.costs.items()):
        return True
    known = history.first_date is not None or history.has_budget
    return history.status not in STOPPED and known


def _not_after(day: date | None, as_of: date) -> date | None:
    """What happened after ``as_of`` isn't evidence yet."""
    return day if day is not None and day <= as_of else None


def _key(row: Mapping[str, Any]) -> Key:
    return row["platform"], row["account_id"], row["campaign_id"]
