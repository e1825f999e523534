"""DuckDB's errors in our words: a file that is damaged, or was never a warehouse."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from pipelines.errors import MissingTableError, StatementError

_MAGIC, _MAGIC_AT = b"DUCK", 8
_DAMAGED = re.compile(r"Corrupt|Could not read enough bytes|Failure while replaying WAL")
_NEWER = re.compile(r"version number \d+, but we can only read")
_NO_ROOM = re.compile(r"No space left|File too large|Disk quota exceeded|Could not write")
_NO_TABLE = re.compile(r'Table with name "?([\w.]+)"? does not exist')
_BUILT = ("staging", "intermediate", "marts")
_RESTORE = (
    "Move {name} and {name}.wal away, both of them, and put a backup in their place: "
    "`adcanary restore BACKUP`. Without a backup, load the platforms' history again, "
    "`adcanary ingest --all --backfill --start DAY --why …`, and build; the record of decisions "
    "was in the file."
)


def require_duckdb(path: Path) -> None:
    """Refuse what isn't a DuckDB file: DuckDB would fetch an extension for a SQLite file.

    Raises:
        StatementError: what it is instead, and what to do.
    """
    with path.open("rb") as file:
        head = file.read(_MAGIC_AT + len(_MAGIC))
    if head[_MAGIC_AT:] != _MAGIC:
        what = "isn't a DuckDB file" if head.strip(b"\0") else "is empty, or was cut to nothing"
        raise StatementError(
            f"{path} {what}.",
            kept="nothing was changed.",
            fix="Correct warehouse.path in adcanary.yaml if it means another file. If this was "
            f"the warehouse: {_RESTORE.format(name=path.name)}",
        )


def unreadable(path: Path, error: duckdb.Error) -> StatementError:
    """A file that can't be opened, read or written: why, and what to do."""
    fix = "Check the permissions of the file and its folder."
    if _DAMAGED.search(str(error)):
        fix = f"The file or its log is damaged. {_RESTORE.format(name=path.name)}"
    elif _NEWER.search(str(error)):
        fix = "A newer DuckDB wrote the file: use the adcanary that did, or upgrade this one."
    elif _NO_ROOM.search(str(error)):
        fix = "Make room on the disk, and run the command again."
    return StatementError(
        f"{path} can't be read or written: {error}",
        kept="published data is unchanged by this command.",
        fix=fix,
    )


def refused(path: Path, sql: str, translated: str, error: duckdb.Error) -> StatementError:
    """A statement that DuckDB refused, as it was written and as DuckDB read it."""
    if _DAMAGED.search(str(error)) or _NO_ROOM.search(str(error)):
        return unreadable(path, error)
    if isinstance(error, duckdb.CatalogException) and (match := _NO_TABLE.search(str(error))):
        return _no_table(match[1], sql)
    shown = sql.strip() if translated == sql else f"{sql.strip()}\n  as DuckDB: {translated}"
    return StatementError(f"DuckDB refused a statement: {error}\n  {shown}")


def _no_table(name: str, sql: str) -> MissingTableError:
    """A table that a statement reads and that isn't there, by its whole name."""
    table = name.rpartition(".")[2]
    match = re.search(rf"\b(\w+)\.{table}\b", sql)
    whole = f"{match[1]}.{table}" if match else name
    fix = f"Correct it: {sql.strip()}"
    if whole.partition(".")[0] in _BUILT:
        fix = "Run `adcanary build` first, which builds it."
    return MissingTableError(f"There is no table {whole}.", kept="nothing was changed.", fix=fix)
