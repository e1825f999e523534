"""Evaluates models on rows, with Google's evaluator and with DuckDB, and compares the two."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import duckdb
import pyarrow as pa

from tests.conformance.analyzer import Analyzer, NotGoogleSQLError, Rows
from tests.conformance.catalogue import Catalogue
from tests.conformance.project import PROJECT, Model, Project, googlesql_type
from tests.conformance.rows import SCENARIOS, Scenario, Table, compared, fill
from tests.conformance.values import arrow_type, data_type

_TOLERANCE = 1e-9
# a column that held no NULL among fewer rows than these may hold one yet
_ROWS_TO_LEARN_FROM = 5

Filling = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Difference:
    """Where the two engines differ on one filling of a model's tables."""

    scenario: str
    what: str


class DuckDB:
    """Evaluates on DuckDB, whose database is named as the compiled SQL names it."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("ATTACH ':memory:' AS w; SET TimeZone = 'UTC'; SET threads = 1")

    def evaluate(
        self, model: Model, tables: Mapping[str, Table], rows: Mapping[str, list[dict[str, Any]]]
    ) -> Rows | duckdb.Error:
        """What the model gives on these rows, or why it gives nothing."""
        for name in model.inputs:
            dataset, table = name.split("__", 1)
            schema = pa.schema(
                [(c, arrow_type(data_type(t))) for c, t in tables[name].columns.items()]
            )
            given = pa.Table.from_pylist(rows[name], schema=schema)
            self.connection.register("given", given)
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS w.{dataset}")
            self.connection.execute(
                f'CREATE OR REPLACE TABLE w.{dataset}."{table}" AS SELECT * FROM given'
            )
            self.connection.unregister("given")
        try:
            relation = self.connection.sql(model.duckdb)
            types = [googlesql_type(str(t)) for t in relation.types]
            columns = dict(zip(relation.columns, types, strict=True))
            found = relation.to_arrow_table().to_pylist()
        except duckdb.Error as error:
            return error
        return Rows(columns, [tuple(row.values()) for row in found])


class Evaluations:
    """Models evaluated on both engines, each on rows of its own.

    The rows of a table keep what is promised of it (:class:`tests.conformance.rows.Table`), and
    what the model's own results let one learn: a column that held no NULL there holds none, and
    one whose numbers were all positive, or none negative, has no others.

    Args:
        promises: entries of known_differences.yaml: what else is so of a table.
    """

    def __init__(
        self, analyzer: Analyzer, project: Project, promises: Iterable[Mapping[str, Any]]
    ) -> None:
        self._analyzer, self._project, self._duckdb = analyzer, project, DuckDB()
        self._promises = list(promises)
        self._on_duckdb: dict[str, dict[str, Rows | duckdb.Error]] = {}
        self._tables: dict[str, Table] = {}
        self._filled: dict[str, dict[Scenario, Filling]] = {}

    def differences(self, name: str) -> list[Difference]:
        """Where the two engines differ on a model, at most once for each scenario.

        A scenario may allow that both end in an error.
        """
        model, found = self._project.models[name], list[Difference]()
        catalogue = Catalogue(PROJECT)
        for table in model.inputs:
            catalogue.add([table], self.table(table).columns)
        ours = self.on_duckdb(name)
        for scenario, rows in self._fillings(model).items():
            google: Rows | NotGoogleSQLError
            try:
                google = self._analyzer.evaluate(model.bigquery, catalogue, rows)
            except NotGoogleSQLError as error:
                google = error
            mine = ours[scenario.name]
            refused = [isinstance(result, Exception) for result in (google, mine)]
            allowed = {"never": False, "both": all(refused), "either": any(refused)}
            if allowed[scenario.refusal]:
                continue
            what = f"both refuse: {google}" if all(refused) else difference(google, mine)
            if what is not None:
                found.append(Difference(scenario.name, what))
        return found

    def on_duckdb(self, name: str) -> dict[str, Rows | duckdb.Error]:
        """What DuckDB gives for a model, by scenario."""
        if name not in self._on_duckdb:
            model = self._project.models[name]
            tables = {table: self.table(table) for table in model.inputs}
            self._on_duckdb[name] = {
                scenario.name: self._duckdb.evaluate(model, tables, rows)
                for scenario, rows in self._fillings(model).items()
            }
        return self._on_duckdb[name]

    def table(self, name: str) -> Table:
        """What is promised of a table, and what its model's results let one learn."""
        if name not in self._tables:
            table = self._project.tables[name]
            if self._project.made_by.get(name) in self._project.models:
                table = self._learnt(self._project.made_by[name], table)
            for promise in self._promises:
                if promise["table"] == name:
                    table = _with_promise(table, promise)
            self._tables[name] = table
        return self._tables[name]

    def without(self, promise: Mapping[str, Any]) -> Evaluations:
        """The same, and one table is without a promise."""
        fewer = [other for other in self._promises if other != promise]
        other = Evaluations(self._analyzer, self._project, fewer)
        other._on_duckdb = {**self._on_duckdb}
        other._on_duckdb.pop(promise["needed_by"], None)
        other._tables = {n: t for n, t in self._tables.items() if n != promise["table"]}
        return other

    def _learnt(self, name: str, table: Table) -> Table:
        results = [r for r in self.on_duckdb(name).values() if isinstance(r, Rows)]
        rows = [row for result in results for row in result.rows]
        if len(rows) < _ROWS_TO_LEARN_FROM or list(results[0].columns) != list(table.columns):
            return table
        found = dict(zip(table.columns, zip(*rows, strict=True), strict=True))
        required = {column for column, values in found.items() if None not in values}
        least: dict[str, float] = {}
        for column, values in found.items():
            numbers = [v for v in values if isinstance(v, int | float) and not math.isnan(v)]
            if table.columns[column] in ("INT64", "FLOAT64") and numbers and min(numbers) >= 0:
                least[column] = 1 if table.columns[column] == "INT64" and min(numbers) > 0 else 0
        return replace(table, required=table.required | required, least={**least, **table.least})

    def _fillings(self, model: Model) -> dict[Scenario, Filling]:
        if model.name not in self._filled:
            tables = {table: self.table(table) for table in model.inputs}
            by = compared(model.bigquery)
            self._filled[model.name] = {s: fill(tables, s, by, model.name) for s in SCENARIOS}
        return self._filled[model.name]


def _with_promise(table: Table, promise: Mapping[str, Any]) -> Table:
    """The table, with a narrower grain, or with a column's only values or its least one."""
    if "grain" in promise:
        grain = tuple(promise["grain"])
        return replace(table, grain=grain, required=table.required | set(grain))
    column = promise["column"]
    if "least" in promise:
        return replace(table, least={**table.least, column: promise["least"]})
    return replace(table, accepted={**table.accepted, column: promise["values"]})


def difference(google: Rows | NotGoogleSQLError, ours: Rows | duckdb.Error) -> str | None:
    """How two results differ, order of rows left aside; None where they don't."""
    if isinstance(google, Exception):
        return f"only BigQuery refuses: {google}"
    if isinstance(ours, Exception):
        return f"only DuckDB refuses: {str(ours).splitlines()[0]}"
    if dict(google.columns) != dict(ours.columns):
        pairs = sorted(set(google.columns.items()) ^ set(ours.columns.items()))
        return f"columns or types differ: {pairs}"
    left, right = sorted(google.rows, key=_order), sorted(ours.rows, key=_order)
    if len(left) == len(right) and all(map(equal, left, right)):
        return None
    return _example(list(google.columns), left, right)


def _example(columns: list[str], left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> str:
    """The two rows that are nearest to each other without being equal, or one that is too many."""
    theirs, mine = (Counter(map(_order, rows)) for rows in (left, right))
    only = [
        [row for row in rows if (theirs, mine)[1 - n][_order(row)] < (theirs, mine)[n][_order(row)]]
        for n, rows in enumerate((left, right))
    ]
    says = f"{len(left)} rows on BigQuery, {len(right)} on DuckDB; "
    if not only[0] or not only[1]:
        where, rows = ("BigQuery", only[0]) if only[0] else ("DuckDB", only[1])
        return f"{says}only {where} has {dict(zip(columns, rows[0], strict=True)) if rows else '?'}"

    def unequal(pair: tuple[tuple[Any, ...], tuple[Any, ...]]) -> list[str]:
        named = zip(columns, *pair, strict=True)
        return [f"{name}: {a!r} / {b!r}" for name, a, b in named if not equal(a, b)]

    nearest = min(product(only[0][:50], only[1][:50]), key=lambda pair: len(unequal(pair)))
    return f"{says}BigQuery / DuckDB: {', '.join(unequal(nearest))}"


def _order(value: Any) -> str:
    """A text to sort by, the same for floats that are equal within the tolerance."""
    if isinstance(value, tuple | list):
        return "(" + ",".join(map(_order, value)) + ")"
    if isinstance(value, dict):
        return _order(tuple(value.values()))
    if isinstance(value, float):
        return f"{value + 0.0:.6e}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return f"{value!r}"


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return left == right or math.isclose(left, right, rel_tol=_TOLERANCE)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, Sequence) and isinstance(right, Sequence) and not isinstance(left, str):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)
