"""Evaluates the forms of googlesql_functions.yaml with Google's evaluator and as `query` does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.errors import AdcanaryError
from pipelines.warehouse.duckdb_answer import answer, close_off
from pipelines.warehouse.duckdb_query import translated
from pipelines.warehouse.proven import Function
from tests.conformance.analyzer import Analyzer, NotGoogleSQLError
from tests.conformance.catalogue import Catalogue
from tests.conformance.evaluation import equal
from tests.conformance.function_values import LITERALS, VALUES, rows_of
from tests.conformance.project import PROJECT

_TYPES = {
    "numeric": "NUMERIC", "string": "STRING", "bool": "BOOL", "zone": "STRING", "json": "STRING",
    "date": "DATE", "near_date": "DATE", "timestamp": "TIMESTAMP", "datetime": "DATETIME",
    "float": "FLOAT64", "date_text": "STRING", "time_text": "STRING", "timestamp_text": "STRING",
    "modern_date": "DATE", "ints": "ARRAY<INT64>", "strings": "ARRAY<STRING>",
}  # fmt: skip
_NULL = {"bytes": "SHA256(CAST(NULL AS STRING))"}


def connection() -> duckdb.DuckDBPyConnection:
    """A DuckDB as a query of the command finds it."""
    opened = duckdb.connect()
    opened.execute("SET TimeZone = 'UTC'; SET threads = 1; CREATE SCHEMA tried")
    close_off(opened)
    return opened


def calls(name: str, function: Function) -> Iterator[tuple[list[str], list[str]]]:
    """For each form: the kinds of its columns, and the calls over them (``c0``, ``c1``, …)."""
    for form in function.forms:
        tokens = [form[0][:-1]] * 3 if form and form[0].endswith("+") else list(form)
        columns = [token for token in tokens if token in VALUES]
        choices: list[Sequence[str]] = []
        for token in tokens:
            if token in VALUES:
                choices.append([f"c{sum(len(c) == 1 and c[0][0] == 'c' for c in choices)}"])
            else:
                choices.append(LITERALS.get(token) or token.split("|"))
        yield columns, [_call(name, chosen) for chosen in itertools.product(*choices)]


def _call(name: str, arguments: Sequence[str]) -> str:
    if name == "EXTRACT":
        value, *zone, part = arguments
        return f"EXTRACT({part} FROM {value}{f' AT TIME ZONE {zone[0]}' if zone else ''})"
    if re.fullmatch("(DATE|DATETIME|TIMESTAMP)_(ADD|SUB)", name):
        return f"{name}({arguments[0]}, INTERVAL {arguments[1]} {arguments[2]})"
    if name == "GENERATE_DATE_ARRAY" and len(arguments) == 4:
        return f"{name}({arguments[0]}, {arguments[1]}, INTERVAL {arguments[2]} {arguments[3]})"
    return f"{name}({', '.join(arguments)})"


class Judge:
    """Compares expressions over rows of literals on the two engines."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer, self._duckdb = analyzer, connection()

    def differences(self, kinds: Sequence[str], expressions: Sequence[str]) -> list[str]:
        """Where expressions over columns of some kinds differ, or only one engine refuses."""
        rows = rows_of(kinds) or [()]
        data = _data(kinds, rows)
        tried = ", ".join(
            f"NULLIFERROR({e}) AS v{i}, ISERROR({e}) AS e{i}" for i, e in enumerate(expressions)
        )
        google = self._google(f"SELECT i, {tried} FROM ({data})")
        # reading the rows' literals again for each expression takes longer than all else
        self._duckdb.execute(f"CREATE OR REPLACE TABLE tried.rows AS {translated(data).sql}")
        differing: list[str] = []
        for index, expression in enumerate(expressions):
            fine = {row[0]: row[1 + 2 * index] for row in google if not row[2 + 2 * index]}
            wanted = ", ".join(map(str, fine)) or "-1"
            sql = f"SELECT i, {expression} AS v FROM tried.rows WHERE i IN ({wanted})"
            try:
                ours = {row["i"]: row["v"] for row in answer(self._duckdb, sql).to_pylist()}
            except (AdcanaryError, pa.ArrowInvalid, OverflowError, ValueError) as error:
                differing.append(f"{expression}: only DuckDB refuses: {str(error)[:200]}")
                continue
            for number, value in fine.items():
                if not equal(value, ours[number]):
                    differing.append(
                        f"{expression} of {rows[number]}: {value!r} / {ours[number]!r}"
                    )
                    break
            for number in [row[0] for row in google if row[2 + 2 * index]]:
                sql = f"SELECT {expression} AS v FROM tried.rows WHERE i = {number}"
                try:
                    value = answer(self._duckdb, sql).to_pylist()
                except (AdcanaryError, pa.ArrowInvalid, OverflowError, ValueError):
                    continue
                differing.append(f"{expression} of {rows[number]}: only BigQuery refuses; {value}")
                break
        return differing

    def query(self, sql: str) -> str | None:
        """Where a query differs, its rows in their order; None where it doesn't."""
        try:
            google: list[tuple[Any, ...]] | None = self._google(sql)
        except NotGoogleSQLError as error:
            google, why = None, error.message
        try:
            ours = [tuple(row.values()) for row in answer(self._duckdb, sql).to_pylist()]
        except AdcanaryError as error:
            return None if google is None else f"only DuckDB refuses: {error}"
        if google is None:
            return f"only BigQuery refuses: {why}; {ours}"
        same = len(google) == len(ours) and all(map(equal, google, ours))
        return None if same else f"{google} / {ours}"

    def _google(self, sql: str) -> list[tuple[Any, ...]]:
        return self._analyzer.evaluate(sql, Catalogue(PROJECT), {}).rows


def _data(kinds: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of literals as a query with the columns i, c0, c1, …"""
    selects = []
    for number, row in enumerate(rows):
        typed = [
            _NULL.get(kind, f"CAST(NULL AS {_TYPES.get(kind, 'INT64')})")
            if value == "NULL"
            else value
            for kind, value in zip(kinds, row, strict=True)
        ]
        named = [f"{value} AS c{at}" for at, value in enumerate(typed)]
        selects.append("SELECT " + ", ".join([f"{number} AS i", *named]))
    return " UNION ALL ".join(selects)
