"""A throw-away dbt project of one `connected_components` model, and what its ids should be."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MACROS = Path(__file__).parents[2] / "dbt" / "macros"
START = datetime(2026, 1, 1, tzinfo=UTC)

_PROJECT = {
    "name": "adcanary",
    "version": "0.1.0",
    "profile": "adcanary",
    "model-paths": ["models"],
    "dispatch": [{"macro_namespace": "dbt", "search_order": ["adcanary", "dbt"]}],
    "flags": {"send_anonymous_usage_stats": False},
}
_MODEL = """{{ config(
  materialized='connected_components',
  meta={'history': 'identity_merges'},
  post_hook="select {{ var('ending', '1') }}"
) }}
select left_node, right_node, first_seen_at from %s.edges
"""
# One process for all of a test's runs: dbt starts and reads the project once.
_CHILD = """
import json, sys
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
folder = sys.argv[1]
where = [f"--project-dir={folder}", f"--profiles-dir={folder}"]
quiet = ["--quiet", "--no-version-check", f"--log-path={folder}/logs"]
manifest = dbtRunner().invoke([*quiet, "parse", *where]).result
for line in sys.stdin:
    done = dbtRunner(manifest=manifest).invoke([*quiet, "run", *where, *json.loads(line)])
    DuckDBConnectionManager.close_all_connections()
    said = [str(r.message) for r in done.result] if done.result else [str(done.exception)]
    print("answer " + json.dumps([done.success, said]), flush=True)
"""


@dataclass(frozen=True, order=True)
class Edge:
    """An edge; ``seen`` is in hours since ``START``. A node alone is an edge to itself."""

    left: str
    right: str
    seen: float

    @property
    def at(self) -> datetime:
        """When it was seen first, in UTC."""
        return START + timedelta(hours=self.seen)


@dataclass(frozen=True)
class Built:
    """The tables after a run: a node's component and instant; the history in order."""

    component_of: dict[str, str]
    seen: dict[str, datetime]
    history: list[tuple[str, str, str]]
    did: str


class Engine(Protocol):
    """Where a project runs."""

    schema: str

    def profile(self) -> dict[str, Any]:
        """dbt's output of it."""

    def load(self, edges: Iterable[Edge]) -> None:
        """Make these all the edges there are."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A query's rows; ``{}`` in it is the schema."""

    def tables(self) -> set[str]:
        """The names of all tables, temporary ones too."""

    def clear(self) -> None:
        """Drop every table but ``edges``."""


class Project:
    """Builds ``identities`` from an engine's ``edges``; use it in a ``with`` block.

    Args:
        folder: does not exist yet.
        macros: the project's macros, or others in their place.
    """

    def __init__(self, folder: Path, engine: Engine, macros: Path = MACROS) -> None:
        self.engine = engine
        (folder / "models").mkdir(parents=True)
        output = engine.profile()
        profiles = {"adcanary": {"target": output["type"], "outputs": {output["type"]: output}}}
        (folder / "dbt_project.yml").write_text(
            json.dumps({**_PROJECT, "macro-paths": [str(macros)]})
        )
        (folder / "profiles.yml").write_text(json.dumps(profiles))
        (folder / "models" / "identities.sql").write_text(_MODEL % engine.schema)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "DO_NOT_TRACK": "1"},
        )

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(self, *arguments: str) -> tuple[bool, str]:
        """One ``dbt run``: whether it went well, and what dbt says of the model."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(arguments), file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("answer "):
                success, said = json.loads(line.removeprefix("answer "))
                return success, " ".join(said)
        raise AssertionError("dbt ended")

    def build(self, edges: Iterable[Edge], *arguments: str) -> Built:
        """Make these all the edges, run, and read what there is then."""
        self.engine.load(edges)
        success, said = self.run(*arguments)
        assert success, said
        nodes = self.engine.rows("SELECT node, component_id, first_seen_at FROM {}.identities")
        assert len({node for node, _, _ in nodes}) == len(nodes), "a node has two rows"
        history = self.engine.rows(
            "SELECT from_component_id, into_component_id, reason FROM {}.identity_merges"
            " ORDER BY happened_at, 3, 1, 2"
        )
        return Built(
            {node: component for node, component, _ in nodes},
            {node: at for node, _, at in nodes},
            [(str(a), str(b), str(c)) for a, b, c in history],
            said,
        )


def md5(node: str) -> str:
    """A founder's component id."""
    return hashlib.md5(node.encode()).hexdigest()


def partition(edges: Iterable[Edge]) -> list[set[str]]:
    """The components, by SciPy."""
    rows = list(edges)
    names = sorted({node for edge in rows for node in (edge.left, edge.right)})
    number = {name: n for n, name in enumerate(names)}
    ends = np.array([[number[e.left], number[e.right]] for e in rows], dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(rows)), (ends[:, 0], ends[:, 1])), shape=[len(names)] * 2)
    found: dict[int, set[str]] = {}
    for name, label in zip(names, connected_components(graph, directed=False)[1], strict=True):
        found.setdefault(int(label), set()).add(name)
    return list(found.values())


def first_seen(edges: Iterable[Edge]) -> dict[str, datetime]:
    """When each node was seen first."""
    found: dict[str, datetime] = {}
    for edge in edges:
        for node in (edge.left, edge.right):
            found[node] = min(found.get(node, edge.at), edge.at)
    return found


def expected_ids(before: dict[str, str], edges: list[Edge]) -> dict[str, str | None]:
    """The id of each node's component by the rules, told in another way than the macros tell it.

    Args:
        before: ids by node, as of the run before.
        edges: all edges there are now.

    Returns:
        Ids by node; None where the founder's hash is taken and the id is of that run alone.
    """
    seen = first_seen(edges)
    parts = partition(edges)
    part_of = {node: n for n, part in enumerate(parts) for node in part}
    claims: dict[int, list[tuple[datetime, str]]] = {}
    for old in set(before.values()):
        held = [node for node, of in before.items() if of == old and node in part_of]
        if held:
            holder = min(held, key=lambda node: (md5(node) != old, seen[node], node))
            claims.setdefault(part_of[holder], []).append((seen[holder], old))
    ids: dict[int, str | None] = {n: min(claimed)[1] for n, claimed in claims.items()}
    kept = set(ids.values())
    for n, part in enumerate(parts):
        if n not in ids:
            founder = min(part, key=lambda node: (seen[node], node))
            ids[n] = None if md5(founder) in kept else md5(founder)
    return {node: ids[n] for node, n in part_of.items()}


def _components(built: Built) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node, component in built.component_of.items():
        found.setdefault(component, set()).add(node)
    return found


def check(built: Built, before: dict[str, str], edges: list[Edge]) -> None:
    """The components are SciPy's, their ids the rules', given the ids by node before."""
    assert sorted(map(sorted, _components(built).values())) == sorted(map(sorted, partition(edges)))
    assert built.seen == first_seen(edges)
    wanted = expected_ids(before, edges)
    for node, component in built.component_of.items():
        if wanted[node] is None:
            assert component not in before.values()
        else:
            assert component == wanted[node], node


def check_history(built: Built, before: dict[str, str], told: list[tuple[str, str, str]]) -> None:
    """Every node that changed its component, and nothing else, is told of."""
    now = built.component_of
    new = built.history[len(told) :]
    assert built.history[: len(told)] == told
    moved = {(before[n], now[n]) for n in before if n in now and before[n] != now[n]}
    assert {(a, b) for a, b, _ in new} == moved
    assert len(new) == len(moved)
    for old, _, reason in new:
        assert (reason == "merge") == (old not in now.values()) or reason == "split"


def random_runs(seed: int, runs: int) -> Iterator[tuple[list[Edge], list[str]]]:
    """All edges as of each run, and dbt's further arguments: edges come, go, and are told twice."""
    rng = random.Random(seed)
    edges: list[Edge] = []
    for run in range(runs):
        gone = rng.sample(edges, k=len(edges) * rng.choice((0, 0, 5, 20)) // 100)
        edges = [edge for edge in edges if edge not in gone]
        for _ in range(rng.choice((1, 10, 60))):
            left, right = f"i{rng.randrange(80)}", f"d{rng.randrange(60)}"
            right = left if rng.random() < 0.05 else right
            edges.append(Edge(left, right, rng.randrange(400)))
        full = ["--full-refresh"] if run and rng.random() < 0.2 else []
        yield rng.sample(edges, len(edges)), full
