"""The parts of a query that DuckDB spells otherwise: operators, casts, calls, tables, names."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from pipelines.warehouse.duckdb_aggregates import aggregated, check_window, is_small, macro
from pipelines.warehouse.duckdb_dialect import information_schema, offset_from_zero
from pipelines.warehouse.duckdb_types import calculated, compared, of_one_type
from pipelines.warehouse.proven import Function, functions, refuse

_Kind = exp.DataType.Type


def as_text(node: exp.Expression) -> str:
    """A part of a query for a message: its GoogleSQL, or the beginning of it."""
    shown = node.copy().transform(_as_written)
    text: str = shown.sql("bigquery", unsupported_level=ErrorLevel.IGNORE)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _as_written(node: exp.Expression) -> exp.Expression:
    literal = node.args.get("literal")
    return exp.Literal.number(literal) if literal else node


def _operator(name: str) -> Callable[[exp.Expression], exp.Expression]:
    return lambda node: calculated(node, macro(name, node.this, node.expression))


def _number(node: exp.Expression) -> exp.Expression | None:
    """Whole literals are INT64, not 32 bits; others FLOAT64, not a decimal."""
    number = node.name
    if node.args.get("is_string"):
        return None
    parent = node.parent
    if isinstance(parent, exp.Neg):
        return None
    if isinstance(parent, exp.Limit | exp.Offset | exp.Group | exp.Ordered | exp.WindowSpec):
        return None
    return _typed(number)


def _typed(number: str) -> exp.Expression:
    if re.fullmatch(r"-?\d+", number):
        whole: exp.Expression = exp.cast(exp.Literal.string(number), _Kind.BIGINT)
        whole.set("literal", number)
        return whole
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", number):
        # sqlglot reads `1e9+1` as one number
        refuse(f"`{number}`", "spaces around the operator")
    typed: exp.Expression = exp.cast(exp.Literal.string(number), _Kind.DOUBLE)
    typed.set("literal", number)
    return typed


def _negative(node: exp.Expression) -> exp.Expression:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return _typed(f"-{node.this.name}")
    return macro("g_minus", node.this)


_CASTS = {
    _Kind.BIGINT: "int64",
    _Kind.INT: "int64",
    _Kind.SMALLINT: "int64",
    _Kind.TINYINT: "int64",
    _Kind.DOUBLE: "float64",
    _Kind.FLOAT: "float64",
    _Kind.TEXT: "string",
    _Kind.BOOLEAN: "bool",
    _Kind.DATE: "date",
    _Kind.TIMESTAMP: "datetime",
    _Kind.DATETIME: "datetime",
    _Kind.TIMESTAMPTZ: "timestamp",
    _Kind.DECIMAL: "numeric",
}


# texts that DuckDB casts as GoogleSQL does
_DAY = r"[12]\d{3}-[01]\d-[0-3]\d"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
_EXACT = {
    _Kind.DATE: re.compile(_DAY),
    _Kind.TIMESTAMPTZ: re.compile(rf"{_DAY} {_TIME}\+00"),
    _Kind.TIMESTAMP: re.compile(f"{_DAY} {_TIME}"),
}


def _cast(node: exp.Expression) -> exp.Expression | None:
    to = node.args["to"]
    if to.this == _Kind.ARRAY and isinstance(node.this, exp.Array | exp.Null):
        _cast_name(to.expressions[0])
        return None
    if node.this.is_string and to.this in _EXACT and _EXACT[to.this].fullmatch(node.this.name):
        return None
    target = _cast_name(to)
    # a literal with a point is cast to NUMERIC from its digits
    value = node.this
    text = value.args.get("literal") if target == "numeric" else None
    value = exp.Literal.string(text) if text else value
    cast = macro(f"g_to_{target}", value)
    if isinstance(node, exp.TryCast):
        # a text that is infinite is refused, not NULL
        safe = target == "float64"
        cast = macro("g_safe_to_float64", value) if safe else macro("TRY", cast)
    if value.is_string or not is_small(value):
        return cast
    castable = macro("g_castable", value, exp.Literal.string(target))
    return exp.Case(ifs=[exp.If(this=castable, true=cast)])


def _cast_name(to: exp.Expression) -> str:
    if to.this not in _CASTS or to.expressions:
        refuse(f"A cast to {as_text(to)}", "a cast to " + ", ".join(sorted({*_CASTS.values()})))
    return _CASTS[to.this]


def _type(node: exp.Expression) -> exp.Expression | None:
    """Types inside ARRAY<…>; the others are part of a cast that is a macro."""
    inside = isinstance(node.parent, exp.DataType)
    if inside and node.this == _Kind.DECIMAL and not node.expressions:
        return exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")
    return None


def _like(node: exp.Expression) -> exp.Expression | None:
    if isinstance(node.expression, exp.Any | exp.All):
        refuse("LIKE ANY", "several conditions with OR")
    return macro("g_like", node.this, node.expression)


_TRIED = {
    "SAFE_ADD": "g_add",
    "SAFE_SUBTRACT": "g_sub",
    "SAFE_MULTIPLY": "g_mul",
    "SAFE_NEGATE": "g_minus",
}


# functions of TIMESTAMP: how many of their arguments are one
_INSTANTS = {
    **dict.fromkeys(("TIMESTAMP_ADD", "TIMESTAMP_SUB", "TIMESTAMP_TRUNC"), 1),
    **dict.fromkeys(("UNIX_SECONDS", "UNIX_MILLIS", "UNIX_MICROS"), 1),
    "TIMESTAMP_DIFF": 2,
}


def _call(node: exp.Expression) -> exp.Expression | None:
    name = node.name.upper()
    function = functions().get(name)
    if function is None or name == "ARRAY":
        return None
    if function.kind != "scalars":
        window = node.parent.parent if isinstance(node.parent, exp.IgnoreNulls) else node.parent
        if isinstance(window, exp.Window):
            check_window(name, window)
        return aggregated(node, name, function)
    for number in range(_INSTANTS.get(name, 0)):
        argument = node.expressions[number]
        argument.replace(macro("g_only_timestamp", argument))
    if name in _TRIED:
        return macro("g_finite_or_null", macro("TRY", macro(_TRIED[name], *node.expressions)))
    if name.startswith("REGEXP_"):
        return _regexp(name, function, node.expressions)
    if name == "EXTRACT" and node.expressions[-1].name in ("DATE", "DATETIME"):
        return macro(f"g_extract_{node.expressions[-1].name.lower()}", *node.expressions[:-1])
    other = _struct(node) if name == "STRUCT" else _of_any_length(name, node.expressions)
    return other or macro(function.duckdb, *node.expressions)


def _of_any_length(name: str, arguments: list[exp.Expression]) -> exp.Expression | None:
    """Functions of any number of arguments, which no macro takes."""
    first, *others = (a.copy() for a in arguments) if arguments else (None,)
    if name == "CONCAT":
        for other in others:
            first = exp.DPipe(this=first, expression=other)
        return exp.paren(first)
    if name == "COALESCE":
        coalesced = exp.Coalesce(this=first, expressions=others)
        return of_one_type(coalesced, arguments) or coalesced
    if name in ("IFNULL", "NULLIF"):
        return of_one_type(macro(f"g_{name.lower()}", *arguments), arguments)
    if name in ("GREATEST", "LEAST"):
        missing = exp.or_(*(exp.Is(this=a.copy(), expression=exp.Null()) for a in arguments))
        return exp.Case(ifs=[exp.If(this=missing, true=exp.Null())]).else_(macro(name, *arguments))
    return None


def _if(node: exp.Expression) -> exp.Expression | None:
    if isinstance(node.parent, exp.Case):
        return None
    _condition(node.this)
    return of_one_type(node, [node.args["true"], node.args["false"]])


def _case(node: exp.Expression) -> exp.Expression | None:
    branches = node.args["ifs"]
    results = [branch.args["true"] for branch in branches]
    if node.args.get("default"):
        results.append(node.args["default"])
    operand = node.this
    if operand is None:
        for branch in branches:
            _condition(branch.this)
        return of_one_type(node, results)
    checked = of_one_type(node, [operand, *(branch.this for branch in branches)])
    return of_one_type(node, results) or checked


def _conditions(node: exp.Expression) -> None:
    for key in ("this", "expression"):
        operand = node.args.get(key)
        if isinstance(operand, exp.Column):
            node.set(key, macro("g_bool", operand))
        elif operand is not None:
            _condition(operand)


def _unnest(node: exp.Expression) -> exp.Expression | None:
    """Without an alias, the fields of structs are columns."""
    if node.args.get("alias") or node.args.get("offset") or isinstance(node.parent, exp.In):
        return offset_from_zero(node)
    fields = exp.Anonymous(
        this="unnest",
        expressions=[
            node.expressions[0].copy(),
            exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=exp.Literal.number(2)),
        ],
    )
    return exp.select(fields).subquery("_u")


def _condition(node: exp.Expression) -> None:
    if isinstance(node, exp.Cast | exp.Literal) and not node.is_type("boolean"):
        refuse(f"`{as_text(node)}` as a condition", "a comparison, such as x <> 0")


def _regexp(name: str, function: Function, arguments: list[exp.Expression]) -> exp.Expression:
    """REGEXP_EXTRACT gives the group of an expression that has one; \\1 needs one."""
    groups = re.compile(arguments[1].name).groups
    used = re.findall(r"\\([0-9])", arguments[2].name) if name == "REGEXP_REPLACE" else []
    if any(int(number) > groups for number in used):
        refuse(f"{name} with a group that its expression lacks", "only its own groups")
    if not groups or "_EXTRACT" not in name:
        return macro(function.duckdb, *arguments)
    if groups > 1:
        refuse(f"{name} with {groups} groups", "one group, and (?:…) for the others")
    return macro(f"{function.duckdb}_group", *arguments)


def _window(node: exp.Expression) -> exp.Expression | None:
    for key in filter(is_small, node.args.get("partition_by") or []):
        key.replace(macro("g_key", key))
    result = node.this.meta.get("result")
    if result is None:
        return None
    node.this.meta.pop("result")
    return macro(result, node)


def _element(node: exp.Expression) -> exp.Expression | None:
    """a[OFFSET(0)]: out of bounds is an error, NULL with SAFE_."""
    (index,) = node.expressions
    offset = node.args.get("offset")
    name = "g_safe_element" if node.args.get("safe") else "g_element"
    if offset is None:
        refuse(f"`{as_text(node)}`", "the element with [OFFSET(n)] or [SAFE_OFFSET(n)]")
    if offset == 0:
        index = macro("g_add", index, _typed("1"))
    return macro(name, node.this, index)


def _struct(node: exp.Expression) -> exp.Expression:
    fields = []
    for field in node.expressions:
        if not isinstance(field, exp.Alias | exp.Column):
            refuse("A field without a name in STRUCT", "STRUCT(x AS name)")
        value = field.this if isinstance(field, exp.Alias) else field
        fields.append(
            exp.PropertyEQ(this=exp.to_identifier(field.alias_or_name), expression=value.copy())
        )
    return exp.Struct(expressions=fields)


# schemas and databases of DuckDB's own, which hold its catalogues and settings
_NO_DATASETS = {"main", "system", "temp", "pg_catalog", "information_schema"}


def _table(node: exp.Expression) -> exp.Expression | None:
    if not isinstance(node.this, exp.Identifier):
        refuse(f"The table function {as_text(node)}", "a table's name, dataset.table")
    view = node.name.lower().startswith("information_schema.")
    if {node.text("db").lower(), node.text("catalog").lower()} & _NO_DATASETS or (
        view and not node.text("db")
    ):
        refuse(f"The catalogue {as_text(node)}", "a dataset's: dataset.INFORMATION_SCHEMA.TABLES")
    if not node.text("db"):
        names = {cte.alias.lower() for cte in node.root().find_all(exp.CTE)}
        if node.name.lower() not in names:
            refuse(f"The table {node.name} without a dataset", f"dataset.{node.name}")
    return information_schema(node)


def _group(node: exp.Expression) -> exp.Expression | None:
    """A name in GROUP BY is the SELECT list's alias before it is a table's column."""
    select = node.parent
    aliases = {
        column.alias.lower(): number
        for number, column in enumerate(select.expressions, start=1)
        if isinstance(column, exp.Alias)
    }
    for key in list(node.expressions):
        number = aliases.get(key.name.lower()) if isinstance(key, exp.Column) else None
        if number is not None and not key.table:
            key.replace(exp.Literal.number(str(number)))
    return None


def _raw(node: exp.Expression) -> exp.Expression:
    return exp.Literal.string(node.name)


TRANSLATIONS: dict[type[exp.Expression], Callable[[exp.Expression], exp.Expression | None]] = {
    exp.Add: _operator("g_add"),
    exp.Sub: _operator("g_sub"),
    exp.Mul: _operator("g_mul"),
    exp.Div: lambda node: macro("g_over", node.this, node.expression),
    exp.Neg: _negative,
    exp.Literal: _number,
    exp.RawString: _raw,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.DataType: _type,
    exp.Like: _like,
    exp.EQ: compared,
    exp.NEQ: compared,
    exp.GT: compared,
    exp.GTE: compared,
    exp.LT: compared,
    exp.LTE: compared,
    exp.NullSafeEQ: compared,
    exp.NullSafeNEQ: compared,
    exp.Between: compared,
    exp.In: compared,
    exp.If: _if,
    exp.Case: _case,
    exp.Anonymous: _call,
    exp.Window: _window,
    exp.Bracket: _element,
    exp.Table: _table,
    exp.Unnest: _unnest,
    exp.And: _conditions,
    exp.Or: _conditions,
    exp.Not: _conditions,
    exp.Where: _conditions,
    exp.Having: _conditions,
    exp.Group: _group,
}
