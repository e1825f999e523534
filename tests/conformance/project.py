"""The dbt project compiled for both engines, and what is promised of its tables."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines.build import PROJECT as DBT
from pipelines.build import dbt_environment, dbt_variables
from pipelines.config import Settings, WarehouseSettings
from pipelines.contracts import load_contracts
from pipelines.warehouse import open_warehouse
from tests.conformance.rows import Table
from tests.wire.bigquery_emulator import Emulator

PROJECT = "evaluation"
_IN_BIGQUERY = re.compile(rf"`{PROJECT}`\.`(\w+)`\.`(\w+)`")

_FROM_DUCKDB = {
    "BIGINT": "INT64",
    # a literal, wide enough for what it says; that marts have no other integers, dbt tests
    "INTEGER": "INT64",
    "DOUBLE": "FLOAT64",
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}


@dataclass(frozen=True)
class Model:
    """A dbt model, compiled for both engines.

    Args:
        bigquery: GoogleSQL; its tables are ``dataset__table``.
        duckdb: DuckDB's SQL.
        inputs: the tables that it reads, ``dataset__table``.
    """

    name: str
    bigquery: str
    duckdb: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Project:
    """The dbt project, compiled for both engines, and what is promised of its tables.

    Args:
        models: by name.
        tables: sources, seeds and models, by ``dataset__table``.
        made_by: the name of the model that makes a table.
        materialized: how each model is built, by name.
    """

    models: Mapping[str, Model]
    tables: Mapping[str, Table]
    made_by: Mapping[str, str]
    materialized: Mapping[str, str]


def compile_project(emulator: Emulator, folder: Path) -> Project:
    """Compile for BigQuery, and build empty tables on DuckDB to learn every model's columns."""
    on_bigquery = WarehouseSettings(
        kind="bigquery", project=PROJECT, api_endpoint=emulator.rest_url
    )
    on_duckdb = WarehouseSettings(path=folder / "w.duckdb")
    runs = []
    for command, warehouse in (("compile", on_bigquery), ("build", on_duckdb)):
        settings = Settings(warehouse=warehouse, path=folder / "adcanary.yaml")
        open_warehouse(settings)
        runs.append(_start_dbt(command, settings, folder / command))
    bigquery, on_file = (_finish(run, target) for run, target in runs)
    with duckdb.connect(str(on_duckdb.path), read_only=True) as connection:
        columns = duckdb_columns(connection)
    nodes = [n for n in bigquery["nodes"].values() if n["resource_type"] == "model"]
    models = {
        n["name"]: _model(n, on_file["nodes"][n["unique_id"]])
        for n in nodes
        if n.get("compiled_code") and on_file["nodes"][n["unique_id"]].get("compiled_code")
    }
    seeds = [n for n in bigquery["nodes"].values() if n["resource_type"] == "seed"]
    tables = _sources() | {
        f"{n['schema']}__{n['name']}": _promised(columns[n["schema"], n["name"]], n, bigquery)
        for n in (*nodes, *seeds)
        if (n["schema"], n["name"]) in columns
    }
    return Project(
        models=models,
        tables=tables,
        made_by={f"{n['schema']}__{n['name']}": n["name"] for n in nodes},
        materialized={n["name"]: n["config"]["materialized"] for n in nodes},
    )


def _start_dbt(
    command: str, settings: Settings, target: Path
) -> tuple[subprocess.Popen[str], Path]:
    target.mkdir()
    arguments = [
        "--no-version-check",
        "--no-use-colors",
        "--log-level=warn",
        f"--log-path={target}",
        command,
        "--select=resource_type:model resource_type:seed",
        "--indirect-selection=empty",
        f"--project-dir={DBT}",
        f"--profiles-dir={DBT}",
        f"--target={settings.warehouse.kind}",
        f"--target-path={target}",
        f"--vars={dbt_variables(settings)}",
    ]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()", *arguments],
        cwd=target,
        env=dbt_environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, target


def _finish(process: subprocess.Popen[str], target: Path) -> dict[str, Any]:
    """The manifest that dbt wrote; a model that failed has no compiled code or no table."""
    said, _ = process.communicate()
    path = target / "manifest.json"
    if not path.exists():
        raise RuntimeError(f"dbt ended before it compiled anything:\n{said}")
    manifest: dict[str, Any] = orjson.loads(path.read_bytes())
    return manifest


def _model(bigquery: Mapping[str, Any], on_file: Mapping[str, Any]) -> Model:
    sql = bigquery["compiled_code"]
    inputs = sorted({"__".join(found) for found in _IN_BIGQUERY.findall(sql)})
    flat = _IN_BIGQUERY.sub(r"`\1__\2`", sql)
    return Model(bigquery["name"], flat, on_file["compiled_code"], tuple(inputs))


def _sources() -> dict[str, Table]:
    return {
        f"{contract.dataset}__{contract.name}": Table(
            columns={c.name: c.type for c in contract.columns},
            grain=contract.primary_key,
            required=frozenset(c.name for c in contract.columns if not c.nullable)
            | frozenset(contract.primary_key),
        )
        for contract in load_contracts().values()
    }


def _promised(
    columns: Mapping[str, str], node: Mapping[str, Any], manifest: Mapping[str, Any]
) -> Table:
    """A model's columns with what its data tests hold."""
    grain: tuple[str, ...] = ()
    required, accepted = set[str](), dict[str, list[str]]()
    for test in manifest["nodes"].values():
        if test["resource_type"] != "test" or test.get("attached_node") != node["unique_id"]:
            continue
        name, given = test["test_metadata"]["name"], test["test_metadata"]["kwargs"]
        if name == "grain":
            grain = tuple(given["columns"])
            required |= set(grain)
        elif name == "not_null":
            required.add(given["column_name"])
        elif name == "accepted_values":
            accepted[given["column_name"]] = given["values"]
    return Table(columns, grain, frozenset(required), accepted)


def duckdb_columns(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], dict[str, str]]:
    """Every table's columns with their types as GoogleSQL writes them."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    rows = connection.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() ORDER BY table_oid, column_index"
    ).fetchall()
    for schema, table, column, type_ in rows:
        found.setdefault((schema, table), {})[column] = googlesql_type(type_)
    return found


def googlesql_type(duckdb_type: str) -> str:
    """DuckDB's type as GoogleSQL writes it; one that GoogleSQL hasn't stays as it is."""
    if duckdb_type.endswith("[]"):
        return f"ARRAY<{googlesql_type(duckdb_type[:-2])}>"
    if duckdb_type.startswith("STRUCT("):
        fields = duckdb.type(duckdb_type).children
        inner = (f"{name} {googlesql_type(str(child))}" for name, child in fields)
        return f"STRUCT<{', '.join(inner)}>"
    return _FROM_DUCKDB.get(duckdb_type, duckdb_type)


def to_duckdb(googlesql: str) -> str:
    """DuckDB's type of a mart's column."""
    return next(duck for duck, google in _FROM_DUCKDB.items() if google == googlesql)
