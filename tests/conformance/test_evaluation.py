"""Every model gives the same rows on BigQuery, as Google's evaluator has it, and on DuckDB."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipelines.build import PROJECT as DBT
from tests.conformance.analyzer import Analyzer, Rows
from tests.conformance.evaluation import Difference, Evaluations
from tests.conformance.judge import known
from tests.conformance.project import Project, compile_project
from tests.wire.bigquery_emulator import Emulator

pytestmark = [pytest.mark.xdist_group("conformance_evaluation"), pytest.mark.emulator]

MODELS = sorted(path.stem for path in (DBT / "models").rglob("*.sql"))


@pytest.fixture(scope="module")
def project(
    analyzer: Analyzer, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    return compile_project(emulator, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def evaluations(analyzer: Analyzer, project: Project) -> Evaluations:
    return Evaluations(analyzer, project, known("promises"))


def explains(entry: dict[str, Any], name: str, difference: Difference) -> bool:
    """Whether an entry of ``differences`` is about a difference."""
    return bool(
        entry["model"] == name
        and difference.scenario in entry["scenarios"]
        and re.search(entry["message"], difference.what)
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_model_gives_the_same_rows_on_both(evaluations: Evaluations, name: str) -> None:
    entries = known("differences")
    found = [
        f"{difference.scenario}: {difference.what}"
        for difference in evaluations.differences(name)
        if not any(explains(entry, name, difference) for entry in entries)
    ]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_lets_rows_through_unless_it_is_listed(evaluations: Evaluations, name: str) -> None:
    results = evaluations.on_duckdb(name).values()
    rows = sum(len(result.rows) for result in results if isinstance(result, Rows))
    assert (rows == 0) == (name in {entry["model"] for entry in known("unreached")})


def test_every_model_that_dbt_knows_is_evaluated(project: Project) -> None:
    assert {*project.materialized} == {*MODELS}
    assert {*project.models} == {*MODELS}


@pytest.mark.parametrize("entry", known("differences"), ids=lambda entry: entry["model"])
def test_each_entry_of_differences_is_still_needed(
    evaluations: Evaluations, entry: dict[str, Any]
) -> None:
    found = evaluations.differences(entry["model"])
    explained = {d.scenario for d in found if explains(entry, entry["model"], d)}
    assert explained == {*entry["scenarios"]}


@pytest.mark.parametrize("promise", known("promises"), ids=lambda promise: promise["table"])
def test_each_promise_is_still_needed(evaluations: Evaluations, promise: dict[str, Any]) -> None:
    assert evaluations.without(promise).differences(promise["needed_by"]) != []


@pytest.mark.parametrize(
    "promise",
    [promise for promise in known("promises") if "values" not in promise],
    ids=lambda promise: promise["table"],
)
def test_each_promise_is_kept_by_the_model_that_makes_the_table(
    evaluations: Evaluations, project: Project, promise: dict[str, Any]
) -> None:
    made_by = project.made_by[promise["table"]]
    results = [r for r in evaluations.on_duckdb(made_by).values() if isinstance(r, Rows)]
    rows = [dict(zip(r.columns, row, strict=True)) for r in results for row in r.rows]
    assert rows
    if "grain" in promise:
        for result in results:
            keyed = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
            keys = [tuple(row[column] for column in promise["grain"]) for row in keyed]
            assert len(keys) == len({*keys})
    else:
        for row in rows:
            value = row[promise["column"]]
            assert value is None or value >= promise["least"]
