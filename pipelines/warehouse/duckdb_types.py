"""Comparisons of a query on DuckDB, which casts where GoogleSQL refuses: types are checked first.

The checks are macros that ask for the types while DuckDB plans, so they cost nothing a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from pipelines.warehouse.duckdb_aggregates import is_small, macro
from pipelines.warehouse.proven import refuse

_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_TIME = rf"{_DAY}[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,6}})?"
_TEXTS = {
    "date": re.compile(_DAY),
    "civil": re.compile(_TIME),
    "zoned": re.compile(rf"{_TIME}(Z|[+-](0\d|1[0-3])(:[0-5]\d)?| UTC)"),
}


def compared(node: exp.Expression) -> exp.Expression | None:
    """``a = b`` and its like, BETWEEN and IN, where the types are alike."""
    if isinstance(node, exp.In):
        others = node.expressions
    elif isinstance(node, exp.Between):
        others = [node.args["low"], node.args["high"]]
    else:
        others = [node.expression]
    for operand in (node.this, *others):
        if isinstance(operand, exp.Tuple | exp.Struct | exp.Array):
            refuse("A comparison of tuples, structs or arrays", "a comparison of each element")
    return _checked(node, _checks([node.this, *others]))


def of_one_type(node: exp.Expression, operands: list[exp.Expression]) -> exp.Expression | None:
    """IF, CASE, COALESCE and their like, where the results are columns or literals of one type."""
    plain = [o for o in operands if isinstance(o, exp.Column) or _literal(o) is not None]
    return _checked(node, _checks(plain))


_ARITHMETIC = exp.Add | exp.Sub | exp.Mul


def calculated(node: exp.Expression, call: exp.Expression) -> exp.Expression:
    """The sums and products of an expression, where no NUMERIC is beside a FLOAT64."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    leaves = node.meta.pop("leaves", None) or list(_leaves(node))
    if isinstance(parent, _ARITHMETIC):
        call.meta["leaves"] = leaves
        return call
    first, *others = [leaf for leaf in leaves if is_small(leaf)] or [None]
    if first is None or not others:
        return call
    checks = [macro("g_unmixed", first, other) for other in others if other is not None]
    return exp.Case(ifs=[exp.If(this=exp.and_(*checks), true=call)])


def _leaves(node: exp.Expression) -> Iterator[exp.Expression]:
    for side in (node.this.unnest(), node.expression.unnest()):
        inner = side.meta.get("leaves")
        if inner:
            yield from inner
        elif _literal(side) != "int":
            yield side.copy()


def _checked(node: exp.Expression, checks: list[exp.Expression]) -> exp.Expression | None:
    if not checks:
        return None
    join = node.find_ancestor(exp.Join, exp.Select)
    if isinstance(join, exp.Join):
        # a condition that is not a plain comparison would make the join a nested loop
        select = join.find_ancestor(exp.Select)
        for check in checks if select else ():
            select.where(check, copy=False)
        return None
    return exp.Case(ifs=[exp.If(this=exp.and_(*checks), true=node.copy())])


def _checks(operands: list[exp.Expression]) -> list[exp.Expression]:
    """The checks that a list of operands needs, each kind of literal once."""
    literals = {kind: operand for operand in operands if (kind := _literal(operand)) is not None}
    numbers, texts = literals.keys() & {"int", "float"}, literals.keys() & {*_TEXTS, "text"}
    if sum(map(bool, (numbers, texts, "bool" in literals))) > 1:
        refuse("A literal text, number or BOOL beside another", "both of one type, with CAST")
    first, *others = [
        operand
        for operand in operands
        if _literal(operand) is None and not isinstance(operand, exp.Null) and is_small(operand)
    ] or [None]
    if first is None:
        return []
    checks = [macro("g_alike", first, other) for other in others if other is not None]
    for kind, operand in literals.items():
        if kind in texts:
            checks.append(macro("g_takes_text", first, exp.Literal.string(kind)))
        elif kind == "float":  # beside a NUMERIC, a literal is one
            checks.append(macro("g_takes_float", first))
        else:
            checks.append(macro("g_alike", first, operand))
    return checks


def _literal(node: exp.Expression) -> str | None:
    """What a literal is: ``int``, ``float``, ``bool``, or which types a text may stand beside."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Boolean):
        return "bool"
    if isinstance(node, exp.Cast) and node.args.get("literal"):
        return "int" if node.is_type("bigint") else "float"
    if not node.is_string:
        return None
    return next((k for k, form in _TEXTS.items() if form.fullmatch(node.name)), "text")
