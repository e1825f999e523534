"""What a proposal may rest on, read from marts and contracts in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.errors import StatementError
from pipelines.warehouse import Warehouse

_QUERIES = Path(__file__).parent / "queries"


@cache
def query_text(name: str) -> str:
    """The GoogleSQL of ``queries/<name>.sql``."""
    return (_QUERIES / f"{name}.sql").read_text()


@dataclass(frozen=True)
class JobEvidence:
    """The last run of a job: only PASS may be used as evidence."""

    job: str
    run_id: str
    as_of: date
    verdict: str
    reason: str


@dataclass(frozen=True)
class Campaign:
    """A campaign as landing last published it."""

    platform: str
    account_id: str
    campaign_id: str
    name: str | None
    status: str
    daily_budget_micros: int | None
    currency_code: str
    data_to: date | None  # last day that landing published for its account

    @property
    def key(self) -> tuple[str, str, str]:
        return self.platform, self.account_id, self.campaign_id

    @property
    def channel(self) -> str:
        return self.platform


@dataclass(frozen=True)
class Facts:
    """Everything that proposing reads. ``changed_today_micros`` is what was recorded today, by
    campaign, as the sum of absolute changes of the daily budget."""

    as_of: date
    campaigns: tuple[Campaign, ...]
    mmm: JobEvidence | None
    pacing: JobEvidence | None
    allocations: tuple[dict[str, Any], ...]
    responses: dict[str, dict[str, Any]]
    alerts: tuple[dict[str, Any], ...]
    changed_today_micros: dict[tuple[str, str, str], int]

    @property
    def week_to(self) -> date:
        """Last day of the last full week of the media mix: its findings stand for a week."""
        known_to = self.mmm.as_of if self.mmm else self.as_of
        return known_to - timedelta(days=(known_to.weekday() + 1) % 7)

    def campaign(self, key: tuple[str, str, str]) -> Campaign | None:
        return next((c for c in self.campaigns if c.key == key), None)


def read_facts(warehouse: Warehouse, as_of: date, day_began: datetime) -> Facts:
    """Read the last jobs' results as of a day, the campaigns, and today's recorded changes.

    Args:
        day_began: the first instant, UTC, of the day whose recorded changes count.

    Raises:
        StatementError: the marts are not built yet.
    """
    mmm = _latest_run(warehouse, "mmm", as_of)
    pacing = _latest_run(warehouse, "pacing", as_of)
    return Facts(
        as_of=as_of,
        campaigns=read_campaigns(warehouse),
        mmm=mmm,
        pacing=pacing,
        allocations=tuple(_rows(warehouse, "allocations", mmm)),
        responses={r["channel"]: r for r in _rows(warehouse, "current_response", mmm)},
        alerts=tuple(_rows(warehouse, "alerts", pacing)),
        changed_today_micros=_changed_since(warehouse, day_began),
    )


def read_campaigns(warehouse: Warehouse) -> tuple[Campaign, ...]:
    """Every campaign with its present budget and status: the baseline of all proposals."""
    try:
        rows = warehouse.query(query_text("campaigns")).to_pylist()
    except StatementError as error:
        raise StatementError(
            f"Campaigns can't be read: {error.message}",
            kept="proposals are as they were.",
            fix=error.fix or "Run `adcanary build` to make the marts.",
        ) from error
    return tuple(
        Campaign(
            platform=row["platform"],
            account_id=row["account_id"],
            campaign_id=row["campaign_id"],
            name=row["campaign_name"],
            status=row["campaign_status"],
            daily_budget_micros=row["daily_budget_micros"],
            currency_code=row["currency_code"],
            data_to=row["data_to"],
        )
        for row in rows
    )


def _latest_run(warehouse: Warehouse, job: str, as_of: date) -> JobEvidence | None:
    rows = warehouse.query(query_text("latest_run"), {"job": job, "as_of": as_of}).to_pylist()
    return JobEvidence(**rows[0]) if rows else None


def _rows(warehouse: Warehouse, query: str, run: JobEvidence | None) -> list[dict[str, Any]]:
    if run is None:
        return []
    return warehouse.query(query_text(query), {"run_id": run.run_id}).to_pylist()


def _changed_since(warehouse: Warehouse, since: datetime) -> dict[tuple[str, str, str], int]:
    changed: dict[tuple[str, str, str], int] = {}
    for row in warehouse.query(query_text("changed_today"), {"since": since}).to_pylist():
        if row["field"] != "daily_budget_micros":
            continue
        key = (row["platform"], row["account_id"], row["campaign_id"])
        moved = abs(int(row["to_value"]) - int(row["from_value"]))
        changed[key] = changed.get(key, 0) + moved
    return changed
