"""What one side of the benchmark does, in a process of its own: two timed loads, checked."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import duckdb

from tests.bench.rows import Query, Stopwatch, books

LOADS = (1, 2)
# landed before the clock starts, into another file: imports and caches are not what is measured
WARM_UP_ROWS = 1_000
_PACKAGES = ("dlt", "duckdb", "great-expectations", "pyarrow")

# Lands rows: how many, of which load, and the watch that takes the time of making them.
Land = Callable[[int, int, Stopwatch], None]


def measure(rows: int, land: Land, query: Query, table: str) -> None:
    """Land both loads, check what the table holds after each, and print one JSON object.

    Seconds are by load and leave out the making of the rows; CPU seconds are of all threads and
    child processes; peaks are of this process alone, in MB of 2^20 bytes.
    """
    started_mb = peak_mb()
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    for load in LOADS:
        wanted, watch = books(rows, load), Stopwatch()
        start, cpu = time.perf_counter(), cpu_now()
        land(rows, load, watch)
        seconds.append(time.perf_counter() - start - watch.seconds)
        cpu_seconds.append(cpu_now() - cpu - watch.cpu_seconds)
        wanted.check(query, table, f"Load {load}")
    found = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "started_mb": started_mb,
        "peak_mb": peak_mb(),
        "versions": _versions(),
    }
    print(json.dumps(found))


def query_of(path: Path) -> Query:
    """Queries on a DuckDB file, in little memory: they must not be what peaks."""

    def query(sql: str) -> tuple[Any, ...]:
        config = {"memory_limit": "64MB"}
        with duckdb.connect(str(path), read_only=True, config=config) as connection:
            return connection.execute(sql).fetchone() or ()

    return query


def peak_mb() -> float:
    """The peak of this process's resident memory so far, in MB of 2^20 bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def cpu_now() -> float:
    """CPU seconds so far, of all threads and of the child processes that ended."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
