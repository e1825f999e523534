"""The backup flow: one verified copy of the DuckDB file a day, of which some are kept."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from flows.markdown import text
from flows.retries import HOUR, RETRIES
from pipelines.backups import prune, save
from pipelines.config import load_settings
from pipelines.warehouse.backup import Saved


@task(name="backup", **RETRIES)
def write_backup(config: Path | None) -> Saved:
    """Write and verify one, in ``backups/`` beside the file."""
    return save(load_settings(config))


@task(name="delete old backups")
def delete_old(config: Path | None, keep: int) -> list[Path]:
    """Delete all but the newest; which were deleted."""
    return prune(load_settings(config), keep)


@flow(name="backup", timeout_seconds=2 * HOUR)
def backup(config: Path | None = None, keep: int = 7) -> None:
    """Back the DuckDB file up. On BigQuery, which keeps seven days of every table, does nothing.

    A backup holds what the warehouse held of people, out of reach of erasure: old ones are deleted.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.
        keep: how many backups stay, at least one.
    """
    if load_settings(config).warehouse.kind != "duckdb":
        get_run_logger().info("BigQuery keeps seven days of every table: nothing to back up.")
        return
    saved = write_backup(config)
    deleted = delete_old(config, keep)
    create_markdown_artifact(
        key="backup",
        markdown=f"{text(saved.path.name)}: {saved.size / 1e6:,.1f} MB, {saved.tables} tables, "
        f"{saved.rows:,} rows, verified; {len(deleted)} older deleted",
    )
