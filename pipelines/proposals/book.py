"""The ledger as it was read: what its events make of its proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from pipelines.errors import DecisionRefused
from pipelines.proposals.anchor import Anchored, broken
from pipelines.proposals.clock import check_clock
from pipelines.proposals.events import GENESIS, LoggedEvent
from pipelines.proposals.policy import Moment, Policy
from pipelines.proposals.states import APPROVING, Action, State
from pipelines.proposals.stored import StoredProposal


def no_policy() -> DecisionRefused:
    """Why nothing is proposed or decided before the first policy."""
    return DecisionRefused(
        "No policy is in force: nobody has said what proposals are held to, and who decides.",
        kept="nothing was recorded.",
        fix="An admin that the policy file names puts it in force: `adcanary policy set`.",
    )


class Basis(Protocol):
    """What stands for the events that a book doesn't have."""

    @property
    def sequence(self) -> int: ...
    @property
    def head(self) -> str: ...
    @property
    def touched(self) -> Mapping[str, int]: ...
    @property
    def anchored(self) -> Anchored | None: ...


@dataclass(frozen=True)
class Book:
    """The ledger as it was read: its events, and the latest revision of every proposal.

    With a ``basis``, the events are only those about the ledger and about what was recorded, and
    the newest.
    """

    events: tuple[LoggedEvent, ...]
    proposals: tuple[StoredProposal, ...]
    basis: Basis | None = None

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
        return self.basis.sequence if self.basis else len(self.events)

    @property
    def head(self) -> str:
        return self.events[-1].event_id if self.events else GENESIS

    def touched_since(self, sequence: int) -> Set[str]:
        """The proposals that an event after that one is about."""
        if self.basis:
            return {id_ for id_, last in self.basis.touched.items() if last > sequence}
        return {event.proposal_id for event in self.events[max(sequence, 0) :]}

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
