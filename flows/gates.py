"""The gates flow: what is watched, looked at once a day; it fails where something is wrong."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_table_artifact

from flows.markdown import text
from flows.retries import HOUR, RETRIES
from pipelines.config import load_settings
from pipelines.finding import Finding, Status
from pipelines.monitors.run import monitor


class GateFailed(RuntimeError):
    """Something that is watched is wrong; nothing was changed."""


@task(name="monitors", **RETRIES)
def look(config: Path | None) -> list[Finding]:
    """Look at everything that is watched: data, volumes, drift, jobs, decisions, cost."""
    return monitor(load_settings(config))


@flow(name="gates", timeout_seconds=HOUR)
def gates(config: Path | None = None) -> list[Finding]:
    """Look at what the warehouse holds, as ``adcanary monitor`` does.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.

    Raises:
        GateFailed: something is wrong; says what, and what to do about it.
    """
    findings = look(config)
    rows = [
        {
            "name": text(f.name),
            "status": f.status.value,
            "message": text(f.message),
            "fix": text(f.fix or ""),
        }
        for f in findings
    ]
    create_table_artifact(key="gates", table=rows, description="What is watched")
    failed = [f"{f.name}: {f.message} {f.fix or ''}" for f in findings if f.status is Status.FAIL]
    if failed:
        raise GateFailed("\n".join(failed))
    return findings
