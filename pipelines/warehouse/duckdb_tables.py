"""A contract's tables on DuckDB."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from pipelines.contracts import Contract
from pipelines.warehouse.transpile import duckdb_type


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
