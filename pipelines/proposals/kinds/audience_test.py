"""Audience test: bids tilted to people whom ads move more, with a holdout that shows if they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil, hypot

from pipelines.canonical import canonical_json
from pipelines.money import Money
from pipelines.platforms import platform_table
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails, guardrails_audience
from pipelines.proposals.evidence import JobEvidence, allocations, last_run
from pipelines.proposals.guardrails_audience import MAX_WEEKS, AudienceCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Stamp
from pipelines.proposals.market import Campaign, Market, query_text
from pipelines.proposals.operations import surface
from pipelines.proposals.proposal import (
    Change,
    Effect,
    Interval,
    MoneyInterval,
    Proposal,
    StoredEvidence,
    Target,
)
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse

EVERYBODY = "everybody"
NO_TEST = "none"
HOLDOUTS = (10.0, 20.0, 30.0, 40.0, 50.0)
"""Percent; the smallest that tells within half of the weeks allowed is taken, or else the last."""
_ADS = "ads: "  # how the uplift job names what the ads of a channel do
_Z = 1.96 + 0.8416  # 95% confidence, 80% power
_P10_OF_95 = 1.2816 / 1.96
_HALVES = 2  # a segment is estimated on one half of its people


@dataclass(frozen=True)
class Segment:
    """People and what ads change for them. Rates are shares of people, in the job's one week."""

    channel: str
    label: str
    outcome: str
    basis: str
    e_value: float | None
    people: tuple[int, int]
    control_rate: float
    uplift: tuple[float, float, float]
    q_value: float
    discovery: bool

    def weeks(self, holdout: float) -> float | None:
        """How long a test with so many percent held out takes to find the uplift."""
        rate, uplift, seen = self.control_rate, self.uplift[1], sum(self.people) * _HALVES
        shown = rate + uplift
        if not 0 < rate < 1 or not 0 < shown < 1 or uplift <= 0 or not seen:
            return None
        kept = holdout / 100
        variance = shown * (1 - shown) / (1 - kept) + rate * (1 - rate) / kept
        return _Z**2 * variance / uplift**2 / seen


@dataclass(frozen=True)
class Inputs:
    """Segments of ads, and the ids of experiments of the site, which no campaign can target."""

    uplift: JobEvidence | None
    segments: tuple[Segment, ...]
    of_site: tuple[str, ...]
    clustering: JobEvidence | None
    interests: int
    order_values: Mapping[str, Money]


class Evidence(StoredEvidence):
    """What a test keeps of its evidence; uplift in points, with its 95% interval."""

    week_to: date
    uplift_run_id: str
    segment: str
    basis: str
    e_value: float | None
    uplift_points: tuple[float, float, float]
    people_a_week: int
    tilt_percent: float
    holdout_percent: float
    weeks: int


class AudienceTest(Kind[Inputs, AudienceCase]):
    """One for each segment that ads move, in the channel's largest campaign: there a test is told
    soonest. The campaign's budget stays as it is."""

    name = "audience_test"
    field = "audience_test"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.blackout,
        guardrails.evidence_fresh,
        guardrails.account_fresh,
        guardrails.baseline_known,
        guardrails_audience.uplift_significant,
        guardrails_audience.holdout_kept,
        guardrails_audience.power_suffices,
        guardrails_audience.tilt_within_cap,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        uplift = last_run(warehouse, "uplift", as_of)
        clustering = last_run(warehouse, "clustering", as_of)
        segments, of_site = _segments(warehouse, uplift)
        return Inputs(
            uplift=uplift,
            segments=segments,
            of_site=of_site,
            clustering=clustering,
            interests=_count(warehouse, clustering),
            order_values={
                a.channel: a.order_value
                for a in allocations(warehouse, last_run(warehouse, "mmm", as_of))
            },
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        uplift = inputs.uplift
        if uplift is None:
            why = f"uplift has no run up to {market.as_of}: no audience test is proposed."
            return Drafted((), (why,))
        if uplift.verdict != "PASS":
            return Drafted((), (f"uplift is {uplift.verdict}: {uplift.reason}",))
        proposals, refused = [], []
        whole = {s.channel: s for s in inputs.segments if s.label == EVERYBODY}
        moved = [s for s in inputs.segments if s.label != EVERYBODY and s.discovery]
        for segment in moved:
            if segment.uplift[0] <= 0:
                continue
            campaign = _largest(market, segment.channel)
            if campaign is None:
                refused.append(
                    f"Ads of {segment.channel} move {segment.label} most, but no campaign of the "
                    "channel runs on a budget of its own: no audience test is proposed."
                )
                continue
            case = _case(market, inputs, caps, campaign, segment, whole.get(segment.channel))
            proposals.append(self._propose(uplift, segment, stamp, case))
        if not proposals and not refused:
            refused.append(_nobody(inputs))
        return Drafted(tuple(proposals), tuple(refused))

    def _propose(
        self, uplift: JobEvidence, segment: Segment, stamp: Stamp, case: AudienceCase
    ) -> Proposal:
        weeks = ceil(case.weeks) if case.weeks is not None else int(MAX_WEEKS)
        low, middle, high = (round(u * 100, 4) for u in segment.uplift)
        setting = {
            "segment": segment.label,
            "tilt_percent": case.tilt,
            "holdout_percent": case.holdout,
            "weeks": weeks,
        }
        return self.proposal(
            case,
            stamp,
            Change(self.field, NO_TEST, canonical_json(setting)),
            delta_percent=case.tilt,
            finding={"week_to": uplift.week_to, "channel": segment.channel},
            evidence=Evidence(
                week_to=uplift.week_to,
                uplift_run_id=uplift.run_id,
                segment=segment.label,
                basis=segment.basis,
                e_value=segment.e_value,
                uplift_points=(low, middle, high),
                people_a_week=sum(segment.people) * _HALVES,
                tilt_percent=case.tilt,
                holdout_percent=case.holdout,
                weeks=weeks,
            ),
            part=f"segment:{segment.label}",
        )

    def steps(
        self, target: Target, change: Change, currency: str, evidence: StoredEvidence
    ) -> tuple[str, ...]:
        assert isinstance(evidence, Evidence)
        place = surface(target.platform)
        if change.to_value == NO_TEST:
            return (
                f"End the experiment on {evidence.segment}: everybody sees the ads again.",
                f"Take back the {evidence.tilt_percent:g}% by which its bids were raised.",
            )
        return (
            f"Set up an experiment of {evidence.weeks} week(s) ({place.name}: Experiments) for the "
            f"people of {evidence.segment}; {evidence.holdout_percent:g}% of them, at random, see "
            "no ad of the campaign.",
            f"Raise the bids for the others of them by {evidence.tilt_percent:g}%; leave the "
            "campaign's budget as it is.",
        )

    def describe(self, stored: StoredProposal) -> Description:
        evidence = stored.evidence(Evidence)
        low, middle, high = evidence.uplift_points
        basis = (
            "an experiment"
            if evidence.basis == "randomised"
            else (
                "people whom ads touched beside alike people whom they didn't; E-value "
                f"{evidence.e_value or 1:.2f}: the test is there to find out"
            )
        )
        return Description(
            change=f"test {evidence.segment}: bids +{evidence.tilt_percent:g}%, "
            f"{evidence.holdout_percent:g}% held out, {evidence.weeks} week(s)",
            evidence=(
                f"uplift run {evidence.uplift_run_id}: ads change the share of {evidence.segment} "
                f"who buy by {middle:+.2f} points ({low:+.2f} to {high:+.2f}, 95%), of about "
                f"{evidence.people_a_week:,} people a week",
                f"by {basis}",
            ),
            rollback="end the experiment, and take back the raised bids",
        )


def _case(  # noqa: PLR0917
    market: Market,
    inputs: Inputs,
    caps: GuardrailSettings,
    campaign: Campaign,
    segment: Segment,
    whole: Segment | None,
) -> AudienceCase:
    soon = (h for h in HOLDOUTS if (segment.weeks(h) or MAX_WEEKS) <= MAX_WEEKS / 2)
    holdout = next(soon, HOLDOUTS[-1])
    return AudienceCase(
        market=market,
        caps=caps,
        campaign=campaign,
        evidence=inputs.uplift,
        delta=Money(0, campaign.currency),
        effect=_effect(inputs, campaign, segment, whole, (caps.max_change_percent, holdout)),
        currencies=frozenset(),
        discovery=segment.discovery,
        uplift_low=segment.uplift[0],
        holdout=holdout,
        weeks=segment.weeks(holdout),
        tilt=caps.max_change_percent,
    )


def _effect(
    inputs: Inputs,
    campaign: Campaign,
    segment: Segment,
    whole: Segment | None,
    setting: tuple[float, float],
) -> Effect:
    """A week of the test: who sees more ads buys more than whom the money comes from, and who is
    held out buys less. The second is the price of learning."""
    nothing = Money(0, campaign.currency)
    value = inputs.order_values.get(campaign.channel)
    if segment.outcome != "purchase" or whole is None or value is None:
        why = f"orders not estimated: the uplift is of {segment.outcome}, not of orders"
        if segment.outcome == "purchase":
            why = "orders not estimated: no uplift of everybody, or no value of an order"
        return Effect(nothing, None, None, None, why)
    tilt, holdout = (percent / 100 for percent in setting)
    touched = segment.people[0] * _HALVES
    gained = touched * (1 - holdout) * tilt
    middle = gained * (segment.uplift[1] - whole.uplift[1]) - touched * holdout * segment.uplift[1]
    own, others = gained - touched * holdout, gained
    spread = hypot(*(f * _half(s.uplift) for f, s in ((own, segment), (others, whole))))
    orders = Interval(middle - _P10_OF_95 * spread, middle, middle + _P10_OF_95 * spread)
    revenue = MoneyInterval.of(orders.scaled(value.micros), value.currency)
    note = (
        f"a week of the test: {holdout:.0%} of the segment's people see no ad, which costs orders; "
        f"the tilt alone would bring {touched * tilt * (segment.uplift[1] - whole.uplift[1]):+.1f}"
    )
    return Effect(nothing, orders, revenue, None, note)


def _half(interval: tuple[float, float, float]) -> float:
    return (interval[2] - interval[0]) / 2


def _largest(market: Market, channel: str) -> Campaign | None:
    """The running campaign with the largest budget of its own on the channel's platforms."""
    platforms = platform_table().platforms
    running = [
        c
        for c in market.campaigns
        if c.status == "ENABLED"
        and c.daily_budget is not None
        and not c.shared_budget
        and c.platform in platforms
        and platforms[c.platform].channel == channel
        and market.rates.knows(c.currency)
    ]
    return max(running, key=lambda c: (market.rates.convert(c.budget).micros, c.key), default=None)


def _nobody(inputs: Inputs) -> str:
    """Why no test is proposed, as text."""
    why = "uplift finds no segment of people whom ads move more than others"
    if not inputs.segments:
        why = "uplift believes no effect of ads"
        if inputs.of_site:
            why += f" (what it finds of {', '.join(inputs.of_site)} is of the site, not of ads)"
    if inputs.interests:
        why += (
            f"; of the {inputs.interests} interests that clustering finds, nothing says whom ads "
            "move more"
        )
    return f"{why[0].upper()}{why[1:]}: no audience test is proposed."


def _segments(
    warehouse: Warehouse, run: JobEvidence | None
) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    if run is None:
        return (), ()
    rows = warehouse.query(query_text("uplift_segments"), {"run_id": run.run_id}).to_pylist()
    of_ads = tuple(
        Segment(
            channel=row["experiment_id"].removeprefix(_ADS),
            label=row["segment"],
            outcome=row["outcome"],
            basis=row["basis"],
            e_value=row["e_value"],
            people=(row["treated"], row["control"]),
            control_rate=row["control_rate"],
            uplift=(row["uplift_low"], row["uplift"], row["uplift_high"]),
            q_value=row["q_value"],
            discovery=row["is_discovery"],
        )
        for row in rows
        if row["experiment_id"].startswith(_ADS)
    )
    others = (r["experiment_id"] for r in rows if not r["experiment_id"].startswith(_ADS))
    return of_ads, tuple(dict.fromkeys(others))


def _count(warehouse: Warehouse, run: JobEvidence | None) -> int:
    if run is None or run.verdict != "PASS":
        return 0
    return warehouse.query(query_text("interests"), {"run_id": run.run_id}).num_rows


KIND = AudienceTest()
