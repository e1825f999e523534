"""The backups of the DuckDB file: where they are, how one is verified, and how many are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipelines.config import Settings
from pipelines.errors import UsageError
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.verify import verify
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.backup import Saved, back_up

_FOLDER = "backups"


def save(settings: Settings, destination: Path | None = None) -> Saved:
    """Write the DuckDB file, with its log, as one file, and verify it with its decisions.

    Args:
        destination: the file to write, or a folder for it; by default ``backups/`` beside it.

    Raises:
        UsageError: there is no file yet, the warehouse is on BigQuery, or something is there.
        WarehouseLocked: a writer held the file for too long.
        StatementError: the disk has no room, or the file is damaged.
        IntegrityError: a row was read back differently, or the record of decisions is broken.
    """
    path = duckdb_file_of(settings)
    if not path.exists():
        raise UsageError(
            f"There is no warehouse at {path} yet.",
            kept="nothing was written.",
            fix="Check warehouse.path in adcanary.yaml.",
        )
    name = f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{path.suffix}"
    if destination is None:
        destination = path.parent / _FOLDER / name
        destination.parent.mkdir(exist_ok=True)
    elif destination.is_dir():
        destination = destination / name
    patience = settings.warehouse.lock_timeout_seconds
    return back_up(path, destination, patience, lambda copy: verify_copy(settings, copy))


def prune(settings: Settings, keep: int) -> list[Path]:
    """Delete all but the newest backups that :func:`save` named, in its own folder.

    They hold what the warehouse held of people, out of reach of erasure and retention.

    Args:
        keep: how many stay, at least one.

    Returns:
        Which were deleted.
    """
    path = duckdb_file_of(settings)
    stamp = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z"
    kept = sorted((path.parent / _FOLDER).glob(f"{path.stem}-{stamp}{path.suffix}"))
    old = kept[: -max(keep, 1)]
    for backup in old:
        backup.unlink(missing_ok=True)
    return old


def verify_copy(settings: Settings, copy: Path) -> str:
    """Verify the record of decisions in a copy; its anchor stays with the original.

    Returns:
        What was verified, as a sentence.

    Raises:
        IntegrityError: something is broken; names the row.
    """
    at_copy = settings.warehouse.model_copy(update={"path": copy})
    warehouse = open_warehouse(settings.model_copy(update={"warehouse": at_copy}), create=False)
    if "canary" not in warehouse.datasets():
        return "it holds no decisions"
    return verify(Ledger(warehouse, None)).partition(", and there is no anchor")[0]


def duckdb_file_of(settings: Settings) -> Path:
    """The file of the warehouse.

    Raises:
        UsageError: it is on BigQuery.
    """
    if settings.warehouse.kind == "duckdb":
        return settings.warehouse.path
    raise UsageError(
        "backup and restore are for the DuckDB file; this warehouse is on BigQuery.",
        kept="nothing was written.",
        fix="BigQuery keeps seven days of every table by itself: SELECT … FOR SYSTEM_TIME AS OF. "
        "For longer, take snapshots: CREATE SNAPSHOT TABLE … CLONE …, and restore with "
        "CREATE TABLE … CLONE ….",
    )
