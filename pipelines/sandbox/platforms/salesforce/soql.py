"""As much SOQL as the simulated Salesforce needs: fields, one relation each way, AND, IN."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Record = dict[str, Any]
Objects = Mapping[str, list[Record]]

_QUERY = re.compile(r"SELECT (?P<fields>.+?) FROM (?P<kind>\w+)(?: WHERE (?P<where>.+))?")
_CONDITION = re.compile(r"(?P<field>\w+) (?P<operator>=|>=|<=|<|>|IN) (?P<value>\S+)")
_NESTED = re.compile(r"\(([^()]*)\)")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    "<": operator.lt,
    ">": operator.gt,
}


class SoqlError(Exception):
    """What Salesforce answers with 400: its error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def select(soql: str, objects: Objects, extra: Record) -> list[Record]:
    """The records of a query, with the asked fields and those of ``extra``.

    Args:
        objects: records by object; every record of an object has the same fields.

    Raises:
        SoqlError: it can't be parsed, or asks for an object or field that isn't there.
    """
    nested = _NESTED.findall(soql)
    flat = _NESTED.sub(lambda _: "§", soql)
    query = _QUERY.fullmatch(flat)
    if not query:
        raise SoqlError("MALFORMED_QUERY", "unexpected token")
    kind, asked = query["kind"], query["fields"].split(", ")
    if kind not in objects:
        raise SoqlError("INVALID_TYPE", f"sObject type '{kind}' is not supported.")
    subqueries = iter(nested)
    names = [_relation(next(subqueries)) if name == "§" else name for name in asked]
    records = objects[kind]
    for condition in (query["where"] or "").split(" AND "):
        if condition:
            records = _where(condition, records, kind, subqueries, objects)
    if records:
        _known(kind, names, records[0])
    return [
        {"attributes": {"type": kind}, **{name: record[name] for name in names}, **extra}
        for record in records
    ]


def _where(
    condition: str, records: list[Record], kind: str, subqueries: Any, objects: Objects
) -> list[Record]:
    parts = _CONDITION.fullmatch(condition)
    if not parts:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{condition}'")
    name = parts["field"]
    if records:
        _known(kind, [name], records[0])
    if parts["operator"] == "IN":
        ids = {record["Id"] for record in select(next(subqueries), objects, {})}
        return [record for record in records if record[name] in ids]
    bound, holds = _literal(parts["value"]), _OPERATORS[parts["operator"]]
    return [record for record in records if holds(_comparable(record[name]), bound)]


def _relation(subquery: str) -> str:
    """The name of the child relation that a query in the field list asks for."""
    inner = _QUERY.fullmatch(subquery)
    if not inner:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{subquery}'")
    return inner["kind"]


def _known(kind: str, names: list[str], record: Record) -> None:
    for name in names:
        if name not in record:
            raise SoqlError("INVALID_FIELD", f"No such column '{name}' on entity '{kind}'.")


def _literal(word: str) -> Any:
    if word in ("true", "false"):
        return word == "true"
    return _comparable(word.strip("'"))


def _comparable(value: Any) -> Any:
    """Instants compare as instants; everything else as it is."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value)
    return value
