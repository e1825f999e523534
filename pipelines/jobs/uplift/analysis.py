"""One comparison from end to end: effects, ranking, segments, and whether they may be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from pipelines.job_settings import LearnerName
from pipelines.jobs.base import Progress
from pipelines.jobs.uplift import checks
from pipelines.jobs.uplift.combine import combined, stacking_weights
from pipelines.jobs.uplift.effect import Estimate, Scores, average, scores_of
from pipelines.jobs.uplift.learners import LEARNERS, cross_fitted, effects, suits
from pipelines.jobs.uplift.nuisance import Base, Nuisance, cross_fit, propensities
from pipelines.jobs.uplift.ranking import Ranking, rank, within_folds
from pipelines.jobs.uplift.sample import Bools, Encoder, Floats, Ints, Sample, folds_of
from pipelines.jobs.uplift.segments import (
    SegmentEffect,
    estimate_segments,
    find_segments,
)

MIN_ARM_ROWS = 100
FOLDS = 5
COMBINED = "combined"
PLACEBO_P, RATIO_P, BALANCE_P = 0.01, 0.001, 0.001
UNRANDOMISED_PLACEBO_P = 0.05
"""Where an earlier outcome is the one sign of what weighting misses, more of the sound comparisons
are refused, so that fewer of the others pass."""
MAX_TRIMMED = 0.5
MAX_DIFFERENCE = 0.1
"""Standardised: arms that differ more in a covariate weren't randomised over these units."""
MAX_WEIGHTED_DIFFERENCE = 0.25
"""As above, after weighting: a regression doesn't mend more (Rubin 2001)."""


@dataclass(frozen=True)
class Plan:
    """How to analyse.

    Args:
        learners: those to fit; one that doesn't suit the sample is left out.
        detectable: the smallest relative lift that matters (:func:`.checks.power_of`).
        share: of units meant to be treated, if that is known: the split is held to it.
        is_experiment: whether treatment was randomised, so that arms that differ are a fault. None:
            judged by whether they differ.
    """

    learners: tuple[LearnerName, ...] = LEARNERS
    base: Base = "blend"
    detectable: float = 0.25
    share: float | None = None
    is_experiment: bool | None = None
    seed: int = 1


@dataclass(frozen=True)
class LearnerAnswer:
    """What one learner, or their combination, says.

    Args:
        ate: the average effect over the units that overlap.
        effect: on each unit of the sample, by a model that didn't see it.
        scores: doubly robust, of each unit.
        new_effect: on each unit of the new sample, if one was given.
    """

    ate: Estimate
    ranking: Ranking
    effect: Floats
    scores: Scores
    new_effect: Floats | None = None


@dataclass(frozen=True)
class Answer:
    """The whole of it.

    Args:
        answers: by learner, and ``combined``.
        weights: of the combination, the average effect's among them.
        kept: the units that overlap.
        weighted: of what wasn't randomised, the largest standardised difference of the units kept
            that weighting by propensity leaves.
        randomised: whether the arms look, or are known to be, randomised.
        e_value: of what wasn't randomised.
        doubts: why nothing may rest on it, for a person; none: it may.
    """

    answers: Mapping[str, LearnerAnswer]
    weights: Mapping[str, float]
    kept: Bools
    randomised: bool
    balance: checks.Balance
    weighted: float | None
    ratio_p: float | None
    placebo_p: float
    e_value: float | None
    power: checks.Power
    control_mean: float
    segments: Sequence[SegmentEffect]
    doubts: Sequence[str]


def analyse(
    sample: Sample,
    halves: Bools,
    plan: Plan,
    progress: Progress,
    *,
    placebo: tuple[str, Floats] | None = None,
    new: Sample | None = None,
) -> Answer:
    """Analyse a sample with at least ``MIN_ARM_ROWS`` units in each arm.

    Args:
        halves: which half each unit is in: segments are found on one and estimated on the other.
        placebo: an outcome of each unit from before the treatment, which it can't have changed, and
            its name among the covariates: there it is left out, as it would explain itself.
        new: other units, to rank; else those of the sample are, by models that didn't see them.
    """
    with threadpool_limits(limits=1):  # the same sums in the same order on every machine
        return _analyse(sample, halves, plan, progress, placebo=placebo, new=new)


def _analyse(
    sample: Sample,
    halves: Bools,
    plan: Plan,
    progress: Progress,
    *,
    placebo: tuple[str, Floats] | None,
    new: Sample | None,
) -> Answer:
    x = Encoder(sample.frame).matrix(sample.frame)
    fold = folds_of(sample, FOLDS, plan.seed)
    nuisance = cross_fit(
        x, sample.treated.astype(float), sample.outcome, fold, base=plan.base, seed=plan.seed
    )
    balance = checks.balance_of(sample)
    alike = balance.p_value >= BALANCE_P and balance.largest <= MAX_DIFFERENCE
    randomised = alike if plan.is_experiment is None else plan.is_experiment
    kept = np.ones(sample.size, dtype=bool)
    if not randomised:
        kept = checks.overlap(nuisance.propensity)
    treated, control = int(sample.treated.sum()), int((~sample.treated).sum())
    power = checks.power_of(sample, plan.detectable)
    doubts: list[str] = []
    ratio_p = None
    if plan.share is not None:
        ratio_p = checks.sample_ratio_p(treated, control, plan.share)
        if ratio_p < RATIO_P:
            doubts.append(
                f"{treated:,} of {treated + control:,} units are treated where {plan.share:.0%} "
                f"should be (p {ratio_p:.1g}): the assignment or its logging is broken"
            )
    if plan.is_experiment and balance.p_value < BALANCE_P:
        worst = max(balance.differences, key=lambda name: abs(balance.differences[name]))
        doubts.append(
            f"the arms differ before the treatment, most in {worst} "
            f"({balance.differences[worst]:+.2f} standard deviations, p {balance.p_value:.1g}): "
            "they weren't randomised over these units"
        )
    least = min(int((kept & sample.treated).sum()), int((kept & ~sample.treated).sum()))
    if (trimmed := 1 - kept.mean()) > MAX_TRIMMED or least < MIN_ARM_ROWS:
        doubts.append(
            f"{trimmed:.0%} of the units have no like in the other arm, and {least} of the smaller "
            "arm are left: there is no overlap to compare within. An experiment would tell"
        )
        kept = np.ones(sample.size, dtype=bool)
    weighted = None
    if not randomised:
        left = checks.differences(sample.take(kept), nuisance.propensity[kept])
        worst = max(left, key=lambda name: abs(left[name]), default="")
        weighted = abs(left[worst]) if left else 0.0
        if weighted > MAX_WEIGHTED_DIFFERENCE:
            doubts.append(
                f"the arms differ in {worst} even when weighted by propensity "
                f"({left[worst]:+.2f} standard deviations): they can't be compared"
            )
    answers, weights = _answers(
        sample,
        x,
        nuisance,
        kept=kept,
        randomised=randomised,
        plan=plan,
        progress=progress,
        new=new,
    )
    progress("uplift: looking for an effect where there is none")
    placebo_p = checks.permuted_p(sample, x, nuisance, plan.seed)
    if placebo is not None:
        effect = _effect_before(sample, placebo, fold, kept, plan)
        placebo_p = min(2 * min(placebo_p, effect.p_value), 1.0)
    if placebo_p < (PLACEBO_P if randomised or placebo is None else UNRANDOMISED_PLACEBO_P):
        doubts.append(
            f"an effect shows where there can be none (placebo p {placebo_p:.1g}): its errors, or "
            "the arms, aren't what they seem"
        )
    if power.have < power.needed:
        doubts.append(
            f"{power.have:,} {power.of} are too few: to find a lift of {plan.detectable:.0%} in "
            f"four of five such comparisons takes {power.needed:,}"
        )
    said = answers[COMBINED]
    if said.ranking.constant:
        doubts.append("the effect comes out the same for everybody, so there is nobody to prefer")
    control_mean = average(said.scores.control, kept)
    e_value = None
    if not randomised:
        spread = float(sample.outcome.std())
        e_value = checks.e_value(said.ate, control_mean.value, spread, sample.is_binary)
    return Answer(
        answers,
        weights,
        kept,
        randomised,
        balance,
        weighted,
        ratio_p,
        placebo_p,
        e_value,
        power,
        control_mean.value,
        _segments(
            sample,
            x,
            said.scores.effect,
            finding=halves & kept,
            estimating=~halves & kept,
            plan=plan,
        ),
        tuple(doubts),
    )


def _effect_before(
    sample: Sample, placebo: tuple[str, Floats], fold: Ints, kept: Bools, plan: Plan
) -> Estimate:
    """The effect on an outcome from before the treatment."""
    name, outcome = placebo
    before = Sample(sample.frame.drop(columns=name, errors="ignore"), sample.treated, outcome)
    x, treated = Encoder(before.frame).matrix(before.frame), before.treated.astype(float)
    own = cross_fit(x, treated, outcome, fold, base=plan.base, seed=plan.seed)
    return average(scores_of(before, own, np.zeros(sample.size)).effect, kept)


def _answers(
    sample: Sample,
    x: Floats,
    nuisance: Nuisance,
    *,
    kept: Bools,
    randomised: bool,
    plan: Plan,
    progress: Progress,
    new: Sample | None,
) -> tuple[dict[str, LearnerAnswer], dict[str, float]]:
    """By learner and combined, and the weights of the combination."""
    by_unit: dict[str, Floats] = {}
    by_new: dict[str, Floats] = {}
    x_new = e_new = None
    if new is not None:
        x_new = Encoder(sample.frame).matrix(new.frame)
        e_new = propensities(x, sample.treated.astype(float), x_new)
    for name in plan.learners:
        if not suits(name, sample):
            continue
        progress(f"uplift: fitting the {name} learner")
        by_unit[name] = cross_fitted(name, sample, x, nuisance, base=plan.base, seed=plan.seed)
        if x_new is not None and e_new is not None:
            by_new[name] = effects(
                name,
                sample,
                (x, nuisance.propensity),
                (x_new, e_new),
                base=plan.base,
                seed=plan.seed,
            )
    constant = average(scores_of(sample, nuisance, np.zeros(sample.size)).effect, kept).value
    (rows,) = np.nonzero(kept)
    weights = stacking_weights(
        sample.take(rows),
        Nuisance(nuisance.propensity[rows], nuisance.outcome[rows], nuisance.fold[rows]),
        {name: each[rows] for name, each in by_unit.items()},
        constant,
    )
    by_unit[COMBINED] = combined(weights, by_unit, constant)
    if by_new:
        by_new[COMBINED] = combined(weights, by_new, constant)

    def ranking(name: str) -> Ranking:
        if new is not None:
            e = None if randomised else e_new
            return rank(by_new[name], new.treated, new.outcome, propensity=e, seed=plan.seed)
        score = within_folds(by_unit[name], nuisance.fold)[rows]
        e = None if randomised else nuisance.propensity[rows]
        treated, outcome = sample.treated[rows], sample.outcome[rows]
        return rank(score, treated, outcome, propensity=e, seed=plan.seed)

    answers: dict[str, LearnerAnswer] = {}
    for named, effect in by_unit.items():
        scores = scores_of(sample, nuisance, effect)
        ate = average(scores.effect, kept)
        answers[named] = LearnerAnswer(ate, ranking(named), effect, scores, by_new.get(named))
    return answers, weights


def _segments(
    sample: Sample, x: Floats, scores: Floats, *, finding: Bools, estimating: Bools, plan: Plan
) -> list[SegmentEffect]:
    """Segments found on one half and estimated on the other."""
    half = sample.take(finding)
    least = min(int(half.treated.sum()), int((~half.treated).sum()))
    if least < MIN_ARM_ROWS // 2 or estimating.sum() < MIN_ARM_ROWS:
        return []
    chance = propensities(x[finding], half.treated.astype(float), x[finding])
    own = (x[finding], chance)
    seen = effects("x", half, own, own, base=plan.base, seed=plan.seed)
    segments = find_segments(half.frame, seen, plan.seed)
    rest = sample.frame.loc[estimating]
    return estimate_segments(segments, rest, scores[estimating])
