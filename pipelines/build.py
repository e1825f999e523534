"""Builds the marts: runs the dbt project on the configured warehouse and says what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from pipelines import build_record
from pipelines.build_inputs import Project, changed, states
from pipelines.build_results import FAILED, BuildResult, read_built, read_cost, read_results
from pipelines.canonical import canonical_json
from pipelines.config import Settings
from pipelines.contracts import load_contracts
from pipelines.errors import AuditError, ConfigError, StatementError, UsageError
from pipelines.placeholders import placeholders
from pipelines.platforms import Platform, platform_table
from pipelines.shipped import shipped
from pipelines.telemetry import note, work
from pipelines.warehouse import Warehouse, WorkingCopy, open_warehouse

PROJECT = shipped("dbt")

_DISK_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_UNCHANGED = "every mart is unchanged."
_PROGRESS_EVERY = 10
_LANDED_PLATFORMS = "SELECT DISTINCT platform FROM raw.load_ledger WHERE platform IS NOT NULL"
# dbt ends with this process, however that ends: its standard input is closed then. It writes its
# manifest twice by json.dump, token by token in Python: by json.dumps it takes a fifth of the time.
_RUN_DBT = """
import json, os, threading
json.dump = lambda value, file, **how: file.write(json.dumps(value, **how))
def end():
    while os.read(0, 1):
        pass
    os._exit(1)
threading.Thread(target=end, daemon=True).start()
from dbt.cli.main import cli
cli()
"""
# -P keeps the caller's folder, which may hold a folder named dbt, off the module path.
_DBT = (sys.executable, "-P", "-c", _RUN_DBT)


@dataclass(frozen=True)
class _Run:
    """One run of dbt: its errors, whether anything was selected, and its exit status."""

    errors: tuple[str, ...]
    nothing_selected: bool
    status: int


@dataclass(frozen=True)
class _Before:
    """The last build of all models that passed, and the names of what is new since."""

    row: dict[str, Any]
    new: list[str]

    def __str__(self) -> str:
        return f"the build of {self.row['finished_at']:%Y-%m-%d %H:%M} UTC"

    @property
    def views(self) -> list[str]:
        return [name for name, state in self.row["outputs"].items() if state is None]

    def rows_alone(self, project: Project) -> bool:
        """Whether nothing is new but rows of tables that models read: no view would be another."""
        return set(self.new) <= {*project.sources} - {build_record.TABLE}


def build(
    settings: Settings,
    select: str | None = None,
    on_progress: Callable[[str], None] | None = None,
    *,
    full_refresh: bool = False,
) -> BuildResult:
    """Run ``dbt build`` (models and data tests) in a process of its own, if anything is new.

    What the last build of all models read and made is in contracts.builds. Where both are still
    the same, and it passed, dbt isn't started, and the result is that build's; where only rows
    came, views are left as they stand. A build that is told what to build is always run, and the
    next one then builds everything.

    On DuckDB, dbt works on a copy of the file, which takes the file's place once dbt has come to
    its end, failures included. A build that is killed, or that fills the disk, changes nothing.

    Args:
        select: dbt's node selection, such as ``fct_ad_spend_daily+``; everything by default.
        on_progress: called with a line that says what is new since the last build, one for every
            tenth finished model or test, and one for each that failed.
        full_refresh: rebuild every day of the tables that are built by day, which a changed
            reporting currency needs.

    Raises:
        ConfigError: rows of a platform that isn't in platforms.yaml were landed; which.
        AuditError: a model failed or a test found rows; which, how many, where the SQL is,
            and which marts were rebuilt.
        UsageError: ``select`` names nothing.
        StatementError: dbt could not read the project or reach its first model, was killed, or
            filled the disk; or the disk has no room for a copy of the DuckDB file.
        WarehouseLocked: another process wrote to the DuckDB file for lock_timeout_seconds.
        WarehouseUnavailable: BigQuery gave no answer.
    """
    with work("build", selection=select, full_refresh=full_refresh) as doing:
        result = _build(settings, select, on_progress or (lambda _: None), full_refresh)
        doing.note(models=result.models, tests=result.tests, warnings=len(result.warnings))
        return result


def _build(
    settings: Settings, select: str | None, report: Callable[[str], None], full_refresh: bool
) -> BuildResult:
    started = time.monotonic()
    project = Project(PROJECT, dbt_variables(settings), settings.warehouse.kind)
    before = _before(settings, project) if select is None and not full_refresh else None
    if before and not before.new:
        return replace(BuildResult.restored(before.row), seconds=time.monotonic() - started)
    if before:
        report(f"New since {before}: {', '.join(before.new)}.")
    views = before.views if before and before.rows_alone(project) else []
    folder = artifacts_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    # makes the tables that no source has filled yet
    warehouse = open_warehouse(settings)
    _refuse_unknown_platforms(warehouse)
    arguments = _arguments(project, select, full_refresh, leave_views=bool(views))
    with warehouse.rebuilding() as copy:
        rebuilt = open_warehouse(_of_copy(settings, copy), create=False) if copy else warehouse
        inputs = project.digests | states(rebuilt, project.sources)
        build_id = build_record.begin(rebuilt, inputs, select)
        note(build_id=build_id)
        run = _run_dbt(settings, folder, arguments, copy, report)
        _require_results(run, folder, select)
        result = _ended(rebuilt, build_id, folder, views)
    if isinstance(result, AuditError):
        raise result
    return replace(result, seconds=time.monotonic() - started)


def _before(settings: Settings, project: Project) -> _Before | None:
    """The last build of all models that passed, where all it made can still be asked for."""
    warehouse = open_warehouse(settings, create=False)
    try:
        with warehouse.unit(read_only=True):
            row = build_record.last_passed(warehouse)
            if row is None:
                return None
            last = _Before(row, [])
            tables = sorted(row["outputs"].keys() - set(last.views))
            now = states(warehouse, [*project.sources, *tables], last.views)
    except StatementError:  # a table isn't there, or nothing is: there is something to build
        return None
    return replace(last, new=changed(row["inputs"] | row["outputs"], project.digests | now))


def _ended(
    warehouse: Warehouse, build_id: str, folder: Path, views: list[str]
) -> BuildResult | AuditError:
    """What came of a run that came to its end and left some views, which is recorded."""
    try:
        result = replace(read_results(folder), standing=len(views))
    except AuditError as error:
        build_record.end(warehouse, build_id, "FAIL", **read_cost(folder))
        return error
    tables, made = read_built(folder)
    outputs = states(warehouse, tables, [*made, *views])
    stored = {**result.stored, **read_cost(folder), "outputs": canonical_json(outputs)}
    build_record.end(warehouse, build_id, "PASS", **stored)
    return result


def _of_copy(settings: Settings, copy: WorkingCopy) -> Settings:
    """The settings of whoever works in a copy of the DuckDB file."""
    warehouse = settings.warehouse.model_copy(update={"path": copy.path})
    return settings.model_copy(update={"warehouse": warehouse})


def _require_results(run: _Run, folder: Path, select: str | None) -> None:
    """Refuse a run that did not come to its end: nothing of it is kept."""
    if run.nothing_selected:
        raise UsageError(
            f"Nothing in the dbt project is selected by '{select}'.",
            kept=_UNCHANGED,
            fix="Name a model such as fct_ad_spend_daily, or leave the selection out.",
        )
    if not (folder / "run_results.json").exists():
        how = f"was killed by signal {-run.status}" if run.status < 0 else "ended"
        raise StatementError(
            "\n".join([f"dbt {how} before it was done.", *(f"  {e}" for e in run.errors)]),
            kept=_UNCHANGED,
            fix=f"Its log is {folder / 'dbt.log'}.",
        )


def artifacts_folder(settings: Settings) -> Path:
    """Where dbt's compiled SQL, manifest and log go: beside the DuckDB file, else the config."""
    if settings.warehouse.kind == "duckdb":
        path = settings.warehouse.path.absolute()
        return path.parent / ".dbt" / path.stem
    return settings.path.absolute().parent / ".adcanary" / "dbt"


def dbt_environment(settings: Settings, duckdb_path: Path | None = None) -> dict[str, str]:
    """This process's environment with what dbt/profiles.yml asks for.

    Args:
        duckdb_path: the file to build in; the warehouse's own by default.
    """
    warehouse = settings.warehouse
    environment = {
        **os.environ,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "ADCANARY_TARGET": warehouse.kind,
    }
    if warehouse.kind == "duckdb":
        return environment | {
            "ADCANARY_DUCKDB_PATH": str((duckdb_path or warehouse.path).absolute())
        }
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
            "launched": settings.jobs.mmm.launched or {},
            "segments": [s.model_dump() for s in settings.jobs.mmm.segments or ()],
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


def _arguments(
    project: Project, select: str | None, full_refresh: bool, *, leave_views: bool
) -> list[str]:
    """What this build is asked for, as dbt's arguments."""
    return [
        f"--vars={project.variables}",
        # their tests are run all the same
        *(["--exclude=config.materialized:view", "--indirect-selection=empty"] * leave_views),
        *(["--full-refresh"] if full_refresh else []),
        # a test that reads a further model waits for a build of both
        *([f"--select={select}", "--indirect-selection=buildable"] if select else []),
    ]


def _refuse_unknown_platforms(warehouse: Warehouse) -> None:
    landed = warehouse.query(_LANDED_PLATFORMS)["platform"].to_pylist()
    if problem := platform_table().problem(landed):
        raise ConfigError(
            f"Rows were landed whose channel is not known: {problem}.",
            kept=_UNCHANGED,
            fix="Add the platform to platforms.yaml, with its channel, click ids, sources and "
            "daily cap, as the file explains. If its name is misspelt, delete its rows from the "
            "raw.ads_ tables and raw.load_ledger, and ingest them under the right name.",
        )


def _run_dbt(
    settings: Settings,
    folder: Path,
    chosen: list[str],
    copy: WorkingCopy | None,
    on_progress: Callable[[str], None],
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
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=dbt_environment(settings, copy.path if copy else None),
        pass_fds=[copy.descriptor] if copy else [],
    ) as process:
        try:
            for event in _events(process):
                info, data = event["info"], event["data"]
                if info["level"] == "error":
                    errors.append(info["msg"])
                    _require_room(info["msg"])
                nothing_selected |= info["name"] == "NoNodesForSelectionCriteria"
                if _has_finished(info["name"], data):
                    finished += 1
                    if finished % _PROGRESS_EVERY == 0 or data.get("status") in FAILED:
                        on_progress(_progress(finished, data))
        except BaseException:
            process.terminate()
            raise
    return _Run(tuple(errors), nothing_selected, process.returncode)


def _require_room(message: str) -> None:
    """Stop at the first error of a full disk: every further model would say the same."""
    if reason := next((r for r in _DISK_FULL if r in message), None):
        raise StatementError(
            f"The disk ran full while dbt built the models ({reason}).",
            kept=_UNCHANGED,
            fix="Make room: on DuckDB a build takes a copy of the file, and what the models write.",
        )


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
