"""DuckDB in one local file, and the one place where GoogleSQL is transpiled.

The file has one writer process at a time, so a connection is opened for a unit of work and
released. Waiting for another process is bounded and ends by saying who holds the file.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from pipelines.errors import StatementError, WarehouseLocked
from pipelines.warehouse.base import STAGE_DATASET, RowCountConflict, Statement, Value
from pipelines.warehouse.contracts import Contract

_HOLDER = re.compile(r"PID (\d+)")
_POLL_SECONDS = 0.1
# DuckDB refuses a second connection with other settings in the same process, so threads take turns.
_IN_PROCESS = threading.RLock()


class DuckDBWarehouse:
    """The embedded warehouse (see :class:`pipelines.warehouse.base.Warehouse`).

    Args:
        path: the database file; made, with its folder, by the first write.
        lock_timeout_seconds: how long to wait for another process to release the file.
    """

    kind = "duckdb"

    def __init__(self, path: Path, lock_timeout_seconds: float = 25.0) -> None:
        self.path = path
        self.lock_timeout_seconds = lock_timeout_seconds

    def create_tables(self, contracts: Iterable[Contract]) -> None:
        with self._connection() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {STAGE_DATASET}")
            for contract in contracts:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {contract.dataset}")
                connection.execute(_create_table(contract, contract.table, "IF NOT EXISTS"))

    def query(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        if not self.path.exists():
            raise StatementError(
                f"There is no warehouse at {self.path} yet.",
                fix="Run `adcanary ingest` first, or check warehouse.path in adcanary.yaml.",
            )
        statement = transpile(sql)
        with self._connection(read_only=True) as connection:
            try:
                result = connection.execute(statement, _used(statement, params)).arrow()
            except duckdb.Error as error:
                raise _refused(sql, statement, error) from error
        table = result if isinstance(result, pa.Table) else result.read_all()
        return _narrow_sums(table)

    def stage(self, contract: Contract, run_id: str, rows: pa.Table) -> str:
        stage = f"{STAGE_DATASET}.{contract.dataset}__{contract.name}__{run_id}"
        with self._connection() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {STAGE_DATASET}")
            connection.execute(_create_table(contract, stage, "OR REPLACE", constrained=False))
            connection.register("staged_rows", rows)
            connection.execute(f"INSERT INTO {stage} BY NAME SELECT * FROM staged_rows")
            connection.unregister("staged_rows")
        return stage

    def drop_stage(self, stage: str) -> None:
        with self._connection() as connection:
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
    def _connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _IN_PROCESS:
            connection = self._open(read_only)
            try:
                connection.execute("SET TimeZone = 'UTC'")
                yield connection
            finally:
                connection.close()

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.lock_timeout_seconds
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only)
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise StatementError(
                        f"{self.path} can't be opened: {error}",
                        fix="Check that the path is a DuckDB file and that the disk has room.",
                    ) from error
                if time.monotonic() >= deadline:
                    raise WarehouseLocked(
                        f"{self.path} is in use by {_holder(str(error))}; waited "
                        f"{self.lock_timeout_seconds:.0f} s for it.",
                        kept="everything in the file is as it was.",
                        fix="Run the command again when that process has ended.",
                    ) from error
            time.sleep(_POLL_SECONDS)


@lru_cache(maxsize=512)
def transpile(sql: str) -> str:
    """One GoogleSQL statement as DuckDB SQL.

    Raises:
        StatementError: sqlglot can't read the statement; says which.
    """
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.ParseError as error:
        detail = error.errors[0] if error.errors else {}
        where = f" at line {detail['line']}, column {detail['col']}" if detail else ""
        raise StatementError(
            f"This is not GoogleSQL that can be read{where}: "
            f"{detail.get('description', error)}\n  {sql.strip()}",
            fix="Statements are GoogleSQL on either warehouse; correct it and run it again.",
        ) from error
    if not isinstance(tree, exp.Expression):
        raise StatementError("The statement is empty.", fix="Write one GoogleSQL statement.")
    tree = tree.transform(_information_schema)
    return tree.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.IGNORE)


def _narrow_sums(table: pa.Table) -> pa.Table:
    """DuckDB sums integers into 128 bits; GoogleSQL's sum of INT64 is INT64."""
    fields = [
        pa.field(f.name, pa.int64()) if f.type == pa.decimal128(38, 0) else f for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _information_schema(node: exp.Expression) -> exp.Expression:
    """``dataset.INFORMATION_SCHEMA.TABLES`` is a view of the dataset; in DuckDB, of the file."""
    if not isinstance(node, exp.Table) or not node.name.lower().startswith("information_schema."):
        return node
    view = exp.table_(node.name.split(".", 1)[1].lower(), db="information_schema")
    chosen = exp.select("*").from_(view)
    if node.db:
        chosen = chosen.where(exp.column("table_schema").eq(node.db))
    return chosen.subquery(alias=node.alias_or_name.split(".")[-1])


def _run(connection: duckdb.DuckDBPyConnection, statement: Statement) -> None:
    translated = transpile(statement.sql)
    try:
        result = connection.execute(translated, _used(translated, statement.params)).fetchone()
    except duckdb.TransactionException as error:
        raise RowCountConflict(f"Another writer was faster: {error}") from error
    except duckdb.Error as error:
        raise _refused(statement.sql, translated, error) from error
    affected = result[0] if result else 0
    if statement.expect_rows is not None and affected != statement.expect_rows:
        raise RowCountConflict(
            f"A statement had to affect {statement.expect_rows} row(s) and affected {affected}.",
            kept="the transaction was rolled back.",
        )


def _used(statement: str, params: Mapping[str, Value] | None) -> dict[str, Value]:
    """Only the parameters the statement names: DuckDB refuses the others."""
    return {k: v for k, v in (params or {}).items() if re.search(rf"\${k}\b", statement)}


def _refused(sql: str, translated: str, error: Exception) -> StatementError:
    shown = sql.strip() if translated == sql else f"{sql.strip()}\n  as DuckDB: {translated}"
    return StatementError(f"DuckDB refused a statement: {error}\n  {shown}")


def _holder(message: str) -> str:
    found = _HOLDER.search(message)
    if not found:
        return "another process"
    pid = found.group(1)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({command[:120]})"


def _create_table(contract: Contract, name: str, how: str, *, constrained: bool = True) -> str:
    """DuckDB's DDL of a contract. Keys stay unenforced, as on BigQuery: landing checks the grain."""
    columns = ", ".join(
        f"{c.name} {_duckdb_type(c.type)}{'' if c.nullable or not constrained else ' NOT NULL'}"
        for c in contract.columns
    )
    if how == "OR REPLACE":
        return f"CREATE OR REPLACE TABLE {name} ({columns})"
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns})"


def _duckdb_type(google_type: str) -> str:
    return exp.DataType.build(google_type, dialect="bigquery").sql(dialect="duckdb")
