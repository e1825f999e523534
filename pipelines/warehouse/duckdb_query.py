"""A person's GoogleSQL query as DuckDB SQL: each part by a proven translation, or refused by name.

sqlglot reads the grammar only. Functions, operators and casts become the macros of
googlesql_functions.sql; what has no line here or in the table of functions is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import ErrorLevel, UnsupportedError

from pipelines.warehouse.duckdb_dialect import information_schema, offset_from_zero
from pipelines.warehouse.googlesql import parse_query
from pipelines.warehouse.proven import Function, functions, refuse, refuse_function, shown

Node = exp.Expression
_Kind = exp.DataType.Type


class _Unread(BigQuery):
    """BigQuery's grammar, with functions left as they are written."""

    class Parser(BigQuery.Parser):
        FUNCTIONS = {}  # noqa: RUF012  # as sqlglot has it
        FUNCTION_PARSERS = {  # noqa: RUF012
            name: BigQuery.Parser.FUNCTION_PARSERS[name]
            for name in ("CAST", "SAFE_CAST", "EXTRACT")
        }


@lru_cache(maxsize=64)
def proven_sql(sql: str) -> str:
    """One GoogleSQL query as DuckDB SQL, over the macros of googlesql_functions.sql.

    Raises:
        StatementError: it can't be read, or it is not one query.
        UsageError: something in it isn't proven to mean the same on DuckDB; names it.
    """
    tree = parse_query(sql, _Unread)
    _name_columns(tree)
    _spell_out(tree)
    for node in reversed(list(tree.walk())):
        _check(node)
        translate = _TRANSLATIONS.get(type(node))
        replacement = translate(node) if translate else None
        if replacement is not None:
            node.replace(replacement)
    try:
        return tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        refuse(str(error), "the query without it")


# What may stand in a query: the parts of sqlglot's tree, and their arguments.
_PARTS: dict[type[Node], str] = {
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
_NAMES: dict[type[Node], tuple[str, str]] = {
    exp.Mod: ("The operator %", "MOD(a, b)"),
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


def _check(node: Node) -> None:
    """Refuse what no line of _PARTS names."""
    if type(node) not in _PARTS:
        known = _NAMES.get(type(node))
        if known is not None:
            refuse(*known)
        refuse(f"{type(node).__name__} in `{_text(node)}`", "the query without it")
    allowed = {*_PARTS[type(node)].split()}
    for name, value in node.args.items():
        if value and name not in allowed:
            part = name.rstrip("_").replace("_", " ").upper()
            refuse(f"{part} in `{_text(node)}`", "the query without it")


def _text(node: Node) -> str:
    text = node.sql("bigquery", unsupported_level=ErrorLevel.IGNORE)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _name_columns(tree: Node) -> None:
    """Columns without a name are f0_, f1_, … as on BigQuery; those of one name are refused."""
    first = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    names, unnamed = set[str](), 0
    for column in list(first.expressions):
        if isinstance(column, exp.Star) or column.is_star:
            continue
        name = column.alias_or_name or (column.name if isinstance(column, exp.Dot) else "")
        if not name or not isinstance(column, exp.Alias | exp.Column | exp.Dot):
            name = f"f{unnamed}_"
            unnamed += 1
            column.replace(exp.alias_(column.copy(), name))
        if name.lower() in names:
            refuse(f"Two columns named {name}", "an alias for one of them")
        names.add(name.lower())


# --- what stands for a function, before the arguments are translated


def _spell_out(node: Node) -> None:
    """Write EXTRACT, CURRENT_DATE, INTERVAL and date parts as plain arguments of functions."""
    if isinstance(node, exp.Extract):
        source = node.expression
        zoned = isinstance(source, exp.AtTimeZone)
        values = [source.this, source.args["zone"]] if zoned else [source]
        call = exp.Anonymous(this="EXTRACT", expressions=[*values, node.this])
        node.replace(call)
        node = call
    elif isinstance(node, exp.CurrentDate | exp.CurrentTimestamp | exp.CurrentDatetime):
        call = exp.Anonymous(this=_text(node).partition("(")[0].upper(), expressions=[])
        node.replace(call)
        node = call
    if isinstance(node, exp.Anonymous):
        _literal_arguments(node)
    for child in list(node.iter_expressions()):
        _spell_out(child)


def _literal_arguments(call: exp.Anonymous) -> None:
    """Match the arguments to a proven form; literals become texts, INTERVAL two arguments."""
    name = call.name.upper()
    function = functions().get(name)
    if function is None:
        refuse_function(name)
    arguments: list[Node] = []
    for argument in call.expressions:
        if isinstance(argument, exp.Interval):
            amount = argument.this
            if isinstance(amount, exp.Literal) and re.fullmatch(r"-?\d+", amount.name):
                amount = exp.Literal.number(amount.name)
            arguments += [amount, argument.args["unit"]]
        else:
            arguments.append(argument)
    if function.kind != "scalars":
        return
    for form in function.forms:
        matched = _matched(form, arguments)
        if matched is not None:
            call.set("expressions", matched)
            return
    refuse(f"{name} in this form (`{_text(call)}`)", shown(name, function))


def _matched(form: tuple[str, ...], arguments: list[Node]) -> list[Node] | None:
    """The arguments, with what the form wants as a literal as a text; None if they don't fit."""
    if form[-1:] and form[-1].endswith("+"):
        return arguments if arguments else None
    if len(form) != len(arguments):
        return None
    matched: list[Node] = []
    for token, argument in zip(form, arguments, strict=True):
        if token.isupper() or token.startswith("'"):
            literal = _literal(argument)
            if literal not in token.split("|"):
                return None
            text = literal.strip("'") if token.startswith("'") else literal
            matched.append(_spelt(text))
        elif token in _LITERALS:
            text = argument.name
            if not (argument.is_string or isinstance(argument, exp.RawString)):
                return None
            if not _LITERALS[token](text):
                return None
            matched.append(_spelt(text))
        else:
            matched.append(argument)
    return matched


def _literal(node: Node) -> str:
    if isinstance(node, exp.Literal):
        return f"'{node.name}'" if node.is_string else node.name
    if isinstance(node, exp.Anonymous | exp.WeekStart):
        inner = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
        return f"WEEK({inner.name.upper()})"
    return node.name.upper()


def _is_format(elements: str) -> Callable[[str], bool]:
    proven = {*elements}
    return lambda text: {*re.findall(r"%(.)", text)} <= proven


def _is_regexp(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


_SPELT = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%%": "%%"}
_FORMATS = re.compile("%[FT%]")


def _spelt(text: str) -> Node:
    """A literal for DuckDB, with what its formats lack written out."""
    return exp.Literal.string(_FORMATS.sub(lambda element: _SPELT[element[0]], text))


_LITERALS: dict[str, Callable[[str], bool]] = {
    "date_format": _is_format("YmdFjaAbByuwVGUW%"),
    "time_format": _is_format("YmdFjaAbByuwVGUWHMSTIp%"),
    "text": lambda text: True,
    "path": lambda text: bool(re.fullmatch(r"\$(\.[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*", text)),
    "regexp": _is_regexp,
    "replacement": lambda text: not re.search(r"\\[^0-9\\]", text),
}


# --- the parts that DuckDB spells otherwise, after what is inside them


def _macro(name: str, *arguments: Node) -> Node:
    return exp.Anonymous(this=name, expressions=[a.copy() for a in arguments])


def _operator(macro: str) -> Callable[[Node], Node]:
    return lambda node: _macro(macro, node.this, node.expression)


def _number(node: Node) -> Node | None:
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


def _typed(number: str) -> Node:
    if re.fullmatch(r"-?\d+", number):
        return exp.cast(exp.Literal.string(number), _Kind.BIGINT)
    return exp.cast(exp.Literal.string(number), _Kind.DOUBLE)


def _negative(node: Node) -> Node:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        return _typed(f"-{node.this.name}")
    return _macro("g_minus", node.this)


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
_EXACT = {
    _Kind.DATE: re.compile(r"[12]\d{3}-[01]\d-[0-3]\d"),
    _Kind.TIMESTAMPTZ: re.compile(r"[12]\d{3}-[01]\d-[0-3]\d [0-2]\d:\d\d:\d\d(\.\d{1,6})?\+00"),
    _Kind.TIMESTAMP: re.compile(r"[12]\d{3}-[01]\d-[0-3]\d [0-2]\d:\d\d:\d\d(\.\d{1,6})?"),
}


def _cast(node: Node) -> Node | None:
    to = node.args["to"]
    if to.this == _Kind.ARRAY and isinstance(node.this, exp.Array | exp.Null):
        _cast_name(to.expressions[0])
        return None
    if node.this.is_string and to.this in _EXACT and _EXACT[to.this].fullmatch(node.this.name):
        return None
    macro = _cast_name(to)
    if not isinstance(node, exp.TryCast):
        return _macro(f"g_to_{macro}", node.this)
    if macro == "float64":  # a text that is infinite is refused, not NULL
        return _macro("g_safe_to_float64", node.this)
    return _macro("TRY", _macro(f"g_to_{macro}", node.this))


def _cast_name(to: Node) -> str:
    if to.this not in _CASTS or to.expressions:
        refuse(f"A cast to {_text(to)}", "a cast to " + ", ".join(sorted({*_CASTS.values()})))
    return _CASTS[to.this]


def _type(node: Node) -> Node | None:
    """Types inside ARRAY<…>; the others are part of a cast that is a macro."""
    inside = isinstance(node.parent, exp.DataType)
    if inside and node.this == _Kind.DECIMAL and not node.expressions:
        return exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")
    return None


def _like(node: Node) -> Node | None:
    if isinstance(node.expression, exp.Any | exp.All):
        refuse("LIKE ANY", "several conditions with OR")
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


_TRIED = {
    "SAFE_ADD": "g_add",
    "SAFE_SUBTRACT": "g_sub",
    "SAFE_MULTIPLY": "g_mul",
    "SAFE_NEGATE": "g_minus",
}


def _call(node: Node) -> Node | None:
    name = node.name.upper()
    function = functions().get(name)
    if function is None or node.name.startswith("g_"):
        return None
    if function.kind != "scalars":
        return _aggregated(node, name, function)
    arguments = node.expressions
    if name == "CONCAT":
        joined = arguments[0].copy()
        for argument in arguments[1:]:
            joined = exp.DPipe(this=joined, expression=argument.copy())
        return exp.paren(joined)
    if name in ("COALESCE",):
        return exp.Coalesce(this=arguments[0].copy(), expressions=[a.copy() for a in arguments[1:]])
    if name in ("GREATEST", "LEAST"):
        missing = exp.or_(*(exp.Is(this=a.copy(), expression=exp.Null()) for a in arguments))
        return exp.Case(ifs=[exp.If(this=missing, true=exp.Null())]).else_(_macro(name, *arguments))
    if name == "ARRAY":
        return None
    if name.startswith("REGEXP_"):
        groups = re.compile(arguments[1].name).groups
        used = re.findall(r"\\([0-9])", arguments[2].name) if name == "REGEXP_REPLACE" else []
        if any(int(number) > groups for number in used):
            refuse(f"{name} with a group that its expression lacks", "only its own groups")
        if groups and "_EXTRACT" in name:
            if groups > 1:
                refuse(f"{name} with {groups} groups", "one group, and (?:…) for the others")
            return _macro(f"{function.duckdb}_group", *arguments)
    if name in _TRIED:
        return _macro("g_finite_or_null", _macro("TRY", _macro(_TRIED[name], *arguments)))
    if name == "EXTRACT" and arguments[-1].name in ("DATE", "DATETIME"):
        return _macro(f"g_extract_{arguments[-1].name.lower()}", *arguments[:-1])
    return _macro(function.duckdb, *arguments)


_IGNORING: dict[str, type[Node]] = {
    "FIRST_VALUE": exp.FirstValue,
    "LAST_VALUE": exp.LastValue,
    "NTH_VALUE": exp.NthValue,
}


def _aggregated(node: Node, name: str, function: Function) -> Node | None:
    """An aggregate or analytic function, its clauses checked; OVER stays around it."""
    outer = node.parent if isinstance(node.parent, exp.Window) else None
    if function.kind == "analytics" and not isinstance(node.parent, exp.Window | exp.IgnoreNulls):
        refuse(f"{name} without OVER", f"{name}(…) OVER (…)")
    arguments = [a.copy() for a in node.expressions]
    limit = order = None
    ignore = distinct = False
    for index, argument in enumerate(arguments):
        while isinstance(argument, exp.Limit | exp.Order | exp.IgnoreNulls | exp.Distinct):
            if isinstance(argument, exp.Limit):
                limit, argument = argument.expression, argument.this
            elif isinstance(argument, exp.Order):
                order, argument = argument.expressions, argument.this
            elif isinstance(argument, exp.IgnoreNulls):
                ignore, argument = True, argument.this
            else:
                if len(argument.expressions) != 1:
                    refuse(f"{name}(DISTINCT …) of several columns", f"{name}(DISTINCT x)")
                distinct, argument = True, argument.expressions[0]
        arguments[index] = argument
    used = {
        clause
        for clause, on in (
            ("limit", limit), ("order", order), ("ignore nulls", ignore), ("distinct", distinct)
        )
        if on
    }  # fmt: skip
    alone = used - {"ignore nulls"} if name in _IGNORING else used
    if used - function.clauses or (outer and alone):
        clause = sorted(used - function.clauses or used)[0].upper()
        refuse(f"{clause} in {name}", f"{name} without it")
    if not any(len(form) == len(arguments) for form in function.forms):
        refuse(f"{name} in this form (`{_text(node)}`)", shown(name, function))
    if function.argument:
        arguments[0] = _macro(function.argument, arguments[0])
    value = arguments[0] if arguments else None
    if name == "COUNTIF":
        arguments[0] = exp.Case(ifs=[exp.If(this=value, true=exp.true())])
    if name == "STRING_AGG" and len(arguments) == 1:
        arguments.append(exp.Literal.string(","))
    first = arguments[0] if arguments else None
    if distinct and first is not None:
        first = exp.Distinct(expressions=[first])
        arguments[0] = first
    if order:
        arguments[-1] = exp.Order(this=arguments[-1], expressions=order)
    call: Node = exp.Anonymous(this=function.duckdb, expressions=arguments)
    if ignore and outer:
        # sqlglot writes IGNORE NULLS for window functions that it knows
        keys = {"this": arguments[0], **({"offset": arguments[1]} if arguments[1:] else {})}
        call = exp.IgnoreNulls(this=_IGNORING[name](**keys))
    if ignore and not outer and value is not None:
        call = exp.Filter(
            this=call,
            expression=exp.Where(this=exp.Is(this=value.copy(), expression=exp.Null()).not_()),
        )
    if limit is not None:
        call = _macro("g_first", call, _typed(limit.name))
    if function.result:
        if outer is not None:
            call.meta["result"] = function.result
        else:
            call = _macro(function.result, call)
    return call


def _window(node: Node) -> Node | None:
    result = node.this.meta.get("result")
    if result is None:
        return None
    node.this.meta.pop("result")
    return _macro(result, node)


def _element(node: Node) -> Node | None:
    """a[OFFSET(0)]: out of bounds is an error, NULL with SAFE_."""
    (index,) = node.expressions
    offset = node.args.get("offset")
    macro = "g_safe_element" if node.args.get("safe") else "g_element"
    if offset is None:
        refuse(f"`{_text(node)}`", "the element with [OFFSET(n)] or [SAFE_OFFSET(n)]")
    if offset == 0:
        index = _macro("g_add", index, _typed("1"))
    return _macro(macro, node.this, index)


def _struct(node: Node) -> Node | None:
    if node.name.upper() != "STRUCT":
        return _call(node)
    fields = []
    for field in node.expressions:
        if not isinstance(field, exp.Alias | exp.Column):
            refuse("A field without a name in STRUCT", "STRUCT(x AS name)")
        value = field.this if isinstance(field, exp.Alias) else field
        fields.append(
            exp.PropertyEQ(this=exp.to_identifier(field.alias_or_name), expression=value.copy())
        )
    return exp.Struct(expressions=fields)


def _table(node: Node) -> Node | None:
    if not isinstance(node.this, exp.Identifier):
        refuse(f"The table function {_text(node)}", "a table's name, dataset.table")
    if not node.text("db") and not node.name.lower().startswith("information_schema."):
        names = {cte.alias.lower() for cte in node.root().find_all(exp.CTE)}
        if node.name.lower() not in names:
            refuse(f"The table {node.name} without a dataset", f"dataset.{node.name}")
    return information_schema(node)


def _group(node: Node) -> Node | None:
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


def _star(node: Node) -> Node | None:
    select = node.find_ancestor(exp.Select)
    joins = select.args.get("joins") or [] if select else []
    origins = [select.args.get("from_"), *joins] if select else []
    if isinstance(node.parent, exp.Anonymous):
        return None
    if any(origin is not None and isinstance(origin.this, exp.Unnest) for origin in origins):
        refuse("* over UNNEST", "the names of the columns")
    if any(join.args.get("using") for join in joins):
        refuse("* over JOIN … USING", "the names of the columns")
    return None


def _raw(node: Node) -> Node:
    return exp.Literal.string(node.name)


_TRANSLATIONS: dict[type[Node], Callable[[Node], Node | None]] = {
    exp.Add: _operator("g_add"),
    exp.Sub: _operator("g_sub"),
    exp.Mul: _operator("g_mul"),
    exp.Div: _operator("g_over"),
    exp.Neg: _negative,
    exp.Literal: _number,
    exp.RawString: _raw,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.DataType: _type,
    exp.Like: _like,
    exp.Anonymous: _struct,
    exp.Window: _window,
    exp.Bracket: _element,
    exp.Table: _table,
    exp.Unnest: offset_from_zero,
    exp.Group: _group,
    exp.Star: _star,
}
