"""The embedded warehouse: DuckDB in one local file.

The file takes one writer process at a time, so a connection is opened for a unit of work and then
released. Waiting for another process is bounded; the error then says which one holds the file.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contracts import Contract
from pipelines.errors import AdcanaryError, ConfigError, StatementError, WarehouseLocked
from pipelines.warehouse import duckdb_file, duckdb_turns
from pipelines.warehouse.base import (
    STAGE_DATASET,
    Question,
    Statement,
    Value,
    WorkingCopy,
)
from pipelines.warehouse.drift import Change, Deployed
from pipelines.warehouse.duckdb_errors import refused, require_duckdb, unreadable
from pipelines.warehouse.duckdb_statements import asked, run, used
from pipelines.warehouse.duckdb_tables import (
    add_columns,
    carry_out,
    create_table,
    deployed_tables,
)
from pipelines.warehouse.duckdb_turns import OpenFile
from pipelines.warehouse.results import as_googlesql
from pipelines.warehouse.transpile import IN_PLACE, duckdb_type, transpiled_query

_HOLDER = re.compile(r"PID (\d+)")
# Between tries for a held file: longer from try to try, and drawn, so that many who wait neither
# keep the processor from the one that works nor come at the same instants.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0
# Landing ten million rows must fit beside the batch itself; DuckDB spills the rest to disk. A read
# may be of a view of many joins, which need as much as dbt's (dbt/profiles.yml).
_MOST_THREADS = 8
_MEMORY_LIMIT, _READ_MEMORY_LIMIT = "256MB", "1200MB"
# Changes wait in the log beside the file. Whoever opens the file reads the log, and moving it into
# the file costs a copy of the file (docs/benchmarks.md). In sum, the two cost least at about a
# megabyte and a two-hundredth of the file, for small batches.
_LOG_BYTES, _LOG_SHARE = 1 << 20, 200
# Up to this size, a process that has written leaves one file at its end, without a log.
_SMALL_BYTES = 64 << 20
_MOST_TRIES = 5
_ACCESS = {"read": os.R_OK, "write": os.W_OK}
_log = logging.getLogger(__name__)


class DuckDBWarehouse:
    """The embedded warehouse (see :class:`pipelines.warehouse.base.Warehouse`).

    Args:
        path: the database file; the first write creates it, with its folder.
        lock_timeout_seconds: how long to wait for another process to release the file.
    """

    kind = "duckdb"

    def __init__(self, path: Path, lock_timeout_seconds: float = 25.0) -> None:
        self.path = path
        self.lock_timeout_seconds = lock_timeout_seconds
        self._held: duckdb.DuckDBPyConnection | None = None

    def create_tables(self, contracts: Iterable[Contract]) -> None:
        wanted = list(contracts)
        with self._connection() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {STAGE_DATASET}")
            for contract in wanted:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {contract.dataset}")
                connection.execute(create_table(contract, contract.table, "IF NOT EXISTS"))
            add_columns(connection, wanted)

    def deployed(self, contracts: Iterable[Contract]) -> dict[str, Deployed]:
        if not self.path.exists():
            return {}
        with self._connection(read_only=True) as connection:
            return deployed_tables(connection, contracts)

    def carry_out(self, contract: Contract, changes: Sequence[Change]) -> None:
        with self._connection() as connection:
            try:
                carry_out(connection, contract, changes)
            except duckdb.Error as error:
                raise StatementError(
                    f"DuckDB refused to change {contract.table}: {error}",
                    kept="the table is as it was.",
                    fix="Run `adcanary migrate --dry-run` to see the changes.",
                ) from error

    def lacking(self, contracts: Iterable[Contract]) -> dict[str, tuple[str, ...] | None]:
        """Of the file and its folder, whatever the contracts."""
        del contracts
        file = [name for name, bit in _ACCESS.items() if not os.access(self.path, bit)]
        folder = [name for name, bit in _ACCESS.items() if not os.access(self.path.parent, bit)]
        return {self.path.name: (*file, *(f"{name} of its folder" for name in folder))}

    def query(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        self._refuse_missing()
        statement = transpiled_query(sql)
        with self._connection(read_only=True) as connection:
            try:
                rows = connection.execute(statement, used(statement, params)).to_arrow_table()
            except duckdb.Error as error:
                raise refused(self.path, sql, statement, error) from error
        return as_googlesql(rows)

    def ask(self, sql: str) -> pa.Table:
        from pipelines.warehouse.duckdb_answer import answer, close_off
        from pipelines.warehouse.duckdb_query import translated

        translated(sql)  # what is refused needs no file
        self._refuse_missing()
        with self._connection(read_only=True, alone=True) as connection:
            close_off(connection)
            return answer(connection, sql)

    def _refuse_missing(self) -> None:
        if not self.path.exists():
            raise StatementError(
                f"There is no warehouse at {self.path} yet.",
                kept="nothing was created.",
                fix="Run `adcanary ingest` first, or check warehouse.path in adcanary.yaml.",
            )

    def stage(self, contract: Contract, name: str, rows: pa.Table | Path) -> str:
        stage = f"{STAGE_DATASET}.{contract.dataset}__{contract.name}__{name}"
        with self._connection() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {STAGE_DATASET}")
            connection.execute(create_table(contract, stage, "OR REPLACE", constrained=False))
            if isinstance(rows, Path):
                import pyarrow.parquet as pq

                columns, origin = pq.read_schema(rows).names, f"read_parquet('{rows}')"
            else:
                columns, origin = list(contract.column_names), "staged_rows"
                connection.register(origin, contract.conform(rows))
            names = ", ".join(columns)
            connection.execute(f"INSERT INTO {stage} ({names}) SELECT {names} FROM {origin}")
        return stage

    def stage_file(self, contract: Contract, name: str, path: Path) -> str:
        """The file is read where it is, by a view of the unit's connection."""
        import pyarrow.parquet as pq

        view = f"{IN_PLACE}{contract.dataset}__{contract.name}__{name}"
        there = set(pq.read_schema(path).names)
        columns = ", ".join(
            f"CAST({c.name if c.name in there else 'NULL'} AS {duckdb_type(c.type)}) AS {c.name}"
            for c in contract.columns
        )
        with self._connection() as connection:
            rows = f"SELECT {columns} FROM read_parquet('{path}')"
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {rows}")
        return view

    def datasets(self) -> list[str]:
        schemata = self.query("SELECT DISTINCT schema_name FROM information_schema.schemata")
        return sorted(schemata["schema_name"].to_pylist())

    def stages(self) -> list[str]:
        tables = self.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = @dataset",
            {"dataset": STAGE_DATASET},
        )
        return sorted(f"{STAGE_DATASET}.{name}" for name in tables["table_name"].to_pylist())

    def drop_stages(self, stages: Iterable[str]) -> None:
        names = list(stages)
        tables = [name for name in names if not name.startswith(IN_PLACE)]
        if not tables and self._held is None:  # a view is gone with its unit
            return
        with self._connection() as connection:
            for stage in names:
                kind = "TABLE" if stage in tables else "VIEW"
                connection.execute(f"DROP {kind} IF EXISTS {stage}")

    def transaction(
        self, statements: Sequence[Statement], *, label: str, first: Question | None = None
    ) -> Mapping[str, int]:
        with self._connection() as connection:
            connection.begin()
            try:
                answered = asked(self.path, connection, first) if first else {}
                for statement in statements:
                    run(self.path, connection, statement, answered)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
        return answered

    @contextmanager
    def unit(self, *, read_only: bool = False) -> Iterator[None]:
        if read_only:
            self._refuse_missing()
        with self._connection(read_only=read_only) as connection:
            before, self._held = self._held, connection
            try:
                yield
            finally:
                self._held = before

    @contextmanager
    def rebuilding(self) -> Iterator[WorkingCopy | None]:
        with self._turn():
            duckdb_turns.close_left()
            for _ in range(_MOST_TRIES):
                duckdb_file.fold(self.path, self.lock_timeout_seconds)
                with duckdb_file.held_still(self.path, self.lock_timeout_seconds) as descriptor:
                    if duckdb_file.log_bytes(self.path):
                        continue  # somebody wrote in between
                    with duckdb_file.replacement(self.path, descriptor) as copy:
                        yield WorkingCopy(copy, descriptor)
                    return
        raise WarehouseLocked(
            f"Other processes kept writing to {self.path}.",
            kept="the file is unchanged.",
            fix="Run the command again when they have ended.",
        )

    @contextmanager
    def _connection(
        self, *, read_only: bool = False, alone: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """The unit's connection, or else one that another thread left open, or a new one.

        Args:
            alone: a new one, which is closed at the end: its settings are for this use.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"The folder of the warehouse {self.path} can't be created: {error.strerror}.",
                kept="nothing was written.",
                fix="Check warehouse.path in adcanary.yaml.",
            ) from error
        with self._turn():
            if self._held is not None:  # held by this thread: its turn lets no other one in
                yield self._held
                return
            left = None if alone else duckdb_turns.taken_over(self.path, read_only)
            file = left or self._open(read_only)
            connection, done = file.connection, False
            try:
                connection.execute("SET TimeZone = 'UTC'")
                limit = _READ_MEMORY_LIMIT if read_only else _MEMORY_LIMIT
                connection.execute(f"SET memory_limit = '{limit}'")
                # a large insert then needn't hold rows back to keep their order
                connection.execute(f"SET preserve_insertion_order = {read_only}")
                # each thread needs a share of the memory
                connection.execute(f"SET threads = {min(os.cpu_count() or 1, _MOST_THREADS)}")
                yield connection
                done = True
            except duckdb.Error as error:
                raise unreadable(self.path, error) from error
            finally:
                # what failed is closed: nobody knows its state
                if not (done and not alone and duckdb_turns.leave(file)):
                    self._close(file)

    def _turn(self) -> AbstractContextManager[None]:
        return duckdb_turns.turn(self.path, self.lock_timeout_seconds)

    def _close(self, file: OpenFile) -> None:
        file.connection.close()
        if not file.read_only:
            _written.add(self.path.absolute())
            # a folder is what a killed process left
            if _log_is_long(self.path) or duckdb_file.working_folder(self.path).exists():
                _fold(self.path)
        duckdb_turns.make_room(file)

    def _open(self, read_only: bool) -> OpenFile:
        """A connection that never checkpoints: DuckDB would do that within the file."""
        duckdb_turns.close_left()
        deadline, pause = time.monotonic() + self.lock_timeout_seconds, _FIRST_PAUSE
        while True:
            if not read_only and not self.path.exists():
                duckdb_file.create(self.path)
            inode = self.path.stat().st_ino
            require_duckdb(self.path)
            try:
                connection = duckdb.connect(
                    str(self.path), read_only=read_only, config=duckdb_file.NO_CHECKPOINT
                )
                connection.execute("PRAGMA disable_checkpoint_on_shutdown")
                if duckdb_file.is_current(self.path, inode):
                    return OpenFile(self.path, connection, inode, read_only)
                connection.close()  # another process put a checkpointed copy in its place
            except duckdb.Error as error:
                if "Could not set lock" in str(error):
                    if time.monotonic() >= deadline:
                        raise WarehouseLocked(
                            f"{self.path} is still in use by {_holder(str(error))} after "
                            f"{self.lock_timeout_seconds:.0f} s.",
                            kept="the file is unchanged.",
                            fix="Run the command again once that process has ended.",
                        ) from error
                    time.sleep(pause * random.uniform(0.5, 1.0))
                    pause = min(pause * 1.5, _LONGEST_PAUSE)
                elif duckdb_file.is_current(self.path, inode):
                    raise unreadable(self.path, error) from error


def _log_is_long(path: Path) -> bool:
    return duckdb_file.log_bytes(path) > _LOG_BYTES + path.stat().st_size // _LOG_SHARE


def _fold(path: Path) -> None:
    """Move the log into the file; where that can't be done now, the log keeps what it holds."""
    try:
        duckdb_file.fold(path)
    except (AdcanaryError, OSError) as error:
        _log.warning("The changes to %s stay in the log beside it: %s", path, error)


_written: set[Path] = set()


@atexit.register
def _leave_one_file() -> None:
    """Move the logs of small files; of large ones, that waits until the log is long."""
    for path in _written:
        with suppress(OSError):
            if path.stat().st_size <= _SMALL_BYTES:
                _fold(path)


def _holder(message: str) -> str:
    match = _HOLDER.search(message)
    return f"process {duckdb_file.describe(int(match.group(1)))}" if match else "another process"
