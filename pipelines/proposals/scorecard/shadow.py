"""What the newest response curve says that a change would have brought."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import RateUnknown
from pipelines.money import Money, Rates
from pipelines.proposals.proposal import Interval

NEAR = 0.20
"""Of a channel's spend: for a larger change the marginal orders of now say little."""


@dataclass(frozen=True)
class Curve:
    """A channel's present point of a run's curve: weekly spend, the orders it brings, and those of
    one more unit of its currency (None if not known)."""

    run_id: str
    channel: str
    weekly_spend: Money
    orders: Interval
    marginal: Interval | None


def shadow(curve: Curve, weekly_delta: Money, rates: Rates) -> Interval | None:
    """The orders of a week that a change of the weekly spend would bring; None if it can't be said.

    A small change is told by the marginal orders, a large one by the mean orders of the spend.
    """
    if not curve.weekly_spend.micros or rates.target != curve.weekly_spend.currency:
        return None
    try:
        moved = rates.convert(weekly_delta)
    except RateUnknown:
        return None
    share = moved / curve.weekly_spend
    if curve.marginal and abs(share) <= NEAR:
        return curve.marginal.scaled(moved.micros / 1_000_000)
    return curve.orders.scaled(share)
