"""A market in which one campaign is changed, and its proposal: what the scorecard is tested on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from pipelines.money import Money, Rate, Rates
from pipelines.proposals.market import Key
from pipelines.proposals.proposal import Interval
from pipelines.proposals.scorecard.read import Budget, Day, Known, Place, Run
from pipelines.proposals.scorecard.score import Subject
from pipelines.proposals.scorecard.shadow import Curve
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal

DECIDED = datetime(2026, 7, 1, 9, tzinfo=UTC)
CHANGED = date(2026, 7, 3)
FIRST, AS_OF = date(2026, 4, 20), date(2026, 8, 20)
OURS: Key = ("google_ads", "g", "c0")
BEFORE, AFTER = 100_000_000, 150_000_000
CLAIMS, A_CLAIM = 40.0, 0.5
"""Conversions that a campaign claims a day, and what one is worth in orders."""
MIX = Run("mmm", "r1", date(2026, 6, 30), "1", "PASS")


def subject(
    orders: tuple[float, float, float] | None = (50.0, 70.0, 90.0),
    *,
    recorded_at: datetime | None = DECIDED,
    values: tuple[str, str] = (str(BEFORE), str(AFTER)),
    field: str = "daily_budget_micros",
    currency: str = "USD",
    **evidence: str,
) -> Subject:
    """The proposal to raise c0's budget, drafted and recorded on the same day."""
    spend = 0 if field == "status" else int(values[1]) - int(values[0])
    interval = dict(zip(("p10", "p50", "p90"), orders, strict=True)) if orders else None
    effect = {"spend_micros": 7 * spend, "orders": interval, "note": ""}
    row: dict[str, Any] = {
        **{"proposal_id": "p-1", "revision": 1, "kind": "budget_shift", "target_name": "c0"},
        **dict(zip(("platform", "account_id", "campaign_id"), OURS, strict=True)),
        **{"current_value": values[0], "proposed_value": values[1], "delta_micros": spend},
        **{"delta_percent": 50.0, "currency_code": currency, "urgency": "ROUTINE"},
        **{"verdict": "PASS", "created_by": "x", "as_of": MIX.as_of, "expires_at": DECIDED},
        "content_hash": "x",
        "expected_effect": json.dumps({**effect, "revenue_micros": None, "cac_micros": None}),
        "evidence": json.dumps(evidence or {"mmm_run_id": MIX.run_id}),
        "rollback": json.dumps({"field": field, "from": values[1], "to": values[0]}),
    }
    state = State.SHADOW_RECORDED if recorded_at else State.REJECTED
    return Subject(StoredProposal.of(row, state, ()), DECIDED, recorded_at)


def market(
    seed: int = 1,
    *,
    lift: float = 0.5,
    others: int = 8,
    noise: float = 0.05,
    budgets: tuple[tuple[date, int], ...] = ((FIRST, BEFORE), (CHANGED, AFTER)),
) -> Known:
    """c0 and campaigns that nobody touches, whose claims rise and fall together.

    Args:
        lift: of c0's claims and cost from the change on.
        noise: of each campaign's own days, as a share.
    """
    rng = np.random.default_rng(seed)
    dates = [FIRST + timedelta(days=i) for i in range((AS_OF - FIRST).days + 1)]
    weekday = 1 + 0.2 * np.sin(np.arange(len(dates)) * 2 * np.pi / 7)
    demand = np.exp(np.cumsum(rng.normal(0, 0.02, len(dates)))) * weekday
    days: dict[Key, dict[date, Day]] = {}
    names: list[Key] = [("google_ads", "g", f"c{i}") for i in range(others + 1)]
    for name in names:
        own = CLAIMS * demand * np.exp(rng.normal(0, noise, len(dates)))
        if name == OURS:
            own = own * np.where([d >= CHANGED for d in dates], 1 + lift, 1.0)
        claims, cost = rng.poisson(own), own * 2_500_000
        days[name] = {
            d: Day(int(c), float(n), "USD", "ENABLED")
            for d, n, c in zip(dates, claims, cost, strict=True)
        }
    known: dict[Key, tuple[Budget, ...]] = {
        name: (Budget(FIRST, BEFORE, "USD", None, changed=False),) for name in names
    }
    known[OURS] = tuple(
        Budget(day, micros, "USD", None, changed=i > 0) for i, (day, micros) in enumerate(budgets)
    )
    weekly = CLAIMS * 7 * len(names) * float(np.mean(demand[18:73]))
    orders = Interval(*(weekly * A_CLAIM * x for x in (0.8, 1.0, 1.2)))
    curve = Curve(
        MIX.run_id, "google_ads", Money(700_000_000, "USD"), orders, Interval(0.1, 0.2, 0.3)
    )
    return Known(
        as_of=AS_OF,
        places={name: Place("ENABLED", "UTC", "google_ads") for name in names},
        budgets=known,
        days=days,
        published={("google_ads", "g"): frozenset(dates)},
        runs={("mmm", MIX.run_id): MIX},
        curves={(MIX.run_id, "google_ads"): curve},
        rates=Rates("USD", AS_OF, {"EUR": Rate("EUR", "USD", 2.0, AS_OF)}),
    )


def with_days(known: Known, name: Key, change: Callable[[date, Day], Day | None]) -> Known:
    """A market with the days of one campaign changed; None leaves a day out."""
    changed = {day: change(day, row) for day, row in known.days[name].items()}
    kept = {day: row for day, row in changed.items() if row}
    return replace(known, days={**known.days, name: kept})


def true_orders(known: Known, lift: float) -> float:
    """The orders a week that c0's change brought, as its controls tell its level."""
    end = CHANGED + timedelta(days=28)
    others = [
        row.claims or 0.0
        for name, rows in known.days.items()
        if name != OURS
        for day, row in rows.items()
        if CHANGED < day <= end
    ]
    return float(np.mean(others)) * 7 * lift * A_CLAIM
