"""How every proposal stands, brought up to date from the events since it was last read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.errors import RateUnknown
from pipelines.money import Money
from pipelines.proposals.book import Book
from pipelines.proposals.events import GENESIS, LoggedEvent
from pipelines.proposals.review.earlier import KEPT, Earlier
from pipelines.proposals.review.trail import Trail
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import Value

_QUERIES = Path(__file__).parent / "queries"
_DAYS = 7


@cache
def query_text(name: str) -> str:
    """The GoogleSQL of ``queries/<name>.sql``."""
    return (_QUERIES / f"{name}.sql").read_text()


def read(warehouse: Warehouse, name: str, **params: Value) -> pa.Table:
    """What a query of this room gives."""
    return warehouse.query(query_text(name), params)


@dataclass(frozen=True)
class Standing:
    """The ledger at one event.

    Args:
        currency: the reporting currency.
        proposals: the latest revision of each, with its state, by id.
        stakes: what a week of each change moves, in the reporting currency; None without a rate.
        texts: what a search of the inbox looks through, in small letters.
        earlier: the few revisions before the latest.
        ledger: a book of the events about the ledger alone: the policy and the kill switch.
        lists: the inbox's, once they were made; they go with the standing that they are of.
    """

    currency: str
    trail: Trail = field(default_factory=Trail.empty)
    proposals: Mapping[str, StoredProposal] = field(default_factory=dict)
    stakes: Mapping[str, Money | None] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    earlier: Earlier = field(default_factory=Earlier)
    ledger: Book = field(default_factory=lambda: Book((), ()))
    lists: dict[object, Any] = field(default_factory=dict)

    def next(self, warehouse: Warehouse) -> Standing:
        """The standing now. Only what came since is read, unless the ledger was written anew."""
        with warehouse.unit(read_only=True):
            sequence, head = _head(warehouse)
            since = self.trail.sequence
            if (sequence, head) == (since, self.trail.head):
                return self
            if since and not self._is_continued(warehouse, sequence):
                return Standing(self.currency).next(warehouse)
            rows = read(warehouse, "trail", since=since)
            ledger = _events(read(warehouse, "ledger_events"))
            events = _events(read(warehouse, "standing_events", since=since))
            revisions = read(warehouse, "standing_proposals", since=since).to_pylist()
            earlier = read(warehouse, "standing_earlier", since=since, kept=KEPT)
        # in the chain's order, so that each draft is of the policy before it
        both = sorted((*ledger, *events), key=lambda event: event.sequence)
        touched = {p.proposal_id: p for p in Book.of(both, revisions).proposals}
        stakes = {id_: _at_stake(stored, self.currency) for id_, stored in touched.items()}
        return Standing(
            self.currency,
            self.trail.extended(rows, head),
            {**self.proposals, **touched},
            {**self.stakes, **stakes},
            {**self.texts, **{id_: _text(stored) for id_, stored in touched.items()}},
            self.earlier.replaced(earlier),
            Book.of(ledger, ()),
        )

    @cached_property
    def kinds(self) -> Sequence[str]:
        return sorted({stored.kind for stored in self.proposals.values()})

    @cached_property
    def platforms(self) -> Sequence[str]:
        return sorted({stored.target.platform for stored in self.proposals.values()})

    def revisions(self, proposal_id: str, first: int, last: int) -> list[StoredProposal] | None:
        """Some revisions of a proposal; None if not all of them are here."""
        latest = self.proposals[proposal_id]
        rows = [row for row in self.earlier.of(proposal_id) if first <= row["revision"] <= last]
        present = [StoredProposal.of(row, State.NONE, ()) for row in rows]
        if last == latest.revision:
            present.append(replace(latest, state=State.NONE, approvals=()))
        return present if len(present) == last - first + 1 else None

    def _is_continued(self, warehouse: Warehouse, sequence: int) -> bool:
        """Whether the events go on from the last one here: another ledger, or an older copy of this
        one, may have taken its place."""
        rows = read(warehouse, "following", sequence=self.trail.sequence + 1).to_pylist()
        following = [row["previous_hash"] for row in rows]
        return sequence > self.trail.sequence and following == [self.trail.head]


def _head(warehouse: Warehouse) -> tuple[int, str]:
    rows = read(warehouse, "head").to_pylist()
    return (rows[0]["sequence"], rows[0]["event_id"]) if rows else (0, GENESIS)


def _at_stake(stored: StoredProposal, currency: str) -> Money | None:
    try:
        return abs(stored.delta_in(currency)) * _DAYS
    except RateUnknown:
        return None


def _text(stored: StoredProposal) -> str:
    target = stored.target
    parts = (stored.proposal_id, target.name or "", target.campaign_id, target.account_id)
    return " ".join(parts).casefold()


def _events(rows: pa.Table) -> list[LoggedEvent]:
    return [LoggedEvent.of(row) for row in rows.to_pylist()]
