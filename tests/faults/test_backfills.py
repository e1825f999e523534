"""Fault 3: backfills that overlap, come out of order or stop half way, and their record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.contracts import load_contract
from pipelines.errors import SourceRejected
from pipelines.landing.backfills import Backfill
from pipelines.landing.ingest import Progressed, due_windows, ingest_account
from pipelines.landing.publish import land
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PROPERTY_ID
from pipelines.sandbox.platforms.ga4_report.server import Ga4DataServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import Ga4ReportSettings
from pipelines.sources.base import Window
from pipelines.sources.ga4_report.source import Ga4ReportSource
from pipelines.warehouse.duckdb import DuckDBWarehouse

TABLE = "raw.ga4_daily_report"
LANDING = (
    *("raw.load_ledger", "raw.load_heads", "raw.privacy_tombstones"),
    *("raw.account_parking", "raw.backfills"),
)
GRAIN = [(name, "ascending") for name in load_contract(TABLE).primary_key]
WHY = Backfill("dee", "tracking was mended")


@pytest.fixture(scope="module")
def _server() -> Iterator[Ga4DataServer]:
    market = Market(start=date(2026, 4, 1), end=date(2026, 6, 30), scale=0.05)
    with Ga4DataServer(market, Clock(date(2026, 7, 1))) as server:
        yield server


@pytest.fixture
def server(_server: Ga4DataServer) -> Iterator[Ga4DataServer]:
    yield _server
    _server.faults.switch_off()


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    opened = DuckDBWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(map(load_contract, (TABLE, *LANDING)))
    return opened


def source_of(server: Ga4DataServer) -> Ga4ReportSource:
    settings = Ga4ReportSettings(property_id=PROPERTY_ID, endpoint=server.endpoint)
    return Ga4ReportSource(settings, sleep=lambda _: None)


def june(first: int, last: int) -> Window:
    return Window(date(2026, 6, first), date(2026, 6, last))


def on(server: Ga4DataServer, day: int) -> datetime:
    """Morning of a day in June (31: of the first of July), on which the platform is too."""
    server.clock.today = date(2026, 6, 1) + timedelta(days=day - 1)
    return datetime.combine(server.clock.today, datetime.min.time(), UTC) + timedelta(hours=12)


def ingest(
    warehouse: DuckDBWarehouse,
    server: Ga4DataServer,
    day: int,
    window: Window,
    *,
    slices: int = 31,
    **more: Any,
) -> str:
    at = on(server, day)
    source = source_of(server)
    source.max_window_days = slices
    done = ingest_account(
        warehouse, source, PROPERTY_ID, now=at, start=window.start, end=window.end, **more
    )
    return str(done)


def landed(warehouse: DuckDBWarehouse) -> pa.Table:
    names = [n for n in load_contract(TABLE).column_names if not n.startswith("_")]
    return warehouse.query(f"SELECT {', '.join(names)} FROM {TABLE}").sort_by(GRAIN)


def told(server: Ga4DataServer, day: int, first: int, last: int) -> pa.Table:
    """What the platform says of some days of June on another day of it."""
    on(server, day)
    window = june(first, last)
    return server.books(window.start, window.end)


def record(warehouse: DuckDBWarehouse) -> list[dict[str, Any]]:
    rows = warehouse.query("SELECT * FROM raw.backfills ORDER BY occurred_at")
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def test_each_day_ends_as_the_newest_pull_saw_it_in_whatever_order_backfills_come(
    warehouse: DuckDBWarehouse, server: Ga4DataServer
) -> None:
    on(server, 11)
    (asleep,) = source_of(server).pull(PROPERTY_ID, june(3, 10))
    ingest(warehouse, server, 16, june(8, 15))
    ingest(warehouse, server, 17, june(1, 9))
    ingest(warehouse, server, 18, june(14, 17))
    # pulled before all of them, landed after: only the days that nobody has would be its own
    (late,) = land(warehouse, asleep, audited=False)
    assert (late.outcome, late.rows) == ("superseded", asleep.rows.num_rows)
    parts = [told(server, 17, 1, 9), told(server, 16, 10, 13), told(server, 18, 14, 17)]
    expected = pa.concat_tables(parts).sort_by(GRAIN)
    assert told(server, 11, 3, 9) != told(server, 17, 3, 9)  # recent days do restate
    assert landed(warehouse).to_pylist() == expected.to_pylist()


def test_a_backfill_that_stopped_goes_on_and_both_attempts_are_on_record(
    warehouse: DuckDBWarehouse, server: Ga4DataServer
) -> None:
    ingest(warehouse, server, 9, june(7, 8))
    before = landed(warehouse).num_rows
    wanted = (warehouse, server, 13, june(1, 12))
    shown: list[Progressed] = []

    def fail_after_the_first(now: Progressed) -> None:
        shown.append(now)
        server.faults.switch_on("permission_denied")

    with pytest.raises(SourceRejected):
        ingest(*wanted, slices=4, backfill=WHY, on_progress=fail_after_the_first)
    assert [(p.done, p.pulls, p.landed.window) for p in shown] == [(1, 4, june(1, 4))]
    server.faults.switch_off()
    server.offsets.clear()
    done = ingest(*wanted, slices=4, backfill=WHY, on_progress=shown.append)
    assert done.startswith("2 of 2 batches published")
    assert [p.landed.window for p in shown[1:]] == [june(5, 8), june(9, 12)]
    assert landed(warehouse).to_pylist() == told(server, 13, 1, 12).to_pylist()
    rows = record(warehouse)
    some, whole = told(server, 13, 1, 4).num_rows + before, told(server, 13, 1, 12).num_rows
    assert [(r["event"], r["row_count"]) for r in rows] == [
        ("STARTED", before),
        ("FAILED", some),
        ("STARTED", some),
        ("FINISHED", whole),
    ]
    asked = {(r["requested_by"], r["reason"], r["window_start"], r["window_end"]) for r in rows}
    assert asked == {("dee", "tracking was mended", date(2026, 6, 1), date(2026, 6, 12))}
    assert {r["table_name"] for r in rows} == {TABLE}
    assert [r["error"] and "refused" in r["error"] for r in rows] == [None, True, None, None]
    assert len({r["backfill_id"] for r in rows}) == 2
    # everything is there: nothing is pulled, and there is nothing to record
    assert ingest(*wanted, backfill=WHY).startswith("nothing is due")
    assert record(warehouse) == rows


def test_days_that_backfills_left_out_between_them_are_due_in_the_next_ordinary_run(
    warehouse: DuckDBWarehouse, server: Ga4DataServer
) -> None:
    on(server, 12)
    source = source_of(server)
    for window in (june(8, 9), june(1, 3)):
        (batch,) = source.pull(PROPERTY_ID, window)
        land(warehouse, batch, audited=False)
    due = due_windows(warehouse, source, PROPERTY_ID, date(2026, 6, 20))
    assert {day for window in due for day in window.days()} >= {
        *june(4, 7).days(),
        *june(10, 19).days(),
    }
