"""GoogleSQL statements as DuckDB SQL, each once.

What a list of proposals asks ships transpiled (``shipped.json``, which ``make statements`` writes):
reading the grammar would cost a third of such a command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

from pipelines.warehouse.base import STAGE_DATASET

# Views of files that are read where they are.
IN_PLACE = "in_place__"
_STAGE = re.compile(rf"\b(?:{STAGE_DATASET}\.(?=\w*__)|{IN_PLACE})\w+")
_SHIPPED = Path(__file__).parent / "shipped.json"


def transpile(sql: str) -> str:
    """One GoogleSQL statement as DuckDB SQL.

    Raises:
        StatementError: sqlglot can't read the statement; quotes it.
    """
    return _whatever_its_stages(_parsed, sql)


@lru_cache(maxsize=512)
def _parsed(sql: str) -> str:
    from pipelines.warehouse.duckdb_dialect import duckdb_sql
    from pipelines.warehouse.googlesql import parse

    return duckdb_sql(parse(sql))


def transpiled_query(sql: str) -> str:
    """One read-only GoogleSQL statement as DuckDB SQL.

    Raises:
        StatementError: sqlglot can't read the statement, or it would change something.
    """
    return shipped_statements().get(sql) or _whatever_its_stages(parsed_query, sql)


def _whatever_its_stages(translate: Callable[[str], str], sql: str) -> str:
    """Translate a statement once, whatever its stages are called: each batch has names of its own,
    and translating takes longer than running a statement."""
    stages = list(dict.fromkeys(_STAGE.findall(sql)))
    standing_in = {stage: f"{STAGE_DATASET}.stage__{n}" for n, stage in enumerate(stages)}
    translation = translate(_STAGE.sub(lambda m: standing_in[m[0]], sql))
    names = {name: stage for stage, name in standing_in.items()}
    return _STAGE.sub(lambda m: names.get(m[0], m[0]), translation)


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
