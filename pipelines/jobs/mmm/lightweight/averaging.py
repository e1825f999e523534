"""How much each model is believed: by how well it predicts a week that it hasn't seen.

A week's log density is that of leaving it out, which a normal distribution gives in closed form for
each draw (Sundararajan & Keerthi, 2001), weighted for the draw having seen it, with truncated
weights (Ionides, 2008). The models' weights are those of stacking (Yao et al., 2018): their mixture
predicts the weeks best.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from pipelines.jobs.mmm.panel import Floats

_STEPS = 200


def left_out(rest: Floats, directions: Floats, variances: Floats, noise: Floats) -> Floats:
    """Log densities of each row given the others, [draw, row].

    Args:
        rest: outcome less media and the baseline's prior mean, [draw, row].
        directions, variances: of the baseline (see :class:`.sampler.Rows`).
        noise: standard deviation, [draw].
    """
    shrunk = variances / (variances + noise[:, None] ** 2)
    gradient = (rest - (rest @ directions * shrunk) @ directions.T) / noise[:, None] ** 2
    precision = (1 - shrunk @ (directions**2).T) / noise[:, None] ** 2
    log_density: Floats = 0.5 * np.log(precision / (2 * np.pi)) - 0.5 * gradient**2 / precision
    return log_density


def predictive(log_density: Floats) -> Floats:
    """Log of each row's predictive density, over draws that have all seen the row, [row]."""
    draws = len(log_density)
    weights = -log_density
    weights -= logsumexp(weights, axis=0) - np.log(draws)
    weights = np.minimum(weights, 0.5 * np.log(draws))
    density: Floats = logsumexp(weights + log_density, axis=0) - logsumexp(weights, axis=0)
    return density


def stacked(log_densities: Floats) -> Floats:
    """Weights that sum to 1, [model], of predictive densities, [model, row]; by the steps of
    expectation and maximisation for a mixture, each of which predicts better than the last."""
    weights = np.full(len(log_densities), 1 / len(log_densities))
    relative = np.exp(log_densities - log_densities.max(axis=0))
    for _ in range(_STEPS):
        share = weights[:, None] * relative
        weights = (share / share.sum(axis=0)).mean(axis=1)
    return weights
