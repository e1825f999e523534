"""What googlesql_functions.yaml names means on DuckDB what Google's evaluator says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.warehouse.proven import functions
from tests.conformance.analyzer import Analyzer
from tests.conformance.functions import Judge, calls

pytestmark = pytest.mark.xdist_group("conformance_functions")

QUERIES: list[str] = yaml.safe_load(Path(__file__).with_name("function_queries.yaml").read_text())
# the time of the query, and what has no columns of one kind: QUERIES and unit tests hold them
ELSEWHERE = {"ARRAY", "STRUCT", "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIMESTAMP"}
SCALARS = sorted(n for n, f in functions().items() if f.kind == "scalars" and n not in ELSEWHERE)
OTHERS = sorted(n for n, f in functions().items() if f.kind != "scalars")


@pytest.fixture(scope="module")
def judge(analyzer: Analyzer) -> Judge:
    return Judge(analyzer)


@pytest.mark.parametrize("name", SCALARS)
def test_a_function_gives_what_googles_evaluator_gives(judge: Judge, name: str) -> None:
    differing: list[str] = []
    for kinds, expressions in calls(name, functions()[name]):
        differing += judge.differences(kinds, expressions)
    assert differing == []


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_gives_what_googles_evaluator_gives(judge: Judge, sql: str) -> None:
    assert judge.query(sql) is None


def test_a_difference_is_seen(judge: Judge) -> None:
    assert judge.differences(["float"], ["ROUND(c0)"]) == []
    assert judge.query("SELECT CAST('1.0' AS STRING) AS x") is None
    assert judge.query("SELECT DATE '2024-02-30' AS x") is None
    assert judge.query("SELECT COUNT(*) AS n FROM read_text('x')") is None
    assert judge.query("SELECT RAND() >= 0 AS x") is not None


@pytest.mark.parametrize("name", OTHERS)
def test_every_aggregate_and_analytic_function_is_in_a_query(name: str) -> None:
    assert any(f"{name}(" in sql for sql in QUERIES)
