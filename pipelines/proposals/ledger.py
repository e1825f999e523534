"""The append-only ledger: proposals, the hash chain of what was done to them, and its head."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.contracts import load_contract
from pipelines.errors import DecisionRefused
from pipelines.proposals.facts import query_text
from pipelines.proposals.proposal import Proposal, hash_row
from pipelines.proposals.states import Action, State, move
from pipelines.warehouse import RowCountConflict, Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row

GENESIS = "0" * 64
CHAIN = "canary_events"


class Outpaced(DecisionRefused):
    """The ledger moved between reading it and appending to it."""


@dataclass(frozen=True)
class Actor:
    """Who acts. A service may propose and expire; only a person may decide."""

    name: str
    kind: str  # person or service


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
class Book:
    """The ledger as it was read: its head, and the last revision of every proposal.

    A proposal is its row with ``state`` and ``approvals`` (who approved this very content).
    """

    sequence: int
    head: str
    proposals: list[dict[str, Any]]

    def proposal(self, proposal_id: str) -> dict[str, Any]:
        """One proposal by its id, or by the first characters of it that no other shares.

        Raises:
            DecisionRefused: there is none, or several.
        """
        found = [p for p in self.proposals if p["proposal_id"].startswith(proposal_id)]
        if len(found) == 1:
            return found[0]
        what = "No proposal" if not found else f"{len(found)} proposals"
        raise DecisionRefused(
            f"{what} with an id that starts with '{proposal_id}'.",
            fix="`adcanary proposals list` shows the ids.",
        )


class Ledger:
    """Reads and appends. Every append compares the head it read and sets the next.

    Args:
        anchor: a file outside the warehouse that keeps each head; None keeps none.
    """

    def __init__(self, warehouse: Warehouse, anchor: Path | None) -> None:
        self.warehouse = warehouse
        self.anchor = anchor

    def events(self) -> list[dict[str, Any]]:
        """Every event, in the order of the chain."""
        return self.warehouse.query(
            "SELECT * FROM canary.canary_events ORDER BY sequence, event_id"
        ).to_pylist()

    def read(self) -> Book:
        """Every proposal with its state, and the head of the chain it was read at."""
        events = self.events()
        by_proposal: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            by_proposal.setdefault(event["proposal_id"], []).append(event)
        rows = self.warehouse.query(query_text("latest_revisions")).to_pylist()
        return Book(
            sequence=len(events),
            head=events[-1]["event_id"] if events else GENESIS,
            proposals=[_with_state(row, by_proposal.get(row["proposal_id"], [])) for row in rows],
        )

    def append(self, book: Book, events: list[Event], *, also: list[Statement], label: str) -> None:
        """Link events to the chain in one transaction with further statements.

        Args:
            book: what the decision was made on; it must still be the last word.

        Raises:
            Outpaced: somebody appended in the meantime; nothing was written.
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
                kept="your decision was not recorded; theirs was.",
                fix="Look at `adcanary proposals list`, and decide again if you still want to.",
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
    row: dict[str, Any],
    action: Action,
    actor: Actor,
    now: datetime,
    *,
    comment: str | None = None,
    to_state: State | None = None,
) -> Event:
    """The event that moves a proposal (a row with its ``state``) by an action.

    Raises:
        DecisionRefused: the action isn't possible from its state.
    """
    state = State(row["state"])
    return Event(
        proposal_id=row["proposal_id"],
        revision=row["revision"],
        content_hash=row["content_hash"],
        action=action,
        from_state=state,
        to_state=to_state or move(state, action),
        actor=actor,
        occurred_at=now,
        comment=comment,
    )


def insert_proposal(proposal: Proposal) -> list[Statement]:
    """The statements that store a new revision and the baseline it was made against."""
    baseline: dict[str, Value] = {
        "proposal_id": proposal.proposal_id,
        "revision": proposal.revision,
        "platform": proposal.target.platform,
        "account_id": proposal.target.account_id,
        "campaign_id": proposal.target.campaign_id,
        "daily_budget_micros": proposal.baseline_budget_micros,
        "status": proposal.baseline_status,
        "currency_code": proposal.currency_code,
        "as_of": proposal.as_of,
    }
    return [
        insert_row(load_contract("canary.canary_proposals"), proposal.row()),
        insert_row(load_contract("canary.canary_budgets_snapshot"), baseline),
    ]


def _set_head(book: Book, sequence: int, head: str) -> Statement:
    """Compare and set: it moves the head only from where the book was read."""
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


def _event_row(event: Event, sequence: int, previous: str) -> dict[str, Any]:
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


def _with_state(row: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """An approval counts only for the revision and the content it was given to."""
    of_revision = [e for e in events if e["revision"] == row["revision"]]
    approvals = [
        e["actor"]
        for e in of_revision
        if e["action"] == Action.APPROVE and e["content_hash"] == row["content_hash"]
    ]
    state = of_revision[-1]["to_state"] if of_revision else State.NONE
    return {**row, "state": str(state), "approvals": approvals}
