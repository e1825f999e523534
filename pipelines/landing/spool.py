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
from itertools import count
from pathlib import Path
from typing import Any, Self

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

    ``views`` answers what is asked of the rows; see :meth:`query`.
    """

    batch: Batch
    contract: Contract
    path: Path
    rows: int
    checksum: str
    schema_hash: str
    drift: tuple[str, ...]
    dropped_rows: int
    views: duckdb.DuckDBPyConnection = field(repr=False, compare=False)

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
        with _disk(self.path):
            return self.views.execute(sql).fetchall()

    def left(self, path: Path, rows: int) -> Spool:
        """The spool with those of its rows that are in another file."""
        return replace(self, path=path, rows=rows, views=_views(self.views, path))

    def narrowed(self, window: Window) -> Spool:
        """The part of it that lies in a window, beside it on disk."""
        day = self.contract.partition_by
        path = self.path.with_name(f"{window.start}_{window.end}.parquet")
        with _disk(self.path):
            self.views.execute(
                f"COPY (SELECT * FROM spool WHERE {day} BETWEEN DATE '{window.start}' "
                f"AND DATE '{window.end}') TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
            )
        unreadable = (
            one
            for one in self.batch.unreadable
            if window.start <= (one.day or self.batch.window.end) <= window.end
        )
        batch = replace(self.batch, window=window, unreadable=tuple(unreadable), rows_read=0)
        views = _views(self.views, path)
        rows, checksum = _content(views, self.contract, batch)
        return replace(self, batch=batch, path=path, rows=rows, checksum=checksum, views=views)


class Spools:
    """Where batches are on their way: a folder, and a database in memory that is asked about them.

    Both are gone at the end of ``with``. One serves many small batches, since starting DuckDB takes
    as long as all that is asked of one.
    """

    def __init__(self) -> None:
        self._folder = scratch_folder()
        self._database = duckdb.connect(
            config={"memory_limit": _MEMORY, "temp_directory": self._folder.name, "threads": 2}
        )
        # a file is read a few times in a second, and then gone
        self._database.execute("SET GLOBAL enable_external_file_cache = false")
        self._database.execute("SET GLOBAL TimeZone = 'UTC'")
        self._numbers = count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, batch: Batch, contract: Contract, keep: Filter | None = None) -> Spool:
        """Conform a batch into a spool.

        Args:
            keep: refuses rows that must not land, such as those of an erased person.

        Raises:
            AuditError: the rows don't fit the contract.
            StatementError: the disk is full.
        """
        folder = Path(self._folder.name) / str(next(self._numbers))
        with _disk(folder):
            folder.mkdir()
            path = folder / "batch.parquet"
            refused = _write(batch, contract, keep, path)
            views = _views(self._database, path)
            rows, checksum = _content(views, contract, batch)
        schema = batch.rows.schema
        if left_out := personal(schema, contract):
            warning = "fields that may be about a person are not taken"
            where = f"{batch.source}, account {batch.account_id}, {batch.table}"
            _log.warning("%s: %s: %s", where, warning, ", ".join(left_out))
        return Spool(
            batch=batch,
            contract=contract,
            path=path,
            rows=rows,
            checksum=checksum,
            schema_hash=sha256("|".join(f"{f.name}:{f.type}" for f in schema)),
            drift=drift(schema, contract),
            dropped_rows=batch.dropped_rows + refused,
            views=views,
        )


@contextmanager
def spooled(batch: Batch, contract: Contract, keep: Filter | None = None) -> Iterator[Spool]:
    """One batch alone, as of :meth:`Spools.add`."""
    with Spools() as spools:
        yield spools.add(batch, contract, keep)


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


def _content(views: duckdb.DuckDBPyConnection, contract: Contract, batch: Batch) -> tuple[int, str]:
    """Rows of the file, and a checksum of them and of what could not be read that does not depend
    on their order.

    DuckDB's hash may change with its version: the same rows are then published once more, as
    they are.
    """
    totals = views.execute("SELECT COUNT(*), SUM(HASH(*COLUMNS(*))::HUGEINT) FROM spool").fetchone()
    rows, content = totals or (0, None)
    text = f"{contract.table}|{rows}|{content or 0}"
    for line in sorted(
        f"{one.key} {one.day} {one.why} {one.row or one.text or ''}" for one in batch.unreadable
    ):
        text += f"|{line}"
    return int(rows), sha256(text)


def _views(database: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyConnection:
    """A cursor with the views ``spool`` and ``numbered`` of a file, which are its own."""
    cursor = database.cursor()
    cursor.execute(f"CREATE TEMP VIEW spool AS SELECT * FROM read_parquet('{path}')")
    cursor.execute(
        f"CREATE TEMP VIEW numbered AS SELECT * FROM read_parquet('{path}', file_row_number = true)"
    )
    return cursor
