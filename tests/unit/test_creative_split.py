"""An ad group's spend is split as the bandits found: in steps, with a floor, if it gains."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails_split
from pipelines.proposals.evidence import JobEvidence, Readiness, Response
from pipelines.proposals.guardrails_split import Share, SplitCase
from pipelines.proposals.kinds import creative_split
from pipelines.proposals.kinds.base import Drafted, Stamp
from pipelines.proposals.kinds.creative_split import Arm, Group, Inputs, moved, rounded
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Interval, Proposal
from pipelines.proposals.stored import StoredProposal

AS_OF = date(2026, 6, 30)
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=80_000_000)
BANDITS = JobEvidence("bandits", "b1", AS_OF, "PASS", "")
MMM = JobEvidence("mmm", "m1", AS_OF, "PASS", "")
HELD = Readiness(AS_OF, (("PASS", "they held"),))


def usd(amount: float) -> Money:
    return Money(round(amount * 1e6), "USD")


def arm(name: str, before: float, after: float, *, affordable: bool = True) -> Arm:
    return Arm(name, f"Ad {name}", before, after, 0.05, after, affordable)


GROUP = Group(
    key=("meta_ads", "1", "c"),
    adgroup_id="7",
    name="Shoes",
    arms=(arm("a", 0.5, 0.83), arm("b", 0.5, 0.17)),
    daily=usd(50),
    cost=(20_000_000, 17_000_000, 23_000_000),
    logged=25_000_000,
)
INPUTS = Inputs(
    bandits=BANDITS,
    groups=(GROUP,),
    readiness=HELD,
    mmm=MMM,
    responses={"meta_ads": Response("meta_ads", usd(3_500), Interval(60, 70, 80), 0.5)},
    order_values={"meta_ads": usd(80)},
)
CAMPAIGN = Campaign("meta_ads", "1", "c", "Prospecting", "ENABLED", usd(100), "USD", AS_OF)


def draft(inputs: Inputs, campaign: Campaign = CAMPAIGN, caps: GuardrailSettings = CAPS) -> Drafted:
    market = Market(AS_OF, Rates("USD", AS_OF, {}), (campaign,), {})
    return creative_split.KIND.draft(market, inputs, caps, STAMP)


def only(inputs: Inputs = INPUTS, caps: GuardrailSettings = CAPS) -> Proposal:
    (proposal,) = draft(inputs, caps=caps).proposals
    return proposal


def verdicts(proposal: Proposal) -> dict[str, str]:
    return {c.name: c.verdict for c in proposal.constraints}


def test_a_passed_decision_is_proposed_in_steps_that_a_person_can_set() -> None:
    proposal = only()
    assert proposal.verdict == "PASS"
    assert json.loads(proposal.change.to_value) == {"a": 85, "b": 15}
    assert proposal.target.part == "ad_group:7"
    assert proposal.delta == usd(0)
    assert proposal.delta_percent == 35
    described = creative_split.KIND.describe(StoredProposal.fresh(proposal))
    assert described.change == (
        'ad group "Shoes" (id 7): "Ad a" (id a) 50% → 85%; "Ad b" (id b) 50% → 15%'
    )


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (replace(INPUTS, bandits=None), "bandits has no run up to 2026-06-30"),
        (
            replace(INPUTS, bandits=replace(BANDITS, verdict="INCONCLUSIVE", reason="too few.")),
            "bandits is INCONCLUSIVE: too few.",
        ),
        (replace(INPUTS, readiness=None), "before their predictions have held: no run of fidelity"),
        (
            replace(INPUTS, readiness=Readiness(AS_OF, (("NO_DATA", "none is two weeks old."),))),
            "before their predictions have held: none is two weeks old.",
        ),
        (
            replace(INPUTS, groups=(replace(GROUP, daily=Money(1, "EUR")),)),
            "is in EUR, but the reporting currency is USD",
        ),
    ],
)
def test_without_evidence_it_is_refused_in_a_sentence(inputs: Inputs, reason: str) -> None:
    drafted = draft(inputs)
    assert drafted.proposals == ()
    (refusal,) = drafted.refused
    assert reason in refusal


@pytest.mark.parametrize("status", ["PAUSED", "REMOVED"])
def test_ads_of_a_campaign_that_does_not_run_are_left_alone(status: str) -> None:
    assert draft(INPUTS, replace(CAMPAIGN, status=status)) == Drafted((), ())


def test_a_split_that_moves_less_than_a_step_is_not_worth_a_proposal() -> None:
    near = replace(GROUP, arms=(arm("a", 0.82, 0.83), arm("b", 0.18, 0.17)))
    assert draft(replace(INPUTS, groups=(near,))) == Drafted((), ())


@pytest.mark.parametrize(
    ("inputs", "caps", "guardrail", "verdict"),
    [
        (replace(INPUTS, readiness=Readiness(AS_OF, (("FAIL", "off by 90%"),))), CAPS,
         "predictions_hold", "FAIL"),
        (replace(INPUTS, bandits=replace(BANDITS, as_of=date(2026, 6, 1))), CAPS,
         "evidence_fresh", "FAIL"),
        (INPUTS, GuardrailSettings(), "gainers_affordable", "NO_DATA"),
        (INPUTS, CAPS.model_copy(update={"exploration_reserve_percent": 20.0}),
         "exploration_floor", "FAIL"),
        (replace(INPUTS, groups=(replace(GROUP, logged=None),)), CAPS, "split_gains", "NO_DATA"),
        (replace(INPUTS, groups=(replace(GROUP, cost=(20_000_000, 17_000_000, 40_000_000)),)),
         CAPS, "split_gains", "FAIL"),
        (replace(INPUTS, groups=(replace(GROUP, cost=(24_900_000, 17_000_000, None)),)),
         CAPS, "split_gains", "FAIL"),
        (replace(INPUTS, groups=(replace(GROUP, arms=(
            arm("a", 0.5, 0.83, affordable=False), arm("b", 0.5, 0.17))),)),
         CAPS, "gainers_affordable", "FAIL"),
    ],
)  # fmt: skip
def test_a_guardrail_fails_closed(
    inputs: Inputs, caps: GuardrailSettings, guardrail: str, verdict: str
) -> None:
    proposal = only(inputs, caps)
    assert verdicts(proposal)[guardrail] == verdict
    assert proposal.verdict != "PASS"


def test_claims_cancel_out_of_the_effect_which_is_in_orders() -> None:
    effect = only().effect
    claimed_twice = replace(GROUP, cost=(10_000_000, 8_500_000, 11_500_000), logged=12_500_000)
    assert only(replace(INPUTS, groups=(claimed_twice,))).effect == effect
    # a tenth of the channel's 70 orders, and a quarter more of them
    assert effect.orders
    assert effect.orders.p50 == pytest.approx(7 * 0.25)
    assert 0 < effect.orders.p10 < effect.orders.p50 < effect.orders.p90
    assert effect.spend == usd(0)


def test_without_a_media_mix_the_effect_is_said_not_to_be_known() -> None:
    effect = only(replace(INPUTS, mmm=None)).effect
    assert (effect.orders, effect.note) == (
        None,
        "orders not estimated: no media mix result to use",
    )


def test_the_same_ad_ahead_in_the_same_week_is_the_same_finding() -> None:
    other = replace(GROUP, arms=(arm("a", 0.55, 0.93), arm("b", 0.45, 0.07)))
    turned = replace(GROUP, arms=(arm("a", 0.5, 0.17), arm("b", 0.5, 0.83)))
    elsewhere = replace(GROUP, adgroup_id="8")
    first = only().proposal_id
    assert only(replace(INPUTS, groups=(other,))).proposal_id == first
    assert only(replace(INPUTS, groups=(turned,))).proposal_id != first
    assert only(replace(INPUTS, groups=(elsewhere,))).proposal_id != first


def test_the_rollback_gives_the_shares_back_to_the_platform() -> None:
    proposal = only()
    assert proposal.rollback.to_value == "platform"
    assert proposal.operation is not None
    assert '"Ad a" (id a) 85%, "Ad b" (id b) 15%' in proposal.operation
    assert proposal.rollback_operation is not None
    assert "Undo what was set up" in proposal.rollback_operation


@st.composite
def groups(draw: st.DrawFn) -> Group:
    """Shares as the bandits make them: a floor, and the rest by how likely an ad is the best."""
    count = draw(st.integers(2, 12))
    chances = draw(st.lists(st.floats(0.001, 1), min_size=count, max_size=count))
    floor = 0.1 / count
    arms = tuple(
        Arm(str(i), None, 1 / count, floor + 0.9 * c / sum(chances), floor, c, True)
        for i, c in enumerate(chances)
    )
    return replace(GROUP, arms=arms)


@given(groups())
def test_rounded_shares_are_whole_keep_their_floors_and_the_order(group: Group) -> None:
    shares = rounded(group)
    if shares is None:
        return
    assert sum(s.after for s in shares.values()) == 100
    assert all(s.after % 5 == 0 and s.after >= s.floor for s in shares.values())
    for one, other in permutations(group.arms, 2):
        if one.after > other.after:
            assert shares[one.ad_id].after >= shares[other.ad_id].after
    assert 0 <= moved(shares) <= 100


def test_more_ads_than_steps_are_refused() -> None:
    many = replace(
        GROUP, arms=tuple(Arm(str(i), None, 0.04, 0.04, 0.004, 0.04, True) for i in range(25))
    )
    (refusal,) = draft(replace(INPUTS, groups=(many,))).refused
    assert "has 25 ads: floors in steps of 5% leave nothing to share" in refusal


def test_a_split_that_is_not_whole_or_of_no_known_ads_fails_closed() -> None:
    market = Market(AS_OF, Rates("USD", AS_OF, {}), (CAMPAIGN,), {})
    empty = SplitCase(
        market=market,
        caps=CAPS,
        campaign=replace(CAMPAIGN, status="PAUSED", data_to=None),
        evidence=None,
        delta=usd(0),
        effect=only().effect,
        currencies=frozenset(),
        shares={},
        exploration=0.0,
        gain=None,
        readiness=None,
    )
    assert {c.name: c.verdict for c in creative_split.KIND.certificate(empty)} == {
        "kill_switch": "PASS",
        "evidence_fresh": "NO_DATA",
        "predictions_hold": "NO_DATA",
        "account_fresh": "NO_DATA",
        "baseline_known": "FAIL",
        "shares_whole": "FAIL",
        "exploration_floor": "NO_DATA",
        "gainers_affordable": "NO_DATA",
        "split_gains": "NO_DATA",
    }
    short = {"a": Share(50, 80, 5, True), "b": Share(50, 15, 5, True)}
    (whole,) = [
        c
        for c in creative_split.KIND.certificate(replace(empty, shares=short))
        if c.name == "shares_whole"
    ]
    assert (whole.verdict, whole.value) == ("FAIL", 95)
    starved = {"a": Share(50, 98, 5, True), "b": Share(50, 2, 5, True)}
    assert guardrails_split.exploration_floor(replace(empty, shares=starved)).verdict == "FAIL"
