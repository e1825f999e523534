"""Our side: the landing, given what a source gives it, into DuckDB."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from pipelines.contracts import load_contracts
from pipelines.landing.publish import land
from pipelines.sources.base import Batch, Window
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.bench import rows as made
from tests.bench.rows import Stopwatch
from tests.bench.side import WARM_UP_ROWS, measure, query_of

TABLE = f"raw.{made.TABLE}"
_SCHEMA = next(made.batches(1, 1)).schema


@dataclass(frozen=True)
class Landing:
    """A new warehouse file, and what is landed in it."""

    path: Path
    audited: bool

    def __post_init__(self) -> None:
        DuckDBWarehouse(self.path).create_tables(load_contracts().values())

    def land(self, rows: int, load: int, watch: Stopwatch) -> None:
        """Land one load, streamed; the account's spend comes with it, as a platform gives it."""
        batch = Batch(
            source=made.PLATFORM,
            table=TABLE,
            account_id=made.ACCOUNT,
            platform=made.PLATFORM,
            window=Window(made.FIRST_DAY, made.LAST_DAY),
            rows=pa.RecordBatchReader.from_batches(_SCHEMA, watch.of(made.batches(rows, load))),
            pulled_at=datetime.now(UTC),
            account_spend=made.books(rows, load).spend_by_day,
        )
        (landed,) = land(DuckDBWarehouse(self.path), batch, audited=self.audited)
        if (landed.outcome, landed.rows) != ("published", rows):
            raise SystemExit(f"It was not published: {landed}.")


def main() -> None:
    """Measure our side alone; ``python -m tests.bench.landing`` runs all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--audit", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-ours-") as folder:
        Landing(Path(folder) / "warm.duckdb", args.audit).land(WARM_UP_ROWS, 1, Stopwatch())
        landing = Landing(Path(folder) / "bench.duckdb", args.audit)
        measure(args.rows, landing.land, query_of(landing.path), TABLE)


if __name__ == "__main__":
    main()
