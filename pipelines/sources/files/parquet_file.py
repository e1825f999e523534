"""Reads a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.platform_ids import ROUNDED
from pipelines.sources.files.cells import M, Reading, Sheet
from pipelines.sources.files.header import CHUNK_ROWS, Row, locate, sheets


def read_parquet(path: Path, reading: Reading[M]) -> Iterator[Sheet[M]]:
    """The rows of a Parquet file.

    Raises:
        InputError: it isn't whole, or holds ids as floats.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            header = locate(reading, [schema.names], 1)
            for name in reading.mapping.id_columns:
                kind = schema.field(header.used[name]).type
                if pa.types.is_floating(kind):
                    raise reading.refusal(
                        f"has {name} as {kind}: an id {ROUNDED}.",
                        "Write ids as texts or integers, and the file again.",
                    )
            yield from sheets(reading, header, _rows(file))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise reading.refusal(
            f"is not a whole Parquet file: {error}",
            "Export it again; a file that was cut off in copying looks like this.",
        ) from error


def _rows(file: pq.ParquetFile) -> Iterator[Row]:
    first = 1
    for chunk in file.iter_batches(CHUNK_ROWS):
        columns = [column.to_pylist() for column in chunk.columns]
        yield from enumerate(zip(*columns, strict=True), start=first)
        first += len(chunk)
