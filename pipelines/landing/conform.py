"""Fits rows to their table's contract before they are staged, and says what doesn't fit."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pyarrow as pa

from pipelines.errors import AuditError
from pipelines.sources.base import Batch
from pipelines.warehouse import Contract
from pipelines.warehouse.contracts import Column

RUN_ID_COLUMN = "_run_id"
EXTRA_COLUMN = "_extra"
# What nobody described may hold anything: e-mail addresses and phone numbers don't pass the door.
_PERSONAL = re.compile(r"[^\s@\"<>,;]+@[^\s@\"<>,;]+\.[^\s@\"<>,;]+|\+?\d[\d ()./-]{7,}\d")


def conform(rows: pa.Table, batch: Batch, contract: Contract) -> pa.Table:
    """Rows in the contract's columns and types, less ``_run_id``.

    Columns the contract doesn't know go into ``_extra``, a JSON object a row.

    Raises:
        AuditError: a column is missing or of another type; names it.
    """
    columns = {
        column.name: _fitted(rows, column, batch)
        for column in contract.columns
        if column.name not in (RUN_ID_COLUMN, EXTRA_COLUMN)
    }
    if EXTRA_COLUMN in contract.column_names:
        columns[EXTRA_COLUMN] = _as_json(rows.select(list(drift(rows.schema, contract))))
    # NULL arrays become empty ones, as GoogleSQL stores them
    return contract.conform(pa.table(columns)).drop_columns([RUN_ID_COLUMN])


def drift(schema: pa.Schema, contract: Contract) -> tuple[str, ...]:
    """Columns that the source sent and the contract doesn't know."""
    return tuple(sorted(set(schema.names) - set(contract.column_names)))


def _fitted(rows: pa.Table, column: Column, batch: Batch) -> pa.ChunkedArray | pa.Array:
    if column.name not in rows.column_names:
        if not column.nullable:
            raise _refused(batch, f"column {column.name} is missing")
        return pa.nulls(rows.num_rows, column.arrow_type)
    values = rows[column.name]
    wanted = column.arrow_type
    if values.type == wanted:
        return values
    try:
        if _kind(values.type) not in (_kind(wanted), "nothing"):
            raise pa.ArrowInvalid("another type of value")
        return values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _refused(
            batch, f"column {column.name} is {values.type}, not {column.type}: {error}"
        ) from error


def _kind(kind: pa.DataType) -> str:
    """What may be cast to what without guessing: text is never a number, nor a number a day."""
    if pa.types.is_null(kind):
        return "nothing"
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "list"
    return "date" if pa.types.is_date(kind) else str(kind.id)


def _as_json(unknown: pa.Table) -> pa.Array:
    if not unknown.num_columns:
        return pa.nulls(unknown.num_rows, pa.string())
    return pa.array((_line(row) for row in unknown.to_pylist()), pa.string())


def _line(row: dict[str, Any]) -> str | None:
    """A row's unknown values as JSON; NULL where it has none of them."""
    known = {name: value for name, value in row.items() if value is not None}
    if not known:
        return None
    text = orjson.dumps(known, default=str, option=orjson.OPT_SORT_KEYS).decode()
    return _PERSONAL.sub("[redacted]", text)


def _refused(batch: Batch, what: str) -> AuditError:
    return AuditError(
        f"{batch.source}, account {batch.account_id}, {batch.window}: {what} (for {batch.table}).",
        kept="what was published before is as it was; nothing of this batch was staged.",
        fix="The platform changed its report or the mapping is wrong: correct the source's query "
        "or mapping, then ingest the window again.",
    )
