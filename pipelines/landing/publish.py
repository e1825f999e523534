"""Lands one batch: conform, stage, audit, publish, in that order and no other."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from pipelines.canonical import sha256
from pipelines.contracts import load_contract
from pipelines.errors import StatementError, Transient, WarehouseError
from pipelines.landing import ledger
from pipelines.landing.audit import audit, audit_spend
from pipelines.landing.slices import count_restated, moved, runs_of_days, slice_of
from pipelines.landing.spool import Spool, spooled
from pipelines.privacy import tombstones
from pipelines.privacy.tombstones import Tombstones
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import STAGE_DATASET, RowCountConflict, publish_stage

_ATTEMPTS = 8
_LANDED_STAGE = re.compile(r"(?P<prefix>.+_)(?P<start>\d{8})_(?P<end>\d{8})_[0-9a-f]{12}")

NOBODY = Tombstones()

Outcome = Literal["published", "unchanged", "superseded"]


class ErasedMeanwhile(WarehouseError, Transient):
    """Rows were pulled and held against a list of erased people that has grown since."""

    exit_code = 1


@dataclass(frozen=True)
class Landed:
    """What became of a batch.

    ``outcome`` is ``published``, ``unchanged`` (the same content is already there) or
    ``superseded`` (a newer pull of these days is already there). ``dropped_rows`` had no consent or
    were of erased people; ``refused_rows`` aren't the platform's. ``drift`` names columns that
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
    refused_rows: int = 0

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
            "refused": self.refused_rows,
        }

    def __str__(self) -> str:
        note = f", {self.refused_rows} refused" if self.refused_rows else ""
        note += f"; new columns, kept in _extra: {', '.join(self.drift)}" if self.drift else ""
        note += f"; {self.note}" if self.note else ""
        return (
            f"{self.source}/{self.account_id} {self.table} {self.window}: {self.outcome}, "
            f"{self.rows} rows, {self.restated_rows} restated, {self.dropped_rows} dropped{note}"
        )


def land(
    warehouse: Warehouse,
    batch: Batch,
    *,
    erased: Tombstones = NOBODY,
    audited: bool = True,
) -> list[Landed]:
    """Publish a batch by replacing exactly its slice, together with its ledger row.

    Idempotent by name: the same pull again, or a retry after a lost reply, changes nothing.
    Days that a newer pull has published are left as they are; the batch's others are published.

    Args:
        erased: the people who must not land.
        audited: False leaves the audit out, for benchmarks.

    Returns:
        What became of it: one entry, or one for each stretch of days that was still open.

    Raises:
        AuditError: the batch doesn't fit its contract or its expectations; the stage is kept.
        ErasedMeanwhile: somebody was erased since ``erased`` was read; nothing was published.
        WarehouseError: the warehouse refused or can't be reached.
    """
    contract = load_contract(batch.table)
    with spooled(batch, contract, partial(erased.apply, table=batch.table)) as spool:
        return _land(warehouse, spool, len(erased.digests), audited)


def _land(warehouse: Warehouse, spool: Spool, erased: int, audited: bool) -> list[Landed]:
    """Stage, audit and publish, again as long as another process was faster."""
    batch, contract = spool.batch, spool.contract
    slice_ = slice_of(batch, contract)
    checked, note = not audited, ""
    stages: list[str] = []
    for attempt in range(1, _ATTEMPTS + 1):
        with warehouse.unit():
            seen = ledger.overlap(warehouse, batch)
            known = seen.newest_run_id == spool.run_id
            if known or seen.newer:
                warehouse.drop_stages(stages)
            else:
                stage = warehouse.stage(contract, _stage_name(spool), spool.path)
        if known:
            audit_spend(spool)
            warehouse.transaction([ledger.confirm(batch, spool.run_id)], label="confirm")
            return [_landed(spool, "unchanged", note=note)]
        if seen.newer:
            return _land_open_days(warehouse, spool, seen, erased, audited)
        stages = [stage]
        staged_at = datetime.now(UTC)
        try:
            if not checked:
                audit(spool, stage)
                checked = True
            with warehouse.unit():
                restated = count_restated(warehouse, contract, slice_, stage)
                row = ledger.entry(spool, restated, (staged_at, datetime.now(UTC)))
                publish_stage(
                    warehouse,
                    contract,
                    slice_,
                    stage,
                    run_id=spool.run_id,
                    rows=spool.rows,
                    also=[
                        ledger.claim(batch, seen, erased),
                        *moved(contract, slice_, stage),
                        row,
                    ],
                )
                warehouse.drop_stages(stages)
        except (RowCountConflict, StatementError) as error:
            if len(tombstones.load(warehouse).digests) != erased:
                warehouse.drop_stages(stages)
                raise ErasedMeanwhile(
                    f"{batch.source}, account {batch.account_id}: a person was erased while "
                    f"{batch.window} was pulled.",
                    kept="published data is unchanged.",
                    fix="Ingest the account again: the person is then left out.",
                ) from error
            # another process published to this account, or dropped this stage after it did
            gave_way = isinstance(error, RowCountConflict) or stage not in warehouse.stages()
            if not gave_way or attempt == _ATTEMPTS:
                raise
            note = "another process published this account at the same time"
            time.sleep(random.uniform(0, min(0.1 * 2**attempt, 20)))
        else:
            return [_landed(spool, "published", restated, note)]
    raise AssertionError("the last attempt returns or raises")


def _land_open_days(
    warehouse: Warehouse, spool: Spool, seen: ledger.Overlap, erased: int, audited: bool
) -> list[Landed]:
    """Publish the days that no newer pull has published; days without a date are all or none."""
    window = spool.batch.window
    open_days = [d for d in window.days() if d not in seen.newer]
    if not open_days:
        return [_landed(spool, "superseded", note="a newer pull of these days is there")]
    landings: list[Landed] = []
    for number, part in enumerate(runs_of_days(open_days)):
        narrowed = spool.narrowed(part)
        if number:  # what was left out is reported once
            batch = replace(narrowed.batch, refused_rows=0, note="")
            narrowed = replace(narrowed, dropped_rows=0, batch=batch)
        for landed in _land(warehouse, narrowed, erased, audited):
            left = f"of {window}; a newer pull has the other days"
            note = "; ".join(filter(None, (landed.note, left)))
            landings.append(replace(landed, note=note))
    return landings


def _stage_name(spool: Spool) -> str:
    """A stage's own part of its name: whose it is, its days, and its content."""
    batch = spool.batch
    days = f"{batch.window.start:%Y%m%d}_{batch.window.end:%Y%m%d}"
    return f"{_owner(batch)}_{days}_{spool.run_id[:12]}"


def sweep(warehouse: Warehouse, batches: Iterable[Batch]) -> None:
    """Drop the stages that earlier attempts at these batches left: killed, or failed and mended.

    A stage whose days were not landed again stays, for inspection.
    """
    done: dict[str, list[Batch]] = {}
    for batch in batches:
        prefix = f"{STAGE_DATASET}.{batch.table.replace('.', '__')}__{_owner(batch)}_"
        done.setdefault(prefix, []).append(batch)
    leftover = []
    for stage in warehouse.stages():
        match = _LANDED_STAGE.fullmatch(stage)
        landed = done.get(match["prefix"], []) if match else []
        if match and landed:
            start, end = (datetime.strptime(match[d], "%Y%m%d").date() for d in ("start", "end"))
            present_state = load_contract(landed[0].table).partition_by is None
            days = {day for batch in landed for day in batch.window.days()}
            staged = set(Window(start, end).days())
            # most of them: a look-back moves on, and its oldest days are out of the next one
            if present_state or len(staged & days) * 2 > len(staged):
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
        note="; ".join(filter(None, (batch.note, note))),
        refused_rows=batch.refused_rows,
    )
