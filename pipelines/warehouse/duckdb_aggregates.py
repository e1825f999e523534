"""Aggregate and analytic functions of a query on DuckDB, with what stands in their parentheses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlglot import exp

from pipelines.warehouse.proven import Function, refuse, shown

_IGNORING: dict[str, type[exp.Expression]] = {
    "FIRST_VALUE": exp.FirstValue,
    "LAST_VALUE": exp.LastValue,
    "NTH_VALUE": exp.NthValue,
}


@dataclass
class _Clauses:
    """What stands beside the arguments: DISTINCT, IGNORE NULLS, ORDER BY, LIMIT."""

    limit: exp.Expression | None = None
    order: list[exp.Expression] | None = None
    ignore: bool = False
    distinct: bool = False
    others: list[exp.Expression] = field(default_factory=list)

    def strip(self, name: str, node: exp.Expression) -> exp.Expression:
        """The argument alone."""
        while isinstance(node, exp.Limit | exp.Order | exp.IgnoreNulls | exp.Distinct):
            inner = node.this
            if isinstance(node, exp.Limit):
                self.limit = node.expression
            elif isinstance(node, exp.Order):
                self.order = node.expressions
            elif isinstance(node, exp.IgnoreNulls):
                self.ignore = True
            else:
                self.distinct, inner = True, node.expressions[0]
                self.others = [other.copy() for other in node.expressions[1:]]
            node = inner
        return node

    def used(self) -> set[str]:
        """Their names, as the table has them."""
        named = {
            "limit": self.limit,
            "order": self.order,
            "ignore nulls": self.ignore,
            "distinct": self.distinct,
        }
        return {name for name, value in named.items() if value}


def macro(name: str, *arguments: exp.Expression) -> exp.Expression:
    """A call of a macro of googlesql_functions.macros."""
    return exp.Anonymous(this=name, expressions=[a.copy() for a in arguments])


# a check of types repeats its operands: those that are larger are left to DuckDB
_LARGEST = 15


def is_small(node: exp.Expression) -> bool:
    """Whether a macro may repeat an expression without making the query much longer."""
    return sum(1 for _ in node.walk()) <= _LARGEST


def aggregated(node: exp.Expression, name: str, function: Function) -> exp.Expression:
    """The call on DuckDB; where OVER stands around it, a mark says what goes around both.

    Raises:
        UsageError: a clause or a number of arguments isn't proven.
    """
    outer = isinstance(node.parent, exp.Window)
    if function.kind == "analytics" and not outer:
        refuse(f"{name} without OVER", f"{name}(…) OVER (…)")
    clauses = _Clauses()
    arguments = [clauses.strip(name, a.copy()) for a in node.expressions]
    arguments[1:1] = clauses.others
    used = clauses.used()
    alone = used - {"ignore nulls"} if name in _IGNORING else used
    if used - function.clauses or (outer and alone):
        refuse(f"{sorted(used - function.clauses or alone)[0].upper()} in {name}", f"{name} alone")
    if not any(len(form) == len(arguments) for form in function.forms):
        refuse(f"{name} with {len(arguments)} arguments", shown(name, function))
    _check_literals(name, arguments)
    if function.argument and is_small(arguments[0]):
        argument = arguments[0]
        arguments[0] = macro(function.argument, argument)
        for key in clauses.order or ():
            if clauses.distinct and key.this == argument:  # DuckDB wants it as it stands there
                key.set("this", arguments[0].copy())
    call = _call(name, function, arguments, clauses, outer=outer)
    if function.result and outer:
        call.meta["result"] = function.result
    elif function.result:
        call = macro(function.result, call)
    return call


# the least value of the literal that an argument has to be, by its place
_LEAST = {"LAG": (1, 0), "LEAD": (1, 0), "NTH_VALUE": (1, 1), "NTILE": (0, 1)}


# analytic functions that take no frame: whether ORDER BY has to stand in OVER, or may not
_ORDER = {
    **dict.fromkeys(("CUME_DIST", "DENSE_RANK", "LAG", "LEAD", "NTILE", "PERCENT_RANK"), True),
    "RANK": True,
    "ROW_NUMBER": None,
    "PERCENTILE_CONT": False,
    "PERCENTILE_DISC": False,
}


def check_window(name: str, window: exp.Window) -> None:
    """Refuse an ORDER BY or a frame that a function doesn't take.

    Raises:
        UsageError: names the function.
    """
    spec = window.args.get("spec")
    for side in ("start", "end") if spec else ():
        bound = spec.args.get(side)
        if isinstance(bound, exp.Expression) and str(bound.args.get("literal")).startswith("-"):
            refuse("A frame with a negative number of rows", "PRECEDING or FOLLOWING")
    if window.args.get("alias") or name not in _ORDER:
        return
    wanted = _ORDER[name]
    if spec:
        refuse(f"{name} with a frame", f"{name} without ROWS or RANGE")
    if wanted is not None and wanted != bool(window.args.get("order")):
        refuse(
            f"{name} {'without' if wanted else 'with'} ORDER BY in OVER",
            f"{name}(…) OVER ({'ORDER BY x' if wanted else 'PARTITION BY x'})",
        )


def _check_literals(name: str, arguments: list[exp.Expression]) -> None:
    place, least = _LEAST.get(name, (0, 0))
    if name in _LEAST and place < len(arguments):
        literal = arguments[place]
        number = literal.this if isinstance(literal, exp.Cast) else literal
        if not re.fullmatch(r"\d+", number.name) or int(number.name) < least:
            refuse(f"{name} with another number than a literal of {least} or more", f"{name}(x, 1)")
    if name.startswith("PERCENTILE_"):
        share = arguments[1].this if isinstance(arguments[1], exp.Cast) else arguments[1]
        if not re.fullmatch(r"0|1|1\.0*|0?\.\d+|0\.", share.name):
            refuse(f"{name} with another share than a literal from 0 to 1", f"{name}(x, 0.5)")
    if name == "STRING_AGG" and len(arguments) > 1 and not arguments[1].is_string:
        refuse("STRING_AGG with a delimiter that is no literal", "STRING_AGG(x, ', ')")


def _call(
    name: str,
    function: Function,
    arguments: list[exp.Expression],
    clauses: _Clauses,
    *,
    outer: bool,
) -> exp.Expression:
    if clauses.ignore and outer:
        # sqlglot writes IGNORE NULLS for window functions that it knows
        keys = dict(zip(("this", "offset"), arguments, strict=False))
        return exp.IgnoreNulls(this=_IGNORING[name](**keys))
    value = arguments[0] if arguments else exp.Null()
    if name == "COUNTIF":
        arguments[0] = exp.Case(ifs=[exp.If(this=value, true=exp.true())])
    if name == "STRING_AGG" and len(arguments) == 1:
        arguments.append(exp.Literal.string(","))
    if name == "CORR":
        if outer:
            refuse("CORR with OVER", "CORR in a query with GROUP BY")
        pairs = exp.Anonymous(this="regr_count", expressions=[a.copy() for a in arguments])
        several = exp.GT(this=pairs, expression=exp.Literal.number(1))
        corr = exp.Anonymous(this="corr", expressions=arguments)
        return exp.Case(ifs=[exp.If(this=several, true=corr)])
    if clauses.distinct:
        arguments[0] = exp.Distinct(expressions=[arguments[0]])
    if clauses.order:
        arguments[-1] = exp.Order(this=arguments[-1], expressions=clauses.order)
    call: exp.Expression = exp.Anonymous(this=function.duckdb, expressions=arguments)
    if clauses.ignore:
        present = exp.Is(this=value.copy(), expression=exp.Null()).not_()
        call = exp.Filter(this=call, expression=exp.Where(this=present))
    if clauses.limit is not None:
        call = macro("g_first", call, clauses.limit)
    return call
