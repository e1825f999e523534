"""What came of a proposal: carried out or not, and what it brought."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from pipelines.proposals.proposal import Change, Interval
from pipelines.proposals.scorecard.carried import Outcome, Sighting, Trace, statuses, trace
from pipelines.proposals.scorecard.effect import realised
from pipelines.proposals.scorecard.prediction import held
from pipelines.proposals.scorecard.read import Budget, Place
from pipelines.proposals.scorecard.score import score
from tests.unit.scorecard_market import (
    AFTER,
    AS_OF,
    BEFORE,
    CHANGED,
    DECIDED,
    FIRST,
    OURS,
    market,
    subject,
    true_orders,
    with_days,
)

RECORDED = DECIDED.date()
RAISE = Change("daily_budget_micros", "100", "110")
PAUSE = Change("status", "ENABLED", "PAUSED")


def traced(
    *seen: tuple[int, str], change: Change = RAISE, recorded: int | None = 0, days: int = 60
) -> Trace:
    """What becomes of a change, by days after its draft; it was recorded on day 0."""
    sightings = [Sighting(RECORDED + timedelta(days=day), value) for day, value in seen]
    at = None if recorded is None else RECORDED + timedelta(days=recorded)
    return trace(
        change,
        sightings,
        drafted_on=RECORDED,
        recorded_on=at,
        as_of=RECORDED + timedelta(days=days),
    )


def test_a_budget_that_reaches_the_proposed_value_was_carried_out() -> None:
    done = traced((-30, "100"), (3, "110"))
    assert (done.outcome, done.share, done.until) == (Outcome.CARRIED_OUT, 1.0, None)
    assert done.effective_on == RECORDED + timedelta(days=3)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        ([(3, "105")], Outcome.PARTLY),
        ([(3, "105"), (9, "110")], Outcome.CARRIED_OUT),
        ([(3, "102")], Outcome.NOT_CARRIED_OUT),
        ([(3, "110"), (20, "100")], Outcome.REVERTED),
        ([(3, "110"), (20, "130")], Outcome.CARRIED_OUT),
        ([(3, "150")], Outcome.OTHERWISE),
        ([(3, "90")], Outcome.OTHERWISE),
        ([(29, "110")], Outcome.NOT_CARRIED_OUT),
        ([], Outcome.NOT_CARRIED_OUT),
    ],
)
def test_what_became_of_a_change_is_told_by_the_values_seen(
    seen: list[tuple[int, str]], outcome: Outcome
) -> None:
    assert traced((-30, "100"), *seen).outcome == outcome


def test_a_value_that_was_there_before_the_decision_is_not_its_doing() -> None:
    assert traced((-30, "100"), (2, "110"), recorded=4).outcome == Outcome.BEFORE_DECISION


def test_a_change_that_nobody_recorded_is_told_apart_when_it_is_carried_out() -> None:
    assert traced((-30, "100"), (2, "110"), recorded=None).outcome == Outcome.UNRECORDED
    assert traced((-30, "100"), recorded=None).outcome == Outcome.NOT_CARRIED_OUT


def test_a_change_is_waited_for_before_it_is_said_not_to_be_carried_out() -> None:
    assert traced((-30, "100"), days=27).outcome == Outcome.WAITING


def test_without_any_value_of_the_field_nothing_is_said() -> None:
    assert traced().outcome == Outcome.NO_DATA


def days_of(*costs: tuple[int, str | None]) -> list[Sighting]:
    dates = [RECORDED + timedelta(days=i) for i in range(len(costs))]
    return statuses(dict(zip(dates, costs, strict=True)), dates, "PAUSED")


def test_a_campaign_is_paused_from_its_first_day_without_spend_not_on_a_day_that_spent() -> None:
    seen = days_of((5, "PAUSED"), (5, "PAUSED"), (0, None), (0, None))
    assert [(s.day.day, s.value) for s in seen] == [(1, "ENABLED"), (3, "PAUSED")]
    assert traced(*((s.day.day - 1, s.value) for s in seen), change=PAUSE).outcome == "CARRIED_OUT"


def test_a_day_without_delivery_of_a_campaign_that_ran_on_is_no_pause() -> None:
    seen = days_of((5, "PAUSED"), (0, "ENABLED"), (5, "PAUSED"))
    assert [s.value for s in seen] == ["ENABLED"]


def test_a_known_effect_lies_in_its_interval_in_most_markets() -> None:
    within = []
    for seed in range(20):
        known = market(seed)
        row = score(subject(), known)
        assert row["verdict"] == "TOLD", row["reason"]
        true = true_orders(known, 0.5)
        within.append(row["realised_orders_low"] <= true <= row["realised_orders_high"])
    assert sum(within) >= 15


def test_what_a_platform_claims_twice_is_scaled_to_orders() -> None:
    known = market(lift=0.5)
    row = score(subject(), known)
    assert row["orders_a_claim"] == pytest.approx(0.5, rel=0.1)
    assert row["realised_orders"] == pytest.approx(true_orders(known, 0.5), rel=0.25)


def test_a_prediction_that_is_right_is_covered_and_one_that_is_far_off_is_not() -> None:
    known = market()
    right, wrong = (score(subject(o), known) for o in ((50, 70, 90), (250, 260, 270)))
    assert right["is_covered"], right["reason"]
    assert wrong["is_covered"] is False
    assert "misses it" in wrong["reason"]


def test_spend_is_measured_too() -> None:
    row = score(subject(), market())
    assert row["realised_spend_low_micros"] < row["realised_spend_micros"]
    assert row["realised_spend_micros"] == pytest.approx(7 * 50_000_000, rel=0.3)


def test_a_change_of_a_few_orders_cannot_be_told_and_says_what_could_be() -> None:
    row = score(subject((2.0, 3.0, 4.0)), market(lift=0.02))
    assert row["verdict"] == "INCONCLUSIVE"
    assert "is_covered" not in row
    assert row["detectable_orders"] > 3.0
    assert "It can't be told" in row["reason"]
    assert row["is_final"]


def test_whether_it_can_be_told_does_not_depend_on_what_came() -> None:
    small, large = (score(subject(), market(lift=lift)) for lift in (0.0, 0.5))
    assert small["detectable_orders"] == pytest.approx(large["detectable_orders"], rel=0.2)
    assert small["verdict"] == large["verdict"] == "TOLD"


@pytest.mark.parametrize("others", [0, 1, 4])
def test_too_few_untouched_campaigns_tell_nothing(others: int) -> None:
    row = score(subject(), market(others=others))
    assert row["verdict"] == "INCONCLUSIVE"
    assert "fewer than 5" in row["reason"]


def test_campaigns_whose_budget_was_changed_are_no_controls() -> None:
    known = market(others=5)
    other = ("google_ads", "g", "c1")
    later = Budget(CHANGED + timedelta(days=5), AFTER, "USD", None, changed=True)
    touched = replace(known, budgets={**known.budgets, other: (*known.budgets[other], later)})
    assert score(subject(), known)["controls"] == 5
    assert score(subject(), touched)["verdict"] == "INCONCLUSIVE"


def test_campaigns_that_stopped_are_no_controls() -> None:
    def stops(day: date, row: object) -> None:
        return row if day < CHANGED else None  # type: ignore[return-value]

    known = with_days(market(others=5), ("google_ads", "g", "c1"), stops)
    assert score(subject(), known)["verdict"] == "INCONCLUSIVE"


def test_a_campaign_that_had_just_been_changed_for_another_reason_tells_nothing() -> None:
    budgets = ((FIRST, 80_000_000), (CHANGED - timedelta(days=10), BEFORE), (CHANGED, AFTER))
    row = score(subject(), market(budgets=budgets))
    assert row["verdict"] == "INCONCLUSIVE"
    assert "had been changed before: 8 days are left" in row["reason"]


def test_a_change_that_was_soon_reverted_tells_nothing() -> None:
    budgets = ((FIRST, BEFORE), (CHANGED, AFTER), (CHANGED + timedelta(days=9), BEFORE))
    row = score(subject(), market(budgets=budgets))
    assert (row["outcome"], row["verdict"]) == ("REVERTED", "INCONCLUSIVE")
    assert "it held for" in row["reason"]


def test_half_of_a_change_is_held_against_half_of_the_prediction() -> None:
    budgets = ((FIRST, BEFORE), (CHANGED, 125_000_000))
    row = score(subject((100, 140, 180)), market(budgets=budgets))
    assert (row["outcome"], row["share_carried_out"]) == ("PARTLY", 0.5)
    assert row["is_covered"], row["reason"]


def test_what_came_is_waited_for_until_late_conversions_are_in() -> None:
    early = replace(market(), as_of=CHANGED + timedelta(days=28 + 13))
    row = score(subject(), early)
    assert (row["verdict"], row["is_final"]) == ("WAITING", False)
    assert score(subject(), market())["is_final"]


def test_what_was_not_carried_out_has_an_estimate_by_the_newest_curve() -> None:
    row = score(subject(), market(budgets=((FIRST, BEFORE),)))
    assert (row["outcome"], row["verdict"], row["is_final"]) == ("NOT_CARRIED_OUT", "SHADOW", True)
    # 350 dollars of 700 a week: a large change, by the mean orders of the spend
    assert row["shadow_orders_p50"] == pytest.approx(
        market().curves["r1", "google_ads"].orders.p50 / 2
    )
    assert "an estimate, not an outcome" in row["reason"]
    assert "realised_orders" not in row


def test_a_small_change_is_estimated_by_the_marginal_orders_in_the_reporting_currency() -> None:
    small = subject(values=("100000000", "105000000"), currency="EUR")
    known = market(budgets=((FIRST, BEFORE),))
    euros = (replace(known.budgets[OURS][0], currency="EUR"),)
    row = score(small, replace(known, budgets={**known.budgets, OURS: euros}))
    # 5 euros a day are 70 dollars a week, at 0.2 orders a dollar
    assert row["shadow_orders_p50"] == pytest.approx(14.0)


def test_budgets_in_another_currency_are_not_compared() -> None:
    known = market()
    moved = tuple(replace(b, currency="EUR") for b in known.budgets[OURS])
    row = score(subject(), replace(known, budgets={**known.budgets, OURS: moved}))
    assert (row["outcome"], row["verdict"]) == ("NO_DATA", "NO_DATA")
    assert "no longer in USD" in row["reason"]


def test_an_account_that_changed_its_currency_tells_nothing() -> None:
    known = with_days(market(), OURS, lambda _, row: replace(row, currency="EUR"))
    row = score(subject(), known)
    assert (row["verdict"], row["outcome"]) == ("INCONCLUSIVE", "CARRIED_OUT")
    assert "spent EUR meanwhile, not USD" in row["reason"]


def test_a_pause_is_read_from_the_days_and_its_spend_is_told() -> None:
    def stops(day: date, row: object) -> object:
        return row if day < CHANGED else None

    known = with_days(market(), OURS, stops)  # type: ignore[arg-type]
    places = {**known.places, OURS: Place("PAUSED", "UTC", "google_ads")}
    one_budget = {**known.budgets, OURS: known.budgets[OURS][:1]}
    paused = subject(None, values=("ENABLED", "PAUSED"), field="status")
    row = score(paused, replace(known, places=places, budgets=one_budget))
    assert (row["outcome"], row["effective_on"]) == ("CARRIED_OUT", CHANGED)
    assert row["realised_spend_micros"] < -600_000_000


def test_the_decision_counts_on_the_accounts_own_day() -> None:
    known = market()
    places = {**known.places, OURS: Place("ENABLED", "Pacific/Auckland", "google_ads")}
    late = replace(subject(), recorded_at=DECIDED.replace(hour=20))
    assert score(late, replace(known, places=places))["recorded_on"] == date(2026, 7, 2)


def test_a_prediction_is_widened_by_the_error_of_what_it_is_held_against() -> None:
    predicted = Interval(-1.0, 0.0, 3.0)
    exact = held(predicted, 0.0)
    assert exact.low == pytest.approx(-1.2835, abs=1e-3)
    assert exact.high == pytest.approx(3.850, abs=1e-2)
    assert held(predicted, 5.0).low < -8.0


def test_an_estimate_held_to_a_right_prediction_is_covered_in_90_of_100() -> None:
    rng = np.random.default_rng(5)
    effects = rng.normal(10.0, 4.0, 4000)
    came = effects + rng.normal(0.0, 3.0, 4000)
    interval = held(Interval(10 - 1.2816 * 4, 10, 10 + 1.2816 * 4), 3.0)
    assert np.mean([interval.covers(x) for x in came]) == pytest.approx(0.9, abs=0.015)


def test_a_flat_series_has_no_effect_that_can_be_told() -> None:
    flat = np.full(84, 3.0)
    rng = np.random.default_rng(1)
    controls = {str(i): rng.poisson(20, 84).astype(float) for i in range(8)}
    assert realised(flat, controls, 56) is None
    assert realised(controls["0"], {"flat": flat}, 56) is None


def test_a_campaign_that_spent_nothing_before_it_was_resumed_tells_nothing() -> None:
    def begins(day: date, row: object) -> object:
        return row if day >= CHANGED else None

    known = with_days(market(), OURS, begins)  # type: ignore[arg-type]
    paused = replace(known.days[OURS][CHANGED], cost=0, status="PAUSED")
    days = {**known.days[OURS], CHANGED - timedelta(days=3): paused}
    one_budget = {**known.budgets, OURS: known.budgets[OURS][:1]}
    seen = replace(known, days={**known.days, OURS: days}, budgets=one_budget)
    row = score(subject(None, values=("PAUSED", "ENABLED"), field="status"), seen)
    assert (row["outcome"], row["verdict"]) == ("CARRIED_OUT", "INCONCLUSIVE")
    assert "spent nothing before" in row["reason"]


def test_an_account_whose_days_are_not_published_is_waited_for() -> None:
    known = market(budgets=((FIRST, BEFORE),))
    published = {("google_ads", "g"): frozenset({RECORDED})}
    row = score(subject(), replace(known, published=published))
    assert (row["outcome"], row["is_final"]) == ("WAITING", False)


def test_other_fields_than_budget_and_status_are_not_guessed() -> None:
    other = subject(values=("1000000", "1200000"), field="target_cpa_micros")
    row = score(other, market())
    assert (row["outcome"], row["verdict"]) == ("NO_DATA", "NO_DATA")
    assert "target_cpa_micros was isn't kept by day" in row["reason"]


def test_scores_are_of_one_day() -> None:
    assert score(subject(), market())["as_of"] == AS_OF
