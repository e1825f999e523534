"""Backups of the DuckDB file: one file each, verified when written and again when put back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from pipelines.errors import IntegrityError, StatementError, UsageError
from pipelines.scratch import scratch_folder
from pipelines.warehouse import duckdb_file
from pipelines.warehouse.duckdb_errors import require_duckdb, unreadable

_T = TypeVar("_T")
_TABLES = (
    "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary "
    "ORDER BY ALL"
)
_MEMORY = duckdb_file.NO_CHECKPOINT | {"memory_limit": "512MB", "threads": "2"}
# What else is wrong with a file that opens, such as a broken chain of decisions: raises it, and
# returns what was verified, as a sentence.
Check = Callable[[Path], str]


@dataclass(frozen=True)
class Saved:
    """A file that was verified.

    Args:
        size: its bytes.
        tables: tables in it.
        rows: rows of all of them.
        verified: what ``check`` said.
        seconds: what it took, from the first copy to the last check.
    """

    path: Path
    size: int
    tables: int
    rows: int
    verified: str
    seconds: float


def back_up(path: Path, destination: Path, patience: float, check: Check) -> Saved:
    """Write a warehouse, with its log, as one file, and verify every row of it.

    Writers wait while the file is copied, and no longer.

    Raises:
        UsageError: there is something at ``destination`` already, or no folder for it.
        WarehouseLocked: a writer held the file for ``patience`` seconds.
        StatementError: the disk has no room, or the file is damaged.
        IntegrityError: a row was read back differently, or ``check`` found something.
    """
    began = time.monotonic()
    require_duckdb(path)
    if not destination.parent.is_dir():
        raise UsageError(
            f"The folder {destination.parent} does not exist.",
            kept="nothing was written.",
            fix="Create it first.",
        )
    _refuse_to_overwrite(destination)
    with scratch_folder(destination.parent) as folder:
        copy = Path(folder) / path.name
        duckdb_file.copy_still(path, patience, copy)
        tables, rows = _settle(copy)
        verified = check(copy)
        duckdb_file.sync(copy)
        try:
            os.link(copy, destination)  # unlike a rename, overwrites nothing
        except FileExistsError:
            _refuse_to_overwrite(destination)
        except OSError:  # a file system without links
            copy.rename(destination)
    duckdb_file.sync(destination.parent)
    size = destination.stat().st_size
    return Saved(destination, size, tables, rows, verified, time.monotonic() - began)


def put_back(source: Path, path: Path, check: Check) -> Saved:
    """Put a backup where the warehouse was, and verify every row of it.

    A log beside the backup, as a copy made by hand has, is read with it. The backup stays.

    Raises:
        UsageError: there is no such backup, or a warehouse or its log is still at ``path``.
        StatementError: the disk has no room, or the backup is damaged or no DuckDB file.
        IntegrityError: a row was read back differently, or ``check`` found something.
    """
    began = time.monotonic()
    if not source.is_file():
        raise UsageError(
            f"There is no file {source}.", kept="nothing was written.", fix="Name a backup."
        )
    _require_whole(source, lambda: require_duckdb(source))
    for occupied in (path, duckdb_file.log_of(path)):
        _refuse_to_overwrite(occupied)
    path.parent.mkdir(parents=True, exist_ok=True)
    results: list[tuple[int, int, str]] = []

    def make(copy: Path) -> None:
        duckdb_file.copy_still(source, 0.0, copy)
        tables, rows = _require_whole(source, lambda: _settle(copy))
        results.append((tables, rows, check(copy)))

    if not duckdb_file.put(path, make):
        _refuse_to_overwrite(path)
    tables, rows, verified = results[0]
    size = path.stat().st_size
    return Saved(path, size, tables, rows, verified, time.monotonic() - began)


def _require_whole(source: Path, read: Callable[[], _T]) -> _T:
    """What is read of a backup; if it can't be, the error names it, and not the copy of it."""
    try:
        return read()
    except StatementError as error:
        raise StatementError(
            f"{source} is no backup that can be put back: {error.message}",
            kept="nothing was written.",
            fix="Name another one, as `adcanary backup` wrote it.",
        ) from error


def _refuse_to_overwrite(path: Path) -> None:
    if path.exists():
        raise UsageError(
            f"{path} is there already, and is never overwritten.",
            kept="nothing was written.",
            fix=f"Name another file; or move it away first, `mv {path} {path}.old`. A warehouse "
            "and the .wal beside it belong together: move both.",
        )


def _settle(copy: Path) -> tuple[int, int]:
    """Move a copy's log into it; its tables and rows, which must read the same before and after."""
    before = _contents(copy)
    duckdb_file.checkpoint(copy)
    duckdb_file.log_of(copy, ".wal.moved").unlink(missing_ok=True)
    after = _contents(copy)
    if changed := sorted(t for t in before.keys() | after.keys() if before.get(t) != after.get(t)):
        raise IntegrityError(
            f"The copy reads differently from the file: {', '.join(changed)}.",
            kept="nothing was written; the file is unchanged.",
            fix="Run the command again; if it says so again, check the disk.",
        )
    return len(after), sum(count for count, _ in after.values())


def _contents(copy: Path) -> dict[str, tuple[int, int | None]]:
    """The number of rows of every table, and a hash of them whatever their order."""
    try:
        with duckdb.connect(str(copy), config=_MEMORY) as connection:
            connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            contents = {}
            for schema, table in connection.execute(_TABLES).fetchall():
                row = connection.execute(
                    "SELECT COUNT(*), BIT_XOR(HASH(whole_row)) "
                    f'FROM "{schema}"."{table}" AS whole_row'
                ).fetchone()
                assert row is not None
                contents[f"{schema}.{table}"] = (row[0], row[1])
            return contents
    except duckdb.Error as error:
        raise unreadable(copy, error) from error
