"""Features are what was known on their day, whatever was restated since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import build
from pipelines.config import Settings, WarehouseSettings
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.wire.raw_rows import GOOGLE, campaign_day, insert, publish

pytestmark = pytest.mark.xdist_group("build")

FIRST = date(2025, 3, 1)
LAST = FIRST + timedelta(days=39)  # 9 April
ADGROUPS = {"a": 3_000_000, "b": 1_000_000}
MODEL = "+ad_features_daily"
# when a row was made isn't what it says
_FEATURES = "SELECT * EXCEPT (known_at, is_point_in_time) FROM marts.ad_features_daily"


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _campaigns(days: Sequence[date], conversions: float = 2.0) -> list[dict[str, Any]]:
    own = {"conversions": conversions, "conversion_value": 10 * conversions}
    return [
        campaign_day(GOOGLE, day.isoformat(), "c1", sum(ADGROUPS.values())) | own for day in days
    ]


def _adgroups(days: Sequence[date]) -> list[dict[str, Any]]:
    """Two ad groups; the second pauses for 30 days but one, and delivers anew on the last two."""
    idle = _days(FIRST + timedelta(days=8), LAST - timedelta(days=2))
    return [
        campaign_day(GOOGLE, day.isoformat(), "c1", cost) | {"adgroup_id": name}
        for day in days
        for name, cost in ADGROUPS.items()
        if name == "a" or day not in idle
    ]


def _land(warehouse: Warehouse, first: date, last: date, conversions: float = 2.0) -> None:
    days = _days(first, last)
    gone = f"DELETE FROM raw.ads_adgroup_performance WHERE date BETWEEN '{first}' AND '{last}'"
    warehouse.transaction([Statement(gone)], label="test")
    insert(warehouse, "raw.ads_adgroup_performance", _adgroups(days))
    publish(warehouse, str(first), str(last), _campaigns(days, conversions))


def _features(warehouse: Warehouse, day: date | None = None) -> list[dict[str, Any]]:
    where = f" WHERE date = '{day}'" if day else ""
    order = " ORDER BY date, level, campaign_id, adgroup_id, ad_id"
    rows: list[dict[str, Any]] = warehouse.query(_FEATURES + where + order).to_pylist()
    return rows


def _open(folder: Path) -> tuple[Settings, Warehouse]:
    settings = Settings(warehouse=WarehouseSettings(path=folder / "w.duckdb"))
    return settings, open_warehouse(settings)


def test_a_past_days_features_are_those_that_were_computed_then(tmp_path: Path) -> None:
    """Three batches land on three days, each restating what came before. Whoever lands the first
    two of them alone, as the ledger tells their order, computes the second day's features."""
    settings, warehouse = _open(tmp_path)
    next_day, third_day = LAST + timedelta(days=1), LAST + timedelta(days=2)
    _land(warehouse, FIRST, LAST)
    build(settings, select=MODEL)
    first = _features(warehouse)
    _land(warehouse, LAST - timedelta(days=6), next_day, conversions=4.0)
    build(settings, select=MODEL)
    second = _features(warehouse, next_day)
    _land(warehouse, LAST - timedelta(days=6), third_day, conversions=8.0)
    build(settings, select=MODEL, full_refresh=True)
    assert _features(warehouse, next_day) == second
    assert [row for row in _features(warehouse) if row["date"] <= LAST] == first

    (tmp_path / "replayed").mkdir()
    settings, replayed = _open(tmp_path / "replayed")
    _land(replayed, FIRST, LAST)
    _land(replayed, LAST - timedelta(days=6), next_day, conversions=4.0)
    build(settings, select=MODEL)
    assert _features(replayed, next_day) == second
    (campaign,) = [row for row in second if row["level"] == "campaign"]
    # seven restated days of the eight, as they were told on that day
    assert campaign["conversions_7d"] == 28.0
    assert campaign["conversions_change_7d"] == pytest.approx(28 / 16 - 1)


def test_features_of_an_ad_group_are_what_its_days_say(tmp_path: Path) -> None:
    settings, warehouse = _open(tmp_path)
    _land(warehouse, FIRST, LAST)
    sighting = {
        "platform": "google_ads",
        "account_id": "g1",
        "campaign_id": "c1",
        "status": "ENABLED",
        "learning_phase": "LEARNED",
        "currency_code": "USD",
        "time_zone": "America/New_York",
    }
    budgets = [(LAST - timedelta(days=9), 4_000_000), (LAST - timedelta(days=4), 5_000_000)]
    insert(
        warehouse,
        "raw.ads_adgroup_settings",
        [
            sighting | {"adgroup_id": "a", "effective_from": day, "daily_budget_micros": budget}
            for day, budget in budgets
        ],
    )
    build(settings, select=MODEL)
    rows = {row["adgroup_id"]: row for row in _features(warehouse, LAST) if row["ad_id"] == "(all)"}
    steady, again = rows["a"], rows["b"]
    assert (steady["launched_on"], again["launched_on"]) == (FIRST, LAST - timedelta(days=1))
    assert (again["days_since_launch"], again["days_with_spend_28d"]) == (1, 2)
    assert steady["cost_micros_28d"] == 28 * 3_000_000
    assert (steady["cpc_micros_7d"], steady["cpm_micros_7d"]) == (300_000, 30_000_000)
    assert steady["roas_28d"] == pytest.approx(20 / 3)
    assert steady["roas_slope_14d"] == pytest.approx(0, abs=1e-9)
    assert steady["roas_volatility_14d"] == pytest.approx(0, abs=1e-9)
    assert steady["share_of_campaign_cost"] == pytest.approx(3 / 4)
    assert steady["roas_index_28d"] == pytest.approx((20 / 3) / (20 / 4))
    assert steady["month_cost_micros"] == 9 * 3_000_000  # 1 to 9 April
    assert (steady["daily_budget_micros"], steady["days_since_budget_change"]) == (5_000_000, 4)
    assert steady["budget_used_7d"] == pytest.approx(0.6)
    assert steady["budget_headroom_micros"] == 2_000_000
    assert again["daily_budget_micros"] is None
    # seen on the morning after the day, when its delivery is pulled
    morning = {row["adgroup_id"]: row for row in _features(warehouse, LAST - timedelta(days=5))}
    assert morning["a"]["daily_budget_micros"] == 5_000_000
    assert morning["a"]["days_since_budget_change"] == 0
    earlier = {row["adgroup_id"]: row for row in _features(warehouse, LAST - timedelta(days=6))}
    # changed later: on that day nobody could know
    assert (earlier["a"]["daily_budget_micros"], earlier["a"]["days_since_budget_change"]) == (
        4_000_000,
        None,
    )


def test_an_entity_has_no_features_after_four_idle_weeks(tmp_path: Path) -> None:
    settings, warehouse = _open(tmp_path)
    _land(warehouse, FIRST, LAST)
    build(settings, select=MODEL)
    days = [row["date"] for row in _features(warehouse) if row["adgroup_id"] == "b"]
    idle_from = FIRST + timedelta(days=8)
    assert max(day for day in days if day < LAST - timedelta(days=1)) == idle_from + timedelta(
        days=26
    )
