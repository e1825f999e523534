"""What the jobs' latest runs say, as typed rows; each kind reads what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.money import Money
from pipelines.proposals.market import Key, money, query_text
from pipelines.proposals.proposal import Interval
from pipelines.warehouse import Warehouse

STOPPING = frozenset({"overspend", "hard_cap", "media_plan"})
"""Detectors whose critical faults stop a campaign."""


@dataclass(frozen=True)
class JobEvidence:
    """A job's latest run; only one that says PASS may be used as evidence."""

    job: str
    run_id: str
    as_of: date
    verdict: str
    reason: str

    @property
    def week_to(self) -> date:
        """Last day of the last full week that the run covers: the week of a weekly finding."""
        return self.as_of - timedelta(days=(self.as_of.weekday() + 1) % 7)


@dataclass(frozen=True)
class Allocation:
    """The weekly spend that the media mix would give a channel, and what that brings.

    ``orders`` is the change in weekly orders; amounts are in the run's reporting currency.
    ``recommended`` is of all channels together: whether the change gains even at its pessimistic
    end, or a plan asks for it.
    """

    channel: str
    current: Money
    proposed: Money
    binding: str
    orders: Interval
    order_value: Money
    recommended: bool = True

    @property
    def change(self) -> Money:
        return self.proposed - self.current


@dataclass(frozen=True)
class Response:
    """A channel's weekly orders at its present weekly spend.

    ``elasticity`` is the percent by which orders change for one percent of spend there; None where
    the curve doesn't tell.
    """

    channel: str
    weekly_spend: Money
    orders: Interval
    elasticity: float | None = None


@dataclass(frozen=True)
class CampaignReturn:
    """What a campaign cost, in the reporting currency, and the orders that journeys credit it with,
    over the same days."""

    key: Key
    spend: Money
    orders: float


@dataclass(frozen=True)
class Readiness:
    """Whether a job's predictions held, as the latest run of fidelity says.

    Args:
        verdicts: of each evaluation of the job, and FAIL for each input that vanished, with why; of
            the media mix also for each channel that moved.
    """

    as_of: date
    verdicts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Alert:
    """An open fault reported by pacing; ``recent_daily`` is the mean of the last published days.

    Where ``shared_budget`` is set, the fault is of that budget and ``key`` names no campaign.
    """

    key: Key
    detector: str
    severity: str
    since: date
    message: str
    recent_daily: Money | None
    shared_budget: str | None = None


def last_run(warehouse: Warehouse, job: str, as_of: date) -> JobEvidence | None:
    """The job's latest run up to a day; None if there is none."""
    rows = warehouse.query(query_text("latest_run"), {"job": job, "as_of": as_of}).to_pylist()
    return JobEvidence(**rows[0]) if rows else None


def readiness(warehouse: Warehouse, job: str, as_of: date) -> Readiness | None:
    """The latest that fidelity says of a job, up to a day; None if it says nothing."""
    rows = warehouse.query(query_text("readiness"), {"job": job, "as_of": as_of}).to_pylist()
    if not rows:
        return None
    return Readiness(rows[0]["as_of"], tuple((row["verdict"], row["reason"]) for row in rows))


def allocations(warehouse: Warehouse, run: JobEvidence | None) -> tuple[Allocation, ...]:
    """The run's allocations, by channel; none without a run."""
    return tuple(
        Allocation(
            channel=row["channel"],
            current=Money(row["current_weekly_micros"], row["currency_code"]),
            proposed=Money(row["proposed_weekly_micros"], row["currency_code"]),
            binding=row["binding"],
            orders=Interval(
                row["delta_orders_p10"], row["delta_orders_p50"], row["delta_orders_p90"]
            ),
            order_value=Money(row["order_value_micros"], row["currency_code"]),
            recommended=row["is_recommended"] is not False,
        )
        for row in _rows(warehouse, "allocations", run)
    )


def responses(warehouse: Warehouse, run: JobEvidence | None) -> dict[str, Response]:
    """Each channel's present response; none without a run."""
    return {
        row["channel"]: Response(
            channel=row["channel"],
            weekly_spend=Money(row["weekly_spend_micros"], row["currency_code"]),
            orders=Interval(row["orders_p10"], row["orders_p50"], row["orders_p90"]),
            elasticity=row["elasticity"],
        )
        for row in _rows(warehouse, "current_response", run)
    }


def campaign_returns(warehouse: Warehouse, as_of: date, days: int) -> tuple[CampaignReturn, ...]:
    """Spend and credited orders of each campaign in the days up to ``as_of``."""
    window = {"start": as_of - timedelta(days=days - 1), "as_of": as_of}
    return tuple(
        CampaignReturn(
            key=(row["platform"], row["account_id"], row["campaign_id"]),
            spend=Money(row["spend_micros"], row["reporting_currency_code"]),
            orders=row["orders"],
        )
        for row in warehouse.query(query_text("campaign_returns"), window).to_pylist()
    )


def alerts(warehouse: Warehouse, run: JobEvidence | None) -> tuple[Alert, ...]:
    """The run's open faults, by campaign and detector; none without a run."""
    return _alerts(_rows(warehouse, "alerts", run))


def plan_pauses(warehouse: Warehouse, run: JobEvidence | None) -> tuple[Alert, ...]:
    """Campaigns that a line of a media plan would have paused, as faults of ``media_plan``."""
    return _alerts(_rows(warehouse, "plan_pauses", run))


def _alerts(rows: Iterable[Mapping[str, Any]]) -> tuple[Alert, ...]:
    return tuple(
        Alert(
            key=(row["platform"], row["account_id"], row["campaign_id"]),
            detector=row["detector"],
            severity=row["severity"],
            since=row["since"],
            message=row["message"],
            recent_daily=money(row["recent_daily_micros"], row["currency_code"]),
            shared_budget=row["shared_budget_id"],
        )
        for row in rows
    )


def _rows(warehouse: Warehouse, query: str, run: JobEvidence | None) -> list[dict[str, Any]]:
    if run is None:
        return []
    return warehouse.query(query_text(query), {"run_id": run.run_id}).to_pylist()
