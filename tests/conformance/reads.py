"""Which tables a statement reads whole, and which by literal days: what BigQuery can prune by.

A scan is read by days where a condition of literals on a day or instant of its own reaches it:
through projections, joins, unions and CTEs, through GROUP BY on that column, and through windows
that are partitioned by it. Other ways, the optimizer of BigQuery may find; they are not relied on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from tests.conformance.values import type_text

_COMPARISONS = frozenset({"$between", "$equal", "$greater", "$greater_or_equal"})
# What partitions are by.
_OF_TIME = frozenset({"DATE", "DATETIME", "TIMESTAMP"})
# Joins (ResolvedJoinScanEnums.JoinType) whose condition limits their left or right side.
_INNER, _LEFT, _RIGHT = 0, 1, 2
_TO_LEFT, _TO_RIGHT = frozenset({_INNER, _RIGHT}), frozenset({_INNER, _LEFT})
# Columns that conditions of literals hold for; None for those of a condition that is never true.
_Limited: TypeAlias = frozenset[int] | None
_NOTHING: frozenset[int] = frozenset()


def reads_of(statement: Any) -> frozenset[tuple[str, bool]]:
    """Tables that a resolved statement reads, each with whether it is by literal days.

    The table that a MERGE or DELETE changes is not among them.
    """
    found: set[tuple[str, bool]] = set()
    for scan in _scans_in(statement):
        _walk(scan, _NOTHING, {}, found)
    return frozenset(found)


def _walk(  # noqa: PLR0912 - a branch a kind of scan
    scan: Any, limited: _Limited, ctes: dict[str, Any], found: set[tuple[str, bool]]
) -> None:
    kind, node = _inner(scan)
    for expression in _expressions_in(node):
        for nested in _scans_in(expression):
            _walk(nested, _NOTHING, ctes, found)
    match kind:
        case "table":
            is_limited = limited is None or bool(limited & set(_ids(node.parent.column_list)))
            found.add((node.table.full_name or node.table.name, is_limited))
        case "with":
            ctes |= {e.with_query_name: e.with_subquery for e in node.with_entry_list}
            _walk(node.query, limited, ctes, found)
        case "with_ref":
            subquery = ctes[node.with_query_name]
            within = _inner(subquery)[1]
            inside = _through(limited, node.parent.column_list, _base(within).column_list)
            _walk(subquery, inside, ctes, found)
        case "set_operation":
            for item in node.input_item_list:
                inside = _through(limited, node.parent.column_list, item.output_column_list)
                _walk(item.scan, inside, ctes, found)
        case "filter":
            _walk(node.input_scan, _either(limited, _limits(node.filter_expr)), ctes, found)
        case "join":
            inside = _either(limited, _limits(node.join_expr))
            _walk(node.left_scan, inside if node.join_type in _TO_LEFT else limited, ctes, found)
            _walk(node.right_scan, inside if node.join_type in _TO_RIGHT else limited, ctes, found)
        case "aggregate":
            keys = {c.column.column_id: c.expr for c in node.parent.group_by_list}
            sources = {i: _column(expression) for i, expression in keys.items()}
            inside = limited and frozenset(sources[i] for i in limited & set(sources))
            _walk(node.parent.input_scan, inside, ctes, found)
        case "analytic":
            for group in node.function_group_list:
                keys = {c.column.column_id for c in group.partition_by.partition_by_list}
                limited = limited and limited & keys
            _walk(node.input_scan, limited, ctes, found)
        case "project" | "order_by":
            _walk(node.input_scan, limited, ctes, found)
        case _:
            for nested in _scans_in(node):
                _walk(nested, _NOTHING, ctes, found)


def _limits(expression: Any) -> _Limited:
    """Columns that a condition limits to literals; an OR limits what all of its parts limit."""
    name, arguments = _call(expression)
    if name == "$and":
        limited: _Limited = _NOTHING
        for argument in arguments:
            limited = _either(limited, _limits(argument))
        return limited
    if name == "$or":
        parts = [part for part in map(_limits, arguments) if part is not None]
        return frozenset.intersection(*parts) if parts else None
    if name in _COMPARISONS and all(_is_literal(argument) for argument in arguments[1:]):
        column = _column(arguments[0], of_time=True)
        return _NOTHING if column is None else frozenset({column})
    return None if _is_false(expression) else _NOTHING


def _is_false(expression: Any) -> bool:
    kind, node = _inner(expression)
    if kind != "literal" or node.value.value.WhichOneof("value") != "bool_value":
        return False
    return not node.value.value.bool_value


def _either(one: _Limited, other: _Limited) -> _Limited:
    return None if one is None or other is None else one | other


def _through(limited: _Limited, outside: Any, inside: Any) -> _Limited:
    """The same columns by their ids within a subquery."""
    if limited is None:
        return None
    pairs = zip(_ids(outside), _ids(inside), strict=False)
    return frozenset(within for without, within in pairs if without in limited)


def _ids(columns: Any) -> list[int]:
    return [column.column_id for column in columns]


def _column(expression: Any, *, of_time: bool = False) -> int | None:
    kind, node = _inner(expression)
    if kind != "column_ref" or (of_time and type_text(node.column.type) not in _OF_TIME):
        return None
    column_id: int = node.column.column_id
    return column_id


def _is_literal(expression: Any) -> bool:
    kind, node = _inner(expression)
    return kind == "literal" or (kind == "cast" and _is_literal(node.expr))


def _call(expression: Any) -> tuple[str, list[Any]]:
    kind, node = _inner(expression)
    if kind != "function_call":
        return "", []
    return node.parent.function.name.rpartition(":")[2], list(node.parent.argument_list)


def _inner(message: Any) -> tuple[str, Any]:
    """The node inside ZetaSQL's nested ``oneof node``s, and its kind: ``table``, ``literal``."""
    name = ""
    while "node" in message.DESCRIPTOR.oneofs_by_name:
        chosen = message.WhichOneof("node")
        if chosen is None:
            return "", message
        name, message = chosen, getattr(message, chosen)
    return name.removeprefix("resolved_").removesuffix("_node").removesuffix("_scan"), message


def _base(node: Any) -> Any:
    """The part of a scan that says its columns."""
    while node.DESCRIPTOR.name != "ResolvedScanProto":
        node = node.parent
    return node


def _scans_in(message: Any) -> Iterator[Any]:
    """The scans nearest below a message."""
    for child in _children(message):
        if child.DESCRIPTOR.name == "AnyResolvedScanProto":
            yield child
        else:
            yield from _scans_in(child)


def _expressions_in(node: Any) -> Iterator[Any]:
    """A scan's own expressions, not those of the scans below it."""
    for child in _children(node):
        if child.DESCRIPTOR.name == "AnyResolvedExprProto":
            yield child
        elif child.DESCRIPTOR.name != "AnyResolvedScanProto":
            yield from _expressions_in(child)


def _children(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        if field.message_type is None or isinstance(value, Mapping):
            continue
        if field.is_repeated if hasattr(field, "is_repeated") else field.label == 3:
            yield from value
        else:
            yield value
