"""What people and the service do to proposals: submit, approve, reject, record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipelines.config import GuardrailSettings, Settings
from pipelines.errors import DecisionRefused
from pipelines.proposals import policy
from pipelines.proposals.facts import Campaign, Facts, read_campaigns, read_facts
from pipelines.proposals.ledger import Actor, Event, Ledger, insert_proposal, make_event
from pipelines.proposals.proposal import Constraint, Proposal, overall
from pipelines.proposals.propose import draft
from pipelines.proposals.states import OPEN, Action, State
from pipelines.warehouse import Statement, Warehouse, load_contract
from pipelines.warehouse.base import insert_row

SERVICE = Actor("service:adcanary", "service")


@dataclass(frozen=True)
class Proposed:
    """What a run of propose did: ``created`` and ``existing`` are ids, ``refused`` is words."""

    created: tuple[str, ...]
    existing: tuple[str, ...]
    superseded: tuple[str, ...]
    expired: tuple[str, ...]
    refused: tuple[str, ...]


def open_ledger(warehouse: Warehouse, settings: Settings) -> Ledger:
    """The ledger of a warehouse, its heads anchored beside the configuration."""
    anchor = settings.path.parent / ".adcanary" / f"audit-anchor-{settings.warehouse.kind}.jsonl"
    return Ledger(warehouse, anchor)


def propose_from(
    warehouse: Warehouse, settings: Settings, *, created_by: str, as_of: date | None = None
) -> Proposed:
    """Propose from the last results up to a day (by default yesterday): see :func:`propose`."""
    return propose(
        open_ledger(warehouse, settings),
        settings.guardrails,
        now=settings.clock(),
        as_of=as_of or settings.yesterday(),
        created_by=created_by,
    )


def propose(
    ledger: Ledger, settings: GuardrailSettings, *, now: datetime, as_of: date, created_by: str
) -> Proposed:
    """Draft from the evidence as of a day, and append what is new.

    The same finding is not proposed twice: an open or decided proposal with its id stays as it
    is; an expired one gets a further revision. A newer proposal supersedes an open one for the
    same campaign. What doesn't pass every guardrail stays a DRAFT, visible and undecidable.
    """
    facts = read_facts(ledger.warehouse, as_of)
    drafted, refused = draft(facts, settings, now=now, created_by=created_by)
    book = ledger.read()
    known = {p["proposal_id"]: p for p in book.proposals}
    events: list[Event] = []
    statements: list[Statement] = []
    expired = _expire(known, now, events)
    created, existing, superseded = [], [], []
    for proposal in drafted:
        before = known.get(proposal.proposal_id)
        if before is not None and before["state"] != State.EXPIRED:
            existing.append(proposal.proposal_id)
            continue
        current = _next_revision(proposal, before)
        superseded += _supersede(current, known, now, events)
        statements += insert_proposal(current)
        events += _submission(current, now)
        created.append(current.proposal_id)
    if events:
        ledger.append(book, events, also=statements, label="propose")
    return Proposed(
        tuple(created), tuple(existing), tuple(superseded), tuple(expired), tuple(refused)
    )


def _expire(known: dict[str, dict[str, Any]], now: datetime, events: list[Event]) -> list[str]:
    ids = []
    for proposal_id, row in known.items():
        if row["state"] in OPEN and row["expires_at"] <= now:
            events.append(make_event(row, Action.EXPIRE, SERVICE, now))
            known[proposal_id] = {**row, "state": State.EXPIRED}
            ids.append(proposal_id)
    return ids


def _next_revision(proposal: Proposal, before: dict[str, Any] | None) -> Proposal:
    if before is None:
        return proposal
    fields = {
        name: getattr(proposal, name)
        for name, field in Proposal.__dataclass_fields__.items()
        if field.init
    }
    return Proposal(**{**fields, "revision": before["revision"] + 1})


def _supersede(
    proposal: Proposal, known: dict[str, dict[str, Any]], now: datetime, events: list[Event]
) -> list[str]:
    """One open proposal a target: an older one for the same campaign gives way."""
    ids = []
    for proposal_id, row in known.items():
        target = (row["platform"], row["account_id"], row["campaign_id"])
        if row["state"] in OPEN and target == proposal.target.key:
            comment = f"superseded by {proposal.proposal_id}"
            events.append(make_event(row, Action.SUPERSEDE, SERVICE, now, comment=comment))
            known[proposal_id] = {**row, "state": State.SUPERSEDED}
            ids.append(proposal_id)
    return ids


def _submission(proposal: Proposal, now: datetime) -> list[Event]:
    row = {**proposal.row(), "state": State.NONE}
    drafted = make_event(row, Action.DRAFT, SERVICE, now)
    if proposal.verdict != "PASS":
        return [drafted]
    return [drafted, make_event({**row, "state": State.DRAFT}, Action.SUBMIT, SERVICE, now)]


def approve(
    ledger: Ledger,
    settings: GuardrailSettings,
    proposal_id: str,
    actor: Actor,
    *,
    now: datetime,
    as_of: date,
    comment: str | None = None,
) -> State:
    """Approve the last revision of a proposal; with enough approvals, record it in the shadow feed.

    Before recording, the baseline is read again (a difference makes it STALE) and the caps are
    checked again.

    Returns:
        The state it is in now: PENDING_REVIEW while further approvals are needed, STALE, or
        SHADOW_RECORDED.

    Raises:
        DecisionRefused: the actor may not, the proposal can't be approved, or a cap no longer
            holds; says which. Nothing was recorded.
    """
    book = ledger.read()
    row = book.proposal(proposal_id)
    _may_decide(row, actor, now)
    if row["created_by"] == actor.name:
        raise _refusal(row, f"{actor.name} proposed it and may not approve it", "Ask a colleague.")
    if row["verdict"] != "PASS":
        raise _refusal(
            row, f"its guardrail verdict is {row['verdict']}", "Only PASS can be approved."
        )
    if actor.name in row["approvals"]:
        raise _refusal(row, f"{actor.name} has approved it already", "Another person has to.")
    _still_within_caps(ledger, settings, row, now, as_of)
    needed = approvals_needed(row, settings)
    if len(row["approvals"]) + 1 < needed:
        event = make_event(
            row, Action.APPROVE, actor, now, comment=comment, to_state=State.PENDING_REVIEW
        )
        ledger.append(book, [event], also=[], label="approve")
        return State.PENDING_REVIEW
    approved = make_event(row, Action.APPROVE, actor, now, comment=comment)
    after = {**row, "state": State.APPROVED}
    drift = _drift(ledger, row)
    if drift:
        stale = make_event(after, Action.MARK_STALE, SERVICE, now, comment=drift)
        ledger.append(book, [approved, stale], also=[], label="approve")
        return State.STALE
    recorded = make_event(after, Action.RECORD, SERVICE, now)
    ledger.append(book, [approved, recorded], also=[_change(row, now)], label="approve")
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
        DecisionRefused: the actor may not, or the proposal isn't in a state for it.
    """
    book = ledger.read()
    row = book.proposal(proposal_id)
    if action is not Action.WITHDRAW:
        _may_decide(row, actor, now)
    event = make_event(row, action, actor, now, comment=comment)
    ledger.append(book, [event], also=[], label=str(action))
    return event.to_state


def approvals_needed(row: dict[str, Any], settings: GuardrailSettings) -> int:
    """One person; two when a week of the change moves more than the configured amount."""
    weekly = abs(row["delta_micros"] or 0) * 7
    return 2 if weekly > settings.approvers_over_micros else 1


def _may_decide(row: dict[str, Any], actor: Actor, now: datetime) -> None:
    if actor.kind != "person" or actor.name.startswith("service:"):
        raise _refusal(row, f"{actor.name} is a service", "A person has to decide.")
    if row["state"] != State.PENDING_REVIEW:
        raise _refusal(row, f"it is {row['state']}", "Only PENDING_REVIEW can be decided.")
    if row["expires_at"] <= now:
        raise _refusal(
            row,
            f"it expired at {row['expires_at']:%Y-%m-%d %H:%M} UTC",
            "`adcanary propose` makes a new revision if the evidence still holds.",
        )


def _still_within_caps(
    ledger: Ledger, settings: GuardrailSettings, row: dict[str, Any], now: datetime, as_of: date
) -> None:
    constraints: list[Constraint] = [policy.kill_switch(settings)]
    if row["kind"] == "budget_shift":
        facts: Facts = read_facts(ledger.warehouse, as_of)
        key = (row["platform"], row["account_id"], row["campaign_id"])
        delta, budget = row["delta_micros"], int(row["current_value"])
        today = facts.changed_today_micros.get(key, 0)
        constraints += [
            policy.max_change(delta, budget, settings),
            policy.max_daily_change(delta, today, budget, settings),
        ]
    if overall(tuple(constraints)) != "PASS":
        failed = [c.message for c in constraints if c.verdict != "PASS"]
        raise _refusal(row, "; ".join(failed), "Wait for tomorrow, or propose a smaller change.")


def _drift(ledger: Ledger, row: dict[str, Any]) -> str | None:
    """How the campaign differs from the baseline the proposal was made against, if it does."""
    baseline = ledger.warehouse.query(
        "SELECT daily_budget_micros, status FROM canary.canary_budgets_snapshot "
        "WHERE proposal_id = @proposal_id AND revision = @revision",
        {"proposal_id": row["proposal_id"], "revision": row["revision"]},
    ).to_pylist()[0]
    key = (row["platform"], row["account_id"], row["campaign_id"])
    present: Campaign | None = next(
        (c for c in read_campaigns(ledger.warehouse) if c.key == key), None
    )
    if present is None:
        return "the campaign is no longer there"
    budget = present.daily_budget_micros or 0
    if budget != baseline["daily_budget_micros"]:
        return f"the budget was {baseline['daily_budget_micros']} micros and is {budget}"
    if present.status != baseline["status"]:
        return f"the status was {baseline['status']} and is {present.status}"
    return None


def _change(row: dict[str, Any], now: datetime) -> Statement:
    return insert_row(
        load_contract("canary.canary_changes"),
        {
            "proposal_id": row["proposal_id"],
            "revision": row["revision"],
            "content_hash": row["content_hash"],
            "platform": row["platform"],
            "account_id": row["account_id"],
            "campaign_id": row["campaign_id"],
            "field": "status" if row["kind"] == "pause" else "daily_budget_micros",
            "from_value": row["current_value"],
            "to_value": row["proposed_value"],
            "recorded_at": now,
        },
    )


def _refusal(row: dict[str, Any], why: str, fix: str) -> DecisionRefused:
    return DecisionRefused(
        f"Proposal {row['proposal_id']} revision {row['revision']}: {why}.",
        kept="the proposal is as it was.",
        fix=fix,
    )
