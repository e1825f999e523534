"""What it costs that the DuckDB file is never written in place.

``python -m tests.bench.checkpoints``: for files of several sizes with a log of a megabyte, moving
the log into a copy that takes the file's place, DuckDB's own checkpoint in place, DuckDB's copy of
everything into a new file (of small ones), a backup, and putting it back. For logs of several
sizes: opening the file that they are beside.
docs/benchmarks.md has the results.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from pipelines.cli.console import Format, err, out, print_rows
from pipelines.warehouse.backup import back_up, put_back
from pipelines.warehouse.duckdb_file import NO_CHECKPOINT, create, fold, log_bytes, log_of

_ROW = (
    "SELECT range AS id, HASH(range)::VARCHAR AS name, HASH(range * 7) AS value, "
    "(range % 1000)::VARCHAR AS account FROM range({})"
)
_ROWS_A_MB = 49_000  # as DuckDB compresses them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 500, 2000])
    parser.add_argument("--logs", type=float, nargs="+", default=[0.1, 1, 4, 16, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
        files = [_file(Path(folder), size, args.rounds) for size in args.megabytes]
        logs = [_log(Path(folder), size, args.rounds) for size in args.logs]
    print_rows(files, args.format, "Seconds by size of the file, with a log of 1 MB: medians")
    print_rows(logs, args.format, "Seconds to open a file, by size of the log beside it: medians")
    if args.format is Format.TABLE:
        out.print(f"load average {os.getloadavg()[0]:.1f}")


def _file(folder: Path, megabytes: int, rounds: int) -> dict[str, Any]:
    path = folder / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE big AS {_ROW.format(megabytes * _ROWS_A_MB)}")
    times: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        times.setdefault(name, []).append(time.perf_counter() - began)

    saved, anew = folder / "b.duckdb", folder / "n.duckdb"
    for _ in range(rounds):
        _write(path, 1)
        timed("moved", lambda: fold(path))
        _write(path, 1)
        timed("in place", lambda: _in_place(path))
        if megabytes <= 100:
            timed("all anew", lambda: _anew(path, anew))
            anew.unlink()
        timed("backup", lambda: back_up(path, saved, 0, lambda copy: ""))
        timed("restore", lambda: put_back(saved, folder / "r.duckdb", lambda copy: ""))
        saved.unlink()
        (folder / "r.duckdb").unlink()
    names = ("moved", "in place", "all anew", "backup", "restore")
    row = {"MB": path.stat().st_size >> 20} | {n: _median(times.get(n, [])) for n in names}
    path.unlink()
    err.print(row)
    return row


def _log(folder: Path, megabytes: float, rounds: int) -> dict[str, Any]:
    path = folder / "w.duckdb"
    create(path)
    _write(path, megabytes)
    row: dict[str, Any] = {"log MB": round(log_bytes(path) / (1 << 20), 1)}
    for name, read_only in (("to read", True), ("to write", False)):
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            with duckdb.connect(str(path), read_only=read_only, config=NO_CHECKPOINT) as connection:
                times.append(time.perf_counter() - began)
                connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        row[name] = _median(times)
    path.unlink()
    log_of(path).unlink()
    return row


def _write(path: Path, megabytes: float) -> None:
    """Append small batches until the log has that size."""
    with duckdb.connect(str(path), config=NO_CHECKPOINT) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute(f"CREATE TABLE IF NOT EXISTS small AS {_ROW.format(0)}")
        while log_bytes(path) < megabytes * (1 << 20):
            connection.execute(f"INSERT INTO small {_ROW.format(1000)}")


def _in_place(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CHECKPOINT")


def _anew(path: Path, target: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS old (READ_ONLY); ATTACH '{target}' AS new")
        connection.execute("COPY FROM DATABASE old TO new")


def _median(times: list[float]) -> float | None:
    return round(statistics.median(times), 3) if times else None


if __name__ == "__main__":
    main()
