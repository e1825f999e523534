"""The functions of GoogleSQL that are proven to mean the same on DuckDB (googlesql_functions.yaml).

What is not in the table is refused by name, with what to write instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import yaml

from pipelines.errors import UsageError

TABLE = Path(__file__).with_name("googlesql_functions.yaml")
MACROS = TABLE.with_suffix(".macros")
KINDS = ("scalars", "aggregates", "analytics")


@dataclass(frozen=True)
class Function:
    """One function of the table.

    Args:
        kind: ``scalars``, ``aggregates`` or ``analytics``.
        forms: the arguments of each form that is proven.
        duckdb: its name there; a macro's for a scalar function.
        argument: the macro that its argument goes through, if any.
        result: the macro that its result goes through, if any.
        clauses: what may stand in its parentheses beside the arguments.
    """

    kind: str
    forms: tuple[tuple[str, ...], ...]
    duckdb: str
    argument: str | None = None
    result: str | None = None
    clauses: frozenset[str] = frozenset()


@cache
def functions() -> Mapping[str, Function]:
    """The functions that are proven, by name."""
    table = yaml.safe_load(TABLE.read_text())
    return {
        name: _function(name, kind, entry) for kind in KINDS for name, entry in table[kind].items()
    }


def _function(name: str, kind: str, entry: Any) -> Function:
    fields: dict[str, Any] = {"forms": entry} if isinstance(entry, list) else entry
    return Function(
        kind,
        tuple(tuple(filter(None, str(form).split(", "))) for form in fields["forms"]),
        fields.get("duckdb", f"g_{name.lower()}" if kind == "scalars" else name.lower()),
        fields.get("input"),
        fields.get("result"),
        frozenset(fields.get("with", ())),
    )


@cache
def _instead() -> Mapping[str, str]:
    advice: dict[str, str] = yaml.safe_load(TABLE.read_text())["instead"]
    return advice


def refuse(what: str, write: str) -> NoReturn:
    """Refuse a part of a query that isn't proven.

    Raises:
        UsageError: always; ``write`` is what to write instead.
    """
    raise UsageError(
        f"{what} isn't proven to give on DuckDB what it gives on BigQuery, so `adcanary query` "
        "doesn't run it there.",
        kept="nothing was read.",
        fix=f"Write {write}. docs/analysts.md lists what is proven.",
    )


def refuse_function(name: str) -> NoReturn:
    """Refuse a function by name, with the nearest one that is proven.

    Raises:
        UsageError: always.
    """
    advice = _instead().get(name)
    if advice is None:
        near = difflib.get_close_matches(name, functions(), n=3, cutoff=0.8)
        advice = " or ".join(near) if near else "it with GoogleSQL's functions that are proven"
    refuse(name, advice)


def shown(name: str, function: Function) -> str:
    """The forms of a function for a message: ``DATE_DIFF(date, date, DAY|WEEK)``."""
    return " or ".join(
        f"{name}({', '.join(_SHOWN.get(token, token) for token in form)})"
        for form in function.forms
    )


# what a person calls the kinds of argument that have names of their own in the tests
_SHOWN = {
    "date_format": "'a format of %Y %m %d %F %j %a %A %b %B %y %u %w %V %G %U %W'",
    "time_format": "'a format of %Y %m %d %F %j %a %A %b %B %y %H %M %S %T %I %p'",
    "modern_date": "date",
    "near_date": "date",
    "small": "int",
    "count": "int",
    "path": "'$.name[0]'",
    "regexp": "'an expression'",
    "replacement": "'a text'",
    "text": "'a text'",
}
