"""What is taken of the GA4 export: its columns, their types, and fitting an export to them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError
from pipelines.sources.shapes.columns import schema_of

TABLE = "raw.ga4_events"
CLICK_IDS = ("gclid", "wbraid", "gbraid", "dclid")
KEPT = "published data is unchanged."
ORDERING = ("batch_page_id", "batch_ordering_id", "batch_event_index")
# The export's own columns that the contract leaves out on purpose; others are news.
LEFT_OUT = frozenset(
    {
        "event_previous_timestamp",
        "event_value_in_usd",
        "event_bundle_sequence_id",
        "event_server_timestamp_offset",
        "event_dimensions",
        "user_first_touch_timestamp",
        "user_properties",
        "user_ltv",
        "app_info",
        "traffic_source",
        "platform",
        "is_active_user",
        "publisher",
    }
)
# What the contract has besides the export's own columns.
_ADDED = frozenset({"property_id", "event_key", "search_term", *CLICK_IDS})


def export_schema(integer: pa.DataType | None = None) -> pa.Schema:
    """What is taken of the export, in the contract's types but for its day, which is text.

    Args:
        integer: how it writes INT64, where that is not as integers (BigQuery's JSON: text).
    """
    taken = [f for f in schema_of(TABLE) if f.name not in _ADDED]
    types = {f.name: _written(f.type, integer or pa.int64()) for f in taken}
    return pa.schema({**types, "event_date": pa.string()})


def _written(kind: pa.DataType, integer: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _written(f.type, integer)) for f in kind])
    if pa.types.is_list(kind):
        return pa.list_(_written(kind.value_type, integer))
    return integer if pa.types.is_integer(kind) else kind


def fitted(exported: pa.Table, where: str) -> pa.Table:
    """An export's table in :func:`export_schema`, absent columns NULL, and what nobody knows.

    Raises:
        InputError: a column is of another type; names it and ``where``.
    """
    columns = {}
    for field in export_schema():
        if field.name not in exported.column_names:
            columns[field.name] = pa.nulls(len(exported), field.type)
            if pa.types.is_list(field.type):
                columns[field.name] = _never_null(columns[field.name])
            continue
        values = exported[field.name].combine_chunks()
        try:
            columns[field.name] = _as(values, field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"{where}: column {field.name} is {values.type}, not {field.type}.",
                kept=KEPT,
                fix="Export the day again in the GA4 export's own schema.",
            ) from error
        if pa.types.is_list(field.type):
            columns[field.name] = _never_null(columns[field.name])
    for name in exported.column_names:
        if name not in columns and name not in LEFT_OUT:
            columns[name] = exported[name]
    return pa.table(columns)


def _as(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Values in the contract's type, less the fields that it doesn't have."""
    kind = values.type
    if kind == wanted:
        return values
    if pa.types.is_null(kind):
        return pa.nulls(len(values), wanted)
    if pa.types.is_struct(wanted) and pa.types.is_struct(kind):
        fields = [
            _as(values.field(f.name), f.type)
            if kind.get_field_index(f.name) >= 0
            else pa.nulls(len(values), f.type)
            for f in wanted
        ]
        return pa.StructArray.from_arrays(fields, fields=list(wanted), mask=pc.is_null(values))
    if pa.types.is_list(wanted) and pa.types.is_list(kind):
        return relisted(values, _as(values.flatten(), wanted.value_type))
    whole = pa.types.is_integer(wanted) and (pa.types.is_string(kind) or pa.types.is_integer(kind))
    broken = pa.types.is_floating(wanted) and (
        pa.types.is_integer(kind) or pa.types.is_floating(kind)
    )
    if whole or broken:
        return values.cast(wanted)
    raise pa.ArrowInvalid("another type of value")


def _never_null(lists: pa.ListArray) -> pa.ListArray:
    """Lists, of which an absent one is empty, as an array of BigQuery's is."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays(
        [pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast("int32")]
    )
    return pa.ListArray.from_arrays(offsets, lists.flatten(), type=lists.type)


def relisted(like: pa.ListArray, items: pa.Array) -> pa.ListArray:
    """A list array with the lengths and nulls of ``like`` and other items."""
    lengths = pc.fill_null(pc.list_value_length(like), 0)
    ends = pc.cumulative_sum(lengths).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(
        offsets, items, type=pa.list_(items.type), mask=pc.is_null(like)
    )
