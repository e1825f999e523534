"""Experiments in the ensemble's likelihood tell spend that follows demand from spend that works."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from pipelines.jobs.mmm.assumptions import FOLLOWS, broken
from pipelines.jobs.mmm.calibration import calibrate
from pipelines.jobs.mmm.ensemble import fit_ensemble
from pipelines.jobs.mmm.ensemble.baseline import baseline
from pipelines.jobs.mmm.experiments import Experiment, placed_all
from pipelines.jobs.mmm.forward import steady
from pipelines.jobs.mmm.panel import Floats, Panel
from pipelines.jobs.mmm.stability import measured_since

pytestmark = pytest.mark.slow

WEEKS = 104
MONDAY = date(2024, 1, 1)
SPEND = 1_000.0
CHASER, WORKER = 0, 1
"""A channel that brings nothing and whose spend follows demand, and one that works."""


def market(seed: int = 4) -> Panel:
    random = np.random.default_rng(seed)
    wave = np.zeros(WEEKS)
    for week in range(1, WEEKS):
        wave[week] = 0.6 * wave[week - 1] + random.normal(0, 0.08)
    spend = SPEND * np.stack(
        [np.exp(2 * wave + random.normal(0, 0.05, WEEKS)), np.exp(random.normal(0, 0.4, WEEKS))]
    )
    worked = 200 * spend[WORKER] / (spend[WORKER] + SPEND)
    orders = 500 * np.exp(wave) + worked + random.normal(0, 15, WEEKS)
    starts = tuple(MONDAY + timedelta(weeks=w) for w in range(WEEKS))
    nothing = np.zeros((1, WEEKS, 0))
    return Panel(starts, ("all",), ("chaser", "worker"), spend.T[None], orders[None], nothing)


def trial(panel: Panel, channel: int, effect: float, se: float = 40.0) -> Experiment:
    """Half of the regions got a half more for the last eight weeks, the other a half less."""
    start, end = panel.starts[-8], panel.starts[-1] + timedelta(days=6)
    half = float(panel.spend[0, -8:, channel].sum()) / 2
    return Experiment(
        experiment_id=panel.channels[channel],
        channel=panel.channels[channel],
        start=start,
        end=end,
        counted_to=end,
        test=1.5 * half,
        baseline=0.5 * half,
        delta=half,
        outcome="orders",
        effect=effect,
        se=se,
        share=0.5,
    )


def gained(panel: Panel, experiments: tuple[Experiment, ...], channel: int) -> Floats:
    """10th, 50th and 90th percentile of the weekly orders that half as much again would bring."""
    fitted = fit_ensemble(panel, 1, experiments)
    now, then = steady(fitted, channel, np.array([SPEND, 1.5 * SPEND])).T
    return np.quantile(then - now, (0.1, 0.5, 0.9))


def test_weeks_alone_take_demand_for_an_effect_and_a_test_of_none_takes_it_back() -> None:
    panel = market()
    assert gained(panel, (), CHASER)[0] > 20
    tested = gained(panel, (trial(panel, CHASER, 5.0),), CHASER)
    assert tested[1] < 15
    # of the other channel, as much is known as before
    true = 200 * (1.5 / 2.5 - 0.5)
    low, _, high = gained(panel, (trial(panel, CHASER, 5.0),), WORKER)
    assert low < true < high < 2 * true


def test_a_test_that_agrees_narrows_the_interval_and_blames_no_demand() -> None:
    panel = market()
    effect = 4 * 200 * (1.5 / 2.5 - 0.5 / 1.5)
    tested = (trial(panel, WORKER, effect, se=10.0),)
    before, after = gained(panel, (), WORKER), gained(panel, tested, WORKER)
    assert after[2] - after[0] < before[2] - before[0]
    fitted = fit_ensemble(panel, 1, tested)
    follows = [WORKER in fitted.base.states[state].following for state in fitted.baselines]
    assert np.mean(follows) < 0.1


def test_without_a_place_beside_the_weeks_a_test_changes_no_draw() -> None:
    panel = market()
    alone, seen = (
        fit_ensemble(panel.until(80), 1),
        fit_ensemble(panel.until(80), 1, (trial(panel, WORKER, 1.0),)),
    )
    assert np.array_equal(alone.heights, seen.heights)
    assert seen.tested == ()


def test_a_test_ends_a_refusal_for_spend_that_goes_with_demand_to_come() -> None:
    panel = market()
    bought = panel.spend.copy()
    bought[..., CHASER] = np.roll(bought[..., CHASER], -1)
    ahead = Panel(**{**vars(panel), "spend": bought})
    assert FOLLOWS in {doubt.assumption for doubt in broken(fit_ensemble(ahead, 1))}
    tested = (trial(ahead, CHASER, 0.0),)
    assert FOLLOWS not in {doubt.assumption for doubt in broken(fit_ensemble(ahead, 1, tested))}


@pytest.mark.parametrize(("channels", "states"), [(0, 1), (1, 2), (3, 7), (10, 11)])
def test_many_tested_channels_make_no_more_states_than_channels(channels: int, states: int) -> None:
    panel = market()
    many = Panel(**{**vars(panel), "spend": np.repeat(panel.spend[:, :, :1], 10, axis=2)})
    placed, _ = placed_all((trial(panel, CHASER, 1.0),), panel, "orders")
    made = baseline(many, [replace(placed[0], channel=c) for c in range(channels)])
    assert len({state.following for state in made.states}) == states


def test_weeks_in_which_a_part_was_tested_have_a_level_of_their_own() -> None:
    panel = market()
    part = trial(panel, WORKER, 50.0)
    whole = replace(part, share=1.0, test=900.0, baseline=600.0, delta=300.0)
    step = np.zeros(WEEKS)
    step[-8:] = 1

    def held(tests: tuple[Experiment, ...]) -> float:
        """How much a step in the weeks of the test would have to be explained."""
        placed, left = placed_all(tests, panel, "orders")
        assert not left
        base = baseline(panel, placed)
        assert base.states[0].following == ()
        return float(step @ base.precisions[0] @ step)

    assert held((whole,)) == pytest.approx(held(()))
    assert held((part,)) < 0.5 * held(())


@pytest.mark.parametrize(("days", "explains"), [(6, False), (5, True)])
def test_an_experiment_explains_a_change_since_before_it_was_counted(
    days: int, explains: bool
) -> None:
    panel = market()
    held = calibrate(fit_ensemble(panel, 1), [trial(panel, WORKER, 60.0)])
    why = measured_since(held, panel.starts[-1] + timedelta(days=days))
    assert (why is not None) == explains
