"""The caps that proposals share: what one takes of them, another can't have.

A day's changes of all budgets, and the number of open proposals, are held over everything that is
open or was recorded: each proposal may be within its own bounds while all of them are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace

from pipelines.money import Money, total
from pipelines.proposals.book import Book
from pipelines.proposals.kinds.base import Drafted
from pipelines.proposals.market import Market, budgets_once
from pipelines.proposals.proposal import Constraint, Proposal
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms

BUDGET = "daily_budget_micros"
Identity = tuple[str, str, str, str | None]
_WAITING = {State.PENDING_REVIEW, State.CHANGES_REQUESTED, State.APPROVED}


def hold_together(drafted: Drafted, market: Market, book: Book, terms: Terms) -> Drafted:
    """The drafts, each budget change held to the day's cap on all of them.

    What doesn't fit under the number of open proposals is left out, with a reason; urgent ones come
    first, then those that move the most.
    """
    # one constraint for all: it is the same for each, and takes a look at every proposal
    routine = any(_is_routine_budget(p) for p in drafted.proposals)
    day = _daily_total(drafted.proposals, market, book, terms) if routine else None
    proposals = tuple(_held(p, day) for p in drafted.proposals)
    return _fitting(replace(drafted, proposals=proposals), market, book, terms)


def _held(proposal: Proposal, day: Constraint | None) -> Proposal:
    if day is None or not _is_routine_budget(proposal):
        return proposal
    return replace(proposal, constraints=(*proposal.constraints, day))


def _daily_total(
    proposals: Iterable[Proposal], market: Market, book: Book, terms: Terms
) -> Constraint:
    """All changes of budgets that are drafted, open, or recorded today, as a share of all budgets.

    A finding that is open or recorded already counts once; what expires, or gives way to a draft
    for the same target, doesn't count.
    """
    name, unit = "max_total_daily_change", "percent of all budgets a day"
    bound, rates = terms.caps.max_total_daily_change_percent, market.rates
    recorded = _recorded(book, terms)
    drafted = {p.proposal_id: p.delta for p in proposals if _is_routine_budget(p)}
    replaced = {p.target.identity for p in proposals if _is_routine_budget(p)}
    known = {
        p.proposal_id: p.delta
        for p in book.proposals
        if (p.proposal_id in recorded or _stays_open(p, replaced, terms)) and _moves_budget(p)
    }
    deltas = [abs(delta) for delta in {**known, **drafted}.values()]
    budgets = [c.budget for c in budgets_once(market.campaigns) if c.status == "ENABLED"]
    currencies = {m.currency for m in (*deltas, *budgets) if m.micros}
    if unknown := {currency for currency in currencies if not rates.knows(currency)}:
        message = f"No rate from {', '.join(sorted(unknown))} to {rates.target} is known."
        return Constraint(name, "NO_DATA", None, bound, unit, False, message)
    whole = total([rates.convert(b) for b in budgets if b.micros], rates.target)
    if not whole.micros:
        return Constraint(name, "NO_DATA", None, bound, unit, False, "No budget is known.")
    moved: Money = total([rates.convert(d) for d in deltas if d.micros], rates.target)
    value = moved / whole * 100
    return Constraint(
        name,
        "PASS" if value <= bound * (1 + 1e-9) else "FAIL",
        value,
        bound,
        unit,
        abs(value - bound) <= bound * 0.01,
        f"What is open or was recorded today moves {moved} a day, {value:.2f}% of all budgets; at "
        f"most {bound:.2f}%.",
    )


def _fitting(drafted: Drafted, market: Market, book: Book, terms: Terms) -> Drafted:
    most = terms.policy.settings.max_open_proposals
    open_ = {p.proposal_id for p in book.proposals if p.state in _WAITING and not _over(p, terms)}
    new = [p for p in drafted.proposals if p.verdict == "PASS" and p.proposal_id not in open_]
    replaced = {p.target.identity for p in new}
    staying = sum(
        p.proposal_id in open_ and p.target.identity not in replaced for p in book.proposals
    )
    room = max(most - staying, 0)
    if len(new) <= room:
        return drafted
    kept = {p.proposal_id for p in sorted(new, key=lambda p: _rank(p, market))[:room]}
    left = [p for p in new if p.proposal_id not in kept]
    names = ", ".join(f"{p.kind} of {p.target.name or p.target.campaign_id}" for p in left[:3])
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    reason = (
        f"{len(left)} proposals wait ({names}{more}): at most {most} may be open, and {staying} "
        "are. Decide on those first."
    )
    dropped = {p.proposal_id for p in left}
    return Drafted(
        tuple(p for p in drafted.proposals if p.proposal_id not in dropped),
        (*drafted.refused, reason),
    )


def _rank(proposal: Proposal, market: Market) -> tuple[bool, float, str]:
    rates = market.rates
    known = rates.knows(proposal.currency)
    size = rates.convert(abs(proposal.delta)).micros if known else proposal.delta.micros
    return proposal.urgency != "URGENT", -float(size), proposal.proposal_id


def _is_routine_budget(proposal: Proposal) -> bool:
    return proposal.change.field == BUDGET and proposal.urgency != "URGENT"


def _stays_open(stored: StoredProposal, replaced: Set[Identity], terms: Terms) -> bool:
    waits = stored.state in _WAITING and not _over(stored, terms)
    return waits and stored.target.identity not in replaced


def _moves_budget(stored: StoredProposal) -> bool:
    return stored.urgency != "URGENT" and stored.rollback().field == BUDGET


def _recorded(book: Book, terms: Terms) -> set[str]:
    return {
        e.proposal_id
        for e in book.events
        if e.action == "record" and e.occurred_at >= terms.day_began
    } - {p.proposal_id for p in book.proposals if p.state == State.REVOKED}


def _over(stored: StoredProposal, terms: Terms) -> bool:
    return stored.expires_at <= terms.now
