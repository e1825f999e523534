"""Aggregate and analytic functions of a query on DuckDB, with what stands in their parentheses."""

from __future__ import annotations

from dataclasses import dataclass

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
                if len(node.expressions) != 1:
                    refuse(f"{name}(DISTINCT …) of several columns", f"{name}(DISTINCT x)")
                self.distinct, inner = True, node.expressions[0]
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
    used = clauses.used()
    alone = used - {"ignore nulls"} if name in _IGNORING else used
    if used - function.clauses or (outer and alone):
        refuse(f"{sorted(used - function.clauses or alone)[0].upper()} in {name}", f"{name} alone")
    if not any(len(form) == len(arguments) for form in function.forms):
        refuse(f"{name} with {len(arguments)} arguments", shown(name, function))
    if function.argument:
        arguments[0] = macro(function.argument, arguments[0])
    call = _call(name, function, arguments, clauses, outer=outer)
    if function.result and outer:
        call.meta["result"] = function.result
    elif function.result:
        call = macro(function.result, call)
    return call


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
