"""Budget shift: the media mix's allocation, spread over the campaigns of each channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import ceil

from pipelines.money import Money, minor_unit, total
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails
from pipelines.proposals.evidence import (
    Alert,
    Allocation,
    JobEvidence,
    Readiness,
    alerts,
    allocations,
    last_run,
    readiness,
)
from pipelines.proposals.guardrails import ShiftCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Obstacle, Stamp
from pipelines.proposals.ledger import Book
from pipelines.proposals.market import Campaign, Key, Market, budgets_once
from pipelines.proposals.proposal import (
    Change,
    Effect,
    Interval,
    MoneyInterval,
    Proposal,
    StoredEvidence,
)
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse

_DAYS = 7


@dataclass(frozen=True)
class Inputs:
    mmm: JobEvidence | None
    allocations: tuple[Allocation, ...]
    pacing: JobEvidence | None
    readiness: Readiness | None
    alerts: tuple[Alert, ...]


class Evidence(StoredEvidence):
    """What a shift keeps of its evidence; the channel's weekly spends are in the reporting
    currency."""

    week_to: date
    mmm_run_id: str
    channel: str
    channel_weekly_micros: tuple[int, int]
    channel_binding: str


@dataclass(frozen=True)
class Plan:
    """One allocation as changes of daily budgets.

    Args:
        campaigns: those that run and have a budget, changed or not; one for a shared budget.
        deltas: change of the daily budget by campaign, in its account's currency.
        uncounted: currencies of campaigns whose budgets can't be converted.
    """

    market: Market
    campaigns: tuple[Campaign, ...]
    deltas: dict[Key, Money]
    uncounted: frozenset[str]

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

    def _sum(self, amounts: Iterable[Money]) -> Money:
        rates = self.market.rates
        return total((rates.convert(amount) for amount in amounts), rates.target)


class BudgetShift(Kind[Inputs, ShiftCase]):
    """The allocation's change of each channel, spread over its campaigns by budget.

    Campaigns with a critical alert are left out. Increases are then scaled down to what the cuts
    release, and cuts to what the increases need, so that the total doesn't grow.
    """

    name = "budget_shift"
    field = "daily_budget_micros"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.blackout,
        guardrails.evidence_fresh,
        guardrails.pacing_fresh,
        guardrails.predictions_hold,
        guardrails.account_fresh,
        guardrails.baseline_known,
        guardrails.one_currency,
        guardrails.max_change,
        guardrails.max_daily_change,
        guardrails.cac_ceiling,
        guardrails.roas_floor,
        guardrails.channel_floor,
        guardrails.channel_ceiling,
        guardrails.exploration_reserve,
        guardrails.budget_neutral,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        mmm = last_run(warehouse, "mmm", as_of)
        pacing = last_run(warehouse, "pacing", as_of)
        ready = readiness(warehouse, "mmm", as_of)
        return Inputs(mmm, allocations(warehouse, mmm), pacing, ready, alerts(warehouse, pacing))

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        mmm = inputs.mmm
        if mmm is None:
            return Drafted((), (f"mmm has no run up to {market.as_of}: no shift is proposed.",))
        if mmm.verdict != "PASS":
            return Drafted((), (f"mmm is {mmm.verdict}: {mmm.reason}",))
        currencies = {a.current.currency for a in inputs.allocations} - {market.rates.target}
        if currencies:
            return Drafted(
                (),
                (
                    f"The allocation of mmm run {mmm.run_id} is in "
                    f"{', '.join(sorted(currencies))}, but the reporting currency is "
                    f"{market.rates.target}: run `adcanary build --full-refresh`, then the job "
                    "again.",
                ),
            )
        if not all(a.recommended for a in inputs.allocations):
            return Drafted((), (f"mmm run {mmm.run_id} recommends no shift: {mmm.reason}",))
        plan = make_plan(market, inputs, caps)
        refused = [*_shared(plan, inputs, caps)]
        refused += [
            f"No exchange rate from {currency} to {market.rates.target} is known: budgets in "
            f"{currency} can't be counted, so no shift can be approved."
            for currency in sorted(plan.uncounted)
        ]
        channels = {a.channel: a for a in inputs.allocations}
        proposals = tuple(
            self._propose(mmm, channels[campaign.channel], stamp, case)
            for campaign in market.campaigns
            if campaign.key in plan.deltas
            for case in [_case(plan, inputs, channels[campaign.channel], caps, campaign)]
        )
        if not proposals:
            refused.append("No campaign's budget would change enough to be worth a proposal.")
        return Drafted(proposals, tuple(refused))

    def _propose(
        self, mmm: JobEvidence, allocation: Allocation, stamp: Stamp, case: ShiftCase
    ) -> Proposal:
        before, delta = case.campaign.budget, case.delta
        return self.proposal(
            case,
            stamp,
            Change(self.field, str(before.micros), str((before + delta).micros)),
            delta_percent=round(delta / before * 100, 4),
            finding={"week_to": mmm.week_to, "direction": "up" if delta.micros > 0 else "down"},
            evidence=Evidence(
                week_to=mmm.week_to,
                mmm_run_id=mmm.run_id,
                channel=allocation.channel,
                channel_weekly_micros=(allocation.current.micros, allocation.proposed.micros),
                channel_binding=allocation.binding,
            ),
        )

    def describe(self, stored: StoredProposal) -> Description:
        evidence, back = stored.evidence(Evidence), stored.rollback()
        currency = stored.effect().value_currency
        now, then = (Money(micros, currency) for micros in evidence.channel_weekly_micros)
        rates = (
            f"1 {r.source} = {r.factor:.6g} {r.target}, as quoted on {r.day}"
            for r in stored.rates()
        )
        return Description(
            change=f"{stored.money(stored.current_value)} → {stored.money(stored.proposed_value)} "
            f"a day ({stored.delta_percent:+.1f}%)",
            evidence=(
                f"mmm run {evidence.mmm_run_id}: {evidence.channel} from {now} to {then} a "
                f"week is best for the channel (bound that binds: {evidence.channel_binding}); "
                "campaigns share it as far as cuts fund it",
                *rates,
            ),
            rollback=f"set the daily budget from {stored.money(back.from_value)} back to "
            f"{stored.money(back.to_value)}",
        )

    def _week(self, stored: StoredProposal, book: Book) -> list[StoredProposal]:
        """The proposals of a proposal's week, itself included."""
        week_to = stored.evidence(Evidence).week_to
        return [
            p
            for p in book.proposals
            if p.kind == self.name and p.evidence(Evidence).week_to == week_to
        ]

    def revocation_obstacle(
        self, stored: StoredProposal, book: Book, currency: str
    ) -> Obstacle | None:
        """A cut stays while recorded increases of its week need it: the total never grows."""
        week = self._week(stored, book)
        if _released(week, currency) + stored.delta_in(currency) >= Money(0, currency):
            return None
        rising = [p for p in week if p.delta.micros > 0 and p.state == State.SHADOW_RECORDED]
        ids = ", ".join(p.proposal_id for p in rising)
        return Obstacle(
            "increases of its week that are recorded need what it releases",
            f"Revoke those first: {ids}.",
        )

    def obstacle(self, stored: StoredProposal, book: Book, currency: str) -> Obstacle | None:
        """An increase needs cuts of its week to be recorded first: the total never grows."""
        if stored.delta.micros <= 0:
            return None
        week = self._week(stored, book)
        needed, released = stored.delta_in(currency), _released(week, currency)
        if needed <= released:
            return None
        cuts = [p for p in week if p.delta.micros < 0 and p.state == State.PENDING_REVIEW]
        ids = ", ".join(p.proposal_id for p in cuts) or "none are open"
        return Obstacle(
            f"it needs {needed} a day, but the approved cuts of its week leave {released}",
            f"Approve cuts first ({ids}), so that the total doesn't grow.",
        )


def _released(week: Iterable[StoredProposal], currency: str) -> Money:
    """What the recorded changes of a week leave a day, of what their cuts released."""
    recorded = (p.delta_in(currency) for p in week if p.state == State.SHADOW_RECORDED)
    return -total(recorded, currency)


def _case(
    plan: Plan,
    inputs: Inputs,
    allocation: Allocation,
    caps: GuardrailSettings,
    campaign: Campaign,
) -> ShiftCase:
    delta = plan.deltas[campaign.key]
    return ShiftCase(
        market=plan.market,
        caps=caps,
        campaign=campaign,
        evidence=inputs.mmm,
        delta=delta,
        effect=_effect(plan.market, allocation, delta),
        currencies=plan.currencies,
        pacing=inputs.pacing,
        readiness=inputs.readiness,
        total=plan.total,
        moved=plan.moved,
        sum_of_deltas=plan.sum_of_deltas,
        channel_before=plan.channel(campaign.channel, after=False),
        channel_after=plan.channel(campaign.channel, after=True),
    )


def make_plan(market: Market, inputs: Inputs, caps: GuardrailSettings) -> Plan:
    """The allocation as changes of daily budgets, payable and summing to at most 0.

    Amounts are compared in the reporting currency; each campaign's change is in its account's,
    in whole minor units. Campaigns whose currency has no rate are left out. A shared budget counts
    once and stays as it is: a campaign's proposal would change it for the others, too.
    """
    running = budgets_once(
        c for c in market.campaigns if c.status == "ENABLED" and c.daily_budget is not None
    )
    counted = tuple(c for c in running if market.rates.knows(c.currency))
    uncounted = frozenset(c.currency for c in running) - {c.currency for c in counted}
    sick = {a.key for a in inputs.alerts if a.severity == "CRITICAL"}
    share = _shares(inputs, caps)
    wanted = {
        c: share[c.channel] * market.rates.convert(c.budget).micros
        for c in counted
        if c.budget and not c.shared_budget and c.key not in sick and c.channel in share
    }
    up = sum(d for d in wanted.values() if d > 0)
    down = -sum(d for d in wanted.values() if d < 0)
    funded = min(up, down)
    deltas = {}
    for campaign, value in wanted.items():
        if funded:
            own = share[campaign.channel] * campaign.budget.micros
            scaled = own * funded / (up if value > 0 else down)
            # rounded toward zero, to what can be paid, so that rounding exceeds no cap
            deltas[campaign.key] = Money(int(scaled), campaign.currency).payable()
    plan = Plan(market, counted, deltas, uncounted)
    _pay_for_rounding(plan)
    return Plan(market, counted, {k: d for k, d in deltas.items() if d}, uncounted)


def _shares(inputs: Inputs, caps: GuardrailSettings) -> dict[str, float]:
    """The change of each channel that is worth a proposal, as a share of what it spends."""
    changes = {a.channel: a.proposed / a.current - 1 for a in inputs.allocations if a.current}
    return {k: v for k, v in changes.items() if abs(v) * 100 >= caps.min_change_percent}


def _shared(plan: Plan, inputs: Inputs, caps: GuardrailSettings) -> Iterable[str]:
    """What is said of each shared budget that the allocation would change."""
    share = _shares(inputs, caps)
    for campaign in plan.campaigns:
        if campaign.shared_budget and campaign.channel in share:
            sharers = sorted(
                c.campaign_id
                for c in plan.market.campaigns
                if (c.platform, c.account_id) == (campaign.platform, campaign.account_id)
                and c.shared_budget == campaign.shared_budget
            )
            yield (
                f"{campaign.platform} campaigns {', '.join(sharers)} share budget "
                f"{campaign.shared_budget} of {campaign.budget} a day, which counts once. A change "
                f"would be one for all of them, so none is proposed; the allocation changes "
                f"{campaign.channel} by {share[campaign.channel]:+.1%}."
            )


def _pay_for_rounding(plan: Plan) -> None:
    """Take the rounded cuts' shortfall from the largest increase: the total mustn't grow."""
    rates, deltas = plan.market.rates, plan.deltas
    while (surplus := plan.sum_of_deltas).micros > 0:
        largest = max(deltas, key=lambda k: (rates.convert(deltas[k]).micros, k))
        currency = deltas[largest].currency
        unit = minor_unit(currency)
        units = ceil(surplus.micros / rates.rate(currency).factor / unit)
        deltas[largest] = deltas[largest] - Money(units * unit, currency)


def _effect(market: Market, allocation: Allocation, delta: Money) -> Effect:
    """The campaign's part of its channel's effect, in proportion to its part of the change."""
    spend = delta * _DAYS
    value = market.rates.convert(spend)
    orders = allocation.orders.scaled(value / allocation.change)
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


KIND = BudgetShift()
