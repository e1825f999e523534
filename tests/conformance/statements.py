"""The statements that BigQuery is sent: files as they are, dbt's and Python's as they were sent.

dbt's are taken from the job history of a BigQuery (the emulator) on which the project was built
twice: in full, and, for all that is not a view, again after every slice was restated, so that
every table is merged by day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
from google.cloud import bigquery

from pipelines.build import artifacts_folder, build
from pipelines.config import Settings, WarehouseSettings
from pipelines.contracts import load_contracts
from pipelines.errors import AuditError
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.bigquery import BigQueryWarehouse
from tests.wire.bigquery_emulator import Emulator
from tests.wire.raw_rows import fill, insert

ROOT = Path(__file__).parents[2]
DBT = ROOT / "dbt"
PROJECT = "conformance"

_NODE = re.compile(r'^/\* \{.*?"node_id": "([^"]+)"')


@dataclass(frozen=True)
class Sent:
    """One statement, or one script.

    Args:
        sql: GoogleSQL.
        origin: where it comes from: a file of the project, or a Python file and line.
        node: dbt's node that sent it; empty for none.
        params: types of its parameters; None where they are not known.
        makes: a table that is there from now on, of which BigQuery was told by other means than
            SQL (a load job): path and columns.
    """

    sql: str
    origin: str
    node: str = ""
    params: Mapping[str, str] | None = None
    makes: tuple[tuple[str, ...], dict[str, str]] | None = None

    def place(self, line: int) -> str:
        """Where a line of the statement is written: the file's own line where it can be found."""
        lines = self.sql.splitlines()
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        path = ROOT / self.origin
        if text and path.is_file():
            for number, written in enumerate(path.read_text().splitlines(), start=1):
                if written.strip() == text:
                    return f"{self.origin}:{number}: {text}"
        return f"{self.origin}, line {line} of the statement: {text}"


@dataclass(frozen=True)
class DbtBuilds:
    """The project built on a BigQuery, in full and then by day.

    Args:
        manifest: dbt's, of the first build.
        full: what the first build sent, in order.
        by_day: what the second sent; it left views and their tests out.
        failures: what dbt said of models and tests that could not be run.
    """

    manifest: dict[str, Any]
    full: tuple[Sent, ...]
    by_day: tuple[Sent, ...]
    failures: tuple[str, ...] = field(default=())

    def nodes(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The project's models or data tests by id."""
        nodes = self.manifest["nodes"].items()
        return {name: node for name, node in nodes if node["resource_type"] == resource_type}

    def tables(self) -> dict[str, dict[str, Any]]:
        """The models that are not views, by id."""
        models = self.nodes("model").items()
        return {n: node for n, node in models if node["config"]["materialized"] != "view"}


def build_twice(emulator: Emulator, folder: Path) -> DbtBuilds:
    """Build the dbt project on an empty BigQuery project, in full and then by day."""
    settings = Settings(
        warehouse=WarehouseSettings(
            kind="bigquery", project=PROJECT, api_endpoint=emulator.rest_url
        ),
        path=folder / "adcanary.yaml",
    )
    warehouse = open_warehouse(settings)
    assert isinstance(warehouse, BigQueryWarehouse)
    fill(warehouse)
    failures = [*_build(settings, None)]
    manifest = orjson.loads((artifacts_folder(settings) / "manifest.json").read_bytes())
    first = _jobs(warehouse)
    restate(warehouse)
    kinds = {n["config"]["materialized"] for n in manifest["nodes"].values()} - {"view", "test"}
    failures += _build(settings, " ".join(f"config.materialized:{kind}" for kind in sorted(kinds)))
    second = _jobs(warehouse)[len(first) :]
    return DbtBuilds(manifest, _sent(first, manifest), _sent(second, manifest), tuple(failures))


def _build(settings: Settings, select: str | None) -> Iterator[str]:
    """Build, and give dbt's words where models or tests failed."""
    try:
        build(settings, select)
    except AuditError as error:
        yield str(error)


def restate(warehouse: BigQueryWarehouse) -> None:
    """Say in the ledger that a week of every raw table was published anew."""
    now = datetime.now(UTC)
    rows = [
        {
            "run_id": f"{table} {now}",
            "source": "files",
            "table_name": table,
            "account_id": "a",
            "platform": None,
            "window_start": date(2025, 3, 3),
            "window_end": date(2025, 3, 9),
            **dict.fromkeys(("row_count", "restated_rows", "dropped_rows"), 0),
            **dict.fromkeys(("checksum", "schema_hash"), "x"),
            **dict.fromkeys(("pulled_at", "staged_at", "published_at"), now),
        }
        for table, contract in load_contracts().items()
        if contract.dataset == "raw"
    ]
    insert(warehouse, "raw.load_ledger", rows)


def files(*folders: str) -> list[Sent]:
    """The statements of every SQL file in these folders of the project."""
    return [
        Sent(path.read_text(), str(path.relative_to(ROOT)))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.sql"))
    ]


def _jobs(warehouse: BigQueryWarehouse) -> list[Any]:
    """Every job that the project has run, oldest first."""
    return list(warehouse._client.list_jobs(all_users=True, max_results=100_000))[::-1]


def _sent(jobs: Iterable[Any], manifest: Mapping[str, Any]) -> tuple[Sent, ...]:
    seeds = {
        node["name"]: node["config"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "seed"
    }
    return tuple(
        _loaded(j, seeds) if isinstance(j, bigquery.LoadJob) else _asked(j, manifest) for j in jobs
    )


def _asked(job: Any, manifest: Mapping[str, Any]) -> Sent:
    found = _NODE.match(job.query)
    if found is None:
        return Sent(job.query, "dbt or pipelines/warehouse/bigquery.py")
    node = manifest["nodes"].get(found[1], {})
    return Sent(job.query, f"dbt/{node.get('original_file_path', found[1])}", found[1])


def _loaded(job: bigquery.LoadJob, seeds: Mapping[str, Mapping[str, Any]]) -> Sent:
    stage = job.destination.table_id
    if stage in seeds:
        columns = {name: type_.upper() for name, type_ in seeds[stage]["column_types"].items()}
        return Sent("", "a seed", makes=((job.destination.dataset_id, stage), columns))
    dataset, table = stage.split("__")[:2]
    columns = {c.name: c.type for c in load_contracts()[f"{dataset}.{table}"].columns}
    return Sent("", "a load job", makes=((job.destination.dataset_id, stage), columns))
