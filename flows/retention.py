"""The retention flow: expires event-level rows every day."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_table_artifact

from flows.retries import HOUR, RETRIES
from pipelines.config import load_settings
from pipelines.privacy.retention import expire
from pipelines.warehouse import open_warehouse


@task(name="expire events", **RETRIES)
def expire_events(config: Path | None, days: int | None) -> dict[str, int]:
    """Delete rows older than the retention period; returns their number by table."""
    settings = load_settings(config)
    kept = settings.privacy.event_retention_days if days is None else days
    return expire(open_warehouse(settings), settings.today(), kept)


@flow(name="retention", timeout_seconds=2 * HOUR)
def retention(config: Path | None = None, days: int | None = None) -> dict[str, int]:
    """Expire event-level rows.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.
        days: keep so many; by default privacy.event_retention_days.
    """
    rows = expire_events(config, days)
    create_table_artifact(
        key="expired-rows",
        table=[{"table": table, "rows": n} for table, n in rows.items()],
        description="Event-level rows that expired",
    )
    return rows
