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
    geos, weeks = panel.outcome.shape
    columns, deviations = _regressors(panel)
    walk = np.kron(np.eye(geos), np.minimum.outer(np.arange(weeks), np.arange(weeks)) + 1.0)
    fixed = np.diag(1 / weights) + (columns * deviations**2) @ columns.T
    precisions, log_determinants = [], []
    for pace in PACES:
        lower = np.linalg.cholesky(fixed + pace**2 * walk)
        inverse = np.linalg.inv(lower)
        precisions.append(inverse.T @ inverse)
        log_determinants.append(2 * np.log(np.diag(lower)).sum())
    return Baseline(np.array(precisions), np.array(log_determinants))


def _regressors(panel: Panel) -> tuple[Floats, Floats]:
    """Columns, [geo × week, column], and the standard deviations of their coefficients."""
    geos, weeks = panel.outcome.shape
    time = np.tile(np.arange(weeks), geos)
    columns, deviations = [], []
    for geo in range(geos):
        here = np.repeat(np.arange(geos) == geo, weeks).astype(float)
        columns += [here, here * (time / weeks - 0.5)]
        deviations += [_LEVEL, _TREND]
    for harmonic in range(1, _HARMONICS + 1):
        angle = 2 * np.pi * harmonic * time / YEAR_WEEKS
        columns += [np.sin(angle), np.cos(angle)]
        deviations += 2 * [_SEASON / harmonic**_SEASON_DECAY]
    for control in panel.controls.reshape(geos * weeks, -1).T:
        if control.std() > 0:
            columns.append((control - control.mean()) / control.std())
            deviations.append(_CONTROL)
    return np.array(columns).T, np.array(deviations)
