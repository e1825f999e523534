"""What has to hold before an effect is believed, each as a figure of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.stats import binomtest, chi2

from pipelines.jobs.uplift.effect import Estimate, average, scores_of
from pipelines.jobs.uplift.nuisance import Nuisance, propensities
from pipelines.jobs.uplift.sample import Bools, Encoder, Floats, Sample

PERMUTATIONS = 20
POWER, ALPHA = 0.8, 0.05
MIN_OVERLAP = 0.02
"""Units treated more rarely, or more often, than this have no like in the other arm."""
_SD_OF_INTEREST = 0.5
"""For an outcome that may be negative, no relative lift is meant: the effect to be found is this
part of its standard deviation."""


def sample_ratio_p(treated: int, control: int, share: float) -> float:
    """How likely a split as uneven as this one is, if each unit is treated with chance ``share``.

    A small value (0.001) means that the assignment or its logging is broken.
    """
    return float(binomtest(treated, treated + control, share).pvalue)


@dataclass(frozen=True)
class Balance:
    """Args:
    differences: by covariate (or its level), standardised: the arms' means over the pooled
        standard deviation. Above 0.1 is usually called imbalance.
    p_value: that the covariates together say nothing of the arm.
    """

    differences: Mapping[str, float]
    p_value: float

    @property
    def largest(self) -> float:
        return max((abs(d) for d in self.differences.values()), default=0.0)


def balance_of(sample: Sample) -> Balance:
    """The covariates of the two arms, compared.

    The p value is of the score test of a linear regression of the arm on all of them: n·R² is χ².
    """
    x = Encoder(sample.frame).matrix(sample.frame)
    design = np.column_stack([np.ones(sample.size), x])
    arm = sample.treated.astype(float)
    coefficients, _, rank, _ = np.linalg.lstsq(design, arm, rcond=1e-9)
    explained = 1 - ((arm - design @ coefficients) ** 2).sum() / ((arm - arm.mean()) ** 2).sum()
    p_value = float(chi2.sf(sample.size * explained, rank - 1)) if rank > 1 else 1.0
    return Balance(differences(sample), p_value)


def differences(sample: Sample, propensity: Floats | None = None) -> dict[str, float]:
    """By covariate, or its level that differs most: the treated mean less the control's, over their
    pooled standard deviation.

    Args:
        propensity: the chance of each unit to be treated, to weight the means by its inverse; the
            standard deviations are those before weighting (Austin and Stuart 2015).
    """
    treated = sample.treated
    e = np.full(sample.size, 0.5) if propensity is None else propensity
    weight = np.where(treated, 1 / e, 1 / (1 - e))
    by_name: dict[str, float] = {}
    for name in sample.frame.columns:
        x = Encoder(sample.frame[[name]]).matrix(sample.frame[[name]])
        spread = np.sqrt((x[treated].var(axis=0) + x[~treated].var(axis=0)) / 2)
        with_, without = (
            np.average(x[arm], axis=0, weights=weight[arm]) for arm in (treated, ~treated)
        )
        difference = with_ - without
        each = np.divide(difference, spread, out=np.zeros_like(spread), where=spread > 0)
        each = np.where((spread == 0) & (difference != 0), np.inf, each)
        by_name[str(name)] = float(each[np.abs(each).argmax()])
    return by_name


def overlap(propensity: Floats) -> Bools:
    """The units that had a real chance of being in either arm; the others are left out."""
    return (propensity >= MIN_OVERLAP) & (propensity <= 1 - MIN_OVERLAP)


def permuted_p(sample: Sample, x: Floats, nuisance: Nuisance, seed: int) -> float:
    """How likely the effects are that are found after shuffling who was treated: there are none.

    Each shuffle's effect over its error is standard normal if the pipeline's errors are right, so
    the squares sum to χ². Both tails count: errors may be too small, or too large.
    """
    rng = np.random.default_rng([seed, 17])
    nothing = np.zeros(sample.size)
    squares = 0.0
    for _ in range(PERMUTATIONS):
        shuffled = rng.permutation(sample.treated)
        chance = np.empty(sample.size)
        for k in np.unique(nuisance.fold):
            out = nuisance.fold == k
            chance[out] = propensities(x[~out], shuffled[~out].astype(float), x[out])
        placebo = Sample(sample.frame, shuffled, sample.outcome)
        own = Nuisance(chance, nuisance.outcome, nuisance.fold)
        effect = average(scores_of(placebo, own, nothing).effect)
        squares += (effect.value / effect.standard_error) ** 2 if effect.standard_error else 0.0
    below = float(chi2.cdf(squares, PERMUTATIONS))
    return 2 * min(below, 1 - below) if squares else 1.0


def e_value(effect: Estimate, control: float, spread: float, is_binary: bool) -> float:
    """How strongly something unmeasured would have to be tied to both treatment and outcome, as a
    risk ratio, to explain the whole effect away; 1: the interval includes none already.

    Of the end of the interval nearest to no effect (VanderWeele and Ding 2017); a difference of
    means is taken for a risk ratio by exp(0.91·d).
    """
    if effect.low <= 0 <= effect.high:
        return 1.0
    nearest = effect.low if effect.low > 0 else effect.high
    if is_binary:
        ratio = (control + nearest) / control if control > 0 and control + nearest > 0 else np.inf
    else:
        ratio = float(np.exp(0.91 * nearest / spread)) if spread > 0 else np.inf
    ratio = ratio if ratio >= 1 else 1 / ratio
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


@dataclass(frozen=True)
class Power:
    """``have`` of ``needed`` conversions (or units, where the outcome isn't one), both arms
    together, to find ``effect``, in the outcome's unit, in four of five such experiments."""

    have: int
    needed: int
    effect: float
    of: str


def power_of(sample: Sample, detectable: float) -> Power:
    """What it takes to find a relative lift of ``detectable`` (80% power, 5% level, two sides)."""
    z = NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(POWER)
    base = sample.outcome[~sample.treated]
    share = float(sample.treated.mean())
    counts = bool((sample.outcome >= 0).all())
    mean, spread = float(base.mean()), float(base.std())
    effect = detectable * mean if counts else _SD_OF_INTEREST * spread
    positive = int((sample.outcome > 0).sum()) if counts else sample.size
    of = "conversions" if counts else "units"
    if effect <= 0 or spread == 0:
        # nobody converted without treatment: as if one of the next hundred would
        least = round(z**2 / detectable**2 * 4)
        return Power(positive, least, effect, of)
    units = z**2 * spread**2 / effect**2 * (1 / share + 1 / (1 - share))
    rate = positive / sample.size if counts else 1.0
    return Power(positive, int(np.ceil(units * rate)), effect, of)
