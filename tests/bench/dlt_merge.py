"""dlt's side, run by dlt's own environment: a merge on the primary key, from Arrow or dicts.

Both hand Parquet to DuckDB. ``--unique`` tells dlt that a load has no key twice, which spares it
a window function over all rows; without it dlt removes doubled keys, as it does by default.
"""

from __future__ import annotations

import argparse
import os
import tempfile
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
from tests.bench.side import WARM_UP_ROWS, measure, query_of  # noqa: E402

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


def main() -> None:
    """Measure dlt's side alone; ``python -m tests.bench.landing`` runs all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--items", choices=("arrow", "dicts"), required=True)
    parser.add_argument("--strategy", choices=("delete-insert", "upsert"), default="delete-insert")
    parser.add_argument("--unique", action="store_true")
    parser.add_argument("--workers", type=int, default=1, help="processes that normalise dicts")
    parser.add_argument("--file-rows", type=int, help="rows a file, so that workers have a share")
    args = parser.parse_args()
    os.environ["NORMALIZE__WORKERS"] = str(args.workers)
    if args.file_rows:
        os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = str(args.file_rows)
    strategy = {"strategy": args.strategy, **({"deduplicated": True} if args.unique else {})}
    Merge("warm", args.items, strategy).land(WARM_UP_ROWS, 1, Stopwatch())
    merge = Merge("bench", args.items, strategy)
    measure(args.rows, merge.land, query_of(merge.path), f"{_DATASET}.{made.TABLE}")


if __name__ == "__main__":
    main()
