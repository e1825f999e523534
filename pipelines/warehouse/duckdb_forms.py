"""The arguments of a function, matched to a form that is proven (googlesql_functions.yaml)."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from pipelines.warehouse.duckdb_parts import as_text
from pipelines.warehouse.proven import functions, refuse, refuse_function, shown


def match_form(call: exp.Anonymous) -> None:
    """Match the arguments to a proven form; literals become texts, INTERVAL two arguments."""
    name = call.name.upper()
    function = functions().get(name)
    if function is None:
        refuse_function(name)
    arguments: list[exp.Expression] = []
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
            if _DATED.match(name):
                matched = [_dated(t, a) for t, a in zip(form, matched, strict=True)]
            call.set("expressions", matched)
            return
    refuse(f"{name} in this form (`{as_text(call)}`)", shown(name, function))


# functions of one kind of date, which a literal text is cast to
_DATED = re.compile(r"(DATE|DATETIME|TIMESTAMP|GENERATE|FORMAT|LAST|UNIX)_")
_DATES = {"date": "DATE", "near_date": "DATE", "modern_date": "DATE", "datetime": "DATETIME"}


def _dated(token: str, argument: exp.Expression) -> exp.Expression:
    target = "TIMESTAMPTZ" if token == "timestamp" else _DATES.get(token)
    return exp.cast(argument.copy(), target) if target and argument.is_string else argument


def _matched(form: tuple[str, ...], arguments: list[exp.Expression]) -> list[exp.Expression] | None:
    """The arguments, with what the form wants as a literal as a text; None if they don't fit."""
    if form[-1:] and form[-1].endswith("+"):
        return arguments if arguments else None
    if len(form) != len(arguments):
        return None
    matched: list[exp.Expression] = []
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


def _literal(node: exp.Expression) -> str:
    if isinstance(node, exp.Literal):
        return f"'{node.name}'" if node.is_string else node.name
    if isinstance(node, exp.Anonymous | exp.WeekStart):
        inner = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
        return f"WEEK({inner.name.upper()})"
    return node.name.upper()


def _is_format(elements: str) -> Callable[[str], bool]:
    form = re.compile(rf"(%[{elements}]|[^%])+", re.DOTALL)
    return lambda text: bool(form.fullmatch(text))


def _is_regexp(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


_SPELT = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%%": "%%"}
_FORMATS = re.compile("%[FT%]")


def _spelt(text: str) -> exp.Expression:
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
