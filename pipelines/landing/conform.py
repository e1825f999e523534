"""Fits rows to their table's contract before they are staged, and says what doesn't fit."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa

from pipelines.contracts import EXTRA_COLUMN, RUN_ID_COLUMN, Column, Contract
from pipelines.errors import AuditError
from pipelines.landing.ids import without_placeholders
from pipelines.privacy.columns import without_persons
from pipelines.privacy.field_names import is_personal
from pipelines.privacy.redaction import cleaned
from pipelines.sources.base import Batch


def conform(rows: pa.Table, batch: Batch, contract: Contract) -> pa.Table:
    """Rows in the contract's columns and types, less ``_run_id``.

    Columns the contract doesn't know go into ``_extra``, a JSON object a row; but those that
    :func:`personal` names are left out, and what is a person's is taken out of the rest. An id
    that is a placeholder is nobody's, and NULL, whatever source it came from.

    Raises:
        AuditError: a column is missing or of another type; names it.
    """
    columns = {
        column.name: without_persons(_fitted(rows, column, batch), column, contract)
        for column in contract.columns
        if column.name not in (RUN_ID_COLUMN, EXTRA_COLUMN)
    }
    if EXTRA_COLUMN in contract.column_names:
        columns[EXTRA_COLUMN] = _as_json(rows.select(_unknown(rows.schema, contract)))
    columns = without_placeholders(columns, contract)
    # NULL arrays become empty ones, as GoogleSQL stores them
    return contract.conform(pa.table(columns)).drop_columns([RUN_ID_COLUMN])


def drift(schema: pa.Schema, contract: Contract) -> tuple[str, ...]:
    """Columns, and fields within them, that the source sent and the contract doesn't know."""
    drifted = _unknown(schema, contract)
    for column in contract.columns:
        if column.name in schema.names:
            drifted += _nested_drift(column.name, schema.field(column.name).type, column.arrow_type)
    return tuple(drifted)


def personal(schema: pa.Schema, contract: Contract) -> tuple[str, ...]:
    """Columns that the contract doesn't know and that are, by their names, about a person."""
    return tuple(filter(is_personal, sorted(set(schema.names) - set(contract.column_names))))


def _unknown(schema: pa.Schema, contract: Contract) -> list[str]:
    """Columns that the contract doesn't know and that may be taken."""
    unknown = sorted(set(schema.names) - set(contract.column_names))
    return [name for name in unknown if not is_personal(name)]


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
        if not _castable(values.type, wanted):
            raise pa.ArrowInvalid("another type of value")
        return values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # without its cause: Arrow quotes the value, which may be a person's
        raise _refused(batch, f"column {column.name} is {values.type}, not {column.type}") from None


def _castable(given: pa.DataType, wanted: pa.DataType) -> bool:
    """What may be cast to what without guessing: text is never a number, nor a number a day.

    A struct has every field that is wanted; one that it has besides is drift.
    """
    if pa.types.is_dictionary(given):
        return _castable(given.value_type, wanted)
    if pa.types.is_struct(given) and pa.types.is_struct(wanted):
        names = {field.name for field in given}
        return all(f.name in names and _castable(given.field(f.name).type, f.type) for f in wanted)
    if _is_list(given) and _is_list(wanted):
        return _castable(given.value_type, wanted.value_type)
    return pa.types.is_null(given) or _kind(given) == _kind(wanted)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    return "date" if pa.types.is_date(kind) else str(kind.id)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _nested_drift(name: str, given: pa.DataType, wanted: pa.DataType) -> list[str]:
    """Fields within a column that the contract doesn't know; they are reported and left out."""
    if _is_list(given) and _is_list(wanted):
        return _nested_drift(name, given.value_type, wanted.value_type)
    if not (pa.types.is_struct(given) and pa.types.is_struct(wanted)):
        return []
    known = {field.name: field.type for field in wanted}
    drifted = [f"{name}.{f.name} (left out)" for f in given if f.name not in known]
    for field in given:
        if field.name in known:
            drifted += _nested_drift(f"{name}.{field.name}", field.type, known[field.name])
    return drifted


def _as_json(unknown: pa.Table) -> pa.Array:
    if not unknown.num_columns:
        return pa.nulls(unknown.num_rows, pa.string())
    return pa.array((_line(row) for row in unknown.to_pylist()), pa.string())


def _line(row: dict[str, Any]) -> str | None:
    """A row's unknown values as JSON; NULL where it has none of them."""
    known = {name: value for name, value in row.items() if value is not None}
    if not known:
        return None
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(cleaned(known), default=str, option=options).decode()


def _refused(batch: Batch, what: str) -> AuditError:
    return AuditError(
        f"{batch.source}, account {batch.account_id}, {batch.window}: {what} (for {batch.table}).",
        kept="published data is unchanged; nothing from this batch was staged.",
        fix="The platform changed its report or the mapping is wrong: correct the source's query "
        "or mapping, then ingest the window again.",
    )
