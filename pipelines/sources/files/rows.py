"""A file's typed rows, kept in a temporary Parquet file and asked with DuckDB.

Neither the file's size nor that of an answer decides the memory it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.scratch import scratch_folder

_MEMORY, _BATCH_ROWS = "256MB", 65_536


class RowsFile:
    """Rows that are written once, and then asked as the view ``rows``. Gone with the object."""

    def __init__(self) -> None:
        self._folder = scratch_folder()
        self._path = Path(self._folder.name) / "rows.parquet"
        self._writer: pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Add rows; all have the columns of the first."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, rows.schema, compression="zstd")
        self._writer.write_table(rows)

    def close(self) -> None:
        """No more rows come."""
        if self._writer is not None:
            self._writer.close()

    @property
    def is_written(self) -> bool:
        """Whether there is any."""
        return self._writer is not None

    @property
    def column_names(self) -> list[str]:
        """Of the rows."""
        names: list[str] = pq.read_schema(self._path).names
        return names

    def query(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """Rows of an answer that is small."""
        with self._connect() as connection:
            return connection.execute(sql, params).fetchall()

    def table(self, sql: str, *params: object) -> pa.Table:
        """An answer that is small, as a table."""
        with self._connect() as connection:
            return connection.execute(sql, params).to_arrow_table()

    def stream(self, sql: str, *params: object) -> pa.RecordBatchReader:
        """An answer of any size; read once."""
        connection = self._connect()
        reader = connection.execute(sql, params).to_arrow_reader(_BATCH_ROWS)

        def batches() -> Iterator[pa.RecordBatch]:
            # holds the connection, and with self the folder, until the last batch
            with connection:
                yield from reader
            assert self._folder

        return pa.RecordBatchReader.from_batches(reader.schema, batches())

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(
            # one thread: sums of floats must not depend on the order of chunks
            config={"memory_limit": _MEMORY, "temp_directory": self._folder.name, "threads": 1}
        )
        connection.execute("SET TimeZone = 'UTC'")
        path = str(self._path).replace("'", "''")
        connection.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{path}')")
        return connection
