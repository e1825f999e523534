"""BigQuery, over its real wire protocol, and DuckDB do the same: one behaviour, two warehouses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts import load_contract, load_contracts
from pipelines.errors import StatementError
from pipelines.warehouse import RowCountConflict, Slice, Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row, publish_stage
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire import budget_rows
from tests.wire.budget_rows import BUDGETS, MONDAY


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
    budget_rows.publish(warehouse, "1", [("c1", MONDAY, 5)])
    warehouse.create_tables(load_contracts().values())
    assert budget_rows.budgets(warehouse) == [("1", "c1", MONDAY, 5)]
    for contract in load_contracts().values():
        assert warehouse.query(f"SELECT * FROM {contract.table}").schema.names == [
            *contract.column_names
        ]


def test_a_publish_replaces_its_slice_and_keeps_the_others(warehouse: Warehouse) -> None:
    before, after = MONDAY - timedelta(days=1), MONDAY + timedelta(days=7)
    budget_rows.publish(
        warehouse, "1", [("c1", before, 1), ("gone", MONDAY, 2), ("c2", after, 3)], before
    )
    budget_rows.publish(warehouse, "2", [("c1", MONDAY, 4)])
    budget_rows.publish(warehouse, "1", [("c1", MONDAY, 5)])
    assert budget_rows.budgets(warehouse) == [
        ("1", "c1", before, 1),
        ("1", "c1", MONDAY, 5),
        ("1", "c2", after, 3),
        ("2", "c1", MONDAY, 4),
    ]


def test_an_empty_batch_empties_its_slice(warehouse: Warehouse) -> None:
    budget_rows.publish(warehouse, "1", [("c1", MONDAY, 5)])
    budget_rows.publish(warehouse, "1", [])
    assert budget_rows.budgets(warehouse) == []


def test_a_stage_written_twice_holds_its_rows_once(warehouse: Warehouse) -> None:
    rows = budget_rows.rows("1", [("c1", MONDAY, 5)])
    stage = warehouse.stage(BUDGETS, "run1", rows)
    assert warehouse.stage(BUDGETS, "run1", rows) == stage
    assert stage == "landing_stage.raw__ads_campaign_budgets__run1"
    assert warehouse.query(f"SELECT COUNT(*) AS n FROM {stage}")["n"].to_pylist() == [1]
    warehouse.stage(BUDGETS, "run1", budget_rows.rows("1", [("c2", MONDAY, 6)]))
    assert warehouse.query(f"SELECT campaign_id FROM {stage}")["campaign_id"].to_pylist() == ["c2"]


def test_a_stage_takes_a_parquet_file(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = budget_rows.rows("1", [("c1", MONDAY, 5)]).drop_columns(["_run_id"])
    pq.write_table(rows, tmp_path / "rows.parquet")
    stage = warehouse.stage(BUDGETS, "run1", tmp_path / "rows.parquet")
    slice_ = budget_rows.slice_of("1")
    publish_stage(warehouse, BUDGETS, slice_, stage, run_id="run1")
    assert budget_rows.budgets(warehouse) == [("1", "c1", MONDAY, 5)]
    found = warehouse.query("SELECT _run_id, _extra FROM raw.ads_campaign_budgets")
    assert found.to_pylist() == [{"_run_id": "run1", "_extra": None}]


def test_a_parquet_file_is_a_stage_for_the_rest_of_a_unit(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    rows = budget_rows.rows("1", [("c1", MONDAY, 5)]).drop_columns(["_run_id"])
    pq.write_table(rows, tmp_path / "rows.parquet")
    with warehouse.unit():
        stage = warehouse.stage_file(BUDGETS, "run1", tmp_path / "rows.parquet")
        assert warehouse.query(f"SELECT campaign_id FROM {stage}").to_pylist() == [
            {"campaign_id": "c1"}
        ]
        publish_stage(warehouse, BUDGETS, budget_rows.slice_of("1"), stage, run_id="run1")
        warehouse.drop_stages([stage])
    assert budget_rows.budgets(warehouse) == [("1", "c1", MONDAY, 5)]
    assert warehouse.stages() == []


def test_a_column_that_a_contract_gained_is_added(warehouse: Warehouse) -> None:
    older = replace(BUDGETS, columns=tuple(c for c in BUDGETS.columns if c.name != "_extra"))
    moved = replace(older, name="ads_older_budgets")
    warehouse.create_tables([moved])
    warehouse.create_tables([replace(BUDGETS, name="ads_older_budgets")])
    found = warehouse.query("SELECT * FROM raw.ads_older_budgets")
    assert set(found.schema.names) == set(BUDGETS.column_names)


def test_a_column_that_may_be_null_by_now_takes_null(warehouse: Warehouse) -> None:
    strict = tuple(replace(c, nullable=False) for c in BUDGETS.columns)
    warehouse.create_tables([replace(BUDGETS, name="ads_older_budgets", columns=strict)])
    loose = replace(BUDGETS, name="ads_older_budgets")
    assert "_extra" in [c.name for c in loose.columns if c.nullable]
    warehouse.create_tables([loose])
    rows = budget_rows.rows("1", [("c1", MONDAY, 5)]).drop_columns(["_run_id"])
    stage = warehouse.stage(loose, "run1", rows)
    slice_ = replace(budget_rows.slice_of("1"), table=loose.table)
    publish_stage(warehouse, loose, slice_, stage, run_id="run1")
    landed = warehouse.query("SELECT _extra FROM raw.ads_older_budgets").to_pylist()
    assert landed == [{"_extra": None}]


def test_a_dropped_stage_is_gone_and_may_be_dropped_again(warehouse: Warehouse) -> None:
    stage = warehouse.stage(BUDGETS, "run1", budget_rows.rows("1", []))
    assert warehouse.stages() == [stage]
    warehouse.drop_stages([stage])
    warehouse.drop_stages([stage])
    assert warehouse.stages() == []
    with pytest.raises(StatementError, match="run1"):
        warehouse.query(f"SELECT * FROM {stage}")


def test_a_failing_statement_rolls_everything_back(warehouse: Warehouse) -> None:
    budget_rows.publish(warehouse, "1", [("c1", MONDAY, 5)])
    stage = warehouse.stage(BUDGETS, "run2", budget_rows.rows("1", [("c2", MONDAY, 6)]))
    broken = Statement("INSERT INTO raw.no_such_table (a) VALUES (1)")
    with pytest.raises(StatementError, match="no_such_table"):
        publish_stage(
            warehouse, BUDGETS, budget_rows.slice_of("1"), stage, run_id="run2", also=[broken]
        )
    assert budget_rows.budgets(warehouse) == [("1", "c1", MONDAY, 5)]


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
    budget_rows.publish(warehouse, "1", [("c1", MONDAY, 5)])
    budget_rows.publish(warehouse, "2", [("c1", MONDAY, 5)])
    first = Statement("DELETE FROM raw.ads_campaign_budgets WHERE account_id = '1'")
    statements = [statement] if "DELETE" in statement.sql else [statement, first]
    with pytest.raises(RowCountConflict, match="1 row"):
        warehouse.transaction(statements, label="Test it!")
    assert len(budget_rows.budgets(warehouse)) == 2


def test_an_expected_row_count_commits(warehouse: Warehouse) -> None:
    budget_rows.publish(warehouse, "1", [("c1", MONDAY, 5)])
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
    warehouse.transaction([insert_row(BUDGETS, budget_rows.row(campaign_id=text))], label="test")
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
    fixed |= {"channel": None, "refuses": None, "message": None}
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
        "items": [],
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
    budget_rows.replace_slice(warehouse, contract, slice_, rows, run_id="r1")
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
    budget_rows.replace_slice(warehouse, contract, slice_, rows, run_id="r")
    found = warehouse.query("SELECT name, labels FROM raw.ads_entities ORDER BY entity_id")
    assert found.to_pylist() == [{"name": None, "labels": x} for x in (["a", "b"], [], [])]


@pytest.mark.parametrize("sql", ["DELETE FROM raw.orders WHERE TRUE", "DROP TABLE raw.orders"])
def test_a_query_may_only_read(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(StatementError, match="read-only"):
        warehouse.query(sql)
    assert warehouse.query("SELECT * FROM raw.orders").num_rows == 0


def test_a_refused_query_shows_the_statement(warehouse: Warehouse) -> None:
    with pytest.raises(StatementError, match="no_such_column"):
        warehouse.query("SELECT no_such_column FROM raw.orders")
