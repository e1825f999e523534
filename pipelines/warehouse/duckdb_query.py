"""A person's GoogleSQL query as DuckDB SQL: each part by a proven translation, or refused by name.

sqlglot reads the grammar only. Functions, operators and casts become the macros of
googlesql_functions.macros; what has no line here or in the table of functions is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import ErrorLevel, UnsupportedError

from pipelines.warehouse.duckdb_forms import match_form
from pipelines.warehouse.duckdb_grammar import check_tokens, check_tree
from pipelines.warehouse.duckdb_parts import TRANSLATIONS, as_text
from pipelines.warehouse.duckdb_scopes import check_scopes, without_own_aliases
from pipelines.warehouse.googlesql import parse_query
from pipelines.warehouse.proven import refuse


class _Unread(BigQuery):
    """BigQuery's grammar, with functions left as they are written."""

    class Parser(BigQuery.Parser):
        FUNCTIONS: dict[str, Any] = {}  # noqa: RUF012  # as sqlglot has it
        FUNCTION_PARSERS = {  # noqa: RUF012
            name: BigQuery.Parser.FUNCTION_PARSERS[name]
            for name in ("CAST", "SAFE_CAST", "EXTRACT")
        }


@dataclass(frozen=True)
class Translation:
    """A query in DuckDB SQL, over the macros of googlesql_functions.macros.

    Args:
        sql: it.
        bound: the same with its SELECTs' aliases renamed where DuckDB might take one for a column:
            to be bound, not run; None where it couldn't.
        operands: of each set operation, both queries, whose columns have to be of alike types.
        datasets: those that it names, in lower case.
    """

    sql: str
    bound: str | None
    operands: tuple[tuple[str, str], ...]
    datasets: frozenset[str]


@lru_cache(maxsize=64)
def translated(sql: str) -> Translation:
    """One GoogleSQL query as DuckDB SQL.

    Raises:
        StatementError: it can't be read, or it is not one query.
        UsageError: something in it isn't proven to mean the same on DuckDB; names it.
    """
    tree = parse_query(sql, _Unread)
    check_tokens(sql)
    check_tree(tree)
    _name_columns(tree)
    _spell_out(tree)
    for node in tree.walk():
        _check(node)
    check_scopes(tree)
    datasets = frozenset(table.text("db").lower() for table in tree.find_all(exp.Table)) - {""}
    for node in reversed(list(tree.walk())):
        translate = TRANSLATIONS.get(type(node))
        replacement = translate(node) if translate else None
        if replacement is not None:
            node.replace(replacement)
    bound = without_own_aliases(tree)
    with_ = tree.args.get("with_")
    scope = f"{_duckdb(with_)} " if with_ else ""
    operands = [
        tuple(f"{scope}SELECT * FROM ({_operand(side)})" for side in (node.left, node.right))
        for node in tree.find_all(exp.SetOperation)
    ]
    return Translation(
        _duckdb(tree),
        _duckdb(bound) if bound else None,
        tuple((left, right) for left, right in operands),
        datasets,
    )


# a literal NULL takes any type, and DuckDB makes it an INTEGER: this one marks it
NULL_TYPE = "UTINYINT"


def _operand(side: exp.Expression) -> str:
    marked = side.copy()
    for column in marked.expressions if isinstance(marked, exp.Select) else ():
        value = column.unalias()
        if isinstance(value, exp.Null):
            value.replace(exp.cast(exp.Null(), exp.DataType.Type.UTINYINT))
    return _duckdb(marked)


def _duckdb(tree: exp.Expression) -> str:
    try:
        text: str = tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        refuse(str(error), "the query without it")
    if "\0" in text:
        refuse("The character NUL (U+0000)", "the query without it")
    return text


# What may stand in a query: the parts of sqlglot's tree, and their arguments.
_PARTS: dict[type[exp.Expression], str] = {
    exp.Select: "with_ expressions from_ joins laterals where group having qualify windows order "
    "limit offset distinct",
    exp.With: "expressions",
    exp.CTE: "this alias",
    exp.Subquery: "this alias",
    exp.Union: "with_ this expression distinct order limit offset",
    exp.Intersect: "with_ this expression distinct order limit offset",
    exp.Except: "with_ this expression distinct order limit offset",
    exp.From: "this",
    exp.Join: "this side kind on using",
    exp.Table: "this db catalog alias",
    exp.TableAlias: "this columns",
    exp.Unnest: "expressions alias offset",
    exp.Where: "this",
    exp.Group: "expressions",
    exp.Having: "this",
    exp.Qualify: "this",
    exp.Order: "this expressions",
    exp.Ordered: "this desc nulls_first",
    exp.Limit: "this expression",
    exp.Offset: "expression",
    exp.Distinct: "expressions",
    exp.Star: "except_ replace",
    exp.Column: "this table db catalog",
    exp.Identifier: "this quoted",
    exp.Dot: "this expression",
    exp.Alias: "this alias",
    exp.Paren: "this",
    exp.Tuple: "expressions",
    exp.Literal: "this is_string",
    exp.RawString: "this",
    exp.Boolean: "this",
    exp.Null: "",
    exp.Var: "this",
    exp.And: "this expression",
    exp.Or: "this expression",
    exp.Not: "this",
    exp.EQ: "this expression",
    exp.NEQ: "this expression",
    exp.GT: "this expression",
    exp.GTE: "this expression",
    exp.LT: "this expression",
    exp.LTE: "this expression",
    exp.NullSafeEQ: "this expression",
    exp.NullSafeNEQ: "this expression",
    exp.Is: "this expression",
    exp.In: "this expressions query unnest",
    exp.Between: "this low high",
    exp.Like: "this expression",
    exp.Exists: "this",
    exp.Add: "this expression",
    exp.Sub: "this expression",
    exp.Mul: "this expression",
    exp.Div: "this expression typed safe",
    exp.Neg: "this",
    exp.DPipe: "this expression safe",
    exp.Case: "this ifs default",
    exp.If: "this true false",
    exp.Cast: "this to",
    exp.TryCast: "this to safe",
    exp.DataType: "this expressions nested",
    exp.Array: "expressions value_constructor struct_name_inheritance bracket_notation",
    exp.Struct: "expressions",
    exp.PropertyEQ: "this expression",
    exp.Bracket: "this expressions offset safe",
    exp.Anonymous: "this expressions",
    exp.Window: "this partition_by order spec alias over first",
    exp.WindowSpec: "kind start start_side end end_side",
    exp.IgnoreNulls: "this",
}
_NAMES: dict[type[exp.Expression], tuple[str, str]] = {
    exp.Mod: ("The operator %", "MOD(a, b)"),
    exp.BitwiseAnd: ("The operator &", "BIT_AND(x) over rows, or MOD and DIV"),
    exp.BitwiseOr: ("The operator |", "BIT_OR(x) over rows; || joins texts"),
    exp.BitwiseXor: ("The operator ^", "BIT_XOR(x) over rows; POW(a, b) is a power"),
    exp.BitwiseNot: ("The operator ~", "-x - 1"),
    exp.BitwiseLeftShift: ("The operator <<", "x * 2 for each place"),
    exp.BitwiseRightShift: ("The operator >>", "DIV(x, 2) for each place"),
    exp.HexString: ("A number such as 0x10", "its decimal digits, or CAST('0x10' AS INT64)"),
    exp.ParseJSON: ("A literal of JSON", "JSON_VALUE(text, '$.name') of the text"),
    exp.IntDiv: ("The operator DIV", "DIV(a, b)"),
    exp.SafeFunc: ("The prefix SAFE.", "SAFE_CAST, SAFE_DIVIDE or another SAFE_ function"),
    exp.Interval: ("INTERVAL outside DATE_ADD and its like", "DATE_ADD(d, INTERVAL 1 DAY)"),
    exp.Parameter: ("A parameter", "its value"),
    exp.Filter: ("FILTER", "COUNTIF(x), or SUM(IF(x, y, 0))"),
    exp.RespectNulls: ("RESPECT NULLS", "the function without it, over rows that hold no NULL"),
    exp.HavingMax: ("HAVING MAX", "ARRAY_AGG(x ORDER BY y DESC LIMIT 1)[OFFSET(0)]"),
    exp.ByteString: ("A literal of BYTES", "the text itself"),
    exp.Pivot: ("PIVOT", "SUM(IF(x, y, NULL)) for each column"),
    exp.TableSample: ("TABLESAMPLE", "MOD(ABS(FARM_FINGERPRINT(key)), 100) < 1"),
    exp.Escape: ("ESCAPE", "a backslash before % or _"),
}


def _check(node: exp.Expression) -> None:
    """Refuse what no line of _PARTS names."""
    if type(node) not in _PARTS:
        known = _NAMES.get(type(node))
        if known is not None:
            refuse(*known)
        refuse(f"{type(node).__name__} in `{as_text(node)}`", "the query without it")
    allowed = {*_PARTS[type(node)].split()}
    for name, value in node.args.items():
        if value and name not in allowed:
            part = name.rstrip("_").replace("_", " ").upper()
            refuse(f"{part} in `{as_text(node)}`", "the query without it")


def _name_columns(tree: exp.Expression) -> None:
    """Columns without a name are f0_, f1_, … as on BigQuery."""
    first = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    unnamed = 0
    for column in list(first.expressions):
        if isinstance(column, exp.Star) or column.is_star:
            continue
        name = column.alias_or_name or (column.name if isinstance(column, exp.Dot) else "")
        if not name or not isinstance(column, exp.Alias | exp.Column | exp.Dot):
            name = f"f{unnamed}_"
            unnamed += 1
            column.replace(exp.alias_(column.copy(), name))


def _spell_out(node: exp.Expression) -> None:
    """Write EXTRACT, CURRENT_DATE, INTERVAL and date parts as plain arguments of functions."""
    if isinstance(node, exp.Extract):
        source = node.expression
        zoned = isinstance(source, exp.AtTimeZone)
        values = [source.this, source.args["zone"]] if zoned else [source]
        call = exp.Anonymous(this="EXTRACT", expressions=[*values, node.this])
        node.replace(call)
        node = call
    elif isinstance(node, exp.CurrentDate | exp.CurrentTimestamp | exp.CurrentDatetime):
        call = exp.Anonymous(this=as_text(node).partition("(")[0].upper(), expressions=[])
        node.replace(call)
        node = call
    if isinstance(node, exp.Anonymous):
        match_form(node)
    elif isinstance(node, exp.Array):
        _name_fields(node)
    for child in list(node.iter_expressions()):
        _spell_out(child)


def _name_fields(array: exp.Array) -> None:
    """The structs of an array have the first one's names: ``[STRUCT(1 AS a), STRUCT(2)]``."""
    if any(isinstance(element, exp.Array) for element in array.expressions):
        refuse("An array of arrays", "an array of structs that hold one: [STRUCT([1] AS a)]")
    first, *others = array.expressions or [None]
    if not isinstance(first, exp.Anonymous) or first.name.upper() != "STRUCT":
        return
    names = [field.alias_or_name for field in first.expressions]
    for other in others:
        if not isinstance(other, exp.Anonymous) or len(other.expressions) != len(names):
            continue
        for name, field in zip(names, other.expressions, strict=True):
            if name and not isinstance(field, exp.Alias):
                field.replace(exp.alias_(field.copy(), name))
