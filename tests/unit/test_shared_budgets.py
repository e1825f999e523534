"""A budget that several campaigns spend is one: in pacing, in a market's total, in proposals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.config import Settings
from pipelines.jobs.run import run_job
from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import shift_plan
from pipelines.proposals.evidence import Alert, Allocation, JobEvidence
from pipelines.proposals.kinds import budget_shift, pause
from pipelines.proposals.kinds.base import Stamp
from pipelines.proposals.market import Campaign, Market, budgets_once
from pipelines.proposals.proposal import Interval
from pipelines.sources.base import Account
from pipelines.sources.google_ads.tables import budget_rows
from tests.unit.pacing_rows import AS_OF, BUDGET, Made, Result, Spend, warehouse_with

pytestmark = pytest.mark.slow

EVER, NEVER = date(1900, 1, 1), date(9999, 12, 31)
JOINED = date(2026, 6, 11)
ALWAYS = (("b7", EVER, NEVER),)


def paced(path: Path, *campaigns: Made) -> Result:
    warehouse = warehouse_with(path / "w.duckdb", campaigns)
    return Result(warehouse, run_job(warehouse, Settings(), "pacing", AS_OF))


def part(share: float, since: date = EVER, before: date = NEVER) -> Spend:
    """A share of what a campaign with the whole budget would spend, between two days."""
    return lambda day, usual: round(share * usual) if since <= day < before else None


def test_campaigns_that_spend_their_budget_together_are_on_pace(tmp_path: Path) -> None:
    result = paced(
        tmp_path,
        Made("c1", part(0.7), shared=ALWAYS),
        Made("c2", part(0.3), shared=ALWAYS),
        Made("own"),
        # an id is unique within its account only
        Made("c1", account_id="2"),
    )
    everything = result.warehouse.query("SELECT * FROM contracts.pacing_alerts").to_pylist()
    assert everything == []
    last = result.daily("shared_budget:b7")[-1]
    assert last["shared_budget_id"] == "b7"
    assert last["pace"] == pytest.approx(1, abs=0.06)
    assert last["month_target_micros"] == 30 * BUDGET
    assert "2 campaigns and 1 shared budget(s) paced" in result.run.reason
    targets = result.warehouse.query(
        "SELECT SUM(month_target_micros) AS target FROM contracts.pacing_daily "
        f"WHERE account_id = '1' AND date = DATE '{AS_OF}'"
    ).to_pylist()
    assert targets == [{"target": 2 * 30 * BUDGET}]


def test_a_fault_of_a_shared_budget_is_one_alert_that_names_its_campaigns(tmp_path: Path) -> None:
    run_away = date(2026, 6, 22)
    result = paced(
        tmp_path,
        Made("c1", lambda day, usual: usual * (3 if day >= run_away else 1) // 2, shared=ALWAYS),
        Made("c2", lambda day, usual: usual * (3 if day >= run_away else 1) // 2, shared=ALWAYS),
    )
    rows = result.warehouse.query(
        "SELECT campaign_id, detector, shared_budget_id, message FROM contracts.pacing_alerts"
    ).to_pylist()
    assert {(r["campaign_id"], r["detector"]) for r in rows} == {
        ("shared_budget:b7", "overspend"),
        ("shared_budget:b7", "hard_cap"),
    }
    assert all(r["message"].startswith("Shared budget b7 of campaigns c1, c2: ") for r in rows)


def test_a_campaign_counts_for_the_budget_on_the_days_it_held_it(tmp_path: Path) -> None:
    """One leaves the shared budget on the 11th for its own, the other joins it."""
    left = Made(
        "left",
        lambda day, usual: usual if day >= JOINED else usual // 2,
        shared=(("b7", EVER, JOINED),),
    )
    stayed = Made("stayed", part(0.5), shared=ALWAYS)
    joins = Made(
        "joins",
        lambda day, usual: usual // 2 if day >= JOINED else usual,
        shared=(("b7", JOINED, NEVER),),
    )
    result = paced(tmp_path, left, stayed, joins)

    budget, own = result.daily("shared_budget:b7"), result.daily("left")
    assert budget[-1]["month_target_micros"] == 30 * BUDGET
    assert budget[-1]["pace"] == pytest.approx(1, abs=0.06)
    assert own[JOINED.day - 2]["classification"] == "NO_DATA"
    assert own[-1]["month_target_micros"] == 20 * BUDGET
    assert own[-1]["pace"] == pytest.approx(1, abs=0.06)
    assert result.daily("joins") == result.daily("stayed") == []
    assert result.warehouse.query("SELECT * FROM contracts.pacing_alerts").num_rows == 0


def test_a_budget_runs_while_one_of_its_campaigns_does(tmp_path: Path) -> None:
    stopped = date(2026, 6, 5)
    result = paced(
        tmp_path,
        Made("c1", part(0.5, before=stopped), shared=ALWAYS, status="PAUSED"),
        Made(
            "c2",
            lambda day, usual: usual if day >= stopped else usual // 2,
            shared=ALWAYS,
        ),
    )
    assert result.alerts("shared_budget:b7") == {}
    assert result.daily("shared_budget:b7")[-1]["month_target_micros"] == 30 * BUDGET


def test_google_tells_whose_budget_is_whose() -> None:
    report = {
        "campaign.id": [1, 2, 3],
        "campaign_budget.id": [70, 70, 80],
        "campaign_budget.amount_micros": [5, 5, 6],
        "campaign_budget.explicitly_shared": [True, True, False],
    }
    rows = budget_rows(Account("9", "Shop", "USD", "UTC"), report, AS_OF).to_pylist()
    assert [(r["campaign_id"], r["budget_id"], r["is_shared"]) for r in rows] == [
        ("1", "70", True),
        ("2", "70", True),
        ("3", "80", False),
    ]


USD = "USD"
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=80_000_000)
MMM = JobEvidence("mmm", "m", AS_OF, "PASS", "")
PACING = JobEvidence("pacing", "p", AS_OF, "PASS", "")
ORDERS = Interval(40.0, 50.0, 60.0)


def usd(amount: float) -> Money:
    return Money(round(amount * 1e6), USD)


def campaign(channel: str, name: str, budget: float, shared: str | None = None) -> Campaign:
    return Campaign(
        channel, "a", name, name, "ENABLED", usd(budget), USD, AS_OF, shared_budget=shared
    )


def market(*campaigns: Campaign) -> Market:
    return Market(AS_OF, Rates(USD, AS_OF, {}), campaigns, {})


SHIFT = shift_plan.Inputs(
    MMM,
    (
        Allocation("tv", usd(1_000), usd(950), "NONE", ORDERS.scaled(-0.1), usd(80)),
        Allocation("radio", usd(1_000), usd(1_050), "NONE", ORDERS.scaled(0.1), usd(80)),
    ),
    PACING,
    None,
    (),
)


def test_a_shared_budget_counts_once_and_gets_no_shift() -> None:
    own = campaign("tv", "t", 100), campaign("radio", "r", 100)
    shared = [campaign("radio", name, 300, "b7") for name in ("r1", "r2", "r3")]
    plan = shift_plan.make_plan(market(*own, *shared), SHIFT, CAPS)

    assert plan.total == usd(500)
    assert plan.channel("radio", after=False) == usd(400)
    drafted = budget_shift.KIND.draft(market(*own, *shared), SHIFT, CAPS, STAMP)
    assert {p.target.campaign_id for p in drafted.proposals} == {"t", "r"}
    (reason,) = drafted.refused
    assert reason.startswith("radio campaigns r1, r2, r3 share budget b7 of 300.00 USD a day")


def test_budgets_of_one_id_in_two_accounts_are_two() -> None:
    here = campaign("tv", "1", 100, "b7")
    there = replace(here, account_id="b")
    assert budgets_once([here, replace(here, campaign_id="2"), there]) == (here, there)


@pytest.mark.parametrize("of_budget", [True, False])
def test_no_pause_is_proposed_of_a_campaign_that_shares_its_budget(of_budget: bool) -> None:
    shared = [campaign("radio", name, 300, "b7") for name in ("r1", "r2")]
    alert = Alert(
        ("radio", "a", "shared_budget:b7" if of_budget else "r1"),
        "overspend",
        "CRITICAL",
        date(2026, 6, 20),
        "It runs away.",
        usd(900),
        "b7" if of_budget else None,
    )
    inputs = pause.Inputs(PACING, (alert,), MMM, {}, {})
    drafted = pause.KIND.draft(market(*shared), inputs, CAPS, STAMP)
    assert drafted.proposals == ()
    (reason,) = drafted.refused
    assert "It runs away. No pause is proposed: of a shared budget, b7," in reason
