"""What the outcome would be without media: level, trend, season, controls, and a level that walks.

All of it is Gaussian, so it needs no sampling: it is in the covariance of the outcome around what
media bring. With prior variances in units of the noise's, the covariance is σ²·K, and K only
depends on how far the level walks in a week, and on how much weeks of the year have that recurs (a
holiday) beside a smooth season. K is worked out for a few of both, and the sampler chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

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


@dataclass(frozen=True)
class Baseline:
    """K for each pair of a pace and what recurs.

    Args:
        pairs: the pairs, [pair].
        precisions: inverses of K, [pair, geo × week, geo × week].
        log_determinants: of K, [pair].
    """

    pairs: tuple[tuple[float, float], ...]
    precisions: Floats
    log_determinants: Floats


def baseline(panel: Panel) -> Baseline:
    """Work K out."""
    noise, parts = np.eye(panel.outcome.size), _covariances(panel, panel)
    recurrent = _RECURRENT if len(panel.starts) >= _RECURRENT_WEEKS else _RECURRENT[:1]
    pairs = tuple(product(_PACES, recurrent))
    precisions, log_determinants = [], []
    for pair in pairs:
        lower = np.linalg.cholesky(noise + _level(parts, pair))
        inverse = np.linalg.inv(lower)
        precisions.append(inverse.T @ inverse)
        log_determinants.append(2 * np.log(np.diag(lower)).sum())
    return Baseline(pairs, np.array(precisions), np.array(log_determinants))


def onwards(
    base: Baseline, panel: Panel, later: Panel, used: Iterable[int]
) -> Iterator[tuple[int, Floats]]:
    """Pair by pair, the linear map from what media leave unexplained in a panel to the level to
    expect in a longer one, [later geo × week, geo × week].

    It is the conditional mean of a Gaussian; the same covariance goes on over the later weeks.
    """
    parts = _covariances(later, panel)
    for pair in used:
        yield pair, _level(parts, base.pairs[pair]) @ base.precisions[pair]


def control_columns(panel: Panel) -> tuple[tuple[int, ...], Floats]:
    """Positions of the controls that have a coefficient, and what it multiplies, in prior standard
    deviations of it in units of the noise's, [geo × week, control]."""
    varied = _varied(panel)
    columns, deviations = _regressors(panel, panel)
    return varied, (columns * deviations)[:, columns.shape[1] - len(varied) :]


def _level(parts: tuple[Floats, Floats, Floats], pair: tuple[float, float]) -> Floats:
    fixed, walk, recurrence = parts
    pace, recurrent = pair
    return fixed + pace**2 * walk + recurrent**2 * recurrence


def _covariances(rows: Panel, columns: Panel) -> tuple[Floats, Floats, Floats]:
    """Of the level in one panel with that in another, which begins it or is the same: of
    regressors, of a walk with steps of 1, and of what recurs, [geo × week, geo × week] each."""
    left, deviations = _regressors(rows, columns)
    right, _ = _regressors(columns, columns)
    later, earlier = (np.arange(panel.outcome.shape[1]) for panel in (rows, columns))
    walk = np.minimum.outer(later, earlier) + 1.0
    years = np.subtract.outer(later, earlier) / YEAR_WEEKS
    apart = np.abs(years - np.rint(years)) * YEAR_WEEKS
    recurrence = np.clip(1 - apart, 0, None)
    same_geo, any_geo = np.eye(len(columns.geos)), np.ones((len(columns.geos),) * 2)
    return (
        (left * deviations**2) @ right.T,
        np.kron(same_geo, walk).astype(float),
        np.kron(any_geo, recurrence).astype(float),
    )


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
