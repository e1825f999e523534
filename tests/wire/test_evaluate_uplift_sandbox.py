"""The uplift job on the sandbox's experiment, from its GA4 export to a score against its truth."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from pipelines.build import build
from pipelines.cli.ingest import Request, ingest_sources
from pipelines.config import Secrets, load_settings
from pipelines.errors import UsageError
from pipelines.evaluate.uplift_sandbox import score_experiment
from pipelines.jobs.run import run_job
from pipelines.sandbox.market.experiment import OUTCOME
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import World
from pipelines.sources.registry import open_source
from pipelines.warehouse import open_warehouse
from tests.wire.conftest import TODAY

pytestmark = pytest.mark.xdist_group("build")

LAST = date(2026, 6, 30)


def test_the_jobs_answer_holds_the_truth_of_the_experiment(tmp_path: Path) -> None:
    market = Market(start=date(2026, 4, 20), end=LAST)
    jobs = {"uplift": {"outcome": OUTCOME, "learners": ["t"]}}
    world = World(tmp_path, market, TODAY, {"jobs": jobs}, sources=("ga4_export",))
    with world, pytest.MonkeyPatch.context() as m:
        for name, value in world.secrets.items():
            m.setenv(name, value)
        settings = load_settings(world.config)
        warehouse = open_warehouse(settings)
        now = settings.clock()
        assert isinstance(now, datetime)
        openers = [lambda: open_source(settings, Secrets(), "ga4_export")]
        request = Request(now, start=market.experiment.first_day, end=LAST)
        assert ingest_sources(warehouse, openers, request) == []
        build(settings, select="+experiment_outcomes +persistent_touchpoints")
        with pytest.raises(UsageError, match="No run of the uplift job"):
            score_experiment(warehouse, settings)
        run = run_job(warehouse, settings, "uplift", LAST)
        score = score_experiment(warehouse, settings)
    assert run.verdict == "PASS", run.reason
    low, high = score["ate_interval"]
    assert low < score["ate_true"] < high
    assert score["qini_interval"][0] > 0
    assert score["mixed"] > 0
    inside = [s["interval"][0] <= s["truth"] <= s["interval"][1] for s in score["segments"]]
    assert sum(inside) >= len(inside) - 1
    rows = warehouse.query(
        "SELECT segment, uplift FROM contracts.uplift_segment_daily WHERE segment <> 'everybody'"
    ).to_pylist()
    stored = {row["segment"]: row["uplift"] for row in rows}
    assert stored == {s["segment"]: s["uplift"] for s in score["segments"]}
