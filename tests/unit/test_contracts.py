"""Every contract says what it holds, what its grain is, and derives into both warehouses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

import pipelines
from pipelines.contracts import CONTRACTS, Contract, load_contract, load_contracts
from pipelines.errors import ConfigError, InputError
from pipelines.warehouse.bigquery_tables import CONTRACT_LABEL, contract_table

every_contract = pytest.mark.parametrize(
    "contract", load_contracts().values(), ids=lambda c: c.table
)


def test_every_file_is_a_contract_named_like_its_table() -> None:
    files = {f"{p.parent.name}.{p.stem}" for p in CONTRACTS.glob("*/*.sql")}
    assert files == set(load_contracts())
    assert len(files) > 10


def test_an_installation_without_a_contract_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.contracts.CONTRACTS", tmp_path)
    with pytest.raises(ConfigError, match="no table contract") as refused:
        load_contracts.__wrapped__()
    assert str(tmp_path) in str(refused.value)


@every_contract
def test_the_ddl_parses_as_one_create_table(contract: Contract) -> None:
    trees = sqlglot.parse(contract.ddl, read="bigquery")
    assert [type(tree) for tree in trees] == [exp.Create]


@every_contract
def test_the_table_and_every_column_are_described(contract: Contract) -> None:
    assert len(contract.description) > 10
    assert [c.name for c in contract.columns if not c.description.strip()] == []


@every_contract
def test_the_grain_is_of_columns_that_are_never_null(contract: Contract) -> None:
    nullable = {c.name: c.nullable for c in contract.columns}
    assert contract.primary_key
    assert [nullable[name] for name in contract.primary_key] == [False] * len(contract.primary_key)


def test_a_landed_table_says_which_column_is_the_account_and_no_other_table_does() -> None:
    told = {c.table: c.account_column for c in load_contracts().values() if c.labels}
    landed = {c.table for c in load_contracts().values() if "_run_id" in c.column_names}
    assert set(told) == {table for table in landed if table.startswith("raw.")}
    for table, column in told.items():
        contract = load_contract(table)
        assert column in contract.primary_key
        assert column in contract.cluster_by
    assert told["raw.orders"] == "shop_id"
    with pytest.raises(KeyError, match="account_column"):
        _ = load_contract("raw.load_ledger").account_column


@every_contract
def test_bigquery_gets_the_labels_of_the_ddl_beside_the_contracts_own(contract: Contract) -> None:
    labels = contract_table("project", contract).labels
    assert {**labels, **contract.labels} == labels
    assert set(labels) == {*contract.labels, CONTRACT_LABEL}


@every_contract
def test_column_names_are_unique_and_clustering_names_columns(contract: Contract) -> None:
    assert len(set(contract.column_names)) == len(contract.columns)
    assert set(contract.cluster_by) <= set(contract.column_names)
    assert len(contract.cluster_by) <= 4


@every_contract
def test_bigquery_gets_the_key_the_partition_and_the_types(contract: Contract) -> None:
    table = contract_table("project", contract)
    assert table.table_constraints is not None
    assert table.table_constraints.primary_key is not None
    assert tuple(table.table_constraints.primary_key.columns) == contract.primary_key
    partition = table.time_partitioning.field if table.time_partitioning else None
    assert partition == contract.partition_by
    declared = [
        f"ARRAY<{f.field_type}>" if f.mode == "REPEATED" else f.field_type
        for f in table.schema
        if f.field_type != "RECORD"
    ]
    assert declared == [c.type for c in contract.columns if "STRUCT" not in c.type]


def test_conform_orders_types_and_completes_the_rows() -> None:
    contract = load_contract("raw.ads_entities")
    rows = pa.table({"entity_id": ["1"], "labels": pa.array([None], pa.list_(pa.large_string()))})
    found = contract.conform(rows)
    assert found.schema.names == list(contract.column_names)
    assert [f.type for f in found.schema] == [c.arrow_type for c in contract.columns]
    assert found["labels"].to_pylist() == [[]]
    assert found["name"].to_pylist() == [None]


def test_conform_names_the_column_that_does_not_fit() -> None:
    contract = load_contract("raw.ads_campaign_budgets")
    with pytest.raises(InputError, match="surprise"):
        contract.conform(pa.table({"surprise": [1]}))
    with pytest.raises(InputError, match="daily_budget_micros"):
        contract.conform(pa.table({"daily_budget_micros": [0.5]}))
    with pytest.raises(InputError, match="effective_from"):
        contract.conform(pa.table({"effective_from": ["yesterday"]}))


def retyped_columns(source: str) -> list[str]:
    """The columns of raw tables, or fields in them, that a module names beside an Arrow type."""
    tree = ast.parse(source)
    known = {n for c in load_contracts().values() if c.dataset == "raw" for n in _names(c)}
    aliases: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and _is_typed(node.value, set()):
            aliases |= {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    pairs: list[tuple[str, ast.AST]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = zip(node.keys, node.values, strict=True)
            pairs += [(k.value, v) for k, v in keys if isinstance(k, ast.Constant)]
        elif isinstance(node, ast.keyword) and node.arg:
            pairs.append((node.arg, node.value))
        elif isinstance(node, ast.Tuple | ast.Call):
            parts = node.elts if isinstance(node, ast.Tuple) else node.args
            first = parts[0] if len(parts) > 1 else None
            if isinstance(first, ast.Constant):
                pairs += [(first.value, part) for part in parts[1:]]
    return [name for name, value in pairs if name in known and _is_typed(value, aliases)]


def _names(contract: Contract) -> set[str]:
    def inner(kind: pa.DataType) -> set[str]:
        kind = kind.value_type if pa.types.is_list(kind) else kind
        fields = list(kind) if pa.types.is_struct(kind) else []
        return {f.name for f in fields} | {n for f in fields for n in inner(f.type)}

    return {*contract.column_names, *(n for c in contract.columns for n in inner(c.arrow_type))}


def _is_typed(value: ast.AST, aliases: set[str]) -> bool:
    """Whether an expression holds a type as Arrow has it: ``pa.int64()``, or a name of one."""
    return any(
        (isinstance(node, ast.Name) and node.id in aliases)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "pa"
            and re.fullmatch(
                r"u?int\d+|float\d+|string|large_\w+|bool_|date\d+|time\w+|decimal\d+"
                r"|list_|struct|binary|duration",
                node.func.attr,
            )
        )
        for node in ast.walk(value)
    )


def test_no_source_types_a_column_of_a_raw_table() -> None:
    modules = sorted((Path(pipelines.__file__).parent / "sources").rglob("*.py"))
    assert len(modules) > 50
    found = {p.name: names for p in modules if (names := retyped_columns(p.read_text()))}
    # GA4's export writes a day as text, and the contract has it as a date
    assert found == {"schema.py": ["event_date"]}


@pytest.mark.parametrize(
    "source",
    [
        "S = pa.schema([('order_id', pa.string())])",
        "pa.schema({'clicks': pa.int64()})",
        "pa.field('clicks', pa.int64())",
        "_T, _I = pa.string(), pa.int64()\nS = {'clicks': pa.array(values, _I)}",
        "pa.struct([pa.field('string_value', pa.string())])",
        "dict(clicks=pa.int64())",
        "values['x'] = ('clicks', (cells, pa.int64()))",
    ],
)
def test_a_column_that_is_typed_twice_would_be_found(source: str) -> None:
    assert retyped_columns(source)
