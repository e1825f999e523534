"""The rows that every side of the benchmark lands, the same in each process.

Campaign days of one account over thirty days: the columns that the contract
``raw.ads_campaign_performance`` requires. The second load has the same keys and other metrics.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

TABLE = "ads_campaign_performance"
KEYS = ("platform", "account_id", "date", "campaign_id")
PLATFORM, ACCOUNT = "google_ads", "1234567890"
FIRST_DAY, DAYS = date(2026, 1, 1), 30
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
# rows that a source hands over at once
BATCH_ROWS = 50_000

_FIRST_CAMPAIGN = 20_000_000_000
T = TypeVar("T")
# gives the first row of a query on the DuckDB file that was landed in
Query = Callable[[str], tuple[Any, ...]]


@dataclass(frozen=True)
class Books:
    """What the table must hold after a load: rows, and sums of its metrics."""

    rows: int
    impressions: int
    cost_micros: int
    conversions: float
    spend_by_day: dict[date, int] = field(repr=False)

    def check(self, query: Query, table: str, where: str) -> None:
        """Compare with what landed.

        Raises:
            SystemExit: they differ; a benchmark of wrong results is worth nothing.
        """
        found = query(
            "SELECT COUNT(*), SUM(impressions)::BIGINT, SUM(cost_micros)::BIGINT, "
            f"SUM(conversions) FROM {table}"
        )
        wanted = (self.rows, self.impressions, self.cost_micros, self.conversions)
        if found != wanted:
            raise SystemExit(f"{where}: {table} holds {found}, not {wanted}.")


class Stopwatch:
    """Measures what making the rows takes, so that no side is charged for it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def of(self, made: Iterable[T]) -> Iterator[T]:
        """The same items; the time until each is there is added up."""
        source = iter(made)
        while True:
            start, cpu = time.perf_counter(), time.process_time()
            item = next(source, None)
            self.seconds += time.perf_counter() - start
            self.cpu_seconds += time.process_time() - cpu
            if item is None:
                return
            yield item


def batches(rows: int, load: int) -> Iterator[pa.RecordBatch]:
    """The rows of the first (1) or the second (2) load, in record batches."""
    for start in range(0, rows, BATCH_ROWS):
        yield _batch(start, min(BATCH_ROWS, rows - start), load)


def of_account(rows: int, account: str) -> pa.Table:
    """The first load of another account."""
    table = pa.Table.from_batches(list(batches(rows, 1)))
    at = table.schema.get_field_index("account_id")
    column = pa.array([account] * rows, table.schema.field(at).type)
    return table.set_column(at, table.schema.field(at), column)


def dicts(rows: int, load: int) -> Iterator[list[dict[str, Any]]]:
    """The same rows as lists of dicts."""
    for batch in batches(rows, load):
        yield batch.to_pylist()


@cache
def books(rows: int, load: int) -> Books:
    """The sums of a load, computed from its rows as they are made."""
    spend = np.zeros(DAYS, dtype=np.int64)
    impressions, conversions = 0, 0.0
    first = np.datetime64(FIRST_DAY)
    for batch in batches(rows, load):
        day = (batch["date"].to_numpy(zero_copy_only=False) - first).astype(np.int64)
        np.add.at(spend, day, batch["cost_micros"].to_numpy())
        impressions += int(batch["impressions"].to_numpy().sum())
        conversions += float(batch["conversions"].to_numpy().sum())
    by_day = {FIRST_DAY + timedelta(days=n): int(micros) for n, micros in enumerate(spend)}
    return Books(rows, impressions, int(spend.sum()), conversions, by_day)


def _batch(start: int, count: int, load: int) -> pa.RecordBatch:
    """Quarters of a conversion add up exactly as floats, in any order."""
    random = np.random.default_rng((load, start))
    number = np.arange(start, start + count)
    impressions = random.geometric(1 / 800, count)
    clicks = random.binomial(impressions, 0.03)
    conversions = random.binomial(clicks, 0.08) / 4
    columns: dict[str, Any] = {
        "platform": pa.repeat(PLATFORM, count),
        "account_id": pa.repeat(ACCOUNT, count),
        "date": pa.array(np.datetime64(FIRST_DAY) + (number % DAYS)),
        "campaign_id": pa.array(_FIRST_CAMPAIGN + number // DAYS).cast(pa.string()),
        "impressions": impressions.astype(np.int64),
        "clicks": clicks.astype(np.int64),
        "cost_micros": clicks.astype(np.int64) * random.integers(200_000, 3_000_000, count),
        "conversions": conversions,
        "conversion_value": conversions * random.integers(40, 400, count),
        "currency_code": pa.repeat("USD", count),
        "time_zone": pa.repeat("America/New_York", count),
        "attribution_window": pa.repeat("30d_click", count),
        "status": pa.array(np.where(number // DAYS % 5 == 0, "PAUSED", "ENABLED")),
    }
    return pa.record_batch(columns)
