"""What a media mix takes for granted, and worlds of our own in which one thing of it is false."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from pipelines.jobs.mmm.assumptions import broken
from pipelines.jobs.mmm.decision import STRETCH, claimed, decide
from pipelines.jobs.mmm.ensemble import fit_ensemble
from pipelines.jobs.mmm.panel import Floats, Panel

pytestmark = pytest.mark.slow

WEEKS, NAMES = 120, ("search", "video", "radio")
PERIODS, HEIGHTS = (6, 9, 14), (260.0, 180.0, 90.0)


def flights(random: np.random.Generator) -> Floats:
    """Three channels' weekly spend, in flights with idle weeks between, [week, channel]."""
    time = np.arange(WEEKS)
    return np.array(
        [
            (5 + 100 * np.clip(np.sin(2 * np.pi * time / period + i), 0, None))
            * random.lognormal(0, 0.3, WEEKS)
            for i, period in enumerate(PERIODS)
        ]
    ).T


def market(
    spend: Floats, heights: Floats | tuple[float, ...] = HEIGHTS, extra: Floats | float = 0.0
) -> Panel:
    """A panel in which each channel brings height · x / (x + 80), and nothing carries over."""
    random = np.random.default_rng(8)
    brought = (np.asarray(heights) * spend / (spend + 80)).sum(axis=1)
    season = 60 * np.sin(2 * np.pi * np.arange(WEEKS) / 52.18)
    outcome = 900 + season + brought + random.normal(0, 12, WEEKS) + extra
    starts = tuple(date(2023, 1, 2) + timedelta(weeks=i) for i in range(WEEKS))
    none = np.empty((1, WEEKS, 0))
    return Panel(starts, ("all",), NAMES, spend[None], outcome[None], none)


@cache
def fair_spend() -> Floats:
    return flights(np.random.default_rng(4))


def names_broken(panel: Panel) -> dict[str, str]:
    return {doubt.assumption: doubt.reason for doubt in broken(fit_ensemble(panel, seed=2))}


def test_nothing_is_doubted_where_every_assumption_holds() -> None:
    decision = decide(market(fair_spend()), seed=2)
    assert decision.refusals == ()
    assert decision.shift is not None
    moved = decision.shift * fair_spend()[-52:].sum(axis=0)
    assert moved.sum() == pytest.approx(fair_spend()[-52:].sum(), rel=1e-6)
    low, middle, high = decision.lift
    assert low < middle < high


def test_a_channel_that_came_to_bring_more_is_named() -> None:
    later = np.where(np.arange(WEEKS) < WEEKS / 2, 0.4, 1.8)[:, None]
    heights = np.array(HEIGHTS) * np.hstack([later, np.ones((WEEKS, 2))])
    doubts = names_broken(market(fair_spend(), heights))
    assert "search" in doubts["effects are constant"]


def test_spend_that_follows_demand_is_named() -> None:
    random = np.random.default_rng(3)
    demand = np.convolve(random.normal(0, 1, WEEKS + 1), np.ones(2) / np.sqrt(2), "valid")
    spend = fair_spend().copy()
    spend[:, 1] *= np.exp(0.6 * demand)
    doubts = names_broken(market(spend, extra=40 * demand))
    assert "video" in doubts["spend follows a plan, not demand"]


def test_channels_that_need_each_other_are_named() -> None:
    spend = fair_spend()
    together = 700 * np.prod(spend[:, :2] / (spend[:, :2] + 80), axis=1)
    assert "channels work on their own" in names_broken(market(spend, extra=together))


def test_a_channel_that_takes_from_the_outcome_is_named() -> None:
    doubts = names_broken(market(fair_spend(), (260.0, -200.0, 90.0)))
    assert "video" in doubts["media do no harm"]


@pytest.mark.parametrize(
    ("week", "spent", "said"),
    [
        pytest.param(40, 9000.0, "times its next largest week", id="a-slip-of-the-decimal"),
        pytest.param(60, 0.0, "spent nothing in the week", id="a-load-that-was-missed"),
    ],
)
def test_a_week_that_is_recorded_wrong_is_named(week: int, spent: float, said: str) -> None:
    spend = np.random.default_rng(2).uniform(60, 140, (WEEKS, 3))
    spend[week, 0] = spent
    panel = market(spend)
    reason = names_broken(panel)["spend is recorded as it was"]
    assert said in reason
    assert str(panel.starts[week]) in reason


def test_a_claim_is_wider_than_the_draws_around_the_same_mean() -> None:
    draws = np.random.default_rng(1).normal(3, 2, 10_000)
    assert claimed(draws).mean() == pytest.approx(draws.mean())
    assert claimed(draws).std() == pytest.approx(STRETCH * draws.std())
