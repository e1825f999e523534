"""What is taken of the GA4 export: its columns, their types, and fitting an export to them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError

KEPT = "published events are as they were."
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
        "items",
        "is_active_user",
        "publisher",
    }
)
_TEXT, _INTEGER, _FLOAT = pa.string(), pa.int64(), pa.float64()


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(list(fields.items()))


def export_schema(integer: pa.DataType = _INTEGER) -> pa.Schema:
    """What is taken of the export; ``integer`` is how it writes INT64 (BigQuery's JSON: text)."""
    value = _struct(string_value=_TEXT, int_value=integer, float_value=_FLOAT, double_value=_FLOAT)
    source = _struct(campaign_id=_TEXT, campaign_name=_TEXT, source=_TEXT, medium=_TEXT)
    return pa.schema(
        {
            "event_date": _TEXT,
            "event_timestamp": integer,
            "event_name": _TEXT,
            "event_params": pa.list_(_struct(key=_TEXT, value=value)),
            "user_id": _TEXT,
            "user_pseudo_id": _TEXT,
            "stream_id": _TEXT,
            **dict.fromkeys(ORDERING, integer),
            "privacy_info": _struct(
                analytics_storage=_TEXT, ads_storage=_TEXT, uses_transient_token=_TEXT
            ),
            "collected_traffic_source": _struct(
                manual_source=_TEXT,
                manual_medium=_TEXT,
                manual_campaign_id=_TEXT,
                manual_campaign_name=_TEXT,
                gclid=_TEXT,
                dclid=_TEXT,
                srsltid=_TEXT,
            ),
            "session_traffic_source_last_click": _struct(
                manual_campaign=source,
                google_ads_campaign=_struct(customer_id=_TEXT, campaign_id=_TEXT),
            ),
            "device": _struct(
                category=_TEXT, operating_system=_TEXT, web_info=_struct(browser=_TEXT)
            ),
            "geo": _struct(country=_TEXT, region=_TEXT),
            "ecommerce": _struct(transaction_id=_TEXT, purchase_revenue=_FLOAT),
        }
    )


def fitted(exported: pa.Table, where: str) -> pa.Table:
    """An export's table in :func:`export_schema`, absent columns NULL, and what nobody knows.

    Raises:
        InputError: a column is of another type; names it and ``where``.
    """
    columns = {}
    for field in export_schema():
        if field.name not in exported.column_names:
            columns[field.name] = pa.nulls(len(exported), field.type)
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


def relisted(like: pa.ListArray, items: pa.Array) -> pa.ListArray:
    """A list array with the lengths and nulls of ``like`` and other items."""
    lengths = pc.fill_null(pc.list_value_length(like), 0)
    ends = pc.cumulative_sum(lengths).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(
        offsets, items, type=pa.list_(items.type), mask=pc.is_null(like)
    )
