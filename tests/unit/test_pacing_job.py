"""The pacing job finds each fault, leaves healthy campaigns alone, reads no gap as zero spend."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.config import Settings
from pipelines.errors import ConfigError
from pipelines.jobs.pacing.plots import plot_pacing
from pipelines.jobs.plots import plot_run
from pipelines.jobs.run import run_job
from tests.unit.pacing_rows import AS_OF, BUDGET, Made, Result, pacer

pytestmark = pytest.mark.slow


@pytest.fixture
def pace(tmp_path: Path) -> Callable[..., Result]:
    return pacer(tmp_path / "w.duckdb")


def test_healthy_campaigns_raise_no_alert(pace: Callable[..., Result]) -> None:
    result = pace(*(Made(f"healthy-{i}") for i in range(12)))

    assert result.run.verdict == "PASS"
    assert "open faults: none" in result.run.reason
    for i in range(12):
        assert result.alerts(f"healthy-{i}") == {}
        assert result.daily(f"healthy-{i}")[-1]["classification"] == "HEALTHY"


def test_the_months_target_is_the_sum_of_its_daily_budgets(pace: Callable[..., Result]) -> None:
    """The budget doubles on the 16th: 15 days at 100 and 15 at 200."""
    last = pace(Made("c", raised_on=date(2026, 6, 16))).daily()[-1]

    assert last["month_target_micros"] == pytest.approx(15 * BUDGET + 15 * 2 * BUDGET, abs=1)
    assert last["date"] == AS_OF
    assert last["pace"] == pytest.approx(1, abs=0.06)
    assert last["month_forecast_micros"] == pytest.approx(last["month_target_micros"], rel=0.06)


def test_the_target_follows_the_weekdays_the_campaign_has_shown(
    pace: Callable[..., Result],
) -> None:
    """1 June 2026 is a Monday: its target is about 110, a Saturday's about 90."""
    rows = pace(Made("c")).daily()
    targets = [r["mtd_target_micros"] for r in rows]

    assert targets[0] / BUDGET == pytest.approx(1.1, abs=0.06)
    assert (targets[5] - targets[4]) / BUDGET == pytest.approx(0.9, abs=0.06)


def test_a_runaway_is_critical_overspend_since_its_first_day(pace: Callable[..., Result]) -> None:
    first = date(2026, 6, 22)
    alerts = pace(Made("c", lambda d, usual: 3 * usual if d >= first else usual)).alerts()

    assert alerts["overspend"]["severity"] == "CRITICAL"
    assert alerts["overspend"]["since"] == first
    assert alerts["overspend"]["z"] > 2
    assert alerts["hard_cap"]["severity"] == "CRITICAL"
    assert alerts["hard_cap"]["since"] == first
    assert "times its daily budget of 100.00 USD" in alerts["hard_cap"]["message"]
    assert alerts["overspend"]["daily_budget_micros"] == BUDGET
    assert alerts["overspend"]["recent_daily_micros"] > 2 * BUDGET


def test_a_slow_drift_is_seen_in_the_months_forecast_and_a_large_one_is_critical(
    pace: Callable[..., Result],
) -> None:
    first = date(2026, 6, 1)
    result = pace(
        Made("over", lambda d, usual: round(1.2 * usual) if d >= first else usual),
        Made("under", lambda d, usual: round(0.5 * usual) if d >= first else usual),
    )

    over, under = result.alerts("over"), result.alerts("under")
    assert set(over) == {"month_end"}
    assert over["month_end"]["severity"] == "WARNING"
    assert set(under) == {"underspend"}
    assert under["underspend"]["severity"] == "CRITICAL"
    assert abs((under["underspend"]["since"] - first).days) <= 1
    assert under["underspend"]["pace"] == pytest.approx(0.5, abs=0.05)
    assert result.daily("over")[-1]["classification"] == "WARNING"
    assert result.daily("under")[-1]["classification"] == "CRITICAL"


def test_a_campaign_that_never_spent_its_whole_budget_has_no_new_fault(
    pace: Callable[..., Result],
) -> None:
    """Its month is off its budget, and is told to be; but nothing has changed."""
    result = pace(Made("c", lambda _, usual: round(0.6 * usual)))

    assert result.alerts() == {}
    assert result.daily()[-1]["classification"] == "CRITICAL"


def test_a_campaign_that_comes_up_to_its_budget_is_no_overspend(
    pace: Callable[..., Result],
) -> None:
    """Its budget was raised on 11 May, before anybody could know: it is judged by the new one."""
    raised = date(2026, 5, 11)
    low = Made(
        "c",
        lambda d, usual: round(0.65 * usual) if d < raised else usual,
        budget_seen=date(2026, 5, 15),
    )

    assert pace(low).alerts() == {}


def test_spending_more_of_a_budget_that_was_always_known_is_an_event_for_four_weeks(
    pace: Callable[..., Result],
) -> None:
    recent, old = date(2026, 6, 15), date(2026, 5, 20)
    result = pace(
        Made("recent", lambda d, usual: round(0.6 * usual) if d < recent else usual),
        Made("old", lambda d, usual: round(0.6 * usual) if d < old else usual),
    )

    assert set(result.alerts("recent")) == {"overspend"}
    assert result.alerts("old") == {}


def test_a_runaway_on_a_raised_budget_began_when_it_left_the_budget(
    pace: Callable[..., Result],
) -> None:
    raised, first = date(2026, 5, 11), date(2026, 6, 22)

    def spent(day: date, usual: int) -> int:
        return round((0.65 if day < raised else 3 if day >= first else 1) * usual)

    assert (
        pace(Made("c", spent, budget_seen=date(2026, 5, 15))).alerts()["overspend"]["since"]
        == first
    )


def test_an_event_opens_once_and_closes_when_its_days_are_back(pace: Callable[..., Result]) -> None:
    """A fall from the 8th to the 13th: one alert with its first day while it lasts, none later."""
    first, last = date(2026, 6, 8), date(2026, 6, 13)
    fallen = Made("c", lambda d, usual: round(0.6 * usual) if first <= d <= last else usual)
    result = pace(fallen, as_of=date(2026, 6, 10))
    for n in (12, 13, 18):
        run_job(result.warehouse, Settings(), "pacing", date(2026, 6, n))
    rows = result.warehouse.query("SELECT as_of, detector, since FROM contracts.pacing_alerts")

    assert {(r["as_of"].day, r["detector"], r["since"]) for r in rows.to_pylist()} == {
        (n, "underspend", first) for n in (10, 12, 13)
    }


def test_the_forecasts_interval_holds_the_month(pace: Callable[..., Result]) -> None:
    """30 days of about 100 each; the interval narrows as the month goes on."""
    rows = pace(Made("c")).daily()
    widths = [r["month_forecast_high_micros"] - r["month_forecast_low_micros"] for r in rows]

    assert all(
        r["month_forecast_low_micros"] < 30 * BUDGET < r["month_forecast_high_micros"]
        for r in rows[3:]
    )
    assert widths[-1] < widths[9] / 2


def test_one_odd_day_is_noise(pace: Callable[..., Result]) -> None:
    odd = date(2026, 6, 20)

    assert (
        pace(Made("c", lambda d, usual: round(1.6 * usual) if d == odd else usual)).alerts() == {}
    )


def test_zero_delivery_is_found_the_same_day_and_replaces_underspend(
    pace: Callable[..., Result],
) -> None:
    first = date(2026, 6, 19)
    stopped = Made("c", lambda d, usual: None if d >= first else usual)
    result = pace(stopped)

    assert set(result.alerts()) == {"zero_delivery"}
    assert result.alerts()["zero_delivery"]["severity"] == "CRITICAL"
    assert result.alerts()["zero_delivery"]["since"] == first
    assert result.daily()[-1]["cost_micros"] == 0
    classes = [r["classification"] for r in result.daily()]
    assert classes[first.day - 1 :] == ["CRITICAL"] * 7


def test_zero_delivery_is_found_on_its_first_day(pace: Callable[..., Result]) -> None:
    result = pace(Made("c", lambda d, usual: None if d == AS_OF else usual))
    assert set(result.alerts()) == {"zero_delivery"}
    assert result.alerts()["zero_delivery"]["since"] == AS_OF


def test_days_without_spend_are_no_fault_of_a_campaign_that_has_them_often(
    pace: Callable[..., Result],
) -> None:
    """One rests on Thursdays, the other on every fifth day; the last day is one of these."""
    fifth = {AS_OF - timedelta(days=5 * i) for i in range(30)}
    result = pace(
        Made("thursdays", lambda d, usual: None if d.weekday() == 3 else usual),
        Made("fifths", lambda d, usual: None if d in fifth else usual),
    )
    assert "zero_delivery" not in result.alerts("thursdays")
    assert "zero_delivery" not in result.alerts("fifths")


@pytest.mark.parametrize("status", ["PAUSED", "REMOVED"])
def test_a_stopped_campaign_raises_nothing(pace: Callable[..., Result], status: str) -> None:
    stopped = Made("c", lambda d, usual: None if d > date(2026, 6, 10) else usual, status=status)
    result = pace(stopped, Made("other"))

    assert result.alerts() == {}
    last = result.daily()[-1]
    assert last["month_target_micros"] == pytest.approx(10 * BUDGET, abs=1)
    assert last["month_forecast_micros"] == last["mtd_cost_micros"]


def test_days_that_are_not_published_are_missing_and_not_zero(
    pace: Callable[..., Result],
) -> None:
    gap = [date(2026, 6, 24), AS_OF]
    result = pace(Made("c"), uncovered=gap)

    assert set(result.alerts()) == {"data_missing"}
    assert result.alerts()["data_missing"]["since"] == gap[0]
    assert "2 day(s)" in result.alerts()["data_missing"]["message"]
    rows = result.daily()
    assert rows[-1]["cost_micros"] is None
    assert rows[-1]["classification"] == "NO_DATA"
    assert rows[-1]["mtd_target_micros"] == rows[-3]["mtd_target_micros"]
    assert rows[-1]["month_forecast_micros"] == pytest.approx(30 * BUDGET, rel=0.06)


def test_old_data_is_no_data_and_names_the_day_to_look_at(pace: Callable[..., Result]) -> None:
    run = pace(Made("c"), as_of=date(2026, 8, 1)).run

    assert run.verdict == "NO_DATA"
    assert "2026-06-25" in run.reason
    assert "--as-of 2026-06-25" in run.reason


def test_nothing_published_at_all_is_no_data(pace: Callable[..., Result]) -> None:
    run = pace(Made("c"), as_of=date(2026, 1, 15)).run

    assert run.verdict == "NO_DATA"
    assert "ingest a platform first" in run.reason


def test_without_any_budget_the_run_is_inconclusive_but_reports_spend(
    pace: Callable[..., Result],
) -> None:
    result = pace(Made("c", budget=None))

    assert result.run.verdict == "INCONCLUSIVE"
    assert "no target to pace against" in result.run.reason
    last = result.daily()[-1]
    assert last["classification"] == "NO_BUDGET"
    assert last["mtd_target_micros"] is None
    assert last["pace"] is None
    assert last["mtd_cost_micros"] > 0
    assert last["month_forecast_micros"] == pytest.approx(30 * BUDGET, rel=0.06)


def test_a_campaign_that_never_delivered_counts_only_with_a_budget(
    pace: Callable[..., Result],
) -> None:
    result = pace(
        Made("c"),
        Made("bare", budget=None, delivered=False),
        Made("waiting", delivered=False),
    )

    assert result.daily("bare") == []
    assert result.daily("waiting")[-1]["mtd_cost_micros"] == 0
    assert result.alerts("waiting") == {}
    assert result.run.verdict == "PASS"


def test_a_platform_without_a_daily_cap_is_not_paced(pace: Callable[..., Result]) -> None:
    with pytest.raises(ConfigError, match="toy_ads: no ad platform"):
        pace(Made("c", platform="toy_ads"))


def test_meta_breaks_its_cap_where_google_does_not(pace: Callable[..., Result]) -> None:
    """1.9 times the budget on the last day."""

    def spike(day: date, usual: int) -> int | None:
        return round(1.9 * BUDGET) if day == AS_OF else usual

    result = pace(Made("g", spike), Made("m", spike, platform="meta_ads"))

    assert "hard_cap" not in result.alerts("g")
    assert "hard_cap" in result.alerts("m")


def test_a_second_run_is_reused_and_a_restated_day_is_not(
    tmp_path: Path, pace: Callable[..., Result]
) -> None:
    result = pace(Made("c"))
    again = run_job(result.warehouse, Settings(), "pacing", AS_OF)
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute(
            "UPDATE marts.ads_campaign_daily SET cost_micros = cost_micros + 1 WHERE date = ?",
            [AS_OF],
        )
    restated = run_job(result.warehouse, Settings(), "pacing", AS_OF)

    assert again == replace(result.run, reused=True)
    assert not restated.reused
    assert restated.run_id != result.run.run_id


def test_an_alert_notes_what_coincides_and_what_to_do(pace: Callable[..., Result]) -> None:
    """The budget doubles on the 17th, and from the 18th on three times as much is spent."""
    raised = date(2026, 6, 17)
    over = Made("c", lambda d, u: 3 * u // 2 if d > raised else u, raised_on=raised)
    alert = pace(over).alerts()["overspend"]

    assert "The budget was changed by +100% on 2026-06-17." in alert["cause"]
    assert "lower the budget" in alert["mitigation"]


def test_faults_of_most_of_an_account_are_noted_as_such(pace: Callable[..., Result]) -> None:
    first = date(2026, 6, 20)
    made = [Made(name, lambda d, u: u // 2 if d >= first else u) for name in "abc"]
    assert "2 of 2 other campaigns" in pace(*made).alerts("a")["underspend"]["cause"]


def test_a_months_limit_is_a_hard_cap(pace: Callable[..., Result]) -> None:
    """A fifth over its budget each day is below Google's daily limit, and above its monthly one."""
    result = pace(Made("c", lambda d, usual: round(1.3 * usual)), as_of=date(2026, 6, 25))
    alert = result.alerts()["hard_cap"]

    assert "30.4 times a month" in alert["message"]
    assert alert["since"] > date(2026, 6, 20)


def test_the_months_are_drawn_into_one_picture(tmp_path: Path, pace: Callable[..., Result]) -> None:
    result = pace(Made("a"), Made("b", budget=None))
    path = plot_pacing(result.warehouse, result.run.run_id, tmp_path / "plots" / "pacing.png")

    assert path is not None
    assert path.read_bytes().startswith(b"\x89PNG")
    assert plot_pacing(result.warehouse, "no_such_run", tmp_path / "none.png") is None


def test_a_plot_that_fails_is_noted_and_leaves_the_run_as_it_was(
    tmp_path: Path, pace: Callable[..., Result]
) -> None:
    """The folder of the plots is a file; later it is a folder again."""
    result = pace(Made("sale $5_of $10_of"))
    blocked = tmp_path / "plots"
    blocked.touch()

    failed = plot_run(result.warehouse, result.run, blocked)
    again = run_job(result.warehouse, Settings(), "pacing", AS_OF)
    drawn = plot_run(result.warehouse, again, tmp_path / "elsewhere")
    last = run_job(result.warehouse, Settings(), "pacing", AS_OF)

    assert failed.paths == ()
    assert "pacing was not drawn: " in str(failed.problem)
    assert again.diagnostics == {**result.run.diagnostics, "plot_problem": failed.problem}
    assert (again.run_id, again.verdict) == (result.run.run_id, "PASS")
    assert len(drawn.paths) == 1
    assert drawn.problem is None
    assert last.diagnostics == result.run.diagnostics
