"""A market of several currencies is proposed for as the same market in one currency."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.money import Money, Rate, Rates, minor_unit
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import shift_plan
from pipelines.proposals.evidence import Alert, Allocation, JobEvidence, Response
from pipelines.proposals.kinds import budget_shift, pause
from pipelines.proposals.kinds.base import Stamp
from pipelines.proposals.market import Campaign, Key, Market
from pipelines.proposals.proposal import Interval, Proposal

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=80_000_000)
CENT = 10_000
MMM = JobEvidence("mmm", "m", AS_OF, "PASS", "")
PACING = JobEvidence("pacing", "p", AS_OF, "PASS", "")
USUAL = {"USD": 1.0, "EUR": 1.1, "JPY": 1 / 150, "KRW": 1 / 1300, "KWD": 3.25, "CLP": 1 / 900}


@dataclass(frozen=True)
class World:
    """A market, and the same one with every amount restated in dollars."""

    mixed: Market
    restated: Market
    inputs: shift_plan.Inputs


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rates = Rates(
        "USD",
        AS_OF,
        {
            code: Rate(code, "USD", usual * draw(st.floats(0.8, 1.25)), AS_OF)
            for code, usual in USUAL.items()
            if code != "USD"
        },
    )
    channels = [f"channel_{i}" for i in range(draw(st.integers(2, 4)))]
    campaigns, allocations = [], []
    for channel in channels:
        for number in range(draw(st.integers(1, 4))):
            currency = draw(st.sampled_from(sorted(USUAL)))
            dollars = draw(st.floats(20, 2_000))
            budget = Money(round(dollars / USUAL[currency] * 1e6), currency).payable()
            account = f"{channel}-{currency}"
            name = f"c{number}"
            campaigns.append(
                Campaign(channel, account, name, name, "ENABLED", budget, currency, AS_OF)
            )
        now = Money(draw(st.integers(100, 50_000)) * 1_000_000, "USD")
        share = draw(st.floats(-0.05, 0.05))
        then = Money(round(now.micros * (1 + share)), "USD")
        orders = Interval(40 * share, 50 * share, 60 * share).scaled(1.0)
        value = Money(80_000_000, "USD")
        allocations.append(Allocation(channel, now, then, "NONE", orders, value))
    market = Market(AS_OF, rates, tuple(campaigns), {})
    return World(
        market, in_dollars(market), shift_plan.Inputs(MMM, tuple(allocations), PACING, None, ())
    )


def in_dollars(market: Market) -> Market:
    campaigns = tuple(
        replace(c, daily_budget=market.rates.convert(c.budget), currency="USD")
        for c in market.campaigns
    )
    return replace(market, campaigns=campaigns, rates=Rates("USD", AS_OF, {}))


def shifts(market: Market, inputs: shift_plan.Inputs) -> dict[Key, Proposal]:
    drafted = budget_shift.KIND.draft(market, inputs, CAPS, STAMP)
    return {p.target.key: p for p in drafted.proposals}


def dollars(market: Market, proposal: Proposal | None) -> int:
    return market.rates.convert(proposal.delta).micros if proposal else 0


@settings(max_examples=100)
@given(worlds())
def test_shifts_are_the_same_to_the_rounding_of_a_minor_unit(world: World) -> None:
    ours, theirs = shifts(world.mixed, world.inputs), shifts(world.restated, world.inputs)
    rates = world.mixed.rates
    units = {
        c.key: rates.convert(Money(minor_unit(c.currency), c.currency)).micros
        for c in world.mixed.campaigns
    }
    # what the rounding of all cuts lacks is taken from the largest increase
    pays = 2 * sum(units.values()) + 2 * CENT * len(units)
    payers = {max(m, key=lambda k: m[k].delta.micros) for m in (theirs,) if m} | {
        k
        for k, p in ours.items()
        if dollars(world.mixed, p) > 0
        and dollars(world.mixed, p) >= max(dollars(world.mixed, q) for q in ours.values()) - pays
    }
    for key, unit in units.items():
        difference = abs(
            dollars(world.mixed, ours.get(key)) - dollars(world.restated, theirs.get(key))
        )
        assert difference <= (pays if key in payers else unit + CENT)


@settings(max_examples=100)
@given(worlds())
def test_shifts_are_payable_and_never_make_the_total_grow(world: World) -> None:
    ours = shifts(world.mixed, world.inputs)
    for proposal in ours.values():
        assert proposal.delta == proposal.delta.payable() != Money(0, proposal.currency)
    assert sum(dollars(world.mixed, p) for p in ours.values()) <= 0


@settings(max_examples=100)
@given(worlds())
def test_a_shift_brings_what_it_brings_in_one_currency(world: World) -> None:
    for proposal in shifts(world.mixed, world.inputs).values():
        effect = proposal.effect
        allocation = next(
            a for a in world.inputs.allocations if a.channel == proposal.target.platform
        )
        assert effect.orders
        assert effect.revenue
        assert effect.revenue.currency == "USD"
        weekly = world.mixed.rates.convert(effect.spend).micros
        per_dollar = allocation.orders.p50 / allocation.change.micros
        assert effect.orders.p50 == pytest.approx(weekly * per_dollar)


@settings(max_examples=100)
@given(worlds())
def test_every_guardrail_says_the_same_and_the_rates_are_named(world: World) -> None:
    ours, theirs = shifts(world.mixed, world.inputs), shifts(world.restated, world.inputs)
    foreign = {c.currency for c in world.mixed.campaigns} - {"USD"}
    for key in ours.keys() & theirs.keys():
        verdicts = {c.name: c.verdict for c in ours[key].constraints}
        named = {rate.source for rate in ours[key].rates}
        assert (verdicts.pop("one_currency", None), named) == ("PASS" if foreign else None, foreign)
        assert verdicts == {c.name: c.verdict for c in theirs[key].constraints}


@given(st.sampled_from(sorted(USUAL)), st.floats(1, 5_000), st.floats(0.0, 1.0))
def test_a_pause_loses_the_same_orders_in_any_currency(
    currency: str, recent: float, share: float
) -> None:
    rates = Rates("USD", AS_OF, {c: Rate(c, "USD", r, AS_OF) for c, r in USUAL.items()})
    weekly = Money(round(recent * 7e6 / max(share, 0.01)), "USD")

    def lost(spent: Money) -> float:
        campaign = Campaign("tv", "a", "c", "C", "ENABLED", spent, spent.currency, AS_OF)
        alert = Alert(campaign.key, "overspend", "CRITICAL", date(2026, 6, 1), "!", spent)
        inputs = pause.Inputs(
            PACING,
            (alert,),
            MMM,
            {"tv": Response("tv", weekly, Interval(10, 20, 30))},
            {"tv": Money(80_000_000, "USD")},
        )
        (proposal,) = pause.KIND.draft(
            Market(AS_OF, rates, (campaign,), {}), inputs, CAPS, STAMP
        ).proposals
        assert proposal.effect.orders
        return proposal.effect.orders.p50

    own = Money(round(recent * 1e6 / USUAL[currency]), currency)
    assert lost(own) == pytest.approx(lost(rates.convert(own)), rel=1e-6)


def test_an_alert_in_another_currency_than_the_account_is_now_in_pauses_nothing() -> None:
    campaign = Campaign("tv", "a", "c", "C", "ENABLED", Money(10**8, "JPY"), "JPY", AS_OF)
    spent = Money(10**8, "USD")
    alert = Alert(campaign.key, "overspend", "CRITICAL", date(2026, 6, 1), "!", spent)
    inputs = pause.Inputs(PACING, (alert,), MMM, {}, {})
    market = Market(AS_OF, Rates("USD", AS_OF, {}), (campaign,), {})
    drafted = pause.KIND.draft(market, inputs, CAPS, STAMP)
    assert drafted.proposals == ()
    assert "spend USD, and its account is in JPY now" in drafted.refused[0]


def test_without_a_rate_no_shift_can_be_approved_and_the_currency_is_named() -> None:
    campaigns = tuple(
        Campaign(channel, "a", channel, channel, "ENABLED", Money(10**8, code), code, AS_OF)
        for channel, code in (("up", "USD"), ("down", "USD"), ("other", "KWD"))
    )
    market = Market(AS_OF, Rates("USD", AS_OF, {}), campaigns, {})
    orders, value = Interval(1, 2, 3), Money(80_000_000, "USD")
    now = Money(7 * 10**8, "USD")
    allocations = tuple(
        Allocation(channel, now, Money(7 * 10**6 * (100 + by), "USD"), "NONE", orders, value)
        for channel, by in (("up", 5), ("down", -5), ("other", 5))
    )
    inputs = shift_plan.Inputs(MMM, allocations, PACING, None, ())
    drafted = budget_shift.KIND.draft(market, inputs, CAPS, STAMP)
    assert {p.target.campaign_id: p.verdict for p in drafted.proposals} == {
        "up": "NO_DATA",
        "down": "NO_DATA",
    }
    assert "No exchange rate from KWD to USD is known" in drafted.refused[0]
