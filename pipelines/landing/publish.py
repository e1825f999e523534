"""Lands one batch: conform, stage, audit, publish, in that order and no other."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from pipelines.canonical import sha256
from pipelines.errors import StatementError
from pipelines.landing import ledger
from pipelines.landing.audit import audit, audit_spend
from pipelines.landing.spool import Filter, Spool, spooled
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Warehouse, load_contract
from pipelines.warehouse.base import STAGE_DATASET, RowCountConflict, publish_stage

_ATTEMPTS = 8
_LANDED_STAGE = re.compile(r"(?P<prefix>.+_)(?P<start>\d{8})_(?P<end>\d{8})_[0-9a-f]{12}")

Outcome = Literal["published", "unchanged", "superseded"]


@dataclass(frozen=True)
class Landed:
    """What became of a batch.

    ``outcome`` is ``published``, ``unchanged`` (the same content is already there) or
    ``superseded`` (a newer pull of these days is already there). ``drift`` names columns that
    the source sent and no contract knows; they are kept in ``_extra``. ``note`` says what else
    a person should know.
    """

    source: str
    table: str
    account_id: str
    window: Window
    outcome: Outcome
    run_id: str
    rows: int
    restated_rows: int = 0
    dropped_rows: int = 0
    drift: tuple[str, ...] = ()
    note: str = ""

    def as_row(self) -> dict[str, str | int]:
        """The outcome as a row of a report."""
        return {
            "source": self.source,
            "account": self.account_id,
            "table": self.table,
            "window": str(self.window),
            "outcome": self.outcome,
            "rows": self.rows,
            "restated": self.restated_rows,
            "dropped": self.dropped_rows,
        }

    def __str__(self) -> str:
        note = f"; new columns, kept in _extra: {', '.join(self.drift)}" if self.drift else ""
        note += f"; {self.note}" if self.note else ""
        return (
            f"{self.source}/{self.account_id} {self.table} {self.window}: {self.outcome}, "
            f"{self.rows} rows, {self.restated_rows} restated, {self.dropped_rows} dropped{note}"
        )


def land(
    warehouse: Warehouse, batch: Batch, *, keep: Filter | None = None, audited: bool = True
) -> list[Landed]:
    """Publish a batch by replacing exactly its slice, together with its ledger row.

    Idempotent by name: the same pull again, or a retry after a lost reply, changes nothing.
    Days that a newer pull has published are left as they are; the batch's others are published.

    Args:
        keep: refuses rows that must not land, such as those of an erased person.
        audited: False leaves the audit out, for benchmarks.

    Returns:
        What became of it: one entry, or one for each stretch of days that was still open.

    Raises:
        AuditError: the batch doesn't fit its contract or its expectations; the stage is kept.
        WarehouseError: the warehouse refused or can't be reached.
    """
    contract = load_contract(batch.table)
    with spooled(batch, contract, keep) as spool:
        return _land(warehouse, spool, audited)


def _land(warehouse: Warehouse, spool: Spool, audited: bool) -> list[Landed]:
    """Stage, audit and publish until nobody else was faster."""
    batch, contract = spool.batch, spool.contract
    slice_ = ledger.slice_of(batch, contract)
    checked, note = not audited, ""
    stages: list[str] = []
    for attempt in range(1, _ATTEMPTS + 1):
        seen = ledger.overlap(warehouse, batch)
        if seen.newest_run_id == spool.run_id or seen.newer:
            warehouse.drop_stages(stages)
            if seen.newest_run_id == spool.run_id:
                audit_spend(spool)
                return [_landed(spool, "unchanged", note=note)]
            return _land_open_days(warehouse, spool, seen, audited)
        stage = warehouse.stage(contract, _stage_name(spool), spool.path)
        stages = [stage]
        staged_at = datetime.now(UTC)
        try:
            if not checked:
                audit(spool, stage)
                checked = True
            restated = ledger.count_restated(warehouse, contract, slice_, stage)
            row = ledger.entry(spool, restated, (staged_at, datetime.now(UTC)))
            publish_stage(
                warehouse,
                contract,
                slice_,
                stage,
                run_id=spool.run_id,
                also=[ledger.claim(batch, seen), row],
            )
        except (RowCountConflict, StatementError) as error:
            # another process published to this account, or dropped this stage after it did
            gave_way = isinstance(error, RowCountConflict) or stage not in warehouse.stages()
            if not gave_way or attempt == _ATTEMPTS:
                raise
            note = "another process published this account at the same time"
            time.sleep(random.uniform(0, 0.1 * attempt))
        else:
            warehouse.drop_stages(stages)
            return [_landed(spool, "published", restated, note)]
    raise AssertionError("the last attempt returns or raises")


def _land_open_days(
    warehouse: Warehouse, spool: Spool, seen: ledger.Overlap, audited: bool
) -> list[Landed]:
    """Publish the days that no newer pull has published; days without a date are all or none."""
    window = spool.batch.window
    open_days = [d for d in window.days() if d not in seen.newer]
    if not open_days:
        return [_landed(spool, "superseded", note="a newer pull of these days is there")]
    found: list[Landed] = []
    for part in ledger.runs_of_days(open_days):
        for landed in _land(warehouse, spool.narrowed(part), audited):
            left = f"of {window}; a newer pull has the other days"
            found.append(replace(landed, note=left))
    return found


def _stage_name(spool: Spool) -> str:
    """A stage's own part of its name: whose it is, its days, and its content."""
    batch = spool.batch
    days = f"{batch.window.start:%Y%m%d}_{batch.window.end:%Y%m%d}"
    return f"{_owner(batch)}_{days}_{spool.run_id[:12]}"


def sweep(warehouse: Warehouse, batches: Iterable[Batch]) -> None:
    """Drop the stages that earlier attempts at these batches left: killed, or failed and mended.

    A stage whose days were not landed again stays, for inspection.
    """
    done: dict[str, list[Window]] = {}
    for batch in batches:
        prefix = f"{STAGE_DATASET}.{batch.table.replace('.', '__')}__{_owner(batch)}_"
        done.setdefault(prefix, []).append(batch.window)
    leftover = []
    for stage in warehouse.stages():
        match = _LANDED_STAGE.fullmatch(stage)
        if match is None:  # a job's
            continue
        start, end = (datetime.strptime(match[d], "%Y%m%d").date() for d in ("start", "end"))
        if any(w.start <= end and w.end >= start for w in done.get(match["prefix"], ())):
            leftover.append(stage)
    warehouse.drop_stages(leftover)


def _owner(batch: Batch) -> str:
    return sha256(f"{batch.platform}|{batch.account_id}")[:8]


def _landed(spool: Spool, outcome: Outcome, restated: int = 0, note: str = "") -> Landed:
    batch = spool.batch
    return Landed(
        source=batch.source,
        table=batch.table,
        account_id=batch.account_id,
        window=batch.window,
        outcome=outcome,
        run_id=spool.run_id,
        rows=spool.rows,
        restated_rows=restated,
        dropped_rows=spool.dropped_rows,
        drift=spool.drift,
        note=note,
    )
