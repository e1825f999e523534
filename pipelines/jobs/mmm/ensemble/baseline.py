"""What the outcome would be without media: level, trend, season, controls, and a level that walks.

All of it is Gaussian, so it needs no sampling: it is in the covariance of the outcome around what
media bring. With prior variances in units of the noise's, the covariance is σ²·K, and K only
depends on how far the level walks in a week. K is worked out for a few such paces, and the sampler
chooses among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.jobs.mmm.panel import Floats, Panel

# Weekly steps of the level, in standard deviations of the noise: from none to a level that follows
# everything, which leaves media little to explain.
PACES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6)
YEAR_WEEKS = 365.25 / 7
# Standard deviations of coefficients, in units of the noise's.
_LEVEL, _TREND, _SEASON, _CONTROL = 100.0, 5.0, 3.0, 3.0
_HARMONICS, _SEASON_DECAY = 6, 0.7


@dataclass(frozen=True)
class Baseline:
    """K for each pace.

    Args:
        precisions: inverses of K, [pace, geo × week, geo × week].
        log_determinants: of K, [pace].
    """

    precisions: Floats
    log_determinants: Floats


def baseline(panel: Panel, weights: Floats) -> Baseline:
    """Work K out.

    Args:
        weights: of weeks, by how far the noise of each is from usual: 1 is usual, 0.1 has ten times
            the variance, [geo × week].
    """
    noise, (fixed, walk) = np.diag(1 / weights), _covariances(panel, panel)
    precisions, log_determinants = [], []
    for pace in PACES:
        lower = np.linalg.cholesky(noise + fixed + pace**2 * walk)
        inverse = np.linalg.inv(lower)
        precisions.append(inverse.T @ inverse)
        log_determinants.append(2 * np.log(np.diag(lower)).sum())
    return Baseline(np.array(precisions), np.array(log_determinants))


def onwards(base: Baseline, panel: Panel, later: Panel, pace: int) -> Floats:
    """The linear map from what media leave unexplained in a panel to the level to expect in a
    longer one, [later geo × week, geo × week].

    It is the conditional mean of a Gaussian; the same covariance goes on over the later weeks.
    """
    fixed, walk = _covariances(later, panel)
    level: Floats = (fixed + PACES[pace] ** 2 * walk) @ base.precisions[pace]
    return level


def _covariances(rows: Panel, columns: Panel) -> tuple[Floats, Floats]:
    """Of the level in one panel with that in another, which begins it or is the same: of
    regressors, and of a walk with steps of 1, both [geo × week, geo × week]."""
    weeks = columns.outcome.shape[1]
    left, deviations = _regressors(rows, columns)
    right, _ = _regressors(columns, columns)
    walk = np.minimum.outer(np.arange(rows.outcome.shape[1]), np.arange(weeks)) + 1.0
    return (left * deviations**2) @ right.T, np.kron(np.eye(len(columns.geos)), walk).astype(float)


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
    for i in range(panel.controls.shape[2]):
        known = fitted.controls[:, :, i]
        if known.std() > 0:
            columns.append((panel.controls[:, :, i].ravel() - known.mean()) / known.std())
            deviations.append(_CONTROL)
    return np.array(columns).T, np.array(deviations)
