"""DuckDB in one local file, and the one place where GoogleSQL is transpiled.

The file takes one writer process at a time, so a connection is opened for a unit of work and then
released. Waiting for another process is bounded; the error then says which one holds the file.
"""

from __future__ import annotations

import atexit
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from pipelines.contracts import Contract
from pipelines.errors import ConfigError, StatementError, WarehouseLocked
from pipelines.warehouse.base import STAGE_DATASET, RowCountConflict, Statement, Value
from pipelines.warehouse.duckdb_answer import answer, close_off
from pipelines.warehouse.duckdb_dialect import duckdb_sql
from pipelines.warehouse.duckdb_query import proven_sql
from pipelines.warehouse.googlesql import parse, parse_query
from pipelines.warehouse.results import as_googlesql

_HOLDER = re.compile(r"PID (\d+)")
_POLL_SECONDS = 0.1
# Landing ten million rows must fit beside the batch itself; DuckDB spills the rest to disk.
_MOST_THREADS = 8
_MEMORY_LIMIT = "256MB"
# A checkpoint writes blocks of the file in place: a process that is killed during one may leave a
# file that can't be opened. DuckDB makes one at every close. Here, the log beside the file holds
# the changes until it reaches this size, or the process ends.
_LOG_SIZE = "1MB"
# DuckDB refuses a second connection with other settings in the same process, so threads take turns.
_IN_PROCESS = threading.RLock()


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
                connection.execute(_create_table(contract, contract.table, "IF NOT EXISTS"))
            _add_columns(connection, wanted)

    def query(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        self._refuse_missing()
        statement = _transpiled_query(sql)
        with self._connection(read_only=True) as connection:
            try:
                rows = connection.execute(statement, _used(statement, params)).to_arrow_table()
            except duckdb.Error as error:
                raise _refused(sql, statement, error) from error
        return as_googlesql(rows)

    def ask(self, sql: str) -> pa.Table:
        proven_sql(sql)  # what is refused needs no file
        self._refuse_missing()
        with self._connection(read_only=True) as connection:
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
            connection.execute(_create_table(contract, stage, "OR REPLACE", constrained=False))
            if isinstance(rows, Path):
                columns, origin = pq.read_schema(rows).names, f"read_parquet('{rows}')"
            else:
                columns, origin = list(contract.column_names), "staged_rows"
                connection.register(origin, contract.conform(rows))
            names = ", ".join(columns)
            connection.execute(f"INSERT INTO {stage} ({names}) SELECT {names} FROM {origin}")
        return stage

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
        if not names:
            return
        with self._connection() as connection:
            for stage in names:
                connection.execute(f"DROP TABLE IF EXISTS {stage}")

    def transaction(self, statements: Sequence[Statement], *, label: str) -> None:
        with self._connection() as connection:
            connection.begin()
            try:
                for statement in statements:
                    _run(connection, statement)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def unit(self) -> Iterator[None]:
        with self._connection() as connection:
            before, self._held = self._held, connection
            try:
                yield
            finally:
                self._held = before

    @contextmanager
    def _connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"The folder of the warehouse {self.path} can't be created: {error.strerror}.",
                kept="nothing was written.",
                fix="Check warehouse.path in adcanary.yaml.",
            ) from error
        with _IN_PROCESS:
            if self._held is not None:  # held by this thread: the lock lets no other one in
                yield self._held
                return
            connection = self._open(read_only)
            try:
                connection.execute("SET TimeZone = 'UTC'")
                connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
                if not read_only:
                    # a large insert then needn't hold rows back to keep their order
                    connection.execute("SET preserve_insertion_order = false")
                    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
                    connection.execute(f"SET checkpoint_threshold = '{_LOG_SIZE}'")
                    _written.add(self.path.absolute())
                # each thread needs a share of the memory
                connection.execute(f"SET threads = {min(os.cpu_count() or 1, _MOST_THREADS)}")
                yield connection
            except duckdb.Error as error:
                raise StatementError(
                    f"{self.path} can't be read or written: {error}",
                    kept="published data is unchanged.",
                    fix="Check that there is space left on the disk.",
                ) from error
            finally:
                connection.close()

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.lock_timeout_seconds
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only)
            except duckdb.IOException as error:
                if "Could not set lock" not in str(error):
                    fix = (
                        "Check that it is a DuckDB file, and that there is space left on the disk."
                    )
                    if "Corrupt database file" in str(error):
                        fix = (
                            "Restore a copy of the file; or move it and its .wal away, and load "
                            "its history again: `adcanary ingest --all --backfill --start DAY "
                            "--why …`."
                        )
                    raise StatementError(
                        f"{self.path} can't be opened: {error}", fix=fix
                    ) from error
                if time.monotonic() >= deadline:
                    raise WarehouseLocked(
                        f"{self.path} is still in use by {_holder(str(error))} after "
                        f"{self.lock_timeout_seconds:.0f} s.",
                        kept="the file is unchanged.",
                        fix="Run the command again once that process has ended.",
                    ) from error
            time.sleep(_POLL_SECONDS)


_written: set[Path] = set()


@atexit.register
def _leave_one_file() -> None:
    """Move the logs' changes into their files; one in use by another process is left for later."""
    for path in _written:
        if path.with_name(f"{path.name}.wal").exists():
            with suppress(duckdb.Error):
                duckdb.connect(str(path)).close()


@lru_cache(maxsize=512)
def transpile(sql: str) -> str:
    """One GoogleSQL statement as DuckDB SQL.

    Raises:
        StatementError: sqlglot can't read the statement; quotes it.
    """
    return duckdb_sql(parse(sql))


@lru_cache(maxsize=512)
def _transpiled_query(sql: str) -> str:
    return duckdb_sql(parse_query(sql))


def _run(connection: duckdb.DuckDBPyConnection, statement: Statement) -> None:
    translated = transpile(statement.sql)
    try:
        result = connection.execute(translated, _used(translated, statement.params)).fetchone()
    except duckdb.TransactionException as error:
        raise RowCountConflict(
            f"Another writer was faster: {error}",
            kept="the transaction was rolled back.",
            fix="Run the command again.",
        ) from error
    except duckdb.Error as error:
        raise _refused(statement.sql, translated, error) from error
    affected = result[0] if result else 0
    if statement.expect_rows is not None and affected != statement.expect_rows:
        raise RowCountConflict(
            f"Another writer was faster: a statement had to affect {statement.expect_rows} row(s) "
            f"and affected {affected}.",
            kept="the transaction was rolled back.",
            fix="Run the command again.",
        )


def _used(statement: str, params: Mapping[str, Value] | None) -> dict[str, Value]:
    """Only the parameters that the statement names: DuckDB refuses any others."""
    return {k: v for k, v in (params or {}).items() if re.search(rf"\${k}\b", statement)}


def _refused(sql: str, translated: str, error: Exception) -> StatementError:
    shown = sql.strip() if translated == sql else f"{sql.strip()}\n  as DuckDB: {translated}"
    return StatementError(f"DuckDB refused a statement: {error}\n  {shown}")


def _holder(message: str) -> str:
    match = _HOLDER.search(message)
    if not match:
        return "another process"
    pid = match.group(1)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({command[:120]})"


def _create_table(contract: Contract, name: str, how: str, *, constrained: bool = True) -> str:
    """A contract's DDL for DuckDB. As on BigQuery, keys aren't enforced; landing checks them."""
    columns = ", ".join(
        f"{c.name} {_duckdb_type(c.type)}{'' if c.nullable or not constrained else ' NOT NULL'}"
        for c in contract.columns
    )
    if how == "OR REPLACE":
        return f"CREATE OR REPLACE TABLE {name} ({columns})"
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns})"


def _add_columns(connection: duckdb.DuckDBPyConnection, contracts: Iterable[Contract]) -> None:
    """Add the columns that contracts gained since their tables were created, as nullable ones."""
    present = connection.execute(
        "SELECT table_schema || '.' || table_name, LIST(column_name) "
        "FROM information_schema.columns GROUP BY ALL"
    ).fetchall()
    known = {table: set(columns) for table, columns in present}
    for contract in contracts:
        for column in contract.columns:
            if column.name not in known[contract.table]:
                connection.execute(
                    f"ALTER TABLE {contract.table} "
                    f"ADD COLUMN {column.name} {_duckdb_type(column.type)}"
                )


def _duckdb_type(google_type: str) -> str:
    return exp.DataType.build(google_type, dialect="bigquery").sql(dialect="duckdb")
