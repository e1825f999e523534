"""What the scorecard rests on, as typed rows: the marts, the jobs' runs and their curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.errors import StatementError
from pipelines.money import Money, Rate, Rates
from pipelines.proposals.market import Key, query_text
from pipelines.proposals.proposal import Interval
from pipelines.proposals.scorecard.shadow import Curve
from pipelines.warehouse import Warehouse

Account = tuple[str, str]
"""Platform and account."""
Row = dict[str, Any]


@cache
def own_query(name: str) -> str:
    """The GoogleSQL of ``queries/<name>.sql`` beside this module."""
    return (Path(__file__).parent / "queries" / f"{name}.sql").read_text()


@dataclass(frozen=True)
class Budget:
    """A daily budget from the day it was seen; ``changed`` is whether another one was before."""

    day: date
    micros: int
    currency: str
    shared: str | None
    changed: bool


@dataclass(frozen=True)
class Place:
    """What a campaign is: its status now, its account's time zone, its channel of the media mix."""

    status: str | None
    time_zone: str
    channel: str


@dataclass(frozen=True)
class Day:
    cost: int
    claims: float | None
    currency: str
    status: str | None


@dataclass(frozen=True)
class Run:
    job: str
    run_id: str
    as_of: date
    model_version: str
    verdict: str


@dataclass(frozen=True)
class Known:
    """What is known up to a day.

    Args:
        days: each campaign's rows by day; a published day without a row had no delivery.
        published: days of each account that are known.
        runs: by job and run id, in the order in which they were made.
        curves: by run id and channel.
    """

    as_of: date
    places: Mapping[Key, Place]
    budgets: Mapping[Key, tuple[Budget, ...]]
    days: Mapping[Key, Mapping[date, Day]]
    published: Mapping[Account, frozenset[date]]
    runs: dict[tuple[str, str], Run]
    curves: Mapping[tuple[str, str], Curve]
    rates: Rates

    def latest_mix(self, up_to: date) -> Run | None:
        """The newest run of the media mix that may be used, up to a day."""
        usable = (
            run
            for run in reversed(self.runs.values())
            if run.job == "mmm" and run.verdict == "PASS" and run.as_of <= up_to
        )
        return next(usable, None)


def read_known(warehouse: Warehouse, as_of: date, back_to: date, currency: str) -> Known:
    """What is known up to a day, and of campaigns' days from another day on.

    Args:
        currency: the reporting currency.

    Raises:
        StatementError: the marts are not built yet.
    """
    upto, window = {"as_of": as_of}, {"as_of": as_of, "start": back_to}
    try:
        budgets = warehouse.query(own_query("budgets"), upto).to_pylist()
        campaigns = warehouse.query(own_query("campaigns")).to_pylist()
        days = warehouse.query(own_query("days"), window).to_pylist()
        published = warehouse.query(own_query("published"), window).to_pylist()
    except StatementError as error:
        raise StatementError(
            f"What came of proposals can't be read: {error.message}",
            kept="the scorecard is as it was.",
            fix=error.fix or "Run `adcanary build` to build the marts.",
        ) from error
    return Known(
        as_of=as_of,
        places={
            _key(row): Place(row["campaign_status"], row["time_zone"] or "UTC", row["channel"])
            for row in campaigns
        },
        budgets=_budgets(budgets),
        days=_days(days),
        published=_published(published),
        runs={
            (row["job"], row["run_id"]): Run(**row)
            for row in warehouse.query(own_query("runs"), upto).to_pylist()
        },
        curves={
            (row["run_id"], row["channel"]): _curve(row)
            for row in warehouse.query(own_query("curves"), upto).to_pylist()
        },
        rates=_rates(warehouse, as_of, currency),
    )


def _key(row: Row) -> Key:
    return row["platform"], row["account_id"], row["campaign_id"]


def _budgets(rows: list[Row]) -> dict[Key, tuple[Budget, ...]]:
    budgets: defaultdict[Key, tuple[Budget, ...]] = defaultdict(tuple)
    for row in rows:
        before, now = row["previous_daily_budget_micros"], row["daily_budget_micros"]
        budget = Budget(
            day=row["effective_from"],
            micros=now,
            currency=row["currency_code"],
            shared=row["shared_budget_id"],
            changed=bool(budgets[_key(row)]) and before != now,
        )
        budgets[_key(row)] += (budget,)
    return budgets


def _days(rows: list[Row]) -> dict[Key, dict[date, Day]]:
    days: defaultdict[Key, dict[date, Day]] = defaultdict(dict)
    for row in rows:
        days[_key(row)][row["date"]] = Day(
            row["cost_micros"] or 0, row["conversions"], row["currency_code"], row["status_on_day"]
        )
    return days


def _published(rows: list[Row]) -> dict[Account, frozenset[date]]:
    published: defaultdict[Account, set[date]] = defaultdict(set)
    for row in rows:
        published[row["platform"], row["account_id"]].add(row["date"])
    return {account: frozenset(days) for account, days in published.items()}


def _curve(row: Row) -> Curve:
    marginal = [row[f"marginal_orders_p{p}"] for p in (10, 50, 90)]
    return Curve(
        run_id=row["run_id"],
        channel=row["channel"],
        weekly_spend=Money(row["weekly_spend_micros"], row["currency_code"]),
        orders=Interval(row["orders_p10"], row["orders_p50"], row["orders_p90"]),
        marginal=None if None in marginal else Interval(*marginal),
    )


def _rates(warehouse: Warehouse, as_of: date, currency: str) -> Rates:
    rows = warehouse.query(query_text("rates"), {"as_of": as_of}).to_pylist()
    quotes = {
        row["currency_code"]: Rate(
            row["currency_code"], row["reporting_currency_code"], row["fx_rate"], row["fx_date"]
        )
        for row in rows
        if row["reporting_currency_code"] == currency
    }
    return Rates(currency, as_of, quotes)


def first_day(drafted: date) -> date:
    """The first day that an evaluation of a proposal reads."""
    return drafted - timedelta(days=70)
