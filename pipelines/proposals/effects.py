"""What a week's change of a campaign's spend does to orders, by its channel's response."""

from __future__ import annotations

from pipelines.money import Money
from pipelines.proposals.evidence import JobEvidence, Response
from pipelines.proposals.market import Market
from pipelines.proposals.proposal import Effect, Interval, MoneyInterval

AVERAGE = "the campaign's share of its channel's orders, at the channel's average response"
MARGINAL = "the campaign's share of its channel's orders, at the channel's marginal response"


def orders_of(
    market: Market, mmm: JobEvidence | None, response: Response | None, spend: Money
) -> tuple[Interval | None, str]:
    """The orders that go with a part of a channel's weekly spend at its average response; None, and
    why, where they can't be told. A part of the channel is at most all of it."""
    usable = mmm is not None and mmm.verdict == "PASS"
    if response is None or not usable or not response.weekly_spend:
        return None, "orders not estimated: no media mix result to use"
    currency = response.weekly_spend.currency
    if currency != market.rates.target or not market.rates.knows(spend.currency):
        return None, f"orders not estimated: no rate from {spend.currency} to {currency}"
    share = market.rates.convert(spend) / response.weekly_spend
    return response.orders.scaled(max(-1.0, min(share, 1.0))), AVERAGE


def effect_of_spend(
    market: Market,
    mmm: JobEvidence | None,
    response: Response | None,
    order_value: Money | None,
    spend: Money,
    *,
    marginal: bool = False,
) -> Effect:
    """The effect of a week with so much more, or less, spend in a channel.

    Args:
        marginal: what comes on top of the channel's present spend brings less than the mean of it.
    """
    orders, note = orders_of(market, mmm, response, spend)
    if orders is None or order_value is None:
        return Effect(spend, None, None, None, note)
    if marginal and response is not None:
        if response.elasticity is None:
            why = "orders not estimated: the channel's curve doesn't tell what more spend brings"
            return Effect(spend, None, None, None, why)
        orders, note = orders.scaled(max(0.0, min(response.elasticity, 1.0))), MARGINAL
    value = market.rates.convert(spend)
    cac = None
    if value.micros > 0 and orders.p10 > 0:
        an_order = Interval(*(value.micros / n for n in (orders.p90, orders.p50, orders.p10)))
        cac = MoneyInterval.of(an_order, value.currency)
    revenue = MoneyInterval.of(orders.scaled(order_value.micros), order_value.currency)
    return Effect(spend, orders, revenue, cac, note)


def effect_of_gain(  # noqa: PLR0917
    market: Market,
    mmm: JobEvidence | None,
    response: Response | None,
    order_value: Money | None,
    money: Money,
    gain: Interval,
    note: str,
) -> Effect:
    """The effect of a week in which a part of a campaign's money brings more, and no more is spent.

    Args:
        gain: what it brings more, over what the money brings by the media mix. Both are taken at
            their ends, so that the interval is wide.
        note: how the gain is known, kept where the effect can be told.
    """
    nothing = Money(0, money.currency)
    orders, why = orders_of(market, mmm, response, money)
    if orders is None or order_value is None:
        return Effect(nothing, None, None, None, why)
    ends = [a * b for a in (orders.p10, orders.p90) for b in (gain.p10, gain.p90)]
    more = Interval(min(ends), orders.p50 * gain.p50, max(ends))
    revenue = MoneyInterval.of(more.scaled(order_value.micros), order_value.currency)
    return Effect(nothing, more, revenue, None, note)
