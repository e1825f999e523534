"""Lands one batch: conform, stage, audit, publish, in that order and no other."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pipelines.landing import ledger
from pipelines.landing.audit import audit
from pipelines.landing.conform import conform
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Warehouse, load_contract
from pipelines.warehouse.base import RowCountConflict, publish_stage

_ATTEMPTS = 6

Outcome = Literal["published", "unchanged", "superseded"]


@dataclass(frozen=True)
class Landed:
    """What became of a batch.

    ``outcome`` is ``published``, ``unchanged`` (the same content is already there) or
    ``superseded`` (a newer pull of these days is already there). ``drift`` names columns that
    the source sent and no contract knows.
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
        note = f"; unknown columns left out: {', '.join(self.drift)}" if self.drift else ""
        return (
            f"{self.source}/{self.account_id} {self.table} {self.window}: {self.outcome}, "
            f"{self.rows} rows, {self.restated_rows} restated, {self.dropped_rows} dropped{note}"
        )


def land(warehouse: Warehouse, batch: Batch) -> Landed:
    """Publish a batch by replacing exactly its slice, together with its ledger row.

    Idempotent by name: the same pull again, or a retry after a lost reply, changes nothing.

    Raises:
        AuditError: the batch doesn't fit its contract or its expectations; the stage is kept.
        WarehouseError: the warehouse refused or can't be reached.
    """
    contract = load_contract(batch.table)
    conformed = conform(batch, contract)

    def landed(outcome: Outcome, restated: int = 0) -> Landed:
        return Landed(
            source=batch.source,
            table=batch.table,
            account_id=batch.account_id,
            window=batch.window,
            outcome=outcome,
            run_id=conformed.run_id,
            rows=conformed.rows.num_rows,
            restated_rows=restated,
            dropped_rows=batch.dropped_rows,
            drift=conformed.drift,
        )

    before = ledger.overlap(warehouse, batch)
    if before.newest_run_id == conformed.run_id:
        return landed("unchanged")
    if before.newer_pull:
        return landed("superseded")
    stage = warehouse.stage(contract, conformed.run_id, conformed.rows)
    staged_at = datetime.now(UTC)
    audit(batch, contract, conformed.rows, stage)
    slice_ = ledger.slice_of(batch, contract)
    restated = ledger.count_restated(warehouse, contract, slice_, stage)
    row = ledger.entry(batch, conformed, restated, (staged_at, datetime.now(UTC)))
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            publish_stage(warehouse, contract, slice_, stage, also=[row])
            break
        except RowCountConflict:
            if ledger.overlap(warehouse, batch).newer_pull:
                warehouse.drop_stage(stage)
                return landed("superseded")
            if attempt == _ATTEMPTS:
                raise
            # BigQuery cancels one of two transactions that change the same table at once
            time.sleep(random.uniform(0, attempt))
    warehouse.drop_stage(stage)
    return landed("published", restated)
