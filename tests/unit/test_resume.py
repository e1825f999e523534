"""A paused campaign is proposed to run again for a reason, and not while a fault is open."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, date, datetime

import pytest

from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import Alert, JobEvidence, Response
from pipelines.proposals.kinds import resume
from pipelines.proposals.kinds.base import Drafted, Stamp
from pipelines.proposals.kinds.resume import Inputs, PlanLine, RecordedPause
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Interval, Proposal

AS_OF = date(2026, 7, 31)
STAMP = Stamp(AS_OF, datetime(2026, 8, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=80_000_000)
KEY = ("meta_ads", "1", "c")


def usd(amount: float) -> Money:
    return Money(round(amount * 1e6), "USD")


CAMPAIGN = Campaign(*KEY, "Prospecting", "PAUSED", usd(100), "USD", AS_OF)
PAUSE = RecordedPause("p-1", date(2026, 7, 1), usd(220))
LINE = PlanLine(
    "retail/2026-Q3/l1", date(2026, 7, 1), date(2026, 9, 30), usd(500), -0.4, confidence=0.9
)
INPUTS = Inputs(
    pacing=JobEvidence("pacing", "r", AS_OF, "PASS", ""),
    pauses={KEY: PAUSE},
    lines={},
    alerts=(),
    mmm=JobEvidence("mmm", "m", AS_OF, "PASS", ""),
    responses={"meta_ads": Response("meta_ads", usd(3_500), Interval(90, 100, 110), 0.5)},
    order_values={"meta_ads": usd(80)},
)
ALERT = Alert(KEY, "hard_cap", "CRITICAL", date(2026, 7, 30), "It runs away.", usd(220))


def draft(inputs: Inputs, campaign: Campaign = CAMPAIGN, as_of: date = AS_OF) -> Drafted:
    market = Market(as_of, Rates("USD", as_of, {}), (campaign,), {})
    return resume.KIND.draft(market, inputs, CAPS, STAMP)


def only(inputs: Inputs = INPUTS, campaign: Campaign = CAMPAIGN) -> Proposal:
    (proposal,) = draft(inputs, campaign).proposals
    return proposal


def why(proposal: Proposal) -> str:
    assert isinstance(proposal.evidence, resume.Evidence)
    return proposal.evidence.reason


def test_a_new_month_resumes_what_was_paused_in_the_last_one() -> None:
    proposal = only()
    assert proposal.verdict == "PASS"
    assert (proposal.change.from_value, proposal.change.to_value) == ("PAUSED", "ENABLED")
    assert proposal.rollback == proposal.change.inverse()
    assert proposal.delta == usd(100)
    assert "the month of 2026-08 has a budget of its own" in why(proposal)


def test_within_the_month_it_stays_paused_until_its_budget_covers_what_it_spent() -> None:
    within = replace(PAUSE, recorded_on=date(2026, 8, 1))
    inputs = replace(INPUTS, pauses={KEY: within})
    assert draft(inputs) == Drafted((), ())
    enough = replace(CAMPAIGN, daily_budget=usd(220))
    assert "it spent 220.00 USD a day; its budget is now 220.00 USD" in why(only(inputs, enough))
    # an amount in another currency is no budget restored
    yen = replace(CAMPAIGN, daily_budget=Money(999_000_000, "JPY"), currency="JPY")
    assert draft(inputs, yen) == Drafted((), ())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (LINE, True),
        (replace(LINE, confidence=0.69), False),
        (replace(LINE, behind=usd(0)), False),
        (replace(LINE, behind=None), False),
        (replace(LINE, end=date(2026, 7, 31)), False),
        (replace(LINE, start=date(2026, 8, 2)), False),
    ],
)
def test_a_line_of_a_plan_that_is_behind_and_surely_meant_asks_for_it(
    line: PlanLine, wanted: bool
) -> None:
    drafted = draft(replace(INPUTS, pauses={}, lines={KEY: (line,)}))
    assert [why(p) for p in drafted.proposals] == (
        [
            "Line retail/2026-Q3/l1 of the media plan runs to 2026-09-30 and is 500.00 USD behind "
            "its plan (matched with 90%)."
        ]
        if wanted
        else []
    )


def test_what_nobody_here_paused_and_no_plan_wants_stays_paused() -> None:
    assert draft(replace(INPUTS, pauses={})) == Drafted((), ())
    assert draft(INPUTS, replace(CAMPAIGN, status="ENABLED")) == Drafted((), ())
    assert draft(INPUTS, replace(CAMPAIGN, status="REMOVED")) == Drafted((), ())


@pytest.mark.parametrize(
    ("inputs", "campaign", "guardrail", "verdict"),
    [
        (replace(INPUTS, alerts=(ALERT,)), CAMPAIGN, "fault_over", "FAIL"),
        (replace(INPUTS, lines={KEY: (replace(LINE, variance=0.3, behind=usd(-9)),)}), CAMPAIGN,
         "fault_over", "FAIL"),
        (replace(INPUTS, lines={KEY: (replace(LINE, variance=None, behind=None),)}), CAMPAIGN,
         "fault_over", "NO_DATA"),
        (replace(INPUTS, pacing=replace(INPUTS.pacing, verdict="NO_DATA")),  # type: ignore[type-var]
         CAMPAIGN, "evidence_fresh", "INCONCLUSIVE"),
        (INPUTS, replace(CAMPAIGN, daily_budget=None), "is_paused", "NO_DATA"),
        (INPUTS, replace(CAMPAIGN, data_to=None), "account_fresh", "NO_DATA"),
        (replace(INPUTS, mmm=None), CAMPAIGN, "cac_ceiling", "NO_DATA"),
        (replace(INPUTS, responses={"meta_ads": Response(
            "meta_ads", usd(3_500), Interval(90, 100, 110))}), CAMPAIGN, "cac_ceiling", "NO_DATA"),
        (replace(INPUTS, responses={"meta_ads": Response(
            "meta_ads", usd(3_500), Interval(60, 100, 110), 0.5)}), CAMPAIGN,
         "cac_ceiling", "FAIL"),
    ],
)  # fmt: skip
def test_a_guardrail_fails_closed(
    inputs: Inputs, campaign: Campaign, guardrail: str, verdict: str
) -> None:
    proposal = only(inputs, campaign)
    assert {c.name: c.verdict for c in proposal.constraints}[guardrail] == verdict
    assert proposal.verdict != "PASS"


def test_its_spend_brings_what_the_channels_next_money_brings() -> None:
    effect = only().effect
    assert effect.spend == usd(700)
    # a fifth of the channel's 100 orders, at half their mean
    assert effect.orders
    assert astuple(effect.orders) == pytest.approx((9, 10, 11))
    assert effect.cac
    assert effect.cac.p90 == pytest.approx(700e6 / 9, rel=1e-6)


@pytest.mark.parametrize(
    ("inputs", "campaign", "reason"),
    [
        (replace(INPUTS, pacing=None), CAMPAIGN, "But pacing has no run up to 2026-07-31"),
        (INPUTS, replace(CAMPAIGN, shared_budget="b7"), "from the others. Start it by hand."),
    ],
)
def test_what_cannot_be_proposed_is_said(inputs: Inputs, campaign: Campaign, reason: str) -> None:
    drafted = draft(inputs, campaign)
    assert drafted.proposals == ()
    assert reason in drafted.refused[0]


def test_the_same_reason_is_the_same_finding() -> None:
    first = only().proposal_id
    assert only(INPUTS, replace(CAMPAIGN, daily_budget=usd(90))).proposal_id == first
    again = replace(INPUTS, pauses={KEY: replace(PAUSE, proposal_id="p-2")})
    assert only(again).proposal_id != first
