"""The transform flow: dbt build, from raw to marts, with its tests."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from flows.limits import BUILD, alone
from flows.markdown import text
from flows.retries import HOUR, RETRIES
from pipelines.build import build
from pipelines.build_results import BuildResult
from pipelines.config import load_settings


@task(name="dbt build", **RETRIES)
def build_models(config: Path | None) -> BuildResult:
    """Build and test every model, if anything is new; a failing test fails the task, one that only
    warns is logged."""
    log = get_run_logger()
    result = build(load_settings(config), on_progress=log.info)
    for warning in result.warnings:
        log.warning("%s", warning)
    log.info("%s", result)
    return result


@flow(name="transform", timeout_seconds=3 * HOUR)
def transform(config: Path | None = None) -> BuildResult:
    """Rebuild the marts from what landing published, if that is new.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.
    """
    with alone(BUILD):
        result = build_models(config)
    warnings = [f"- {text(str(warning))}" for warning in result.warnings]
    create_markdown_artifact(key="build", markdown="\n".join([text(str(result)), "", *warnings]))
    return result
