"""The scripted approver: approves what passes, and cuts no more than what passes can use."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.money import Money, Rates, total
from pipelines.proposals.proposal import Proposal


def approve(proposals: Sequence[Proposal], rates: Rates) -> tuple[Proposal, ...]:
    """The proposals that are approved.

    Cuts come first, the largest at the head, until they pay for the increases that pass. Then an
    increase is approved if the cuts so far leave enough for it, as the ledger asks.
    """
    passing = [p for p in proposals if p.verdict == "PASS"]
    worth = {p.proposal_id: rates.convert(p.delta) for p in passing}

    def size(proposal: Proposal) -> tuple[int, str]:
        return -abs(worth[proposal.proposal_id].micros), proposal.proposal_id

    increases = sorted((p for p in passing if p.delta.micros > 0), key=size)
    wanted = total((worth[p.proposal_id] for p in increases), rates.target)
    left, approved = Money(0, rates.target), []
    for cut in sorted((p for p in passing if p.delta.micros < 0), key=size):
        if left < wanted:
            approved.append(cut)
            left = left - worth[cut.proposal_id]
    for increase in increases:
        if worth[increase.proposal_id] <= left:
            approved.append(increase)
            left = left - worth[increase.proposal_id]
    return tuple(approved)
