"""dlt's side, run by dlt's own environment: a merge on the primary key, from Arrow or dicts.

Both hand Parquet to DuckDB. ``--unique`` tells dlt that a load has no key twice, which spares it
a window function over all rows; without it dlt removes doubled keys, as it does by default.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_HOME = tempfile.TemporaryDirectory(prefix="bench-dlt-")
# dlt reads these when it is imported: no telemetry, and nothing of the user's own settings
os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "DLT_DATA_DIR": _HOME.name,
    "DLT_PROJECT_DIR": _HOME.name,
}

import dlt  # type: ignore[import-not-found]  # noqa: E402

from tests.bench import rows as made  # noqa: E402
from tests.bench.rows import Stopwatch  # noqa: E402
from tests.bench.side import WARM_UP_ROWS, cpu_now, measure, peak_mb, query_of  # noqa: E402

_DATASET = "raw"


class Merge:
    """A pipeline into a new DuckDB file, and what is merged into its table."""

    def __init__(self, name: str, items: str, strategy: dict[str, Any]) -> None:
        self.path = Path(_HOME.name) / f"{name}.duckdb"
        self._items = items
        self._disposition = {"disposition": "merge", **strategy}
        self._pipeline = dlt.pipeline(
            name,
            pipelines_dir=_HOME.name,
            destination=dlt.destinations.duckdb(str(self.path)),
            dataset_name=_DATASET,
        )

    def land(self, rows: int, load: int, watch: Stopwatch) -> None:
        """Extract, normalise and load one load."""
        given: Iterable[Any] = (
            made.batches(rows, load) if self._items == "arrow" else made.dicts(rows, load)
        )
        resource = dlt.resource(
            watch.of(given),
            name=made.TABLE,
            primary_key=made.KEYS,
            write_disposition=self._disposition,
        )
        self._pipeline.run(resource, loader_file_format="parquet")

    def land_accounts(self, rows: int, accounts: Iterable[str]) -> None:
        """A load of few rows for each account."""
        for account in accounts:
            self._pipeline.run(
                made.of_account(rows, account),
                table_name=made.TABLE,
                primary_key=made.KEYS,
                write_disposition=self._disposition,
                loader_file_format="parquet",
            )


def _small_loads(merge: Merge, rows: int, count: int) -> None:
    """Print what loads of few rows cost, as tests.bench.small_batches reads it."""
    merge.land_accounts(rows, [str(count)])
    began, cpu = time.perf_counter(), cpu_now()
    merge.land_accounts(rows, map(str, range(count)))
    wall, cpu = time.perf_counter() - began, cpu_now() - cpu
    (landed,) = query_of(merge.path)(f"SELECT COUNT(*) FROM {_DATASET}.{made.TABLE}")
    if landed != rows * (count + 1):
        raise SystemExit(f"{landed} rows landed.")
    figures = {"ms a batch": 1000 * wall / count, "CPU ms a batch": 1000 * cpu / count}
    print(json.dumps({**figures, "peak MB": peak_mb()}))


def main() -> None:
    """Measure dlt's side alone; ``python -m tests.bench.landing`` runs all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--items", choices=("arrow", "dicts"), required=True)
    parser.add_argument("--strategy", choices=("delete-insert", "upsert"), default="delete-insert")
    parser.add_argument("--unique", action="store_true")
    parser.add_argument("--workers", type=int, default=1, help="processes that normalise dicts")
    parser.add_argument("--file-rows", type=int, help="rows a file, so that workers have a share")
    parser.add_argument("--batches", type=int, help="loads of so many rows, each an account's")
    args = parser.parse_args()
    os.environ["NORMALIZE__WORKERS"] = str(args.workers)
    if args.file_rows:
        os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = str(args.file_rows)
    if args.batches:
        unique = {"strategy": args.strategy, "deduplicated": True}
        _small_loads(Merge("small", args.items, unique), args.rows, args.batches)
        return
    strategy = {"strategy": args.strategy, **({"deduplicated": True} if args.unique else {})}
    Merge("warm", args.items, strategy).land(WARM_UP_ROWS, 1, Stopwatch())
    merge = Merge("bench", args.items, strategy)
    measure(args.rows, merge.land, query_of(merge.path), f"{_DATASET}.{made.TABLE}")


if __name__ == "__main__":
    main()
