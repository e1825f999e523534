"""A batch on its way to the stage: one Parquet file on local disk, whatever the batch's size.

Rows stream through it in bounded memory; what has to be known of all of them at once (content,
grain, sums) is asked of the file with an in-memory DuckDB, which spills to disk.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.canonical import sha256
from pipelines.contracts import Contract
from pipelines.errors import StatementError
from pipelines.landing.conform import conform, drift, personal
from pipelines.landing.slices import date_column
from pipelines.scratch import scratch_folder
from pipelines.sources.base import Batch, Window

_log = logging.getLogger(__name__)

CHUNK_ROWS = 61_440
NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_MEMORY = "160MB"

# Takes rows as conformed and gives those that may be kept, with how many were refused.
Filter = Callable[[pa.Table], tuple[pa.Table, int]]


@dataclass(frozen=True)
class Spool:
    """A conformed batch: its rows in ``path``, in the contract's schema less ``_run_id``.

    ``checksum`` does not depend on the order of rows; ``run_id`` derives from it and from source,
    table, account and window, but for a list, the present state of which is the same on any day.
    Both are of the rows as they were pulled, also where some of them were set aside since.

    ``database`` answers what is asked of the rows. A batch has one, since starting DuckDB takes as
    long as a query of a small batch.
    """

    batch: Batch
    contract: Contract
    path: Path
    rows: int
    checksum: str
    schema_hash: str
    drift: tuple[str, ...]
    dropped_rows: int
    database: duckdb.DuckDBPyConnection = field(repr=False, compare=False)

    @property
    def run_id(self) -> str:
        batch = self.batch
        window = "list" if date_column(self.contract) is None else batch.window
        identity = (batch.source, batch.table, batch.platform, batch.account_id, window)
        return sha256("|".join(map(str, (*identity, self.checksum))))[:32]

    def chunks(self) -> Iterator[pa.Table]:
        """The rows, in tables of bounded size; one empty table where there is none."""
        with pq.ParquetFile(self.path) as file:
            if not self.rows:
                yield file.schema_arrow.empty_table()
            for chunk in file.iter_batches(CHUNK_ROWS):
                yield pa.Table.from_batches([chunk])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query over the views ``spool`` and ``numbered``, where
        ``file_row_number`` is a row's place, from 0."""
        with _disk(self.path), _views(self.database, self.path) as cursor:
            return cursor.execute(sql).fetchall()

    def narrowed(self, window: Window) -> Spool:
        """The part of it that lies in a window, beside it on disk."""
        day = self.contract.partition_by
        path = self.path.with_name(f"{window.start}_{window.end}.parquet")
        with _disk(self.path), _views(self.database, self.path) as cursor:
            cursor.execute(
                f"COPY (SELECT * FROM spool WHERE {day} BETWEEN DATE '{window.start}' "
                f"AND DATE '{window.end}') TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
            )
        unreadable = (
            one
            for one in self.batch.unreadable
            if window.start <= (one.day or self.batch.window.end) <= window.end
        )
        batch = replace(self.batch, window=window, unreadable=tuple(unreadable), rows_read=0)
        rows, checksum = _content(self.database, path, self.contract, batch)
        return replace(self, batch=batch, path=path, rows=rows, checksum=checksum)


@contextmanager
def spooled(batch: Batch, contract: Contract, keep: Filter | None = None) -> Iterator[Spool]:
    """Conform a batch into a spool, which is gone at the end of ``with``.

    Args:
        keep: refuses rows that must not land, such as those of an erased person.

    Raises:
        AuditError: the rows don't fit the contract.
        StatementError: the disk is full.
    """
    with scratch_folder() as folder, _duckdb(folder) as database:
        path = Path(folder) / "batch.parquet"
        with _disk(folder):
            refused = _write(batch, contract, keep, path)
            rows, checksum = _content(database, path, contract, batch)
        schema = batch.rows.schema
        if left_out := personal(schema, contract):
            warning = "fields that may be about a person are not taken"
            where = f"{batch.source}, account {batch.account_id}, {batch.table}"
            _log.warning("%s: %s: %s", where, warning, ", ".join(left_out))
        yield Spool(
            batch=batch,
            contract=contract,
            path=path,
            rows=rows,
            checksum=checksum,
            schema_hash=sha256("|".join(f"{f.name}:{f.type}" for f in schema)),
            drift=drift(schema, contract),
            dropped_rows=batch.dropped_rows + refused,
            database=database,
        )


@contextmanager
def _disk(folder: str | Path) -> Iterator[None]:
    """The error for a full disk."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if isinstance(error, OSError) and error.errno not in NO_ROOM:
            raise
        raise StatementError(
            f"The batch can't be kept in {folder}: {error}",
            kept="published data is unchanged.",
            fix="Free some disk space, or point TMPDIR at a disk that has some.",
        ) from error


def _write(batch: Batch, contract: Contract, keep: Filter | None, path: Path) -> int:
    refused = 0
    writer: pq.ParquetWriter | None = None
    try:
        for rows in _tables(batch):
            conformed = conform(rows, batch, contract)
            if keep is not None:
                conformed, gone = keep(conformed)
                refused += gone
            if writer is None and conformed.num_rows < CHUNK_ROWS:
                # a small batch has one order of rows, whatever order the platform gave them in
                conformed = conformed.sort_by([(k, "ascending") for k in contract.primary_key])
            if writer is None:
                writer = pq.ParquetWriter(
                    path, conformed.schema, compression="zstd", coerce_timestamps="us"
                )
            writer.write_table(conformed)
    finally:
        if writer is not None:
            writer.close()
    pa.default_memory_pool().release_unused()
    return refused


def _tables(batch: Batch) -> Iterator[pa.Table]:
    """The batch's rows in tables of bounded size, one at least."""
    schema = batch.rows.schema
    if isinstance(batch.rows, pa.Table):
        for start in range(0, max(batch.rows.num_rows, 1), CHUNK_ROWS):
            yield batch.rows.slice(start, CHUNK_ROWS)
        return
    waiting: list[pa.RecordBatch] = []
    count, given = 0, False
    for chunk in batch.rows:
        waiting.append(chunk)
        count += chunk.num_rows
        if count >= CHUNK_ROWS:
            yield pa.Table.from_batches(waiting, schema)
            waiting, count, given = [], 0, True
    if waiting or not given:
        yield pa.Table.from_batches(waiting, schema)


def _content(
    database: duckdb.DuckDBPyConnection, path: Path, contract: Contract, batch: Batch
) -> tuple[int, str]:
    """Rows of the file, and a checksum of them and of what could not be read that does not depend
    on their order.

    DuckDB's hash may change with its version: the same rows are then published once more, as
    they are.
    """
    schema = pq.read_schema(path)
    columns = ", ".join(f'"{name}"' for name in schema.names)
    with _views(database, path) as cursor:
        totals = cursor.execute(
            f"SELECT COUNT(*), SUM(HASH({columns})::HUGEINT) FROM spool"
        ).fetchone()
    rows, content = totals or (0, None)
    text = f"{contract.table}|{rows}|{content or 0}"
    for line in sorted(
        f"{one.key} {one.day} {one.why} {one.row or one.text or ''}" for one in batch.unreadable
    ):
        text += f"|{line}"
    return int(rows), sha256(text)


@contextmanager
def _duckdb(folder: str) -> Iterator[duckdb.DuckDBPyConnection]:
    database = duckdb.connect(
        config={"memory_limit": _MEMORY, "temp_directory": folder, "threads": 2}
    )
    try:
        database.execute("SET GLOBAL TimeZone = 'UTC'")
        yield database
    finally:
        database.close()


@contextmanager
def _views(database: duckdb.DuckDBPyConnection, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor with the views ``spool`` and ``numbered`` of a file, which are its own."""
    cursor = database.cursor()
    try:
        cursor.execute(f"CREATE TEMP VIEW spool AS SELECT * FROM read_parquet('{path}')")
        cursor.execute(
            "CREATE TEMP VIEW numbered AS "
            f"SELECT * FROM read_parquet('{path}', file_row_number = true)"
        )
        yield cursor
    finally:
        cursor.close()
