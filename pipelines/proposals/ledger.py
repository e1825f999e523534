"""The append-only ledger: proposals, the hash chain of their events, and the chain's head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.money import Money
from pipelines.proposals.market import query_text
from pipelines.proposals.proposal import Baseline, Change, Proposal, hash_row
from pipelines.proposals.states import Action, State, move
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import RowCountConflict, Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row

GENESIS = "0" * 64
CHAIN = "canary_events"


class Outpaced(DecisionRefused):
    """The ledger grew between reading it and appending to it."""


@dataclass(frozen=True)
class Actor:
    """Who acts. A service may propose and expire; only a person may decide."""

    name: str
    kind: str  # person or service


SERVICE = Actor("service:adcanary", "service")


@dataclass(frozen=True)
class Event:
    """One row of canary_events, before it is linked into the chain."""

    proposal_id: str
    revision: int
    content_hash: str
    action: Action
    from_state: State
    to_state: State
    actor: Actor
    occurred_at: datetime
    comment: str | None = None


@dataclass(frozen=True)
class LoggedEvent:
    """A row of canary_events as stored; ``row`` is kept verbatim, for its hash."""

    sequence: int
    event_id: str
    previous_hash: str
    proposal_id: str
    revision: int
    content_hash: str
    action: str
    to_state: str
    actor: str
    comment: str | None
    occurred_at: datetime
    row: Mapping[str, Any]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> LoggedEvent:
        own = {f.name: row[f.name] for f in fields(cls) if f.name != "row"}
        return cls(**own, row=row)

    def content_holds(self) -> bool:
        """Whether the row still matches its event_id."""
        return hash_row({k: v for k, v in self.row.items() if k != "event_id"}) == self.event_id


@dataclass(frozen=True)
class Book:
    """The ledger as it was read: its head, and the latest revision of every proposal."""

    sequence: int
    head: str
    proposals: tuple[StoredProposal, ...]

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


def open_ledger(warehouse: Warehouse, settings: Settings) -> Ledger:
    """A warehouse's ledger, with its heads anchored beside the configuration."""
    which = settings.warehouse
    name = which.project if which.kind == "bigquery" else which.path.stem
    anchor = settings.path.parent / ".adcanary" / f"audit-anchor-{which.kind}-{name}.jsonl"
    return Ledger(warehouse, anchor)


class Ledger:
    """Reads and appends. Every append compares the head that was read, and sets the next.

    Args:
        anchor: a file outside the warehouse that records each head; None records none.
    """

    def __init__(self, warehouse: Warehouse, anchor: Path | None) -> None:
        self.warehouse = warehouse
        self.anchor = anchor

    def events(self) -> list[LoggedEvent]:
        """Every event, in chain order."""
        rows = self.warehouse.query(
            "SELECT * FROM canary.canary_events ORDER BY sequence, event_id"
        ).to_pylist()
        return [LoggedEvent.of(row) for row in rows]

    def read(self) -> Book:
        """Every proposal with its state, and the head of the chain at that moment."""
        events = self.events()
        by_proposal: dict[str, list[LoggedEvent]] = {}
        for event in events:
            by_proposal.setdefault(event.proposal_id, []).append(event)
        rows = self.warehouse.query(query_text("latest_revisions")).to_pylist()
        return Book(
            sequence=len(events),
            head=events[-1].event_id if events else GENESIS,
            proposals=tuple(_stored(row, by_proposal.get(row["proposal_id"], [])) for row in rows),
        )

    def baseline(self, stored: StoredProposal) -> Baseline:
        """The campaign's budget and status when the revision was proposed.

        Raises:
            IntegrityError: canary_budgets_snapshot has no row for it.
        """
        rows = self.warehouse.query(
            query_text("baseline"),
            {"proposal_id": stored.proposal_id, "revision": stored.revision},
        ).to_pylist()
        if not rows:
            raise IntegrityError(
                f"The baseline of proposal {stored.proposal_id} revision {stored.revision} is "
                "missing from canary_budgets_snapshot.",
                kept="nothing was recorded.",
                fix="Run `adcanary audit verify`, and make no decisions until this is explained.",
            )
        budget = Money(rows[0]["daily_budget_micros"], rows[0]["currency_code"])
        return Baseline(budget, rows[0]["status"])

    def append(self, book: Book, events: list[Event], *, also: list[Statement], label: str) -> None:
        """Link events to the chain, in one transaction with further statements.

        Args:
            book: what the decision was based on; it must still be current.

        Raises:
            Outpaced: somebody else appended in the meantime; nothing was written.
        """
        contract = load_contract("canary.canary_events")
        self._ensure_head()
        sequence, head = book.sequence, book.head
        statements = list(also)
        for event in events:
            sequence += 1
            row = _event_row(event, sequence, head)
            head = hash_row(row)
            statements.append(insert_row(contract, {**row, "event_id": head}))
        statements.insert(0, _set_head(book, sequence, head))
        try:
            self.warehouse.transaction(statements, label=label)
        except RowCountConflict as error:
            raise Outpaced(
                "Somebody else decided at the same moment.",
                kept="their decision was recorded; yours was not.",
                fix="Look at `adcanary proposals list`, then decide again if you still want to.",
            ) from error
        self._write_anchor(sequence, head)

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

    def _write_anchor(self, sequence: int, head: str) -> None:
        if self.anchor is None:
            return
        self.anchor.parent.mkdir(parents=True, exist_ok=True)
        with self.anchor.open("a") as file:
            file.write(json.dumps({"sequence": sequence, "event_id": head}) + "\n")


def make_event(
    stored: StoredProposal,
    action: Action,
    actor: Actor,
    now: datetime,
    *,
    comment: str | None = None,
    to_state: State | None = None,
) -> Event:
    """The event that moves a proposal from its state by an action.

    Raises:
        DecisionRefused: its state doesn't allow the action.
    """
    return Event(
        proposal_id=stored.proposal_id,
        revision=stored.revision,
        content_hash=stored.content_hash,
        action=action,
        from_state=stored.state,
        to_state=to_state or move(stored.state, action),
        actor=actor,
        occurred_at=now,
        comment=comment,
    )


def insert_proposal(proposal: Proposal) -> list[Statement]:
    """The statements that store a new revision, and the baseline it was made against."""
    baseline: dict[str, Value] = {
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
    return [
        insert_row(load_contract("canary.canary_proposals"), proposal.row()),
        insert_row(load_contract("canary.canary_budgets_snapshot"), baseline),
    ]


def insert_change(stored: StoredProposal, change: Change, now: datetime) -> Statement:
    """The statement that writes an approved change to the shadow feed."""
    return insert_row(
        load_contract("canary.canary_changes"),
        {
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
        },
    )


def _set_head(book: Book, sequence: int, head: str) -> Statement:
    """Compare-and-set: moves the head only from where the book was read."""
    return Statement(
        "UPDATE canary.canary_head SET sequence = @sequence, event_id = @event_id "
        "WHERE chain = @chain AND sequence = @read_sequence AND event_id = @read_head",
        {
            "chain": CHAIN,
            "sequence": sequence,
            "event_id": head,
            "read_sequence": book.sequence,
            "read_head": book.head,
        },
        expect_rows=1,
    )


def _event_row(event: Event, sequence: int, previous: str) -> dict[str, Value]:
    return {
        "sequence": sequence,
        "previous_hash": previous,
        "proposal_id": event.proposal_id,
        "revision": event.revision,
        "content_hash": event.content_hash,
        "action": str(event.action),
        "from_state": str(event.from_state),
        "to_state": str(event.to_state),
        "actor": event.actor.name,
        "actor_kind": event.actor.kind,
        "comment": event.comment,
        "occurred_at": event.occurred_at,
    }


def _stored(row: Mapping[str, Any], events: Sequence[LoggedEvent]) -> StoredProposal:
    """Approvals count only for the revision and the content that they were given to."""
    of_revision = [e for e in events if e.revision == row["revision"]]
    approvals = tuple(
        e.actor
        for e in of_revision
        if e.action == Action.APPROVE and e.content_hash == row["content_hash"]
    )
    state = State(of_revision[-1].to_state) if of_revision else State.NONE
    return StoredProposal.of(row, state, approvals)
