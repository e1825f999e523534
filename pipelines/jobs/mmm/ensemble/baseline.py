"""What the outcome would be without media: level, trend, season, controls, and a level that walks.

All of it is Gaussian, so it needs no sampling: it is in the covariance of the outcome around what
media bring. With prior variances in units of the noise's, the covariance is σ²·K, and K only
depends on how far the level walks in a week, and on how much weeks of the year have that recurs (a
holiday) beside a smooth season. K is worked out for a few of both, and the sampler chooses.

Where an experiment says what a channel brings whatever its spend follows, it also chooses whether
that spend goes with demand: then the level has a part in proportion to the logarithm of the spend
(a control function; Heckman 1979), and it is the experiment that tells what the spend brings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from pipelines.jobs.mmm.experiments import Placed
from pipelines.jobs.mmm.panel import Floats, Panel

# Weekly steps of the level, in standard deviations of the noise: from none to a level that follows
# everything, which leaves media little to explain.
_PACES = (0.0, 0.01, 0.05, 0.2, 0.6)
# What recurs in a week of the year, in the same unit; it takes two years to see.
_RECURRENT = (0.0, 2.0)
_RECURRENT_WEEKS = 100
YEAR_WEEKS = 365.25 / 7
# Standard deviations of coefficients, in units of the noise's.
_LEVEL, _TREND, _SEASON, _CONTROL = 100.0, 5.0, 3.0, 3.0
_HARMONICS, _SEASON_DECAY = 6, 0.7
_FOLLOWED = 3.0
"""The same, of demand that a standard deviation of a channel's log spend goes with."""
FOLLOWS = 0.03
"""Prior probability that a channel's spend goes with demand, where an experiment can tell."""
_FEW = 3
"""Up to so many tested channels, two may follow demand at once; of more, one."""
_LEAST_SPEND = 0.02
_TESTED = 1.0
"""The same, of a step in the weeks of a test of a part of the population: all of it together spends
as usual and, where the curve bends, brings something else."""


class State(NamedTuple):
    """What K depends on.

    Args:
        pace: weekly steps of the level, in standard deviations of the noise.
        recurrent: of what recurs in a week of the year, in the same unit.
        following: channels whose spend goes with demand.
    """

    pace: float
    recurrent: float
    following: tuple[int, ...]


@dataclass(frozen=True)
class Baseline:
    """K in each state.

    Args:
        states: [state].
        precisions: inverses of K, [state, geo × week, geo × week].
        log_determinants: of K, [state].
        log_priors: of states, up to a constant, [state].
        tests: that were taken account of.
    """

    states: tuple[State, ...]
    precisions: Floats
    log_determinants: Floats
    log_priors: Floats
    tests: tuple[Placed, ...]


def baseline(panel: Panel, tests: Sequence[Placed] = ()) -> Baseline:
    """Work K out.

    Args:
        tests: whose channels' spend may go with demand, because they say what it brings.
    """
    tested = sorted({test.channel for test in tests})
    noise, parts = np.eye(panel.outcome.size), _covariances(panel, panel, tests)
    recurrent = _RECURRENT if len(panel.starts) >= _RECURRENT_WEEKS else _RECURRENT[:1]
    # every subset of many channels would be too many matrices
    most = 2 if len(tested) <= _FEW else 1
    following = [each for count in range(most + 1) for each in combinations(tested, count)]
    states = tuple(State(*each) for each in product(_PACES, recurrent, following))
    precisions, log_determinants = [], []
    for state in states:
        lower = np.linalg.cholesky(noise + _level(parts, state))
        inverse = np.linalg.inv(lower)
        precisions.append(inverse.T @ inverse)
        log_determinants.append(2 * np.log(np.diag(lower)).sum())
    odds = np.log(FOLLOWS / (1 - FOLLOWS))
    log_priors = odds * np.array([len(state.following) for state in states])
    return Baseline(
        states, np.array(precisions), np.array(log_determinants), log_priors, tuple(tests)
    )


def onwards(
    base: Baseline, panel: Panel, later: Panel, used: Iterable[int]
) -> Iterator[tuple[int, Floats]]:
    """State by state, the linear map from what media leave unexplained in a panel to the level to
    expect in a longer one, [later geo × week, geo × week].

    It is the conditional mean of a Gaussian; the same covariance goes on over the later weeks.
    """
    parts = _covariances(later, panel, base.tests)
    for state in used:
        yield state, _level(parts, base.states[state]) @ base.precisions[state]


def control_columns(panel: Panel) -> tuple[tuple[int, ...], Floats]:
    """Positions of the controls that have a coefficient, and what it multiplies, in prior standard
    deviations of it in units of the noise's, [geo × week, control]."""
    varied = _varied(panel)
    columns, deviations = _regressors(panel, panel)
    return varied, (columns * deviations)[:, columns.shape[1] - len(varied) :]


class _Parts(NamedTuple):
    """Covariances of the level in one panel with that in another, [geo × week, geo × week] each: of
    regressors, of a walk with steps of 1, of what recurs; and the log spends of channels in both,
    [geo × week, channel]."""

    fixed: Floats
    walk: Floats
    recurrence: Floats
    spends: tuple[Floats, Floats]


def _level(parts: _Parts, state: State) -> Floats:
    level = parts.fixed + state.pace**2 * parts.walk + state.recurrent**2 * parts.recurrence
    rows, columns = (spends[:, list(state.following)] for spends in parts.spends)
    return level + _FOLLOWED**2 * rows @ columns.T


def _covariances(rows: Panel, columns: Panel, tests: Sequence[Placed]) -> _Parts:
    """Of a panel with another, which begins it or is the same."""
    left, deviations = _regressors(rows, columns)
    right, _ = _regressors(columns, columns)
    later, earlier = (np.arange(panel.outcome.shape[1]) for panel in (rows, columns))
    walk = np.minimum.outer(later, earlier) + 1.0
    years = np.subtract.outer(later, earlier) / YEAR_WEEKS
    apart = np.abs(years - np.rint(years)) * YEAR_WEEKS
    recurrence = np.clip(1 - apart, 0, None)
    same_geo, any_geo = np.eye(len(columns.geos)), np.ones((len(columns.geos),) * 2)
    steps = [_steps(panel, tests) for panel in (rows, columns)]
    return _Parts(
        (left * deviations**2) @ right.T + _TESTED**2 * steps[0] @ steps[1].T,
        np.kron(same_geo, walk).astype(float),
        np.kron(any_geo, recurrence).astype(float),
        (_log_spends(rows, columns), _log_spends(columns, columns)),
    )


def _steps(panel: Panel, tests: Sequence[Placed]) -> Floats:
    """1 in the weeks of each test of a part of the population, [geo × week, test]."""
    geos, weeks = panel.outcome.shape
    parts = [test.touched for test in tests if test.scale < 1]
    steps = np.zeros((len(parts), weeks))
    for step, touched in zip(steps, parts, strict=True):
        step[: len(touched)] = touched[:weeks]
    return np.tile(steps, geos).T


def _log_spends(panel: Panel, fitted: Panel) -> Floats:
    """The logarithm of each channel's spend around its mean in its geo, in standard deviations of
    the fitted panel, [geo × week, channel]."""
    usual = fitted.spend.mean(axis=(0, 1))
    known, logs = (np.log(p.spend + _LEAST_SPEND * usual) for p in (fitted, panel))
    middle = known.mean(axis=1, keepdims=True)
    spread = np.maximum((known - middle).std(axis=(0, 1)), 1e-6)
    spends: Floats = ((logs - middle) / spread).reshape(-1, len(usual))
    return spends


def _regressors(panel: Panel, fitted: Panel) -> tuple[Floats, Floats]:
    """Columns, [geo × week, column], and the standard deviations of their coefficients; in units of
    the fitted panel, which begins ``panel``."""
    geos, weeks = panel.outcome.shape
    span = fitted.outcome.shape[1]
    time = np.tile(np.arange(weeks), geos)
    columns, deviations = [], []
    for geo in range(geos):
        here = np.repeat(np.arange(geos) == geo, weeks).astype(float)
        columns += [here, here * (time / span - 0.5)]
        deviations += [_LEVEL, _TREND]
    for harmonic in range(1, _HARMONICS + 1):
        angle = 2 * np.pi * harmonic * time / YEAR_WEEKS
        columns += [np.sin(angle), np.cos(angle)]
        deviations += 2 * [_SEASON / harmonic**_SEASON_DECAY]
    for i in _varied(fitted):
        known = fitted.controls[:, :, i]
        columns.append((panel.controls[:, :, i].ravel() - known.mean()) / known.std())
        deviations.append(_CONTROL)
    return np.array(columns).T, np.array(deviations)


def _varied(panel: Panel) -> tuple[int, ...]:
    """Controls that aren't the same in all weeks: of others nothing can be learnt."""
    return tuple(i for i in range(panel.controls.shape[2]) if panel.controls[:, :, i].std() > 0)
