"""What people do with proposals: approve, reject, request changes, withdraw."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.money import Money
from pipelines.proposals.draft import draft
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.ledger import SERVICE, Actor, Ledger, insert_change, make_event
from pipelines.proposals.market import read_campaigns
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms

_DAYS = 7


def approve(
    ledger: Ledger,
    terms: Terms,
    proposal_id: str,
    actor: Actor,
    *,
    comment: str | None = None,
    seen_hash: str | None = None,
) -> State:
    """Approve a proposal's latest revision; with enough approvals, record it in the shadow feed.

    First its content is checked against its hash, the baseline is read again (a difference makes
    it STALE), and every guardrail is checked again on the present evidence.

    Args:
        seen_hash: start of the content hash that the actor saw; any other content is refused.

    Returns:
        Its new state: PENDING_REVIEW while further approvals are needed, STALE, or
        SHADOW_RECORDED.

    Raises:
        DecisionRefused: the actor may not approve it, it can't be approved, or a guardrail no
            longer holds; says which. Nothing was recorded.
        RateUnknown: the proposal has no rate to the reporting currency. Nothing was recorded.
        IntegrityError: the stored content was changed after it was proposed, or its kind is
            unknown.
    """
    book, now = ledger.read(), terms.now
    stored = book.proposal(proposal_id)
    kind = kind_of(stored.kind)
    _may_approve(stored, actor, now, seen_hash)
    approved = make_event(stored, Action.APPROVE, actor, now, comment=comment)
    after = replace(stored, state=State.APPROVED)
    present = next(
        (c for c in read_campaigns(ledger.warehouse) if c.key == stored.target.key), None
    )
    drift = kind.drift(ledger.baseline(stored), present)
    if drift:
        stale = make_event(after, Action.MARK_STALE, SERVICE, now, comment=drift)
        ledger.append(book, [approved, stale], also=[], label="approve")
        return State.STALE
    _still_holds(ledger, terms, stored)
    obstacle = kind.obstacle(stored, book, terms.currency)
    if obstacle:
        raise _refusal(stored, obstacle.why, obstacle.fix)
    if len(stored.approvals) + 1 < approvals_needed(stored, terms):
        event = make_event(
            stored, Action.APPROVE, actor, now, comment=comment, to_state=State.PENDING_REVIEW
        )
        ledger.append(book, [event], also=[], label="approve")
        return State.PENDING_REVIEW
    recorded = make_event(after, Action.RECORD, SERVICE, now)
    change = insert_change(stored, kind.change(stored), now)
    ledger.append(book, [approved, recorded], also=[change], label="approve")
    return State.SHADOW_RECORDED


def decide(
    ledger: Ledger,
    proposal_id: str,
    action: Action,
    actor: Actor,
    *,
    now: datetime,
    comment: str | None,
) -> State:
    """Reject, request changes on, or withdraw a proposal.

    Raises:
        DecisionRefused: the actor may not, or the proposal's state doesn't allow it.
    """
    book = ledger.read()
    stored = book.proposal(proposal_id)
    _is_person(stored, actor)
    event = make_event(stored, action, actor, now, comment=comment)
    ledger.append(book, [event], also=[], label=str(action))
    return event.to_state


def approvals_needed(stored: StoredProposal, terms: Terms) -> int:
    """One person; two when a week of the change moves more than the configured amount.

    Raises:
        RateUnknown: the change can't be converted to the reporting currency, which that amount
            is in.
    """
    weekly = abs(stored.delta_in(terms.currency)) * _DAYS
    return 2 if weekly > Money(terms.caps.approvers_over_micros, terms.currency) else 1


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
    if not stored.content_holds():
        raise IntegrityError(
            f"Proposal {stored.proposal_id} revision {stored.revision} is not what was proposed: "
            "its content doesn't match its hash.",
            kept="nothing was recorded.",
            fix="Run `adcanary audit verify`, and make no decisions until this is explained.",
        )
    if seen_hash and not stored.content_hash.startswith(seen_hash):
        what = f"its content hash is {stored.content_hash[:12]}, not {seen_hash[:12]}"
        fix = "Look at it again: it has changed since you saw it."
        raise _refusal(stored, what, fix)
    if stored.created_by == actor.name:
        why = f"{actor.name} proposed it and may not approve it"
        raise _refusal(stored, why, "Ask a colleague to review it.")
    if stored.verdict != "PASS":
        verdict = f"its guardrail verdict is {stored.verdict}"
        raise _refusal(stored, verdict, "Only a proposal whose verdict is PASS can be approved.")
    if actor.name in stored.approvals:
        why = f"{actor.name} has approved it already"
        raise _refusal(stored, why, "Ask another person to approve it.")


def _is_person(stored: StoredProposal, actor: Actor) -> None:
    if actor.kind != "person" or actor.name.startswith("service:"):
        raise _refusal(stored, f"{actor.name} is a service", "Only a person can decide.")


def _still_holds(ledger: Ledger, terms: Terms, stored: StoredProposal) -> None:
    """Draft again from the present evidence: the same finding must turn up, and pass."""
    drafted = draft(ledger.warehouse, terms, created_by=stored.created_by)
    again = next((p for p in drafted.proposals if p.proposal_id == stored.proposal_id), None)
    if again is None:
        why = "; ".join(drafted.refused) or "the present evidence no longer supports it"
        fix = "Run the jobs and `adcanary propose`, then decide on the new proposals."
        raise _refusal(stored, why, fix)
    if again.verdict != "PASS":
        failed = "; ".join(c.message for c in again.constraints if c.verdict != "PASS")
        why = f"a guardrail no longer holds: {failed}"
        raise _refusal(stored, why, "Run `adcanary propose` again later.")


def _refusal(stored: StoredProposal, why: str, fix: str) -> DecisionRefused:
    return DecisionRefused(
        f"Proposal {stored.proposal_id} revision {stored.revision}: {why}.",
        kept="the proposal is unchanged.",
        fix=fix,
    )
