"""Random queries on Google's evaluator and as `adcanary query` asks DuckDB; prints what differs.

Run by hand, after `make analyzer`: ``python -m tests.bench.query_differences --seed 1``.
A query that DuckDB refuses is no difference; a value that differs is, and so is one that only
DuckDB has.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

from pipelines.errors import AdcanaryError
from pipelines.warehouse.duckdb_answer import answer
from tests.conformance import zetasql_server
from tests.conformance.analyzer import Analyzer, NotGoogleSQLError
from tests.conformance.catalogue import Catalogue
from tests.conformance.evaluation import equal
from tests.conformance.function_values import VALUES
from tests.conformance.functions import connection
from tests.conformance.project import PROJECT

_LITERALS = {
    "int": [*VALUES["int"], "2", "NULL"],
    "float": [*VALUES["float"], "-0.0", "1e-300", "NULL"],
    "string": [*VALUES["string"], "'0x1f'", "' 7'", "'1e2'", "'2024-02-29'", "NULL"],
    "date": [*VALUES["date"], "DATE '2024-01-31'", "NULL"],
    "timestamp": [*VALUES["timestamp"], "TIMESTAMP '2024-03-31 01:30:00+00'", "NULL"],
    "bool": ["TRUE", "FALSE", "NULL"],
}
_COLUMNS = {"int": "i", "float": "f", "string": "s", "date": "d", "timestamp": "t", "bool": "b"}
# by type of the result: templates over {types}
_TEMPLATES = {
    "int": ["{int} + {int}", "{int} - {int}", "{int} * {int}", "DIV({int}, {int})", "-{int}",
            "MOD({int}, {int})", "ABS({int})", "LENGTH({string})", "STRPOS({string}, {string})",
            "DATE_DIFF({date}, {date}, MONTH)", "EXTRACT(ISOWEEK FROM {date})", "SIGN({int})",
            "TIMESTAMP_DIFF({timestamp}, {timestamp}, SECOND)", "SAFE_CAST({string} AS INT64)",
            "IF({bool}, {int}, {int})", "IFNULL({int}, {int})", "NULLIF({int}, {int})",
            "GREATEST({int}, {int})", "CAST({float} AS INT64)", "BYTE_LENGTH({string})",
            "SAFE_MULTIPLY({int}, {int})", "UNIX_SECONDS({timestamp})", "UNICODE({string})"],
    "float": ["{float} + {float}", "{float} * {int}", "{int} / {int}", "{float} / {float}",
              "ROUND({float}, 2)", "ROUND({float})", "TRUNC({float})", "FLOOR({float})",
              "SAFE_DIVIDE({int}, {int})", "SAFE_CAST({string} AS FLOAT64)", "SQRT({float})",
              "CAST({int} AS FLOAT64)", "IF({bool}, {float}, {float})", "LEAST({float}, {float})",
              "ROUND({float}, -1)", "CEIL({float})"],
    "string": ["CONCAT({string}, {string})", "SUBSTR({string}, {int})", "UPPER({string})",
               "TRIM({string})", "REPLACE({string}, {string}, {string})", "REVERSE({string})",
               "CAST({int} AS STRING)", "CAST({float} AS STRING)", "CAST({date} AS STRING)",
               "CAST({timestamp} AS STRING)", "IF({bool}, {string}, {string})",
               "LOWER({string})", "LTRIM({string}, {string})", "STRING({timestamp}, '+05:30')",
               "REGEXP_EXTRACT({string}, r'([a-z])?\\d')", "CAST({bool} AS STRING)"],
    "date": ["DATE_ADD({date}, INTERVAL 1 MONTH)", "DATE_TRUNC({date}, ISOWEEK)",
             "DATE({timestamp}, 'America/New_York')", "LAST_DAY({date})",
             "SAFE_CAST({string} AS DATE)", "DATE_SUB({date}, INTERVAL {int} DAY)"],
    "timestamp": ["TIMESTAMP({date})", "TIMESTAMP_TRUNC({timestamp}, DAY, 'Europe/Berlin')",
                  "TIMESTAMP_ADD({timestamp}, INTERVAL {int} SECOND)", "TIMESTAMP_MILLIS({int})"],
    "bool": ["{int} < {int}", "{float} = {int}", "{string} >= {string}", "{date} <> {date}",
             "{int} IN ({int}, {int})", "{string} LIKE {string}", "{bool} AND {bool}",
             "NOT {bool}", "{int} IS NULL", "{int} BETWEEN {int} AND {int}", "{bool} OR {bool}",
             "{int} IS DISTINCT FROM {int}", "{timestamp} < {timestamp}", "{float} > {float}",
             "{int} NOT IN ({int}, {int})", "{string} = {int}", "{date} = '2024-02-29'",
             "{bool} IS NOT TRUE", "STARTS_WITH({string}, {string})"],
}  # fmt: skip
_AGGREGATES = ["COUNT({any})", "SUM({int})", "SUM({float})", "AVG({int})", "MAX({string})",
               "MIN({date})", "COUNTIF({bool})", "LOGICAL_AND({bool})", "COUNT(DISTINCT {any})",
               "STRING_AGG({string} ORDER BY {int}, {string})", "MAX({float})", "BIT_XOR({int})",
               "ARRAY_AGG({int} IGNORE NULLS ORDER BY {int}, {int} DESC)"]  # fmt: skip
_FRAMES = ["", "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", "ROWS UNBOUNDED PRECEDING",
           "ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING",
           "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING"]  # fmt: skip


class Queries:
    """Queries from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def query(self) -> str:
        shape = self._random.choice((self._plain, self._plain, self._grouped, self._windowed))
        return f"WITH r AS ({self._rows()}) {shape()}"

    def _pick(self, values: list[str]) -> str:
        return self._random.choice(values)

    def _rows(self) -> str:
        rows = []
        for number in range(self._random.randint(1, 4)):
            values = ", ".join(
                f"CAST({self._pick(_LITERALS[kind])} AS {_TYPE[kind]}) AS {column}"
                for kind, column in _COLUMNS.items()
            )
            rows.append(f"SELECT {number} AS k, {values}")
        return " UNION ALL ".join(rows)

    def _expression(self, kind: str, depth: int) -> str:
        if depth == 0 or self._random.random() < 0.2:
            usual = self._random.random() < 0.7
            return _COLUMNS[kind] if usual else self._pick(_LITERALS[kind][:-1])
        return f"({self._filled(self._pick(_TEMPLATES[kind]), depth - 1)})"

    def _filled(self, template: str, depth: int) -> str:
        template = template.replace("{any}", f"{{{self._pick(list(_COLUMNS))}}}")
        for kind in _COLUMNS:
            while f"{{{kind}}}" in template:
                template = template.replace(f"{{{kind}}}", self._expression(kind, depth), 1)
        return template

    def _plain(self) -> str:
        kind = self._pick(list(_COLUMNS))
        where = f" WHERE {self._expression('bool', 1)}" if self._random.random() < 0.3 else ""
        return f"SELECT k, {self._expression(kind, 2)} AS x FROM r{where} ORDER BY k"

    def _grouped(self) -> str:
        key = self._expression(self._pick(["int", "string", "bool", "date"]), 1)
        value = self._filled(self._pick(_AGGREGATES), 1)
        return f"SELECT {key} AS g, {value} AS x FROM r GROUP BY g ORDER BY g"

    def _windowed(self) -> str:
        value = self._filled(self._pick([a for a in _AGGREGATES[:8] if "AGG" not in a]), 1)
        part = "PARTITION BY b " if self._random.random() < 0.4 else ""
        over = f"{part}ORDER BY k {self._pick(_FRAMES)}"
        return f"SELECT k, {value} OVER ({over}) AS x FROM r ORDER BY k"


_TYPE = {
    "int": "INT64", "float": "FLOAT64", "string": "STRING", "date": "DATE",
    "timestamp": "TIMESTAMP", "bool": "BOOL",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        zetasql_server.make_stubs(Path(folder))
        server = zetasql_server.start(Path(folder) / "server.log")
        try:
            _compare(Analyzer(server), Queries(options.seed), options.count)
        finally:
            server.stop()


def _compare(analyzer: Analyzer, queries: Queries, count: int) -> None:
    duckdb, outcomes = connection(), Counter[str]()
    for _ in range(count):
        sql = queries.query()
        try:
            google = analyzer.evaluate(sql, Catalogue(PROJECT), {}).rows
        except NotGoogleSQLError as error:
            google, why = None, error.message
        try:
            ours = [tuple(row.values()) for row in answer(duckdb, sql).to_pylist()]
        except AdcanaryError as error:
            outcomes["both refuse" if google is None else "only DuckDB refuses"] += 1
            if google is not None and "DuckDB refused" in str(error):
                print(f"{sql}\n  {google}\n  {error}")
            continue
        if google is not None and len(google) == len(ours) and all(map(equal, google, ours)):
            outcomes["equal"] += 1
            continue
        outcomes["differ"] += 1
        print(f"{sql}\n  Google: {why if google is None else google}\n  DuckDB: {ours}", flush=True)
    print(dict(outcomes))


if __name__ == "__main__":
    main()
