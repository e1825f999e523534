"""sql/queries and the notebook: every query runs and finds something, on the sandbox's data."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.config import load_settings
from pipelines.warehouse import open_warehouse
from tests.e2e.conftest import Platform
from tests.unit.docs_pages import DOCS, QUERIES, page

pytestmark = pytest.mark.xdist_group("daily")

# The sandbox's budgets stand still, nobody shares a thing there, no row is bad, and nothing was
# proposed before the first day's scorecard (tests/e2e/test_tutorial.py has a later one).
MAY_BE_EMPTY = {"budget_changes", "identifiers_skipped", "rejected_rows", "scorecard_by_job"}
# Too few visitors here for attribution to credit anybody; DuckDB bills nothing, and a build has no
# reason.
MAY_BE_UNKNOWN = {
    *(("channel_cac", column) for column in ("orders", "cost_per_order")),
    *(("job_costs", column) for column in ("gib_billed", "slot_seconds")),
    *(("build_costs", column) for column in ("gib_billed", "slot_seconds", "reason")),
}


def test_ten_questions_are_answered() -> None:
    questions = re.findall(r"^## \d+\. .*$", page(DOCS / "analysts.md"), re.MULTILINE)
    assert len(questions) == 10


@pytest.mark.parametrize("path", QUERIES, ids=lambda p: p.stem)
def test_a_query_finds_something(path: Path, on_duckdb: Platform) -> None:
    """As `adcanary query` asks it, without a process for each."""
    warehouse = open_warehouse(load_settings(on_duckdb.world.config), create=False)
    rows = warehouse.ask(path.read_text()).to_pylist()
    assert rows or path.stem in MAY_BE_EMPTY
    columns = rows[0] if rows else {}
    unknown = {(path.stem, c) for c in columns if all(row[c] is None for row in rows)}
    assert unknown <= MAY_BE_UNKNOWN


def test_a_query_in_a_file_is_asked_as_the_guide_says(on_duckdb: Platform) -> None:
    file = next(p for p in QUERIES if p.stem == "freshness")
    header, *rows = on_duckdb.adcanary("query", "--file", str(file)).splitlines()
    assert header.split("\t")[:2] == ["source", "table_name"]
    assert rows


def test_the_notebook_draws_its_plots(on_duckdb: Platform, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "notebooks" / "marts.py"],
        env={**os.environ, "ADCANARY_CONFIG": str(on_duckdb.world.config), "MPLBACKEND": "Agg"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {p.name for p in tmp_path.glob("*.png")} == {"spend.png", "response.png", "pacing.png"}
