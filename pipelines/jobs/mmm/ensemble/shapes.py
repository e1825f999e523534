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

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from pipelines.jobs.mmm.panel import Floats

Ints = npt.NDArray[np.int64]

CARRY_WEEKS = 26
_LAGS = np.arange(CARRY_WEEKS, dtype=float)
# late carry-over is rare: as likely, a priori, as these shares of the geometric kind
_LATE, _LATE_AND_LONG = 0.15, 0.1
_HALVES = (0.3, 0.6, 1.0, 1.5, 2.2, 3.3, 5.0, 8.0)
_SLOPES = (0.8, 1.0, 1.3, 1.8, 2.6, 3.6)
# Lognormal priors: median, and standard deviation of the logarithm.
_HALF_PRIOR, _SLOPE_PRIOR = (2.0, 0.9), (1.2, 0.45)
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


def _normal(value: float, prior: tuple[float, float]) -> float:
    return -0.5 * ((np.log(value) - np.log(prior[0])) / prior[1]) ** 2


PRIORS: Floats = np.exp(
    [
        _KERNEL_PRIORS[s.kernel]
        + _normal(s.half, _HALF_PRIOR)
        + _normal(s.slope or _EXPONENTIAL_SLOPE, _SLOPE_PRIOR)
        for s in SHAPES
    ]
)
"""Weight of each shape, up to a constant."""


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

    Geos may share a curve of money, or of money in multiples of what each is used to spend (as its
    size goes); where there are several, each shape is there twice, and comes second in that way.

    Args:
        features: [shape, geo × week].
        means: of each shape before scaling, [shape].
        units: in money, what 1 is in ``half``, [way, geo].
    """

    features: Floats
    means: Floats
    units: Floats

    def curves(self, paths: Floats, used: Ints, weeks: int = 0) -> Iterator[Floats]:
        """What paths of spend bring at a height of 1, shape by shape, [path, geo, week].

        Args:
            paths: in money, [path, geo, week].
            used: which shapes.
            weeks: how many of the last to tell; 0 for all.
        """
        worked: dict[tuple[int, int], Floats] = {}
        for index in used:
            way, shape = index // len(SHAPES), SHAPES[index % len(SHAPES)]
            if (way, shape.kernel) not in worked:
                flat = (paths / self.units[way][:, None]).reshape(-1, paths.shape[2])
                whole = adstocked(flat, KERNELS[shape.kernel])
                worked[way, shape.kernel] = whole[:, -weeks:].reshape(*paths.shape[:2], -1)
            yield saturated(worked[way, shape.kernel], shape.half, shape.slope) / self.means[index]


def responses(spend: Floats) -> Responses:
    """Through all of ``SHAPES``; ``spend`` is one channel's, [geo, week]."""
    usual = float(spend[spend > 0].mean())
    weeks = (spend > 0).sum(axis=1)
    own = np.where(weeks > 0, spend.sum(axis=1) / np.maximum(weeks, 1), usual)
    ways = [np.full(len(spend), usual), own] if len(spend) > 1 else [own]
    features = np.concatenate([_through(spend / units[:, None]) for units in ways])
    means = features.mean(axis=1)
    return Responses(features / means[:, None], means, np.array(ways))


def _through(spend: Floats) -> Floats:
    worked = [adstocked(spend, kernel) for kernel in KERNELS]
    return np.array([saturated(worked[s.kernel], s.half, s.slope).ravel() for s in SHAPES])
