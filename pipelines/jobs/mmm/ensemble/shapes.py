"""The shapes that a channel's response may have: adstock, then saturation; and their prior.

A shape is a function of a channel's weekly spend without a scale. Every channel gets the same
shapes, in units of its own mean spend, and the sampler finds out which of them, at which height, go
with the data.

- Adstock: weights over at most ``CARRY_WEEKS`` weeks that sum to 1: α^l (geometric); α^((l−θ)²)
  for media that work θ weeks late (Jin et al. 2017); Weibull densities, as in Robyn, for media that
  work late and long.
- Saturation: Hill's x^s / (x^s + h^s), or 1 − 2^(−x/h), with x and h in multiples of the mean
  weekly spend (of weeks with spend): not of the largest, which moves with every new peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from pipelines.jobs.mmm.panel import Floats

CARRY_WEEKS = 26
_LAGS = np.arange(CARRY_WEEKS, dtype=float)
# late carry-over is rare: as likely, a priori, as these shares of the geometric kind
_LATE, _LATE_AND_LONG = 0.15, 0.1
_HALVES = (0.3, 0.6, 1.0, 1.5, 2.2, 3.3, 5.0, 8.0)
_SLOPES = (0.8, 1.0, 1.3, 1.8, 2.6, 3.6)
# Channels of one advertiser are alike: halves and slopes are lognormal around medians that they
# share, and that are learnt: the medians' own prior, then how far a channel is from them.
_HALF_MEDIANS, _HALF_MEDIAN_PRIOR, _HALF_SPREAD = (0.6, 1.0, 1.6, 2.5, 4.0), (1.8, 0.7), 0.45
_SLOPE_MEDIANS, _SLOPE_MEDIAN_PRIOR, _SLOPE_SPREAD = (1.0, 1.4, 2.0, 2.8), (1.15, 0.4), 0.25
# exponential saturation is as likely as Hill's with this slope, which it resembles
_EXPONENTIAL_SLOPE = 1.3


@dataclass(frozen=True)
class Shape:
    """One shape; ``slope`` is None for exponential saturation."""

    kernel: int
    half: float
    slope: float | None


def _geometric(alpha: float) -> Floats:
    return alpha**_LAGS


def _delayed(alpha: float, delay: int) -> Floats:
    late: Floats = alpha ** (_LAGS - delay) ** 2
    return late


def _weibull(shape: float, scale: float) -> Floats:
    at = (_LAGS + 1) / scale
    density: Floats = at ** (shape - 1) * np.exp(-(at**shape))
    return density


def _kernels() -> tuple[list[Floats], list[float]]:
    """Weights and log priors."""
    geometric = [_geometric(a / 10) for a in range(10)]
    late = [_delayed(a, delay) for a in (0.5, 0.75, 0.9) for delay in (1, 2, 3)]
    long = [_weibull(shape, scale) for shape in (1.7, 2.5) for scale in (4.0, 6.0, 9.0)]
    groups = [(geometric, 1.0), (late, _LATE), (long, _LATE_AND_LONG)]
    weights = [kernel / kernel.sum() for kernels, _ in groups for kernel in kernels]
    return weights, [
        float(np.log(share * len(geometric) / len(kernels)))
        for kernels, share in groups
        for _ in kernels
    ]


KERNELS, _KERNEL_PRIORS = _kernels()


_CURVES = [
    *product(_HALVES, _SLOPES),
    *((half, None) for half in _HALVES),
]
SHAPES = tuple(
    Shape(kernel, half, slope) for kernel, (half, slope) in product(range(len(KERNELS)), _CURVES)
)


def _normal(value: float, median: float, spread: float) -> float:
    return -0.5 * ((np.log(value) - np.log(median)) / spread) ** 2


def _priors() -> tuple[Floats, Floats]:
    """Of shapes given the shared medians, [medians, shape], and log priors of the medians."""
    tables, own = [], []
    for half, slope in product(_HALF_MEDIANS, _SLOPE_MEDIANS):
        logs = [
            _KERNEL_PRIORS[s.kernel]
            + _normal(s.half, half, _HALF_SPREAD)
            + _normal(s.slope or _EXPONENTIAL_SLOPE, slope, _SLOPE_SPREAD)
            for s in SHAPES
        ]
        table = np.exp(logs)
        tables.append(table / table.sum())
        own.append(_normal(half, *_HALF_MEDIAN_PRIOR) + _normal(slope, *_SLOPE_MEDIAN_PRIOR))
    return np.array(tables), np.array(own)


PRIORS, LOG_MEDIAN_PRIORS = _priors()


def adstocked(spend: Floats, kernel: Floats) -> Floats:
    """Spend as it works, [geo, week]: the weeks before the first are taken to be without spend."""
    return np.array([np.convolve(row, kernel)[: len(row)] for row in spend])


def saturated(worked: Floats, half: float, slope: float | None) -> Floats:
    """From 0 to 1, a half at ``half``; ``worked`` is in multiples of mean spend."""
    if slope is None:
        exponential: Floats = -np.expm1(-np.log(2) / half * worked)
        return exponential
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
    worked = [adstocked(spend / unit, kernel) for kernel in KERNELS]
    features = np.array([saturated(worked[s.kernel], s.half, s.slope).ravel() for s in SHAPES])
    means = features.mean(axis=1)
    return Responses(features / means[:, None], means, unit)
