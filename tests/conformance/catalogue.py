"""What tables there are, and their columns: ZetaSQL's catalog, grown from the contracts."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.contracts import load_contracts
from tests.conformance.values import type_message
from tests.conformance.zetasql_server import stub

# Types that BigQuery knows by further names; the analyzer leaves these to the catalog.
# https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#integer_types
_ALIASES = dict.fromkeys(("int", "smallint", "integer", "bigint", "tinyint", "byteint"), "INT64")

# https://cloud.google.com/bigquery/docs/information-schema-intro, as far as anything here asks
_INFORMATION_SCHEMA = {
    "TABLES": dict.fromkeys(
        ("table_catalog", "table_schema", "table_name", "table_type"), "STRING"
    ),
    "COLUMNS": dict.fromkeys(
        ("table_catalog", "table_schema", "table_name", "column_name", "data_type", "is_nullable"),
        "STRING",
    ),
}

TablePath = tuple[str, ...]
Columns = Mapping[str, str]


@dataclass
class Catalogue:
    """Tables by path, such as ``("raw", "orders")``: column → GoogleSQL type.

    A path may be written with the project in front or without, as in BigQuery.
    """

    project: str
    tables: dict[TablePath, dict[str, str]] = field(default_factory=dict)

    def add(self, path: Iterable[str], columns: Columns) -> None:
        """Make a table, or make it anew."""
        self.tables[self._without_project(path)] = dict(columns)

    def remove(self, path: Iterable[str]) -> None:
        """Drop a table, if it is there."""
        self.tables.pop(self._without_project(path), None)

    def columns(self, path: Iterable[str]) -> dict[str, str]:
        """A table's columns and types.

        Raises:
            KeyError: there is no such table.
        """
        return self.tables[self._without_project(path)]

    def message(self, builtin: Any) -> Any:
        """ZetaSQL's ``SimpleCatalogProto``; ``builtin`` are its options of built-in functions."""
        protos = stub("zetasql.proto.simple_catalog_pb2")
        root = protos.SimpleCatalogProto(name="root", builtin_function_options=builtin)
        for alias, type_ in _ALIASES.items():
            root.named_type.add(name=alias, type=type_message(type_))
        datasets: dict[str, Any] = {}
        for path, columns in sorted(self.tables.items()):
            parent = root
            if len(path) > 1:
                parent = datasets.setdefault(path[0], protos.SimpleCatalogProto(name=path[0]))
            parent.table.append(_table(path, columns))
        for name, dataset in datasets.items():
            about = dataset.catalog.add(name="INFORMATION_SCHEMA")
            for view, names in _INFORMATION_SCHEMA.items():
                columns = dict.fromkeys(names, "STRING")
                about.table.append(_table((name, "INFORMATION_SCHEMA", view), columns))
        root.catalog.extend(datasets.values())
        project = root.catalog.add(name=self.project)
        project.catalog.extend(datasets.values())
        return root

    def _without_project(self, path: Iterable[str]) -> TablePath:
        parts = tuple(part for name in path for part in name.split("."))
        return parts[1:] if parts[0] == self.project else parts


def _table(path: TablePath, columns: Columns) -> Any:
    number = zlib.crc32(".".join(path).encode())
    table = stub("zetasql.public.simple_table_pb2").SimpleTableProto(
        name=path[-1], full_name=".".join(path), serialization_id=number
    )
    for name, type_ in columns.items():
        table.column.add(name=name, type=type_message(type_))
    return table


def from_contracts(project: str) -> Catalogue:
    """Every table that sql/contracts declares."""
    catalogue = Catalogue(project)
    for contract in load_contracts().values():
        catalogue.add((contract.dataset, contract.name), {c.name: c.type for c in contract.columns})
    return catalogue
