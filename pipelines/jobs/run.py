"""What every job shares: snapshot the input, compute once, publish the run as a whole."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa

from pipelines.canonical import canonical_json, sha256
from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.errors import StatementError, UsageError
from pipelines.jobs.base import Job, Outcome, Progress, Verdict
from pipelines.jobs.registry import JOBS, no_such_job
from pipelines.telemetry import note, work
from pipelines.warehouse import Slice, Statement, Warehouse
from pipelines.warehouse.base import insert_row
from pipelines.warehouse.metering import Meter, metered

_log = logging.getLogger(__name__)

PLOT_PROBLEM = "plot_problem"
# up to so many rows, others wait for DuckDB's file while it is opened once for all tables
_FEW_ROWS = 50_000
_NOTE = """UPDATE contracts.job_runs SET diagnostics = @diagnostics
WHERE job = @job AND run_id = @run_id"""
_FIND_RUN = """SELECT verdict, reason, diagnostics FROM contracts.job_runs
WHERE job = @job AND run_id = @run_id"""


@dataclass(frozen=True)
class JobRun:
    """A run as contracts.job_runs records it.

    ``reused`` is whether an earlier run had the same input and settings.
    """

    job: str
    run_id: str
    as_of: date
    verdict: Verdict
    reason: str
    diagnostics: Mapping[str, float | int | str | None]
    reused: bool


def run_job(
    warehouse: Warehouse,
    settings: Settings,
    name: str,
    as_of: date,
    *,
    progress: Progress = _log.info,
) -> JobRun:
    """Run a job on the published data, or return the earlier run that did.

    The contract rows and the row of contracts.job_runs are published in one transaction: a run
    is there as a whole or not at all.

    Args:
        as_of: last day of evidence the run may use.
        progress: called with a message when a long step begins.

    Raises:
        UsageError: there is no such job.
        StatementError: a mart is missing.
    """
    job = JOBS.get(name)
    if job is None:
        raise no_such_job(name)
    if not date(2000, 1, 1) <= as_of <= settings.today():
        raise UsageError(
            f"There can be no evidence as of {as_of}.",
            kept="nothing was computed.",
            fix=f"Use a day from 2000-01-01 to {settings.yesterday()}.",
        )
    with metered(job=name) as meter, work("job", job=name, as_of=str(as_of)) as doing:
        run = _run(warehouse, settings, job, as_of, progress=progress, meter=meter)
        doing.note(verdict=run.verdict, reused=run.reused)
        doing.note(bytes_billed=meter.bytes_billed, slot_seconds=meter.slot_seconds)
        return run


def _run(
    warehouse: Warehouse,
    settings: Settings,
    job: Job[Any],
    as_of: date,
    *,
    progress: Progress,
    meter: Meter,
) -> JobRun:
    began, name = time.monotonic(), job.name
    inputs = _read(job, warehouse, as_of)
    snapshot = input_snapshot(inputs)
    own = job.settings(settings)
    configured = canonical_json(own.model_dump(mode="json", exclude_none=True))
    run_id = _run_id(job, configured, as_of, snapshot)
    meter.labels["run"] = run_id
    note(run_id=run_id)
    earlier = warehouse.query(_FIND_RUN, {"job": name, "run_id": run_id}).to_pylist()
    if earlier:
        progress(f"{name}: run {run_id} has this input and these settings; nothing to compute")
        (row,) = earlier
        stored = json.loads(row["diagnostics"])
        return JobRun(name, run_id, as_of, row["verdict"], row["reason"], stored, reused=True)
    outcome = job.compute(inputs, own, as_of, progress)
    diagnostics = canonical_json(outcome.diagnostics)
    run = {
        "run_id": run_id,
        "as_of": as_of,
        "model_version": job.model_version,
        "input_snapshot": snapshot,
    }
    record = run | {
        "job": name,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "settings": configured,
        "diagnostics": diagnostics,
        "finished_at": settings.clock(),
        "seconds": round(time.monotonic() - began, 3),
        "bytes_billed": meter.bytes_billed,
        "slot_seconds": meter.slot_seconds,
    }
    _publish(warehouse, job, outcome, run, record)
    return JobRun(
        name,
        run_id,
        as_of,
        outcome.verdict,
        outcome.reason,
        json.loads(diagnostics),
        reused=False,
    )


def with_plot_problem(warehouse: Warehouse, run: JobRun, problem: str | None) -> JobRun:
    """The run with why its plot failed, if it did, among its diagnostics, which are stored anew."""
    if run.diagnostics.get(PLOT_PROBLEM) == problem:
        return run
    diagnostics = {k: v for k, v in run.diagnostics.items() if k != PLOT_PROBLEM}
    if problem:
        diagnostics[PLOT_PROBLEM] = problem
    params = {
        "diagnostics": canonical_json(diagnostics),
        "job": run.job,
        "run_id": run.run_id,
    }
    warehouse.transaction([Statement(_NOTE, params, expect_rows=1)], label=f"job_{run.job}")
    return replace(run, diagnostics=diagnostics)


def input_snapshot(inputs: Mapping[str, pa.Table]) -> str:
    """SHA-256 of the rows that a job read.

    Values are hashed, not Arrow's bytes, so that DuckDB and BigQuery give the same: one JSON array
    per row, in the order read; days and instants in ISO form, floats by their repr.
    """
    digest = hashlib.sha256()
    for name in sorted(inputs):
        table = inputs[name]
        digest.update(canonical_json([name, table.column_names]).encode() + b"\n")
        for row in table.to_pylist():
            digest.update(canonical_json(list(row.values())).encode() + b"\n")
    return digest.hexdigest()


def _run_id(job: Job[Any], configured: str, as_of: date, snapshot: str) -> str:
    named = [job.name, job.model_version, configured, as_of, snapshot]
    return sha256(canonical_json(named))[:16]


def _read(job: Job[Any], warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
    try:
        with warehouse.unit(read_only=True):  # of one state of the file, opened once
            return job.read(warehouse, as_of)
    except StatementError as error:
        raise StatementError(
            f"The {job.name} job can't read its marts: {error.message}",
            kept="earlier runs are unchanged.",
            fix=error.fix or "Run `adcanary build` to build the marts, then run the job again.",
        ) from error


def _publish(
    warehouse: Warehouse,
    job: Job[Any],
    outcome: Outcome,
    run: Mapping[str, Any],
    record: Mapping[str, Any],
) -> None:
    """Replace the run's rows in every table of the job, with its record, in one transaction."""
    run_id = run["run_id"]
    tables = {
        contract: pa.Table.from_pylist(rows, schema=contract.arrow_schema)
        for contract in map(load_contract, job.tables)
        if (rows := [{**row, **run} for row in outcome.rows.get(contract.table, ())])
    }
    old = [Slice(table, {"run_id": run_id}) for table in job.tables]
    old.append(Slice("contracts.job_runs", {"job": job.name, "run_id": run_id}))
    few = sum(rows.num_rows for rows in tables.values()) <= _FEW_ROWS
    with warehouse.unit() if few else nullcontext():
        stages = [warehouse.stage(contract, run_id, rows) for contract, rows in tables.items()]
        statements = [_delete(slice_) for slice_ in old]
        for (contract, rows), stage in zip(tables.items(), stages, strict=True):
            columns = ", ".join(contract.column_names)
            insert = f"INSERT INTO {contract.table} ({columns}) SELECT {columns} FROM {stage}"
            statements.append(Statement(insert, expect_rows=rows.num_rows))
        statements.append(insert_row(load_contract("contracts.job_runs"), record))
        warehouse.transaction(statements, label=f"job_{job.name}")
        warehouse.drop_stages(stages)


def _delete(old: Slice) -> Statement:
    condition, params = old.predicate()
    return Statement(f"DELETE FROM {old.table} WHERE {condition}", params)
