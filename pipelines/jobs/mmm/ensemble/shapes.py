"""The shapes that a channel's response may have: adstock, then saturation; and their prior.

A shape is a function of a channel's weekly spend without a scale. Every channel gets the same few
hundred shapes, in units of its own mean spend, and the sampler finds out which of them, at which
height, go with the data.

- Adstock: weights α^l, or α^((l−θ)²) for media that work θ weeks late, over at most
  ``CARRY_WEEKS`` weeks, scaled to sum to 1.
- Saturation: Hill's x^s / (x^s + h^s), with x and h in multiples of the mean weekly spend (of weeks
  with spend): not of the largest, which moves with every new peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from pipelines.jobs.mmm.panel import Floats

CARRY_WEEKS = 26
_ALPHAS = tuple((a / 10, 0, 0.0) for a in range(10))
# carry-over that peaks later is rare: a seventh as likely, a priori
_DELAYED = tuple((a, delay, float(np.log(0.15))) for a in (0.5, 0.75, 0.9) for delay in (1, 2, 3))
_HALVES = (0.3, 0.6, 1.0, 1.5, 2.2, 3.3, 5.0, 8.0)
_SLOPES = (0.8, 1.0, 1.3, 1.8, 2.6)
# Lognormal priors: median, and standard deviation of the logarithm.
_HALF_PRIOR, _SLOPE_PRIOR = (1.8, 0.8), (1.15, 0.35)


@dataclass(frozen=True)
class Shape:
    """One shape; ``log_prior`` up to a constant."""

    alpha: float
    delay: int
    half: float
    slope: float
    log_prior: float


def _normal(value: float, prior: tuple[float, float]) -> float:
    return -0.5 * ((np.log(value) - np.log(prior[0])) / prior[1]) ** 2


SHAPES = tuple(
    Shape(
        alpha,
        delay,
        half,
        slope,
        log_prior + _normal(half, _HALF_PRIOR) + _normal(slope, _SLOPE_PRIOR),
    )
    for (alpha, delay, log_prior), half, slope in product(_ALPHAS + _DELAYED, _HALVES, _SLOPES)
)
LOG_PRIORS: Floats = np.array([shape.log_prior for shape in SHAPES])


def adstocked(spend: Floats, alpha: float, delay: int = 0) -> Floats:
    """Spend as it works, [geo, week]: the weeks before the first are taken to be without spend."""
    lags = np.arange(min(spend.shape[1], CARRY_WEEKS))
    weights = alpha ** (lags if delay == 0 else (lags - delay) ** 2).astype(float)
    weights /= weights.sum()
    return np.array([np.convolve(row, weights)[: len(row)] for row in spend])


def saturated(worked: Floats, half: float | Floats, slope: float | Floats) -> Floats:
    """Hill's curve, from 0 to 1; 0 at 0. ``worked`` is in multiples of mean spend."""
    positive = np.where(worked > 0, worked, 1.0)
    odds = np.exp(np.clip(slope * (np.log(half) - np.log(positive)), -500, 500))
    return np.where(worked > 0, 1 / (1 + odds), 0.0)


@dataclass(frozen=True)
class Responses:
    """A channel's spend through every shape, each scaled to a mean of 1.

    Args:
        features: [shape, geo × week].
        means: of each shape before scaling, [shape].
        unit: mean spend of weeks with spend, in money: what 1 is, in ``half``.
    """

    features: Floats
    means: Floats
    unit: float


def responses(spend: Floats) -> Responses:
    """Through all of ``SHAPES``; ``spend`` is one channel's, [geo, week]."""
    unit = float(spend[spend > 0].mean())
    worked = {key: adstocked(spend / unit, *key) for key in {(s.alpha, s.delay) for s in SHAPES}}
    features = np.array(
        [saturated(worked[s.alpha, s.delay], s.half, s.slope).ravel() for s in SHAPES]
    )
    means = features.mean(axis=1)
    return Responses(features / means[:, None], means, unit)
