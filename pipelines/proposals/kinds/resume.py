"""Resume: a paused campaign runs again, once its fault is over or a media plan asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails, guardrails_resume
from pipelines.proposals.effects import effect_of_spend
from pipelines.proposals.evidence import (
    STOPPING,
    Alert,
    JobEvidence,
    Response,
    alerts,
    allocations,
    last_run,
    plan_pauses,
    responses,
)
from pipelines.proposals.guardrails_resume import ResumeCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Stamp
from pipelines.proposals.market import Campaign, Key, Market, query_text
from pipelines.proposals.proposal import Change, Json, StoredEvidence
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse

LEAST_CONFIDENCE = 0.7
"""Below it a line of a media plan is escalated to a person, and nothing is proposed."""
HEALTHY = 0.10
_DAYS = 7


@dataclass(frozen=True)
class RecordedPause:
    """The pause that was recorded last for a campaign, on which day (UTC); ``daily`` is what it
    spent a day then."""

    proposal_id: str
    recorded_on: date
    daily: Money


@dataclass(frozen=True)
class PlanLine:
    """A line of a media plan that is about a campaign. ``behind`` is what it was planned to have
    spent by now and hasn't; None where it can't be told."""

    name: str
    start: date
    end: date
    behind: Money | None
    variance: float | None
    confidence: float


@dataclass(frozen=True)
class Inputs:
    pacing: JobEvidence | None
    pauses: Mapping[Key, RecordedPause]
    lines: Mapping[Key, tuple[PlanLine, ...]]
    alerts: tuple[Alert, ...]
    mmm: JobEvidence | None
    responses: Mapping[str, Response]
    order_values: Mapping[str, Money]


@dataclass(frozen=True)
class Reason:
    """Why a campaign may run again: as text, and as what identifies the finding."""

    text: str
    finding: Json


class Evidence(StoredEvidence):
    """What a resume keeps of its evidence; ``pause_id`` is None where a plan alone asks for it."""

    pacing_run_id: str
    reason: str
    pause_id: str | None


class Resume(Kind[Inputs, ResumeCase]):
    """One for each paused campaign that a recorded pause stopped, whose month is over or whose
    budget now covers what it spent; or that a media plan's line wants running.

    It adds spend, so it is held to the CAC ceiling, at the channel's marginal response.
    """

    name = "resume"
    field = "status"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.blackout,
        guardrails.evidence_fresh,
        guardrails_resume.is_paused,
        guardrails.account_fresh,
        guardrails.one_currency,
        guardrails_resume.fault_over,
        guardrails.cac_ceiling,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        pacing, mmm = last_run(warehouse, "pacing", as_of), last_run(warehouse, "mmm", as_of)
        lines: dict[Key, list[PlanLine]] = {}
        if pacing:
            rows = warehouse.query(query_text("plan_lines"), {"run_id": pacing.run_id})
            for row in rows.to_pylist():
                lines.setdefault(_key(row), []).append(_line(row))
        pauses = warehouse.query(query_text("recorded_pauses")).to_pylist()
        return Inputs(
            pacing=pacing,
            pauses={_key(row): _pause(row) for row in pauses},
            lines={key: tuple(own) for key, own in lines.items()},
            alerts=(*alerts(warehouse, pacing), *plan_pauses(warehouse, pacing)),
            mmm=mmm,
            responses=responses(warehouse, mmm),
            order_values={a.channel: a.order_value for a in allocations(warehouse, mmm)},
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        proposals, refused = [], []
        for campaign in market.campaigns:
            if campaign.status != "PAUSED":
                continue
            reason = next(_reasons(market, inputs, campaign), None)
            if reason is None:
                continue
            named = f"{campaign.platform} campaign {campaign.campaign_id}"
            if inputs.pacing is None:
                refused.append(
                    f"{named} may run again: {reason.text} But pacing has no run up to "
                    f"{market.as_of}, so no resume is proposed."
                )
                continue
            if campaign.shared_budget:
                refused.append(
                    f"{named} may run again: {reason.text} No resume is proposed: it would take "
                    f"its part of a shared budget, {campaign.shared_budget}, from the others. "
                    "Start it by hand."
                )
                continue
            pause = inputs.pauses.get(campaign.key)
            proposals.append(
                self.proposal(
                    _case(market, inputs, caps, campaign, reason),
                    stamp,
                    Change(self.field, "PAUSED", "ENABLED"),
                    delta_percent=100.0,
                    finding=reason.finding,
                    evidence=Evidence(
                        pacing_run_id=inputs.pacing.run_id,
                        reason=reason.text,
                        pause_id=pause.proposal_id if pause else None,
                    ),
                )
            )
        return Drafted(tuple(proposals), tuple(refused))

    def describe(self, stored: StoredProposal) -> Description:
        evidence, back = stored.evidence(Evidence), stored.rollback()
        stopped = [f"paused by {evidence.pause_id}"] if evidence.pause_id else []
        return Description(
            change=f"{stored.current_value} → {stored.proposed_value}",
            evidence=(evidence.reason, *stopped, f"pacing run {evidence.pacing_run_id}"),
            rollback=f"set the status from {back.from_value} back to {back.to_value}",
        )


def _reasons(market: Market, inputs: Inputs, campaign: Campaign) -> Iterator[Reason]:
    today = market.as_of + timedelta(days=1)  # the day on which it would run
    pause = inputs.pauses.get(campaign.key)
    if pause and (today.year, today.month) > (
        pause.recorded_on.year,
        pause.recorded_on.month,
    ):
        yield Reason(
            f"Its pause was recorded on {pause.recorded_on}, and the month of {today:%Y-%m} has a "
            "budget of its own.",
            {"reason": "new_month", "pause": pause.proposal_id, "month": f"{today:%Y-%m}"},
        )
    if (
        pause
        and campaign.currency == pause.daily.currency
        and campaign.budget >= pause.daily > _no(pause.daily)
    ):
        yield Reason(
            f"It was paused when it spent {pause.daily} a day; its budget is now "
            f"{campaign.budget}.",
            {"reason": "budget_restored", "pause": pause.proposal_id},
        )
    for line in inputs.lines.get(campaign.key, ()):
        behind = line.behind is not None and line.behind > _no(line.behind)
        if line.start <= today <= line.end and behind and line.confidence >= LEAST_CONFIDENCE:
            yield Reason(
                f"Line {line.name} of the media plan runs to {line.end} and is {line.behind} "
                f"behind its plan (matched with {line.confidence:.0%}).",
                {"reason": "media_plan", "line": line.name},
            )


def _case(
    market: Market, inputs: Inputs, caps: GuardrailSettings, campaign: Campaign, reason: Reason
) -> ResumeCase:
    lines = inputs.lines.get(campaign.key, ())
    faults = [
        a.message
        for a in inputs.alerts
        if a.key == campaign.key and a.severity == "CRITICAL" and a.detector in STOPPING
    ]
    over = [
        f"Line {line.name} of the media plan is {line.variance:.0%} over."
        for line in lines
        if line.variance is not None and line.variance > HEALTHY
    ]
    return ResumeCase(
        market=market,
        caps=caps,
        campaign=campaign,
        evidence=inputs.pacing,
        delta=campaign.budget,
        effect=effect_of_spend(
            market,
            inputs.mmm,
            inputs.responses.get(campaign.channel),
            inputs.order_values.get(campaign.channel),
            campaign.budget * _DAYS,
            marginal=True,
        ),
        currencies=frozenset({campaign.currency}),
        reason=reason.text,
        stops=(*faults, *over),
        untold=tuple(
            f"Whether line {line.name} of the media plan is overspent can't be told."
            for line in lines
            if line.variance is None and line.start <= market.as_of
        ),
    )


def _no(amount: Money) -> Money:
    return Money(0, amount.currency)


def _key(row: Mapping[str, Any]) -> Key:
    return row["platform"], row["account_id"], row["campaign_id"]


def _pause(row: Mapping[str, Any]) -> RecordedPause:
    weekly = json.loads(row["expected_effect"])["spend_micros"]
    daily = Money(abs(weekly) // _DAYS, row["currency_code"])
    return RecordedPause(row["proposal_id"], row["recorded_at"].date(), daily)


def _line(row: Mapping[str, Any]) -> PlanLine:
    planned, spent = row["planned_to_date_micros"], row["spent_to_date_micros"]
    known = planned is not None and spent is not None
    return PlanLine(
        name="/".join((row["plan_owner"], row["plan_id"], row["line_id"])),
        start=row["start_date"],
        end=row["end_date"],
        behind=Money(planned - spent, row["currency_code"]) if known else None,
        variance=row["variance"],
        confidence=row["confidence"],
    )


KIND = Resume()
