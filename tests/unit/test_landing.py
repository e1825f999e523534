"""Stage, audit, publish: one slice, once, or not at all."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.errors import AuditError
from pipelines.landing.ingest import due_windows
from pipelines.landing.ledger import missing_windows
from pipelines.landing.publish import land
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Warehouse, load_contracts
from pipelines.warehouse.duckdb import DuckDBWarehouse

TABLE = "raw.ads_campaign_performance"
PULLED = datetime(2026, 7, 1, 6, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    opened = DuckDBWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(load_contracts().values())
    return opened


def batch(days: list[date], cost: int = 1_000_000, account: str = "1", **columns: object) -> Batch:
    n = len(days)
    rows = {
        "platform": ["google_ads"] * n,
        "account_id": [account] * n,
        "date": days,
        "campaign_id": ["c"] * n,
        "impressions": [10] * n,
        "clicks": [1] * n,
        "cost_micros": [cost] * n,
        "conversions": [0.5] * n,
        "conversion_value": [1.0] * n,
        "currency_code": ["USD"] * n,
        "time_zone": ["UTC"] * n,
        "attribution_window": ["account_default"] * n,
        "status": ["ENABLED"] * n,
        **columns,
    }
    window = Window(min(days), max(days))
    return Batch("google_ads", TABLE, account, "google_ads", window, pa.table(rows), PULLED)


def june(*days: int) -> list[date]:
    return [date(2026, 6, d) for d in days]


def total(warehouse: Warehouse) -> int:
    return warehouse.query(f"SELECT SUM(cost_micros) AS cost FROM {TABLE}")["cost"][0].as_py()


def stages(warehouse: Warehouse) -> int:
    tables = warehouse.query("SELECT table_name FROM landing_stage.INFORMATION_SCHEMA.TABLES")
    return tables.num_rows


def test_the_same_batch_twice_is_published_once(warehouse: Warehouse) -> None:
    assert land(warehouse, batch(june(1, 2))).outcome == "published"
    assert land(warehouse, batch(june(1, 2))).outcome == "unchanged"
    ledger = warehouse.query("SELECT * FROM raw.load_ledger")
    assert (total(warehouse), ledger.num_rows, stages(warehouse)) == (2_000_000, 1, 0)


def test_a_publish_replaces_its_account_and_days_and_nothing_else(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 2, 3)))
    land(warehouse, batch(june(2), account="2"))
    landed = land(warehouse, batch(june(2, 3), cost=5))
    assert landed.restated_rows == 2
    assert total(warehouse) == 1_000_000 + 1_000_000 + 10


def test_rows_the_platform_withdrew_are_gone(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 2, 3)))
    withdrawn = replace(batch(june(1, 3)), window=Window(date(2026, 6, 1), date(2026, 6, 3)))
    assert land(warehouse, withdrawn).restated_rows == 1
    assert total(warehouse) == 2_000_000


def test_an_older_pull_never_replaces_a_newer_one(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 2)))
    older = replace(batch(june(2, 3), cost=7), pulled_at=PULLED - timedelta(hours=1))
    assert land(warehouse, older).outcome == "superseded"
    assert total(warehouse) == 2_000_000


def test_content_that_returns_to_an_earlier_state_is_published_again(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1)))
    land(warehouse, replace(batch(june(1), cost=9), pulled_at=PULLED + timedelta(hours=1)))
    again = replace(batch(june(1)), pulled_at=PULLED + timedelta(hours=2))
    assert land(warehouse, again).outcome == "published"
    assert total(warehouse) == 1_000_000


def test_a_failed_audit_names_the_rows_keeps_the_stage_and_publishes_nothing(
    warehouse: Warehouse,
) -> None:
    land(warehouse, batch(june(1, 2)))
    with pytest.raises(AuditError, match=r"(?s)cost_micros.*2026-06-02") as caught:
        land(warehouse, batch(june(1, 2), cost_micros=[5, -1]))
    assert caught.value.kept is not None
    stage = caught.value.kept.rsplit(" ", 1)[1].rstrip(".")
    assert warehouse.query(f"SELECT * FROM {stage}").num_rows == 2
    assert total(warehouse) == 2_000_000


def test_a_doubled_grain_fails_the_audit(warehouse: Warehouse) -> None:
    with pytest.raises(AuditError, match="one row a platform, account_id, date, campaign_id"):
        land(warehouse, batch(june(1, 1)))


def test_a_missing_column_is_named(warehouse: Warehouse) -> None:
    whole = batch(june(1))
    with pytest.raises(AuditError, match="column clicks is missing"):
        land(warehouse, replace(whole, rows=whole.rows.drop_columns("clicks")))


def test_a_retyped_column_is_named(warehouse: Warehouse) -> None:
    with pytest.raises(AuditError, match="column clicks is string, not INT64"):
        land(warehouse, batch(june(1), clicks=["many"]))


def test_a_new_column_is_reported(warehouse: Warehouse) -> None:
    assert land(warehouse, batch(june(1), video_views=[3])).drift == ("video_views",)


def test_a_backfill_resumes_at_the_windows_no_batch_covers(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 10)))
    windows = list(Window(date(2026, 6, 1), date(2026, 6, 30)).split(10))
    left = missing_windows(warehouse, "google_ads", "1", [TABLE], windows)
    assert [w.start.day for w in left] == [11, 21]


class Platform:
    """A source that answers nothing: only its windows are asked for."""

    name = "google_ads"
    tables = (TABLE,)
    account_ids = ("1",)
    lookback_days = 4
    max_window_days = 31
    span = None


def test_a_day_that_an_outage_left_out_is_pulled_before_the_look_back(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 10)))
    windows = due_windows(warehouse, Platform(), "1", date(2026, 6, 24))  # type: ignore[arg-type]
    assert windows == [
        Window(date(2026, 6, 11), date(2026, 6, 19)),
        Window(date(2026, 6, 20), date(2026, 6, 23)),
    ]


def test_the_run_after_the_one_that_closed_a_gap_pulls_the_same_look_back(
    warehouse: Warehouse,
) -> None:
    land(warehouse, batch(june(1, 10)))
    *_, look_back = due_windows(warehouse, Platform(), "1", date(2026, 6, 24))  # type: ignore[arg-type]
    land(warehouse, batch(june(11, 19)))
    land(warehouse, batch(june(20, 23)))
    again = due_windows(warehouse, Platform(), "1", date(2026, 6, 24))  # type: ignore[arg-type]
    assert again == [look_back]


def test_an_account_without_gaps_is_pulled_for_its_look_back(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 22)))
    windows = due_windows(warehouse, Platform(), "1", date(2026, 6, 24))  # type: ignore[arg-type]
    assert windows == [Window(date(2026, 6, 20), date(2026, 6, 23))]
