"""Connected components on BigQuery's emulator: the same SQL gives the same components and ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.wire.bigquery_emulator import Emulator
from tests.wire.components_project import Edge, Project, check, check_history, random_runs

TABLES = {"edges", "identities", "identities__edges", "identities__days", "identity_merges"}
pytestmark = pytest.mark.emulator


class OnBigQuery:
    """A dataset of a project of its own on the emulator."""

    schema = "graph"

    def __init__(self, emulator: Emulator, project: str) -> None:
        self._emulator, self._project = emulator, project
        self._client = bigquery.Client(
            project,
            AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=emulator.rest_url),
        )
        self._client.create_dataset(self.schema)

    def profile(self) -> dict[str, Any]:
        return {
            "type": "bigquery",
            "method": "oauth-secrets",
            "token": "none",
            "project": self._project,
            "dataset": self.schema,
            "location": "EU",
            "api_endpoint": self._emulator.rest_url,
            "threads": 1,
        }

    def load(self, edges: Iterable[Edge]) -> None:
        columns = "left_node STRING, right_node STRING, first_seen_at TIMESTAMP"
        told = ", ".join(
            f"('{e.left}', '{e.right}', TIMESTAMP '{e.at.isoformat()}')" for e in edges
        )
        self._do(f"CREATE OR REPLACE TABLE graph.edges ({columns})")
        self._do(f"INSERT INTO graph.edges VALUES {told}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._do(sql.format(self.schema))]

    def tables(self) -> set[str]:
        return {table.table_id for table in self._client.list_tables(self.schema)}

    def clear(self) -> None:
        for table in self.tables() - {"edges"}:
            self._client.delete_table(f"{self.schema}.{table}")

    def _do(self, sql: str) -> Iterable[Any]:
        return self._client.query(sql).result()


@pytest.fixture
def project(emulator: Emulator, tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path / "dbt", OnBigQuery(emulator, "components")) as running:
        yield running


def test_bigquery_solves_merges_splits_and_keeps_ids(project: Project) -> None:
    before: dict[str, str] = {}
    told: list[tuple[str, str, str]] = []
    left_behind = "graph.identities__work_rows"
    for edges, arguments in random_runs(seed=1, runs=4):
        project.engine.rows(f"CREATE TABLE {left_behind} AS SELECT 1 AS n")
        built = project.build(edges, *arguments)
        check(built, before, edges)
        check_history(built, before, told)
        before, told = built.component_of, built.history
        assert project.engine.tables() == TABLES
    assert {reason for _, _, reason in told} == {"merge", "split"}
    assert "NOTHING" in project.build(edges).did
