"""What a small batch costs on DuckDB: many accounts of a hundred rows each, audited.

``python -m tests.bench.small_batches --before FOLDER`` lands the same batches with this checkout,
with another one (a worktree of the build to compare with) and with dlt (``make .bench/.ready``), in
turns, each in its own process. Threads bring the batches, as a flow's tasks do; dlt loads one after
the other. The first batch of a process, which imports and warms up, isn't counted.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa

from pipelines.cli.console import Format, print_rows
from pipelines.contracts import load_contracts
from pipelines.landing.publish import Landed, land
from pipelines.sources.base import Batch, Window
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.bench import rows as made
from tests.bench.landing import DLT_PYTHON

try:
    from pipelines.landing.publish import Terms
    from pipelines.landing.together import land_pull
except ImportError:  # the build to compare with
    land_pull = None  # type: ignore[assignment]

ROWS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", type=Path, help="checkout to compare with")
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=8, help="that land, as a flow's tasks do")
    parser.add_argument("--one", action="store_true", help="one process of this checkout, as JSON")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(_land(asked.batches, asked.threads)))
        return
    builds = {"before": asked.before.resolve()} if asked.before else {}
    builds["now"] = Path(__file__).parents[2]
    counts = ["--batches", str(asked.batches), "--threads", str(asked.threads)]
    ours = [sys.executable, __file__, "--one", *counts]
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(asked.rounds):
        for name, build in builds.items():
            runs.setdefault(name, []).append(_run(ours, build))
        if DLT_PYTHON.exists():
            dlt = [str(DLT_PYTHON), "-m", "tests.bench.dlt_merge", "--items", "arrow"]
            dlt += ["--rows", str(ROWS), "--batches", str(asked.batches)]
            runs.setdefault("dlt", []).append(_run(dlt, builds["now"]))
    print_rows(
        [
            {"build": name, **{key: round(median(r[key] for r in own), 1) for key in own[0]}}
            for name, own in runs.items()
        ],
        Format.TABLE,
    )


def _run(command: list[str], build: Path) -> dict[str, float]:
    env = {**os.environ, "PYTHONPATH": str(build)}
    done = subprocess.run(command, cwd=build, env=env, check=True, stdout=subprocess.PIPE)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _land(batches: int, threads: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench-small-") as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "w.duckdb")
        warehouse.create_tables(load_contracts().values())
        _published(warehouse, batches)
        began, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(partial(_published, warehouse), range(batches)))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "ms a batch": 1000 * wall / batches,
        "CPU ms a batch": 1000 * cpu / batches,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _published(warehouse: DuckDBWarehouse, number: int) -> None:
    """Land an account's batch.

    Raises:
        SystemExit: it was not published whole; a benchmark of that is worth nothing.
    """
    (landed,) = _landed(warehouse, _batch(str(1_000_000_000 + number)))
    if (landed.outcome, landed.rows) != ("published", ROWS):
        raise SystemExit(f"It was not published: {landed}.")


def _landed(warehouse: DuckDBWarehouse, batch: Batch) -> list[Landed]:
    """Land a pull of one batch, as ingestion does; one by one with a build that has only that."""
    if land_pull is None:
        return land(warehouse, batch)
    (outcome,) = land_pull(warehouse, [batch], Terms())
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _batch(account: str) -> Batch:
    # not of_account(), which the build to compare with doesn't have
    rows = pa.Table.from_batches(list(made.batches(ROWS, 1)))
    at: Any = rows.schema.get_field_index("account_id")
    own = pa.array([account] * rows.num_rows, rows.schema.field(at).type)
    return Batch(
        source=made.PLATFORM,
        table=f"raw.{made.TABLE}",
        account_id=account,
        platform=made.PLATFORM,
        window=Window(made.FIRST_DAY, made.LAST_DAY),
        rows=rows.set_column(at, rows.schema.field(at), own),
        pulled_at=datetime.now(UTC),
        account_spend=made.books(ROWS, 1).spend_by_day,
    )


if __name__ == "__main__":
    main()
