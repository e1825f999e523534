"""What each arm's days say of today: matured for delay, discounted for wear-out.

Every day of an arm is a cohort of trials. By now it shows the share m of its conversions, so it
counts as m·trials.

A creative wears out: after ``age`` days its rate is its first one times
left + (1 − left)·½^(age / half-life), an exponential decline to a floor. How far and how fast is
not known, so that each of ``SHAPES`` is believed as far as the arm's own days and the other arms'
speak for it. Given a shape, a trial of an old day counts as shape(then) / shape(now) trials of
today, and today's rate has a Gamma posterior in closed form; over shapes it is a mixture. No wear
is one of the shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from pipelines.jobs.bandits.off_policy import Floats, Ints

SHAPES: tuple[tuple[float, float], ...] = (
    (1.0, 1.0),
    *((left, days) for left in (0.2, 0.4, 0.6, 0.8) for days in (4.0, 8.0, 16.0, 32.0, 64.0)),
)
"""What is left of the first rate in the end, and half-life in days."""

STRENGTH = 6.0
"""Conversions that the prior is worth: creatives of a group differ by some 40%."""

_ROUNDS = 20


@dataclass(frozen=True)
class Cohorts:
    """Days × arms, in order of time: trials and conversions so far; and maturity by day. An arm
    is as old as its first day with trials."""

    trials: Floats
    successes: Floats
    maturity: Floats

    @property
    def matured(self) -> Floats:
        """Trials that would have shown their conversions, at least as many as there are."""
        counted: Floats = np.maximum(self.trials * self.maturity[:, None], self.successes)
        return counted


@dataclass(frozen=True)
class Beliefs:
    """Of each arm's rate today, as the counts of a Beta posterior, the prior within.

    Args:
        successes, failures: of the Beta with the mixture's mean and variance.
        freshness: the rate of today over the first one, as far as is known.
    """

    successes: Floats
    failures: Floats
    freshness: Floats

    def of(self, arms: Ints) -> Beliefs:
        """Those of some arms: the others have told what is usual."""
        return Beliefs(self.successes[arms], self.failures[arms], self.freshness[arms])


def beliefs_of(cohorts: Cohorts) -> Beliefs:
    """What to believe of each arm on the day after the last.

    The prior of a rate is worth ``STRENGTH`` conversions at the rate of all arms when they were
    fresh, and a shape's is how often it fits the arms (empirical Bayes, by EM).
    """
    matured, won = cohorts.matured, cohorts.successes.sum(axis=0)
    days = len(matured)
    born = (cohorts.trials.cumsum(axis=0) == 0).sum(axis=0)
    ages = np.maximum(np.arange(days + 1)[:, None] - born, 0)
    left, half = (np.array(of)[:, None, None] for of in zip(*SHAPES, strict=True))
    shapes = left + (1 - left) * 0.5 ** (ages / half)
    then, now = shapes[:, :-1], shapes[:, -1]
    fresh = (then * matured).sum(axis=1)
    rate = (won.sum() + 1) / (np.median(fresh.sum(axis=1)) + 2)
    a, b = STRENGTH + won, STRENGTH / rate + fresh
    evidence = np.einsum("da,sda->sa", cohorts.successes, np.log(then)) - a * np.log(b)
    weights = _mixed(evidence)
    # first and second moment of today's rate, which under a shape is Gamma(a, b / now)
    mean = (weights * a * now / b).sum(axis=0)
    variance = (weights * a * (a + 1) * (now / b) ** 2).sum(axis=0) - mean**2
    trials = np.maximum(mean * (1 - mean) / variance, 1.0)
    return Beliefs(mean * trials, (1 - mean) * trials, (weights * now).sum(axis=0))


def _mixed(evidence: Floats) -> Floats:
    """Shapes × arms: the weight of each shape, given log evidence of the arms' own days."""
    count, arms = evidence.shape
    mix = np.full(count, 1 / count)
    for _ in range(_ROUNDS):
        joint = np.log(mix)[:, None] + evidence
        weights: Floats = np.exp(joint - logsumexp(joint, axis=0))
        # two arms' worth of every shape alike keeps each of them possible
        mix = (weights.sum(axis=1) + 2 / count) / (arms + 2)
    return weights
