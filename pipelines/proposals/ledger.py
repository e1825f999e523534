"""The append-only ledger: proposals, the hash chain of their events, and the chain's head."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.money import Money
from pipelines.proposals.anchor import Anchor, Anchored, Line, broken
from pipelines.proposals.clock import check_clock, check_kind
from pipelines.proposals.events import GENESIS, Event, LoggedEvent, event_row
from pipelines.proposals.market import query_text
from pipelines.proposals.policy import Moment, Policy
from pipelines.proposals.proposal import Baseline, Change, Proposal
from pipelines.proposals.states import APPROVING, Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import RowCountConflict, Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row

CHAIN = "canary_events"
_READS = 20
_PAUSE_SECONDS = 0.1


class Outpaced(DecisionRefused):
    """The ledger grew between reading it and appending to it."""

    @classmethod
    def of(cls) -> Outpaced:
        return cls(
            "Somebody else decided at the same moment.",
            kept="their decision was recorded; yours was not.",
            fix="Look at `adcanary proposals list`, then decide again if you still want to.",
        )


def no_policy() -> DecisionRefused:
    """Why nothing is proposed or decided before the first policy."""
    return DecisionRefused(
        "No policy is in force: nobody has said what proposals are held to, and who decides.",
        kept="nothing was recorded.",
        fix="An admin that the policy file names puts it in force: `adcanary policy set`.",
    )


@dataclass(frozen=True)
class Book:
    """The ledger as it was read: its events, and the latest revision of every proposal."""

    events: tuple[LoggedEvent, ...]
    proposals: tuple[StoredProposal, ...]

    @classmethod
    def of(cls, events: Sequence[LoggedEvent], rows: Sequence[Mapping[str, Any]]) -> Book:
        """The book that events and rows of canary_proposals make."""
        by_proposal: dict[str, list[LoggedEvent]] = {}
        policies: dict[tuple[str, int], int | None] = {}
        since = None
        for event in events:
            by_proposal.setdefault(event.proposal_id, []).append(event)
            if event.action == Action.SET_POLICY:
                since = event.sequence
            if event.action == Action.DRAFT:
                policies[event.key] = since
        stored = (_stored(row, by_proposal.get(row["proposal_id"], []), policies) for row in rows)
        return cls(tuple(events), tuple(stored))

    @property
    def sequence(self) -> int:
        return len(self.events)

    @property
    def head(self) -> str:
        return self.events[-1].event_id if self.events else GENESIS

    @cached_property
    def policy_event(self) -> LoggedEvent | None:
        """The event that put the present policy in force."""
        return next((e for e in reversed(self.events) if e.action == Action.SET_POLICY), None)

    @cached_property
    def policy(self) -> Policy | None:
        """The policy in force; None before the first."""
        event = self.policy_event
        return Policy(event.policy) if event and event.policy else None

    @cached_property
    def stop(self) -> LoggedEvent | None:
        """The event that stopped proposing and approving; None while nothing is stopped."""
        switches = (e for e in reversed(self.events) if e.action in {Action.STOP, Action.RESUME})
        last = next(switches, None)
        return last if last and last.action == Action.STOP else None

    @property
    def stopped(self) -> bool:
        """Whether the kill switch is on: by an event, or in a policy of an earlier version."""
        return self.stop is not None or bool(self.policy and self.policy.kill_switch)

    def at(self, moment: Moment) -> Moment:
        """A moment under the policy in force, whatever the present settings are."""
        return replace(moment, policy=self.policy)

    def check_clock(self, moment: Moment) -> None:
        """Hold a moment to the events so far (:func:`pipelines.proposals.clock.check_clock`)."""
        check_clock(self.events, moment)

    def proposal(self, proposal_id: str) -> StoredProposal:
        """One proposal by its id, or by a prefix that no other id shares.

        Raises:
            DecisionRefused: there is none, or several.
        """
        matching = [p for p in self.proposals if p.proposal_id.startswith(proposal_id)]
        if len(matching) == 1:
            return matching[0]
        count = f"{len(matching)} proposals have" if matching else "No proposal has"
        raise DecisionRefused(
            f"{count} an id that starts with '{proposal_id}'.",
            kept="nothing was recorded.",
            fix="Copy the id from `adcanary proposals list`.",
        )


@dataclass(frozen=True)
class Records:
    """Every row of the canary tables at one moment, and what the anchor says."""

    events: tuple[LoggedEvent, ...]
    heads: tuple[Mapping[str, Any], ...]
    proposals: tuple[Mapping[str, Any], ...]
    baselines: tuple[Mapping[str, Any], ...]
    changes: tuple[Mapping[str, Any], ...]
    anchored: Anchored | None

    def baseline(self, stored: StoredProposal) -> Baseline:
        """The campaign's budget and status when the revision was proposed."""
        key = (stored.proposal_id, stored.revision)
        row = next(r for r in self.baselines if (r["proposal_id"], r["revision"]) == key)
        return Baseline(Money(row["daily_budget_micros"], row["currency_code"]), row["status"])

    def book(self) -> Book:
        latest: dict[str, Mapping[str, Any]] = {}
        for row in self.proposals:
            latest[row["proposal_id"]] = row
        return Book.of(self.events, tuple(latest.values()))


def open_ledger(warehouse: Warehouse, settings: Settings) -> Ledger:
    """A warehouse's ledger, with its heads anchored beside the configuration."""
    return Ledger(warehouse, Anchor.beside(settings))


class Ledger:
    """Reads and appends. Every append compares the head that was read, and sets the next.

    Args:
        anchor: what records each head outside the warehouse; None records none.
    """

    def __init__(self, warehouse: Warehouse, anchor: Anchor | None) -> None:
        self.warehouse = warehouse
        self.anchor = anchor

    def events(self) -> list[LoggedEvent]:
        """Every event, in chain order."""
        rows = self.warehouse.query(
            "SELECT * FROM canary.canary_events ORDER BY sequence, event_id"
        ).to_pylist()
        return [LoggedEvent.of(row) for row in rows]

    def policy(self) -> Policy:
        """The policy in force; nothing is verified.

        Raises:
            DecisionRefused: there is none yet.
        """
        rows = self.warehouse.query(query_text("policy_in_force")).to_pylist()
        if not rows:
            raise no_policy()
        return Policy(rows[0]["policy"])

    def read(self) -> Book:
        """Every proposal with its state, and the events so far; nothing is verified."""
        with self.warehouse.unit(read_only=True):
            rows = self.warehouse.query(query_text("latest_revisions")).to_pylist()
            return Book.of(self.events(), rows)

    def records(self, *, anchored: bool = True) -> Records:
        """Every row of the ledger, with no append in between.

        Args:
            anchored: also read the anchor.

        Raises:
            IntegrityError: the anchor can't be read.
            Outpaced: others append all the time.
        """
        for attempt in range(_READS):
            time.sleep(_PAUSE_SECONDS if attempt else 0)
            with self.warehouse.unit(read_only=True):
                before = self._state(anchored)
                read = Records(
                    events=tuple(self.events()),
                    heads=before[0],
                    proposals=self._rows("SELECT * FROM canary.canary_proposals ORDER BY revision"),
                    baselines=self._rows("SELECT * FROM canary.canary_budgets_snapshot"),
                    changes=self._rows("SELECT * FROM canary.canary_changes"),
                    anchored=None,
                )
                anchor, error = self._read_anchor() if anchored else (None, None)
                after = self._state(anchored)
            if after == before:
                if error:  # and not a line that was just being written
                    raise error
                return replace(read, anchored=anchor)
        raise Outpaced.of()

    def append(self, book: Book, events: list[Event], *, also: list[Statement], label: str) -> None:
        """Link events to the chain, in one transaction with further statements.

        The next line of the anchor is announced first, so that what a process leaves that is
        killed at any instant is either recorded or not, and the next append knows which.

        Args:
            book: what the decision was based on; it must still be current.

        Raises:
            Outpaced: somebody else appended in the meantime; nothing was written.
            DecisionRefused: the clock runs backwards, or the anchor can't be written.
            IntegrityError: the anchor is missing, can't be read, or doesn't agree with the book.
        """
        for event in events:
            if events[0].action == Action.ANCHOR and events[0].comment:  # may set the clock back
                check_kind(book.events, event.at)
            else:
                book.check_clock(event.at)
        with self.warehouse.unit():
            self._append(book, events, also, label)

    def _append(self, book: Book, events: list[Event], also: list[Statement], label: str) -> None:
        self._ensure_head()
        if self.anchor is None:
            self._commit(book, _linked(book, events, None), also, label)
            return
        with self.anchor.lock():
            if self._head() != (book.sequence, book.head):
                raise Outpaced.of()
            anchor_id = self._open_anchor(self.anchor, book, events[0])
            rows = _linked(book, events, anchor_id)
            line = Line(
                first=book.sequence + 1,
                sequence=book.sequence + len(rows),
                event_id=str(rows[-1]["event_id"]),
            )
            self.anchor.announce(line)
            try:
                self._commit(book, rows, also, label)
            except Outpaced:
                self.anchor.withdraw()
                raise
            self.anchor.confirm(line)

    def _open_anchor(self, anchor: Anchor, book: Book, first: Event) -> str:
        """The id of the anchor that the events are made with, once it agrees with the book."""
        if first.action == Action.ANCHOR:
            return anchor.begin()
        anchored = anchor.read()
        if anchored is None and not book.events:
            return anchor.begin()
        if anchored is None:
            raise anchor.missing()
        anchored.hold(book.events)
        anchor.settle(anchored, book.events)
        return anchored.anchor_id

    def _commit(
        self, book: Book, rows: list[dict[str, Value]], also: list[Statement], label: str
    ) -> None:
        contract = load_contract("canary.canary_events")
        set_head = _set_head(book, len(rows), str(rows[-1]["event_id"]))
        inserts = [insert_row(contract, row) for row in rows]
        try:
            self.warehouse.transaction([set_head, *also, *inserts], label=label)
        except RowCountConflict as error:
            raise Outpaced.of() from error

    def _ensure_head(self) -> None:
        self.warehouse.transaction(
            [
                Statement(
                    "INSERT INTO canary.canary_head (chain, sequence, event_id) "
                    "SELECT @chain, 0, @genesis FROM (SELECT 1) AS one WHERE NOT EXISTS "
                    "(SELECT 1 FROM canary.canary_head WHERE chain = @chain)",
                    {"chain": CHAIN, "genesis": GENESIS},
                )
            ],
            label="ledger_head",
        )

    def _state(
        self, anchored: bool
    ) -> tuple[tuple[Mapping[str, Any], ...], Sequence[bytes | None]]:
        """What every append changes."""
        heads = self._rows("SELECT * FROM canary.canary_head")
        return heads, self.anchor.state() if self.anchor and anchored else []

    def _head(self) -> tuple[int, str]:
        row = next(iter(self._rows("SELECT * FROM canary.canary_head")))
        return row["sequence"], row["event_id"]

    def _read_anchor(self) -> tuple[Anchored | None, IntegrityError | None]:
        try:
            return (self.anchor.read() if self.anchor else None), None
        except IntegrityError as error:
            return None, error

    def _rows(self, sql: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.warehouse.query(sql).to_pylist())


def insert_proposal(proposal: Proposal) -> list[Statement]:
    """The statements that store a new revision, and the baseline it was made against."""
    return [
        insert_row(load_contract("canary.canary_proposals"), proposal.row()),
        insert_row(load_contract("canary.canary_budgets_snapshot"), baseline_row(proposal)),
    ]


def baseline_row(proposal: Proposal) -> dict[str, Value]:
    """What a proposal is made against, as a row of canary_budgets_snapshot."""
    return {
        "proposal_id": proposal.proposal_id,
        "revision": proposal.revision,
        "platform": proposal.target.platform,
        "account_id": proposal.target.account_id,
        "campaign_id": proposal.target.campaign_id,
        "daily_budget_micros": proposal.baseline.daily_budget.micros,
        "status": proposal.baseline.status,
        "currency_code": proposal.currency,
        "as_of": proposal.as_of,
    }


def change_row(stored: StoredProposal, change: Change, now: datetime) -> dict[str, Value]:
    """An approved change as a row of the shadow feed."""
    return {
        "proposal_id": stored.proposal_id,
        "revision": stored.revision,
        "content_hash": stored.content_hash,
        "platform": stored.target.platform,
        "account_id": stored.target.account_id,
        "campaign_id": stored.target.campaign_id,
        "field": change.field,
        "from_value": change.from_value,
        "to_value": change.to_value,
        "recorded_at": now,
    }


def insert_change(stored: StoredProposal, change: Change, now: datetime) -> Statement:
    """The statement that writes an approved change to the shadow feed."""
    return insert_row(load_contract("canary.canary_changes"), change_row(stored, change, now))


def _linked(book: Book, events: Sequence[Event], anchor: str | None) -> list[dict[str, Value]]:
    rows: list[dict[str, Value]] = []
    for sequence, event in enumerate(events, start=book.sequence + 1):
        previous = str(rows[-1]["event_id"]) if rows else book.head
        rows.append(event_row(event, sequence, previous, anchor))
    return rows


def _set_head(book: Book, count: int, head: str) -> Statement:
    """Compare-and-set: moves the head only from where the book was read."""
    return Statement(
        "UPDATE canary.canary_head SET sequence = @sequence, event_id = @event_id "
        "WHERE chain = @chain AND sequence = @read_sequence AND event_id = @read_head",
        {
            "chain": CHAIN,
            "sequence": book.sequence + count,
            "event_id": head,
            "read_sequence": book.sequence,
            "read_head": book.head,
        },
        expect_rows=1,
    )


def _stored(
    row: Mapping[str, Any],
    events: Sequence[LoggedEvent],
    policies: Mapping[tuple[str, int], int | None],
) -> StoredProposal:
    """Approvals count only for the revision and the content that they were given to."""
    of_revision = [e for e in events if e.revision == row["revision"]]
    approvals = tuple(
        e.actor
        for e in of_revision
        if e.action in APPROVING and e.content_hash == row["content_hash"]
    )
    try:
        state = State(of_revision[-1].to_state) if of_revision else State.NONE
    except ValueError as error:
        raise broken(f"canary_events has a state that there isn't: {error}") from error
    stored = StoredProposal.of(row, state, approvals)
    return replace(stored, policy_since=policies.get((stored.proposal_id, stored.revision)))
