"""A run's id is made of all that its job computes from: no cap can change without a new run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.canonical import canonical_json
from pipelines.config import Settings
from pipelines.jobs import run as runs
from pipelines.jobs.base import Outcome, Progress
from pipelines.jobs.mmm import MmmJob
from pipelines.policy_settings import AllocationCaps, GuardrailSettings, PolicySettings
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse
from tests.unit.warehouse_files import empty_warehouse

JOBS = Path(runs.__file__).parent
AS_OF = date(2026, 6, 30)


class SpySettings(Section):
    floor: float


class Spy:
    """Keeps what it was given to compute from."""

    name, model_version, tables, plots = "spy", "1", (), ()

    def __init__(self) -> None:
        self.given: list[Any] = []

    def settings(self, settings: Settings) -> SpySettings:
        return SpySettings(floor=settings.guardrails.channel_floor_percent)

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        return {}

    def compute(
        self, inputs: Mapping[str, pa.Table], settings: SpySettings, as_of: date, say: Progress
    ) -> Outcome:
        self.given.append(settings)
        return Outcome("PASS", "")


def test_a_job_computes_from_exactly_what_its_run_id_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy()
    monkeypatch.setattr(runs, "JOBS", {spy.name: spy})
    warehouse = empty_warehouse(tmp_path / "w.duckdb")

    def run(**caps: float) -> runs.JobRun:
        settings = Settings(policy=PolicySettings(guardrails=GuardrailSettings(**caps)))
        return runs.run_job(warehouse, settings, "spy", AS_OF)

    first = run()
    assert run(max_daily_change_percent=9).run_id == first.run_id  # it computes from no such cap
    assert run(channel_floor_percent=6).run_id != first.run_id
    stored = warehouse.query("SELECT settings FROM contracts.job_runs ORDER BY settings")
    assert stored["settings"].to_pylist() == [
        canonical_json(given.model_dump(mode="json", exclude_none=True)) for given in spy.given
    ]


def test_only_a_jobs_own_settings_method_sees_the_whole_configuration() -> None:
    """What compute can't see, it can't depend on."""
    for path in sorted(JOBS.glob("*/*.py")):
        tree = ast.parse(path.read_text())
        allowed = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef) and function.name == "settings"
            for node in ast.walk(function)
        }
        seen = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id in {"Settings", "load_settings"}
            if id(node) not in allowed
        ]
        assert seen == [], path


def test_the_media_mix_depends_on_every_cap_of_the_allocation_and_on_no_other() -> None:
    job = MmmJob()
    before = job.settings(Settings())
    bounding = set()
    for name in GuardrailSettings.model_fields:
        caps = GuardrailSettings().model_copy(update={name: 6.5})
        if job.settings(Settings(policy=PolicySettings.model_construct(guardrails=caps))) != before:
            bounding.add(name)
    assert bounding == set(AllocationCaps.model_fields)
    assert len(bounding) == 3
