"""The guardrails: each holds at its bound, fails beyond it, and fails closed on what is unknown."""

from datetime import date

import pytest

from pipelines.config import GuardrailSettings
from pipelines.proposals import guardrails as policy
from pipelines.proposals.facts import Campaign, JobEvidence
from pipelines.proposals.proposal import Interval, overall

CAPS = GuardrailSettings(cac_ceiling_micros=50_000_000)
AS_OF = date(2026, 6, 30)


def job(verdict: str = "PASS", as_of: date = AS_OF) -> JobEvidence:
    return JobEvidence("mmm", "r", as_of, verdict, "because")


def campaign(budget: int | None = 100_000_000, status: str = "ENABLED") -> Campaign:
    return Campaign("google_ads", "1", "c", "Search", status, budget, "USD", AS_OF)


@pytest.mark.parametrize(
    ("delta", "verdict"), [(5_000_000, "PASS"), (-5_000_000, "PASS"), (5_010_000, "FAIL")]
)
def test_one_change_moves_at_most_five_percent(delta: int, verdict: str) -> None:
    assert policy.max_change(delta, 100_000_000, CAPS).verdict == verdict


def test_a_change_at_its_bound_is_said_to_bind() -> None:
    assert policy.max_change(5_000_000, 100_000_000, CAPS).binds
    assert not policy.max_change(3_000_000, 100_000_000, CAPS).binds


def test_the_changes_of_a_day_add_up() -> None:
    assert policy.max_daily_change(5_000_000, 5_000_000, 100_000_000, CAPS).verdict == "PASS"
    assert policy.max_daily_change(5_000_000, 6_000_000, 100_000_000, CAPS).verdict == "FAIL"


@pytest.mark.parametrize(
    ("orders", "verdict"),
    [
        (Interval(2.0, 5.0, 9.0), "PASS"),
        (Interval(1.9, 5.0, 9.0), "FAIL"),
        (Interval(-0.1, 5.0, 9.0), "FAIL"),
        (None, "NO_DATA"),
    ],
)
def test_the_cost_of_an_order_is_held_at_the_pessimistic_end(
    orders: Interval | None, verdict: str
) -> None:
    assert policy.cac_ceiling(100_000_000, orders, CAPS).verdict == verdict


def test_without_a_ceiling_an_increase_fails_closed_and_a_cut_passes() -> None:
    unset = GuardrailSettings()
    orders = Interval(1.0, 2.0, 3.0)
    assert policy.cac_ceiling(1, orders, unset).verdict == "NO_DATA"
    assert policy.cac_ceiling(-1, orders, unset).verdict == "PASS"


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (job(), "PASS"),
        (job("INCONCLUSIVE"), "INCONCLUSIVE"),
        (job("NO_DATA"), "INCONCLUSIVE"),
        (job(as_of=date(2026, 6, 21)), "FAIL"),
        (job(as_of=date(2026, 7, 1)), "FAIL"),
        (None, "NO_DATA"),
    ],
)
def test_evidence_is_recent_and_passed(evidence: JobEvidence | None, verdict: str) -> None:
    assert policy.evidence_fresh(evidence, AS_OF, CAPS).verdict == verdict


@pytest.mark.parametrize(
    ("baseline", "verdict"),
    [
        (campaign(), "PASS"),
        (campaign(budget=None), "NO_DATA"),
        (campaign(status="PAUSED"), "FAIL"),
        (None, "NO_DATA"),
    ],
)
def test_the_baseline_is_known_and_runs(baseline: Campaign | None, verdict: str) -> None:
    assert policy.baseline_known(baseline).verdict == verdict


def test_a_channel_keeps_its_floor_and_the_optimiser_leaves_its_reserve() -> None:
    assert policy.channel_floor(5, 6, 100, CAPS).verdict == "PASS"
    assert policy.channel_floor(4, 6, 100, CAPS).verdict == "FAIL"
    assert policy.channel_floor(4, 3, 100, CAPS).verdict == "PASS"
    assert policy.exploration_reserve(90, 100, CAPS).verdict == "PASS"
    assert policy.exploration_reserve(91, 100, CAPS).verdict == "FAIL"


def test_an_allocation_that_spends_more_in_total_fails() -> None:
    assert policy.budget_neutral(0, 100).verdict == "PASS"
    assert policy.budget_neutral(1, 100).verdict == "FAIL"


@pytest.mark.parametrize(
    ("severity", "since", "verdict"),
    [
        ("CRITICAL", date(2026, 6, 29), "PASS"),
        ("CRITICAL", date(2026, 6, 30), "FAIL"),
        ("WARNING", date(2026, 6, 1), "FAIL"),
    ],
)
def test_a_pause_needs_a_critical_alert_of_two_days(
    severity: str, since: date, verdict: str
) -> None:
    assert policy.severity_is_critical(severity, since, AS_OF).verdict == verdict


def test_the_worst_verdict_decides() -> None:
    unknown, failed = policy.baseline_known(None), policy.budget_neutral(1, 100)
    assert overall((policy.kill_switch(CAPS), unknown)) == "NO_DATA"
    assert overall((unknown, failed)) == "FAIL"
