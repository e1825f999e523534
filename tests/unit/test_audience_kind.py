"""A segment that ads move is proposed as a test with a holdout; what isn't known is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import JobEvidence
from pipelines.proposals.guardrails import Case
from pipelines.proposals.guardrails_audience import AudienceCase
from pipelines.proposals.kinds import audience_test
from pipelines.proposals.kinds.audience_test import Inputs, Segment
from pipelines.proposals.kinds.base import Drafted, Stamp
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Proposal
from pipelines.proposals.stored import StoredProposal

AS_OF = date(2026, 6, 30)
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=80_000_000)
UPLIFT = JobEvidence("uplift", "u1", AS_OF, "PASS", "")


def usd(amount: float) -> Money:
    return Money(round(amount * 1e6), "USD")


def campaign(name: str, budget: float, **given: object) -> Campaign:
    made = Campaign("meta_ads", "1", name, name, "ENABLED", usd(budget), "USD", AS_OF)
    return replace(made, **given)  # type: ignore[arg-type]


CAMPAIGNS = (campaign("small", 50), campaign("large", 100), campaign("off", 900, status="PAUSED"))
NEW = Segment(
    channel="Paid Social",
    label="mobile · new",
    outcome="purchase",
    basis="propensity_weighted",
    e_value=1.8,
    people=(2_000, 4_000),
    control_rate=0.02,
    uplift=(0.01, 0.02, 0.03),
    q_value=0.01,
    discovery=True,
)
ALL = replace(NEW, label="everybody", people=(4_000, 9_000), uplift=(0.002, 0.004, 0.006))
INPUTS = Inputs(UPLIFT, (ALL, NEW), (), None, 0, {"meta_ads": usd(80)})


def draft(inputs: Inputs = INPUTS, *campaigns: Campaign) -> Drafted:
    market = Market(AS_OF, Rates("USD", AS_OF, {}), campaigns or CAMPAIGNS, {})
    return audience_test.KIND.draft(market, inputs, CAPS, STAMP)


def only(inputs: Inputs = INPUTS, *campaigns: Campaign) -> Proposal:
    (proposal,) = draft(inputs, *campaigns).proposals
    return proposal


def test_a_segment_that_ads_move_is_tested_in_the_channels_largest_campaign() -> None:
    proposal = only()
    assert proposal.verdict == "PASS"
    assert (proposal.target.campaign_id, proposal.target.part) == ("large", "segment:mobile · new")
    assert json.loads(proposal.change.to_value) == {
        "holdout_percent": 10,
        "segment": "mobile · new",
        "tilt_percent": 5,
        "weeks": 1,
    }
    assert proposal.delta == usd(0)
    told = audience_test.KIND.describe(StoredProposal.fresh(proposal))
    assert told.change == "test mobile · new: bids +5%, 10% held out, 1 week(s)"
    assert "E-value 1.80" in told.evidence[1]


def test_the_effect_counts_what_the_holdout_costs() -> None:
    effect = only().effect
    assert effect.orders
    # 4,000 people a week: 90% of them get 5% more of what moves them by 1.6 points more than
    # others, 10% of them lose 2 points
    assert effect.orders.p50 == pytest.approx(4_000 * (0.9 * 0.05 * 0.016 - 0.1 * 0.02))
    assert effect.orders.p10 < effect.orders.p50 < effect.orders.p90
    assert "the tilt alone would bring +3.2" in effect.note


def test_an_outcome_that_is_no_order_is_not_told_in_orders() -> None:
    signups = tuple(replace(s, outcome="sign_up") for s in INPUTS.segments)
    effect = only(replace(INPUTS, segments=signups)).effect
    assert (effect.orders, effect.note) == (
        None,
        "orders not estimated: the uplift is of sign_up, not of orders",
    )


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (replace(INPUTS, uplift=None), "uplift has no run up to 2026-06-30"),
        (
            replace(INPUTS, uplift=replace(UPLIFT, verdict="INCONCLUSIVE", reason="No overlap.")),
            "uplift is INCONCLUSIVE: No overlap.",
        ),
        (
            replace(INPUTS, segments=(), of_site=("signup-banner",)),
            "Uplift believes no effect of ads (what it finds of signup-banner is of the site, not "
            "of ads): no audience test is proposed.",
        ),
        (
            replace(INPUTS, segments=(ALL,), interests=8),
            "of the 8 interests that clustering finds, nothing says whom ads move more",
        ),
        (
            replace(INPUTS, segments=(ALL, replace(NEW, discovery=False))),
            "Uplift finds no segment of people whom ads move more than others",
        ),
        (
            replace(INPUTS, segments=(ALL, replace(NEW, uplift=(-0.03, -0.02, -0.01)))),
            "Uplift finds no segment of people whom ads move more than others",
        ),
    ],
)
def test_without_an_effect_that_is_believed_it_is_refused(inputs: Inputs, reason: str) -> None:
    drafted = draft(inputs)
    assert drafted.proposals == ()
    (refusal,) = drafted.refused
    assert reason in refusal


def test_a_channel_without_a_campaign_to_test_in_is_named() -> None:
    (refusal,) = draft(INPUTS, campaign("shared", 100, shared_budget="b7")).refused
    assert "no campaign of the channel runs on a budget of its own" in refusal


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"people": (40, 80)}, "FAIL"),
        ({"control_rate": 0.0}, "NO_DATA"),
    ],
)
def test_a_test_that_would_not_tell_cannot_be_approved(
    changed: dict[str, object], verdict: str
) -> None:
    few = replace(NEW, **changed)  # type: ignore[arg-type]
    proposal = only(replace(INPUTS, segments=(ALL, few)))
    assert {c.name: c.verdict for c in proposal.constraints}["power_suffices"] == verdict
    assert proposal.verdict != "PASS"


def test_fewer_people_take_a_larger_holdout_and_more_weeks() -> None:
    some = only(replace(INPUTS, segments=(ALL, replace(NEW, people=(100, 200)))))
    setting = json.loads(some.change.to_value)
    assert setting["holdout_percent"] > 10
    assert 1 < setting["weeks"] <= 8


def test_guardrails_fail_closed_on_what_is_not_known() -> None:
    case = AudienceCase(
        market=Market(AS_OF, Rates("USD", AS_OF, {}), CAMPAIGNS, {}),
        caps=CAPS,
        campaign=CAMPAIGNS[0],
        evidence=None,
        delta=usd(0),
        effect=only().effect,
        currencies=frozenset(),
        discovery=False,
        uplift_low=None,
        holdout=0.0,
        weeks=None,
        tilt=6.0,
    )
    assert isinstance(case, Case)
    assert {c.name: c.verdict for c in audience_test.KIND.certificate(case)} == {
        "kill_switch": "PASS",
        "evidence_fresh": "NO_DATA",
        "account_fresh": "PASS",
        "baseline_known": "PASS",
        "uplift_significant": "NO_DATA",
        "holdout_kept": "FAIL",
        "power_suffices": "NO_DATA",
        "tilt_within_cap": "FAIL",
    }


def test_the_same_segment_in_the_same_week_is_the_same_finding() -> None:
    first = only().proposal_id
    surer = replace(NEW, uplift=(0.012, 0.021, 0.03))
    assert only(replace(INPUTS, segments=(ALL, surer))).proposal_id == first
    other = replace(NEW, label="desktop")
    assert only(replace(INPUTS, segments=(ALL, other))).proposal_id != first
