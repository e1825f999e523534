"""Finds ids anywhere in the warehouse: every string of every table, nested ones included.

An id counts where it stands as a word of its own: alone in a column, in a URL's query string, or
in the JSON of ``_extra``. Ids too short for that count in the columns declared for their kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipelines.privacy.declared import DATASETS, NAMERS, RECORDS, Id, Kind, PersonColumn, declared
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import Value

_IDS_A_PATTERN = 100
# ids are joined by what none of them contains
_SEPARATOR = "\n"


@dataclass(frozen=True)
class StringColumn:
    """A column that holds text, itself or in nested fields."""

    name: str
    scalar: bool
    nullable: bool

    @property
    def quoted(self) -> str:
        return f"`{self.name}`"

    @property
    def text(self) -> str:
        """The column as text: nested fields as JSON."""
        return self.quoted if self.scalar else f"TO_JSON_STRING({self.quoted})"


@dataclass(frozen=True)
class Searched:
    """A base table with its text columns."""

    table: str
    columns: tuple[StringColumn, ...]

    def has(self, column: PersonColumn) -> bool:
        return any(c.name == column.column for c in self.columns)


def searchable(warehouse: Warehouse) -> list[Searched]:
    """Every base table of adcanary's datasets that holds text; views show only what these hold."""
    present = set(warehouse.datasets())
    views = [
        f"SELECT '{d}' AS dataset, c.table_name, c.column_name, c.data_type, c.is_nullable "
        f"FROM {d}.INFORMATION_SCHEMA.COLUMNS AS c "
        f"INNER JOIN {d}.INFORMATION_SCHEMA.TABLES AS t ON c.table_name = t.table_name "
        "WHERE t.table_type = 'BASE TABLE'"
        for d in DATASETS
        if d in present
    ]
    tables: dict[str, list[StringColumn]] = {}
    for row in warehouse.query(" UNION ALL ".join(views)).to_pylist():
        kind = row["data_type"].upper()
        if not re.search(r"STRING|VARCHAR|JSON", kind):
            continue
        scalar = re.fullmatch(r"STRING|VARCHAR", kind) is not None
        column = StringColumn(row["column_name"], scalar, row["is_nullable"] == "YES")
        tables.setdefault(f"{row['dataset']}.{row['table_name']}", []).append(column)
    return [Searched(table, tuple(columns)) for table, columns in sorted(tables.items())]


@dataclass(frozen=True)
class Search:
    """The conditions that find a person's ids, and the parameters they take."""

    ids: frozenset[Id]

    @cached_property
    def patterns(self) -> list[str]:
        values = sorted({i.value for i in self.ids if i.distinctive})
        chunks = (values[n : n + _IDS_A_PATTERN] for n in range(0, len(values), _IDS_A_PATTERN))
        return [
            rf"(?:^|[^A-Za-z0-9_-])(?:{'|'.join(map(re.escape, chunk))})(?:[^A-Za-z0-9_-]|$)"
            for chunk in chunks
        ]

    @cached_property
    def params(self) -> Mapping[str, Value]:
        """Values of ``@pattern_<n>``, ``@names`` and ``@<kind>_ids``."""
        params: dict[str, Value] = {f"pattern_{n}": p for n, p in enumerate(self.patterns)}
        params["names"] = _joined(i for i in self.ids if i.kind in NAMERS)
        for kind in Kind:
            params[f"{kind}_ids"] = _joined(i for i in self.ids if i.kind is kind)
        return params

    def found_in(self, columns: Sequence[StringColumn]) -> str:
        """The condition that one of the columns holds one of the ids."""
        # one text a row: an engine compiles a pattern for every place that it is matched in
        text = f"ARRAY_TO_STRING([{', '.join(c.text for c in columns)}], '\\n')"
        matches = [f"REGEXP_CONTAINS({text}, @pattern_{n})" for n in range(len(self.patterns))]
        return f"COALESCE({' OR '.join(matches)}, FALSE)" if matches else "FALSE"

    def hit(self, searched: Searched, *, records: bool = True) -> str:
        """The condition that a row holds one of the ids.

        Args:
            records: count the numbers of the person's orders and deals, which outlive an erasure.
        """
        terms = [self.found_in(searched.columns)]
        table = declared(searched.table)
        terms += [
            is_one_of(column.path, f"{column.kind}_ids")
            for column in (table.columns if table else ())
            if searched.has(column)
            and any(i.kind is column.kind and not i.distinctive for i in self.ids)
            and (records or column.kind not in RECORDS)
        ]
        return "(" + " OR ".join(terms) + ")"

    def theirs(self, searched: Searched) -> str:
        """The condition that a row names the person, or nobody: not another one."""
        table = declared(searched.table)
        namers = [c.path for c in (table.namers if table else ()) if searched.has(c)]
        if not namers:
            return "TRUE"
        whose = f"COALESCE({', '.join(namers)})" if len(namers) > 1 else namers[0]
        return f"({whose} IS NULL OR {is_one_of(whose, 'names')})"

    def count(
        self, warehouse: Warehouse, tables: Sequence[Searched], *, records: bool = True
    ) -> dict[str, int]:
        """Rows that hold one of the ids, by table; tables without any are left out."""
        counts = [
            f"SELECT '{s.table}' AS found_in, COUNT(*) AS n FROM {s.table} "
            f"WHERE {self.hit(s, records=records)}"
            for s in tables
        ]
        rows = warehouse.query(" UNION ALL ".join(counts), self.params).to_pylist()
        return {r["found_in"]: r["n"] for r in sorted(rows, key=lambda r: r["found_in"]) if r["n"]}


def is_one_of(expression: str, parameter: str) -> str:
    """The condition that a text is one of those joined in a parameter; NULL is none of them."""
    listed = f"SELECT one FROM UNNEST(SPLIT(@{parameter}, '\\n')) AS one WHERE one != ''"
    return f"COALESCE({expression} IN ({listed}), FALSE)"


def joined(values: Iterable[str]) -> str:
    """Texts as the parameter that :func:`is_one_of` takes."""
    return _SEPARATOR.join(sorted(set(values)))


def _joined(ids: Iterable[Id]) -> str:
    return joined(i.value for i in ids)
