"""Draws each channel's shape and height from their posterior, by Gibbs sampling.

Given the other channels, the posterior of one channel's shape and height is known exactly: for
each shape the height is a normal distribution cut off below 0, whose integral is the shape's
weight. So every step draws from an exact conditional; nothing is rejected or tuned, and the
baseline is integrated out. One sweep over the channels costs a matrix product each, in all chains
at once.

An experiment is one more observation that is linear in the height of its channel (the likelihood is
that of pymc-marketing's lift tests): it adds to the precision and to the pull of that conditional.

The heights' prior is half normal, with a scale that is learnt: channels with more spend may well
bring more (in proportion to spend, to its root, or not at all, whichever goes with the data). With
a small probability a channel does harm, and its height is below 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, log_ndtr, ndtr, ndtri

from pipelines.jobs.mmm.ensemble.baseline import Baseline
from pipelines.jobs.mmm.ensemble.measured import Measured
from pipelines.jobs.mmm.ensemble.shapes import PRIORS
from pipelines.jobs.mmm.panel import Floats

Ints = npt.NDArray[np.int64]

_LARGE = 35.0
"""Beyond so many standard deviations, exp(z²/2) has no place in a float."""

CHAINS, WARMUP, SWEEPS = 6, 200, 400
_BASELINE_EVERY = 3
# The scale of heights, as a share of the mean outcome: a grid, around 8% a channel.
_SCALES = np.exp(np.linspace(np.log(0.01), np.log(0.5), 15))
_SCALE_PRIOR = (0.08, 0.6)
_POWERS = np.array([0.0, 0.5, 1.0])
HARM = 0.03
"""Prior probability that a channel takes from the outcome."""


@dataclass(frozen=True)
class Draws:
    """Of the posterior, [sweep, chain, …].

    Args:
        shapes: which of ``SHAPES``, [sweep, chain, channel].
        heights: mean weekly contribution, as a share of the mean outcome, [sweep, chain, channel].
        variances: of the noise, in squares of such shares, [sweep, chain].
        baselines: which state of the baseline, [sweep, chain].
    """

    shapes: Ints
    heights: Floats
    variances: Floats
    baselines: Ints


def sample(
    outcome: Floats,
    features: Floats,
    shares: Floats,
    base: Baseline,
    measured: Measured,
    *,
    seed: int,
) -> Draws:
    """Run the chains.

    Args:
        outcome: as a share of its mean, [geo × week].
        features: mean 1 each, [channel, shape, geo × week].
        shares: of spend, [channel].
    """
    random = np.random.default_rng(seed)
    channels, shapes, size = features.shape
    chains = np.arange(CHAINS)
    # a shape's own precision, for each state as a chain first comes to it: [state, channel, shape]
    own, known = np.empty((len(base.states), channels, shapes)), set[int]()
    scales, log_scale_prior = _scales(shares)
    priors = np.tile(PRIORS, shapes // len(PRIORS)) * np.array([[1 - HARM], [HARM]])

    chosen = random.integers(shapes, size=(CHAINS, channels))
    heights = np.abs(random.normal(0, 0.1, (CHAINS, channels)))
    variance, state = np.full(CHAINS, 0.01), np.full(CHAINS, len(base.states) // 2)
    scale = np.full((CHAINS, channels), _SCALE_PRIOR[0])
    brought = features[np.arange(channels), chosen] * heights[:, :, None]
    kept: list[tuple[Ints, Floats, Floats, Ints]] = []

    for sweep in range(WARMUP + SWEEPS):
        for new in set(state.tolist()) - known:
            own[new] = ((features @ base.precisions[new]) * features).sum(axis=2)
            known.add(new)
        for i in random.permutation(channels):
            rest = outcome - (brought.sum(axis=1) - brought[:, i])
            pull = np.matmul(base.precisions[state], rest[:, :, None])[:, :, 0]
            towards = pull @ features[i].T / variance[:, None] + measured.pull[i]
            precision = own[state, i] / variance[:, None] + measured.precision[i]
            precision += 1 / scale[:, i, None] ** 2
            root = np.sqrt(precision)
            weights = _weights(towards / root) / root[:, None]
            picked = _pick((weights * priors).reshape(CHAINS, -1), random)
            chosen[:, i], sign = picked % shapes, np.where(picked < shapes, 1.0, -1.0)
            precision, towards = precision[chains, chosen[:, i]], towards[chains, chosen[:, i]]
            size_of = _positive(sign * towards / precision, 1 / np.sqrt(precision), random)
            heights[:, i] = sign * size_of
            brought[:, i] = features[i, chosen[:, i]] * heights[:, i, None]
        fit_of_scales = log_scale_prior - 0.5 * ((heights[:, None] / scales) ** 2).sum(axis=2)
        scale = scales[_pick(_exponentials(fit_of_scales), random)]
        rest = outcome - brought.sum(axis=1)
        if sweep % _BASELINE_EVERY == 0 and not measured.channels:
            squares = np.array([((rest @ p) * rest).sum(axis=1) for p in base.precisions]).T
            fit_of_states = -0.5 * (base.log_determinants + squares / variance[:, None])
            state = _pick(_exponentials(base.log_priors + fit_of_states), random)
        elif sweep % _BASELINE_EVERY == 0:
            i = measured.channels[sweep // _BASELINE_EVERY % len(measured.channels)]
            feature, shape = features[i, chosen[:, i]], chosen[:, i]
            rest += brought[:, i]
            state, heights[:, i] = _state_and_height(
                base,
                _Conditional(
                    rest,
                    feature,
                    variance,
                    measured.precision[i, shape] + 1 / scale[:, i] ** 2,
                    measured.pull[i, shape],
                ),
                random,
            )
            brought[:, i] = feature * heights[:, i, None]
            rest -= brought[:, i]
        square = (np.matmul(base.precisions[state], rest[:, :, None])[:, :, 0] * rest).sum(axis=1)
        variance = (square / 2 + 1e-6) / random.gamma(size / 2 + 1, size=CHAINS)
        if sweep >= WARMUP:
            kept.append((chosen.copy(), heights.copy(), variance.copy(), state.copy()))
    return Draws(*(np.array(part) for part in zip(*kept, strict=True)))


@dataclass(frozen=True)
class _Conditional:
    """What a state and one channel's height depend on.

    Args:
        rest: what the other channels leave, [chain, geo × week].
        feature: of the channel, [chain, geo × week].
        variance: of the noise, [chain].
        precision, pull: of the height, by its prior and by experiments, [chain].
    """

    rest: Floats
    feature: Floats
    variance: Floats
    precision: Floats
    pull: Floats


def _state_and_height(
    base: Baseline, given: _Conditional, random: np.random.Generator
) -> tuple[Ints, Floats]:
    """Both at once: a state in which spend follows demand goes with another height, and neither
    changes without the other.

    The state is drawn with the height integrated out, then the height given the state.
    """
    chains = np.arange(len(given.rest))
    pulled = np.array([given.rest @ p for p in base.precisions])
    squares = (pulled * given.rest).sum(axis=2) / given.variance
    towards = (pulled * given.feature).sum(axis=2) / given.variance + given.pull
    own = [((given.feature @ p) * given.feature).sum(axis=1) for p in base.precisions]
    precision = np.array(own) / given.variance + given.precision
    z = towards / np.sqrt(precision)
    above, below = np.log1p(-HARM) + log_ndtr(z), np.log(HARM) + log_ndtr(-z)
    fit = 0.5 * (z**2 - squares - np.log(precision)) + np.logaddexp(above, below)
    fit += (base.log_priors - 0.5 * base.log_determinants)[:, None]
    state = _pick(_exponentials(fit.T), random)
    sides = np.array([above[state, chains], below[state, chains]])
    sign = np.where(_pick(_exponentials(sides.T), random) == 0, 1.0, -1.0)
    precision, towards = precision[state, chains], towards[state, chains]
    size = _positive(sign * towards / precision, 1 / np.sqrt(precision), random)
    return state, sign * size


def _scales(shares: Floats) -> tuple[Floats, Floats]:
    """Scales of heights, [candidate, channel], and their log priors."""
    by_power = np.array([(shares * len(shares)) ** power for power in _POWERS])
    by_power /= by_power.mean(axis=1, keepdims=True)
    scales = (_SCALES[:, None, None] * by_power).reshape(-1, len(shares))
    middle, spread = _SCALE_PRIOR
    prior = -0.5 * ((np.log(_SCALES) - np.log(middle)) / spread) ** 2
    return scales, np.repeat(prior, len(_POWERS)) - np.log(scales).sum(axis=1)


def _weights(z: Floats) -> Floats:
    """exp(z²/2)·Φ(z), and the same of −z: how much of the likelihood is above and below 0; a row's
    up to a constant, [chain, 2, shape]."""
    if np.abs(z).max() < _LARGE:
        # erfcx(-u) = 2 exp(u²) - erfcx(u), which is how SciPy has it, and thrice as fast as asking
        size = np.abs(z) / np.sqrt(2)
        small = erfcx(size)
        large = 2 * np.exp(size**2) - small
        above = z > 0
        return np.stack([np.where(above, large, small), np.where(above, small, large)], axis=1)
    both = np.stack([0.5 * z**2 + log_ndtr(z), 0.5 * z**2 + log_ndtr(-z)], axis=1)
    exponentials: Floats = np.exp(both - both.max(axis=(1, 2), keepdims=True))
    return exponentials


def _exponentials(logarithms: Floats) -> Floats:
    exponentials: Floats = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return exponentials


def _pick(weights: Floats, random: np.random.Generator) -> Ints:
    """One index a row, with those weights."""
    sums = weights.cumsum(axis=1)
    at = random.random(len(weights)) * sums[:, -1]
    picked: Ints = (sums < at[:, None]).sum(axis=1)
    return picked


def _positive(mean: Floats, deviation: Floats, random: np.random.Generator) -> Floats:
    """Draws of normal distributions cut off below 0."""
    below = ndtr(-mean / deviation)
    within = below + random.random(len(mean)) * (1 - below)
    drawn = mean + deviation * ndtri(np.clip(within, 1e-15, 1 - 1e-15))
    # far below 0, the tail is exponential, and the inverse has no digits left
    tail = random.exponential(size=len(mean)) * deviation**2 / np.maximum(-mean, deviation)
    return np.where((drawn > 0) & (mean > -6 * deviation), drawn, tail)


def prior_heights(shares: Floats, count: int) -> Floats:
    """Draws of what the heights are before any outcome is seen, [draw, channel]."""
    random = np.random.default_rng(0)
    scales, log_prior = _scales(shares)
    picked = _pick(np.repeat(_exponentials(log_prior[None]), count, axis=0), random)
    signs = np.where(random.random((count, len(shares))) < HARM, -1.0, 1.0)
    heights: Floats = signs * np.abs(random.standard_normal((count, len(shares)))) * scales[picked]
    return heights
