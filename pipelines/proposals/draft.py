"""Drafts what the present evidence supports: every kind of proposal, each from its own evidence."""

from __future__ import annotations

from datetime import timedelta

from pipelines.proposals.kinds import KINDS
from pipelines.proposals.kinds.base import Drafted, Stamp
from pipelines.proposals.ledger import Book
from pipelines.proposals.market import read_market
from pipelines.proposals.terms import Terms
from pipelines.proposals.together import hold_together
from pipelines.warehouse import Warehouse


def draft(
    warehouse: Warehouse, terms: Terms, book: Book, *, created_by: str, stopped: bool
) -> Drafted:
    """Every proposal that the evidence supports, and the reasons for what was refused.

    A proposal expires ``expires_after_days`` after the end of the present day, so that proposing
    twice on one day gives the same content.

    Args:
        book: the ledger, whose open proposals share the caps of a day.
        created_by: who or what proposes.
        stopped: whether the kill switch holds.

    Raises:
        StatementError: the marts are not built yet.
    """
    if stopped:
        return Drafted((), ("The kill switch is on: nothing is proposed.",))
    midnight = terms.now.replace(hour=0, minute=0, second=0, microsecond=0)
    expires_at = midnight + timedelta(days=terms.caps.expires_after_days + 1)
    stamp = Stamp(terms.as_of, expires_at, created_by)
    with warehouse.unit(read_only=True):
        market = read_market(warehouse, terms, stopped=stopped)
        drafts = [
            kind.draft(market, kind.read(warehouse, terms.as_of), terms.caps, stamp)
            for kind in KINDS.values()
        ]
    drafted = Drafted(
        tuple(proposal for d in drafts for proposal in d.proposals),
        tuple(reason for d in drafts for reason in d.refused),
    )
    return hold_together(drafted, market, book, terms)
