"""How a channel's change of budget is spread over its campaigns: by what the next money brings.

A campaign's return is the orders that journeys credit it with, by what it cost. Few orders say
little, so returns are pulled toward the channel's (Marshall 1991, *Mapping disease and mortality
rates using empirical Bayes estimators*): the variance between campaigns is estimated by moments,
and what chance alone explains moves nobody. The next money brings less than the last: orders are
taken to grow with spend to the power of the channel curve's elasticity at its present spend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from pipelines.proposals.evidence import CampaignReturn

WINDOW_DAYS = 56
MATURE_DAYS = 14
"""Conversions still come in for the touches of so many days; they would change from day to day."""
MIN_ORDERS = 30.0
"""Credited orders of a channel from which its campaigns are told apart."""
_LEAST_RETURN = 1e-12
_MOST_ELASTIC = 0.95  # at 1 and over, the best campaign would take all, however little better it is
_FAR, _HALVINGS = 50.0, 200


@dataclass(frozen=True)
class Return:
    """A campaign's orders for one unit of the reporting currency.

    Args:
        own: as credited; None where it cost nothing.
        shrunk: between its own and the channel's.
        weight: of its own, from 0 to 1.
        orders: that its own rests on.
    """

    own: float | None
    shrunk: float
    weight: float
    orders: float


@dataclass(frozen=True)
class ChannelReturns:
    """A channel's campaigns, in the order that they were given in, or why they can't be told apart.

    Args:
        problem: why the change is spread in proportion to budgets; None where it isn't.
    """

    returns: tuple[Return, ...]
    channel: float
    elasticity: float
    problem: str | None = None


def channel_returns(
    campaigns: Sequence[CampaignReturn | None], elasticity: float | None
) -> ChannelReturns:
    """The returns of a channel's campaigns, each pulled toward the channel's.

    Args:
        campaigns: None where nothing is known of one.
        elasticity: of the channel's curve at its present spend.
    """
    spends = [c.spend.micros / 1e6 if c else 0.0 for c in campaigns]
    orders = [c.orders if c else 0.0 for c in campaigns]
    spent, credited = sum(spends), sum(orders)
    channel = credited / spent if spent > 0 else 0.0
    problem = None
    if elasticity is None or elasticity <= 0:
        problem = "the channel's curve doesn't tell what more spend brings"
    elif spent <= 0 or credited < MIN_ORDERS:
        problem = (
            f"journeys credit its campaigns with {credited:.0f} orders in {WINDOW_DAYS} days; at "
            f"least {MIN_ORDERS:.0f} are needed to tell them apart"
        )
    if problem or elasticity is None:
        return ChannelReturns((), channel, 1.0, problem)
    between = _variance_between(spends, orders, channel)
    returns = []
    for spend, count in zip(spends, orders, strict=True):
        weight = between / (between + channel / spend) if spend > 0 else 0.0
        own = count / spend if spend > 0 else None
        returns.append(
            Return(
                own,
                channel + weight * ((own or 0.0) - channel) if weight else channel,
                weight,
                count,
            )
        )
    if between == 0:
        problem = "the campaigns' returns differ by no more than chance"
    return ChannelReturns(tuple(returns), channel, min(elasticity, _MOST_ELASTIC), problem)


def _variance_between(spends: Sequence[float], orders: Sequence[float], channel: float) -> float:
    """The variance of campaigns' true returns: what counts alone would vary by is taken off."""
    known = [(s, n / s) for s, n in zip(spends, orders, strict=True) if s > 0]
    spent = sum(s for s, _ in known)
    observed = sum(s * (rate - channel) ** 2 for s, rate in known) / spent
    return max(0.0, observed - channel / (spent / len(known)))


def spread(
    budgets: Sequence[float], returns: ChannelReturns, change: float, cap: float
) -> tuple[float, ...]:
    """The change of each budget, all in the direction of ``change``, which they sum to.

    An increase goes where the next money brings most until all that still may grow bring alike; a
    cut is taken where the last money brings least. Without a difference to go by, all change by the
    same share.

    Args:
        cap: the most that a budget may change by, as a share of it; ``change`` is at most that of
            their sum.
    """
    whole = sum(budgets)
    if not whole or not change:
        return tuple(0.0 for _ in budgets)
    if returns.problem:
        return tuple(budget * change / whole for budget in budgets)
    lowest, highest = (1.0, 1.0 + cap) if change > 0 else (1.0 - cap, 1.0)
    power = returns.elasticity - 1
    worths = [log(max(r.shrunk, _LEAST_RETURN)) for r in returns.returns]

    def factors(worth: float) -> list[float]:
        """How much each budget is multiplied by, for the next money to bring no less."""
        wanted = ((worth - own) / power for own in worths)
        return [min(max(exp(min(w, 1.0)), lowest), highest) for w in wanted]

    # what the next money brings: the higher it must be, the less is spent
    low, high = min(worths) - _FAR, max(worths) + _FAR
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        spent = sum(b * f for b, f in zip(budgets, factors(middle), strict=True))
        low, high = (middle, high) if spent > whole + change else (low, middle)
    return tuple(b * (f - 1) for b, f in zip(budgets, factors(high), strict=True))


def next_return(returns: ChannelReturns, position: int) -> float:
    """Orders for the next unit of the reporting currency that a campaign spends."""
    if returns.problem:
        return returns.channel or 1.0
    return returns.elasticity * max(returns.returns[position].shrunk, _LEAST_RETURN)
