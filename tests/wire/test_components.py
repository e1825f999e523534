"""Connected components on DuckDB: the partition, ids that last, and nothing left behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.wire.components_project import (
    MACROS,
    Edge,
    Project,
    check,
    check_history,
    first_seen,
    md5,
    random_runs,
)

pytestmark = pytest.mark.xdist_group("components")
TABLES = {"edges", "identities", "identities__edges", "identities__days", "identity_merges"}


class OnDuckDB:
    """A DuckDB file that dbt and the test open in turn."""

    schema = "main"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._do("CREATE TABLE edges (left_node TEXT, right_node TEXT, first_seen_at TIMESTAMPTZ)")

    def profile(self) -> dict[str, Any]:
        settings = {"TimeZone": "UTC"}
        path = str(self.path)
        return {
            "type": "duckdb",
            "path": path,
            "schema": "main",
            "threads": 1,
            "settings": settings,
        }

    def load(self, edges: Iterable[Edge]) -> None:
        columns = [
            list(column) for column in zip(*[(e.left, e.right, e.at) for e in edges], strict=True)
        ]
        self._do("DELETE FROM edges")
        self._do("INSERT INTO edges SELECT unnest(?), unnest(?), unnest(?)", columns)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._do(sql.format(self.schema))

    def tables(self) -> set[str]:
        return {name for (name,) in self._do("SELECT table_name FROM duckdb_tables()")}

    def clear(self) -> None:
        for table in self.tables() - {"edges"}:
            self._do(f"DROP TABLE {table}")

    def _do(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql, values).fetchall()


@pytest.fixture(scope="module")
def _project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("components")
    with Project(folder / "dbt", OnDuckDB(folder / "w.duckdb")) as running:
        yield running


@pytest.fixture
def project(_project: Project) -> Project:
    """Nothing is built yet."""
    _project.engine.clear()
    return _project


def _edges(*told: tuple[str, str, float]) -> list[Edge]:
    return [Edge(*edge) for edge in told]


def test_chains_stars_and_lonely_nodes_are_solved(project: Project) -> None:
    chain = [Edge(f"c{n:03}", f"c{n + 1:03}", n) for n in range(300)]
    star = [Edge(f"s{n}", "hub", 1000 - n) for n in range(50)]
    edges = [*chain, *star, *star, Edge("alone", "alone", 5)]
    built = project.build(edges)
    check(built, {}, edges)
    assert built.component_of["c299"] == md5("c000")
    # of the two seen at that hour, the smaller text
    assert built.component_of["s0"] == md5("hub")
    assert built.component_of["alone"] == md5("alone")
    assert built.history == []


def test_a_late_edge_merges_into_the_one_whose_founder_was_seen_first(project: Project) -> None:
    edges = _edges(("a", "b", 5), ("x", "y", 1), ("p", "q", 3))
    before = project.build(edges).component_of
    edges += _edges(("b", "y", 9))
    built = project.build(edges)
    check(built, before, edges)
    assert built.component_of == dict.fromkeys("abxy", md5("x")) | dict.fromkeys("pq", md5("p"))
    assert built.history == [(md5("a"), md5("x"), "merge")]


def test_an_earlier_node_that_comes_late_changes_no_id(project: Project) -> None:
    edges = _edges(("a", "b", 5))
    project.build(edges)
    edges += _edges(("z", "a", 1))
    built = project.build(edges)
    assert set(built.component_of.values()) == {md5("a")}
    assert built.seen == first_seen(edges)
    assert project.build(edges, "--full-refresh").component_of == built.component_of
    assert built.history == []


def test_an_edge_that_goes_splits_and_a_merged_id_comes_back(project: Project) -> None:
    apart = _edges(("a", "b", 1), ("x", "y", 2))
    bridge = _edges(("b", "y", 3))
    project.build(apart)
    assert set(project.build(apart + bridge).component_of.values()) == {md5("a")}
    built = project.build(apart)
    assert built.component_of == dict.fromkeys("ab", md5("a")) | dict.fromkeys("xy", md5("x"))
    assert built.history == [(md5("x"), md5("a"), "merge"), (md5("a"), md5("x"), "split")]


def test_the_part_seen_first_keeps_the_id_of_a_founder_that_went(project: Project) -> None:
    edges = _edges(("a", "b", 1), ("a", "c", 2), ("b", "d", 3), ("c", "e", 3))
    project.build(edges)
    edges = [edge for edge in edges if "a" not in (edge.left, edge.right)]
    built = project.build(edges)
    assert built.component_of == dict.fromkeys("bd", md5("a")) | dict.fromkeys("ce", md5("c"))
    # the founder comes back apart from them, while they grow: its hash is their id
    before, edges = built.component_of, edges + _edges(("a", "n", 9), ("d", "f", 9))
    built = project.build(edges)
    check(built, before, edges)
    assert built.component_of["a"] == built.component_of["n"] != md5("a")
    again = project.build(edges, "--full-refresh")
    assert again.component_of == built.component_of


def test_a_full_refresh_keeps_the_ids(project: Project) -> None:
    edges = _edges(("b", "c", 5), ("a", "b", 9), ("x", "y", 1))
    before = project.build(edges).component_of
    edges += _edges(("a", "w", 0), ("v", "x", 0))
    built = project.build(edges, "--full-refresh")
    check(built, before, edges)
    assert built.component_of["w"] == md5("b")
    assert "ALL" in built.did
    assert built.history == []


def test_a_run_with_the_same_edges_writes_nothing(project: Project) -> None:
    edges = _edges(("a", "b", 1), ("b", "c", 30), ("x", "y", 2))
    first = project.build(edges)
    query = "SELECT max(rowid), count(*), sum(hash(t)) FROM {}.%s AS t"
    tables = ("identities", "identities__edges", "identities__days")
    before = [project.engine.rows(query % table) for table in tables]
    # the other way round, in another order, and told twice on another day's account
    turned = [Edge(edge.right, edge.left, edge.seen) for edge in reversed(edges)]
    again = project.build(turned)
    assert "NOTHING" in again.did
    assert again.component_of == first.component_of
    assert [project.engine.rows(query % table) for table in tables] == before
    told_twice = project.build([*edges, *edges])
    assert told_twice.component_of == first.component_of
    assert [project.engine.rows(query % table) for table in tables[:2]] == before[:2]


def test_an_edge_told_earlier_moves_its_nodes_in_time_and_nothing_else(project: Project) -> None:
    edges = _edges(("a", "b", 50), ("b", "c", 60))
    before = project.build(edges).component_of
    edges = _edges(("a", "b", 50), ("b", "c", 2))
    built = project.build(edges)
    check(built, before, edges)
    edges = _edges(("a", "b", 50), ("b", "c", 90))
    built = project.build(edges)
    check(built, before, edges)
    assert built.history == []


@pytest.mark.parametrize("seed", range(1, 3))
def test_random_graphs_stay_right_over_many_runs(project: Project, seed: int) -> None:
    before: dict[str, str] = {}
    told: list[tuple[str, str, str]] = []
    for edges, arguments in random_runs(seed, runs=7):
        built = project.build(edges, *arguments)
        check(built, before, edges)
        check_history(built, before, told)
        before, told = built.component_of, built.history
    assert project.engine.tables() == TABLES


def test_a_run_that_fails_changes_nothing_and_the_next_one_is_whole(project: Project) -> None:
    edges = _edges(("a", "b", 1), ("x", "y", 2))
    built = project.build(edges)
    edges += _edges(("a", "x", 3))
    project.engine.load(edges)
    success, said = project.run("--vars", "{ending: nonsense}")
    assert not success, said
    assert project.engine.tables() == TABLES
    found = dict(project.engine.rows("SELECT node, component_id FROM {}.identities"))
    assert found == built.component_of
    again = project.build(edges)
    check(again, built.component_of, edges)
    assert again.history == [(md5("x"), md5("a"), "merge")]


@pytest.mark.parametrize("lost", ["edges", "days"])
def test_a_lost_companion_table_is_made_anew_and_ids_stay(project: Project, lost: str) -> None:
    edges = _edges(("a", "b", 5), ("z", "a", 1), ("x", "y", 2))
    project.build(edges[:1])
    before = project.build(edges).component_of
    project.engine.rows("DROP TABLE {}.identities__" + lost)
    assert project.build(edges).component_of == before


def test_edges_of_another_hash_are_solved_anew_and_ids_stay(project: Project) -> None:
    edges = _edges(("a", "b", 5), ("b", "c", 6), ("x", "y", 2))
    before = project.build(edges).component_of
    # as after an upgrade of the engine that hashes in another way
    project.engine.rows("UPDATE {}.identities SET node_key = node_key + 1")
    project.engine.rows("UPDATE {}.identities__edges SET a = a + 1, b = b + 1")
    project.engine.rows("UPDATE {}.identities__days SET low = low + 1")
    edges = [edge for edge in edges if edge.right != "c"]
    built = project.build(edges)
    check(built, before, edges)
    assert "ALL" in built.did


@pytest.mark.parametrize("missing", ["left_node", "right_node", "first_seen_at"])
@pytest.mark.parametrize("built", [False, True])
def test_an_edge_without_an_end_or_an_instant_is_refused(
    project: Project, missing: str, built: bool
) -> None:
    edges = _edges(("a", "b", 1), ("b", "c", 2))
    if built:
        project.build(edges[:1])
    project.engine.load(edges)
    project.engine.rows("UPDATE {}.edges SET " + missing + " = NULL WHERE right_node = 'c'")
    success, said = project.run()
    assert not success
    assert "lack a node or the instant" in said
    assert ("identities" in project.engine.tables()) == built


def test_two_nodes_of_one_hash_end_the_run(tmp_path: Path) -> None:
    macros = tmp_path / "macros"
    shutil.copytree(MACROS, macros)
    engine_macros = macros / "components" / "engine.sql"
    text = engine_macros.read_text()
    weak = text.replace("cast(hash({{ node }}) >> 1 as bigint)", "length({{ node }})")
    assert weak != text
    engine_macros.write_text(weak)
    with Project(tmp_path / "dbt", OnDuckDB(tmp_path / "w.duckdb"), macros) as project:
        project.engine.load(_edges(("a", "bb", 1), ("ccc", "dd", 2)))
        success, said = project.run()
        assert not success
        assert "have one 64-bit hash: 'bb' and 'dd'" in said
        assert project.engine.tables() == {"edges"}
        project.build(_edges(("a", "bb", 1)))
        project.engine.load(_edges(("a", "bb", 1), ("ccc", "dd", 2)))
        success, said = project.run()
        assert not success
        assert "have one 64-bit hash: 'bb' and 'dd'" in said
