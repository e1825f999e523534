"""BigQuery, over its real wire protocol, and DuckDB do the same: one behaviour, two warehouses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.config import WarehouseSettings
from pipelines.errors import ConfigError, StatementError, WarehouseUnavailable
from pipelines.warehouse import (
    RowCountConflict,
    Slice,
    Statement,
    Warehouse,
    load_contract,
    load_contracts,
    replace_slice,
)
from pipelines.warehouse.base import Value, insert_row, publish_stage
from pipelines.warehouse.bigquery import BigQueryWarehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire import bigquery_emulator
from tests.wire.bigquery_proxy import BigQueryProxy

BUDGETS = load_contract("raw.ads_campaign_budgets")
MONDAY = date(2026, 3, 2)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bigquery_emulator.Emulator]:
    """One emulator for the session; every test has a project of its own in it."""
    if not bigquery_emulator.available():
        pytest.skip("there is no BigQuery emulator in .emulator: run `make emulator`")
    running = bigquery_emulator.start(tmp_path_factory.mktemp("emulator"))
    yield running
    running.stop()


@pytest.fixture
def bigquery(emulator: bigquery_emulator.Emulator) -> BigQueryWarehouse:
    return BigQueryWarehouse(_settings(emulator.rest_url))


@pytest.fixture
def proxy(emulator: bigquery_emulator.Emulator) -> Iterator[BigQueryProxy]:
    """The emulator behind a proxy that knows job ids as BigQuery does."""
    with BigQueryProxy(emulator.rest_url) as running:
        yield running


@pytest.fixture(params=["duckdb", pytest.param("bigquery", marks=pytest.mark.emulator)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """Either warehouse, with the tables of ``raw`` in it."""
    found: Warehouse
    if request.param == "duckdb":
        found = DuckDBWarehouse(tmp_path / "test.duckdb")
    else:
        found = request.getfixturevalue("bigquery")
    found.create_tables(c for c in load_contracts().values() if c.dataset == "raw")
    return found


def test_creating_the_tables_again_leaves_their_rows(warehouse: Warehouse) -> None:
    _publish(warehouse, "1", [("c1", MONDAY, 5)])
    warehouse.create_tables(load_contracts().values())
    assert _budgets(warehouse) == [("1", "c1", MONDAY, 5)]
    for contract in load_contracts().values():
        assert warehouse.query(f"SELECT * FROM {contract.table}").schema.names == [
            *contract.column_names
        ]


def test_a_publish_replaces_its_slice_and_keeps_the_others(warehouse: Warehouse) -> None:
    before, after = MONDAY - timedelta(days=1), MONDAY + timedelta(days=7)
    _publish(warehouse, "1", [("c1", before, 1), ("gone", MONDAY, 2), ("c2", after, 3)], before)
    _publish(warehouse, "2", [("c1", MONDAY, 4)])
    _publish(warehouse, "1", [("c1", MONDAY, 5)])
    assert _budgets(warehouse) == [
        ("1", "c1", before, 1),
        ("1", "c1", MONDAY, 5),
        ("1", "c2", after, 3),
        ("2", "c1", MONDAY, 4),
    ]


def test_an_empty_batch_empties_its_slice(warehouse: Warehouse) -> None:
    _publish(warehouse, "1", [("c1", MONDAY, 5)])
    _publish(warehouse, "1", [])
    assert _budgets(warehouse) == []


def test_a_stage_written_twice_holds_its_rows_once(warehouse: Warehouse) -> None:
    rows = _rows("1", [("c1", MONDAY, 5)])
    stage = warehouse.stage(BUDGETS, "run1", rows)
    assert warehouse.stage(BUDGETS, "run1", rows) == stage
    assert stage == "landing_stage.raw__ads_campaign_budgets__run1"
    assert warehouse.query(f"SELECT COUNT(*) AS n FROM {stage}")["n"].to_pylist() == [1]
    warehouse.stage(BUDGETS, "run1", _rows("1", [("c2", MONDAY, 6)]))
    assert warehouse.query(f"SELECT campaign_id FROM {stage}")["campaign_id"].to_pylist() == ["c2"]


def test_a_dropped_stage_is_gone_and_may_be_dropped_again(warehouse: Warehouse) -> None:
    stage = warehouse.stage(BUDGETS, "run1", _rows("1", []))
    warehouse.drop_stage(stage)
    warehouse.drop_stage(stage)
    with pytest.raises(StatementError, match="run1"):
        warehouse.query(f"SELECT * FROM {stage}")


def test_a_failing_statement_rolls_everything_back(warehouse: Warehouse) -> None:
    _publish(warehouse, "1", [("c1", MONDAY, 5)])
    stage = warehouse.stage(BUDGETS, "run2", _rows("1", [("c2", MONDAY, 6)]))
    broken = Statement("INSERT INTO raw.no_such_table (a) VALUES (1)")
    with pytest.raises(StatementError, match="no_such_table"):
        publish_stage(warehouse, BUDGETS, _slice("1"), stage, also=[broken])
    assert _budgets(warehouse) == [("1", "c1", MONDAY, 5)]


@pytest.mark.parametrize(
    "statement",
    [
        Statement(
            "UPDATE raw.ads_campaign_budgets SET daily_budget_micros = @new "
            "WHERE account_id = @account AND daily_budget_micros = @read",
            {"new": 7, "account": "1", "read": 4},
            expect_rows=1,
        ),
        Statement(
            "DELETE FROM raw.ads_campaign_budgets WHERE account_id IN ('1', '2')", {}, expect_rows=1
        ),
        Statement(
            "INSERT INTO raw.ads_campaign_budgets SELECT * FROM raw.ads_campaign_budgets "
            "WHERE account_id = @account",
            {"account": "no one's"},
            expect_rows=1,
        ),
    ],
    ids=["update", "delete", "insert"],
)
def test_an_unexpected_row_count_rolls_back_and_says_so(
    warehouse: Warehouse, statement: Statement
) -> None:
    _publish(warehouse, "1", [("c1", MONDAY, 5)])
    _publish(warehouse, "2", [("c1", MONDAY, 5)])
    first = Statement("DELETE FROM raw.ads_campaign_budgets WHERE account_id = '1'")
    statements = [statement] if "DELETE" in statement.sql else [statement, first]
    with pytest.raises(RowCountConflict, match="1 row"):
        warehouse.transaction(statements, label="Test it!")
    assert len(_budgets(warehouse)) == 2


def test_an_expected_row_count_commits(warehouse: Warehouse) -> None:
    _publish(warehouse, "1", [("c1", MONDAY, 5)])
    warehouse.transaction(
        [
            Statement(
                "UPDATE raw.ads_campaign_budgets SET daily_budget_micros = @value "
                "WHERE daily_budget_micros = @read -- what was read",
                {"value": -6, "read": 5},
                expect_rows=1,
            ),
            Statement(
                "UPDATE raw.ads_campaign_budgets SET currency_code = @value WHERE TRUE",
                {"value": "EUR"},
                expect_rows=1,
            ),
            Statement("DELETE FROM raw.ads_campaign_budgets WHERE FALSE", expect_rows=0),
        ],
        label="test",
    )
    found = warehouse.query(
        "SELECT daily_budget_micros AS v, currency_code AS c FROM raw.ads_campaign_budgets"
    )
    assert found.to_pylist() == [{"v": -6, "c": "EUR"}]


TEXTS = [
    'o\'brien "quoted" `ticked`',
    "back\\slash \\n \\' ends with \\",
    "lines\nand\r\ntabs\t",
    "'; DROP TABLE raw.orders; -- @x $1 ? /* */ #",
    "größer 🐤 \u2028 ''' \"\"\"",
    '{"a": ["b\\"c", 1.50], "d": null}',
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back_as_it_went_in(warehouse: Warehouse, text: str) -> None:
    assert warehouse.query("SELECT @x AS x", {"x": text})["x"].to_pylist() == [text]
    warehouse.transaction([insert_row(BUDGETS, _row(campaign_id=text))], label="test")
    assert warehouse.query(
        "SELECT campaign_id FROM raw.ads_campaign_budgets WHERE campaign_id = @x", {"x": text}
    )["campaign_id"].to_pylist() == [text]


VALUES: list[Value] = [
    True,
    False,
    0,
    -(2**62),
    0.1,
    -1e-300,
    1 / 3,
    2.0,
    date(2024, 2, 29),
    datetime(2026, 3, 2, 4, 5, 6, 7, tzinfo=UTC),
    datetime(2026, 3, 2, 4, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    "text",
]
TYPES = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
    str: pa.string(),
}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_parameter_has_the_type_of_its_value(warehouse: Warehouse, value: Value) -> None:
    found = warehouse.query("SELECT @x AS x, @x = @x AS same", {"x": value, "unused": 1})
    assert found.to_pylist() == [{"x": value, "same": True}]
    assert found.schema.field("x").type == TYPES[type(value)]


def test_values_of_every_type_are_written_exactly(warehouse: Warehouse) -> None:
    table = load_contract("contracts.mmm_diagnostics")
    warehouse.create_tables([table])
    rows = [
        {"name": f"f{i}", "value": v, "bound": None if i else 0.5, "passed": i == 0}
        for i, v in enumerate([0.1, -1 / 3, 1e300, 123456789.123456789, 5e-324])
    ]
    fixed = {"run_id": "r", "as_of": MONDAY, "model_version": "1", "input_snapshot": "s"}
    warehouse.transaction([insert_row(table, fixed | row) for row in rows], label="test")
    found = warehouse.query("SELECT * FROM contracts.mmm_diagnostics ORDER BY name").to_pylist()
    assert found == [fixed | row for row in rows]


def test_a_null_takes_the_type_of_the_column_it_is_written_to(warehouse: Warehouse) -> None:
    warehouse.transaction(
        [
            Statement(
                "INSERT INTO raw.orders (shop_id, order_id, order_date, ordered_at, customer_id, "
                "is_new_customer, revenue_micros, refunded_micros, currency_code, time_zone, "
                "status, updated_at, _run_id) SELECT 's', 'o', @day, @at, @nobody, FALSE, 1, 0, "
                "'USD', 'UTC', 'PAID', @at, 'r'",
                {"day": MONDAY, "at": datetime(2026, 3, 2, tzinfo=UTC), "nobody": None},
                expect_rows=1,
            )
        ],
        label="test",
    )
    found = warehouse.query("SELECT customer_id, order_date, ordered_at FROM raw.orders")
    assert found.to_pylist() == [
        {
            "customer_id": None,
            "order_date": MONDAY,
            "ordered_at": datetime(2026, 3, 2, tzinfo=UTC),
        }
    ]


def test_nested_ga4_rows_come_back_equal(warehouse: Warehouse) -> None:
    contract = load_contract("raw.ga4_events")
    value = {"string_value": None, "int_value": None, "float_value": None, "double_value": None}
    empty = {f.name: None for f in contract.arrow_schema.field("device").type}
    event = {
        **dict.fromkeys(contract.column_names),
        "property_id": "1",
        "event_date": MONDAY,
        "event_timestamp": 1_772_409_600_000_001,
        "event_name": "page_view",
        "event_params": [
            {"key": "page", "value": value | {"string_value": "it's / äöü"}},
            {"key": "n", "value": value | {"int_value": 2**53 + 1}},
            {"key": "x", "value": value | {"double_value": 0.1}},
        ],
        "privacy_info": {
            "analytics_storage": "Yes",
            "ads_storage": None,
            "uses_transient_token": "No",
        },
        "device": empty | {"category": "mobile", "web_info": {"browser": "Firefox"}},
        "event_key": "k1",
        "_run_id": "r1",
    }
    bare = event | {"event_params": [], "device": None, "privacy_info": None, "event_key": "k2"}
    rows = pa.Table.from_pylist([event, bare], contract.arrow_schema)
    slice_ = Slice(contract.table, {"property_id": "1"}, "event_date", MONDAY, MONDAY)
    replace_slice(warehouse, contract, slice_, rows, run_id="r1")
    found = warehouse.query("SELECT * FROM raw.ga4_events ORDER BY event_key")
    assert found.to_pylist() == rows.to_pylist()
    assert [f.type for f in found.schema] == [c.arrow_type for c in contract.columns]


def test_a_null_array_is_stored_empty_and_a_missing_column_null(warehouse: Warehouse) -> None:
    contract = load_contract("raw.ads_entities")
    row = {
        "platform": "meta_ads",
        "account_id": "1",
        "entity_type": "ad",
        "status": "ENABLED",
        "_run_id": "r",
    }
    labels = [None, ["a", "b"], None, []]
    rows = pa.Table.from_pylist(
        [row | {"entity_id": str(i), "labels": found} for i, found in enumerate(labels)],
        pa.schema([f for f in contract.arrow_schema if f.name != "name"]),
    ).slice(1)
    slice_ = Slice(contract.table, {"account_id": "1"})
    replace_slice(warehouse, contract, slice_, rows, run_id="r")
    found = warehouse.query("SELECT name, labels FROM raw.ads_entities ORDER BY entity_id")
    assert found.to_pylist() == [{"name": None, "labels": x} for x in (["a", "b"], [], [])]


@pytest.mark.parametrize("sql", ["DELETE FROM raw.orders WHERE TRUE", "DROP TABLE raw.orders"])
def test_a_query_may_only_read(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(StatementError, match="reading"):
        warehouse.query(sql)
    assert warehouse.query("SELECT * FROM raw.orders").num_rows == 0


def test_a_refused_query_shows_the_statement(warehouse: Warehouse) -> None:
    with pytest.raises(StatementError, match="no_such_column"):
        warehouse.query("SELECT no_such_column FROM raw.orders")


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
        _publish(warehouse, "1", [(f"c{n}", MONDAY + timedelta(days=n), n) for n in range(3)])
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
    bigquery = BigQueryWarehouse(_settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    _publish(bigquery, "1", [("c1", MONDAY, 5)])
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
def test_the_same_stage_again_finds_its_load_job(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(_settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    rows = _rows("1", [("c1", MONDAY, 5)])
    stage = bigquery.stage(BUDGETS, "run1", rows)
    bigquery.stage(BUDGETS, "run1", rows)
    assert (len(proxy.jobs), len(proxy.refused)) == (1, 1)
    assert bigquery.query(f"SELECT COUNT(*) AS n FROM {stage}")["n"].to_pylist() == [1]


@pytest.mark.emulator
def test_a_stage_that_was_dropped_is_loaded_again(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(_settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    rows = _rows("1", [("c1", MONDAY, 5)])
    stage = bigquery.stage(BUDGETS, "run1", rows)
    bigquery.drop_stage(stage)
    bigquery.stage(BUDGETS, "run1", rows)
    assert [name.rsplit("-", 1)[1] for name in proxy.jobs] == ["0", "1"]
    assert bigquery.query(f"SELECT COUNT(*) AS n FROM {stage}")["n"].to_pylist() == [1]


@pytest.mark.emulator
def test_a_transaction_whose_reply_was_lost_runs_once(proxy: BigQueryProxy) -> None:
    bigquery = BigQueryWarehouse(_settings(proxy.url))
    bigquery.create_tables([BUDGETS])
    proxy.lose_replies = 1
    bigquery.transaction([insert_row(BUDGETS, _row())], label="test")
    assert (len(proxy.jobs), len(proxy.refused)) == (1, 1)
    assert _budgets(bigquery) == [("1", "c1", MONDAY, 5)]


def test_bigquery_without_a_project_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"warehouse\.project"):
        BigQueryWarehouse(WarehouseSettings(kind="bigquery"))


def test_a_bigquery_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    monkeypatch.setattr("pipelines.warehouse.bigquery._RETRY", DEFAULT_RETRY.with_timeout(0.1))
    with pytest.raises(WarehouseUnavailable, match="could not create tables"):
        BigQueryWarehouse(_settings("http://127.0.0.1:9")).create_tables([BUDGETS])


def _settings(url: str) -> WarehouseSettings:
    project = f"test-{uuid.uuid4().hex[:12]}"
    return WarehouseSettings(kind="bigquery", project=project, api_endpoint=url)


def _row(**values: Value) -> dict[str, Value]:
    return {
        "platform": "google_ads",
        "account_id": "1",
        "campaign_id": "c1",
        "effective_from": MONDAY,
        "daily_budget_micros": 5,
        "currency_code": "USD",
        "time_zone": "UTC",
        "_run_id": "r",
        **values,
    }


def _rows(account: str, budgets: list[tuple[str, date, int]]) -> pa.Table:
    names = ("campaign_id", "effective_from", "daily_budget_micros")
    return pa.Table.from_pylist(
        [_row(account_id=account, **dict(zip(names, b, strict=True))) for b in budgets],
        BUDGETS.arrow_schema,
    )


def _slice(account: str, start: date = MONDAY) -> Slice:
    keys = {"platform": "google_ads", "account_id": account}
    whole = Slice(BUDGETS.table, keys, "effective_from", MONDAY, MONDAY + timedelta(days=6))
    return whole if start == MONDAY else replace(whole, start=start, end=date(2026, 12, 31))


def _publish(
    warehouse: Warehouse,
    account: str,
    budgets: list[tuple[str, date, int]],
    start: date = MONDAY,
) -> None:
    rows = _rows(account, budgets)
    replace_slice(warehouse, BUDGETS, _slice(account, start), rows, run_id=uuid.uuid4().hex)


def _budgets(warehouse: Warehouse) -> list[tuple[str, str, date, int]]:
    found = warehouse.query(
        "SELECT account_id, campaign_id, effective_from, daily_budget_micros "
        "FROM raw.ads_campaign_budgets ORDER BY 1, 2, 3"
    )
    return [tuple(row.values()) for row in found.to_pylist()]
