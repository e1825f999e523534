"""The mmm job with a plan: it is held and certified, or the reason says what can't be held."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import JobsSettings, MmmSettings, Settings
from pipelines.jobs.allocation import check
from pipelines.jobs.run import run_job
from tests.unit.mmm_market import (
    AS_OF,
    LIMITS,
    SETTINGS,
    contract_rows,
    known_market,
    short_chains,
    warehouse_with,
)

pytestmark = pytest.mark.slow

__all__ = ["short_chains"]


def with_plan(allocation: dict[str, Any], **further: Any) -> Settings:
    mmm = MmmSettings.model_validate({**LIMITS.model_dump(), "allocation": allocation, **further})
    return SETTINGS.model_copy(update={"jobs": JobsSettings(mmm=mmm)})


def test_a_plan_with_another_risk_is_held_and_certified(tmp_path: Path) -> None:
    warehouse = warehouse_with(known_market(), tmp_path / "w.duckdb")
    plan = {"risk": "cvar", "level": 0.2, "channels": {"meta_ads": {"max_step_percent": 1}}}

    run = run_job(warehouse, with_plan(plan), "mmm", AS_OF)

    assert run.verdict == "PASS", run.reason
    assert "the settings of jobs.mmm.allocation, by the mean of its lowest 20%," in run.reason
    rows = contract_rows(warehouse, "mmm_allocations")
    assert sum(r["proposed_weekly_micros"] - r["current_weekly_micros"] for r in rows) == 0
    assert all(
        abs(r["proposed_weekly_micros"] - r["current_weekly_micros"])
        <= 0.01 * rows[1]["current_weekly_micros"]
        for r in rows
    )
    (row,) = contract_rows(warehouse, "mmm_certificates")
    certificate, curves = json.loads(row["certificate"]), json.loads(row["curves"])
    assert certificate["goal"]["risk"] == "cvar"
    assert "step of meta_ads at most" in {k["name"] for k in certificate["constraints"]}
    assert [t for holds, t in check.claims(certificate, curves["channels"]) if not holds] == []


def test_a_plan_that_cannot_be_held_and_a_misspelt_segment_are_told_in_the_reason(
    tmp_path: Path,
) -> None:
    warehouse = warehouse_with(known_market(), tmp_path / "w.duckdb")
    segments = [{"channel": "google_ads", "name": "generic", "labels": ["genric"]}]
    plan = {"channels": {"meta_ads": {"floor": 50_000}}}

    run = run_job(warehouse, with_plan(plan, segments=segments), "mmm", AS_OF)

    assert run.verdict == "INCONCLUSIVE"
    assert "'floor of meta_ads' (meta_ads >= 50,000.00 USD)" in run.reason
    assert "would do: 'floor of meta_ads' >= " in run.reason
    assert "no campaign is of google_ads:generic" in run.reason
    assert "labels like it: 'generic'" in run.reason
    assert contract_rows(warehouse, "mmm_allocations") == []
    assert contract_rows(warehouse, "mmm_certificates") == []
    assert contract_rows(warehouse, "mmm_curves")
    rows = {row["name"]: row for row in contract_rows(warehouse, "mmm_diagnostics")}
    assert not rows["allocation_exists"]["passed"]
    assert not rows["campaigns_google_ads:generic"]["passed"]
    assert rows["campaigns_google_ads:generic"]["channel"] == "google_ads:generic"


def test_a_job_as_json_is_one_object_whatever_a_native_library_prints(tmp_path: Path) -> None:
    warehouse_with(known_market(weeks=30), tmp_path / "w.duckdb")
    (tmp_path / "adcanary.yaml").write_text(
        "now: 2026-07-01T08:00:00Z\nwarehouse: {path: w.duckdb}\n"
    )
    program = (
        "import ctypes, sys\n"
        "from pipelines.cli.main import main\n"
        "from pipelines.jobs.mmm import MmmJob\n"
        "compute = MmmJob.compute\n"
        "def noisy(*given):\n"
        "    ctypes.CDLL(None).puts(b'a line of the solver')\n"
        "    return compute(*given)\n"
        "MmmJob.compute = noisy\n"
        "sys.argv = ['adcanary', 'job', 'mmm', '--format', 'json', '--as-of', '2026-06-30']\n"
        "main()\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    run = json.loads(ran.stdout)
    assert (run["job"], run["as_of"], run["verdict"]) == ("mmm", "2026-06-30", "NO_DATA")
    assert run["reason"].startswith("There are only 30 consecutive complete weeks")
    assert run["plots"] == []
    assert "a line of the solver" in ran.stderr
