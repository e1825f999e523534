"""dbt rebuilds the days that landing published, and only those."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.build import artifacts_folder, build
from pipelines.config import Settings, WarehouseSettings
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.wire.raw_rows import GOOGLE, META, campaign_day, insert, publish

PERFORMANCE = "raw.ads_campaign_performance"
MODEL = "+fct_ad_spend_daily"
pytestmark = pytest.mark.xdist_group("build")


def _spend(warehouse: Warehouse) -> dict[str, int]:
    rows = warehouse.query(
        "SELECT CAST(date AS STRING) AS day, cost_micros FROM marts.fct_ad_spend_daily"
    ).to_pylist()
    return {row["day"]: row["cost_micros"] for row in rows}


def _builds(warehouse: Warehouse) -> list[str]:
    rows = warehouse.query(
        "SELECT rebuilt FROM intermediate.model_builds "
        "WHERE model = 'marts.fct_ad_spend_daily' ORDER BY started_at"
    ).to_pylist()
    return [row["rebuilt"] for row in rows]


def test_only_restated_days_are_rebuilt_withdrawn_rows_go_and_nothing_new_changes_nothing(
    tmp_path: Path,
) -> None:
    settings = Settings(warehouse=WarehouseSettings(path=tmp_path / "w.duckdb"))
    warehouse = open_warehouse(settings)
    first = [campaign_day(GOOGLE, f"2025-03-0{n}", "c1", n) for n in (3, 4, 5)]
    publish(warehouse, "2025-03-03", "2025-03-05", first)
    insert(warehouse, PERFORMANCE, [campaign_day(META, "2025-03-02", "m", 2)])
    build(settings, select=MODEL)
    assert _spend(warehouse) == {f"2025-03-0{n}": n for n in (2, 3, 4, 5)}

    # Nobody published these: a later build must not look at their days, before or between.
    insert(warehouse, PERFORMANCE, [campaign_day(META, "2025-04-01", "m", 4)])
    unannounced = Statement(f"UPDATE {PERFORMANCE} SET cost_micros = 99 WHERE date = '2025-03-02'")
    an_hour_ago = Statement(
        "UPDATE raw.load_ledger SET published_at = @then",
        {"then": datetime.now(UTC) - timedelta(hours=2)},
    )
    warehouse.transaction([unannounced, an_hour_ago], label="test")
    # 3 March is withdrawn, the 4th restated, the 6th new.
    again = [campaign_day(GOOGLE, f"2025-03-0{n}", "c1", 10 * n) for n in (4, 6)]
    publish(warehouse, "2025-03-03", "2025-03-06", again)
    publish(warehouse, "2025-05-01", "2025-05-01", [campaign_day(GOOGLE, "2025-05-01", "c1", 51)])
    build(settings, select=MODEL)
    assert _spend(warehouse) == {
        "2025-03-02": 2,
        "2025-03-04": 40,
        "2025-03-06": 60,
        "2025-05-01": 51,
    }
    assert _builds(warehouse) == [
        "everything",
        # a rate counts for up to seven days more
        "2025-03-03..2025-03-13 2025-05-01..2025-05-08",
    ]
    compiled = artifacts_folder(settings) / "compiled/adcanary/models/marts/marketing"
    grain = next((compiled / "_marketing.yml").glob("grain_fct_ad_spend_daily*")).read_text()
    assert "date between cast('2025-03-03' as date) and cast('2025-03-13' as date)" in grain

    warehouse.transaction([an_hour_ago], label="test")
    build(settings, select=MODEL)
    assert _builds(warehouse)[-1] == "nothing"
    assert len(_spend(warehouse)) == 4
