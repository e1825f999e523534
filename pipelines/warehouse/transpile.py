"""GoogleSQL statements as DuckDB SQL, each once.

What a list of proposals asks ships transpiled (``shipped.json``, which ``make statements`` writes):
reading the grammar would cost a third of such a command.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path

_SHIPPED = Path(__file__).parent / "shipped.json"


@lru_cache(maxsize=512)
def transpile(sql: str) -> str:
    """One GoogleSQL statement as DuckDB SQL.

    Raises:
        StatementError: sqlglot can't read the statement; quotes it.
    """
    from pipelines.warehouse.duckdb_dialect import duckdb_sql
    from pipelines.warehouse.googlesql import parse

    return duckdb_sql(parse(sql))


def transpiled_query(sql: str) -> str:
    """One read-only GoogleSQL statement as DuckDB SQL.

    Raises:
        StatementError: sqlglot can't read the statement, or it would change something.
    """
    return shipped_statements().get(sql) or parsed_query(sql)


@lru_cache(maxsize=512)
def parsed_query(sql: str) -> str:
    """As :func:`transpiled_query`, whatever ships."""
    from pipelines.warehouse.duckdb_dialect import duckdb_sql
    from pipelines.warehouse.googlesql import parse_query

    return duckdb_sql(parse_query(sql))


@cache
def duckdb_type(google_type: str) -> str:
    """DuckDB's name of a type of GoogleSQL."""
    from sqlglot import exp

    return exp.DataType.build(google_type, dialect="bigquery").sql(dialect="duckdb")


@cache
def shipped_statements() -> dict[str, str]:
    """What ships transpiled, by its GoogleSQL."""
    statements: dict[str, str] = json.loads(_SHIPPED.read_text())
    return statements
