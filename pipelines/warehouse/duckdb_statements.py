"""Runs GoogleSQL statements on a DuckDB connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines.warehouse.base import (
    Question,
    Refusal,
    RowCountConflict,
    Statement,
    Value,
)
from pipelines.warehouse.duckdb_errors import refused
from pipelines.warehouse.transpile import transpile


def asked(path: Path, connection: duckdb.DuckDBPyConnection, first: Question) -> dict[str, int]:
    """The answer to a transaction's question."""
    columns = ", ".join(first.columns)
    sql = f"SELECT {columns}, {first.refused} AS is_refused FROM ({first.sql}) AS asked"
    query = transpile(sql)
    try:
        (*values, is_refused) = connection.execute(query, used(query, first.params)).fetchall()[0]
    except duckdb.Error as error:
        raise refused(path, sql, query, error) from error
    answered = dict(zip(first.columns, map(int, values), strict=True))
    if is_refused:
        raise Refusal(answered)
    return answered


def run(
    path: Path,
    connection: duckdb.DuckDBPyConnection,
    statement: Statement,
    answered: Mapping[str, int],
) -> None:
    translated = transpile(statement.sql)
    params = used(translated, statement.values(answered))
    try:
        result = connection.execute(translated, params).fetchone()
    except duckdb.TransactionException as error:
        raise RowCountConflict(
            f"Another writer was faster: {error}",
            kept="the transaction was rolled back.",
            fix="Run the command again.",
        ) from error
    except duckdb.Error as error:
        raise refused(path, statement.sql, translated, error) from error
    affected = result[0] if result else 0
    if statement.expect_rows is not None and affected != statement.expect_rows:
        raise RowCountConflict(
            f"Another writer was faster: a statement had to affect {statement.expect_rows} row(s) "
            f"and affected {affected}.",
            kept="the transaction was rolled back.",
            fix="Run the command again.",
        )


def used(statement: str, params: Mapping[str, Value] | None) -> dict[str, Value]:
    """Only the parameters that the statement names: DuckDB refuses any others."""
    return {k: v for k, v in (params or {}).items() if re.search(rf"\${k}\b", statement)}
