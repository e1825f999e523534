"""What a verification of the whole ledger leaves in memory, for the next decision to go on from.

Whoever decides often, as the review page does, needn't verify a million events each time. What came
after the checkpoint is verified in full. Of what was before it, a decision rests on the rows in
memory; those that it reads from the warehouse all the same (what was recorded, and whatever is
about the ledger) must be there, word for word, as they were verified, and no row may have come or
gone. Wherever that doesn't hold, the whole ledger is verified, which names the row.

A row that no decision reads any more, such as a revision that was replaced, may be bent between two
whole verifications and not be noticed by a decision: `adcanary audit verify` always reads all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.errors import IntegrityError
from pipelines.money import Money
from pipelines.proposals.anchor import Anchored
from pipelines.proposals.book import Book
from pipelines.proposals.events import GENESIS, LoggedEvent
from pipelines.proposals.ledger import Ledger, Records
from pipelines.proposals.market import query_text
from pipelines.proposals.proposal import Baseline
from pipelines.proposals.replay import Key, Replay
from pipelines.proposals.states import ABOUT_LEDGER, Action
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.verify import (
    hold_later_rows,
    read_or_broken,
    verified,
    verified_with_state,
)
from pipelines.warehouse import Warehouse

Row = Mapping[str, Any]
_LASTING = ABOUT_LEDGER | {Action.SET_POLICY, Action.RECORD, Action.REVOKE, Action.BREAK_GLASS}


@dataclass(frozen=True)
class Checkpoint:
    """The ledger as it was verified, up to an event.

    Args:
        replay: the state then; of each proposal, the latest revision alone.
        baselines: of the same revisions.
        lasting: the events that decisions read long after, in order: about the ledger, and of what
            was recorded.
        newest: the last event.
        touched: the sequence of each proposal's last event.
        changes: every row of the shadow feed, and of the revisions in it.
        revisions: how many there are.
    """

    sequence: int = 0
    head: str = GENESIS
    replay: Replay = field(default_factory=lambda: Replay({}))
    baselines: Mapping[Key, Row] = field(default_factory=dict)
    lasting: tuple[LoggedEvent, ...] = ()
    newest: LoggedEvent | None = None
    touched: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[Key, tuple[Row, Row]] = field(default_factory=dict)
    revisions: int = 0
    anchored: Anchored | None = None

    def extended(self, later: Records, replay: Replay) -> Checkpoint:
        """With rows after it, once they have been verified."""
        newest = later.events[-1] if later.events else self.newest
        latest = {(id_, revision) for id_, revision in replay.latest.items()}
        keyed = {_key(row): row for row in later.baselines}
        known = replay.proposals
        changes = {_key(row): (row, known[_key(row)].row) for row in later.changes}
        return Checkpoint(
            sequence=newest.sequence if newest else 0,
            head=newest.event_id if newest else GENESIS,
            replay=replay.only(latest),
            baselines={k: v for k, v in {**self.baselines, **keyed}.items() if k in latest},
            lasting=(*self.lasting, *(e for e in later.events if e.action in _LASTING)),
            newest=newest,
            touched={**self.touched, **{e.proposal_id: e.sequence for e in later.events}},
            changes={**self.changes, **changes},
            revisions=self.revisions + len(later.proposals),
            anchored=later.anchored,
        )

    def book(self) -> Book:
        """The book of a decision: what it needs of the events, and every proposal as it stands."""
        events = list(self.lasting)
        if self.newest and self.newest not in events[-1:]:
            events.append(self.newest)
        replay = self.replay
        proposals = (
            replace(
                stored,
                state=replay.states[key],
                approvals=tuple(replay.approvals.get(key, ())),
                policy_since=replay.drafted_under[key],
            )
            for key, stored in replay.proposals.items()
        )
        return Book(tuple(events), tuple(proposals), self)

    def baseline(self, stored: StoredProposal) -> Baseline:
        """The campaign's budget and status when the revision was proposed."""
        row = self.baselines[stored.proposal_id, stored.revision]
        return Baseline(Money(row["daily_budget_micros"], row["currency_code"]), row["status"])

    def is_before(self, later: _Later, heads: Sequence[Row], anchored: Anchored | None) -> bool:
        """Whether what is there now goes on from here, with nothing that decisions read bent."""
        counts, before = later.counts, self.anchored
        drafts = sum(e.action == Action.DRAFT for e in later.events)
        if before is None or anchored is None:
            same_anchor = before is anchored
        else:
            same_anchor = anchored.is_continued_from(before)
        known = {k: stored.row for k, stored in self.replay.proposals.items()}
        known |= {_key(row): row for row in later.records.proposals}
        known |= {key: proposal for key, (_, proposal) in self.changes.items()}
        feed = {_key(row): row for row in later.changes}
        return (
            same_anchor
            and later.first is not None
            and (later.first.sequence, later.first.event_id) == (self.sequence, self.head)
            and [e.row for e in self.lasting] == list(later.lasting)
            and len(feed) == len(later.changes)
            and all(feed.get(key) == change for key, (change, _) in self.changes.items())
            and all(known.get(_key(row)) == row for row in later.changed)
            and [row["sequence"] for row in heads] == [counts["events"]]
            and counts["proposals"] == counts["baselines"] == self.revisions + drafts
        )


class Memory:
    """The last checkpoint of a process, whose threads take turns with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.checkpoint: Checkpoint | None = None

    def fill(self, make: Callable[[], Checkpoint | None]) -> None:
        """Put a checkpoint here, if there is none; whoever decides meanwhile waits for it."""
        with self._lock:
            self.checkpoint = self.checkpoint or make()

    def basis(self, ledger: Ledger) -> Checkpoint | Records:
        """What a decision rests on: the ledger, verified from the checkpoint on if that can be.

        Raises:
            IntegrityError: something is broken; names the row.
        """
        with self._lock:
            before, self.checkpoint = self.checkpoint, None
            after = _continued(ledger, before) if before else None
            if after is None:
                records, replay = verified_with_state(ledger)
                if records.anchored is None or records.anchored.pending:
                    return records
                after = Checkpoint().extended(records, replay)
            self.checkpoint = after
            return after


def basis(ledger: Ledger) -> Checkpoint | Records:
    """What anything that is appended rests on: the verified ledger.

    Raises:
        IntegrityError: something is broken; names the row.
    """
    return ledger.memory.basis(ledger) if ledger.memory else verified(ledger)


@dataclass(frozen=True)
class _Later:
    """What is in the warehouse now: the rows after a checkpoint, and those that decisions read."""

    first: LoggedEvent | None
    records: Records
    lasting: Sequence[Row]
    changes: Sequence[Row]
    changed: Sequence[Row]
    counts: Mapping[str, int]

    @property
    def events(self) -> Sequence[LoggedEvent]:
        return self.records.events


def _continued(ledger: Ledger, before: Checkpoint) -> Checkpoint | None:
    """The checkpoint now; None if only a verification of everything can say."""

    def read() -> _Later:
        return _read(ledger.warehouse, before)

    try:
        later, heads, anchored = read_or_broken(lambda: ledger.steady(read))
        if (anchored and anchored.pending) or not before.is_before(later, heads, anchored):
            return None
        records = replace(later.records, heads=heads, anchored=anchored)
        replay = hold_later_rows(records, before.replay, before.sequence, before.head)
        if anchored:
            anchored.hold_later(before.anchored, before.head, records.events)
    except IntegrityError:
        return None
    return before.extended(records, replay)


def _read(warehouse: Warehouse, before: Checkpoint) -> _Later:
    def rows(name: str) -> tuple[Row, ...]:
        return tuple(warehouse.query(query_text(name), {"since": before.sequence}).to_pylist())

    first, *events = (LoggedEvent.of(row) for row in rows("later_events"))
    changes = tuple(warehouse.query("SELECT * FROM canary.canary_changes").to_pylist())
    return _Later(
        first=first,
        records=Records(
            events=tuple(events),
            heads=(),
            proposals=rows("later_proposals"),
            baselines=rows("later_baselines"),
            changes=tuple(row for row in changes if _key(row) not in before.changes),
            anchored=None,
        ),
        lasting=rows("lasting_events"),
        changes=changes,
        changed=rows("changed_proposals"),
        counts=rows("row_counts")[0],
    )


def _key(row: Row) -> Key:
    return row["proposal_id"], row["revision"]
