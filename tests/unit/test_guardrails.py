"""The guardrails: each holds at its bound, fails beyond it, and fails closed on what is unknown."""

from dataclasses import replace
from datetime import date

import pytest

from pipelines.money import Money, Rate, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails
from pipelines.proposals.evidence import JobEvidence, Readiness
from pipelines.proposals.guardrails import PauseCase, ShiftCase
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Effect, Interval, overall

CAPS = GuardrailSettings(cac_ceiling_micros=50_000_000)
AS_OF = date(2026, 6, 30)
YEN = Rate("JPY", "USD", 0.005, date(2026, 6, 26))


def usd(amount: float) -> Money:
    return Money(round(amount * 1e6), "USD")


def job(verdict: str = "PASS", as_of: date = AS_OF) -> JobEvidence:
    return JobEvidence("mmm", "r", as_of, verdict, "because")


CAMPAIGN = Campaign("google_ads", "1", "c", "Search", "ENABLED", usd(100), "USD", AS_OF)
MARKET = Market(AS_OF, Rates("USD", AS_OF, {"JPY": YEN}), (CAMPAIGN,), {})
SHIFT = ShiftCase(
    market=MARKET,
    caps=CAPS,
    campaign=CAMPAIGN,
    evidence=job(),
    delta=usd(5),
    effect=Effect(usd(100), Interval(2.0, 5.0, 9.0), None, None, ""),
    currencies=frozenset({"USD"}),
    pacing=job(),
    readiness=Readiness(AS_OF, (("PASS", "they held"),)),
    total=usd(100),
    moved=usd(0),
    sum_of_deltas=usd(0),
    channel_before=usd(50),
    channel_after=usd(50),
)
PAUSE = PauseCase(
    MARKET, CAPS, CAMPAIGN, job(), usd(-100), SHIFT.effect, frozenset({"USD"}), "CRITICAL", AS_OF
)


@pytest.mark.parametrize(("delta", "verdict"), [(5, "PASS"), (-5, "PASS"), (5.01, "FAIL")])
def test_one_change_moves_at_most_five_percent(delta: float, verdict: str) -> None:
    assert guardrails.max_change(replace(SHIFT, delta=usd(delta))).verdict == verdict


def test_a_change_at_its_bound_is_said_to_bind() -> None:
    assert guardrails.max_change(SHIFT).binds
    assert not guardrails.max_change(replace(SHIFT, delta=usd(3))).binds


def test_the_changes_of_a_day_add_up() -> None:
    def after(changed: float) -> str:
        market = replace(MARKET, changed_today={CAMPAIGN.key: (usd(1), usd(changed - 1))})
        return guardrails.max_daily_change(replace(SHIFT, market=market)).verdict

    assert (after(5), after(6)) == ("PASS", "FAIL")


def test_changes_of_today_in_another_currency_fail_closed() -> None:
    """The account was billed in yen until noon."""
    market = replace(MARKET, changed_today={CAMPAIGN.key: (Money(1, "JPY"), usd(1))})
    assert guardrails.max_daily_change(replace(SHIFT, market=market)).verdict == "NO_DATA"


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
    effect = replace(SHIFT.effect, orders=orders)
    assert guardrails.cac_ceiling(replace(SHIFT, effect=effect)).verdict == verdict


@pytest.mark.parametrize(("yen", "verdict"), [(20_000, "PASS"), (20_400, "FAIL")])
def test_the_cost_of_an_order_is_compared_in_the_currency_of_the_ceiling(
    yen: int, verdict: str
) -> None:
    effect = replace(SHIFT.effect, spend=Money(yen * 1_000_000, "JPY"))
    constraint = guardrails.cac_ceiling(replace(SHIFT, effect=effect))
    assert constraint.verdict == verdict
    assert constraint.message == f"{yen * 0.005 / 2:.2f} USD an order; at most 50.00 USD."


def test_a_cost_that_cannot_be_converted_fails_closed() -> None:
    effect = replace(SHIFT.effect, spend=Money(1, "KWD"))
    assert guardrails.cac_ceiling(replace(SHIFT, effect=effect)).verdict == "NO_DATA"


def test_without_a_ceiling_an_increase_fails_closed_and_a_cut_passes() -> None:
    unset = replace(SHIFT, caps=GuardrailSettings())
    assert guardrails.cac_ceiling(unset).verdict == "NO_DATA"
    cut = replace(unset, effect=replace(SHIFT.effect, spend=usd(-1)))
    assert guardrails.cac_ceiling(cut).verdict == "PASS"


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
    assert guardrails.evidence_fresh(replace(SHIFT, evidence=evidence)).verdict == verdict
    assert guardrails.pacing_fresh(replace(SHIFT, pacing=evidence)).verdict == verdict


@pytest.mark.parametrize(
    ("as_of", "verdicts", "verdict"),
    [
        (AS_OF, ["PASS", "NO_DATA"], "PASS"),
        (AS_OF, ["FAIL", "PASS"], "FAIL"),
        (AS_OF, ["NO_DATA"], "NO_DATA"),
        (date(2026, 6, 22), ["PASS"], "PASS"),
        (date(2026, 6, 21), ["PASS"], "FAIL"),
    ],
)
def test_a_shift_needs_predictions_that_came_true(
    as_of: date, verdicts: list[str], verdict: str
) -> None:
    readiness = Readiness(as_of, tuple((v, f"because {v}") for v in verdicts))
    held = guardrails.predictions_hold(replace(SHIFT, readiness=readiness))
    assert held.verdict == verdict
    assert held.message.startswith("because " if as_of == AS_OF or verdict == "PASS" else "Pred")


def test_predictions_that_nobody_compared_fail_closed() -> None:
    assert guardrails.predictions_hold(replace(SHIFT, readiness=None)).verdict == "NO_DATA"


@pytest.mark.parametrize(
    ("baseline", "verdict"),
    [
        (CAMPAIGN, "PASS"),
        (replace(CAMPAIGN, daily_budget=None), "NO_DATA"),
        (replace(CAMPAIGN, status="PAUSED"), "FAIL"),
    ],
)
def test_the_baseline_is_known_and_runs(baseline: Campaign, verdict: str) -> None:
    assert guardrails.baseline_known(replace(SHIFT, campaign=baseline)).verdict == verdict


def test_a_market_in_the_reporting_currency_needs_no_rate() -> None:
    assert guardrails.one_currency(SHIFT) is None


@pytest.mark.parametrize(
    ("currencies", "as_of", "verdict"),
    [
        ({"USD", "JPY"}, date(2026, 7, 3), "PASS"),
        ({"USD", "JPY"}, date(2026, 7, 4), "FAIL"),
        ({"USD", "JPY", "KWD"}, date(2026, 6, 30), "NO_DATA"),
        ({"KWD"}, date(2026, 6, 30), "NO_DATA"),
    ],
)
def test_amounts_of_another_currency_need_a_rate_of_the_last_seven_days(
    currencies: set[str], as_of: date, verdict: str
) -> None:
    case = replace(SHIFT, market=replace(MARKET, as_of=as_of), currencies=frozenset(currencies))
    constraint = guardrails.one_currency(case)
    assert constraint is not None
    assert constraint.verdict == verdict


def test_a_channel_keeps_its_floor_and_the_optimiser_leaves_its_reserve() -> None:
    def floor(after: float, before: float) -> str:
        case = replace(SHIFT, channel_after=usd(after), channel_before=usd(before))
        return guardrails.channel_floor(case).verdict

    def reserve(moved: float) -> str:
        return guardrails.exploration_reserve(replace(SHIFT, moved=usd(moved))).verdict

    assert (floor(5, 6), floor(4, 6), floor(4, 3)) == ("PASS", "FAIL", "PASS")
    assert (reserve(90), reserve(91)) == ("PASS", "FAIL")


def test_an_allocation_that_spends_more_in_total_fails() -> None:
    assert guardrails.budget_neutral(SHIFT).verdict == "PASS"
    assert guardrails.budget_neutral(replace(SHIFT, sum_of_deltas=usd(1))).verdict == "FAIL"


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
    case = replace(PAUSE, severity=severity, since=since)
    assert guardrails.severity_is_critical(case).verdict == verdict


def test_the_worst_verdict_decides() -> None:
    unknown = guardrails.evidence_fresh(replace(SHIFT, evidence=None))
    failed = guardrails.budget_neutral(replace(SHIFT, sum_of_deltas=usd(1)))
    assert overall((guardrails.kill_switch(SHIFT), unknown)) == "NO_DATA"
    assert overall((unknown, failed)) == "FAIL"
