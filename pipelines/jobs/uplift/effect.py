"""The average effect with an interval that holds: doubly robust, by influence functions.

The score of a unit is an unbiased guess of its own effect, right if either the propensity or the
outcome model is (Robins, Rotnitzky and Zhao 1994). Its mean is the average effect, and its spread
the error: causalml's own errors are not used, as some are far too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from pipelines.jobs.uplift.nuisance import Nuisance
from pipelines.jobs.uplift.sample import Bools, Floats, Sample

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error and interval, in the outcome's unit, over ``units``."""

    value: float
    standard_error: float
    low: float
    high: float
    units: int

    @property
    def p_value(self) -> float:
        """Two-sided, of there being no effect."""
        if self.standard_error == 0:
            return 1.0 if self.value == 0 else 0.0
        return 2 * NormalDist().cdf(-abs(self.value / self.standard_error))


@dataclass(frozen=True)
class Scores:
    """By unit: ``effect`` scores, and what their arms' means would be, ``treated`` and
    ``control``, each unbiased."""

    effect: Floats
    treated: Floats
    control: Floats


def scores_of(sample: Sample, nuisance: Nuisance, effect: Floats) -> Scores:
    """The doubly robust scores of each unit.

    Args:
        effect: on each unit, by a learner that didn't see it. Together with the mean outcome, it
            says what the unit's outcome would be in each arm: any learner can be used so.
    """
    t, e = sample.treated.astype(float), nuisance.propensity
    control = nuisance.outcome - e * effect
    treated = control + effect
    of_treated = treated + t / e * (sample.outcome - treated)
    of_control = control + (1 - t) / (1 - e) * (sample.outcome - control)
    return Scores(of_treated - of_control, of_treated, of_control)


def average(scores: Floats, kept: Bools | None = None, level: float = LEVEL) -> Estimate:
    """The mean of the scores of the units kept, with its interval."""
    chosen = scores if kept is None else scores[kept]
    count = len(chosen)
    value = float(chosen.mean())
    error = float(chosen.std(ddof=1) / np.sqrt(count)) if count > 1 else float("inf")
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    return Estimate(value, error, value - half, value + half, count)
