"""The pacing job finds each fault, leaves healthy campaigns alone, reads no gap as zero spend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contracts
from pipelines.errors import ConfigError
from pipelines.jobs import JobRun, run_job
from pipelines.jobs.pacing.plots import plot_pacing
from pipelines.jobs.plots import plot_run
from pipelines.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2026, 6, 25)
START = date(2026, 3, 1)
BUDGET = 100_000_000
WEEKDAYS = np.array([1.1, 1.1, 1.0, 1.0, 1.0, 0.9, 0.9])
Spend = Callable[[date, int], int | None]


def healthy(day: date, usual: int) -> int | None:
    return usual


@dataclass(frozen=True)
class Made:
    """A campaign of the test's marts; ``spend`` bends its healthy days, None drops the row."""

    campaign_id: str
    spend: Spend = healthy
    platform: str = "google_ads"
    account_id: str = "1"
    status: str = "ENABLED"
    budget: int | None = BUDGET
    delivered: bool = True
    raised_on: date | None = None
    currency: str = "USD"
    time_zone: str | None = None
    moved_on: date | None = None
    """First day in ``currency``: the account was in another before."""
    shared: tuple[tuple[str, date, date], ...] = ()
    """Periods in which it held a shared budget: the budget, first day and day after the last."""

    def budget_on(self, day: date) -> int | None:
        if self.budget is None or self.raised_on is None or day < self.raised_on:
            return self.budget
        return 2 * self.budget

    def currency_on(self, day: date) -> str:
        return "XTS" if self.moved_on and day < self.moved_on else self.currency

    def days(self) -> list[dict[str, Any]]:
        rng = np.random.default_rng(sum(self.campaign_id.encode()))
        made = []
        for i in range((AS_OF - START).days + 1):
            day = START + timedelta(days=i)
            budget = self.budget_on(day)
            noise = float(np.clip(rng.normal(1, 0.06), 0.8, 1.2))
            usual = round((budget or BUDGET) * WEEKDAYS[day.weekday()] * noise)
            cost = self.spend(day, usual) if self.delivered else None
            if cost:
                row = {"date": day, "cost_micros": cost, "daily_budget_micros": budget}
                made.append(self.key | row | {"currency_code": self.currency_on(day)})
        return made

    @property
    def key(self) -> dict[str, str]:
        return {
            "platform": self.platform,
            "account_id": self.account_id,
            "campaign_id": self.campaign_id,
        }


KEY_TYPES = dict.fromkeys(("platform", "account_id", "campaign_id"), pa.string())
DAY_TYPES = KEY_TYPES | {
    "date": pa.date32(),
    "cost_micros": pa.int64(),
    "daily_budget_micros": pa.int64(),
    "currency_code": pa.string(),
}
CAMPAIGN_TYPES = KEY_TYPES | {
    "campaign_name": pa.string(),
    "campaign_status": pa.string(),
    "daily_budget_micros": pa.int64(),
    "currency_code": pa.string(),
    "time_zone": pa.string(),
    "first_date": pa.date32(),
    "last_date": pa.date32(),
}


PERIOD_TYPES = KEY_TYPES | {
    "shared_budget_id": pa.string(),
    "valid_from": pa.date32(),
    "valid_before": pa.date32(),
}


def warehouse_with(
    path: Path, campaigns: Sequence[Made], uncovered: Sequence[date] = ()
) -> DuckDBWarehouse:
    """A warehouse with the three marts; every account covers START to AS_OF but ``uncovered``."""
    days = [row for c in campaigns for row in c.days() if row["date"] not in uncovered]
    dims = []
    for made in campaigns:
        own = [r["date"] for r in days if made.key.items() <= r.items()]
        dims.append(
            made.key
            | {
                "campaign_name": f"Campaign {made.campaign_id}",
                "campaign_status": made.status,
                "daily_budget_micros": made.budget_on(AS_OF),
                "currency_code": made.currency,
                "time_zone": made.time_zone,
                "first_date": min(own, default=None),
                "last_date": max(own, default=None),
            }
        )
    covered = [
        {"platform": p, "account_id": a, "date": START + timedelta(days=i)}
        for p, a in sorted({(c.platform, c.account_id) for c in campaigns})
        for i in range((AS_OF - START).days + 1)
        if START + timedelta(days=i) not in uncovered
    ]
    periods = [
        made.key | {"shared_budget_id": budget, "valid_from": first, "valid_before": end}
        for made in campaigns
        for budget, first, end in made.shared
    ]
    tables = {
        "ads_budget_history": pa.Table.from_pylist(periods, pa.schema(list(PERIOD_TYPES.items()))),
        "ads_campaign_daily": pa.Table.from_pylist(days, pa.schema(list(DAY_TYPES.items()))),
        "dim_campaign": pa.Table.from_pylist(dims, pa.schema(list(CAMPAIGN_TYPES.items()))),
        "ads_account_days": pa.Table.from_pylist(covered),
    }
    warehouse = DuckDBWarehouse(path)
    warehouse.create_tables(load_contracts().values())
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts")
        for name, table in tables.items():
            connection.register("made", table)
            connection.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM made")
            connection.unregister("made")
    return warehouse


@dataclass(frozen=True)
class Result:
    warehouse: DuckDBWarehouse
    run: JobRun

    def daily(self, campaign_id: str = "c") -> list[dict[str, Any]]:
        rows = self.warehouse.query("SELECT * FROM contracts.pacing_daily ORDER BY date")
        return [r for r in rows.to_pylist() if r["campaign_id"] == campaign_id]

    def alerts(self, campaign_id: str = "c") -> dict[str, dict[str, Any]]:
        rows = self.warehouse.query("SELECT * FROM contracts.pacing_alerts").to_pylist()
        return {r["detector"]: r for r in rows if r["campaign_id"] == campaign_id}


@pytest.fixture
def pace(tmp_path: Path) -> Callable[..., Result]:
    def run(
        *campaigns: Made,
        uncovered: Sequence[date] = (),
        as_of: date = AS_OF,
        zone: str = "UTC",
    ) -> Result:
        warehouse = warehouse_with(tmp_path / "w.duckdb", campaigns, uncovered)
        settings = Settings(reporting_time_zone=zone)
        return Result(warehouse, run_job(warehouse, settings, "pacing", as_of))

    return run


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


def test_a_lasting_drift_is_a_warning_and_a_larger_one_critical(
    pace: Callable[..., Result],
) -> None:
    first = date(2026, 6, 1)
    result = pace(
        Made("over", lambda d, usual: round(1.2 * usual) if d >= first else usual),
        Made("under", lambda d, usual: round(0.5 * usual) if d >= first else usual),
    )

    over, under = result.alerts("over"), result.alerts("under")
    assert over["overspend"]["severity"] == "WARNING"
    assert abs((over["overspend"]["since"] - first).days) <= 3
    assert under["underspend"]["severity"] == "CRITICAL"
    assert under["underspend"]["pace"] == pytest.approx(0.5, abs=0.05)
    assert result.daily("over")[-1]["classification"] == "WARNING"
    assert result.daily("under")[-1]["classification"] == "CRITICAL"


def test_one_odd_day_is_noise(pace: Callable[..., Result]) -> None:
    odd = date(2026, 6, 20)

    assert (
        pace(Made("c", lambda d, usual: round(1.6 * usual) if d == odd else usual)).alerts() == {}
    )


def test_zero_delivery_is_found_after_two_days_and_replaces_underspend(
    pace: Callable[..., Result],
) -> None:
    first = date(2026, 6, 19)
    result = pace(Made("c", lambda d, usual: None if d >= first else usual))

    assert set(result.alerts()) == {"zero_delivery"}
    assert result.alerts()["zero_delivery"]["severity"] == "CRITICAL"
    assert result.alerts()["zero_delivery"]["since"] == first
    assert result.daily()[-1]["cost_micros"] == 0
    classes = [r["classification"] for r in result.daily()]
    assert classes[first.day - 1 :][1:] == ["CRITICAL"] * 6


def test_one_day_without_spend_is_not_zero_delivery(pace: Callable[..., Result]) -> None:
    assert pace(Made("c", lambda d, usual: None if d == AS_OF else usual)).alerts() == {}


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

    assert failed.path is None
    assert "pacing was not drawn: " in str(failed.problem)
    assert again.diagnostics == {**result.run.diagnostics, "plot_problem": failed.problem}
    assert (again.run_id, again.verdict) == (result.run.run_id, "PASS")
    assert drawn.path is not None
    assert drawn.problem is None
    assert last.diagnostics == result.run.diagnostics
