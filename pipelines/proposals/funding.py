"""Increases that cuts pay for: what was recorded of a group decides what may follow."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.money import Money, total
from pipelines.proposals.kinds.base import Obstacle
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal


def increase_obstacle(
    stored: StoredProposal, group: Iterable[StoredProposal], currency: str, of: str
) -> Obstacle | None:
    """Why an increase can't be recorded yet: cuts of its group must be, first, so that the total
    never grows.

    Args:
        group: the proposals that pay for each other, itself included.
        currency: the reporting currency, in which amounts are compared.
        of: the group as text, such as ``its week``.
    """
    if stored.delta.micros <= 0:
        return None
    group = list(group)
    needed, released = stored.delta_in(currency), _released(group, currency)
    if needed <= released:
        return None
    cuts = [p for p in group if p.delta.micros < 0 and p.state == State.PENDING_REVIEW]
    ids = ", ".join(p.proposal_id for p in cuts) or "none are open"
    return Obstacle(
        f"it needs {needed} a day, but the approved cuts of {of} leave {released}",
        f"Approve cuts first ({ids}), so that the total doesn't grow.",
    )


def cut_obstacle(
    stored: StoredProposal, group: Iterable[StoredProposal], currency: str, of: str
) -> Obstacle | None:
    """Why a recorded cut can't be revoked: increases of its group need what it releases."""
    group = list(group)
    if _released(group, currency) + stored.delta_in(currency) >= Money(0, currency):
        return None
    rising = [p for p in group if p.delta.micros > 0 and p.state == State.SHADOW_RECORDED]
    ids = ", ".join(p.proposal_id for p in rising)
    return Obstacle(
        f"increases of {of} that are recorded need what it releases", f"Revoke those first: {ids}."
    )


def _released(group: Iterable[StoredProposal], currency: str) -> Money:
    """What the recorded changes of a group leave a day, of what its cuts released."""
    recorded = (p.delta_in(currency) for p in group if p.state == State.SHADOW_RECORDED)
    return -total(recorded, currency)
