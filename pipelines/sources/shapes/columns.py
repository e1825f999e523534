"""Columns in the types that their raw table's contract declares; nothing else here types one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pyarrow as pa

from pipelines.contracts import load_contract


@cache
def schema_of(table: str) -> pa.Schema:
    """The columns that a source gives of ``raw.<name>``, in the contract's order."""
    return load_contract(table).source_schema


def typed(table: str, columns: Mapping[str, Any]) -> pa.Table:
    """Columns as their contract types them, in the order they are given in.

    Args:
        columns: lists, or Arrow arrays, which are cast: texts of days, flags and numbers.

    Raises:
        KeyError: a column that the contract hasn't.
        pa.ArrowInvalid: a value of another type.
    """
    schema = schema_of(table)
    return pa.table({name: _array(v, schema.field(name).type) for name, v in columns.items()})


def side_by_side(*tables: pa.Table) -> pa.Table:
    """The columns of tables of one length; of two by one name, the later table's."""
    return pa.table({n: c for t in tables for n, c in zip(t.column_names, t.columns, strict=True)})


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)
