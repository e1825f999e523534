"""Makes rows that are hard on a model: NULLs, ties, DST days, odd floats, texts that must not join.

Values are drawn from few per column, so that joins and groups meet; the texts that a model
compares a column with are among them, so that its branches are taken. Rows keep what is promised
of a table: its grain, its NOT NULLs and its accepted values. A seed gives the same rows again.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sqlglot import exp

from tests.conformance.values import data_type

_INTEGERS = (0, 1, 2, 3, 7, 10, 100, 999_999, 1_000_000, 123_456_789, -1)
# beyond 32 bits, and beyond what a float holds exactly
_ODD_INTEGERS = (0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, -(2**53) - 1, 999_999_999_999)
_LIMITS = (0, 1, -1, 2**63 - 1, -(2**63))
_FLOATS = (0.0, 1.5, 0.1, 2.0, 1 / 3, 19.99, 123_456.789, 1e-9, -2.5)
_ODD_FLOATS = (-0.0, 0.0, 1e-9, -1e-9, 0.5, 2.5, 0.1, 0.2, 1e-6)
_NO_NUMBERS = (math.nan, math.inf, -math.inf, 1.5, -0.0)


@dataclass(frozen=True)
class Scenario:
    """A way to fill tables.

    Args:
        rows: a table, before those that break its grain are left out.
        nulls: share of NULLs in a column that may hold them.
        choices: different values of a column, at most.
        integers: values of INT64 columns that hold no instants.
        floats: values of FLOAT64 columns.
        refusal: whether a model may end in an error: on both engines, on either (where a sum
            leaves 64 bits, one of them may have a wider one inside), or never.
    """

    name: str
    rows: int
    nulls: float
    choices: int
    integers: Sequence[int] = _INTEGERS
    floats: Sequence[float] = _FLOATS
    refusal: Literal["never", "both", "either"] = "never"


SCENARIOS = (
    Scenario("empty", rows=0, nulls=0.0, choices=1),
    Scenario("one row", rows=1, nulls=0.0, choices=4),
    Scenario("few", rows=14, nulls=0.1, choices=6),
    Scenario("ordinary", rows=40, nulls=0.08, choices=4),
    Scenario("ties", rows=30, nulls=0.0, choices=2),
    Scenario("nulls", rows=30, nulls=0.5, choices=3),
    Scenario("many", rows=90, nulls=0.05, choices=9),
    Scenario("odd floats", rows=30, nulls=0.1, choices=6, floats=_ODD_FLOATS),
    Scenario("no numbers", rows=20, nulls=0.1, choices=4, floats=_NO_NUMBERS, refusal="both"),
    Scenario("odd integers", rows=20, nulls=0.1, choices=6, integers=_ODD_INTEGERS, refusal="both"),
    Scenario("limits", rows=8, nulls=0.1, choices=4, integers=_LIMITS, refusal="either"),
)


@dataclass(frozen=True)
class Table:
    """What is promised of a table.

    Args:
        columns: column → GoogleSQL type.
        grain: columns that name a row; none where nothing is promised.
        required: columns that are never NULL, the grain among them.
        accepted: column → the only values it has.
        least: column → the smallest number it has.
    """

    columns: Mapping[str, str]
    grain: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    accepted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)


_TEXTS = ("a", "b", "A", "", "0", "x|y", "ä'ß", "日本 🙂", " b ", "a\\n", "1e3", "null", "%")
_URLS = (
    "https://s.example/?a=1&gclid=G2#x",
    "https://s.example/p/?fbclid=F%201&utm_source=News&utm_medium=E-Mail",
    "https://S.example/?gclid=&ttclid=T1&li_fat_id=L&gbraid=g&wbraid=w",
    "not a url",
    "",
)
_ZONES = ("America/New_York", "Europe/Berlin", "UTC", "Asia/Kolkata", "Australia/Lord_Howe")
_CURRENCIES = ("USD", "EUR", "JPY")
# DST starts on 9 March in New York and on 30 March in Berlin; it ends on 2 November in New York
_DAYS = (
    date(2025, 3, 8),
    date(2025, 3, 9),
    date(2025, 3, 10),
    date(2025, 3, 11),
    date(2025, 3, 3),
    date(2025, 3, 16),
    date(2025, 3, 30),
    date(2025, 2, 28),
    date(2024, 12, 31),
    date(2025, 11, 2),
    date(2024, 2, 29),
)
_INSTANTS = (
    datetime(2025, 3, 9, 6, 59, 59, 999_999, tzinfo=UTC),
    datetime(2025, 3, 9, 7, 0, tzinfo=UTC),
    datetime(2025, 3, 9, 7, 30, 0, 1, tzinfo=UTC),
    datetime(2025, 3, 10, 3, 30, tzinfo=UTC),
    datetime(2025, 3, 10, 4, 0, tzinfo=UTC),
    datetime(2025, 3, 30, 1, 0, tzinfo=UTC),
    datetime(2025, 3, 9, 12, 0, tzinfo=UTC),
    datetime(2025, 3, 3, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 500_000, tzinfo=UTC),
    datetime(2025, 11, 2, 5, 30, tzinfo=UTC),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = re.compile(r"'([^']*)'")
_WORD = re.compile(r"\w{2,}")
# column = 'a', column) not in ('a', 'b')
_COMPARED = re.compile(r"(\w+)\)*\s*(?:=|!=|(?:not\s+)?in)\s*(\((?:\s*'[^']*'\s*,?)+\)|'[^']*')")
_JOINED = re.compile(r"\w+\.(\w+) = \w+\.(\w+)")
_MATCHED = re.compile(r"regexp_\w+\((?:lower\()?(?:\w+\.)?(\w+)\)?,\s*r'([^']*)'")


@dataclass(frozen=True)
class Compared:
    """What a statement compares, by the names of columns.

    Args:
        texts: column → texts; ``""`` holds all, as a column may be renamed before it is compared.
        columns: pairs of columns of other names.
    """

    texts: Mapping[str, set[str]]
    columns: frozenset[tuple[str, str]]


def compared(sql: str) -> Compared:
    """What a GoogleSQL statement compares a column with, as far as its text shows."""
    found: dict[str, set[str]] = {}
    for column, texts in _COMPARED.findall(sql):
        found.setdefault(column, set()).update(_TEXT.findall(texts))
    for column, pattern in _MATCHED.findall(sql):
        found.setdefault(column, set()).update(_WORD.findall(pattern))
    pairs = frozenset(pair for pair in _JOINED.findall(sql) if pair[0] != pair[1])
    return Compared({**found, "": set().union(*found.values())}, pairs)


def fill(
    tables: Mapping[str, Table], scenario: Scenario, by: Compared, seed: str
) -> dict[str, list[dict[str, Any]]]:
    """Rows for each table, by column; ``by`` is what the statement that reads them compares."""
    texts = {column: set(values) for column, values in by.texts.items()}
    for table in tables.values():
        for column, values in table.accepted.items():
            for name in {column, *(n for pair in by.columns if column in pair for n in pair)}:
                texts.setdefault(name, set()).update(values)
    draw = _Draw(scenario, texts, f"{seed} {scenario.name}")
    return {name: draw.rows(name, table) for name, table in tables.items()}


class _Draw:
    """Draws the rows of one filling; equal columns of its tables have values in common.

    Every column has a chance of its own: a model that gains one keeps the values of the others.
    """

    def __init__(self, scenario: Scenario, compared: Mapping[str, set[str]], seed: str) -> None:
        self.scenario, self.compared, self.seed = scenario, compared, seed
        self.texts = self._some("texts", _TEXTS)
        self.days = self._some("days", _DAYS)
        self.instants = self._some("instants", _INSTANTS)
        self.pools: dict[tuple[str, str, tuple[str, ...]], list[Any]] = {}

    def rows(self, name: str, table: Table) -> list[dict[str, Any]]:
        count = self.scenario.rows
        columns = {
            column: self._column(name, column, data_type(type_), table, count)
            for column, type_ in table.columns.items()
        }
        found: dict[Any, dict[str, Any]] = {}
        for number in range(count):
            row = {column: values[number] for column, values in columns.items()}
            key = tuple(str(row[column]) for column in table.grain) if table.grain else number
            found.setdefault(key, row)
        return list(found.values())

    def _column(
        self, where: str, name: str, tree: exp.DataType, table: Table, count: int
    ) -> list[Any]:
        chance = random.Random(f"{self.seed} {where} {name}")
        return [self._value(chance, name, tree, table) for _ in range(count)]

    def _value(self, chance: random.Random, name: str, tree: exp.DataType, table: Table) -> Any:
        if tree.this == exp.DataType.Type.ARRAY:
            element, holds_no_null = tree.expressions[0], Table({}, required=frozenset({name}))
            # an array of BigQuery holds no NULL and is none
            count = chance.choice((0, 1, 2, 4))
            return [self._value(chance, name, element, holds_no_null) for _ in range(count)]
        if name not in table.required and chance.random() < self.scenario.nulls:
            return None
        if tree.this == exp.DataType.Type.STRUCT:
            inner = Table({})
            return {f.name: self._value(chance, f.name, f.kind, inner) for f in tree.expressions}
        kind, accepted = tree.sql("bigquery"), tuple(table.accepted.get(name, ()))
        pool = self.pools.setdefault((name, kind, accepted), [])
        if not pool:
            pool += self._pool(name, kind, accepted)
        value = chance.choice(pool)
        return max(value, table.least[name]) if name in table.least else value

    def _pool(self, name: str, kind: str, accepted: Sequence[str]) -> list[Any]:
        """The values of a column; those of the scenario are shared by all columns of a kind."""
        if kind == "INT64" and "timestamp" in name:
            return [(i - _EPOCH) // timedelta(microseconds=1) for i in self.instants]
        if kind == "STRING":
            return self._text_pool(name, accepted)
        pools: dict[str, Sequence[Any]] = {
            "BOOL": (True, False),
            "DATE": self.days,
            "TIMESTAMP": self.instants,
            "INT64": self.scenario.integers,
            "FLOAT64": self.scenario.floats,
        }
        return self._some(name, pools[kind])

    def _text_pool(self, name: str, accepted: Sequence[str]) -> list[str]:
        if accepted:
            return list(accepted)
        if name.endswith("time_zone"):
            return self._some(name, _ZONES)
        if "currency" in name:
            return list(_CURRENCIES)
        if re.search("location|url|referrer", name):
            return self._some(name, _URLS)
        own = self._some(name, sorted(self.compared.get(name, ())))
        anywhere = [] if own else self._some(name, sorted(self.compared.get("", ())))[:1]
        # a GA4 parameter's value, a page's address among others
        addresses = self._some(name, _URLS)[:1] if name == "string_value" else []
        return [*self.texts, *own, *anywhere, *addresses]

    def _some(self, name: str, values: Sequence[Any]) -> list[Any]:
        chance = random.Random(f"{self.seed} {name}")
        return chance.sample(list(values), min(self.scenario.choices, len(values)))
