"""A contract's tables on DuckDB."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import duckdb

from pipelines.contracts import Column, Contract
from pipelines.warehouse.drift import Action, Change, Deployed, DeployedColumn
from pipelines.warehouse.transpile import duckdb_type

_COLUMNS = (
    "SELECT schema_name || '.' || table_name, column_name, data_type, is_nullable, comment "
    "FROM duckdb_columns() WHERE NOT internal ORDER BY column_index"
)
_TABLES = "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() WHERE NOT internal"


def create_table(contract: Contract, name: str, how: str, *, constrained: bool = True) -> str:
    """A contract's DDL for DuckDB. As on BigQuery, keys aren't enforced; landing checks them."""
    columns = ", ".join(
        f"{c.name} {duckdb_type(c.type)}{'' if c.nullable or not constrained else ' NOT NULL'}"
        for c in contract.columns
    )
    if how == "OR REPLACE":
        return f"CREATE OR REPLACE TABLE {name} ({columns})"
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns})"


def add_columns(connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> None:
    """Add the columns that contracts gained since their tables were created, as nullable ones, and
    let those be NULL that may be by now."""
    present = connection.execute(
        "SELECT table_schema || '.' || table_name, MAP(LIST(column_name), LIST(is_nullable)) "
        "FROM information_schema.columns GROUP BY ALL"
    ).fetchall()
    known = dict(present)
    for contract in contracts:
        for column in contract.columns:
            change = None
            if column.name not in known[contract.table]:
                change = f"ADD COLUMN {column.name} {duckdb_type(column.type)}"
            elif column.nullable and known[contract.table][column.name] == "NO":
                change = f"ALTER COLUMN {column.name} DROP NOT NULL"
            if change:
                connection.execute(f"ALTER TABLE {contract.table} {change}")


def deployed_tables(
    connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]
) -> dict[str, Deployed]:
    """The contracts' tables as the catalogue has them."""
    declared = {c.table: {column.name: column for column in c.columns} for c in contracts}
    columns: dict[str, list[DeployedColumn]] = {}
    for table, name, kind, nullable, comment in connection.execute(_COLUMNS).fetchall():
        if table in declared:
            type_ = _google_type(kind, declared[table].get(name))
            columns.setdefault(table, []).append(DeployedColumn(name, type_, nullable, comment))
    tables = connection.execute(_TABLES).fetchall()
    return {
        table: Deployed(table, tuple(columns[table]), comment)
        for table, comment in tables
        if table in columns
    }


def _google_type(kind: str, column: Column | None) -> str:
    """The contract's type where the column has it; else DuckDB's own name of what it has."""
    if column is not None and kind == str(duckdb.sqltype(duckdb_type(column.type))):
        return column.type
    return kind


def carry_out(
    connection: duckdb.DuckDBPyConnection, contract: Contract, changes: Sequence[Change]
) -> None:
    """Carry out a table's additive changes, all or none."""
    connection.begin()
    try:
        for change in changes:
            for statement in _statements(contract, change):
                connection.execute(statement)
        if any(change.action is Action.DESCRIBE for change in changes):
            present = deployed_tables(connection, [contract])[contract.table].columns
            for statement in _comments(contract, {column.name for column in present}):
                connection.execute(statement)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _statements(contract: Contract, change: Change) -> list[str]:
    column = next((c for c in contract.columns if c.name == change.column), None)
    match change.action:
        case Action.CREATE:
            return [
                f"CREATE SCHEMA IF NOT EXISTS {contract.dataset}",
                create_table(contract, contract.table, "IF NOT EXISTS"),
                *_comments(contract, set(contract.column_names)),
            ]
        case Action.ADD if column:
            add = f"ADD COLUMN IF NOT EXISTS {column.name} {duckdb_type(column.type)}"
            return [f"ALTER TABLE {contract.table} {add}", _comment(contract, column)]
        case Action.RELAX:
            return [f"ALTER TABLE {contract.table} ALTER COLUMN {change.column} DROP NOT NULL"]
    return []


def _comments(contract: Contract, present: Collection[str]) -> list[str]:
    of_table = f"COMMENT ON TABLE {contract.table} IS {_text(contract.description)}"
    columns = (column for column in contract.columns if column.name in present)
    return [of_table, *(_comment(contract, column) for column in columns)]


def _comment(contract: Contract, column: Column) -> str:
    return f"COMMENT ON COLUMN {contract.table}.{column.name} IS {_text(column.description)}"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
