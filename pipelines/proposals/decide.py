"""What people do with proposals: approve, reject, request changes, withdraw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from pipelines.errors import DecisionRefused
from pipelines.proposals.book import Book
from pipelines.proposals.checkpoint import basis
from pipelines.proposals.clock import is_before
from pipelines.proposals.draft import draft
from pipelines.proposals.events import SERVICE, Actor, anchor_event, make_event, policy_event
from pipelines.proposals.govern import hold_policy
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.ledger import Ledger, change_row
from pipelines.proposals.market import read_campaigns
from pipelines.proposals.people import same_person
from pipelines.proposals.policy import Need, Policy, approvals_needed
from pipelines.proposals.proposal import Proposal
from pipelines.proposals.roles import Role, lacks, role_of
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms
from pipelines.proposals.verify import verified


@dataclass(frozen=True)
class Decision:
    """The state that a decision led to, and why, if it isn't the one that was asked for."""

    state: State
    why: str | None = None


def approve(
    ledger: Ledger,
    terms: Terms,
    proposal_id: str,
    actor: Actor,
    *,
    comment: str | None = None,
    seen_hash: str | None = None,
    break_glass: bool = False,
) -> Decision:
    """Approve a proposal's latest revision; with enough approvals, record it in the shadow feed.

    First the whole ledger is verified. The policy must be the one in force, and the one that the
    proposal was made under. The baseline is read again and the proposal drafted again from the
    present evidence: every guardrail must hold, on exactly the amounts that get recorded. A
    baseline or amounts that differ make it STALE.

    Args:
        seen_hash: start of the content hash that the actor saw; any other content is refused.
        break_glass: an admin, alone and with a reason, in place of all who must approve, and even
            while the kill switch is on. Every guardrail holds all the same.

    Returns:
        Its new state: PENDING_REVIEW while further approvals are needed, STALE with the reason, or
        SHADOW_RECORDED.

    Raises:
        DecisionRefused: the actor may not approve it, it can't be approved, a guardrail no longer
            holds, the clock runs backwards, or the anchor can't be written; says which. Nothing was
            recorded.
        RateUnknown: the proposal has no rate to the reporting currency. Nothing was recorded.
        IntegrityError: the ledger or its anchor is broken, or the proposal's kind is unknown.
    """
    records, at = basis(ledger), terms.moment
    book = records.book()
    book.check_clock(at)
    stored = book.proposal(proposal_id)
    kind = kind_of(stored.kind)
    policy = _policy_in_force(book, stored, terms, break_glass=break_glass)
    _may_approve(stored, actor, at.now, seen_hash)
    if break_glass:
        _may_break_glass(stored, actor, policy, comment)
    else:
        _has_role(stored, actor, policy)
    action = Action.BREAK_GLASS if break_glass else Action.APPROVE
    approved = make_event(stored, action, actor, at, comment=comment)
    after = replace(stored, state=State.APPROVED)
    present = next(
        (c for c in read_campaigns(ledger.warehouse) if c.key == stored.target.key), None
    )
    why = kind.drift(records.baseline(stored), present)
    if why is None:
        stopped = book.stopped and not break_glass
        why = _other_amounts(stored, _drafted_again(ledger, terms, book, stored, stopped=stopped))
    if why:
        stale = make_event(after, Action.MARK_STALE, SERVICE, at, comment=why)
        ledger.append(book, [approved, stale], label="approve")
        return Decision(State.STALE, why)
    change = kind.change(stored)
    if exceeded := policy.exceeded(change):
        raise _refusal(stored, exceeded, "Run `adcanary propose` for a change within the caps.")
    obstacle = kind.obstacle(stored, book, terms.currency)
    if obstacle:
        raise _refusal(stored, obstacle.why, obstacle.fix)
    missing = _missing(stored, actor, approvals_needed(stored, policy), policy)
    if missing and not break_glass:
        event = make_event(
            stored, Action.APPROVE, actor, at, comment=comment, to_state=State.PENDING_REVIEW
        )
        ledger.append(book, [event], label="approve")
        return Decision(State.PENDING_REVIEW, missing)
    recorded = make_event(after, Action.RECORD, SERVICE, at)
    rows = {"canary.canary_changes": [change_row(stored, change, at.now)]}
    ledger.append(book, [approved, recorded], also=rows, label="approve")
    return Decision(State.SHADOW_RECORDED)


def decide(
    ledger: Ledger,
    terms: Terms,
    proposal_id: str,
    action: Action,
    actor: Actor,
    *,
    comment: str | None,
    seen_hash: str | None = None,
) -> State:
    """Reject, request changes on, withdraw or revoke a proposal, even while the kill switch is on.

    Who proposed may withdraw it; all else is for approvers. A recorded change is revoked before
    somebody carries it out: the feed keeps it, and neither caps nor exports count it.

    Args:
        seen_hash: start of the content hash that the actor saw; any other content is refused.

    Raises:
        DecisionRefused: the actor may not, the proposal's state doesn't allow it, the clock runs
            backwards, or the anchor can't be written.
        IntegrityError: the ledger, or its anchor, is broken.
    """
    book = basis(ledger).book()
    stored = book.proposal(proposal_id)
    _is_person(stored, actor)
    _is_what_was_seen(stored, seen_hash)
    own = action == Action.WITHDRAW and same_person(stored.created_by, actor.name)
    if not own:
        _has_role(stored, actor, book.policy)
    if action == Action.REVOKE:
        obstacle = kind_of(stored.kind).revocation_obstacle(stored, book, terms.currency)
        if obstacle:
            raise _refusal(stored, obstacle.why, obstacle.fix)
    event = make_event(stored, action, actor, book.at(terms.moment), comment=comment)
    ledger.append(book, [event], label=str(action))
    return event.to_state


def accept_anchor(ledger: Ledger, terms: Terms, actor: Actor, *, comment: str | None) -> int:
    """Begin a new anchor from the present head, once a person has looked at why the present one is
    missing or differs; the old file is kept. Returns the number of events that were accepted.

    With a comment, it may be before the newest event, whose clock was ahead then: the policy is put
    in force again, so that nothing that was proposed before can be approved.

    Raises:
        IntegrityError: the ledger is broken apart from its anchor.
        DecisionRefused: the actor is no admin of the policy, the clock runs backwards without a
            comment, or the anchor can't be written.
    """
    book = verified(ledger, anchored=False).book()
    admins = book.policy.admins if book.policy else ()
    if admins and actor.name not in admins:
        raise DecisionRefused(
            f"{actor.name} is no admin: {', '.join(admins)} may begin a new anchor.",
            kept="nothing was recorded.",
            fix="Ask one of them.",
        )
    at = book.at(terms.moment)
    events = [anchor_event(book.head, actor, at, comment)]
    if is_before(book.events, at) and book.policy:
        events.append(policy_event(book.policy, actor, at))
    ledger.append(book, events, label="anchor")
    return book.sequence


def _may_approve(
    stored: StoredProposal, actor: Actor, now: datetime, seen_hash: str | None
) -> None:
    _is_person(stored, actor)
    if stored.state != State.PENDING_REVIEW:
        raise _refusal(
            stored, f"it is {stored.state}", "Only a PENDING_REVIEW proposal can be approved."
        )
    if stored.expires_at <= now:
        raise _refusal(
            stored,
            f"it expired at {stored.expires_at:%Y-%m-%d %H:%M} UTC",
            "Run `adcanary propose`: it makes a new revision if the evidence still holds.",
        )
    _is_what_was_seen(stored, seen_hash)
    if same_person(stored.created_by, actor.name):
        why = f"{actor.name} proposed it and may not approve it"
        raise _refusal(stored, why, "Ask a colleague to review it.")
    if stored.verdict != "PASS":
        verdict = f"its guardrail verdict is {stored.verdict}"
        raise _refusal(stored, verdict, "Only a proposal whose verdict is PASS can be approved.")
    earlier = next((name for name in stored.approvals if same_person(name, actor.name)), None)
    if earlier:
        why = f"{earlier} has approved it already"
        raise _refusal(stored, why, "Ask another person to approve it.")


def _is_what_was_seen(stored: StoredProposal, seen_hash: str | None) -> None:
    if seen_hash and not stored.content_hash.startswith(seen_hash):
        what = f"its content hash is {stored.content_hash[:12]}, not {seen_hash[:12]}"
        fix = "Look at it again: it has changed since you saw it."
        raise _refusal(stored, what, fix)


def _has_role(stored: StoredProposal, actor: Actor, policy: Policy | None) -> None:
    if role_of(policy, actor.name) == Role.VIEWER:
        why = f"{actor.name} is a viewer under the policy in force"
        raise _refusal(stored, why, "Ask an approver that `adcanary policy show` lists.")


def _may_break_glass(
    stored: StoredProposal, actor: Actor, policy: Policy, comment: str | None
) -> None:
    if role_of(policy, actor.name) != Role.ADMIN:
        why = f"{actor.name} is no admin and may not break the glass"
        raise _refusal(stored, why, "Ask an admin that `adcanary policy show` lists.")
    if not (comment or "").strip():
        raise _refusal(stored, "breaking the glass needs a reason", "Say why, for the record.")


def _is_person(stored: StoredProposal, actor: Actor) -> None:
    if actor.kind != "person":
        raise _refusal(stored, f"{actor.name} is a service", "Only a person can decide.")


def _policy_in_force(
    book: Book, stored: StoredProposal, terms: Terms, *, break_glass: bool
) -> Policy:
    """The policy, if it is the one in force and the one that the proposal was made under."""
    if book.stopped and not break_glass:
        raise _refusal(stored, "the kill switch is on", "Nothing is approved while it is.")
    event = hold_policy(book, terms)
    if stored.policy_since != event.sequence:
        why = f"it was made before event {event.sequence} ({event.actor}) changed the policy"
        raise _refusal(stored, why, "Run `adcanary propose`: it makes a new revision.")
    return terms.policy


def _missing(stored: StoredProposal, actor: Actor, need: Need, policy: Policy) -> str | None:
    """Whose approval it still needs once the actor has given theirs; None if nobody's."""
    given = (*stored.approvals, actor.name)
    if (more := need.people - len(given)) > 0:
        return f"{more} more must approve it"
    if lacks(policy, need.group, given):
        members = ", ".join(policy.group(need.group or ""))
        return f"one of the group {need.group} must approve it, too ({members})"
    return None


def _drafted_again(
    ledger: Ledger, terms: Terms, book: Book, stored: StoredProposal, *, stopped: bool
) -> Proposal:
    """The same finding from the present evidence: it must turn up, and pass."""
    drafted = draft(ledger.warehouse, terms, book, created_by=stored.created_by, stopped=stopped)
    again = next((p for p in drafted.proposals if p.proposal_id == stored.proposal_id), None)
    if again is None:
        why = "; ".join(drafted.refused) or "the present evidence no longer supports it"
        fix = "Run the jobs and `adcanary propose`, then decide on the new proposals."
        raise _refusal(stored, why, fix)
    if again.verdict != "PASS":
        failed = "; ".join(c.message for c in again.constraints if c.verdict != "PASS")
        why = f"a guardrail no longer holds: {failed}"
        raise _refusal(stored, why, "Run `adcanary propose` again later.")
    return again


def _other_amounts(stored: StoredProposal, again: Proposal) -> str | None:
    """How the amounts that the guardrails saw differ from those that would be recorded."""
    if stored.same_amounts(again):
        return None
    describe = kind_of(stored.kind).describe
    return (
        f"the present evidence gives {describe(StoredProposal.fresh(again)).change}, not "
        f"{describe(stored).change}"
    )


def _refusal(stored: StoredProposal, why: str, fix: str) -> DecisionRefused:
    return DecisionRefused(
        f"Proposal {stored.proposal_id} revision {stored.revision}: {why}.",
        kept="the proposal is unchanged.",
        fix=fix,
    )
