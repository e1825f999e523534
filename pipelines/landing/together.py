"""Lands what accounts pulled, and what several threads pulled at the same time together.

DuckDB's file takes one writer, so they wait for each other anyway. One thread lands what waits: one
opening of the file, and one question to Great Expectations for each table, serve all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.errors import AuditError
from pipelines.landing import ledger
from pipelines.landing.expectations import passing
from pipelines.landing.publish import Landed, PullLedger, Terms, land_alone, land_spooled
from pipelines.landing.spool import CHUNK_ROWS, Spool, Spools
from pipelines.sources.base import Batch
from pipelines.telemetry import here, work
from pipelines.warehouse import Warehouse

# What became of a batch; an error is raised where its account is ingested.
Outcome = list[Landed] | Exception
LandOne = Callable[[Batch, PullLedger | None], list[Landed]]


@dataclass(eq=False)
class _Pull:
    """What a thread wants landed, and what became of it, batch by batch."""

    warehouse: Warehouse
    batches: Sequence[Batch]
    terms: Terms
    outcomes: list[Outcome] | None = None
    trace: Any = field(default_factory=here)

    @property
    def rows(self) -> float:
        """How many rows; more than any number where they still have to be read."""
        tables = [batch.rows for batch in self.batches]
        return sum(rows.num_rows if isinstance(rows, pa.Table) else inf for rows in tables)

    @property
    def is_of_one_account(self) -> bool:
        """Whether all batches have an account and platform in common."""
        return len({(batch.account_id, batch.platform) for batch in self.batches}) == 1


# One thread lands, so that whatever comes meanwhile waits, and lands together.
_lander = ThreadPoolExecutor(1, "landing")
_waiting: list[_Pull] = []


def land_pull(warehouse: Warehouse, batches: Sequence[Batch], terms: Terms) -> list[Outcome]:
    """Land the batches of an account's pull, in their order.

    Where campaigns don't add up to their account's spend, none of the batches after them is landed.

    Returns:
        What became of each batch that was tried.
    """
    if not batches:
        return []
    pull = _Pull(warehouse, batches, terms)
    if warehouse.kind != "duckdb" or pull.rows > CHUNK_ROWS:
        return _in_order(pull, lambda batch, own: land_alone(warehouse, batch, terms, own))
    _waiting.append(pull)
    _lander.submit(copy_context().run, _land_until, pull).result()
    assert pull.outcomes is not None
    return pull.outcomes


def _land_until(pull: _Pull) -> None:
    """Land what waits, until a pull is among it; an earlier turn may have landed it."""
    while pull in _waiting:
        _land_together(_taken())


def _taken() -> list[_Pull]:
    """Take the first that waits, and as many more as fit into a chunk with it."""
    first, *others = _waiting
    taken = [first]
    for pull in others:
        if _is_same(pull, first) and sum(one.rows for one in (*taken, pull)) <= CHUNK_ROWS:
            taken.append(pull)
    for pull in taken:
        _waiting.remove(pull)
        pull.warehouse = first.warehouse  # the file is open in one of them
    return taken


def _is_same(one: _Pull, other: _Pull) -> bool:
    """Whether two pulls land in one file."""
    paths = {getattr(pull.warehouse, "path", None) for pull in (one, other)}
    return len(paths) == 1


def _land_together(pulls: Sequence[_Pull]) -> None:
    """Land pulls, and put down with each what became of it."""
    try:
        with Spools() as spools:
            spooled = {id(b): _spooled(spools, b, p.terms) for p in pulls for b in p.batches}
            passed = passing(one for one in spooled.values() if isinstance(one, Spool))
            with pulls[0].warehouse.unit():
                for pull in pulls:
                    land_one = _landing(pull, spooled, passed)
                    try:
                        pull.outcomes = _in_order(pull, land_one)
                    except Exception as error:  # noqa: BLE001  raised where its account is ingested
                        pull.outcomes = [error]
    except Exception as error:  # noqa: BLE001  the file is held, the disk full: for all of them
        for pull in pulls:
            if pull.outcomes is None:
                pull.outcomes = [error]


def _spooled(spools: Spools, batch: Batch, terms: Terms) -> Spool | Exception:
    try:
        return spools.add(batch, load_contract(batch.table), terms.refusing(batch))
    except Exception as error:  # noqa: BLE001  raised where its account is ingested
        return error


def _landing(pull: _Pull, spooled: Mapping[int, Spool | Exception], passed: Set[str]) -> LandOne:
    def land_one(batch: Batch, of_pull: PullLedger | None) -> list[Landed]:
        spool = spooled[id(batch)]
        if isinstance(spool, Exception):
            raise spool
        passes = spool.run_id in passed
        return land_spooled(pull.warehouse, spool, pull.terms, of_pull, passes=passes)

    return land_one


def _in_order(pull: _Pull, land_one: LandOne) -> list[Outcome]:
    """What became of each batch of a pull."""
    of_pull = PullLedger(_looked_up(pull))
    outcomes: list[Outcome] = []
    for batch in pull.batches:
        # what is read only once can't be landed again
        noted_together = pull.is_of_one_account and isinstance(batch.rows, pa.Table)
        outcome = _caught(pull, land_one, batch, of_pull if noted_together else None)
        outcomes.append(outcome)
        # one batch keeps no other one out, but where it is the account's spend that is wrong
        stops = not isinstance(outcome, AuditError) or batch.account_spend is not None
        if isinstance(outcome, Exception) and stops:
            break
    if of_pull.unchanged and not ledger.confirm(pull.warehouse, of_pull.unchanged):
        # another process published since: what was unchanged then may not be so now
        for number, (batch, outcome) in enumerate(zip(pull.batches, outcomes, strict=False)):
            if isinstance(outcome, list) and "unchanged" in {one.outcome for one in outcome}:
                outcomes[number] = _caught(pull, land_one, batch, None)
    return outcomes


def _caught(pull: _Pull, land_one: LandOne, batch: Batch, of_pull: PullLedger | None) -> Outcome:
    names = {"source": batch.source, "account": batch.account_id, "table": batch.table}
    try:
        with work("land", within=pull.trace, **names, window=str(batch.window)) as doing:
            landed = land_one(batch, of_pull)
            if landed:
                doing.note(run_id=landed[-1].run_id, outcome=landed[-1].outcome)
            doing.note(
                rows=sum(one.rows for one in landed),
                restated_rows=sum(one.restated_rows for one in landed),
                set_aside_rows=sum(one.rejected_rows for one in landed),
            )
            return landed
    except Exception as error:  # noqa: BLE001  raised where its account is ingested
        return error


def _looked_up(pull: _Pull) -> dict[str, ledger.Overlap]:
    """What the ledger says of a pull's batches, by table, in one look-up; the first of a table."""
    if not pull.is_of_one_account:
        return {}
    overlaps = ledger.overlaps(pull.warehouse, pull.batches)
    looked_up: dict[str, ledger.Overlap] = {}
    for batch, overlap in zip(pull.batches, overlaps, strict=True):
        looked_up.setdefault(batch.table, overlap)
    return looked_up
