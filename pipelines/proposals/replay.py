"""Replays the events: each must be one that its state, actor, policy and clock allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from pipelines.errors import AdcanaryError, IntegrityError
from pipelines.proposals.anchor import broken
from pipelines.proposals.clock import sets_back
from pipelines.proposals.events import LEDGER, SERVICE, LoggedEvent
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.people import person_name, same_person
from pipelines.proposals.policy import Need, Policy, approvals_if_known
from pipelines.proposals.proposal import overall
from pipelines.proposals.roles import Role, lacks, role_of
from pipelines.proposals.states import ABOUT_LEDGER, APPROVING, OPEN, Action, State, move
from pipelines.proposals.stored import StoredProposal

Key = tuple[str, int]
Identity = tuple[str, str, str, str | None]
_BY_PEOPLE = {
    Action.APPROVE,
    Action.REJECT,
    Action.REQUEST_CHANGES,
    Action.WITHDRAW,
    Action.REVOKE,
    Action.BREAK_GLASS,
    Action.ANCHOR,
    Action.STOP,
    Action.RESUME,
}
_BY_APPROVERS = _BY_PEOPLE - ABOUT_LEDGER
_OUTCOMES = {Action.RECORD, Action.MARK_STALE}


@dataclass
class Replay:
    """The ledger's state after the events so far.

    Args:
        proposals: every revision as stored, by id and revision.
        open_for: the revision that is open for each target.
        notes: changes of the policy and new anchors, for people to read.
    """

    proposals: Mapping[Key, StoredProposal]
    states: dict[Key, State] = field(default_factory=dict)
    approvals: dict[Key, list[str]] = field(default_factory=dict)
    drafted_under: dict[Key, int | None] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    open_for: dict[Identity, Key] = field(default_factory=dict)
    policy: Policy | None = None
    policy_since: int | None = None
    stopped: bool = False
    anchors: set[str] = field(default_factory=set)
    before: LoggedEvent | None = None
    set_back: bool = False
    notes: list[str] = field(default_factory=list)

    def continued(self, later: Mapping[Key, StoredProposal]) -> Replay:
        """A copy, to go on with further revisions; without notes."""
        return replace(
            self,
            proposals={**self.proposals, **later},
            states=dict(self.states),
            approvals={key: list(names) for key, names in self.approvals.items()},
            drafted_under=dict(self.drafted_under),
            latest=dict(self.latest),
            open_for=dict(self.open_for),
            anchors=set(self.anchors),
            notes=[],
        )

    def only(self, keys: Set[Key]) -> Replay:
        """With these revisions alone: no event can be about any other."""
        return replace(
            self,
            proposals={key: self.proposals[key] for key in keys},
            states={key: self.states[key] for key in keys},
            approvals={key: names for key, names in self.approvals.items() if key in keys},
            drafted_under={key: self.drafted_under[key] for key in keys},
        )

    def run(self, events: Sequence[LoggedEvent]) -> None:
        """Replay every event, in order.

        Raises:
            IntegrityError: an event isn't one that could have been made; names the row.
        """
        for event in events:
            try:
                self._next(event)
            except _Wrong as wrong:
                raise broken(
                    f"canary_events, row with sequence {event.sequence} ('{event.action}'): {wrong}"
                ) from None
            self.before = event
        if self.set_back:
            raise broken("the last event sets the clock back; the one after it is missing")
        if self.before and _is_approved(self.before):
            raise broken(
                f"canary_events, row with sequence {self.before.sequence}: an approval without "
                "what came of it; a row is missing or was added"
            )

    def _next(self, event: LoggedEvent) -> None:
        self._clock(event)
        self._anchor(event)
        action = _action(event)
        _actor(event, action)
        before = self.before
        if (
            before
            and _is_approved(before)
            and not (action in _OUTCOMES and event.key == before.key)
        ):
            raise _Wrong("it stands between an approval and what came of it")
        if action == Action.SET_POLICY:
            self._set_policy(event)
        if (event.policy, event.policy_hash) != (
            self.policy and self.policy.text,
            self.policy and self.policy.hash,
        ):
            raise _Wrong("its policy isn't the one that was in force")
        if action in ABOUT_LEDGER:
            self._about_ledger(event, action)
        else:
            self._about_proposal(event, action)

    def _clock(self, event: LoggedEvent) -> None:
        before = self.before
        if self.set_back and event.action != Action.SET_POLICY:
            raise _Wrong("the clock was set back, and the policy wasn't put in force again")
        self.set_back = False
        if before and sets_back(event, before):
            if not event.comment:
                raise _Wrong("it sets the clock back, and doesn't say why")
            self.set_back = self.policy is not None
            self.notes.append(
                f"{_signed(event)} set the clock back: it was {before.occurred_at:%Y-%m-%d %H:%M} "
                "UTC at the event before."
            )
        elif before and event.occurred_at < before.occurred_at:
            raise _Wrong("it is earlier than the event before it")
        if event.clock not in {None, "machine", "fixed"}:
            raise _Wrong(f"there is no clock '{event.clock}'")
        if before and before.clock and not event.clock:
            raise _Wrong("it doesn't say by which clock, as the event before it does")
        if before and before.clock == "machine" and event.clock != "machine":
            raise _Wrong("its clock was set, and the event before it had the machine's")

    def _anchor(self, event: LoggedEvent) -> None:
        if event.sequence == 1 or event.action == Action.ANCHOR:
            self.anchors |= {event.anchor} if event.anchor else set()
        elif self.anchors and event.anchor not in self.anchors:
            raise _Wrong("it wasn't made with an anchor that is known")
        elif event.anchor and not self.anchors:
            raise _Wrong("no event began its anchor")

    def _set_policy(self, event: LoggedEvent) -> None:
        if event.policy is None:
            raise _Wrong("it has no policy")
        policy = Policy(event.policy)
        if event.content_hash != policy.hash:
            raise _Wrong("its content_hash isn't that of its policy")
        judge = self.policy if self.policy and self.policy.admins else policy
        if judge.admins and event.actor not in judge.admins:
            raise _Wrong(f"{event.actor} is no admin")
        if self.policy:
            changed = "; ".join(policy.changes(self.policy))
            did = f"changed the policy: {changed}" if changed else "put the same policy in force"
            self.notes.append(f"{_signed(event)} {did}.")
        self.policy, self.policy_since = policy, event.sequence

    def _about_ledger(self, event: LoggedEvent, action: Action) -> None:
        if (event.key, event.from_state, event.to_state) != ((LEDGER, 0), State.NONE, State.NONE):
            raise _Wrong("it is about the ledger, and names a proposal or a state")
        if (event.approvals_needed, event.baseline_hash) != (None, None):
            raise _Wrong("it is about the ledger, and has a value of a proposal")
        if action in {Action.STOP, Action.RESUME}:
            self._switch(event, action)
        if action == Action.ANCHOR:
            if self.policy and self.policy.admins and event.actor not in self.policy.admins:
                raise _Wrong(f"{event.actor} is no admin")
            if event.content_hash != event.previous_hash:
                raise _Wrong("it accepts another head than the one before it")
            reason = f": {event.comment}" if event.comment else ""
            self.notes.append(f"{_signed(event)} began a new anchor{reason}.")

    def _switch(self, event: LoggedEvent, action: Action) -> None:
        stops = action == Action.STOP
        if self.policy is None or not event.comment:
            raise _Wrong("it has no policy, or no reason")
        if self.stopped == stops:
            raise _Wrong(f"the kill switch was {'on' if stops else 'off'} already")
        needed = {Role.ADMIN} if action == Action.RESUME else {Role.ADMIN, Role.APPROVER}
        if role_of(self.policy, event.actor) not in needed:
            raise _Wrong(f"{event.actor} may not do that")
        self.stopped = stops
        self.notes.append(
            f"{_signed(event)} {'stopped everything' if stops else 'ended the stop'}: "
            f"{event.comment}."
        )

    def _about_proposal(self, event: LoggedEvent, action: Action) -> None:
        stored = self.proposals.get(event.key)
        if stored is None or stored.content_hash != event.content_hash:
            raise _Wrong(
                f"it refers to content that {event.proposal_id} revision {event.revision} "
                "doesn't have"
            )
        need = approvals_if_known(stored, self.policy)
        people = need.people if need else None
        if event.approvals_needed != people:
            raise _Wrong(f"it says it needed {event.approvals_needed} approvals, not {people}")
        if action in _BY_APPROVERS:
            self._role(event, stored)
        if event.baseline_hash and action != Action.DRAFT:
            raise _Wrong("only a draft has a baseline")
        state = self.states.get(event.key, State.NONE)
        if event.from_state != state:
            raise _Wrong(f"the proposal was {state}, not {event.from_state}")
        if action == Action.DRAFT:
            self._draft(event, stored)
        elif event.revision != self.latest[event.proposal_id]:
            raise _Wrong(f"revision {self.latest[event.proposal_id]} had replaced it")
        to_state = _moved(state, action)
        if action in APPROVING:
            to_state = self._approve(event, stored, need)
        elif action == Action.RECORD:
            self._record(event, stored, need)
        elif action == Action.SUBMIT and stored.verdict != "PASS":
            raise _Wrong(f"its guardrail verdict is {stored.verdict}")
        elif action == Action.EXPIRE and event.occurred_at < stored.expires_at:
            raise _Wrong("the proposal hadn't expired")
        if event.to_state != to_state:
            raise _Wrong(f"it leads to {to_state}, not to {event.to_state}")
        self._move(event.key, stored, to_state)

    def _move(self, key: Key, stored: StoredProposal, state: State) -> None:
        self.states[key] = state
        if state in OPEN:
            self.open_for[stored.target.identity] = key
        elif self.open_for.get(stored.target.identity) == key:
            del self.open_for[stored.target.identity]

    def _role(self, event: LoggedEvent, stored: StoredProposal) -> None:
        own = event.action == Action.WITHDRAW and same_person(stored.created_by, event.actor)
        if role_of(self.policy, event.actor) == Role.VIEWER and not own:
            raise _Wrong(f"{event.actor} was a viewer")

    def _draft(self, event: LoggedEvent, stored: StoredProposal) -> None:
        if event.revision != self.latest.get(event.proposal_id, 0) + 1:
            raise _Wrong("it isn't the next revision of its proposal")
        if other := self.open_for.get(stored.target.identity):
            raise _Wrong(f"{other[0]} revision {other[1]} is open for the same target")
        self.latest[event.proposal_id] = event.revision
        self.drafted_under[event.key] = self.policy_since

    def _approve(self, event: LoggedEvent, stored: StoredProposal, need: Need | None) -> State:
        broken_glass = event.action == Action.BREAK_GLASS
        given = self.approvals.setdefault(event.key, [])
        if same_person(stored.created_by, event.actor):
            raise _Wrong(f"{event.actor} had proposed it")
        if any(same_person(name, event.actor) for name in given):
            raise _Wrong(f"{event.actor} had approved it already")
        if stored.verdict != "PASS":
            raise _Wrong(f"its guardrail verdict is {stored.verdict}")
        if event.occurred_at >= stored.expires_at:
            raise _Wrong("the proposal had expired")
        if broken_glass:
            self._break_glass(event)
        elif self.stopped or (self.policy and self.policy.kill_switch):
            raise _Wrong("the kill switch was on")
        if self.drafted_under[event.key] != self.policy_since:
            raise _Wrong("the proposal was made under another policy")
        if event.clock and need is None:
            raise _Wrong("how many approvals it needs is not known")
        given.append(event.actor)
        if event.to_state == State.PENDING_REVIEW and not broken_glass and self._short(given, need):
            return State.PENDING_REVIEW
        return State.APPROVED

    def _break_glass(self, event: LoggedEvent) -> None:
        if role_of(self.policy, event.actor) != Role.ADMIN or not event.comment:
            raise _Wrong("the glass was broken by somebody who is no admin, or without a reason")
        self.notes.append(
            f"{_signed(event)} broke the glass for {event.proposal_id}: {event.comment}."
        )

    def _short(self, given: Sequence[str], need: Need | None) -> bool:
        """Whether further people must approve."""
        if need is None or self.policy is None:
            return False
        return len(given) < need.people or lacks(self.policy, need.group, given)

    def _record(self, event: LoggedEvent, stored: StoredProposal, need: Need | None) -> None:
        before = self.before
        if before is None or not _is_approved(before) or before.key != event.key:
            raise _Wrong("no approval comes before it")
        if before.action == Action.APPROVE and self._short(self.approvals[event.key], need):
            raise _Wrong("it needs further approvals")
        why = self.policy and self.policy.exceeded(kind_of(stored.kind).change(stored))
        if why:
            raise _Wrong(why)


class _Wrong(Exception):
    """What an event can't have been, without its place."""


def checked(proposal: StoredProposal) -> StoredProposal:
    """A stored proposal whose values agree with each other.

    Raises:
        IntegrityError: they don't, or can't be read; says which.
    """
    where = f"canary_proposals, {proposal.proposal_id} revision {proposal.revision}"
    change = kind_of(proposal.kind).change(proposal)
    try:
        certificate = {c.name: c.verdict for c in proposal.certificate()}
        agrees = {
            "rollback": proposal.rollback() == kind_of(proposal.kind).rollback(change),
            "guardrails": proposal.guardrails() == certificate,
            "verdict": proposal.verdict == overall(proposal.certificate()),
            "delta_micros": change.field != "daily_budget_micros"
            or proposal.delta.micros == int(change.to_value) - int(change.from_value),
        }
    except (ValueError, IntegrityError) as error:
        raise broken(f"{where}: it can't be read: {error}") from error
    for column, agreed in agrees.items():
        if not agreed:
            raise broken(f"{where}: {column} doesn't agree with the other columns")
    return proposal


def _is_approved(event: LoggedEvent) -> bool:
    return event.action in APPROVING and event.to_state == State.APPROVED


def _action(event: LoggedEvent) -> Action:
    try:
        return Action(event.action)
    except ValueError:
        raise _Wrong("there is no such action") from None


def _actor(event: LoggedEvent, action: Action) -> None:
    if event.actor_kind == "service" and event.actor == SERVICE.name:
        if action in _BY_PEOPLE:
            raise _Wrong("only a person does that")
        return
    if event.actor_kind != "person" or action not in _BY_PEOPLE | {Action.SET_POLICY}:
        raise _Wrong(f"{event.actor} ({event.actor_kind}) may not do that")
    try:
        name = person_name(event.actor)
    except AdcanaryError:
        name = None
    if name != event.actor and (event.clock or name is None):
        raise _Wrong(f"{event.actor!a} isn't how a person's name is recorded")


def _moved(state: State, action: Action) -> State:
    try:
        return move(state, action)
    except AdcanaryError as error:
        raise _Wrong(error.message.rstrip(".")) from None


def _signed(event: LoggedEvent) -> str:
    return f"Event {event.sequence}, {event.occurred_at:%Y-%m-%d %H:%M} UTC: {event.actor}"
