"""What only BigQuery has: job ids, labels, caps, table options; and one result on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.config import WarehouseSettings
from pipelines.contracts import load_contract, load_contracts
from pipelines.errors import (
    ConfigError,
    MissingTableError,
    StatementError,
    WarehouseUnavailable,
)
from pipelines.proposals.scorecard.standing import barred_jobs
from pipelines.warehouse.base import Answered, Question, Refusal, Value, insert_row
from pipelines.warehouse.bigquery import BigQueryWarehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.metering import metered
from tests.bench.bigquery_calls import PUBLISH_MIB, counted
from tests.unit.campaign_rows import PULLED, campaigns, land
from tests.wire import budget_rows
from tests.wire.bigquery_emulator import Emulator
from tests.wire.bigquery_proxy import BigQueryProxy
from tests.wire.budget_rows import BUDGETS, MONDAY


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[BigQueryProxy]:
    """The emulator behind a proxy that knows job ids as BigQuery does."""
    with BigQueryProxy(emulator.rest_url) as running:
        yield running


LANDING = (
    *("raw.ads_campaign_performance", "raw.rejected_rows", "raw.load_ledger", "raw.load_heads"),
    "raw.privacy_tombstones",
)
QUERIES = Path(__file__).with_name("googlesql_queries.sql").read_text().split(";\n")
PARAMS: dict[str, Value] = {
    "day": date(2026, 3, 4),
    "at": datetime(2026, 3, 4, 3, 4, 5, 6, tzinfo=UTC),
    "text": "o'b\\",
}


@pytest.mark.emulator
@pytest.mark.parametrize("sql", [q.strip() for q in QUERIES if q.strip()])
def test_a_query_has_one_result_on_both(
    bigquery: BigQueryWarehouse, tmp_path: Path, sql: str
) -> None:
    duckdb = DuckDBWarehouse(tmp_path / "test.duckdb")
    found: list[pa.Table] = []
    for warehouse in (duckdb, bigquery):
        warehouse.create_tables([BUDGETS])
        budget_rows.publish(
            warehouse, "1", [(f"c{n}", MONDAY + timedelta(days=n), n) for n in range(3)]
        )
        used = {name: value for name, value in PARAMS.items() if f"@{name}" in sql}
        found.append(warehouse.query(sql, used))
    assert found[0].schema == found[1].schema
    assert found[0].to_pylist() == found[1].to_pylist()


@pytest.mark.emulator
def test_the_contract_reaches_bigquery(bigquery: BigQueryWarehouse) -> None:
    contract = load_contract("raw.ads_campaign_performance")
    bigquery.create_tables([contract])
    table = bigquery._client.get_table(contract.table)
    assert table.description == contract.description
    assert table.time_partitioning.field == "date"
    assert table.clustering_fields == ["platform", "account_id"]
    assert {f.name: f.mode for f in table.schema}["name_hash"] == "NULLABLE"
    assert {f.name: f.mode for f in table.schema}["cost_micros"] == "REQUIRED"
    assert {f.name: f.description for f in table.schema} == {
        c.name: c.description for c in contract.columns
    }
    stage = bigquery._client.get_dataset("landing_stage")
    assert stage.default_table_expiration_ms == 7 * 24 * 3600 * 1000
    assert stage.location == "EU"


@pytest.mark.emulator
def test_every_job_is_labelled_and_its_cost_is_capped(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(budget_rows.settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    budget_rows.publish(bigquery, "1", [("c1", MONDAY, 5)])
    bigquery.query("SELECT @x AS x", {"x": 1})
    sent = [job["configuration"] for job in proxy.jobs.values()]
    assert [job["labels"] for job in sent] == [
        {"app": "adcanary", "step": step} for step in ("stage", "publish", "query")
    ]
    caps = [job["query"]["maximumBytesBilled"] for job in sent if "query" in job]
    assert caps == [str(10 * 1024**3)] * 2
    assert sent[0]["load"]["parquetOptions"] == {"enableListInference": True}
    assert [name.split("-")[:2] for name in list(proxy.jobs)[:2]] == [
        ["adcanary", "stage"],
        ["adcanary", "publish"],
    ]


@pytest.mark.emulator
def test_what_a_run_asks_carries_its_labels_and_adds_up(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(budget_rows.settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    proxy.billed = (10 << 20, 1500)
    with metered(job="mmm") as meter:
        bigquery.query("SELECT 1 AS x")
        once = meter.bytes_billed
        meter.labels["run"] = "R 1"
        bigquery.transaction([insert_row(BUDGETS, budget_rows.row())], label="job_mmm")
    bigquery.query("SELECT 2 AS x")
    assert [job["configuration"]["labels"] for job in proxy.jobs.values()] == [
        {"app": "adcanary", "job": "mmm", "step": "query"},
        {"app": "adcanary", "job": "mmm", "run": "r-1", "step": "job_mmm"},
        {"app": "adcanary", "step": "query"},
    ]
    assert (once, meter.bytes_billed, meter.slot_seconds) == (10 << 20, 20 << 20, 3.0)


@pytest.mark.emulator
def test_the_same_stage_again_finds_its_load_job(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(budget_rows.settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    rows = budget_rows.rows("1", [("c1", MONDAY, 5)])
    stage = bigquery.stage(BUDGETS, "run1", rows)
    bigquery.stage(BUDGETS, "run1", rows)
    assert (len(proxy.jobs), len(proxy.refused)) == (1, 1)
    assert bigquery.query(f"SELECT COUNT(*) AS n FROM {stage}")["n"].to_pylist() == [1]


@pytest.mark.emulator
def test_a_stage_that_was_dropped_is_loaded_again(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(budget_rows.settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    rows = budget_rows.rows("1", [("c1", MONDAY, 5)])
    stage = bigquery.stage(BUDGETS, "run1", rows)
    bigquery.drop_stages([stage])
    bigquery.stage(BUDGETS, "run1", rows)
    assert [name.rsplit("-", 1)[1] for name in proxy.jobs] == ["0", "1"]
    assert bigquery.query(f"SELECT COUNT(*) AS n FROM {stage}")["n"].to_pylist() == [1]


@pytest.mark.emulator
def test_a_transaction_whose_reply_was_lost_runs_once(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(budget_rows.settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    proxy.lose_replies = 1
    bigquery.transaction([insert_row(BUDGETS, budget_rows.row())], label="test")
    assert (len(proxy.jobs), len(proxy.refused)) == (1, 1)
    assert budget_rows.budgets(bigquery) == [("1", "c1", MONDAY, 5)]


@pytest.mark.emulator
@pytest.mark.parametrize("table", ["raw.nothing", "nowhere.nothing"])
def test_a_table_that_is_not_there_is_told_apart(bigquery: BigQueryWarehouse, table: str) -> None:
    bigquery.create_tables([load_contract("raw.fx_rates")])
    with pytest.raises(MissingTableError, match="Not found"):
        bigquery.query(f"SELECT * FROM {table}")
    with pytest.raises(StatementError) as other:
        bigquery.query("SELECT no_column FROM raw.fx_rates")
    assert not isinstance(other.value, MissingTableError)


@pytest.mark.emulator
def test_without_the_mart_of_weeks_no_forecast_bars_a_job(bigquery: BigQueryWarehouse) -> None:
    bigquery.create_tables(load_contracts().values())
    assert barred_jobs(bigquery, date(2026, 6, 30)) == {}


def test_bigquery_without_a_project_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"warehouse\.project"):
        BigQueryWarehouse(WarehouseSettings(kind="bigquery"))


def test_a_bigquery_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    monkeypatch.setattr("pipelines.warehouse.bigquery._RETRY", DEFAULT_RETRY.with_timeout(0.1))
    warehouse = BigQueryWarehouse(budget_rows.settings("http://127.0.0.1:9"))
    with pytest.raises(WarehouseUnavailable, match="could not create tables"):
        warehouse.create_tables([BUDGETS])
    with pytest.raises(WarehouseUnavailable, match="could not run a query"):
        warehouse.query("SELECT 1 AS x")


@pytest.mark.emulator
def test_a_process_sees_to_a_table_once_and_again_after_one_was_missed(
    proxy: BigQueryProxy,
) -> None:
    settings = budget_rows.settings(proxy.url)
    BigQueryWarehouse(settings).create_tables([BUDGETS])
    proxy.calls.clear()
    again = BigQueryWarehouse(settings)
    again.create_tables([BUDGETS])
    assert proxy.calls == []
    again.drop_stages([BUDGETS.table])
    with pytest.raises(MissingTableError):
        again.query(f"SELECT * FROM {BUDGETS.table}")
    again.create_tables([BUDGETS])
    assert budget_rows.budgets(again) == []


@pytest.mark.emulator
def test_a_slice_is_published_with_one_load_job_and_one_query_job(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(budget_rows.settings(proxy.url))
    bigquery.create_tables(map(load_contract, LANDING))
    land(bigquery, campaigns("abcdefgh"))
    later = replace(campaigns("abcdefgh", cost_micros=7), pulled_at=PULLED + timedelta(hours=1))
    for calls in (proxy.jobs, proxy.calls):
        calls.clear()
    landed = land(bigquery, later)
    assert (landed.outcome, landed.restated_rows) == ("published", 8)
    steps = [job["configuration"]["labels"]["step"] for job in proxy.jobs.values()]
    assert steps == ["query", "stage", "publish"]  # the first is shared by the batches of a pull
    asked = [(method, "/datasets" in path) for method, path in proxy.calls]
    assert asked.count(("DELETE", True)) == sum(metadata for _, metadata in asked) == 1
    counts = counted(proxy.calls, proxy.jobs.values())
    assert (counts.load_jobs, counts.query_jobs, counts.billed_mib) == (1, 2, 20 + PUBLISH_MIB)


@pytest.mark.emulator
def test_a_question_refuses_its_transaction_and_is_answered(bigquery: BigQueryWarehouse) -> None:
    bigquery.create_tables([BUDGETS])
    add = insert_row(BUDGETS, budget_rows.row(daily_budget_micros=Answered("n")))
    count = (
        f"SELECT COUNT(*) AS n, COALESCE(SUM(daily_budget_micros), -1) AS m FROM {BUDGETS.table}"
    )
    first = Question(count, ("n", "m"), {"most": 0}, refused="n > @most")
    assert bigquery.transaction([add], label="test", first=first) == {"n": 0, "m": -1}
    with pytest.raises(Refusal) as refused:
        bigquery.transaction([add], label="test", first=first)
    assert refused.value.answer == {"n": 1, "m": 0}
    assert budget_rows.budgets(bigquery) == [("1", "c1", MONDAY, 0)]
