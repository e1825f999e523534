"""Scores what engines answer on businesses whose response to spend is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize

from pipelines.jobs.mmm.panel import Floats
from tests.bench.mmm_answer import MOST_MOVED, Answer
from tests.bench.worlds import World

_GRID = np.linspace(1 - MOST_MOVED, 1 + MOST_MOVED, 13)
_STARTS = 12


@dataclass(frozen=True)
class Score:
    """How an answer did on a business.

    Args:
        srmse: mean over channels of the root mean square error of a row's contribution over the
            standard deviation of the true one.
        covered: share of channels whose true total is in the 90% interval.
        lift, true_lift: what the recommended allocation brings more, predicted and true: shares of
            the outcome of the weeks in question.
        inside: whether the true lift is in the 90% interval of the predicted one.
        regret: share of the oracle's gain that the recommendation misses.
    """

    srmse: float
    covered: float
    lift: float
    true_lift: float
    inside: bool
    regret: float


def score(world: World, answer: Answer) -> Score:
    """Against the truth, which is exact."""
    srmse, covered = contributions(world.brought(), answer)
    factors = np.array(answer.factors)
    path = _path(world, answer)
    gained = _more(world, path, factors, answer.weeks)
    low, predicted, high = answer.lift
    best = _oracle(world, path, answer.weeks, factors.ndim == 2)
    outcome = float(world.panel.outcome[:, -answer.weeks :].sum())
    return Score(
        srmse,
        covered,
        predicted / outcome,
        gained / outcome,
        bool(low <= gained <= high),
        float((best - gained) / best),
    )


def contributions(truth: Floats, answer: Answer) -> tuple[float, float]:
    """``srmse`` and ``covered``; truth is [geo, week, channel]."""
    error = np.sqrt(((np.array(answer.brought) - truth) ** 2).mean(axis=(0, 1)))
    spread, totals = truth.std(axis=(0, 1)), truth.sum(axis=(0, 1))
    inside = (np.array(answer.low) <= totals) & (totals <= np.array(answer.high))
    return float((error / spread)[spread > 0].mean()), float(inside.mean())


def _path(world: World, answer: Answer) -> Floats:
    if answer.path == "scaled":
        return world.spent
    return np.broadcast_to(world.spent.mean(axis=1, keepdims=True), world.spent.shape)


def _more(world: World, path: Floats, factors: Floats, weeks: int) -> float:
    by_geo = factors[:, None, :] if factors.ndim == 2 else factors
    return float((world.mean(path * by_geo) - world.mean(path))[:, -weeks:].sum())


def _oracle(world: World, path: Floats, weeks: int, by_geo: bool) -> float:
    """The most that any shift within ±30% gains with the total kept.

    What spend brings adds up over channels and geos in these businesses, so each one's curve is
    taken apart, and the best split of smooth curves is sought from several starts.
    """
    geos, _, channels = path.shape
    cells = [(g, i) for g in range(geos) for i in range(channels)] if by_geo else range(channels)
    curves, money = [], []
    for cell in cells:
        gains = []
        for factor in _GRID:
            factors = np.ones((geos, channels))
            factors[cell if by_geo else (slice(None), cell)] = factor
            gains.append(_more(world, path, factors, weeks))
        curves.append(PchipInterpolator(_GRID, gains))
        spent = path[:, -weeks:].sum(axis=1)
        money.append(float(spent[cell] if by_geo else spent[:, cell].sum()))
    shares, unit = np.array(money) / sum(money), max(np.ptp(c(_GRID)) for c in curves)
    slopes = [curve.derivative() for curve in curves]
    random, best = np.random.default_rng(1), 0.0
    for start in range(_STARTS):
        point = np.ones(len(curves))
        if start:
            point = random.uniform(_GRID[0], _GRID[-1], len(curves))
        reached = minimize(
            lambda f: -sum(float(c(x)) for c, x in zip(curves, f, strict=True)) / unit,
            point,
            jac=lambda f: -np.array([s(x) for s, x in zip(slopes, f, strict=True)]) / unit,
            bounds=[(_GRID[0], _GRID[-1])] * len(curves),
            constraints={"type": "eq", "fun": lambda f: f @ shares - 1, "jac": lambda f: shares},
            method="SLSQP",
        )
        if reached.success and abs(reached.x @ shares - 1) < 1e-6:
            best = max(best, -float(reached.fun) * unit)
    return best
