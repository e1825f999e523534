"""Writes the DuckDB file anew without what was deleted: its bytes stay in the file otherwise.

DuckDB 1.5.6 marks a deleted row and, at a checkpoint, frees its blocks; it overwrites neither.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb

from pipelines.errors import StatementError
from pipelines.warehouse import duckdb_file
from pipelines.warehouse.base import Warehouse


def compact(warehouse: Warehouse) -> int | None:
    """Copy what is left into a new file, which takes the file's place in one step.

    Takes about as long as writing every row again (3.7 s for 102 MB, docs/benchmarks.md), and room
    on the disk for the file twice. Readers go on meanwhile; writers wait.

    Returns:
        The file's size afterwards, in bytes; None for BigQuery, which has nothing to compact.

    Raises:
        StatementError: there is no room, or DuckDB can't copy what the file holds. The file is
            unchanged.
        WarehouseLocked: other processes kept writing.
    """
    with warehouse.rebuilding() as working:
        if working is None:
            return None
        fresh = working.path.parent / "compacted" / working.path.name
        fresh.parent.mkdir(mode=0o700)
        duckdb_file.require_room(working.path, fresh.parent, working.path.stat().st_size)
        _copy(working.path, fresh)
        shutil.copymode(working.path, fresh)
        os.replace(fresh, working.path)
        return working.path.stat().st_size


def _copy(old: Path, new: Path) -> None:
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {_text(old)} AS old (READ_ONLY)")
            connection.execute(f"ATTACH {_text(new)} AS new")
            connection.execute("COPY FROM DATABASE old TO new")
            connection.execute("DETACH new")  # moves its log into it
    except duckdb.Error as error:
        raise StatementError(
            f"{new.name} can't be written anew: {error}",
            kept="the file is unchanged.",
            fix="Make room on the disk if that is the reason; otherwise ask for help with this "
            "message.",
        ) from error


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
