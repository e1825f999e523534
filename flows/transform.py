"""The transform flow: dbt build, from raw to marts, with its tests."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task

from flows.retries import RETRIES
from pipelines.build import BuildResult, build
from pipelines.config import load_settings


@task(name="dbt build", **RETRIES)
def build_models(config: Path | None) -> BuildResult:
    """Build and test every model; a failing test fails the task."""
    return build(load_settings(config), on_progress=get_run_logger().info)


@flow(name="transform")
def transform(config: Path | None = None) -> BuildResult:
    """Rebuild the marts from what landing published."""
    return build_models(config)
