"""Where our landing's time and memory go, step by step.

The steps are measured where the landing calls them; the product carries no clock for this.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.cli.console import print_table
from pipelines.landing import audit, ledger, publish, spool
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.bench import rows as made
from tests.bench.ours import Landing
from tests.bench.rows import Stopwatch
from tests.bench.side import LOADS, WARM_UP_ROWS, cpu_now, peak_mb

# where a step is called from, its name there, and what to call it
STEPS: tuple[tuple[Any, str, str], ...] = (
    (spool, "conform", "conform"),
    (pq.ParquetWriter, "write_table", "write the spool"),
    (spool, "_content", "checksum"),
    (ledger, "overlap", "read the ledger"),
    (DuckDBWarehouse, "stage_file", "stage"),
    (audit, "_one_row_a_grain", "audit: grain"),
    (audit, "_spend_adds_up", "audit: spend"),
    (audit, "_rows_that_miss_something", "audit: nothing missing"),
    (audit, "failing", "audit: expectations"),
    (publish, "publish_stage", "count what changes, and publish"),
    (DuckDBWarehouse, "drop_stages", "drop the stage"),
)


@dataclass
class Step:
    """What one step took of one load: seconds, CPU seconds of all threads, peak MB."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0


def main() -> None:
    """Land both loads with every step measured, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--audit", action="store_true")
    args = parser.parse_args()
    taken: dict[str, Step] = {}
    for room, attribute, name in STEPS:
        step = getattr(room, attribute)
        setattr(room, attribute, _measured(step, name, taken))
    measured = tuple(getattr(audit, check.__name__) for check in audit._CHECKS)
    setattr(audit, "_CHECKS", measured)  # noqa: B010 - the tuple had bound the unmeasured ones
    with tempfile.TemporaryDirectory(prefix="bench-ours-") as folder:
        Landing(Path(folder) / "warm.duckdb", args.audit).land(WARM_UP_ROWS, 1, Stopwatch())
        landing = Landing(Path(folder) / "bench.duckdb", args.audit)
        for load in LOADS:
            made.books(args.rows, load)
            taken.clear()
            start, cpu, watch = time.perf_counter(), cpu_now(), Stopwatch()
            landing.land(args.rows, load, watch)
            taken["all"] = Step(
                time.perf_counter() - start - watch.seconds,
                cpu_now() - cpu - watch.cpu_seconds,
                max(step.peak for step in taken.values()),
            )
            _print(f"Load {load}, {args.rows:,} rows", taken)


def _print(title: str, taken: dict[str, Step]) -> None:
    rows = [
        (name, f"{step.seconds:.2f}", f"{step.cpu:.2f}", f"{step.peak:.0f}")
        for name, step in taken.items()
    ]
    print_table(("step", "s", "CPU s", "peak MB"), rows, title)


def _measured(step: Callable[..., Any], name: str, taken: dict[str, Step]) -> Callable[..., Any]:
    @wraps(step)
    def run(*args: Any, **kwargs: Any) -> Any:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        start, cpu = time.perf_counter(), cpu_now()
        try:
            return step(*args, **kwargs)
        finally:
            found = taken.setdefault(name, Step())
            found.seconds += time.perf_counter() - start
            found.cpu += cpu_now() - cpu
            found.peak = max(found.peak, peak_mb())

    return run


if __name__ == "__main__":
    main()
