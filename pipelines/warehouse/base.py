"""The warehouse protocol: what every other room may ask of BigQuery or DuckDB.

All SQL passed in is GoogleSQL with named parameters (``@name``); table names are ``dataset.table``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from pipelines.contracts import RUN_ID_COLUMN, Contract
from pipelines.errors import Transient, WarehouseError
from pipelines.warehouse.drift import Change, Deployed

Value = str | int | float | bool | date | datetime | None

STAGE_DATASET = "landing_stage"


class RowCountConflict(WarehouseError, Transient):
    """A statement didn't affect the number of rows it had to: another writer was faster."""

    exit_code = 1


class Refusal(WarehouseError):
    """A transaction's question was answered in a way that refuses it; nothing was changed."""

    def __init__(self, answer: Mapping[str, int]) -> None:
        super().__init__(f"The transaction was refused: {dict(answer)}.")
        self.answer = answer


@dataclass(frozen=True)
class Answered:
    """In place of a parameter's value: a column of the answer to the transaction's question."""

    column: str


@dataclass(frozen=True)
class Statement:
    """One GoogleSQL statement of a transaction.

    Args:
        sql: the statement, without a closing semicolon.
        params: values of its ``@name`` parameters.
        expect_rows: rows it must affect; otherwise the transaction is rolled back.
    """

    sql: str
    params: Mapping[str, Value | Answered] = field(default_factory=dict)
    expect_rows: int | None = None

    def values(self, answer: Mapping[str, int]) -> dict[str, Value]:
        """The values of its parameters, with those that the answer gives."""
        return {
            name: answer[value.column] if isinstance(value, Answered) else value
            for name, value in self.params.items()
        }


@dataclass(frozen=True)
class Question:
    """What a transaction asks before its statements, of the state that they will find.

    Args:
        sql: a query of one row, whose columns are INT64 and never NULL.
        columns: their names.
        params: values of the ``@name`` parameters of ``sql`` and ``refused``.
        refused: a condition on the columns under which nothing is changed.
    """

    sql: str
    columns: tuple[str, ...]
    params: Mapping[str, Value] = field(default_factory=dict)
    refused: str = "FALSE"


@dataclass(frozen=True)
class Slice:
    """Exactly what a publish replaces: the rows of ``table`` that match ``keys`` in the window.

    Args:
        table: ``dataset.table``.
        keys: column → value that every row of the slice has; not empty.
        date_column: DATE column that the window is on, or None for a slice without a window.
        start: first day of the window, inclusive.
        end: last day of the window, inclusive.
    """

    table: str
    keys: Mapping[str, str]
    date_column: str | None = None
    start: date | None = None
    end: date | None = None

    def predicate(self) -> tuple[str, dict[str, Value]]:
        """The slice as a GoogleSQL condition and its parameters (all prefixed ``slice_``)."""
        if not self.keys:
            raise ValueError("a slice without keys would replace a whole table")
        terms = [f"{column} = @slice_{column}" for column in self.keys]
        params: dict[str, Value] = {f"slice_{c}": v for c, v in self.keys.items()}
        if self.date_column is not None:
            terms.append(f"{self.date_column} BETWEEN @slice_start AND @slice_end")
            params |= {"slice_start": self.start, "slice_end": self.end}
        return " AND ".join(terms), params


@dataclass(frozen=True)
class WorkingCopy:
    """A copy of a DuckDB file that takes the file's place once the work on it is done.

    Args:
        path: the copy, with the file's own name.
        descriptor: while it is open, here or in a process that inherited it, nobody else works on
            a copy.
    """

    path: Path
    descriptor: int


class Warehouse(Protocol):
    """What BigQuery and DuckDB both do.

    Every call is its own unit of work: DuckDB opens its file and releases it again.
    """

    kind: str

    def unit(self, *, read_only: bool = False) -> AbstractContextManager[None]:
        """Makes the calls within ``with`` one unit of work: DuckDB's file stays open for them.

        Only for calls in quick succession: other processes wait for the file (DESIGN 3.12).

        Args:
            read_only: the calls only read; on DuckDB they see one state of the file, and others
                may read it meanwhile.
        """

    def rebuilding(self) -> AbstractContextManager[WorkingCopy | None]:
        """For another process to rebuild tables in: on DuckDB, a copy of the file.

        The copy takes the file's place at the end of ``with``, unless something is raised. Until
        then, others may read the file, and wait to write. None on BigQuery, which needs no copy.

        Raises:
            WarehouseLocked: another process writes.
            StatementError: the disk has no room for a copy.
        """

    def create_tables(self, contracts: Iterable[Contract]) -> None:
        """Create the datasets and tables that are missing; existing ones are left alone."""

    def deployed(self, contracts: Iterable[Contract]) -> Mapping[str, Deployed]:
        """The contracts' tables as they are now, by their names; without those that are missing."""

    def carry_out(self, contract: Contract, changes: Sequence[Change]) -> None:
        """Carry out the additive ones of a table's changes (``warehouse.drift``); no row changes.

        Raises:
            StatementError: the warehouse refused one of them.
        """

    def lacking(self, contracts: Iterable[Contract]) -> Mapping[str, tuple[str, ...] | None]:
        """What this process needs to read and write and may not, by dataset, or for DuckDB's file;
        empty where it lacks nothing, None where that can't be told."""

    def query(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        """Run one read-only GoogleSQL statement.

        The result has GoogleSQL's types on either warehouse (``warehouse.results``).

        Args:
            params: values by name, typed by their Python type; None is a STRING on BigQuery.

        Raises:
            StatementError: the statement was refused; quotes it.
            WarehouseLocked, WarehouseUnavailable: try again later.
        """

    def ask(self, sql: str) -> pa.Table:
        """Run one read-only GoogleSQL query that a person wrote; not within :meth:`unit`.

        On DuckDB it opens no file and reaches no network, and what isn't proven to mean there
        what it means on BigQuery (``warehouse.proven``) is refused by name.

        Raises:
            UsageError: a part of it isn't proven; nothing was run.
            StatementError: it was refused, or ended in an error, such as a division by zero.
            WarehouseLocked, WarehouseUnavailable: try again later.
        """

    def stage(self, contract: Contract, name: str, rows: pa.Table | Path) -> str:
        """Write rows into a stage table with the contract's schema, replacing its contents.

        Args:
            name: the stage's own part of the table name, such as a run id.
            rows: a table, or a Parquet file whose columns have the contract's types; a column
                that is missing is NULL.

        Returns:
            The stage's name, ``landing_stage.<dataset>__<table>__<name>``. The same
            arguments give the same stage: a retry finds the work done.

        Raises:
            InputError: the rows don't fit the contract; names the column.
        """

    def stage_file(self, contract: Contract, name: str, path: Path) -> str:
        """As :meth:`stage`, of a Parquet file that stays there for the rest of the :meth:`unit`.

        DuckDB reads it where it is, and copies nothing; no other unit sees the stage.
        """

    def datasets(self) -> list[str]:
        """The names of all datasets, adcanary's and others'."""

    def stages(self) -> list[str]:
        """The names of all stages, as :meth:`stage` returned them."""

    def drop_stages(self, stages: Iterable[str]) -> None:
        """Drop stages; one that doesn't exist is no error."""

    def transaction(
        self, statements: Sequence[Statement], *, label: str, first: Question | None = None
    ) -> Mapping[str, int]:
        """Run all statements or none.

        On BigQuery, a transaction gives way to another that changes the same table, but INSERTs
        alone don't conflict: compare-and-set needs an UPDATE, a DELETE or a MERGE.

        Args:
            label: what the transaction is for, such as ``publish``; BigQuery's job carries it.
            first: what to ask before them; they have its columns as :class:`Answered`.

        Returns:
            The answer to ``first``; empty without one.

        Raises:
            Refusal: ``first`` was answered so; carries the answer.
            RowCountConflict: a statement's ``expect_rows`` did not hold; nothing was changed.
            StatementError: a statement was refused; nothing was changed.
        """


def publish_stage(
    warehouse: Warehouse,
    contract: Contract,
    slice_: Slice,
    stage: str,
    *,
    run_id: str,
    rows: int | None = None,
    within: str = "TRUE",
    also: Sequence[Statement] = (),
    first: Question | None = None,
) -> Mapping[str, int]:
    """Replace one slice of a table with a stage's rows, in one transaction with ``also``.

    Args:
        within: a further condition on the rows of the slice that are replaced.
        rows: how many rows the stage must have; with any other number, nothing changes.
        run_id: what ``_run_id`` of every row becomes.
        also: further statements of the same transaction, such as a ledger row; they run first, so
            that if one of them fails, no rows have been moved yet.
        first: what the transaction asks before any of them.

    Returns:
        The answer to ``first``.
    """
    condition, params = slice_.predicate()
    columns = ", ".join(contract.column_names)
    values = ", ".join("@run_id" if c == RUN_ID_COLUMN else c for c in contract.column_names)
    return warehouse.transaction(
        [
            *also,
            Statement(f"DELETE FROM {contract.table} WHERE {condition} AND {within}", params),
            Statement(
                f"INSERT INTO {contract.table} ({columns}) SELECT {values} FROM {stage}",
                {"run_id": run_id},
                expect_rows=rows,
            ),
        ],
        label="publish",
        first=first,
    )


def insert_row(contract: Contract, row: Mapping[str, Value | Answered]) -> Statement:
    """The statement that inserts one row of scalars, its parameters named after the columns."""
    columns = [c for c in contract.column_names if row.get(c) is not None]
    return Statement(
        f"INSERT INTO {contract.table} ({', '.join(columns)}) "
        f"VALUES ({', '.join('@' + c for c in columns)})",
        {c: row[c] for c in columns},
        expect_rows=1,
    )
