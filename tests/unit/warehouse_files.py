"""A DuckDB file is itself and the log beside it."""

import shutil
from pathlib import Path

from pipelines.warehouse.duckdb_file import log_of


def copy_warehouse(path: Path, target: Path) -> Path:
    """Copy a file that nobody writes to, with its log."""
    shutil.copyfile(path, target)
    if log_of(path).exists():
        shutil.copyfile(log_of(path), log_of(target))
    return target
