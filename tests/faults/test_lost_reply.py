"""Fault 13: a publish is committed and nobody hears of it; whoever tries again finds it done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.config import WarehouseSettings
from pipelines.contracts import load_contract
from pipelines.errors import WarehouseUnavailable
from pipelines.landing.publish import land
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import Question
from pipelines.warehouse.bigquery import BigQueryWarehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire.bigquery_emulator import Emulator
from tests.wire.bigquery_proxy import BigQueryProxy

TABLE = "raw.fx_rates"
LEDGER = ("raw.load_ledger", "raw.load_heads", "raw.privacy_tombstones")
CONTRACTS = [load_contract(name) for name in (TABLE, *LEDGER)]
WINDOW = Window(date(2026, 6, 1), date(2026, 6, 3))
PULLED = datetime(2026, 6, 4, 6, tzinfo=UTC)


def batch(rate: str = "1.0812", later: timedelta = timedelta()) -> Batch:
    days = list(WINDOW.days())
    same = {"account_id": "ecb", "base_currency": "EUR", "quote_currency": "USD"}
    columns = {name: [value] * len(days) for name, value in same.items()}
    rates = {"rate": [float(rate)] * len(days), "rate_text": [rate] * len(days)}
    rows = pa.table({**columns, "date": days, **rates})
    return Batch("fx_rates", TABLE, "ecb", None, WINDOW, rows, PULLED + later)


def check_published_once(warehouse: Warehouse, rate: str, loads: int) -> None:
    assert warehouse.query(f"SELECT rate_text FROM {TABLE}")["rate_text"].to_pylist() == [rate] * 3
    ledger = warehouse.query("SELECT row_count, restated_rows FROM raw.load_ledger").to_pylist()
    assert len(ledger) == loads
    assert {row["row_count"] for row in ledger} == {3}


class Mute(DuckDBWarehouse):
    """One whose next publish is committed, and whose caller hears that it is not there."""

    def transaction(
        self, statements: Sequence[Statement], *, label: str, first: Question | None = None
    ) -> Mapping[str, int]:
        answer = super().transaction(statements, label=label, first=first)
        if label == "publish":
            raise WarehouseUnavailable("the connection was lost")
        return answer


def test_a_publish_that_nobody_heard_of_is_found_by_the_next_pull(tmp_path: Path) -> None:
    mute, warehouse = Mute(tmp_path / "w.duckdb"), DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.create_tables(CONTRACTS)
    with pytest.raises(WarehouseUnavailable):
        land(mute, batch(), audited=False)
    assert warehouse.stages() == []  # its file was read in place
    again = batch(later=timedelta(minutes=5))
    (found,) = land(warehouse, again, audited=False)
    assert (found.outcome, warehouse.stages()) == ("unchanged", [])
    check_published_once(warehouse, "1.0812", loads=1)


def test_a_retry_of_what_was_published_unheard_yields_to_what_came_between(tmp_path: Path) -> None:
    mute, warehouse = Mute(tmp_path / "w.duckdb"), DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.create_tables(CONTRACTS)
    with pytest.raises(WarehouseUnavailable):
        land(mute, batch(), audited=False)
    (between,) = land(warehouse, batch("1.0900", later=timedelta(hours=1)), audited=False)
    (again,) = land(warehouse, batch(), audited=False)
    assert (between.outcome, again.outcome) == ("published", "superseded")
    check_published_once(warehouse, "1.0900", loads=2)


@pytest.fixture
def deaf(emulator: Emulator) -> Iterator[BigQueryProxy]:
    """BigQuery, of whose answers to a new job none ever arrives."""
    with BigQueryProxy(emulator.rest_url) as running:
        running.lose_replies = 1_000
        yield running


@pytest.mark.emulator
def test_where_the_reply_to_every_job_is_lost_a_batch_is_published_once_on_bigquery(
    deaf: BigQueryProxy, emulator: Emulator
) -> None:
    def opened(url: str) -> BigQueryWarehouse:
        return BigQueryWarehouse(
            WarehouseSettings(kind="bigquery", project="lost-replies", api_endpoint=url)
        )

    warehouse = opened(deaf.url)
    warehouse.create_tables(CONTRACTS)
    (done,) = land(warehouse, batch(), audited=False)
    assert done.outcome == "published"
    published = [name for name in deaf.jobs if name.startswith("adcanary-publish-")]
    assert len(published) == 1
    assert set(published) <= set(deaf.refused)  # it was sent again, and was known
    assert 1_000 - deaf.lose_replies == len(deaf.refused) == 3
    heard = opened(emulator.rest_url)
    again = replace(batch(), pulled_at=PULLED + timedelta(minutes=5))
    assert [found.outcome for found in land(heard, again, audited=False)] == ["unchanged"]
    check_published_once(heard, "1.0812", loads=1)
    assert heard.stages() == []
