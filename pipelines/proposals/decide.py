"""What people and the service do to proposals: submit, approve, reject, record."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipelines.config import GuardrailSettings, Settings
from pipelines.contracts import load_contract
from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.proposals.facts import Campaign, Facts, read_campaigns, read_facts
from pipelines.proposals.ledger import (
    Actor,
    Book,
    Event,
    Ledger,
    Outpaced,
    insert_proposal,
    make_event,
)
from pipelines.proposals.proposal import Proposal
from pipelines.proposals.propose import draft
from pipelines.proposals.states import OPEN, Action, State
from pipelines.proposals.verify import content_holds
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import insert_row

SERVICE = Actor("service:adcanary", "service")
_RETRIES = 2


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
    which = settings.warehouse
    name = which.project if which.kind == "bigquery" else which.path.stem
    anchor = settings.path.parent / ".adcanary" / f"audit-anchor-{which.kind}-{name}.jsonl"
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
        day_began=settings.day_began(),
        created_by=created_by,
    )


def propose(
    ledger: Ledger,
    settings: GuardrailSettings,
    *,
    now: datetime,
    as_of: date,
    day_began: datetime,
    created_by: str,
) -> Proposed:
    """Draft from the evidence as of a day, and append what is new.

    The same finding is not proposed twice: an open or decided proposal with its id stays as it
    is. It gets a further revision where it expired, was superseded or went stale, and where it
    is a DRAFT that now gets another verdict. A newer proposal supersedes an open one for the
    same campaign. What doesn't pass every guardrail stays a DRAFT, visible and undecidable.

    Args:
        now: the present instant, UTC.
        day_began: the first instant, UTC, of the present day: changes recorded since count
            towards the cap of a day.
    """
    facts = read_facts(ledger.warehouse, as_of, day_began)
    drafted, refused = draft(facts, settings, now=now, created_by=created_by)
    for _ in range(_RETRIES):
        with suppress(Outpaced):  # somebody decided meanwhile: read the ledger again
            return _append(ledger, drafted, refused, now)
    return _append(ledger, drafted, refused, now)


def _append(ledger: Ledger, drafted: list[Proposal], refused: list[str], now: datetime) -> Proposed:
    book = ledger.read()
    known = {p["proposal_id"]: p for p in book.proposals}
    events: list[Event] = []
    statements: list[Statement] = []
    expired = _expire(known, now, events)
    created, existing, superseded = [], [], []
    for proposal in drafted:
        before = known.get(proposal.proposal_id)
        if before is not None and not _proposable_again(before, proposal):
            existing.append(proposal.proposal_id)
            continue
        superseded += _supersede(proposal, known, now, events)
        current = _next_revision(proposal, before)
        statements += insert_proposal(current)
        events += _submission(current, now)
        created.append(current.proposal_id)
    if events:
        ledger.append(book, events, also=statements, label="propose")
    return Proposed(
        tuple(created), tuple(existing), tuple(superseded), tuple(expired), tuple(refused)
    )


def _proposable_again(before: dict[str, Any], proposal: Proposal) -> bool:
    if before["state"] == State.DRAFT:
        return bool(before["verdict"] != proposal.verdict)
    return before["state"] in {State.EXPIRED, State.SUPERSEDED, State.STALE}


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
            comment = f"superseded by a newer finding: {proposal.proposal_id}"
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
    day_began: datetime,
    comment: str | None = None,
    seen_hash: str | None = None,
) -> State:
    """Approve the last revision of a proposal; with enough approvals, record it in the shadow feed.

    Before that, its content is held to its hash, the baseline is read again (a difference makes
    it STALE), and every guardrail is checked again on the present evidence.

    Args:
        as_of: the last day of evidence.
        day_began: the first instant, UTC, of the present day.
        seen_hash: start of the content hash that the actor saw; another content is refused.

    Returns:
        The state it is in now: PENDING_REVIEW while further approvals are needed, STALE, or
        SHADOW_RECORDED.

    Raises:
        DecisionRefused: the actor may not, the proposal can't be approved, or a guardrail no
            longer holds; says which. Nothing was recorded.
        IntegrityError: the stored content was changed after it was proposed.
    """
    book = ledger.read()
    row = book.proposal(proposal_id)
    _may_approve(row, actor, now, seen_hash)
    approved = make_event(row, Action.APPROVE, actor, now, comment=comment)
    after = {**row, "state": State.APPROVED}
    drift = _drift(ledger, row)
    if drift:
        stale = make_event(after, Action.MARK_STALE, SERVICE, now, comment=drift)
        ledger.append(book, [approved, stale], also=[], label="approve")
        return State.STALE
    facts = read_facts(ledger.warehouse, as_of, day_began)
    _still_holds(facts, settings, row, now)
    _is_funded(book, row)
    if len(row["approvals"]) + 1 < approvals_needed(row, settings):
        event = make_event(
            row, Action.APPROVE, actor, now, comment=comment, to_state=State.PENDING_REVIEW
        )
        ledger.append(book, [event], also=[], label="approve")
        return State.PENDING_REVIEW
    recorded = make_event(after, Action.RECORD, SERVICE, now)
    ledger.append(book, [approved, recorded], also=[_change(row, now)], label="approve")
    return State.SHADOW_RECORDED


def _may_approve(row: dict[str, Any], actor: Actor, now: datetime, seen_hash: str | None) -> None:
    _may_decide(row, actor, now)
    if not content_holds(row):
        raise IntegrityError(
            f"Proposal {row['proposal_id']} revision {row['revision']} is not what was proposed: "
            "its content doesn't give its hash.",
            kept="nothing was recorded.",
            fix="Run `adcanary audit verify`, and decide nothing until it is explained.",
        )
    if seen_hash and not row["content_hash"].startswith(seen_hash):
        what = f"its content hash is {row['content_hash'][:12]}, not {seen_hash[:12]}"
        raise _refusal(row, what, "Look at it again: it changed since you saw it.")
    if row["created_by"] == actor.name:
        raise _refusal(row, f"{actor.name} proposed it and may not approve it", "Ask a colleague.")
    if row["verdict"] != "PASS":
        verdict = f"its guardrail verdict is {row['verdict']}"
        raise _refusal(row, verdict, "Only PASS can be approved.")
    if actor.name in row["approvals"]:
        raise _refusal(row, f"{actor.name} has approved it already", "Another person has to.")


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
    _is_person(row, actor)
    event = make_event(row, action, actor, now, comment=comment)
    ledger.append(book, [event], also=[], label=str(action))
    return event.to_state


def approvals_needed(row: dict[str, Any], settings: GuardrailSettings) -> int:
    """One person; two when a week of the change moves more than the configured amount."""
    weekly = abs(row["delta_micros"] or 0) * 7
    return 2 if weekly > settings.approvers_over_micros else 1


def _is_person(row: dict[str, Any], actor: Actor) -> None:
    if actor.kind != "person" or actor.name.startswith("service:"):
        raise _refusal(row, f"{actor.name} is a service", "A person has to decide.")


def _may_decide(row: dict[str, Any], actor: Actor, now: datetime) -> None:
    _is_person(row, actor)
    if row["state"] != State.PENDING_REVIEW:
        raise _refusal(row, f"it is {row['state']}", "Only PENDING_REVIEW can be decided.")
    if row["expires_at"] <= now:
        raise _refusal(
            row,
            f"it expired at {row['expires_at']:%Y-%m-%d %H:%M} UTC",
            "`adcanary propose` makes a new revision if the evidence still holds.",
        )


def _still_holds(
    facts: Facts, settings: GuardrailSettings, row: dict[str, Any], now: datetime
) -> None:
    """Draft again from the present evidence: the same finding must be there and pass."""
    drafted, refused = draft(facts, settings, now=now, created_by=row["created_by"])
    again = next((p for p in drafted if p.proposal_id == row["proposal_id"]), None)
    if again is None:
        why = "; ".join(refused) or "the present evidence gives no such proposal"
        raise _refusal(row, why, "Run the jobs and `adcanary propose`, and decide on what is new.")
    if again.verdict != "PASS":
        failed = "; ".join(c.message for c in again.constraints if c.verdict != "PASS")
        raise _refusal(row, f"a guardrail no longer holds: {failed}", "Propose again later.")


def _is_funded(book: Book, row: dict[str, Any]) -> None:
    """An increase needs cuts of its week that were recorded before it: the total never grows."""
    if row["kind"] != "budget_shift" or row["delta_micros"] <= 0:
        return
    week_to = json.loads(row["evidence"])["week_to"]
    week = [
        p
        for p in book.proposals
        if p["kind"] == "budget_shift" and json.loads(p["evidence"])["week_to"] == week_to
    ]
    released = -sum(p["delta_micros"] for p in week if p["state"] == State.SHADOW_RECORDED)
    if row["delta_micros"] <= released:
        return
    cuts = [p for p in week if p["delta_micros"] < 0 and p["state"] == State.PENDING_REVIEW]
    ids = ", ".join(p["proposal_id"] for p in cuts) or "none is open"
    why = (
        f"it needs {row['delta_micros'] / 1e6:.2f} a day, and the approved cuts of its week "
        f"leave {released / 1e6:.2f}"
    )
    raise _refusal(row, why, f"Approve cuts first ({ids}), so that the total doesn't grow.")


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
