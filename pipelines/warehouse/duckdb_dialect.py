"""GoogleSQL to DuckDB: sqlglot translates, and this corrects what would change its meaning.

The corrections are made to the parsed tree, so that one list holds every difference.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import ErrorLevel


def duckdb_sql(tree: exp.Expression) -> str:
    """The statement in DuckDB's dialect; ``tree`` (parsed as GoogleSQL) is not changed."""
    corrected = tree.copy()
    for node in reversed(list(corrected.walk())):
        correct = _CORRECTIONS.get(type(node))
        replacement = correct(node) if correct else None
        if replacement is not None:
            node.replace(replacement)
    return corrected.sql(dialect="duckdb", unsupported_level=ErrorLevel.IGNORE)


def _as_date(node: exp.Expression) -> exp.Expression:
    """DATE_ADD, DATE_SUB and DATE_TRUNC give a DATE; DuckDB's give a TIMESTAMP."""
    return exp.cast(node.copy(), "DATE")


def _as_instant(node: exp.Expression) -> exp.Expression:
    """TIMESTAMP_MICROS and the like give an instant; DuckDB's result has no time zone."""
    return exp.cast(node.copy(), exp.DataType.Type.TIMESTAMPTZ)


def _exact(node: exp.Expression) -> exp.Expression | None:
    """1.5 is a FLOAT64; without an exponent, DuckDB reads a decimal."""
    number = node.name
    if node.args.get("is_string") or "." not in number or "e" in number.lower():
        return None
    return exp.Literal.number(f"{number}e0")


def _extract(node: exp.Expression) -> exp.Expression | None:
    """Sunday is 1 in GoogleSQL and 0 in DuckDB; ISOWEEK and DATE have other names."""
    part, source = node.this.name.upper(), node.expression
    if part == "DAYOFWEEK":
        return exp.paren(exp.Add(this=node.copy(), expression=exp.Literal.number(1)))
    if part == "ISOWEEK":
        return exp.Extract(this=exp.var("WEEK"), expression=source.copy())
    if part == "DATE":
        return exp.cast(source.copy(), "DATE")
    return None


def _printf(node: exp.Expression) -> exp.Expression:
    """FORMAT takes %d and %s; DuckDB's own FORMAT takes braces."""
    return exp.Anonymous(this="printf", expressions=[node.this.copy(), *node.expressions])


def information_schema(node: exp.Expression) -> exp.Expression | None:
    """``dataset.INFORMATION_SCHEMA.TABLES`` covers the dataset; DuckDB's covers the file."""
    if not node.name.lower().startswith("information_schema."):
        return None
    view = exp.table_(node.name.split(".", 1)[1].lower(), db="information_schema")
    chosen = exp.select("*").from_(view)
    dataset = node.text("db")
    if dataset:
        chosen = chosen.where(exp.column("table_schema").eq(dataset))
    return chosen.subquery(alias=node.alias_or_name.split(".")[-1])


def offset_from_zero(node: exp.Expression) -> exp.Expression | None:
    """UNNEST … WITH OFFSET counts from 0; DuckDB's WITH ORDINALITY from 1."""
    offset = node.args.get("offset")
    if not offset:
        return None
    alias = node.args.get("alias")
    columns = alias.columns if alias else []
    element = columns[0].name if columns else "_element"
    position = offset.name if isinstance(offset, exp.Identifier) else "offset"
    numbered = exp.Unnest(
        expressions=[e.copy() for e in node.expressions],
        alias=exp.TableAlias(this=exp.to_identifier("_u"), columns=[exp.to_identifier("_e")]),
        offset=exp.to_identifier("_n"),
    )
    from_zero = exp.Sub(this=exp.column("_n"), expression=exp.Literal.number(1))
    chosen = exp.select(
        exp.alias_(exp.column("_e"), element, quoted=True),
        exp.alias_(from_zero, position, quoted=True),
    ).from_(numbered)
    return chosen.subquery(alias=f"_{position}_of_{element}")


def _count_if(node: exp.Expression) -> exp.Expression:
    """COUNTIF over no rows is 0; DuckDB's COUNT_IF is NULL."""
    return exp.Count(this=exp.Case(ifs=[exp.If(this=node.this.copy(), true=exp.true())]))


def _whole_units(node: exp.Expression) -> exp.Expression:
    """TIMESTAMP_DIFF counts whole units; DuckDB's DATE_DIFF the boundaries between."""
    unit = exp.Literal.string(node.text("unit").lower())
    return exp.Anonymous(
        this="DATE_SUB", expressions=[unit, node.expression.copy(), node.this.copy()]
    )


def _numeric(node: exp.Expression) -> exp.Expression | None:
    """NUMERIC has nine decimals; a bare DECIMAL has three."""
    if node.this != exp.DataType.Type.DECIMAL or node.expressions:
        return None
    return exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")


def _fingerprint(node: exp.Expression) -> exp.Expression:
    """FARM_FINGERPRINT of a row: a different number in DuckDB, for comparison within it only."""
    (hashed,) = node.expressions
    if isinstance(hashed, exp.JSONFormat) and isinstance(hashed.this, exp.Struct):
        hashed = hashed.this
        return exp.Anonymous(this="HASH", expressions=[e.copy() for e in hashed.expressions])
    return exp.Anonymous(this="HASH", expressions=[hashed.copy()])


_CORRECTIONS: dict[type[exp.Expression], Callable[[exp.Expression], exp.Expression | None]] = {
    exp.DateAdd: _as_date,
    exp.DateSub: _as_date,
    exp.DateTrunc: _as_date,
    exp.UnixToTime: _as_instant,
    exp.Literal: _exact,
    exp.Extract: _extract,
    exp.Format: _printf,
    exp.Table: information_schema,
    exp.FarmFingerprint: _fingerprint,
    exp.Unnest: offset_from_zero,
    exp.CountIf: _count_if,
    exp.TimestampDiff: _whole_units,
    exp.DataType: _numeric,
}
