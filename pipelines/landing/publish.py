"""Lands one batch: conform, stage, audit, publish, in that order and no other."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from pipelines.canonical import sha256
from pipelines.contracts import load_contract
from pipelines.errors import StatementError, Transient, WarehouseError
from pipelines.landing import ledger, rejected, withdrawals
from pipelines.landing.audit import Audited, audit, audit_spend
from pipelines.landing.slices import (
    Change,
    change,
    moved,
    replaced,
    runs_of_days,
    slice_of,
    standing,
)
from pipelines.landing.spool import Filter, Spool, Spools
from pipelines.privacy import tombstones
from pipelines.privacy.tombstones import Tombstones
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import STAGE_DATASET, Refusal, RowCountConflict, publish_stage

_ATTEMPTS = 8
_LANDED_STAGE = re.compile(r"(?P<prefix>.+_)(?P<start>\d{8})_(?P<end>\d{8})_[0-9a-f]{12}")
_REJECTED = f"{STAGE_DATASET}.{rejected.TABLE.replace('.', '__')}__"

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

    Of the rows published before, ``restated_rows`` came back with other values, and
    ``withdrawn_rows`` are gone, of ``withdrawn_campaigns`` campaigns (None in a table without).
    ``rejected_rows`` were set aside for ``rejected_why``.
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
    withdrawn_rows: int = 0
    withdrawn_campaigns: int | None = None
    rejected_rows: int = 0
    rejected_why: tuple[str, ...] = ()
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
            "withdrawn": self.withdrawn_rows,
            "dropped": self.dropped_rows,
            "set aside": self.rejected_rows,
            "refused": self.refused_rows,
        }

    def __str__(self) -> str:
        note = f", {self.refused_rows} refused" if self.refused_rows else ""
        note += f"; new columns, kept in _extra: {', '.join(self.drift)}" if self.drift else ""
        note += f"; {self.note}" if self.note else ""
        return (
            f"{self.source}/{self.account_id} {self.table} {self.window}: {self.outcome}, "
            f"{self.rows} rows, {self.restated_rows} restated, {self.withdrawn_rows} withdrawn, "
            f"{self.rejected_rows} set aside, {self.dropped_rows} dropped{note}"
        )


def land(
    warehouse: Warehouse,
    batch: Batch,
    *,
    erased: Tombstones = NOBODY,
    audited: bool = True,
    allow_withdrawals: bool = False,
) -> list[Landed]:
    """Publish a batch by replacing exactly its slice, together with its ledger row.

    Idempotent by name: the same pull again, or a retry after a lost reply, changes nothing.
    Days that a newer pull has published are left as they are; the batch's others are published.

    Args:
        erased: the people who must not land.
        audited: False leaves the audit out, for benchmarks.
        allow_withdrawals: a person says that rows may go, however many.

    Returns:
        What became of it: one entry, or one for each stretch of days that was still open.

    Raises:
        AuditError: the batch doesn't fit its contract or its expectations, or withdraws more than
            its suite's share; the stage is kept.
        ErasedMeanwhile: somebody was erased since ``erased`` was read; nothing was published.
        WarehouseError: the warehouse refused or can't be reached.
    """
    return land_alone(warehouse, batch, Terms(erased, audited, allow_withdrawals))


def land_alone(
    warehouse: Warehouse, batch: Batch, terms: Terms, of_pull: PullLedger | None = None
) -> list[Landed]:
    """:func:`land`, with its terms, for a batch of a pull."""
    with Spools() as spools:
        spool = spools.add(batch, load_contract(batch.table), terms.refusing(batch))
        return land_spooled(warehouse, spool, terms, of_pull)


@dataclass
class PullLedger:
    """What the batches of a pull have to do with the ledger.

    Args:
        overlaps: what the ledger said of each table when the pull began to land; each is right for
            one batch, since its publish outdates it.
        unchanged: what has to be noted in the ledger, of batches that were published before.
    """

    overlaps: dict[str, ledger.Overlap] = field(default_factory=dict)
    unchanged: list[ledger.Confirmation] = field(default_factory=list)


@dataclass(frozen=True)
class Terms:
    """How a batch lands: what :func:`land` is asked."""

    erased: Tombstones = NOBODY
    audited: bool = True
    allow_withdrawals: bool = False

    def refusing(self, batch: Batch) -> Filter:
        """Refuses rows of the batch that are about who was erased."""
        return partial(self.erased.apply, table=batch.table)


def land_spooled(
    warehouse: Warehouse,
    spool: Spool,
    terms: Terms,
    of_pull: PullLedger | None = None,
    *,
    passes: bool = False,
) -> list[Landed]:
    """Audit, stage and publish, again as long as another process was faster; see :func:`land`.

    Args:
        of_pull: takes what has to be noted in the ledger; without, it is noted here.
        passes: that no row fails the suite is known (:func:`expectations.passing`).
    """
    batch = spool.batch
    audited = None if terms.audited else Audited(spool, rejected.NONE)
    note = ""
    known = of_pull.overlaps.pop(batch.table, None) if of_pull else None
    stages: list[str] = []
    for attempt in range(1, _ATTEMPTS + 1):
        with warehouse.unit():
            seen, known = known or ledger.overlap(warehouse, batch), None
            load = _known(warehouse, spool, seen)
            if load or seen.newer:
                warehouse.drop_stages(stages)
        if seen.newer and not load:
            return _land_open_days(warehouse, spool, seen, terms)
        if audited is None and (load is None or load.rejected_rows):
            audited = audit(spool, partial(_stage, warehouse, spool), passes=passes)
        # a suite that allows what it refused before, or the other way round, changes what lands
        if load and (audited is None or audited.rejected.rows == load.rejected_rows):
            audit_spend(audited.spool if audited else spool)
            confirmation = ledger.Confirmation(batch, spool.run_id, seen)
            if of_pull is not None:
                of_pull.unchanged.append(confirmation)
            elif not ledger.confirm(warehouse, [confirmation]) and attempt < _ATTEMPTS:
                continue
            return [_landed(spool, "unchanged", audited=audited, note=note)]
        assert audited is not None
        try:
            with warehouse.unit():
                stages = _staged(warehouse, audited)
                changed = _publish(warehouse, audited, stages, seen, terms)
        except (RowCountConflict, StatementError) as error:
            if len(tombstones.load(warehouse).digests) != len(terms.erased.digests):
                warehouse.drop_stages(stages)
                raise ErasedMeanwhile(
                    f"{batch.source}, account {batch.account_id}: a person was erased while "
                    f"{batch.window} was pulled.",
                    kept="published data is unchanged.",
                    fix="Ingest the account again: the person is then left out.",
                ) from error
            # another process published to this account, or dropped this stage after it did
            gave_way = isinstance(error, RowCountConflict) or _are_gone(warehouse, stages)
            if not gave_way or attempt == _ATTEMPTS:
                raise
            note = "another process published this account at the same time"
            time.sleep(random.uniform(0, min(0.1 * 2**attempt, 20)))
        else:
            return [_landed(audited.spool, "published", changed, audited, note)]
    raise AssertionError("the last attempt returns or raises")


def _known(warehouse: Warehouse, spool: Spool, seen: ledger.Overlap) -> ledger.Load | None:
    """The load by which the batch's content is published as it is."""
    if spool.batch.complete:
        return seen.newest if seen.newest and seen.newest.run_id == spool.run_id else None
    # batches of other campaigns may have been published since: what counts is that its rows stand
    load, contract = seen.loads.get(spool.run_id), spool.contract
    if load is None:
        return None
    rows = standing(warehouse, contract, slice_of(spool.batch, contract), spool.run_id)
    return load if rows == load.row_count else None


def _stage(warehouse: Warehouse, spool: Spool) -> str:
    """Where a refused batch can be looked at."""
    return warehouse.stage(spool.contract, _stage_name(spool), spool.path)


def _staged(warehouse: Warehouse, audited: Audited) -> list[str]:
    """The stage of the batch and, where there are rows set aside, theirs."""
    spool, name = audited.spool, _stage_name(audited.spool)
    stages = [warehouse.stage_file(spool.contract, name, spool.path)]
    if path := audited.rejected.path:
        stages.append(warehouse.stage_file(load_contract(rejected.TABLE), name, path))
    return stages


def _publish(
    warehouse: Warehouse,
    audited: Audited,
    stages: list[str],
    seen: ledger.Overlap,
    terms: Terms,
) -> Change:
    """Replace the batch's slice by its stage, and what was set aside of it, in one transaction."""
    spool, batch, contract = audited.spool, audited.spool.batch, audited.spool.contract
    stage, *aside = stages
    slice_, within = slice_of(batch, contract), replaced(contract, batch, stage)
    first = change(contract, slice_, stage, within)
    if not terms.allow_withdrawals:
        first = withdrawals.held(first, spool, audited.rejected.rows)
    now = datetime.now(UTC)
    also = [ledger.claim(batch, seen, len(terms.erased.digests)), *moved(contract, slice_, stage)]
    if aside or seen.rejects:
        also.append(rejected.clearing(batch, within))
    also += [rejected.publishing(audited.rejected, one, now) for one in aside]
    try:
        answer = publish_stage(
            warehouse,
            contract,
            slice_,
            stage,
            run_id=spool.run_id,
            rows=spool.rows,
            within=within,
            also=[*also, ledger.entry(spool, audited.rejected.rows, now)],
            first=first,
        )
    except Refusal as refusal:
        if ledger.overlap(warehouse, batch).version != seen.version:
            raise RowCountConflict("Another process published this account first.") from refusal
        refused = Change.of(refusal.answer, contract)
        keep = partial(_stage, warehouse, spool)
        withdrawals.refuse(spool, refused, audited.rejected.rows, keep)
        raise
    warehouse.drop_stages(stages)
    return Change.of(answer, contract)


def _land_open_days(
    warehouse: Warehouse, spool: Spool, seen: ledger.Overlap, terms: Terms
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
        for landed in land_spooled(warehouse, narrowed, terms):
            left = f"of {window}; a newer pull has the other days"
            note = "; ".join(filter(None, (landed.note, left)))
            landings.append(replace(landed, note=note))
    return landings


def _are_gone(warehouse: Warehouse, stages: list[str]) -> bool:
    """Whether somebody dropped a batch's stages; nobody can where a file is read in place."""
    tables = {stage for stage in stages if stage.startswith(f"{STAGE_DATASET}.")}
    return not tables.issubset(warehouse.stages())


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
    aside = tuple(f"{_REJECTED}{_owner(batch)}_" for batches in done.values() for batch in batches)
    for stage in warehouse.stages():
        # in one of these there is nothing that a person would look for
        if stage.startswith(aside):
            leftover.append(stage)
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


def _landed(
    spool: Spool,
    outcome: Outcome,
    changed: Change | None = None,
    audited: Audited | None = None,
    note: str = "",
) -> Landed:
    batch, changed = spool.batch, changed or Change()
    aside = audited.rejected if audited else rejected.NONE
    return Landed(
        source=batch.source,
        table=batch.table,
        account_id=batch.account_id,
        window=batch.window,
        outcome=outcome,
        run_id=spool.run_id,
        rows=spool.rows,
        restated_rows=changed.restated,
        dropped_rows=spool.dropped_rows,
        drift=spool.drift,
        note="; ".join(filter(None, (batch.note, note, *(audited.warnings if audited else ())))),
        withdrawn_rows=changed.withdrawn,
        withdrawn_campaigns=changed.campaigns,
        rejected_rows=aside.rows,
        rejected_why=aside.why,
        refused_rows=batch.refused_rows,
    )
