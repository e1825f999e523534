"""A channel's change goes where the next money brings most, as far as orders tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import shift_plan
from pipelines.proposals.evidence import Allocation, CampaignReturn, JobEvidence, Response
from pipelines.proposals.kinds import budget_shift
from pipelines.proposals.kinds.base import Stamp
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Interval, Proposal
from pipelines.proposals.returns import ChannelReturns, channel_returns, spread
from pipelines.proposals.stored import StoredProposal

AS_OF = date(2026, 6, 30)
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=500_000_000)
MMM = JobEvidence("mmm", "m1", AS_OF, "PASS", "")
CAP = 0.05


def usd(amount: float) -> Money:
    return Money(round(amount * 1e6), "USD")


def returns(*rows: tuple[float, float], elasticity: float | None = 0.5) -> ChannelReturns:
    """Of campaigns that cost so many dollars and are credited with so many orders."""
    campaigns = [
        CampaignReturn(("tv", "1", str(i)), usd(spend), orders)
        for i, (spend, orders) in enumerate(rows)
    ]
    return channel_returns(campaigns, elasticity)


def test_few_orders_are_pulled_toward_the_channel_and_many_are_believed() -> None:
    few = returns((1_000, 60), (1_000, 20))
    many = returns((100_000, 6_000), (100_000, 2_000))
    assert few.returns[0].own == many.returns[0].own == pytest.approx(0.06)
    assert few.channel == many.channel == pytest.approx(0.04)
    assert 0.04 < few.returns[0].shrunk < many.returns[0].shrunk < 0.06
    assert few.returns[0].weight < 0.95 < many.returns[0].weight


def test_differences_within_chance_are_none() -> None:
    alike = returns((1_000, 50), (1_000, 55), (1_000, 45))
    assert alike.problem == "the campaigns' returns differ by no more than chance"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (returns((1_000, 10), (1_000, 15)), "25 orders in 56 days; at least 30 are needed"),
        (returns((0, 0), (0, 0)), "0 orders"),
        (returns((1_000, 90), (1_000, 20), elasticity=None), "doesn't tell"),
        (returns((1_000, 90), (1_000, 20), elasticity=-0.1), "doesn't tell"),
    ],
)
def test_without_evidence_the_split_is_by_budget_and_says_so(
    told: ChannelReturns, reason: str
) -> None:
    assert told.problem is not None
    assert reason in told.problem
    assert spread([300.0, 100.0], told, 8.0, CAP) == (6.0, 2.0)


def test_more_goes_to_the_best_and_a_cut_is_taken_from_the_worst() -> None:
    far_apart = returns((100_000, 6_000), (100_000, 3_000), (100_000, 1_000))
    more = spread([100.0, 100.0, 100.0], far_apart, 7.0, CAP)
    less = spread([100.0, 100.0, 100.0], far_apart, -7.0, CAP)
    assert more == pytest.approx((5.0, 2.0, 0.0), abs=1e-6)
    assert less == pytest.approx((0.0, -2.0, -5.0), abs=1e-6)


def test_the_best_stops_growing_once_its_next_money_brings_no_more_than_the_others() -> None:
    close = returns((1_000_000, 50_500), (1_000_000, 49_500), elasticity=0.2)
    first, second = spread([1_000.0, 1_000.0], close, 60.0, CAP)
    assert 50 > first > second > 0


@st.composite
def channels(draw: st.DrawFn) -> tuple[list[float], ChannelReturns, float, float]:
    """Budgets, returns, a change and the cap that it is within."""
    count = draw(st.integers(1, 6))
    rows = [(draw(st.floats(1, 1e6)), draw(st.floats(0, 1e4))) for _ in range(count)]
    budgets = draw(st.lists(st.floats(1, 1e5), min_size=count, max_size=count))
    cap = draw(st.floats(0.01, 1.0))
    change = draw(st.floats(-1, 1)) * cap * sum(budgets)
    return budgets, returns(*rows, elasticity=draw(st.floats(0.01, 1.5))), change, cap


@given(channels())
def test_parts_sum_to_the_change_go_its_way_and_keep_within_the_cap(
    channel: tuple[list[float], ChannelReturns, float, float],
) -> None:
    budgets, told, change, cap = channel
    parts = spread(budgets, told, change, cap)
    assert sum(parts) == pytest.approx(change, rel=1e-6, abs=1e-6 * sum(budgets))
    for budget, part in zip(budgets, parts, strict=True):
        assert abs(part) <= cap * budget * (1 + 1e-9)
        assert part * change >= 0


@given(channels())
def test_what_brings_more_never_grows_by_a_smaller_share(
    channel: tuple[list[float], ChannelReturns, float, float],
) -> None:
    budgets, told, change, cap = channel
    parts = spread(budgets, told, change, cap)
    if told.problem:
        return
    shares = [part / budget for part, budget in zip(parts, budgets, strict=True)]
    ranked = sorted(zip((r.shrunk for r in told.returns), shares, strict=True))
    for (_, worse), (_, better) in pairwise(ranked):
        assert better >= worse - 1e-6


def campaign(channel: str, name: str, budget: float = 100) -> Campaign:
    return Campaign(channel, "1", name, name, "ENABLED", usd(budget), "USD", AS_OF)


CAMPAIGNS = (campaign("tv", "t1"), campaign("tv", "t2"), campaign("radio", "r1", 200))
SPLIT = (
    Allocation("tv", usd(1_400), usd(1_442), "NONE", Interval(1, 2, 5), usd(80)),
    Allocation("radio", usd(1_400), usd(1_358), "NONE", Interval(-3, -1, -0.5), usd(80)),
)
RESPONSES = {c: Response(c, usd(1_400), Interval(50, 60, 70), 0.5) for c in ("tv", "radio")}


def shifts(*credited: CampaignReturn) -> dict[str, Proposal]:
    inputs = shift_plan.Inputs(MMM, SPLIT, None, None, (), RESPONSES, credited)
    market = Market(AS_OF, Rates("USD", AS_OF, {}), CAMPAIGNS, {})
    drafted = budget_shift.KIND.draft(market, inputs, CAPS, STAMP)
    return {p.target.campaign_id: p for p in drafted.proposals}


T1 = CampaignReturn(("tv", "1", "t1"), usd(100_000), 6_000)
T2 = CampaignReturn(("tv", "1", "t2"), usd(100_000), 1_000)


def test_a_shift_follows_returns_within_the_cap_and_the_total_does_not_grow() -> None:
    drafted = shifts(T1, T2)
    assert {k: p.delta for k, p in drafted.items()} == {
        "t1": usd(5),
        "t2": usd(1),
        "r1": usd(-6),
    }
    assert all(
        c.verdict == "PASS"
        for p in drafted.values()
        for c in p.constraints
        if c.name == "max_change"
    )


def test_what_a_better_campaign_leaves_over_is_not_worth_a_proposal() -> None:
    tv, radio = (
        replace(a, proposed=usd(1_400 * f)) for a, f in zip(SPLIT, (1.0275, 0.9725), strict=True)
    )
    inputs = shift_plan.Inputs(MMM, (tv, radio), None, None, (), RESPONSES, (T1, T2))
    market = Market(AS_OF, Rates("USD", AS_OF, {}), CAMPAIGNS, {})
    plan = shift_plan.make_plan(market, inputs, CAPS)
    # t2 would get half a percent
    assert {key[2]: delta for key, delta in plan.deltas.items()} == {"t1": usd(5), "r1": usd(-5.5)}


def test_the_effects_of_a_channels_campaigns_sum_to_what_its_curve_says() -> None:
    for drafted in (shifts(T1, T2), shifts()):
        effects = [drafted[c].effect.orders for c in ("t1", "t2")]
        for end in ("p10", "p50", "p90"):
            whole = getattr(SPLIT[0].orders, end)
            assert sum(getattr(e, end) for e in effects) == pytest.approx(whole)


def test_a_dollar_of_the_better_campaign_is_said_to_bring_more() -> None:
    drafted = shifts(T1, T2)
    per_dollar = [
        drafted[c].effect.orders.p50 / drafted[c].effect.spend.micros  # type: ignore[union-attr]
        for c in ("t1", "t2")
    ]
    assert per_dollar[0] > 5 * per_dollar[1]


def test_the_proposal_says_by_what_its_part_was_decided() -> None:
    def reason(proposal: Proposal) -> str:
        return budget_shift.KIND.describe(StoredProposal.fresh(proposal)).evidence[1]

    assert "by the next money's return: 1,000 USD more bring" in reason(shifts(T1, T2)["t1"])
    assert "in proportion to budgets: " in reason(shifts()["t1"])
    assert shifts()["t1"].delta == shifts()["t2"].delta == usd(3)


def test_the_same_finding_has_the_same_id_however_it_is_split() -> None:
    assert shifts(T1, T2)["t1"].proposal_id == shifts()["t1"].proposal_id
