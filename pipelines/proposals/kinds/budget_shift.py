"""Budget shift: the media mix's allocation, spread over the campaigns of each channel by what the
next money brings there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails
from pipelines.proposals.book import Book
from pipelines.proposals.evidence import (
    Allocation,
    JobEvidence,
    alerts,
    allocations,
    campaign_returns,
    last_run,
    readiness,
    responses,
)
from pipelines.proposals.funding import cut_obstacle, increase_obstacle
from pipelines.proposals.guardrails import ShiftCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Obstacle, Stamp
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Change, Proposal, StoredEvidence
from pipelines.proposals.returns import MATURE_DAYS, WINDOW_DAYS
from pipelines.proposals.shift_plan import Inputs, Plan, effect_of, make_plan, shares
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse

_OF = "its week"


class Evidence(StoredEvidence):
    """What a shift keeps of its evidence; the channel's weekly spends are in the reporting
    currency. ``campaign_split`` says by what the channel's change was spread over its campaigns; an
    earlier version spread it by budget, and kept nothing."""

    week_to: date
    mmm_run_id: str
    channel: str
    channel_weekly_micros: tuple[int, int]
    channel_binding: str
    campaign_split: str | None = None


class BudgetShift(Kind[Inputs, ShiftCase]):
    """The allocation's change of each channel, spread over its campaigns by marginal return.

    Campaigns with a critical alert are left out. Increases are first scaled down to what the cuts
    release, and cuts to what the increases need, so that the total doesn't grow. All campaigns of
    a channel change in its direction, each within the cap, and their effects sum to the channel's:
    nothing is claimed to be gained by the split within it.
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
        matured = (mmm.week_to if mmm else as_of) - timedelta(days=MATURE_DAYS)
        return Inputs(
            mmm,
            allocations(warehouse, mmm),
            pacing,
            readiness(warehouse, "mmm", as_of),
            alerts(warehouse, pacing),
            responses(warehouse, mmm),
            campaign_returns(warehouse, matured, WINDOW_DAYS) if mmm else (),
        )

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
            self._propose(mmm, channels[campaign.channel], plan, stamp, case)
            for campaign in market.campaigns
            if campaign.key in plan.deltas
            for case in [_case(plan, inputs, channels[campaign.channel], caps, campaign)]
        )
        if not proposals:
            refused.append("No campaign's budget would change enough to be worth a proposal.")
        return Drafted(proposals, tuple(refused))

    def _propose(
        self,
        mmm: JobEvidence,
        allocation: Allocation,
        plan: Plan,
        stamp: Stamp,
        case: ShiftCase,
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
                campaign_split=plan.splits[allocation.channel].reason(
                    case.campaign.key, case.market.rates.target
                ),
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
                *([f"its part is {split}"] if (split := evidence.campaign_split) else []),
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
        return cut_obstacle(stored, self._week(stored, book), currency, _OF)

    def obstacle(self, stored: StoredProposal, book: Book, currency: str) -> Obstacle | None:
        """An increase needs cuts of its week to be recorded first: the total never grows."""
        return increase_obstacle(stored, self._week(stored, book), currency, _OF)


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
        effect=effect_of(plan, allocation, campaign),
        currencies=plan.currencies,
        pacing=inputs.pacing,
        readiness=inputs.readiness,
        total=plan.total,
        moved=plan.moved,
        sum_of_deltas=plan.sum_of_deltas,
        channel_before=plan.channel(campaign.channel, after=False),
        channel_after=plan.channel(campaign.channel, after=True),
    )


def _shared(plan: Plan, inputs: Inputs, caps: GuardrailSettings) -> Iterable[str]:
    """What is said of each shared budget that the allocation would change."""
    share = shares(inputs, caps)
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


KIND = BudgetShift()
