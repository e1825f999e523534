"""Stage, audit, publish: one slice, once, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts import Contract, load_contracts
from pipelines.errors import AuditError
from pipelines.landing.ingest import due_windows
from pipelines.landing.ledger import missing_windows
from pipelines.landing.publish import ErasedMeanwhile, Landed, sweep
from pipelines.landing.publish import land as land_all
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import RowCountConflict
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.warehouse_files import empty_warehouse

pytestmark = pytest.mark.slow

TABLE = "raw.ads_campaign_performance"
PULLED = datetime(2026, 7, 1, 6, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return empty_warehouse(tmp_path / "w.duckdb")


def batch(
    days: list[date], cost: int = 1_000_000, account: str = "1112223334", **columns: object
) -> Batch:
    n = len(days)
    rows = {
        "platform": ["google_ads"] * n,
        "account_id": [account] * n,
        "date": days,
        "campaign_id": ["7"] * n,
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


def land(warehouse: Warehouse, batch: Batch) -> Landed:
    (landed,) = land_all(warehouse, batch)
    return landed


def june(*days: int) -> list[date]:
    return [date(2026, 6, d) for d in days]


def total(warehouse: Warehouse) -> int:
    return warehouse.query(f"SELECT SUM(cost_micros) AS cost FROM {TABLE}")["cost"][0].as_py()


def stages(warehouse: Warehouse) -> int:
    return len(warehouse.stages())


def test_the_same_batch_twice_is_published_once(warehouse: Warehouse) -> None:
    assert land(warehouse, batch(june(1, 2))).outcome == "published"
    assert land(warehouse, batch(june(1, 2))).outcome == "unchanged"
    ledger = warehouse.query("SELECT * FROM raw.load_ledger")
    assert (total(warehouse), ledger.num_rows, stages(warehouse)) == (2_000_000, 1, 0)


def test_a_publish_replaces_its_account_and_days_and_nothing_else(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 2, 3)))
    land(warehouse, batch(june(2), account="2223334445"))
    landed = land(warehouse, batch(june(2, 3), cost=5))
    assert landed.restated_rows == 2
    assert total(warehouse) == 1_000_000 + 1_000_000 + 10


def test_rows_the_platform_withdrew_are_gone(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 2, 3)))
    withdrawn = replace(batch(june(1, 3)), window=Window(date(2026, 6, 1), date(2026, 6, 3)))
    landed = land(warehouse, withdrawn)
    assert (landed.restated_rows, landed.withdrawn_rows, landed.withdrawn_campaigns) == (0, 1, 1)
    assert total(warehouse) == 2_000_000


def test_an_older_pull_never_replaces_a_newer_one(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 2)))
    older = replace(batch(june(1, 2), cost=7), pulled_at=PULLED - timedelta(hours=1))
    assert land(warehouse, older).outcome == "superseded"
    assert total(warehouse) == 2_000_000


def test_an_older_pull_publishes_the_days_that_no_newer_one_has(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(10, 11)))
    older = replace(batch(june(*range(8, 15)), cost=7), pulled_at=PULLED - timedelta(hours=1))
    first, second = land_all(warehouse, older)
    assert [str(p.window) for p in (first, second)] == [
        "2026-06-08..2026-06-09",
        "2026-06-12..2026-06-14",
    ]
    assert (first.outcome, first.rows, second.rows) == ("published", 2, 3)
    assert total(warehouse) == 2_000_000 + 5 * 7
    assert stages(warehouse) == 0


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
    with pytest.raises(AuditError, match=r"(?s)impressions.*2026-06-02") as caught:
        land(warehouse, batch(june(1, 2), impressions=[5, -1]))
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


def test_a_number_that_became_text_is_retyped_though_it_could_be_read(warehouse: Warehouse) -> None:
    with pytest.raises(AuditError, match="column clicks is string, not INT64"):
        land(warehouse, batch(june(1), clicks=["12"]))


def test_a_new_column_is_kept_and_reported(warehouse: Warehouse) -> None:
    landed = land(warehouse, batch(june(1, 2), reach=[3, None], goal=["calls", None]))
    assert landed.drift == ("goal", "reach")
    found = warehouse.query(f"SELECT _extra FROM {TABLE} ORDER BY date")["_extra"].to_pylist()
    assert found == ['{"goal":"calls","reach":3}', None]


def test_numbers_and_days_of_a_new_column_are_kept_as_they_are(warehouse: Warehouse) -> None:
    values = {"reach_micros": [123_456_789_012], "since": ["2026-06-01"]}
    land(warehouse, batch(june(1), **values))
    found = warehouse.query(f"SELECT _extra FROM {TABLE}")["_extra"].to_pylist()
    assert found == ['{"reach_micros":123456789012,"since":"2026-06-01"}']


def test_an_infinite_value_fails_the_audit(warehouse: Warehouse) -> None:
    with pytest.raises(AuditError, match="conversions is a finite number"):
        land(warehouse, batch(june(1), conversions=[float("inf")]))


def test_a_missing_amount_is_named_though_the_account_tells_its_spend(
    warehouse: Warehouse,
) -> None:
    whole = batch(june(1), cost_micros=pa.array([None], pa.int64()))
    with pytest.raises(AuditError, match="cost_micros is NOT NULL"):
        land(warehouse, replace(whole, account_spend={date(2026, 6, 1): 5}))


def test_a_pull_that_found_nothing_new_still_keeps_older_ones_out(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1)))
    land(warehouse, replace(batch(june(1)), pulled_at=PULLED + timedelta(hours=2)))
    between = replace(batch(june(1), cost=0), pulled_at=PULLED + timedelta(hours=1))
    assert land(warehouse, between).outcome == "superseded"
    assert total(warehouse) == 1_000_000


def test_a_stage_that_lost_rows_is_not_published(tmp_path: Path) -> None:
    class Emptied(DuckDBWarehouse):
        def stage_file(self, contract: Contract, name: str, path: Path) -> str:
            emptied = path.with_name("emptied.parquet")
            pq.write_table(pq.read_schema(path).empty_table(), emptied)
            return super().stage_file(contract, name, emptied)

    opened = Emptied(tmp_path / "w.duckdb")
    opened.create_tables(load_contracts().values())
    with pytest.raises(RowCountConflict):
        land(opened, batch(june(1)))
    assert opened.query(f"SELECT * FROM {TABLE}").num_rows == 0
    assert opened.query("SELECT * FROM raw.load_ledger").num_rows == 0


def test_nobody_who_was_erased_meanwhile_is_published(tmp_path: Path) -> None:
    class ErasedMeanwhileWarehouse(DuckDBWarehouse):
        def transaction(self, statements: Sequence[Statement], **how: Any) -> Mapping[str, int]:
            if how["label"] == "publish":
                stone = "INSERT INTO raw.privacy_tombstones (digest, kind, erased_at, request_id)"
                values = "VALUES ('d', 'email', TIMESTAMP '2026-01-01 00:00:00+00', 'r')"
                super().transaction([Statement(f"{stone} {values}")], label="test")
            return super().transaction(statements, **how)

    opened = ErasedMeanwhileWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(load_contracts().values())
    with pytest.raises(ErasedMeanwhile, match="a person was erased"):
        land(opened, batch(june(1)))
    assert opened.query(f"SELECT * FROM {TABLE}").num_rows == 0
    assert opened.stages() == []


def test_an_order_whose_day_changed_stands_once(warehouse: Warehouse) -> None:
    def orders(day: int) -> Batch:
        at = datetime(2026, 6, day, tzinfo=UTC)
        row = {
            "shop_id": "s",
            "order_id": "o1",
            "order_date": at.date(),
            "ordered_at": at,
            "is_new_customer": True,
            "revenue_micros": 5,
            "refunded_micros": 0,
            "currency_code": "USD",
            "time_zone": "UTC",
            "status": "PAID",
            "updated_at": at,
        }
        window = Window(at.date(), at.date())
        pulled = PULLED + timedelta(hours=day)
        return Batch(
            "shopify", "raw.orders", "s", None, window, pa.Table.from_pylist([row]), pulled
        )

    land(warehouse, orders(1))
    land(warehouse, orders(2))
    found = warehouse.query("SELECT order_date FROM raw.orders")["order_date"].to_pylist()
    assert found == [date(2026, 6, 2)]


def test_what_a_new_column_holds_of_a_person_does_not_pass(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1), headline=["call jane.doe@example.com or +49 30 1234567"]))
    found = warehouse.query(f"SELECT _extra FROM {TABLE}")["_extra"].to_pylist()
    assert found == ['{"headline":"call (e-mail) or (phone)"}']


def test_campaigns_that_miss_a_micro_of_the_accounts_spend_fail_the_audit(
    warehouse: Warehouse,
) -> None:
    told = {date(2026, 6, 1): 1_000_000, date(2026, 6, 2): 1_000_001}
    with pytest.raises(
        AuditError, match=r"2026-06-02: campaigns 1,000,000, account 1,000,001 micros"
    ):
        land(warehouse, replace(batch(june(1, 2)), account_spend=told))
    right = {day: 1_000_000 for day in told}
    assert land(warehouse, replace(batch(june(1, 2)), account_spend=right)).outcome == "published"


def test_an_account_total_that_moves_while_its_campaigns_do_not_fails_the_audit(
    warehouse: Warehouse,
) -> None:
    land(warehouse, replace(batch(june(1)), account_spend={date(2026, 6, 1): 1_000_000}))
    with pytest.raises(AuditError, match="account 1,000,001 micros"):
        land(warehouse, replace(batch(june(1)), account_spend={date(2026, 6, 1): 1_000_001}))


def test_a_day_the_account_spent_on_and_no_campaign_has_fails_the_audit(
    warehouse: Warehouse,
) -> None:
    told = {date(2026, 6, 1): 1_000_000, date(2026, 6, 2): 5}
    window = Window(date(2026, 6, 1), date(2026, 6, 2))
    with pytest.raises(AuditError, match="2026-06-02: campaigns 0, account 5 micros"):
        land(warehouse, replace(batch(june(1)), window=window, account_spend=told))


def test_a_row_outside_of_its_slice_fails_the_audit(warehouse: Warehouse) -> None:
    stray = replace(batch(june(1, 9)), window=Window(date(2026, 6, 1), date(2026, 6, 2)))
    with pytest.raises(AuditError, match="every row is in its slice"):
        land(warehouse, stray)
    with pytest.raises(AuditError, match="every row is in its slice"):
        land(warehouse, replace(batch(june(1), account="2223334445"), account_id="1112223334"))


def test_a_stream_of_record_batches_lands_like_a_table(warehouse: Warehouse) -> None:
    table = batch(june(*range(1, 31)))
    assert isinstance(table.rows, pa.Table)
    chunks = table.rows.to_batches(max_chunksize=7)
    streamed = replace(table, rows=pa.RecordBatchReader.from_batches(table.rows.schema, chunks))
    assert land(warehouse, streamed).rows == 30
    assert land(warehouse, table).outcome == "unchanged"


def test_the_order_of_rows_is_no_change(warehouse: Warehouse) -> None:
    whole = batch(june(1, 2, 3))
    assert isinstance(whole.rows, pa.Table)
    land(warehouse, whole)
    assert land(warehouse, replace(whole, rows=whole.rows[::-1])).outcome == "unchanged"


def test_what_a_killed_attempt_staged_is_swept_and_what_awaits_a_person_is_not(
    warehouse: Warehouse,
) -> None:
    for days in (june(1, 4), june(4, 9), june(20, 21)):
        with pytest.raises(AuditError):
            land(warehouse, batch(days, impressions=[-1] * 2))
    land(warehouse, batch(june(2, 5)))
    sweep(warehouse, [batch(june(2, 5))])
    left = [stage.rsplit("_", 3)[1:3] for stage in warehouse.stages()]
    assert left == [["20260604", "20260609"], ["20260620", "20260621"]]


def test_of_two_that_publish_at_once_one_gives_way_and_says_so(tmp_path: Path) -> None:
    class Overtaken(DuckDBWarehouse):
        """Another process publishes the same batch just before this one does."""

        done = False

        def transaction(self, statements: Sequence[Statement], **how: Any) -> Mapping[str, int]:
            if how["label"] == "publish" and not self.done:
                self.done = True
                land(DuckDBWarehouse(self.path), batch(june(1)))
            return super().transaction(statements, **how)

    opened = Overtaken(tmp_path / "w.duckdb")
    opened.create_tables(load_contracts().values())
    landed = land(opened, batch(june(1)))
    assert landed.outcome == "unchanged"
    assert landed.note == "another process published this account at the same time"
    assert (total(opened), opened.stages()) == (1_000_000, [])
    assert opened.query("SELECT * FROM raw.load_ledger").num_rows == 1


def test_a_backfill_resumes_at_the_windows_no_batch_covers(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 10)))
    windows = list(Window(date(2026, 6, 1), date(2026, 6, 30)).split(10))
    left = missing_windows(warehouse, "google_ads", "1112223334", [TABLE], windows)
    assert [w.start.day for w in left] == [11, 21]


class Platform:
    """A source that answers nothing: only its windows are asked for."""

    name = "google_ads"
    tables = (TABLE,)
    account_ids = ("1112223334",)
    lookback_days = 4
    max_window_days = 31
    span = None


def test_a_day_that_an_outage_left_out_is_pulled_after_the_look_back(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 10)))
    windows = due_windows(warehouse, Platform(), "1112223334", date(2026, 6, 24))  # type: ignore[arg-type]
    assert windows == [
        Window(date(2026, 6, 20), date(2026, 6, 23)),
        Window(date(2026, 6, 11), date(2026, 6, 19)),
    ]


def test_an_account_may_have_a_look_back_of_its_own(warehouse: Warehouse) -> None:
    (window,) = due_windows(
        warehouse,
        Platform(),  # type: ignore[arg-type]
        "1112223334",
        date(2026, 6, 24),
        lookback_days=9,
    )
    assert window == Window(date(2026, 6, 15), date(2026, 6, 23))


def test_the_run_after_the_one_that_closed_a_gap_pulls_the_same_look_back(
    warehouse: Warehouse,
) -> None:
    land(warehouse, batch(june(1, 10)))
    look_back, *_ = due_windows(warehouse, Platform(), "1112223334", date(2026, 6, 24))  # type: ignore[arg-type]
    land(warehouse, batch(june(11, 19)))
    land(warehouse, batch(june(20, 23)))
    again = due_windows(warehouse, Platform(), "1112223334", date(2026, 6, 24))  # type: ignore[arg-type]
    assert again == [look_back]


def test_an_account_without_gaps_is_pulled_for_its_look_back(warehouse: Warehouse) -> None:
    land(warehouse, batch(june(1, 22)))
    windows = due_windows(warehouse, Platform(), "1112223334", date(2026, 6, 24))  # type: ignore[arg-type]
    assert windows == [Window(date(2026, 6, 20), date(2026, 6, 23))]
