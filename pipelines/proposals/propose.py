"""Appends new drafts to the ledger, and expires what is out of date."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from pipelines.proposals.checkpoint import basis
from pipelines.proposals.draft import draft
from pipelines.proposals.events import SERVICE, Actor, Event, make_event
from pipelines.proposals.govern import hold_policy
from pipelines.proposals.ledger import Ledger, Outpaced, baseline_row, proposal_rows
from pipelines.proposals.policy import Moment
from pipelines.proposals.proposal import Proposal, hash_row
from pipelines.proposals.states import OPEN, Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms
from pipelines.telemetry import work

_RETRIES = 2
Known = dict[str, StoredProposal]
Identity = tuple[str, str, str, str | None]


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
    It gets a new revision if it has expired, been superseded or gone stale; if it is open and was
    made under another policy or has another verdict; or if it waits for review and the evidence now
    gives other amounts: nobody could approve it. A newer proposal supersedes an open one for the
    same target. What doesn't pass every guardrail stays a DRAFT: visible, but nobody can approve
    it.

    Args:
        created_by: the service's name or a person's.

    Raises:
        IntegrityError: the ledger, or its anchor, is broken.
        DecisionRefused: no policy is in force, or another one than the terms'; the clock runs
            backwards, or the anchor can't be written.
    """
    actor = SERVICE if created_by == SERVICE.name else Actor(created_by, "person")
    with work("propose", as_of=str(terms.as_of)) as doing:
        proposed = _appended(ledger, terms, actor)
        doing.note(
            created=len(proposed.created),
            superseded=len(proposed.superseded),
            expired=len(proposed.expired),
            refused=len(proposed.refused),
        )
        return proposed


def _appended(ledger: Ledger, terms: Terms, actor: Actor) -> Proposed:
    for _ in range(_RETRIES):
        with suppress(Outpaced):  # somebody has decided meanwhile: read the ledger again
            return _append(ledger, terms, actor)
    return _append(ledger, terms, actor)


def _append(ledger: Ledger, terms: Terms, actor: Actor) -> Proposed:
    book, at = basis(ledger).book(), terms.moment
    book.check_clock(at)
    since = hold_policy(book, terms).sequence
    drafted = draft(ledger.warehouse, terms, book, created_by=actor.name, stopped=book.stopped)
    known: Known = {p.proposal_id: p for p in book.proposals}
    events: list[Event] = []
    new: list[Proposal] = []
    expired = _expire(known, at, events)
    created, existing, superseded = [], [], []
    open_ = _open_by_target(known)
    for proposal in drafted.proposals:
        before = known.get(proposal.proposal_id)
        if before is not None and not _proposable_again(before, proposal, terms, since):
            existing.append(proposal.proposal_id)
            continue
        for older in open_.pop(proposal.target.identity, ()):  # at most one is open for a target
            events.append(_superseded(older, proposal, at))
            known[older.proposal_id] = replace(older, state=State.SUPERSEDED)
            superseded.append(older.proposal_id)
        current = proposal if before is None else proposal.as_revision(before.revision + 1)
        new.append(current)
        events += _submission(current, at)
        created.append(current.proposal_id)
    if events:
        ledger.append(book, events, also=proposal_rows(new), label="propose")
    return Proposed(
        tuple(created),
        tuple(existing),
        tuple(superseded),
        tuple(expired),
        drafted.refused,
    )


def _proposable_again(before: StoredProposal, proposal: Proposal, terms: Terms, since: int) -> bool:
    if before.state not in {State.DRAFT, State.PENDING_REVIEW}:
        return before.state in {State.EXPIRED, State.SUPERSEDED, State.STALE}
    if before.policy_since != since or before.verdict != proposal.verdict:
        return True
    return before.state == State.PENDING_REVIEW and not (
        before.same_amounts(proposal) and before.tells_delta_in(terms.currency)
    )


def _expire(known: Known, at: Moment, events: list[Event]) -> list[str]:
    ids = []
    for proposal_id, stored in known.items():
        if stored.state in OPEN and stored.expires_at <= at.now:
            events.append(make_event(stored, Action.EXPIRE, SERVICE, at))
            known[proposal_id] = replace(stored, state=State.EXPIRED)
            ids.append(proposal_id)
    return ids


def _open_by_target(known: Known) -> dict[Identity, list[StoredProposal]]:
    open_: dict[Identity, list[StoredProposal]] = {}
    for stored in known.values():
        if stored.state in OPEN:
            open_.setdefault(stored.target.identity, []).append(stored)
    return open_


def _superseded(older: StoredProposal, proposal: Proposal, at: Moment) -> Event:
    comment = f"superseded by a newer finding: {proposal.proposal_id}"
    return make_event(older, Action.SUPERSEDE, SERVICE, at, comment=comment)


def _submission(proposal: Proposal, at: Moment) -> list[Event]:
    stored = StoredProposal.fresh(proposal)
    baseline = hash_row(baseline_row(proposal))
    drafted = make_event(stored, Action.DRAFT, SERVICE, at, baseline_hash=baseline)
    if proposal.verdict != "PASS":
        return [drafted]
    submitted = replace(stored, state=State.DRAFT)
    return [drafted, make_event(submitted, Action.SUBMIT, SERVICE, at)]
