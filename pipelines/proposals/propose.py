"""Turns evidence into proposals: budget shifts from the allocation, urgent pauses from pacing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pipelines.config import GuardrailSettings
from pipelines.proposals import guardrails as policy
from pipelines.proposals.facts import Campaign, Facts
from pipelines.proposals.proposal import Effect, Interval, Proposal, Target

_DAYS = 7
_CENT_MICROS = 10_000
_PAUSING_DETECTORS = {"overspend", "hard_cap"}


def draft(
    facts: Facts, settings: GuardrailSettings, *, now: datetime, created_by: str
) -> tuple[list[Proposal], list[str]]:
    """Every proposal the evidence supports, and in words what was refused and why.

    Args:
        now: the present instant, UTC; a proposal expires ``expires_after_days`` after the end
            of that day, so that proposing twice a day gives the same content.
        created_by: who or what proposes.
    """
    if settings.kill_switch:
        return [], ["The kill switch is on: nothing is proposed."]
    expires_at = _expiry(now, settings)
    proposals = [
        *_pauses(facts, settings, expires_at, created_by),
        *_shifts(facts, settings, expires_at, created_by),
    ]
    return proposals, _refusals(facts, proposals)


def _expiry(now: datetime, settings: GuardrailSettings) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=settings.expires_after_days + 1)


def _refusals(facts: Facts, proposals: list[Proposal]) -> list[str]:
    """Why there is no budget shift or no pause: a silence that somebody can read."""
    refused = []
    for name, job in (("mmm", facts.mmm), ("pacing", facts.pacing)):
        if job is None:
            refused.append(f"{name} has not run up to {facts.as_of}: nothing is proposed from it.")
        elif job.verdict != "PASS":
            refused.append(f"{name} is {job.verdict}: {job.reason}")
    shifts = [p for p in proposals if p.kind == "budget_shift"]
    if facts.mmm and facts.mmm.verdict == "PASS" and not shifts:
        refused.append("No channel's budget would change by as much as a proposal is worth.")
    return refused


def _pauses(
    facts: Facts, settings: GuardrailSettings, expires_at: datetime, created_by: str
) -> list[Proposal]:
    """One urgent pause a campaign that pacing found to spend far over its budget."""
    worst: dict[tuple[str, str, str], list[dict[str, object]]] = {}
    for alert in facts.alerts:
        if alert["severity"] == "CRITICAL" and alert["detector"] in _PAUSING_DETECTORS:
            key = (alert["platform"], alert["account_id"], alert["campaign_id"])
            worst.setdefault(key, []).append(alert)
    found = []
    for key, alerts in worst.items():
        campaign = facts.campaign(key)
        if campaign is None or campaign.status != "ENABLED" or facts.pacing is None:
            continue
        since: date = min(a["since"] for a in alerts)  # type: ignore[type-var,assignment]
        recent = alerts[0]["recent_daily_micros"]
        found.append(
            Proposal(
                kind="pause",
                target=_target(campaign),
                current_value="ENABLED",
                proposed_value="PAUSED",
                delta_micros=-(campaign.daily_budget_micros or 0),
                delta_percent=-100.0,
                baseline_budget_micros=campaign.daily_budget_micros or 0,
                baseline_status=campaign.status,
                currency_code=campaign.currency_code,
                urgency="URGENT",
                effect=_pause_effect(facts, campaign, int(recent)),  # type: ignore[call-overload]
                finding={"detectors": sorted(str(a["detector"]) for a in alerts), "since": since},
                evidence={
                    "pacing_run_id": facts.pacing.run_id,
                    "alerts": [str(a["message"]) for a in alerts],
                },
                constraints=(
                    policy.kill_switch(settings),
                    policy.evidence_fresh(facts.pacing, facts.as_of, settings),
                    policy.baseline_known(campaign),
                    policy.account_fresh(campaign, facts.as_of, settings),
                    policy.severity_is_critical("CRITICAL", since, facts.pacing.as_of),
                ),
                created_by=created_by,
                as_of=facts.as_of,
                expires_at=expires_at,
            )
        )
    return found


def _pause_effect(facts: Facts, campaign: Campaign, recent_daily_micros: int) -> Effect:
    """A week without the campaign: its spend saved, and its share of the channel's orders lost."""
    spend = -recent_daily_micros * _DAYS
    response = facts.responses.get(campaign.channel)
    usable = facts.mmm is not None and facts.mmm.verdict == "PASS"
    if response is None or not usable or not response["weekly_spend_micros"]:
        return Effect(spend, None, None, None, "orders not estimated: no media mix result to use")
    share = recent_daily_micros * _DAYS / response["weekly_spend_micros"]
    lost = Interval(response["orders_p10"], response["orders_p50"], response["orders_p90"])
    orders = lost.scaled(-min(share, 1.0))
    allocation = next(a for a in facts.allocations if a["channel"] == campaign.channel)
    note = "the campaign's share of its channel's orders, at the channel's average response"
    revenue = orders.scaled(allocation["order_value_micros"]).whole()
    return Effect(spend, orders, revenue, None, note)


def _shifts(
    facts: Facts, settings: GuardrailSettings, expires_at: datetime, created_by: str
) -> list[Proposal]:
    """The allocation's change of each channel, spread over its campaigns by their budgets.

    Campaigns with a critical alert are left out; increases are then scaled down to what the cuts
    release (and cuts to what the increases need), so that the total doesn't grow.
    """
    if facts.mmm is None or facts.mmm.verdict != "PASS":
        return []
    deltas = _campaign_deltas(facts, settings)
    total = sum(c.daily_budget_micros or 0 for c in facts.campaigns if c.status == "ENABLED")
    moved = sum(abs(d) for d in deltas.values()) // 2
    proposals = []
    for campaign in facts.campaigns:
        delta = deltas.get(campaign.key)
        if not delta:
            continue
        allocation = next(a for a in facts.allocations if a["channel"] == campaign.channel)
        budget = campaign.daily_budget_micros or 0
        effect = _shift_effect(allocation, delta)
        proposals.append(
            Proposal(
                kind="budget_shift",
                target=_target(campaign),
                current_value=str(budget),
                proposed_value=str(budget + delta),
                delta_micros=delta,
                delta_percent=round(delta / budget * 100, 4),
                baseline_budget_micros=budget,
                baseline_status=campaign.status,
                currency_code=campaign.currency_code,
                urgency="ROUTINE",
                effect=effect,
                finding={"week_to": facts.week_to, "direction": "up" if delta > 0 else "down"},
                evidence={
                    "week_to": facts.week_to.isoformat(),
                    "mmm_run_id": facts.mmm.run_id,
                    "channel": campaign.channel,
                    "channel_weekly_micros": [
                        allocation["current_weekly_micros"],
                        allocation["proposed_weekly_micros"],
                    ],
                    "channel_binding": allocation["binding"],
                },
                constraints=(
                    policy.kill_switch(settings),
                    policy.evidence_fresh(facts.mmm, facts.as_of, settings),
                    policy.evidence_fresh(facts.pacing, facts.as_of, settings, "pacing_fresh"),
                    policy.account_fresh(campaign, facts.as_of, settings),
                    policy.baseline_known(campaign),
                    policy.max_change(delta, budget, settings),
                    policy.max_daily_change(
                        delta, facts.changed_today_micros.get(campaign.key, 0), budget, settings
                    ),
                    policy.cac_ceiling(effect.spend_micros, effect.orders, settings),
                    policy.channel_floor(
                        _channel_budget(facts, campaign, deltas),
                        _channel_budget(facts, campaign, {}),
                        total,
                        settings,
                    ),
                    policy.exploration_reserve(moved, total, settings),
                    policy.budget_neutral(sum(deltas.values()), total),
                ),
                created_by=created_by,
                as_of=facts.as_of,
                expires_at=expires_at,
            )
        )
    return proposals


def _campaign_deltas(facts: Facts, settings: GuardrailSettings) -> dict[tuple[str, str, str], int]:
    """Change of each campaign's daily budget in micros, in whole cents, summing to at most 0."""
    sick = {
        (a["platform"], a["account_id"], a["campaign_id"])
        for a in facts.alerts
        if a["severity"] == "CRITICAL"
    }
    share = {
        a["channel"]: a["proposed_weekly_micros"] / a["current_weekly_micros"] - 1
        for a in facts.allocations
        if a["current_weekly_micros"]
    }
    wanted = {
        c.key: share[c.channel] * c.daily_budget_micros
        for c in facts.campaigns
        if c.daily_budget_micros
        and c.status == "ENABLED"
        and c.key not in sick
        and abs(share.get(c.channel, 0.0)) * 100 >= settings.min_change_percent
    }
    up = sum(d for d in wanted.values() if d > 0)
    down = -sum(d for d in wanted.values() if d < 0)
    if not up or not down:
        return {}
    funded = min(up, down)
    scaled = {k: d * funded / (up if d > 0 else down) for k, d in wanted.items()}
    # toward zero, to whole cents, so that no cap is passed by rounding; what the cuts then lack
    # is taken from the largest increase, so that the total doesn't grow
    cents = {k: int(d / _CENT_MICROS) * _CENT_MICROS for k, d in scaled.items()}
    surplus = sum(cents.values())
    if surplus > 0:
        largest = max(cents, key=lambda k: (cents[k], k))
        cents[largest] -= surplus
    return {k: d for k, d in cents.items() if d}


def _channel_budget(
    facts: Facts, campaign: Campaign, deltas: dict[tuple[str, str, str], int]
) -> int:
    """Daily budget of the campaign's channel, with the deltas of an allocation, in micros."""
    return sum(
        (c.daily_budget_micros or 0) + deltas.get(c.key, 0)
        for c in facts.campaigns
        if c.channel == campaign.channel and c.status == "ENABLED"
    )


def _shift_effect(allocation: dict[str, float], delta_micros: int) -> Effect:
    """The campaign's part of its channel's effect, in proportion to its part of the change."""
    weekly = delta_micros * _DAYS
    channel_delta = allocation["proposed_weekly_micros"] - allocation["current_weekly_micros"]
    part = weekly / channel_delta
    channel = Interval(
        allocation["delta_orders_p10"],
        allocation["delta_orders_p50"],
        allocation["delta_orders_p90"],
    )
    orders = channel.scaled(part)
    revenue = orders.scaled(allocation["order_value_micros"]).whole()
    cac = None
    if weekly > 0 and orders.p10 > 0:
        cac = Interval(weekly / orders.p90, weekly / orders.p50, weekly / orders.p10).whole()
    return Effect(weekly, orders, revenue, cac, "the campaign's part of its channel's curve")


def _target(campaign: Campaign) -> Target:
    return Target(*campaign.key, campaign.name)
