"""A query's result in one Arrow schema, GoogleSQL's types, whichever warehouse answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import pyarrow as pa

_NUMERIC, _INSTANT = pa.decimal128(38, 9), pa.timestamp("us")
_SCALARS: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (lambda kind: pa.types.is_decimal(kind) and kind.scale == 0, pa.int64()),
    (lambda kind: pa.types.is_decimal(kind) and kind.scale <= _NUMERIC.scale, _NUMERIC),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_null, pa.int64()),
)


def as_googlesql(table: pa.Table) -> pa.Table:
    """The table with INT64 as int64, FLOAT64 as float64, NUMERIC as decimal128(38, 9), and so on.

    DuckDB also has narrower integers, and sums them into 128 bits, which arrive here as decimals
    without a scale; GoogleSQL has INT64 only. A value that does not fit raises ``pa.ArrowInvalid``.
    """
    wanted = pa.schema([pa.field(f.name, _type(f.type)) for f in table.schema])
    # a cast imports all that Arrow computes, even where there is nothing to cast
    return table if table.schema.equals(wanted) else table.cast(wanted)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a query's result, with Python's values; as ``to_pylist`` gives them.

    pyarrow 26 imports pandas to tell what an instant's zone is: a fifth of the time of a command
    that shows a few rows. It is UTC.
    """
    instants = [f.name for f in table.schema if pa.types.is_timestamp(f.type) and f.type.tz]
    for name in instants:
        bare = [chunk.view(_INSTANT) for chunk in table[name].chunks]
        column = pa.chunked_array(bare, _INSTANT)
        table = table.set_column(table.schema.get_field_index(name), name, column)
    rows: list[dict[str, Any]] = table.to_pylist()
    for name in instants:
        for row in rows:
            if row[name] is not None:
                row[name] = row[name].replace(tzinfo=UTC)
    return rows


def _type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _type(f.type)) for f in kind])
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    return next((to for applies, to in _SCALARS if applies(kind)), kind)
