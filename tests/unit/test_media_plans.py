"""A media plan's lines are matched to campaigns, paced over their flights, and decided on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import PacingSettings
from pipelines.jobs.pacing.plan_match import Candidate, Line, compare, match_lines
from pipelines.jobs.pacing.plan_matrix import classify, decide
from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import last_run, plan_pauses
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.kinds.base import Stamp
from pipelines.proposals.market import Campaign, Market
from tests.unit.pacing_rows import AS_OF, BUDGET, Made, Result, pacer

pytestmark = pytest.mark.slow

MONTH = 30 * BUDGET
NOW = datetime(2026, 6, 26, tzinfo=UTC)  # when AS_OF was over
BRAND = Made("a", name="US Search Brand")


@pytest.fixture
def pace(tmp_path: Path) -> Callable[..., Result]:
    return pacer(tmp_path / "w.duckdb")


def line(line_id: Any = "1", name: Any = "US_Search_Brand", **changed: Any) -> dict[str, Any]:
    """A row of marts.media_plans: June, at what the test's campaigns spend."""
    return {
        "account_id": "team",
        "plan_id": "p",
        "line_id": line_id,
        "platform": "google_ads",
        "planned_campaign_name": name,
        "market": "US",
        "product": None,
        "start_date": date(2026, 6, 1),
        "end_date": date(2026, 6, 30),
        "planned_spend_micros": MONTH,
        "currency_code": "USD",
        "updated_at": NOW,
    } | changed


def planned(name: str = "US Search Brand", **changed: Any) -> Line:
    row = line(name=name, **changed)
    names = {"account_id": "owner", "planned_campaign_name": "name"}
    names |= {"start_date": "start", "end_date": "end", "planned_spend_micros": "planned_micros"}
    return Line(**{names.get(key, key): value for key, value in row.items()})


def candidate(name: str, campaign: str = "c", **changed: Any) -> Candidate:
    key = ("google_ads", "1", campaign)
    made = Candidate(key, name, labels="", first=date(2026, 1, 1), last=AS_OF, stale_hours=0.0)
    return replace(made, **changed)


def test_a_line_on_plan_is_healthy_and_nothing_is_to_do(pace: Callable[..., Result]) -> None:
    result = pace(BRAND, plan=[line()])
    row = result.plan()["1"]

    assert (row["campaign_id"], row["classification"], row["action"]) == ("a", "HEALTHY", "NONE")
    assert (row["confidence"], row["planned_micros"]) == (1.0, MONTH)
    spent = sum(r["cost_micros"] for r in result.daily("a"))
    assert row["spent_to_date_micros"] == spent
    assert row["planned_to_date_micros"] == pytest.approx(MONTH * 25 / 30, rel=0.02)
    assert "Media plan: 1 line(s), 1 on plan." in result.run.reason


def test_the_plan_of_a_flight_follows_the_weekdays_that_the_campaign_has_shown(
    pace: Callable[..., Result],
) -> None:
    """Monday 22 to Sunday 28 June: of 7, four days of 1.1, 1.1, 1.0, 1.0 are over."""
    week: dict[str, Any] = {"start_date": date(2026, 6, 22), "end_date": date(2026, 6, 28)}
    row = pace(BRAND, plan=[line(**week)]).plan()["1"]
    assert row["planned_to_date_micros"] / MONTH == pytest.approx(4.2 / 7, abs=0.01)


def test_a_flight_that_began_before_what_pacing_reads_is_paced_from_its_first_day(
    pace: Callable[..., Result],
) -> None:
    since = date(2026, 3, 1)  # the history of June's begins on 9 March
    row = pace(BRAND, plan=[line(start_date=since, planned_spend_micros=122 * BUDGET)]).plan()["1"]
    assert row["spent_to_date_micros"] == sum(r["cost_micros"] for r in BRAND.days())
    assert abs(row["variance"]) < 0.02


def test_twice_the_plan_is_paused_and_a_proposal_reads_it(pace: Callable[..., Result]) -> None:
    result = pace(BRAND, plan=[line(planned_spend_micros=MONTH // 2)])
    row = result.plan()["1"]

    assert (row["classification"], row["action"]) == ("CRITICAL", "PAUSE")
    assert row["variance"] == pytest.approx(1.0, abs=0.05)
    (alert,) = plan_pauses(result.warehouse, last_run(result.warehouse, "pacing", AS_OF))
    assert (alert.key, alert.severity) == (("google_ads", "1", "a"), "CRITICAL")
    assert "fits with 100% confidence" in alert.message


def test_a_campaign_that_stopped_spending_is_critical_whatever_the_variance(
    pace: Callable[..., Result],
) -> None:
    stopped = Made("a", lambda d, usual: None if d >= AS_OF else usual, name="US Search Brand")
    row = pace(stopped, plan=[line(planned_spend_micros=24 * MONTH // 25)]).plan()["1"]
    assert abs(row["variance"]) < 0.1
    assert (row["is_zero_delivery"], row["classification"]) == (True, "CRITICAL")
    assert row["action"] == "REVIEW"


def test_a_paused_campaign_is_no_zero_delivery(pace: Callable[..., Result]) -> None:
    until = date(2026, 6, 10)
    paused = Made(
        "a", lambda d, u: u if d <= until else None, name="US Search Brand", status="PAUSED"
    )
    row = pace(paused, plan=[line()]).plan()["1"]
    assert (row["is_zero_delivery"], row["action"]) == (False, "REVIEW")
    assert "no fault of delivery" in row["reason"]


def test_a_young_flight_is_a_warning_at_most(pace: Callable[..., Result]) -> None:
    young: dict[str, Any] = {"start_date": date(2026, 6, 24), "planned_spend_micros": 2 * BUDGET}
    row = pace(BRAND, plan=[line(**young)]).plan()["1"]
    assert row["variance"] > 1
    assert (row["classification"], row["action"]) == ("WARNING", "REVIEW")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"currency_code": "EUR"}, "no exchange rate between them is known"),
        ({"name": "UK Launch", "market": "UK"}, "the nearest, 'US Search Brand', fits with"),
        ({"platform": "meta_ads"}, "No campaign of meta_ads is known"),
        ({"name": "US Video Reach", "updated_at": None}, "below 70%. Nothing is proposed"),
    ],
    ids=["no-rate", "unmatched", "platform", "unsure"],
)
def test_what_is_uncertain_is_escalated_with_why(
    pace: Callable[..., Result], changed: dict[str, Any], reason: str
) -> None:
    row = pace(BRAND, plan=[line(**({"planned_spend_micros": BUDGET} | changed))]).plan()["1"]
    assert row["action"] == "ESCALATE"
    assert reason in row["reason"]


def test_lines_that_plan_the_same_are_escalated_and_follow_ups_are_not(
    pace: Callable[..., Result],
) -> None:
    may: dict[str, Any] = {"start_date": date(2026, 5, 1), "end_date": date(2026, 6, 7)}
    rows = pace(
        BRAND,
        Made("b", name="US Search Generic"),
        plan=[
            line("1"),
            line("2", "us search brand"),
            line("3", "US Search Generic", start_date=date(2026, 6, 8)),
            line("4", "US Search Generic", planned_spend_micros=38 * BUDGET, **may),
        ],
    ).plan()
    assert {key: row["action"] for key, row in rows.items()} == {
        **dict.fromkeys("12", "ESCALATE"),
        **dict.fromkeys("34", "REVIEW") | {"4": "NONE"},
    }
    assert "Line 2 of plan p plans the same campaign" in rows["1"]["reason"]


def test_a_plan_in_another_currency_is_paced_at_the_rate_of_the_day(
    pace: Callable[..., Result],
) -> None:
    rate = {"date": AS_OF, "fx_date": AS_OF, "reporting_currency_code": "USD", "fx_rate": 1.25}
    euros = line(currency_code="EUR", planned_spend_micros=round(MONTH / 1.25))
    row = pace(BRAND, plan=[euros], rates=[rate | {"currency_code": "EUR"}]).plan()["1"]
    assert (row["planned_micros"], row["currency_code"]) == (MONTH, "USD")
    assert (row["fx_rate"], row["action"]) == (1.25, "NONE")
    assert "1 EUR is 1.25 USD on 2026-06-25" in row["reason"]


def test_without_a_plan_the_run_is_the_one_that_it_was(pace: Callable[..., Result]) -> None:
    assert "plan" not in pace(BRAND).run.reason.lower()


def test_confidence_is_half_metadata_three_tenths_name_and_a_fifth_freshness() -> None:
    stale = candidate("US Search Brand", stale_hours=24.0 * 8)
    half = candidate("US Search Brand", first=date(2026, 6, 14), last=date(2026, 6, 25))
    other = candidate("Nothing alike at all")
    assert compare(planned(), candidate("Brand US-search"), AS_OF, NOW).confidence == 1.0
    assert compare(planned(), stale, AS_OF, NOW).confidence == pytest.approx(0.8)
    # dates agree on 12 of 25 days, the market does
    expected = 0.5 * (1 + 12 / 25) / 2 + 0.5
    assert compare(planned(), half, AS_OF, NOW).confidence == pytest.approx(expected)
    assert compare(planned(), other, AS_OF, NOW).confidence < 0.6
    labelled = candidate("Search Brand", labels="Market: US")
    assert compare(planned(), labelled, AS_OF, NOW).metadata == 1.0


@pytest.mark.parametrize(("hours", "fresh"), [(0, 1.0), (12, 1.0), (90, 0.5), (168, 0.0), (999, 0)])
def test_freshness_falls_after_twelve_hours(hours: int, fresh: float) -> None:
    match = compare(planned(), candidate("x", stale_hours=float(hours)), AS_OF, NOW)
    assert match.freshness == pytest.approx(fresh)


def test_a_line_that_two_campaigns_fit_is_of_neither_for_certain() -> None:
    campaigns = [candidate("US Search Brand A", "a"), candidate("US Search Brand B", "b")]
    (match,) = match_lines([planned()], campaigns, AS_OF, NOW).values()
    assert match is not None
    assert match.doubt is not None
    # the one of exactly the planned name has no rival
    campaigns.append(candidate("US search brand", "c"))
    (match,) = match_lines([planned()], campaigns, AS_OF, NOW).values()
    assert match is not None
    assert (match.campaign.key[2], match.doubt) == ("c", None)


def test_a_campaign_of_another_name_is_doubtful_whatever_its_metadata_says() -> None:
    (match,) = match_lines(
        [planned("US Launch")], [candidate("US Search Brand")], AS_OF, NOW
    ).values()
    assert match is not None
    assert match.confidence > 0.8
    assert match.doubt == "their names are unlike"


def test_an_urgent_pause_is_drafted_of_a_campaign_far_over_its_plan(
    pace: Callable[..., Result],
) -> None:
    result = pace(BRAND, plan=[line(planned_spend_micros=MONTH // 2)])
    kind, budget = kind_of("pause"), Money(BUDGET, "USD")
    own = ("google_ads", "1", "a", "US Search Brand", "ENABLED", budget, "USD", AS_OF)
    market = Market(AS_OF, Rates("USD", AS_OF, {}), (Campaign(*own),), {})
    stamp = Stamp(AS_OF, NOW + timedelta(days=7), "service:adcanary")
    evidence = kind.read(result.warehouse, AS_OF)
    (proposal,) = kind.draft(market, evidence, GuardrailSettings(), stamp).proposals

    assert (proposal.urgency, proposal.verdict) == ("URGENT", "PASS")
    assert proposal.finding["detectors"] == ["media_plan"]


@pytest.mark.parametrize("confidence", [0.7, 0.69])
@pytest.mark.parametrize(
    ("variance", "zero", "classification", "action"),
    [
        (0.099, False, "HEALTHY", "NONE"),
        (-0.1, False, "WARNING", "REVIEW"),
        (0.25, False, "WARNING", "REVIEW"),
        (0.26, False, "CRITICAL", "PAUSE"),
        (-0.26, False, "CRITICAL", "REVIEW"),
        (0.0, True, "CRITICAL", "REVIEW"),
        (0.5, True, "CRITICAL", "REVIEW"),
    ],
)
def test_the_matrix_of_variance_confidence_and_zero_delivery(
    variance: float, zero: bool, classification: str, action: str, confidence: float
) -> None:
    limits = PacingSettings()
    got = classify(variance, is_zero_delivery=zero, is_early=False, limits=limits)
    may_pause = variance > 0 and not zero
    assert got == classification
    assert decide(got, confidence, may_pause=may_pause) == (
        action if confidence >= 0.7 else "ESCALATE"
    )
