"""The events of the ledger, as they are made and as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from pipelines.proposals.people import person_name
from pipelines.proposals.policy import Moment, Policy, approvals_if_known
from pipelines.proposals.proposal import hash_row
from pipelines.proposals.states import Action, State, move
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse.base import Value

GENESIS = "0" * 64
LEDGER = "ledger"
"""The ``proposal_id`` of an event about the ledger itself."""

# Columns that events of earlier versions don't have; they count in the hash where they have a value
_LATER = ("policy", "policy_hash", "approvals_needed", "baseline_hash", "clock", "anchor")


@dataclass(frozen=True)
class Actor:
    """Who acts, by the one spelling of the name. A service may propose and expire; only a person
    may decide.

    Raises:
        UsageError: a person's name can't be used.
        DecisionRefused: a person's name is spelled like a service.
    """

    name: str
    kind: str  # person or service

    def __post_init__(self) -> None:
        if self.kind != "service":
            object.__setattr__(self, "name", person_name(self.name))


SERVICE = Actor("service:adcanary", "service")


@dataclass(frozen=True)
class Event:
    """One row of canary_events, before it is linked into the chain.

    Args:
        approvals_needed: for the proposal under the policy; None where that isn't known.
        baseline_hash: of a draft: SHA-256 of its row in canary_budgets_snapshot.
    """

    proposal_id: str
    revision: int
    content_hash: str
    action: Action
    from_state: State
    to_state: State
    actor: Actor
    at: Moment
    comment: str | None = None
    approvals_needed: int | None = None
    baseline_hash: str | None = None


@dataclass(frozen=True)
class LoggedEvent:
    """A row of canary_events as stored; ``row`` is kept verbatim, for its hash. What an earlier
    version recorded has no clock, policy and anchor."""

    sequence: int
    event_id: str
    previous_hash: str
    proposal_id: str
    revision: int
    content_hash: str
    action: str
    from_state: str
    to_state: str
    actor: str
    actor_kind: str
    comment: str | None
    occurred_at: datetime
    policy: str | None
    policy_hash: str | None
    approvals_needed: int | None
    baseline_hash: str | None
    clock: str | None
    anchor: str | None
    row: Mapping[str, Any]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> LoggedEvent:
        own: dict[str, Any] = {f.name: row.get(f.name) for f in fields(cls) if f.name != "row"}
        return cls(**own, row=row)

    @property
    def key(self) -> tuple[str, int]:
        """The revision that it is about."""
        return self.proposal_id, self.revision

    def content_holds(self) -> bool:
        """Whether the row still matches its event_id."""
        return hash_event(self.row) == self.event_id


def make_event(
    stored: StoredProposal,
    action: Action,
    actor: Actor,
    at: Moment,
    *,
    comment: str | None = None,
    to_state: State | None = None,
    baseline_hash: str | None = None,
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
        at=at,
        comment=comment,
        approvals_needed=need.people if (need := approvals_if_known(stored, at.policy)) else None,
        baseline_hash=baseline_hash,
    )


def policy_event(policy: Policy, actor: Actor, at: Moment, comment: str | None = None) -> Event:
    """The event that puts a policy in force."""
    return _about_ledger(Action.SET_POLICY, policy.hash, actor, at, comment)


def switch_event(action: Action, head: str, actor: Actor, at: Moment, comment: str) -> Event:
    """The event that stops all proposing and approving, or ends a stop."""
    return _about_ledger(action, head, actor, at, comment)


def anchor_event(head: str, actor: Actor, at: Moment, comment: str | None) -> Event:
    """The event by which a person takes the chain, up to a head, as it is, with a new anchor."""
    return _about_ledger(Action.ANCHOR, head, actor, at, comment)


def event_row(event: Event, sequence: int, previous: str, anchor: str | None) -> dict[str, Value]:
    """An event as a row of canary_events, linked to the one before it."""
    policy = event.at.policy
    row: dict[str, Value] = {
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
        "occurred_at": event.at.now,
        "policy": policy.text if policy else None,
        "policy_hash": policy.hash if policy else None,
        "approvals_needed": event.approvals_needed,
        "baseline_hash": event.baseline_hash,
        "clock": event.at.clock,
        "anchor": anchor,
    }
    return {**row, "event_id": hash_event(row)}


def hash_event(row: Mapping[str, Any]) -> str:
    """SHA-256 over an event's canonical JSON, previous_hash included: the link of the chain."""
    own = {k: v for k, v in row.items() if k != "event_id" and not (k in _LATER and v is None)}
    return hash_row(own)


def _about_ledger(
    action: Action, content: str, actor: Actor, at: Moment, comment: str | None
) -> Event:
    return Event(LEDGER, 0, content, action, State.NONE, State.NONE, actor, at, comment)
