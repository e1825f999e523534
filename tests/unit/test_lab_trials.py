"""Tests of channels in the lab: what they cost, what is measured, and when one begins."""

from datetime import date

import numpy as np
import pytest

from pipelines.jobs.mmm.assumptions import FOLLOWS
from pipelines.jobs.mmm.experiments import read_experiments
from pipelines.money import Rates
from pipelines.proposals.evidence import JobEvidence
from pipelines.proposals.kinds.base import Drafted
from pipelines.sandbox.lab.approver import APART_WEEKS, Design, asked_for, begun, taken_back
from pipelines.sandbox.lab.loop import SETTINGS
from pipelines.sandbox.lab.platform import Advice
from pipelines.sandbox.lab.scenario import SCENARIOS
from pipelines.sandbox.lab.trials import measured
from pipelines.sandbox.lab.world import Budgets, Trial, World

WEEKS = 12
RATES = Rates("USD", date(2026, 1, 1), {})
TRIAL = Trial("tiktok_ads", week=1, weeks=4, change=0.5)


def world(market: str = "sandbox", seed: int = 3) -> World:
    return World(SCENARIOS[market], seed, WEEKS)


def advice(verdict: str, reason: str = "", doubts: tuple[str, ...] = ()) -> Advice:
    run = JobEvidence("mmm", "run", world().as_of(0), verdict, reason)
    return Advice(run, doubts, Drafted((), ()), {}, {})


def test_a_test_moves_money_between_regions_and_costs_what_the_curve_bends() -> None:
    market = world()
    tested, usual = (market.run([market.present], t) for t in ([TRIAL], []))
    days = market.days_of(TRIAL)
    at = market.channels.index(TRIAL.channel)
    assert np.array_equal(tested.spend, usual.spend)
    assert np.array_equal(tested.expected[: days.start], usual.expected[: days.start])
    more, less = tested.halves[:, days, at].sum(axis=1)
    assert more > usual.halves[0, days, at].sum() > less
    assert 0 < usual.expected[days].sum() - tested.expected[days].sum() < 0.2 * (more - less)


def test_what_is_measured_is_the_true_difference_and_its_error() -> None:
    gaps = []
    for seed in range(40):
        market = world(seed=seed)
        books = market.run([market.present], [TRIAL])
        ((made,), unread) = read_experiments(measured(market, books, [TRIAL], 7))
        assert not unread
        days = market.days_of(TRIAL)
        counted = slice(days.start, days.stop + 5)
        halves = books.halves[:, counted, market.channels.index(TRIAL.channel)].sum(axis=1)
        gaps.append((made.effect - (halves[0] - halves[1]) / 2) / made.se)
    assert np.mean(gaps) == pytest.approx(0, abs=0.5)
    assert np.std(gaps) == pytest.approx(1, abs=0.3)


def test_a_test_is_known_once_its_days_are_counted() -> None:
    market = world()
    books = market.run([market.present], [TRIAL])
    known = [measured(market, books, [TRIAL], week).num_rows for week in range(WEEKS)]
    assert known == [0] * 6 + [1] * 6
    last = Trial("meta_ads", week=WEEKS - 1, weeks=4, change=0.5)
    books = market.run([market.present], [last])
    assert not measured(market, books, [last], WEEKS - 1).num_rows


def test_a_refusal_for_spend_that_follows_demand_asks_for_a_test_of_the_channel_it_names() -> None:
    flat = [world().present] * 2
    said = advice("INCONCLUSIVE", "the spend of meta_ads goes with demand", (f"of: {FOLLOWS}",))
    asked = asked_for(said, RATES, SETTINGS.guardrails)
    assert asked == {"meta_ads"}
    tests = begun(world(), 1, asked, (), flat, designs={})
    assert [t.channel for t in tests] == ["meta_ads"]
    other = advice("INCONCLUSIVE", "meta_ads and tiktok_ads work together", ("of: another",))
    assert not asked_for(other, RATES, SETTINGS.guardrails)
    assert not list(begun(world(), 1, frozenset(), (), flat, designs={}))


def test_a_channel_that_grew_by_a_twentieth_of_all_money_is_tested_and_then_by_another() -> None:
    market = world()
    tiktok = market.channel_of == market.channels.index("tiktok_ads")
    grown = [market.present * np.where(tiktok, 1 + 0.5 * i, 1.0) for i in range(3)]
    designs = {"tiktok_ads": design(1_000.0)}

    def tests(
        week: int,
        trials: tuple[Trial, ...],
        budgets: list[Budgets],
        designs: dict[str, Design] = designs,
    ) -> tuple[Trial, ...]:
        return tuple(begun(market, week, frozenset(), trials, budgets, designs=designs))

    begins = tests(0, (), grown[:1])
    assert [t.channel for t in begins] == ["tiktok_ads"]
    first = tests(0, (), grown[:2])
    assert [t.channel for t in first] == ["tiktok_ads"]
    assert not tests(0, (), grown[:2], {})
    later = [*grown[:2], *[grown[1]] * APART_WEEKS]
    assert not tests(APART_WEEKS, first, later)
    assert tests(APART_WEEKS, first, [*later, grown[2]])
    assert not tests(1, first, [*grown, grown[2]])


def design(orders: float, bend: float = 0.0) -> Design:
    """Of a channel that spends 10, with an error of 100 orders; what halves bring lacks a bend."""
    spends = np.array([0.0, 6.0, 10.0, 14.0])
    return Design(spends, orders * spends / 10 - bend * np.array([0, 1, 0, 1]), 10.0, 100.0)


def test_a_test_tells_where_a_channel_claims_more_than_chance_does() -> None:
    # 0.4 of what it brings in four weeks, against 2.8 standard errors
    assert design(180.0).tells
    assert not design(170.0).tells
    curve = [
        {"weekly_spend_micros": 1e7 * i, "orders_p50": 100.0 * i, "is_current": i == 1}
        for i in range(3)
    ]
    run = JobEvidence("mmm", "run", world().as_of(0), "PASS", "")
    said = Advice(run, (), Drafted((), ()), {"some": curve}, {date(2026, 1, 5): 500.0})
    (made,) = Design.all(said).values()
    assert (made.now, made.brings(10.0)) == (10.0, 100.0)
    assert made.error == pytest.approx(np.sqrt(4 * 500 * (1 + 4 / 26)))
    assert not Design.all(Advice(run, (), Drafted((), ()), {"some": curve}, {}))


def test_a_test_is_cheap_where_growth_is_said_to_bring_twice_what_it_costs() -> None:
    assert design(100.0, bend=5.6).is_cheap(grown=1.0)
    assert not design(100.0, bend=5.8).is_cheap(grown=1.0)


def test_what_was_added_to_a_channel_whose_claims_fell_goes_back_to_those_that_were_cut() -> None:
    market = world()
    tiktok, meta = (
        market.channel_of == market.channels.index(f"{n}_ads") for n in ("tiktok", "meta")
    )
    moved = market.present * np.where(tiktok, 1.3, np.where(meta, 0.8, 1.0))
    run = JobEvidence("mmm", "run", market.as_of(0), "PASS", "")

    def after(budgets: Budgets, *stops: str) -> Budgets:
        said = Advice(run, (), Drafted((), ()), {}, {}, stops)
        return taken_back(market, budgets, said, SETTINGS.guardrails)

    fell = "tiktok_ads: claimed conversions a click had a median of 1 a day, and of 0.4 (-60%)"
    once = after(moved, fell)
    assert (once[tiktok] < moved[tiktok]).all()
    assert (once[tiktok] >= 0.95 * moved[tiktok] - 0.01).all()
    assert (once[meta] > moved[meta]).all()
    assert moved.sum() - 0.2 < once.sum() <= moved.sum()
    back = moved
    for _ in range(20):
        back = after(back, fell)
    assert back[tiktok] == pytest.approx(market.present[tiktok], abs=0.1)
    for stops in ((), ("meta_ads: claimed conversions a click (-60%)",), (fell.replace("-", "+"),)):
        assert np.array_equal(after(moved, *stops), moved)
