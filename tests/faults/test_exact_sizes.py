"""Fault 8: a batch of exactly as many rows as a chunk, and of one more, is whole on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from pipelines.contracts import load_contract
from pipelines.landing.spool import CHUNK_ROWS, spooled
from pipelines.sources.base import Batch, Window

DAY = date(2026, 6, 1)
SHAPES: dict[str, Callable[[pa.Table], pa.Table | pa.RecordBatchReader]] = {
    "a table": lambda rows: rows,
    "a stream": lambda rows: pa.RecordBatchReader.from_batches(
        rows.schema, rows.to_batches(max_chunksize=CHUNK_ROWS // 4)
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("more", [0, 1])
def test_rows_around_the_size_of_a_chunk_are_all_there_once(shape: str, more: int) -> None:
    count = CHUNK_ROWS + more
    text = {"account_id": "ecb", "base_currency": "EUR", "rate_text": "1.0"}
    columns = {name: pa.repeat(value, count) for name, value in text.items()}
    columns["quote_currency"] = pa.array(range(count)).cast(pa.string())
    columns |= {"date": pa.repeat(pa.scalar(DAY), count), "rate": pa.repeat(1.0, count)}
    batch = Batch(
        *("fx_rates", "raw.fx_rates", "ecb", None, Window(DAY, DAY)),
        SHAPES[shape](pa.table(columns)),
        datetime(2026, 6, 2, tzinfo=UTC),
    )
    with spooled(batch, load_contract(batch.table)) as spool:
        chunks = [chunk.num_rows for chunk in spool.chunks()]
        (distinct,) = spool.query("SELECT COUNT(DISTINCT quote_currency) FROM spool")
    assert (spool.rows, sum(chunks), distinct[0]) == (count, count, count)
    assert max(chunks) <= CHUNK_ROWS
