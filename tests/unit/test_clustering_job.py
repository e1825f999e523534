"""The clustering job gives people interests under ids that stay, or says why it doesn't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.jobs.clustering import job
from pipelines.jobs.clustering.job import last_monday
from pipelines.jobs.clustering.plots import plot_interests
from pipelines.jobs.run import JobRun, run_job
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.clustering_rows import INTERESTS, views_of

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)  # a Tuesday
MONDAY = date(2026, 6, 22)
ROOM = Path(job.__file__).parent
SCHEMA = pa.schema(
    [
        ("week_start", pa.date32()),
        ("person_id", pa.string()),
        ("kind", pa.string()),
        ("text", pa.string()),
        ("views", pa.int64()),
    ]
)

Views = Sequence[tuple[str, str]]
Rows = list[dict[str, Any]]


def warehouse_with(path: Path, *views: Views, last: date = MONDAY) -> DuckDBWarehouse:
    """A file with these views, those of the last list in the week ``last``, and so on backwards."""
    warehouse = DuckDBWarehouse(path)
    tables = ("interest_clusters", "interest_cluster_members", "job_runs")
    warehouse.create_tables([load_contract(f"contracts.{name}") for name in tables])
    rows: Counter[tuple[date, str, str]] = Counter()
    for ago, of_week in enumerate(reversed(views)):
        rows.update((last - timedelta(weeks=ago), person, text) for person, text in of_week)
    named = [
        {"week_start": week, "person_id": person, "kind": "page", "text": text, "views": n}
        for (week, person, text), n in rows.items()
    ]
    with duckdb.connect(str(path)) as connection:
        connection.register("given", pa.Table.from_pylist(named, SCHEMA))
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.person_texts_weekly AS SELECT * FROM given")
    return warehouse


def run(warehouse: DuckDBWarehouse, as_of: date = AS_OF, **jobs: Any) -> JobRun:
    settings = Settings.model_validate(
        {"now": "2026-07-20T00:00:00Z", "jobs": {"clustering": {"max_clusters": 8, **jobs}}}
    )
    return run_job(warehouse, settings, "clustering", as_of)


def rows_of(
    warehouse: DuckDBWarehouse, done: JobRun
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The run's clusters, and each member's."""
    clusters, members = (
        warehouse.query(
            f"SELECT * FROM contracts.{table} WHERE run_id = @run_id", {"run_id": done.run_id}
        ).to_pylist()
        for table in ("interest_clusters", "interest_cluster_members")
    )
    return clusters, {row["person_id"]: row["cluster_id"] for row in members}


@pytest.mark.parametrize(
    ("as_of", "monday"),
    [(AS_OF, MONDAY), (date(2026, 6, 28), MONDAY), (date(2026, 6, 27), date(2026, 6, 15))],
)
def test_a_week_counts_once_its_sunday_is_over(as_of: date, monday: date) -> None:
    assert last_monday(as_of) == monday


def test_people_get_their_interest_with_its_evidence(tmp_path: Path) -> None:
    views, truth = views_of(400)
    warehouse = warehouse_with(tmp_path / "w.duckdb", views)
    done = run(warehouse)
    assert done.verdict == "PASS", done.reason
    clusters, members = rows_of(warehouse, done)
    assert {row["change"] for row in clusters} == {"BORN"}
    assert len(clusters) == len(INTERESTS)
    assert sum(row["people"] for row in clusters) == 400
    assert sum(row["members"] for row in clusters) == len(members)
    right = Counter((cluster, truth[person]) for person, cluster in members.items())
    assert sum(n for _, n in right.most_common(len(INTERESTS))) / len(members) > 0.95
    for row in clusters:
        assert row["week_start"] == MONDAY
        assert 0 < row["cohesion"] <= 1
        assert row["stability"] > 0.9
        assert len(row["centroid"]) == 512
        assert row["top_terms"][: len(row["label"].split(", "))] == row["label"].split(", ")
        assert row["top_texts"]
    again = run(warehouse)
    assert (again.run_id, again.reused) == (done.run_id, True)


def test_ids_stay_next_week_and_an_interest_that_is_gone_is_told(tmp_path: Path) -> None:
    first, _ = views_of(400)
    warehouse = warehouse_with(tmp_path / "w.duckdb", first)
    done = run(warehouse)
    _, before = rows_of(warehouse, done)
    later, truth = views_of(400, seed=2, interests=INTERESTS[:3])
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("DELETE FROM marts.person_texts_weekly")
        for person, text in later:
            connection.execute(
                "INSERT INTO marts.person_texts_weekly VALUES (?, ?, 'page', ?, 1)",
                [MONDAY + timedelta(weeks=1), person, text],
            )
    next_week = run(warehouse, AS_OF + timedelta(weeks=1))
    assert next_week.verdict == "PASS", next_week.reason
    clusters, members = rows_of(warehouse, next_week)
    assert Counter(row["change"] for row in clusters)["KEPT"] == 3
    (gone,) = [row for row in clusters if row["people"] == 0]
    assert gone["change"] in {"DIED", "MERGED"}
    assert gone["label"]
    assert {row["cluster_id"] for row in clusters} <= set(before.values())
    # the picture has every interest of either week, and nothing to show of a run that isn't there
    sizes = {"run_id": next_week.run_id}
    drawn = warehouse.query((ROOM / "sizes.sql").read_text(), sizes)["week_start"].to_pylist()
    assert Counter(drawn) == {MONDAY: 4, MONDAY + timedelta(weeks=1): 3}
    picture = tmp_path / "interests.png"
    assert plot_interests(warehouse, next_week.run_id, picture) == picture
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert plot_interests(warehouse, "none", tmp_path / "none.png") is None
    # the ids say the same interests as before
    _, old_truth = views_of(400)
    meaning = Counter((cluster, old_truth[person]) for person, cluster in before.items())
    interest = {cluster: name for (cluster, name), _ in reversed(meaning.most_common())}
    right = [interest[cluster] == truth[person] for person, cluster in members.items()]
    assert sum(right) / len(right) > 0.9


def test_late_events_of_a_week_leave_its_ids_and_what_is_new_in_it(tmp_path: Path) -> None:
    warehouse = warehouse_with(tmp_path / "w.duckdb", views_of(400)[0])
    first = run(warehouse)
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("DELETE FROM marts.person_texts_weekly WHERE person_id < 'p0040'")
    second = run(warehouse, AS_OF + timedelta(days=1))
    assert second.run_id != first.run_id
    (before, members), (after, later) = (rows_of(warehouse, done) for done in (first, second))
    assert {row["change"] for row in (*before, *after)} == {"BORN"}
    assert {row["cluster_id"] for row in before} == {row["cluster_id"] for row in after}
    both = members.keys() & later.keys()
    assert sum(members[person] == later[person] for person in both) / len(both) > 0.95


def test_too_few_people_or_texts_are_refused_with_what_would_help(tmp_path: Path) -> None:
    few = run(warehouse_with(tmp_path / "few.duckdb", views_of(60)[0]))
    assert few.verdict == "INCONCLUSIVE"
    assert "60 people saw a text that tells one from another; the job needs 200" in few.reason
    poor = [(f"p{i:04}", f"{'ABCDEFGHIJKL'[i % 12]} things") for i in range(300)]
    texts = run(warehouse_with(tmp_path / "texts.duckdb", poor))
    assert texts.verdict == "INCONCLUSIVE"
    assert "There are 12 different texts" in texts.reason
    assert "sources.ga4_export.searches" in texts.reason


def test_people_without_interests_in_common_are_refused(tmp_path: Path) -> None:
    # everybody sees everything: whatever two halves find is chance
    views, _ = views_of(400, elsewhere=1.0)
    warehouse = warehouse_with(tmp_path / "w.duckdb", views)
    done = run(warehouse)
    assert done.verdict == "INCONCLUSIVE"
    assert "No number of clusters is stable" in done.reason
    assert rows_of(warehouse, done) == ([], {})


def test_no_texts_and_old_texts_are_no_data(tmp_path: Path) -> None:
    empty = run(warehouse_with(tmp_path / "empty.duckdb"))
    assert empty.verdict == "NO_DATA"
    assert "has no text of the 12 weeks" in empty.reason
    old = warehouse_with(
        tmp_path / "old.duckdb", views_of(300)[0], last=MONDAY - timedelta(weeks=3)
    )
    done = run(old)
    assert done.verdict == "NO_DATA"
    assert "3 weeks before that of 2026-06-22" in done.reason
