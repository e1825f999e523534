"""GoogleSQL's types and values: as texts, as Arrow's types, and as ZetaSQL's messages.

A type is written as GoogleSQL writes it (``ARRAY<STRUCT<key STRING, n INT64>>``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import cache
from typing import Any

import pyarrow as pa
from sqlglot import exp

from tests.conformance.zetasql_server import stub

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)

_KINDS = {
    "INT64": "TYPE_INT64",
    "FLOAT64": "TYPE_DOUBLE",
    "STRING": "TYPE_STRING",
    "BOOL": "TYPE_BOOL",
    "DATE": "TYPE_DATE",
    "TIMESTAMP": "TYPE_TIMESTAMP",
    "DATETIME": "TYPE_DATETIME",
    "TIME": "TYPE_TIME",
    "BYTES": "TYPE_BYTES",
    "NUMERIC": "TYPE_NUMERIC",
    "BIGNUMERIC": "TYPE_BIGNUMERIC",
    "JSON": "TYPE_JSON",
    "INTERVAL": "TYPE_INTERVAL",
}
_ARROW = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "STRING": pa.string(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}
_SCALAR_FIELDS = {
    "INT64": "int64_value",
    "FLOAT64": "double_value",
    "STRING": "string_value",
    "BOOL": "bool_value",
    "BYTES": "bytes_value",
    "JSON": "json_value",
}


@cache
def data_type(text: str) -> exp.DataType:
    """A type's tree."""
    return exp.DataType.build(text, dialect="bigquery")


@cache
def type_message(text: str) -> Any:
    """ZetaSQL's ``TypeProto`` of a type."""
    return _message(data_type(text))


def _message(tree: exp.DataType) -> Any:
    protos = stub("zetasql.public.type_pb2")
    if tree.this == exp.DataType.Type.ARRAY:
        element = _message(tree.expressions[0])
        return protos.TypeProto(
            type_kind=protos.TYPE_ARRAY, array_type=protos.ArrayTypeProto(element_type=element)
        )
    if tree.this == exp.DataType.Type.STRUCT:
        fields = [
            protos.StructFieldProto(field_name=field.name, field_type=_message(field.kind))
            for field in tree.expressions
        ]
        return protos.TypeProto(
            type_kind=protos.TYPE_STRUCT, struct_type=protos.StructTypeProto(field=fields)
        )
    return protos.TypeProto(type_kind=protos.TypeKind.Value(_KINDS[tree.sql("bigquery")]))


def type_text(message: Any) -> str:
    """A ``TypeProto`` as GoogleSQL writes it."""
    kind = stub("zetasql.public.type_pb2").TypeKind.Name(message.type_kind)
    if kind == "TYPE_ARRAY":
        return f"ARRAY<{type_text(message.array_type.element_type)}>"
    if kind == "TYPE_STRUCT":
        fields = (f"{f.field_name} {type_text(f.field_type)}" for f in message.struct_type.field)
        return f"STRUCT<{', '.join(fields)}>"
    return next((text for text, name in _KINDS.items() if name == kind), kind)


def arrow_type(tree: exp.DataType) -> pa.DataType:
    """Arrow's type of a column that a raw table or a model has.

    Raises:
        KeyError: a type that neither has today.
    """
    if tree.this == exp.DataType.Type.ARRAY:
        return pa.list_(arrow_type(tree.expressions[0]))
    if tree.this == exp.DataType.Type.STRUCT:
        return pa.struct([pa.field(f.name, arrow_type(f.kind)) for f in tree.expressions])
    return _ARROW[tree.sql("bigquery")]


def value_message(value: Any, tree: exp.DataType) -> Any:
    """ZetaSQL's ``ValueProto`` of a Python value (structs are dictionaries); None is NULL."""
    protos = stub("zetasql.public.value_pb2")
    message = protos.ValueProto()
    if value is None:
        return message
    if tree.this == exp.DataType.Type.ARRAY:
        elements = [value_message(v, tree.expressions[0]) for v in value]
        message.array_value.SetInParent()
        message.array_value.element.extend(elements)
    elif tree.this == exp.DataType.Type.STRUCT:
        fields = [value_message(value[f.name], f.kind) for f in tree.expressions]
        message.struct_value.field.extend(fields)
    elif tree.this == exp.DataType.Type.DATE:
        message.date_value = (value - _EPOCH_DAY).days
    elif tree.sql("bigquery") == "TIMESTAMP":
        message.timestamp_value.FromDatetime(value)
    else:
        setattr(message, _SCALAR_FIELDS[tree.sql("bigquery")], value)
    return message


def python_value(message: Any, tree: exp.DataType) -> Any:
    """A ``ValueProto`` as Python has it: structs as dictionaries, instants in UTC."""
    found = message.WhichOneof("value")
    if found is None:
        return None
    if found == "array_value":
        return [python_value(v, tree.expressions[0]) for v in message.array_value.element]
    if found == "struct_value":
        pairs = zip(tree.expressions, message.struct_value.field, strict=True)
        return {field.name: python_value(value, field.kind) for field, value in pairs}
    return _SCALARS.get(found, lambda scalar: scalar)(getattr(message, found))


def _civil(bits: int, nanos: int) -> datetime:
    """A DATETIME, whose fields ZetaSQL packs into one number."""
    widths = [6, 6, 5, 5, 4, 14]
    fields = list[int]()
    for width in widths:
        fields.insert(0, bits & ((1 << width) - 1))
        bits >>= width
    year, month, day, hour, minute, second = fields
    return datetime(year, month, day, hour, minute, second, nanos // 1000)


_DECIMALS = Context(prec=38)
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "date_value": lambda days: _EPOCH_DAY + timedelta(days=days),
    "timestamp_value": lambda at: _EPOCH + timedelta(0, at.seconds, at.nanos // 1000),
    "numeric_value": lambda raw: _DECIMALS.scaleb(
        Decimal(int.from_bytes(raw, "little", signed=True)), -9
    ),
    "datetime_value": lambda civil: _civil(civil.bit_field_datetime_seconds, civil.nanos),
}
