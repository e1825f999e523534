"""The media mix's allocation as changes of daily budgets: which campaign takes how much of what its
channel is to change by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from math import ceil

from pipelines.money import Money, minor_unit, total
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import (
    Alert,
    Allocation,
    CampaignReturn,
    JobEvidence,
    Readiness,
    Response,
)
from pipelines.proposals.market import Campaign, Key, Market, budgets_once
from pipelines.proposals.proposal import Effect, Interval, MoneyInterval
from pipelines.proposals.returns import (
    WINDOW_DAYS,
    ChannelReturns,
    channel_returns,
    next_return,
    spread,
)

_DAYS = 7


@dataclass(frozen=True)
class Inputs:
    mmm: JobEvidence | None
    allocations: tuple[Allocation, ...]
    pacing: JobEvidence | None
    readiness: Readiness | None
    alerts: tuple[Alert, ...]
    responses: Mapping[str, Response] = field(default_factory=dict)
    returns: tuple[CampaignReturn, ...] = ()


@dataclass(frozen=True)
class Split:
    """The campaigns of a channel that share its change, with what is known of their returns."""

    campaigns: tuple[Campaign, ...]
    returns: ChannelReturns

    def position(self, key: Key) -> int:
        return [c.key for c in self.campaigns].index(key)

    def reason(self, key: Key, currency: str) -> str:
        """By what a campaign's part was decided, as text."""
        if self.returns.problem:
            return f"in proportion to budgets: {self.returns.problem}"
        position = self.position(key)
        own = self.returns.returns[position]
        known = "nothing of its own"
        if own.own is not None:
            known = f"its own {own.own * 1000:.1f} by {own.orders:.0f} orders in {WINDOW_DAYS} days"
        return (
            f"by the next money's return: 1,000 {currency} more bring "
            f"{next_return(self.returns, position) * 1000:.1f} orders ({known}, which counts "
            f"{own.weight:.0%} against the channel's {self.returns.channel * 1000:.1f}; elasticity "
            f"{self.returns.elasticity:.2f})"
        )


@dataclass(frozen=True)
class Plan:
    """One allocation as changes of daily budgets.

    Args:
        campaigns: those that run and have a budget, changed or not; one for a shared budget.
        deltas: change of the daily budget by campaign, in its account's currency.
        uncounted: currencies of campaigns whose budgets can't be converted.
        splits: by channel, who shares its change.
    """

    market: Market
    campaigns: tuple[Campaign, ...]
    deltas: dict[Key, Money]
    uncounted: frozenset[str]
    splits: dict[str, Split]

    @property
    def currencies(self) -> frozenset[str]:
        """Of every budget that counts, and of those that should but can't be converted."""
        return frozenset(c.currency for c in self.campaigns) | self.uncounted

    @property
    def total(self) -> Money:
        return self._sum(c.budget for c in self.campaigns)

    @property
    def moved(self) -> Money:
        both_ways = self._sum(abs(delta) for delta in self.deltas.values())
        return Money(both_ways.micros // 2, both_ways.currency)

    @property
    def sum_of_deltas(self) -> Money:
        return self._sum(self.deltas.values())

    def channel(self, channel: str, *, after: bool) -> Money:
        """Daily budget of a channel, before or after the allocation."""
        own = [c for c in self.campaigns if c.channel == channel]
        budgets = self._sum(c.budget for c in own)
        if not after:
            return budgets
        return budgets + self._sum(self.deltas[c.key] for c in own if c.key in self.deltas)

    def part(self, campaign: Campaign) -> tuple[Money, float]:
        """The channel's change of weekly spend, and the campaign's part of what it brings."""
        split, rates = self.splits[campaign.channel], self.market.rates
        weekly = {
            position: rates.convert(self.deltas[c.key] * _DAYS)
            for position, c in enumerate(split.campaigns)
            if c.key in self.deltas
        }
        worths = {p: next_return(split.returns, p) * m.micros for p, m in weekly.items()}
        own = worths[split.position(campaign.key)]
        return total(weekly.values(), rates.target), own / sum(worths.values())

    def _sum(self, amounts: Iterable[Money]) -> Money:
        rates = self.market.rates
        return total((rates.convert(amount) for amount in amounts), rates.target)


def make_plan(market: Market, inputs: Inputs, caps: GuardrailSettings) -> Plan:
    """The allocation as changes of daily budgets, payable and summing to at most 0.

    Amounts are compared in the reporting currency; each campaign's change is in its account's,
    in whole minor units. Campaigns whose currency has no rate are left out. A shared budget counts
    once and stays as it is: a campaign's proposal would change it for the others, too. An
    allocation beyond the cap on one change stays so, for the guardrail to fail it.
    """
    running = budgets_once(
        c for c in market.campaigns if c.status == "ENABLED" and c.daily_budget is not None
    )
    counted = tuple(c for c in running if market.rates.knows(c.currency))
    uncounted = frozenset(c.currency for c in running) - {c.currency for c in counted}
    sick = {a.key for a in inputs.alerts if a.severity == "CRITICAL"}
    cap = caps.max_change_percent / 100
    share = shares(inputs, caps)
    splits = {channel: _split(channel, counted, sick, inputs) for channel in share}
    budgets = {
        k: [market.rates.convert(c.budget).micros for c in s.campaigns] for k, s in splits.items()
    }
    wanted = {channel: share[channel] * sum(budgets[channel]) for channel in splits}
    up = sum(d for d in wanted.values() if d > 0)
    down = -sum(d for d in wanted.values() if d < 0)
    funded = min(up, down)
    deltas = {}
    for channel, value in wanted.items():
        if not funded:
            break
        split, funds = splits[channel], funded / (up if value > 0 else down)
        parts = spread(
            budgets[channel], split.returns, value * funds, max(cap, abs(share[channel]))
        )
        for campaign, part, budget in zip(split.campaigns, parts, budgets[channel], strict=True):
            own = round(part / budget * campaign.budget.micros, 2)
            least = caps.min_change_percent / 100 * campaign.budget.micros
            if not split.returns.problem and abs(own) < least:
                continue  # what a better campaign leaves over isn't worth a proposal
            # rounded toward zero, to what can be paid, so that rounding exceeds no cap
            deltas[campaign.key] = Money(int(own), campaign.currency).payable()
    plan = Plan(market, counted, deltas, uncounted, splits)
    _pay_for_rounding(plan)
    return replace(plan, deltas={k: d for k, d in deltas.items() if d})


def _split(channel: str, counted: tuple[Campaign, ...], sick: Set[Key], inputs: Inputs) -> Split:
    """The campaigns whose budgets are theirs alone and may change, and their returns."""
    campaigns = tuple(
        c
        for c in counted
        if c.channel == channel and c.budget and not c.shared_budget and c.key not in sick
    )
    known = {r.key: r for r in inputs.returns}
    response = inputs.responses.get(channel)
    elasticity = response.elasticity if response else None
    return Split(campaigns, channel_returns([known.get(c.key) for c in campaigns], elasticity))


def shares(inputs: Inputs, caps: GuardrailSettings) -> dict[str, float]:
    """The change of each channel that is worth a proposal, as a share of what it spends."""
    changes = {a.channel: a.proposed / a.current - 1 for a in inputs.allocations if a.current}
    return {k: v for k, v in changes.items() if abs(v) * 100 >= caps.min_change_percent}


def _pay_for_rounding(plan: Plan) -> None:
    """Take what rounded and dropped cuts lack from the largest increase: the total mustn't grow."""
    rates, deltas = plan.market.rates, plan.deltas
    while (surplus := plan.sum_of_deltas).micros > 0:
        largest = max(deltas, key=lambda k: (rates.convert(deltas[k]).micros, k))
        currency = deltas[largest].currency
        unit = minor_unit(currency)
        units = ceil(surplus.micros / rates.rate(currency).factor / unit)
        deltas[largest] = deltas[largest] - Money(units * unit, currency)


def effect_of(plan: Plan, allocation: Allocation, campaign: Campaign) -> Effect:
    """The campaign's part of its channel's effect: the parts sum to what the curve says of all that
    is moved in the channel."""
    market = plan.market
    spend = plan.deltas[campaign.key] * _DAYS
    value = market.rates.convert(spend)
    moved, part = plan.part(campaign)
    orders = allocation.orders.scaled(moved / allocation.change * part)
    cac = None
    if value.micros > 0 and orders.p10 > 0:
        an_order = Interval(*(value.micros / n for n in (orders.p90, orders.p50, orders.p10)))
        cac = MoneyInterval.of(an_order, value.currency)
    return Effect(
        spend,
        orders,
        MoneyInterval.of(orders.scaled(allocation.order_value.micros), value.currency),
        cac,
        "the campaign's part of its channel's curve",
    )
