"""Pacing reads a campaign's days in one currency, and names amounts with its decimals."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.config import Settings
from pipelines.jobs.pacing import PacingJob
from pipelines.jobs.run import run_job
from tests.unit.pacing_rows import AS_OF, BUDGET, Made, Result, warehouse_with

pytestmark = pytest.mark.slow

MOVED = date(2026, 6, 11)


def paced(path: Path, *campaigns: Made) -> Result:
    warehouse = warehouse_with(path / "w.duckdb", campaigns)
    return Result(warehouse, run_job(warehouse, Settings(), "pacing", AS_OF))


def cheap(day: date, usual: int) -> int:
    """An account that was in a currency of which one is worth a hundred of the present one."""
    return usual if day >= MOVED else usual // 100


def test_a_campaign_whose_currency_changed_is_paced_from_that_day_on(tmp_path: Path) -> None:
    result = paced(tmp_path, Made("c", cheap, moved_on=MOVED))
    days = result.daily()
    before, first, last = days[MOVED.day - 2], days[MOVED.day - 1], days[-1]

    assert (before["cost_micros"], before["classification"]) == (None, "NO_DATA")
    assert first["mtd_cost_micros"] == first["cost_micros"] > BUDGET // 2
    assert last["month_target_micros"] == (30 - MOVED.day + 1) * BUDGET
    assert last["classification"] == "HEALTHY"
    assert result.alerts() == {}


def test_days_of_another_currency_are_no_missing_data_the_day_it_changes(tmp_path: Path) -> None:
    result = paced(tmp_path, Made("c", moved_on=AS_OF + timedelta(days=1)))

    assert {d["classification"] for d in result.daily()} == {"NO_DATA"}
    assert result.alerts() == {}


def test_a_market_whose_accounts_kept_their_currency_is_read_as_ever(tmp_path: Path) -> None:
    """A run's id is made of what is read."""
    campaigns = Made("c"), Made("y", currency="JPY", account_id="2")
    read = PacingJob().read(warehouse_with(tmp_path / "w.duckdb", campaigns), AS_OF)

    assert set(read) == {"last_day", "campaigns", "campaign_days", "account_days"}
    assert "currency_code" not in read["campaign_days"].column_names


@pytest.mark.parametrize(
    ("currency", "budget"), [("USD", "100.00"), ("JPY", "100"), ("KWD", "100.000")]
)
def test_an_alert_names_amounts_with_the_decimals_of_their_currency(
    tmp_path: Path, currency: str, budget: str
) -> None:
    stopped = AS_OF - timedelta(days=3)
    result = paced(
        tmp_path,
        Made("zero", lambda day, usual: usual if day < stopped else 0, currency=currency),
        Made("spike", lambda day, usual: 3 * BUDGET if day == AS_OF else usual, currency=currency),
    )

    zero, spike = result.alerts("zero")["zero_delivery"], result.alerts("spike")["hard_cap"]
    assert f"a daily budget of {budget} {currency}," in zero["message"]
    assert f"{AS_OF} cost {budget.replace('1', '3')} {currency}, 3.0 times" in spike["message"]
