"""What a build reads and makes, put so that an unchanged state gives the same values again.

Rows that somebody edits by hand are not seen while their number stays the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from pipelines.build_record import DUE, TABLE
from pipelines.canonical import canonical_json
from pipelines.warehouse import Warehouse
from pipelines.warehouse.results import rows_of

_FILES = frozenset({".sql", ".yml", ".csv", ".md"})
_WRITTEN_BY_DBT = frozenset({"target", "logs", "dbt_packages"})
_SOURCE = re.compile(r"\bsource\(\s*'(\w+)'\s*,\s*'(\w+)'\s*\)")
_VERSIONS = {
    "duckdb": ("adcanary", "dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb"),
    "bigquery": ("adcanary", "dbt-core", "dbt-adapters", "dbt-bigquery"),
}
# What tells of a change that leaves the number of rows as it is. A newer pull that finds what was
# published moves the ledger's pulled_at, which no table of ours keeps.
_NEWEST = {"raw.load_ledger": "published_at", "contracts.job_runs": "finished_at"}
# The rows that count: of jobs, models read the links between devices alone.
_COUNTED = {"contracts.job_runs": "job = 'identity_links'", TABLE: DUE}


@dataclass(frozen=True)
class Project:
    """The dbt project as one build uses it.

    Args:
        folder: where it lies.
        variables: dbt's ``--vars``.
        kind: the warehouse's.
    """

    folder: Path
    variables: str
    kind: str

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The tables that models read of others, as ``dataset.table``, and the builds' own."""
        read = {
            match.expand(r"\1.\2")
            for path, content in self._files.items()
            if path.suffix == ".sql"
            for match in _SOURCE.finditer(content.decode())
        }
        return (*sorted(read), TABLE)

    @cached_property
    def digests(self) -> dict[str, Any]:
        """What else reaches a build: files, variables and versions."""
        files = sha256()
        for path, content in self._files.items():
            files.update(f"{path.as_posix()}\0{sha256(content).hexdigest()}\n".encode())
        return {
            "the dbt project": files.hexdigest(),
            "the settings": sha256(self.variables.encode()).hexdigest(),
            "a version": {package: version(package) for package in _VERSIONS[self.kind]},
        }

    @cached_property
    def _files(self) -> dict[Path, bytes]:
        return {p.relative_to(self.folder): p.read_bytes() for p in _files(self.folder)}


def states(
    warehouse: Warehouse, tables: Iterable[str], views: Iterable[str] = ()
) -> dict[str, Any]:
    """Of each table its rows, and the newest instant where that says more; None for a view.

    A view that isn't there is left out.

    Raises:
        MissingTableError: a table isn't there.
    """
    wanted = set(views)
    selects = [
        f"SELECT '{table}' AS name, COUNT(*) AS n, {_newest(table)} AS newest FROM {table}"
        + (f" WHERE {_COUNTED[table]}" if table in _COUNTED else "")
        for table in tables
    ]
    selects += [
        f"SELECT CONCAT('{dataset}.', table_name) AS name, CAST(NULL AS INT64) AS n, "
        f"CAST(NULL AS TIMESTAMP) AS newest FROM {dataset}.INFORMATION_SCHEMA.TABLES "
        "WHERE table_type = 'VIEW'"
        for dataset in sorted({view.split(".")[0] for view in wanted})
    ]
    rows = rows_of(warehouse.query("\nUNION ALL ".join(selects))) if selects else []
    states = {
        row["name"]: None if row["n"] is None else [row["n"], row["newest"]]
        for row in rows
        if row["n"] is not None or row["name"] in wanted
    }
    stored: dict[str, Any] = orjson.loads(canonical_json(states))
    return stored


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of what differs."""
    return [name for name in {**now, **before} if before.get(name, "") != now.get(name, "")]


def _newest(table: str) -> str:
    return f"MAX({_NEWEST[table]})" if table in _NEWEST else "CAST(NULL AS TIMESTAMP)"


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _FILES and path.relative_to(folder).parts[0] not in _WRITTEN_BY_DBT:
            yield path
