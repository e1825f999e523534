"""Pause: urgently stops a campaign that pacing reports far over its budget or its media plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails
from pipelines.proposals.evidence import (
    Alert,
    JobEvidence,
    Response,
    alerts,
    allocations,
    last_run,
    plan_pauses,
    responses,
)
from pipelines.proposals.guardrails import PauseCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Stamp
from pipelines.proposals.market import Campaign, Key, Market
from pipelines.proposals.proposal import Change, Effect, MoneyInterval, Proposal, StoredEvidence
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse

DETECTORS = {"overspend", "hard_cap", "media_plan"}
_DAYS = 7


@dataclass(frozen=True)
class Inputs:
    pacing: JobEvidence | None
    alerts: tuple[Alert, ...]
    mmm: JobEvidence | None
    responses: dict[str, Response]
    order_values: dict[str, Money]


class Evidence(StoredEvidence):
    """What a pause keeps of its evidence: the alerts' messages."""

    pacing_run_id: str
    alerts: tuple[str, ...]


class Pause(Kind[Inputs, PauseCase]):
    """One urgent pause for each campaign with a critical overspend, of its budget or its plan."""

    name = "pause"
    field = "status"
    urgency = "URGENT"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.evidence_fresh,
        guardrails.baseline_known,
        guardrails.account_fresh,
        guardrails.one_currency,
        guardrails.severity_is_critical,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        pacing = last_run(warehouse, "pacing", as_of)
        mmm = last_run(warehouse, "mmm", as_of)
        return Inputs(
            pacing=pacing,
            alerts=(*alerts(warehouse, pacing), *plan_pauses(warehouse, pacing)),
            mmm=mmm,
            responses=responses(warehouse, mmm),
            order_values={a.channel: a.order_value for a in allocations(warehouse, mmm)},
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        pacing = inputs.pacing
        if pacing is None:
            return Drafted((), (f"pacing has no run up to {market.as_of}: no pause is proposed.",))
        refused: tuple[str, ...] = ()
        if pacing.verdict != "PASS":
            refused = (f"pacing is {pacing.verdict}: {pacing.reason}",)
        worst: dict[Key, list[Alert]] = {}
        for alert in inputs.alerts:
            if alert.severity == "CRITICAL" and alert.detector in DETECTORS:
                worst.setdefault(alert.key, []).append(alert)
        proposals = []
        for key, faults in worst.items():
            campaign = market.campaign(key)
            shared = faults[0].shared_budget or (campaign and campaign.shared_budget)
            if shared:
                refused += (
                    f"{key[0]} account {key[1]}: {faults[0].message} No pause is proposed: of a "
                    f"shared budget, {shared}, a paused campaign's part is spent by the others. "
                    "Lower the budget, or pause its campaigns, by hand.",
                )
                continue
            if campaign is None or campaign.status != "ENABLED":
                continue
            spent = faults[0].recent_daily
            if spent and spent.currency != campaign.currency:
                refused += (
                    f"pacing saw {key[0]} campaign {key[2]} spend {spent.currency}, and its "
                    f"account is in {campaign.currency} now: run the job again.",
                )
                continue
            case = _case(market, inputs, caps, campaign, faults)
            proposals.append(self._propose(pacing, faults, stamp, case))
        return Drafted(tuple(proposals), refused)

    def _propose(
        self, pacing: JobEvidence, faults: list[Alert], stamp: Stamp, case: PauseCase
    ) -> Proposal:
        return self.proposal(
            case,
            stamp,
            Change(self.field, "ENABLED", "PAUSED"),
            delta_percent=-100.0,
            finding={"detectors": sorted(a.detector for a in faults), "since": case.since},
            evidence=Evidence(pacing_run_id=pacing.run_id, alerts=tuple(a.message for a in faults)),
        )

    def describe(self, stored: StoredProposal) -> Description:
        evidence, back = stored.evidence(Evidence), stored.rollback()
        return Description(
            change=f"{stored.current_value} → {stored.proposed_value}",
            evidence=(*evidence.alerts, f"pacing run {evidence.pacing_run_id}"),
            rollback=f"set the status from {back.from_value} back to {back.to_value}",
        )


def _case(
    market: Market,
    inputs: Inputs,
    caps: GuardrailSettings,
    campaign: Campaign,
    faults: list[Alert],
) -> PauseCase:
    return PauseCase(
        market=market,
        caps=caps,
        campaign=campaign,
        evidence=inputs.pacing,
        delta=-campaign.budget,
        effect=_effect(market, inputs, campaign, faults[0]),
        currencies=frozenset({campaign.currency}),
        severity="CRITICAL",
        since=min(alert.since for alert in faults),
    )


def _effect(market: Market, inputs: Inputs, campaign: Campaign, alert: Alert) -> Effect:
    """A week without the campaign: it saves its spend, and loses its share of the orders."""
    recent = alert.recent_daily or Money(0, campaign.currency)
    spend = -recent * _DAYS
    response = inputs.responses.get(campaign.channel)
    usable = inputs.mmm is not None and inputs.mmm.verdict == "PASS"
    if response is None or not usable or not response.weekly_spend:
        return Effect(spend, None, None, None, "orders not estimated: no media mix result to use")
    currency = response.weekly_spend.currency
    if currency != market.rates.target or not market.rates.knows(spend.currency):
        note = f"orders not estimated: no rate from {spend.currency} to {currency}"
        return Effect(spend, None, None, None, note)
    share = market.rates.convert(-spend) / response.weekly_spend
    orders = response.orders.scaled(-min(share, 1.0))
    value = inputs.order_values[campaign.channel]
    return Effect(
        spend,
        orders,
        MoneyInterval.of(orders.scaled(value.micros), value.currency),
        None,
        "the campaign's share of its channel's orders, at the channel's average response",
    )


KIND = Pause()
