"""Builds the marts: runs the dbt project on the configured warehouse and says what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pipelines.config import Settings
from pipelines.contracts import load_contracts
from pipelines.errors import AuditError, ConfigError, StatementError, UsageError, WarehouseLocked
from pipelines.placeholders import placeholders
from pipelines.platforms import Platform, platform_table
from pipelines.shipped import shipped
from pipelines.warehouse import Warehouse, open_warehouse

PROJECT = shipped("dbt")

# DuckDB's words for a file that another process holds.
_LOCKED = "Could not set lock on file"
_PROGRESS_EVERY = 10
_LANDED_PLATFORMS = "SELECT DISTINCT platform FROM raw.load_ledger WHERE platform IS NOT NULL"
_FAILED = frozenset({"fail", "error", "runtime error", "partial success"})
# -P keeps the caller's folder, which may hold a folder named dbt, off the module path.
_DBT = (sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()")


@dataclass(frozen=True)
class Failure:
    """A model that could not be built, or a data test that found rows.

    Args:
        node: dbt's name of it.
        resource_type: ``model`` or ``test``.
        tests: models that a test reads; empty for a model.
        failing_rows: rows a test found; None where it could not run, and for a model.
        message: dbt's own.
        compiled_sql: the SQL that ran; None where it could not be compiled.
    """

    node: str
    resource_type: str
    tests: tuple[str, ...]
    failing_rows: int | None
    message: str
    compiled_sql: Path | None

    def __str__(self) -> str:
        what = f"{self.resource_type} {self.node}"
        if self.tests:
            what += f" (of {', '.join(self.tests)})"
        rows = self.failing_rows
        reason = self.message if rows is None else f"{rows} failing row(s)"
        return f"{what}: {reason}" + (
            f"\n    SQL: {self.compiled_sql}" if self.compiled_sql else ""
        )


@dataclass(frozen=True)
class BuildResult:
    """What a build did.

    Args:
        models: models built.
        tests: data tests that passed.
        failures: tests that only warn and found rows.
        seconds: wall time, dbt's start included.
    """

    models: int
    tests: int
    failures: tuple[Failure, ...]
    seconds: float


@dataclass(frozen=True)
class _Run:
    """One run of dbt: its messages, by level, and whether anything was selected."""

    errors: tuple[str, ...]
    nothing_selected: bool


def build(
    settings: Settings,
    select: str | None = None,
    on_progress: Callable[[str], None] | None = None,
    *,
    full_refresh: bool = False,
) -> BuildResult:
    """Run ``dbt build`` (models and data tests) in a process of its own.

    Args:
        select: dbt's node selection, such as ``fct_ad_spend_daily+``; everything by default.
        on_progress: called with a line for every tenth finished model or test, and for each
            that failed.
        full_refresh: rebuild every day of the tables that are built by day, which a changed
            reporting currency needs.

    Raises:
        ConfigError: rows of a platform that isn't in platforms.yaml were landed; which.
        AuditError: a model failed or a test found rows; which, how many, where the SQL is,
            and which marts were rebuilt.
        UsageError: ``select`` names nothing.
        StatementError: dbt could not read the project or reach its first model.
        WarehouseLocked: another process held the DuckDB file for lock_timeout_seconds.
        WarehouseUnavailable: BigQuery gave no answer.
    """
    started = time.monotonic()
    folder = artifacts_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = _arguments(settings, select, full_refresh)
    run = _run_when_free(settings, folder, chosen, on_progress or (lambda _: None))
    if run.nothing_selected:
        raise UsageError(
            f"Nothing in the dbt project is selected by '{select}'.",
            kept="every mart is unchanged.",
            fix="Name a model such as fct_ad_spend_daily, or leave the selection out.",
        )
    results_path = folder / "run_results.json"
    if not results_path.exists():
        raise StatementError(
            "dbt ended before it built anything:\n" + "\n".join(f"  {e}" for e in run.errors),
            kept="every mart is unchanged.",
            fix=f"Its log is {folder / 'dbt.log'}.",
        )
    results = orjson.loads(results_path.read_bytes())["results"]
    nodes = orjson.loads((folder / "manifest.json").read_bytes())["nodes"]
    _raise_failures(results, nodes, folder)
    return BuildResult(
        models=_count(results, "model", "success"),
        tests=_count(results, "test", "pass"),
        failures=tuple(_failure(r, nodes, folder) for r in results if r["status"] == "warn"),
        seconds=time.monotonic() - started,
    )


def artifacts_folder(settings: Settings) -> Path:
    """Where dbt's compiled SQL, manifest and log go: beside the DuckDB file, else the config."""
    if settings.warehouse.kind == "duckdb":
        path = settings.warehouse.path.absolute()
        return path.parent / ".dbt" / path.stem
    return settings.path.absolute().parent / ".adcanary" / "dbt"


def dbt_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with what dbt/profiles.yml asks for."""
    warehouse = settings.warehouse
    environment = {
        **os.environ,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "ADCANARY_TARGET": warehouse.kind,
    }
    if warehouse.kind == "duckdb":
        return environment | {"ADCANARY_DUCKDB_PATH": str(warehouse.path.absolute())}
    return environment | {
        "ADCANARY_BIGQUERY_PROJECT": warehouse.project or "",
        "ADCANARY_BIGQUERY_LOCATION": warehouse.location,
        "ADCANARY_BIGQUERY_MAXIMUM_BYTES_BILLED": str(warehouse.maximum_bytes_billed),
        "ADCANARY_BIGQUERY_API_ENDPOINT": warehouse.api_endpoint or "",
        # As BigQueryWarehouse: another BigQuery is never shown the real login.
        "ADCANARY_BIGQUERY_TOKEN": "none" if warehouse.api_endpoint else "",
    }


def dbt_variables(settings: Settings) -> str:
    """dbt's ``--vars``, as JSON: what dbt/dbt_project.yml leaves to adcanary.yaml and
    platforms.yaml. Whatever runs dbt passes them."""
    identity, table = settings.identity, platform_table()
    limits = {kind: limit.model_dump(exclude_none=True) for kind, limit in identity.limits.items()}
    return orjson.dumps(
        {
            "reporting_currency": settings.reporting_currency,
            "identity_limits": limits,
            "identity_blocked": identity.blocked,
            "identity_match_probability": identity.match_probability,
            "placeholders": placeholders(identity.placeholders).pattern,
            "platforms": {name: _as_variable(name, p) for name, p in table.platforms.items()},
            "click_ids": {name: click.model_dump() for name, click in table.click_ids.items()},
            "landed_click_ids": _landed_click_ids(),
        }
    ).decode()


def _as_variable(name: str, platform: Platform) -> dict[str, Any]:
    return {
        "channel": platform.channel,
        "click_ids": platform.proofs,
        # of a whole source, by its name here or one of its own
        "sources": f"^({'|'.join((name, *platform.site_patterns))})$",
    }


def _landed_click_ids() -> dict[str, list[str]]:
    """The click ids that each raw table has columns for, by the table's name."""
    known = platform_table().click_ids
    return {
        contract.name: [column.name for column in contract.columns if column.name in known]
        for contract in load_contracts().values()
        if contract.dataset == "raw"
    }


def _arguments(settings: Settings, select: str | None, full_refresh: bool) -> list[str]:
    """What this build is asked for, as dbt's arguments."""
    return [
        f"--vars={dbt_variables(settings)}",
        *(["--full-refresh"] if full_refresh else []),
        # a test that reads a further model waits for a build of both
        *([f"--select={select}", "--indirect-selection=buildable"] if select else []),
    ]


def _run_when_free(
    settings: Settings, folder: Path, chosen: list[str], on_progress: Callable[[str], None]
) -> _Run:
    """Run dbt; where another process took the file while dbt started, wait and run it again."""
    deadline = time.monotonic() + settings.warehouse.lock_timeout_seconds
    while True:
        # Makes the tables that no source has filled yet, waits for the DuckDB file, or says
        # who holds it.
        warehouse = open_warehouse(_with_patience(settings, deadline - time.monotonic()))
        _refuse_unknown_platforms(warehouse)
        run = _run_dbt(settings, folder, chosen, on_progress)
        locked = next((e for e in run.errors if _LOCKED in e), None)
        if locked is None:
            return run
        if time.monotonic() >= deadline:
            raise WarehouseLocked(
                f"Other processes kept taking {settings.warehouse.path} for "
                f"{settings.warehouse.lock_timeout_seconds:.0f} s: {locked.strip()}",
                kept="every mart is unchanged.",
                fix="Run the command again when they have ended.",
            )
        on_progress("the warehouse file is in use; waiting for it")


def _refuse_unknown_platforms(warehouse: Warehouse) -> None:
    landed = warehouse.query(_LANDED_PLATFORMS)["platform"].to_pylist()
    if problem := platform_table().problem(landed):
        raise ConfigError(
            f"Rows were landed whose channel is not known: {problem}.",
            kept="every mart is unchanged.",
            fix="Add the platform to platforms.yaml, with its channel, click ids, sources and "
            "daily cap, as the file explains. If its name is misspelt, delete its rows from the "
            "raw.ads_ tables and raw.load_ledger, and ingest them under the right name.",
        )


def _with_patience(settings: Settings, seconds: float) -> Settings:
    """The settings with what is left of the time to wait for the DuckDB file."""
    patience = {"lock_timeout_seconds": max(seconds, 0.1)}
    return settings.model_copy(update={"warehouse": settings.warehouse.model_copy(update=patience)})


def _run_dbt(
    settings: Settings, folder: Path, chosen: list[str], on_progress: Callable[[str], None]
) -> _Run:
    (folder / "run_results.json").unlink(missing_ok=True)
    command = [
        *_DBT,
        "--log-format=json",
        "--log-level=info",
        "--log-level-file=info",
        f"--log-path={folder}",
        "--no-version-check",
        "--no-use-colors",
        "build",
        f"--project-dir={PROJECT}",
        f"--profiles-dir={PROJECT}",
        f"--target={settings.warehouse.kind}",
        f"--target-path={folder}",
        # unit tests are for the project's own tests, and an exposure has nothing to build
        "--exclude-resource-type=unit_test",
        "--exclude-resource-type=exposure",
        *chosen,
    ]
    errors, nothing_selected, finished = [], False, 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=dbt_environment(settings),
    ) as process:
        try:
            for event in _events(process):
                info, data = event["info"], event["data"]
                if info["level"] == "error":
                    errors.append(info["msg"])
                nothing_selected |= info["name"] == "NoNodesForSelectionCriteria"
                if _has_finished(info["name"], data):
                    finished += 1
                    if finished % _PROGRESS_EVERY == 0 or data.get("status") in _FAILED:
                        on_progress(_progress(finished, data))
        except BaseException:
            process.terminate()
            raise
    return _Run(tuple(errors), nothing_selected)


def _events(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """dbt's log events; a line that isn't one (a traceback) counts as an error."""
    assert process.stdout is not None
    for line in process.stdout:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            message = line.decode(errors="replace").rstrip()
            event = {"info": {"level": "error", "msg": message, "name": "Output"}, "data": {}}
        if event["info"]["msg"]:
            yield event


def _has_finished(name: str, data: dict[str, Any]) -> bool:
    done = name == "SkippingDetails" or "execution_time" in data
    return done and "node_info" in data and "index" in data


def _progress(finished: int, data: dict[str, Any]) -> str:
    total = data.get("total", data.get("num_models", 0))
    node, seconds = data["node_info"], data.get("execution_time", 0.0)
    status = str(data.get("status", "skipped")).lower()
    name = f"{node['resource_type']} {node['node_name']}"
    return f"{finished} of {total} {name}: {status} ({seconds:.1f} s)"


def _raise_failures(
    results: list[dict[str, Any]], nodes: dict[str, dict[str, Any]], folder: Path
) -> None:
    failures = [_failure(r, nodes, folder) for r in results if r["status"] in _FAILED]
    if not failures:
        return
    built = [r["unique_id"] for r in results if r["status"] == "success"]
    skipped = [r["unique_id"] for r in results if r["status"] == "skipped"]
    raise AuditError(
        f"The build found {len(failures)} failure(s):\n" + "\n".join(f"  {f}" for f in failures),
        kept=f"rebuilt before that: {_models(built, nodes)}. "
        f"Unchanged: {_models(skipped, nodes)}. A model whose test failed was rebuilt.",
        fix="Run the SQL shown to see the rows (on DuckDB with the duckdb command line or "
        "Python), correct the data, and run `adcanary build` again.",
    )


def _models(unique_ids: list[str], nodes: dict[str, dict[str, Any]]) -> str:
    names = [nodes[i]["name"] for i in unique_ids if nodes[i]["resource_type"] == "model"]
    return ", ".join(sorted(names)) or "none"


def _failure(result: dict[str, Any], nodes: dict[str, dict[str, Any]], folder: Path) -> Failure:
    node = nodes[result["unique_id"]]
    is_test = node["resource_type"] == "test"
    read = node["depends_on"]["nodes"] if is_test else []
    compiled = folder / "compiled" / node["package_name"] / node["original_file_path"]
    if is_test and not node["original_file_path"].endswith(".sql"):
        compiled = compiled / node["path"]
    return Failure(
        node=node["name"],
        resource_type=node["resource_type"],
        tests=tuple(i.rsplit(".", 1)[-1] for i in read),
        failing_rows=result["failures"] if is_test else None,
        message=" ".join((result["message"] or "").split()),
        compiled_sql=compiled if compiled.exists() else None,
    )


def _count(results: list[dict[str, Any]], resource_type: str, status: str) -> int:
    return sum(
        r["unique_id"].startswith(f"{resource_type}.") and r["status"] == status for r in results
    )
