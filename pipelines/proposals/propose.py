"""Appends new drafts to the ledger, and expires what is out of date."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from pipelines.proposals.draft import draft
from pipelines.proposals.kinds.base import Drafted
from pipelines.proposals.ledger import (
    SERVICE,
    Event,
    Ledger,
    Outpaced,
    insert_proposal,
    make_event,
)
from pipelines.proposals.proposal import Proposal
from pipelines.proposals.states import OPEN, Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms
from pipelines.warehouse import Statement

_RETRIES = 2
Known = dict[str, StoredProposal]


@dataclass(frozen=True)
class Proposed:
    """What a run of propose did: the ids of proposals, and the reasons in ``refused``."""

    created: tuple[str, ...]
    existing: tuple[str, ...]
    superseded: tuple[str, ...]
    expired: tuple[str, ...]
    refused: tuple[str, ...]


def propose(ledger: Ledger, terms: Terms, *, created_by: str) -> Proposed:
    """Draft from the evidence as of a day, and append what is new.

    The same finding is not proposed twice: an open or decided proposal with its id is left alone.
    It gets a new revision if it has expired, been superseded or gone stale, or if it is a DRAFT
    whose verdict has changed. A newer proposal supersedes an open one for the same campaign. What
    doesn't pass every guardrail stays a DRAFT: visible, but nobody can approve it.
    """
    drafted = draft(ledger.warehouse, terms, created_by=created_by)
    for _ in range(_RETRIES):
        with suppress(Outpaced):  # somebody has decided meanwhile: read the ledger again
            return _append(ledger, drafted, terms)
    return _append(ledger, drafted, terms)


def _append(ledger: Ledger, drafted: Drafted, terms: Terms) -> Proposed:
    book, now = ledger.read(), terms.now
    known: Known = {p.proposal_id: p for p in book.proposals}
    events: list[Event] = []
    statements: list[Statement] = []
    expired = _expire(known, now, events)
    created, existing, superseded = [], [], []
    for proposal in drafted.proposals:
        before = known.get(proposal.proposal_id)
        if before is not None and not _proposable_again(before, proposal, terms):
            existing.append(proposal.proposal_id)
            continue
        superseded += _supersede(proposal, known, now, events)
        current = proposal if before is None else proposal.as_revision(before.revision + 1)
        statements += insert_proposal(current)
        events += _submission(current, now)
        created.append(current.proposal_id)
    if events:
        ledger.append(book, events, also=statements, label="propose")
    return Proposed(
        tuple(created), tuple(existing), tuple(superseded), tuple(expired), drafted.refused
    )


def _proposable_again(before: StoredProposal, proposal: Proposal, terms: Terms) -> bool:
    if before.state == State.DRAFT:
        return before.verdict != proposal.verdict
    if before.state == State.PENDING_REVIEW:
        # nobody could approve it: it names no rate to the present reporting currency
        return not before.tells_delta_in(terms.currency)
    return before.state in {State.EXPIRED, State.SUPERSEDED, State.STALE}


def _expire(known: Known, now: datetime, events: list[Event]) -> list[str]:
    ids = []
    for proposal_id, stored in known.items():
        if stored.state in OPEN and stored.expires_at <= now:
            events.append(make_event(stored, Action.EXPIRE, SERVICE, now))
            known[proposal_id] = replace(stored, state=State.EXPIRED)
            ids.append(proposal_id)
    return ids


def _supersede(proposal: Proposal, known: Known, now: datetime, events: list[Event]) -> list[str]:
    """At most one open proposal per target: an older one for the same campaign gives way."""
    ids = []
    for proposal_id, stored in known.items():
        if stored.state in OPEN and stored.target.key == proposal.target.key:
            comment = f"superseded by a newer finding: {proposal.proposal_id}"
            events.append(make_event(stored, Action.SUPERSEDE, SERVICE, now, comment=comment))
            known[proposal_id] = replace(stored, state=State.SUPERSEDED)
            ids.append(proposal_id)
    return ids


def _submission(proposal: Proposal, now: datetime) -> list[Event]:
    stored = StoredProposal.fresh(proposal)
    drafted = make_event(stored, Action.DRAFT, SERVICE, now)
    if proposal.verdict != "PASS":
        return [drafted]
    submitted = replace(stored, state=State.DRAFT)
    return [drafted, make_event(submitted, Action.SUBMIT, SERVICE, now)]
