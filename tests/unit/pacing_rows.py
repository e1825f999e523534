"""Campaigns and their days as the pacing job reads them, and what it made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.config import Settings
from pipelines.jobs.run import JobRun, run_job
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.warehouse_files import empty_warehouse

AS_OF = date(2026, 6, 25)
START = date(2026, 3, 1)
BUDGET = 100_000_000
WEEKDAYS = np.array([1.1, 1.1, 1.0, 1.0, 1.0, 0.9, 0.9])
Spend = Callable[[date, int], int | None]


def healthy(day: date, usual: int) -> int | None:
    return usual


@dataclass(frozen=True)
class Made:
    """A campaign of the test's marts; ``spend`` bends its healthy days, None drops the row."""

    campaign_id: str
    spend: Spend = healthy
    platform: str = "google_ads"
    account_id: str = "1"
    status: str = "ENABLED"
    budget: int | None = BUDGET
    delivered: bool = True
    raised_on: date | None = None
    currency: str = "USD"
    time_zone: str | None = None
    moved_on: date | None = None
    """First day in ``currency``: the account was in another before."""
    shared: tuple[tuple[str, date, date], ...] = ()
    """Periods in which it held a shared budget: the budget, first day and day after the last."""
    paused: tuple[date, ...] = ()
    """Days without spend that have a row, which says that it was paused."""
    budget_seen: date | None = None
    """The day on which its budget was first seen; None for always."""
    name: str | None = None
    labels: str | None = None

    def budget_on(self, day: date) -> int | None:
        if self.budget is None or self.raised_on is None or day < self.raised_on:
            return self.budget
        return 2 * self.budget

    def currency_on(self, day: date) -> str:
        return "XTS" if self.moved_on and day < self.moved_on else self.currency

    def days(self) -> list[dict[str, Any]]:
        rng = np.random.default_rng(sum(self.campaign_id.encode()))
        made = []
        for i in range((AS_OF - START).days + 1):
            day = START + timedelta(days=i)
            budget = self.budget_on(day)
            noise = float(np.clip(rng.normal(1, 0.06), 0.8, 1.2))
            usual = round((budget or BUDGET) * WEEKDAYS[day.weekday()] * noise)
            cost = self.spend(day, usual) if self.delivered else None
            if day in self.paused:
                cost = 0
            if cost or day in self.paused:
                row = {"date": day, "cost_micros": cost, "daily_budget_micros": budget}
                bought = {"impressions": cost // 10_000, "clicks": cost // 1_000_000}
                bought |= {"conversions": (cost or 0) / 5e7}
                made.append(self.key | row | bought | {"currency_code": self.currency_on(day)})
        return made

    @property
    def key(self) -> dict[str, str]:
        return {
            "platform": self.platform,
            "account_id": self.account_id,
            "campaign_id": self.campaign_id,
        }


KEY_TYPES = dict.fromkeys(("platform", "account_id", "campaign_id"), pa.string())
DAY_TYPES = KEY_TYPES | {
    "date": pa.date32(),
    "cost_micros": pa.int64(),
    "daily_budget_micros": pa.int64(),
    "impressions": pa.int64(),
    "clicks": pa.int64(),
    "conversions": pa.float64(),
    "currency_code": pa.string(),
}
CAMPAIGN_TYPES = KEY_TYPES | {
    "campaign_name": pa.string(),
    "campaign_status": pa.string(),
    "daily_budget_micros": pa.int64(),
    "currency_code": pa.string(),
    "time_zone": pa.string(),
    "first_date": pa.date32(),
    "last_date": pa.date32(),
    "labels": pa.string(),
}


PLAN_TYPES = dict.fromkeys(("account_id", "plan_id", "line_id", "platform"), pa.string()) | {
    "planned_campaign_name": pa.string(),
    "market": pa.string(),
    "product": pa.string(),
    "start_date": pa.date32(),
    "end_date": pa.date32(),
    "planned_spend_micros": pa.int64(),
    "currency_code": pa.string(),
    "updated_at": pa.timestamp("us", "UTC"),
}
RATE_TYPES = {
    "date": pa.date32(),
    "currency_code": pa.string(),
    "reporting_currency_code": pa.string(),
    "fx_rate": pa.float64(),
    "fx_date": pa.date32(),
}
PERIOD_TYPES = KEY_TYPES | {
    "shared_budget_id": pa.string(),
    "valid_from": pa.date32(),
    "valid_before": pa.date32(),
    "effective_from": pa.date32(),
}


def warehouse_with(
    path: Path,
    campaigns: Sequence[Made],
    uncovered: Sequence[date] = (),
    plan: Sequence[dict[str, Any]] = (),
    rates: Sequence[dict[str, Any]] = (),
) -> DuckDBWarehouse:
    """A warehouse with the job's marts; every account covers START to AS_OF but ``uncovered``."""
    days = [row for c in campaigns for row in c.days() if row["date"] not in uncovered]
    dims = []
    for made in campaigns:
        own = [r["date"] for r in days if made.key.items() <= r.items()]
        dims.append(
            made.key
            | {
                "campaign_name": made.name or f"Campaign {made.campaign_id}",
                "labels": made.labels,
                "campaign_status": made.status,
                "daily_budget_micros": made.budget_on(AS_OF),
                "currency_code": made.currency,
                "time_zone": made.time_zone,
                "first_date": min(own, default=None),
                "last_date": max(own, default=None),
            }
        )
    covered = [
        {"platform": p, "account_id": a, "date": START + timedelta(days=i)}
        for p, a in sorted({(c.platform, c.account_id) for c in campaigns})
        for i in range((AS_OF - START).days + 1)
        if START + timedelta(days=i) not in uncovered
    ]
    days = [
        {"status_on_day": "PAUSED" if r["date"] in made.paused else "ENABLED"} | r
        for made in campaigns
        for r in days
        if made.key.items() <= r.items()
    ]
    periods = [
        made.key | {"shared_budget_id": budget, "valid_from": first, "valid_before": end}
        for made in campaigns
        for budget, first, end in made.shared
    ]
    periods += [
        made.key
        | {"valid_from": date(1900, 1, 1), "valid_before": date(9999, 12, 31)}
        | {"effective_from": made.budget_seen}
        for made in campaigns
        if made.budget_seen
    ]
    tables = {
        "ads_budget_history": pa.Table.from_pylist(periods, pa.schema(list(PERIOD_TYPES.items()))),
        "ads_campaign_daily": pa.Table.from_pylist(
            days, pa.schema(list((DAY_TYPES | {"status_on_day": pa.string()}).items()))
        ),
        "dim_campaign": pa.Table.from_pylist(dims, pa.schema(list(CAMPAIGN_TYPES.items()))),
        "ads_account_days": pa.Table.from_pylist(covered),
        "media_plans": pa.Table.from_pylist(list(plan), pa.schema(list(PLAN_TYPES.items()))),
        "fx_rates_daily": pa.Table.from_pylist(list(rates), pa.schema(list(RATE_TYPES.items()))),
    }
    warehouse = empty_warehouse(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts")
        for name, table in tables.items():
            connection.register("made", table)
            connection.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM made")
            connection.unregister("made")
    return warehouse


@dataclass(frozen=True)
class Result:
    warehouse: DuckDBWarehouse
    run: JobRun

    def daily(self, campaign_id: str = "c") -> list[dict[str, Any]]:
        rows = self.warehouse.query("SELECT * FROM contracts.pacing_daily ORDER BY date")
        return [r for r in rows.to_pylist() if r["campaign_id"] == campaign_id]

    def alerts(self, campaign_id: str = "c") -> dict[str, dict[str, Any]]:
        rows = self.warehouse.query("SELECT * FROM contracts.pacing_alerts").to_pylist()
        return {r["detector"]: r for r in rows if r["campaign_id"] == campaign_id}

    def plan(self) -> dict[str, dict[str, Any]]:
        rows = self.warehouse.query("SELECT * FROM contracts.media_plan_pacing").to_pylist()
        return {r["line_id"]: r for r in rows}


def pacer(path: Path) -> Callable[..., Result]:
    """A function that fills the warehouse at ``path`` with campaigns and paces them."""

    def run(
        *campaigns: Made,
        uncovered: Sequence[date] = (),
        as_of: date = AS_OF,
        zone: str = "UTC",
        plan: Sequence[dict[str, Any]] = (),
        rates: Sequence[dict[str, Any]] = (),
    ) -> Result:
        warehouse = warehouse_with(path, campaigns, uncovered, plan, rates)
        settings = Settings(reporting_time_zone=zone)
        return Result(warehouse, run_job(warehouse, settings, "pacing", as_of))

    return run
