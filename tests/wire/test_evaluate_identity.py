"""`adcanary evaluate identity`: components of any edges, and the sandbox's people by its truth.

Other jobs that read its people are scored on the same build.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from typer.testing import CliRunner

from pipelines.build import build
from pipelines.cli.evaluate import evaluate_app
from pipelines.cli.ingest import Request, ingest_sources
from pipelines.config import Settings, load_settings
from pipelines.errors import AdcanaryError, InputError, UsageError
from pipelines.evaluate.components import solve
from pipelines.evaluate.identity import score_pairs
from pipelines.evaluate.uplift_sandbox import score_experiment
from pipelines.job_settings import UpliftSettings
from pipelines.jobs.run import JobRun, run_job
from pipelines.sandbox.market.experiment import OUTCOME
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.visitors import identity_truth
from pipelines.sandbox.world import World
from pipelines.secret_settings import Secrets
from pipelines.sources.base import Source
from pipelines.sources.registry import open_source
from pipelines.warehouse import Warehouse, open_warehouse
from tests.wire.conftest import TODAY

pytestmark = pytest.mark.xdist_group("build")

SOURCES = ("ga4_export", "shopify", "server_events")
MODELS = (
    "+identity_links int_identity_signals +person_texts_weekly "
    "+experiment_outcomes +experiment_variations +persistent_touchpoints"
)
LAST, FIRST = date(2026, 6, 30), date(2026, 5, 22)


def _evaluate(*arguments: str) -> Any:
    """The JSON that ``adcanary evaluate identity`` prints."""
    done = CliRunner().invoke(evaluate_app, ["identity", *arguments, "--format", "json"])
    if isinstance(done.exception, AdcanaryError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def _edges(path: Path, *lines: str) -> str:
    path.write_text("\n".join(["left,right", *lines]) + "\n")
    return str(path)


def test_components_of_edges_are_told(tmp_path: Path) -> None:
    # a chain of four, a triangle, one by itself; ids that look like numbers are texts, and stripped
    lines = ("a,b", "b, c", "c,d", "1,01", "01,001", "001,1", "z,z")
    found = _evaluate("--edges", _edges(tmp_path / "e.csv", *lines))
    assert set(found) == {"components", "largest", "rounds", "seconds"}
    assert (found["components"], found["largest"]) == (3, 4)
    assert 1 <= found["rounds"] <= 4
    assert 0 <= found["seconds"] < 60


def test_no_edges_are_no_components(tmp_path: Path) -> None:
    found = _evaluate("--edges", _edges(tmp_path / "e.csv"))
    assert (found["components"], found["largest"], found["rounds"]) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_components_are_those_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes, edges = int(rng.integers(1, 3_000)), int(rng.integers(0, 4_000))
    left, right = rng.integers(0, nodes, (2, edges))
    labels, rounds = solve(left, right, nodes)
    assert rounds <= nodes.bit_length()
    graph = coo_matrix((np.ones(edges), (left, right)), shape=(nodes, nodes))
    count, theirs = connected_components(graph, directed=False)
    assert len(np.unique(labels)) == count
    assert len(np.unique(np.stack([labels, theirs]), axis=1).T) == count


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_path_of_100_000_is_solved_in_20_rounds(shuffled: bool) -> None:
    path = np.arange(100_000)
    if shuffled:
        np.random.default_rng(1).shuffle(path)
    labels, rounds = solve(path[:-1], path[1:], len(path))
    assert len(np.unique(labels)) == 1
    assert rounds <= 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("left,to\na,b\n", "has no column right; it has left, to"),
        ("left,right\na,b\na,\n", "line 3: the edge has no right"),
        ("left,right\n\na,b\n\n ,b\n", "line 5: the edge has no left"),
        ("left,right,left\na,b,c\n", "has the column left twice"),
        ("left;right\na;b\n", "separates its columns by semicolons"),
        ("", "can't be read as CSV: it is empty"),
    ],
)
def test_a_file_that_holds_no_edges_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "e.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        _evaluate("--edges", str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv does not exist"):
        _evaluate("--edges", str(tmp_path / "nowhere.csv"))


def test_pairs_are_counted_not_identifiers() -> None:
    nodes = [("device", str(n)) for n in range(6)]
    truth = dict(zip(nodes, "aaabbb", strict=True))
    found = dict(zip(nodes, "xxyyyz", strict=True))
    score = score_pairs(found, truth, nodes)
    # found: 1 + 3 pairs; true: 3 + 3; both: one of x, one of y
    assert (score.pairs, score.true_pairs, score.right) == (4, 6, 2)
    assert (score.precision, score.recall, score.f1) == (0.5, 1 / 3, 0.4)
    alone = score_pairs(found, truth, nodes[:1])
    assert (alone.precision, alone.recall, alone.f1) == (None, None, None)


def _market() -> Market:
    """Ten weeks, of which the last six are landed."""
    return Market(start=date(2026, 4, 20), end=LAST, scale=0.3)


@dataclass(frozen=True)
class Scored:
    """A sandbox's warehouse with its models and one run of the links job."""

    settings: Settings
    warehouse: Warehouse
    run: JobRun

    def evaluate(self, *arguments: str) -> Any:
        return _evaluate("--config", str(self.settings.path), *arguments)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scored]:
    folder = tmp_path_factory.mktemp("world")
    world = World(folder, _market(), TODAY, sources=SOURCES)
    with world, pytest.MonkeyPatch.context() as m:
        for name, value in world.secrets.items():
            m.setenv(name, value)
        settings = load_settings(world.config)
        warehouse = open_warehouse(settings)

        def opener(name: str) -> Source:
            return open_source(settings, Secrets(), name)

        openers = [lambda name=name: opener(name) for name in SOURCES]
        now = settings.clock()
        assert isinstance(now, datetime)
        assert ingest_sources(warehouse, openers, Request(now, start=FIRST, end=LAST)) == []
        build(settings, select=MODELS)
        yield Scored(settings, warehouse, run_job(warehouse, settings, "identity_links", LAST))


def test_deterministic_identity_is_right_and_links_add_to_it(scored: Scored) -> None:
    assert scored.run.verdict == "PASS", scored.run.reason
    found = scored.evaluate()
    assert found["nodes"] > 5_000
    assert found["nodes_without_truth"] == 0
    alone, linked = found["deterministic"]["all"], found["with_links"]["all"]
    assert alone["precision"] >= 0.999
    assert linked["precision"] >= 0.98
    assert linked["f1"] >= 0.95
    # the mart, and what another threshold would make of it, follow one rule
    assert scored.evaluate("--threshold", str(found["threshold"])) == found
    wider = scored.evaluate("--threshold", "0.5")
    assert wider["links"] > found["links"] > 0
    devices = wider["with_links"]["devices"]["recall"]
    assert devices > found["deterministic"]["devices"]["recall"]


def test_links_are_about_as_often_right_as_they_promise(scored: Scored) -> None:
    truth = identity_truth(_market()).devices
    rows = scored.warehouse.query(
        "SELECT links.match_probability, l.client_id AS left_id, r.client_id AS right_id "
        "FROM contracts.identity_links AS links "
        "JOIN (SELECT DISTINCT client_key, client_id FROM staging.stg_server__events) AS l "
        "ON links.client_key_l = l.client_key "
        "JOIN (SELECT DISTINCT client_key, client_id FROM staging.stg_server__events) AS r "
        "ON links.client_key_r = r.client_key"
    ).to_pylist()
    assert len(rows) > 50
    promised = sum(row["match_probability"] for row in rows) / len(rows)
    right = sum(truth[row["left_id"]] == truth[row["right_id"]] for row in rows) / len(rows)
    assert abs(promised - right) < 0.15


def test_interests_are_found_and_named_under_pseudonymous_ids(scored: Scored) -> None:
    run = run_job(scored.warehouse, scored.settings, "clustering", LAST)
    assert run.verdict == "PASS", run.reason
    arguments = ["clustering", "--config", str(scored.settings.path), "--format", "json"]
    done = CliRunner().invoke(evaluate_app, arguments)
    assert done.exit_code == 0, done.output
    score = json.loads(done.stdout)["sandbox"]
    assert score["clusters"] == 8
    assert score["adjusted_rand_index"] > 0.7
    assert len({interest["truth"] for interest in score["interests"]}) == 8


def test_the_uplift_jobs_answer_holds_the_truth_of_the_experiment(scored: Scored) -> None:
    own = UpliftSettings(outcome=OUTCOME, learners=("t",), detectable=0.6)
    jobs = scored.settings.jobs.model_copy(update={"uplift": own})
    settings = scored.settings.model_copy(update={"jobs": jobs})
    with pytest.raises(UsageError, match="No run of the uplift job"):
        score_experiment(scored.warehouse, settings)
    run = run_job(scored.warehouse, settings, "uplift", LAST)
    score = score_experiment(scored.warehouse, settings)
    assert run.verdict == "PASS", run.reason
    low, high = score["ate_interval"]
    assert 0 < low < score["ate_true"] < high
    assert score["mixed"] > 0
    stored = scored.warehouse.query(
        "SELECT basis, uplift FROM contracts.uplift_segment_daily WHERE segment = 'everybody'"
    ).to_pylist()
    assert stored == [{"basis": "randomised", "uplift": score["ate"]}]
    # earlier visitors and touches are there, too few for an answer
    assert "ads: Paid Search: of the 610 people who had visited" in run.reason


def test_what_one_person_searched_for_is_in_no_mart(scored: Scored) -> None:
    sql = "SELECT DISTINCT text FROM {} WHERE kind = 'search'"
    landed, shown = (
        set(scored.warehouse.query(sql.format(table))["text"].to_pylist())
        for table in ("intermediate.int_interests_texts_daily", "marts.person_texts_weekly")
    )
    assert any("son " in text for text in landed)  # of a name that nobody else typed
    assert shown
    assert not any("son " in text for text in shown)


def test_a_warehouse_that_is_no_sandboxs_has_no_truth(scored: Scored, tmp_path: Path) -> None:
    config = tmp_path / "adcanary.yaml"
    config.write_text(f"warehouse: {{kind: duckdb, path: {scored.settings.warehouse.path}}}\n")
    with pytest.raises(UsageError, match="is not a sandbox's"):
        _evaluate("--config", str(config))
