"""Runs GoogleSQL statements on a DuckDB connection: the one place where they are transpiled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import duckdb

from pipelines.warehouse.base import (
    STAGE_DATASET,
    Question,
    Refusal,
    RowCountConflict,
    Statement,
    Value,
)
from pipelines.warehouse.duckdb_dialect import duckdb_sql
from pipelines.warehouse.duckdb_errors import refused
from pipelines.warehouse.googlesql import parse, parse_query

# Views of files that are read where they are.
IN_PLACE = "in_place__"
_STAGE = re.compile(rf"\b(?:{STAGE_DATASET}\.|{IN_PLACE})\w+")


def transpile(sql: str) -> str:
    """One GoogleSQL statement as DuckDB SQL.

    Raises:
        StatementError: sqlglot can't read the statement; quotes it.
    """
    return _but_for_stages(_transpiled, sql)


def transpiled_query(sql: str) -> str:
    return _but_for_stages(_transpiled_read, sql)


def _but_for_stages(translate: Callable[[str], str], sql: str) -> str:
    """Translate a statement whatever its stages are called: each batch has names of its own, and
    translating takes longer than running a statement."""
    stages = list(dict.fromkeys(_STAGE.findall(sql)))
    standing_in = {stage: f"{STAGE_DATASET}.stage_{n}" for n, stage in enumerate(stages)}
    translation = translate(_STAGE.sub(lambda m: standing_in[m[0]], sql))
    names = {name: stage for stage, name in standing_in.items()}
    return _STAGE.sub(lambda m: names.get(m[0], m[0]), translation)


@lru_cache(maxsize=512)
def _transpiled(sql: str) -> str:
    return duckdb_sql(parse(sql))


@lru_cache(maxsize=512)
def _transpiled_read(sql: str) -> str:
    return duckdb_sql(parse_query(sql))


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
