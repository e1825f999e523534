"""A month's first days, stopped campaigns and far time zones are judged as they are."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.unit.pacing_rows import AS_OF, BUDGET, Made, Result, pacer

pytestmark = pytest.mark.slow


@pytest.fixture
def pace(tmp_path: Path) -> Callable[..., Result]:
    return pacer(tmp_path / "w.duckdb")


@pytest.mark.parametrize(
    ("platform", "times", "classification"),
    [
        ("google_ads", 1.5, "WARNING"),
        ("google_ads", 1.95, "WARNING"),
        ("google_ads", 0.5, "HEALTHY"),
        ("meta_ads", 1.9, "CRITICAL"),
        ("google_ads", 2.4, "CRITICAL"),
    ],
)
def test_the_first_day_of_a_month_is_critical_only_above_the_daily_cap(
    pace: Callable[..., Result], platform: str, times: float, classification: str
) -> None:
    first = date(2026, 6, 1)

    def spend(day: date, usual: int) -> int:
        return round(times * BUDGET) if day == first else BUDGET

    result = pace(Made("c", spend, platform=platform), as_of=first)
    assert result.daily()[-1]["classification"] == classification
    assert result.daily()[-1]["pace"] == pytest.approx(times, abs=0.01)


def test_what_was_off_before_the_month_is_off_on_its_first_day(pace: Callable[..., Result]) -> None:
    since = date(2026, 5, 26)
    result = pace(
        Made("c", lambda d, usual: round(1.8 * usual) if d >= since else usual),
        as_of=date(2026, 6, 1),
    )
    assert result.daily()[-1]["classification"] == "CRITICAL"


def test_a_campaign_launched_on_the_first_is_no_more_than_a_warning_that_day(
    pace: Callable[..., Result],
) -> None:
    first = date(2026, 6, 1)
    launched = Made("c", lambda d, _: round(1.5 * BUDGET) if d >= first else None)
    assert pace(launched, as_of=first).daily()[-1]["classification"] == "WARNING"


@pytest.mark.parametrize("share", [0.1, 1.9])
def test_a_campaign_paused_on_purpose_is_healthy_from_the_day_after(
    pace: Callable[..., Result], share: float
) -> None:
    """However much of its budget it had spent by then, it owes nothing."""
    last = date(2026, 6, 8)
    paused = Made(
        "c",
        lambda d, usual: (
            None if d > last else round(share * usual) if d >= date(2026, 6, 1) else usual
        ),
        status="PAUSED",
    )
    result = pace(paused, Made("other"))
    classes = {r["date"]: r["classification"] for r in result.daily()}
    assert classes[last] == "CRITICAL"
    assert {kind for day, kind in classes.items() if day > last} == {"HEALTHY"}
    assert result.alerts() == {}


BREAK = [date(2026, 6, n) for n in range(5, 15)]


@pytest.mark.parametrize("rows", [BREAK, BREAK[:1], BREAK[::3]])
def test_days_on_which_a_campaign_was_paused_are_not_owed_when_it_runs_again(
    pace: Callable[..., Result], rows: list[date]
) -> None:
    """Whether each of them has its row or only some."""
    made = Made("c", lambda d, usual: None if d in BREAK else usual, paused=tuple(rows))
    result = pace(made, Made("other"))
    assert {r["classification"] for r in result.daily()} == {"HEALTHY"}
    assert result.alerts() == {}
    assert result.daily()[-1]["month_target_micros"] == pytest.approx(20 * BUDGET)


def test_days_without_spend_that_nothing_calls_a_pause_are_owed(
    pace: Callable[..., Result],
) -> None:
    silent = pace(Made("c", lambda d, usual: None if d in BREAK else usual))
    assert silent.daily()[-1]["classification"] == "CRITICAL"


def test_a_pause_ends_with_its_last_row(pace: Callable[..., Result]) -> None:
    """It is enabled, has a budget, and its last row is of a pause: that it stands still is seen."""
    last = date(2026, 6, 20)
    made = Made("c", lambda d, usual: None if d > last else usual, paused=(last,))
    assert "zero_delivery" in pace(made).alerts()


@pytest.mark.parametrize("first", [date(2026, 6, 3), date(2026, 6, 16)])
def test_a_campaign_owes_nothing_for_the_days_before_it_began(
    pace: Callable[..., Result], first: date
) -> None:
    result = pace(Made("c", lambda d, usual: usual if d >= first else None), Made("other"))
    assert result.daily()[-1]["classification"] == "HEALTHY"
    assert result.alerts() == {}


def test_a_budget_that_is_raised_within_the_month_is_owed_from_its_day_on(
    pace: Callable[..., Result],
) -> None:
    raised = date(2026, 6, 13)
    result = pace(Made("c", raised_on=raised), Made("other"))
    assert {r["classification"] for r in result.daily()} == {"HEALTHY"}
    assert result.daily()[-1]["month_target_micros"] == pytest.approx((12 + 2 * 18) * BUDGET)


@pytest.mark.parametrize(
    ("reporting", "account", "is_due"),
    [
        ("Pacific/Auckland", "America/New_York", False),
        ("Australia/Sydney", "America/Los_Angeles", False),
        ("Pacific/Auckland", "Pacific/Auckland", True),
        ("Europe/Berlin", "Asia/Tokyo", True),
        ("America/New_York", "Australia/Sydney", True),
        ("Pacific/Auckland", None, True),
    ],
)
def test_a_day_is_missing_only_when_it_is_over_in_the_accounts_own_time_zone(
    pace: Callable[..., Result], reporting: str, account: str | None, is_due: bool
) -> None:
    result = pace(Made("c", time_zone=account), uncovered=[AS_OF], zone=reporting)

    assert ("data_missing" in result.alerts()) is is_due
    last = result.daily()[-1]
    assert (last["date"], last["classification"]) == (
        (AS_OF, "NO_DATA") if is_due else (AS_OF - timedelta(days=1), "HEALTHY")
    )


def test_an_earlier_day_is_missing_in_every_time_zone(pace: Callable[..., Result]) -> None:
    gap = [AS_OF - timedelta(days=1), AS_OF]
    result = pace(Made("c", time_zone="America/New_York"), uncovered=gap, zone="Pacific/Auckland")
    assert result.alerts()["data_missing"]["since"] == gap[0]
    assert "1 day(s)" in result.alerts()["data_missing"]["message"]
