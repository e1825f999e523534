"""A DuckDB file is itself and the log beside it."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import duckdb

from pipelines.contracts import load_contracts
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.duckdb_file import log_of


def copy_warehouse(path: Path, target: Path) -> Path:
    """Copy a file that nobody writes to, with its log."""
    shutil.copyfile(path, target)
    if log_of(path).exists():
        shutil.copyfile(log_of(path), log_of(target))
    return target


def empty_warehouse(path: Path) -> DuckDBWarehouse:
    """A new file with every table and no row: a copy of one that is made once a process."""
    shutil.copyfile(Path(_made().name) / "w.duckdb", path)
    return DuckDBWarehouse(path)


def leave_one_file(path: Path) -> None:
    """Leave no log beside the file: copying it is enough."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CHECKPOINT")


@cache
def _made() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()  # removed with it, at the end of the process
    path = Path(folder.name) / "w.duckdb"
    DuckDBWarehouse(path).create_tables(load_contracts().values())
    leave_one_file(path)
    return folder
