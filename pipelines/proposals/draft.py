"""Drafts what the present evidence supports: every kind of proposal, each from its own evidence."""

from __future__ import annotations

from datetime import timedelta

from pipelines.proposals.kinds import KINDS
from pipelines.proposals.kinds.base import Drafted, Stamp
from pipelines.proposals.market import read_market
from pipelines.proposals.terms import Terms
from pipelines.warehouse import Warehouse


def draft(warehouse: Warehouse, terms: Terms, *, created_by: str) -> Drafted:
    """Every proposal that the evidence supports, and the reasons for what was refused.

    A proposal expires ``expires_after_days`` after the end of the present day, so that proposing
    twice on one day gives the same content.

    Args:
        created_by: who or what proposes.

    Raises:
        StatementError: the marts are not built yet.
    """
    if terms.caps.kill_switch:
        return Drafted((), ("The kill switch is on: nothing is proposed.",))
    midnight = terms.now.replace(hour=0, minute=0, second=0, microsecond=0)
    expires_at = midnight + timedelta(days=terms.caps.expires_after_days + 1)
    stamp = Stamp(terms.as_of, expires_at, created_by)
    market = read_market(warehouse, terms)
    drafts = [
        kind.draft(market, kind.read(warehouse, terms.as_of), terms.caps, stamp)
        for kind in KINDS.values()
    ]
    return Drafted(
        tuple(proposal for d in drafts for proposal in d.proposals),
        tuple(reason for d in drafts for reason in d.refused),
    )
