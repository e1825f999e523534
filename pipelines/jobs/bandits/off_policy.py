"""What a policy would have earned, from decisions that another one logged with their propensities.

Rows are cells: a decision, or equal decisions counted together. With w the target's probability of
the logged arm over the propensity, r the reward and q̂ the expected reward of an arm:

- IPS: mean of w·r (Horvitz and Thompson); SNIPS: Σw·r / Σw (Swaminathan and Joachims 2015);
- DR: mean of q̂(target) + w·(r − q̂(arm)) (Dudík et al. 2014);
- DR with optimistic shrinkage: w becomes λ·w / (w² + λ) (Su et al. 2020);
- switch-DR: w above τ becomes 0 (Wang et al. 2017).

λ and τ minimise the estimated variance plus the squared estimated bias. An interval of their own
would hold the truth in 54 to 84% of logs, since what it leaves out is their bias: they have DR's.

The intervals are gamma intervals of a weighted count of rare events (Fay and Feuer 1997), whose
upper end supposes one more success, of the weight that successes have under the target on average,
Σw²/Σw. A normal or a percentile bootstrap interval misses the truth in 10 to 30% of logs with heavy
weights (docs/benchmarks.md): the successes of great weight are mostly those that didn't come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import gamma

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDS = 5
MIN_EFFECTIVE = 100.0
"""Effective decisions below which nothing rests on an estimate; coverage is measured from here."""

MAX_WEIGHT_Z, MAX_WEIGHT_ERROR = 4.0, 0.1
_GRID = (0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0)


@dataclass(frozen=True)
class Log:
    """Cells of decisions; all arrays have a value per cell.

    Args:
        arms: 0 to K − 1, the arm that was chosen.
        trials, successes: decisions in the cell, and those that were rewarded.
        propensities: probability with which the arm was chosen, over 0 and at most 1.
        target: cells × K, the probabilities of the policy to evaluate in each cell's context; one
            row where they are the same in all.
        clusters: cells of equal number are not independent (such as a day's); None if all are.
    """

    arms: Ints
    trials: Floats
    successes: Floats
    propensities: Floats
    target: Floats
    clusters: Ints | None = None


@dataclass(frozen=True)
class Estimate:
    """Expected reward a decision, with its 95% interval."""

    value: float
    low: float
    high: float

    def covers(self, truth: float) -> bool:
        return self.low <= truth <= self.high


@dataclass(frozen=True)
class Evaluation:
    """Every estimator's answer, and whether anything may rest on it.

    Args:
        behaviour: the reward rate of the log itself.
        effective_sample_size: (Σw)² / Σw².
        mean_weight: 1 in expectation, if the propensities are those of the log.
        reason: why it was refused, or what it rests on, in a sentence.
    """

    ips: Estimate
    snips: Estimate
    dr: Estimate
    dr_shrunk: Estimate
    switch_dr: Estimate
    behaviour: float
    effective_sample_size: float
    mean_weight: float
    verdict: Literal["PASS", "REFUSED"]
    reason: str


def importance_weights(log: Log) -> Floats:
    """Probability of the logged arm under the target over its propensity, by cell."""
    rows = 0 if len(log.target) == 1 else np.arange(len(log.arms))
    weights: Floats = log.target[rows, log.arms] / log.propensities
    return weights


def effective_sample_size(weights: Floats, trials: Floats) -> float:
    """(Σw)² / Σw² over decisions (Kish); 0 if the target chooses no logged arm."""
    squared = float(trials @ weights**2)
    return float(trials @ weights) ** 2 / squared if squared else 0.0


def expected_rewards(log: Log) -> tuple[Floats, Floats]:
    """By cell, the expected reward of the target and of the logged arm.

    An arm's is its reward rate in the other folds, with one pseudo-success at the overall rate, so
    that no decision is judged by a model that saw it. Folds are whole clusters, dealt in order.
    """
    units = np.arange(len(log.arms)) if log.clusters is None else log.clusters
    fold, arms = units % FOLDS, log.target.shape[1]
    target, chosen = np.empty(len(log.arms)), np.empty(len(log.arms))
    for held_out in range(FOLDS):
        own = fold == held_out
        trials = np.bincount(log.arms[~own], log.trials[~own], minlength=arms)
        successes = np.bincount(log.arms[~own], log.successes[~own], minlength=arms)
        overall = (successes.sum() + 1) / (trials.sum() + 2)
        rates = (successes + 1) / (trials + 1 / overall)
        target[own] = (log.target if len(log.target) == 1 else log.target[own]) @ rates
        chosen[own] = rates[log.arms[own]]
    return target, chosen


def evaluate_policy(log: Log) -> Evaluation:
    """Estimate the target's reward a decision."""
    weights = importance_weights(log)
    decisions = float(log.trials.sum())
    total = float(log.trials @ weights)
    effective = effective_sample_size(weights, log.trials)
    problem = _problem(log, weights, effective)
    model = expected_rewards(log)
    plain = doubly_robust(log, weights, weights, model)
    shrunk = min((doubly_robust(log, weights, w, model) for w in _shrunk(weights)), key=_loss)
    switched = min((doubly_robust(log, weights, w, model) for w in _switched(weights)), key=_loss)
    ips = doubly_robust(log, weights, weights, (np.zeros(len(weights)), np.zeros(len(weights))))
    return Evaluation(
        ips=ips.estimate,
        snips=_self_normalised(log, weights, total),
        dr=plain.estimate,
        dr_shrunk=_with_interval(shrunk, plain),
        switch_dr=_with_interval(switched, plain),
        behaviour=float(log.successes.sum()) / decisions,
        effective_sample_size=effective,
        mean_weight=total / decisions,
        verdict="REFUSED" if problem else "PASS",
        reason=problem
        or f"{decisions:,.0f} decisions count as {effective:,.0f} of the policy's own "
        f"(at least {MIN_EFFECTIVE:.0f} are needed).",
    )


@dataclass(frozen=True)
class Side:
    """An estimate, the variance of its value, and its bias as estimated with the weights whole."""

    estimate: Estimate
    variance: float
    bias: float


def _loss(side: Side) -> float:
    return side.variance + side.bias**2


def _with_interval(biased: Side, unbiased: Side) -> Estimate:
    value, interval = biased.estimate.value, unbiased.estimate
    return _estimate(value, interval.low, interval.high)


def doubly_robust(log: Log, weights: Floats, used: Floats, model: tuple[Floats, Floats]) -> Side:
    """DR with the weights ``used``; IPS where ``model`` expects nothing. Its bias is estimated
    against the weights themselves."""
    decisions = float(log.trials.sum())
    base, chosen = model
    residual = log.successes - log.trials * chosen
    value = float(log.trials @ base + used @ residual) / decisions
    variance = _variance(log, base - value, used, chosen)
    counted = float(used @ log.successes)
    squared = float(log.trials @ used**2)
    typical = squared / float(log.trials @ used) if squared else 0.0
    low, high = _gamma_interval(counted, variance, typical)
    shift = value * decisions - counted
    estimate = _estimate(value, (low + shift) / decisions, (high + shift) / decisions)
    bias = float((weights - used) @ residual) / decisions
    return Side(estimate, variance / decisions**2, bias)


def _self_normalised(log: Log, weights: Floats, total: float) -> Estimate:
    if not total:
        return Estimate(0.0, 0.0, 1.0)
    counted = float(weights @ log.successes)
    value = counted / total
    variance = _variance(log, np.zeros(len(weights)), weights, np.full(len(weights), value))
    typical = float(log.trials @ weights**2) / total
    low, high = _gamma_interval(counted, variance, typical)
    return _estimate(value, low / total, high / total)


def _variance(log: Log, base: Floats, weights: Floats, centre: Floats) -> float:
    """Of the sum over decisions of base + w·(r − centre), which is 0 in expectation."""
    if log.clusters is not None:
        sums = log.trials * base + weights * (log.successes - log.trials * centre)
        return float((np.bincount(log.clusters, sums) ** 2).sum())
    failed = base - weights * centre
    return float(log.successes @ (failed + weights) ** 2 + (log.trials - log.successes) @ failed**2)


def _gamma_interval(counted: float, variance: float, typical: float) -> tuple[float, float]:
    """95% interval of the mean of a weighted count of successes."""
    low = 0.0
    if counted > 0 and variance > 0:
        low = float(gamma.ppf(0.025, counted**2 / variance, scale=variance / counted))
    one_more, varied = counted + typical, variance + typical**2
    if varied <= 0:
        return low, counted
    return low, float(gamma.ppf(0.975, one_more**2 / varied, scale=varied / one_more))


def _estimate(value: float, low: float, high: float) -> Estimate:
    """With the interval cut to what a rate can be, except that it holds the value: heavy weights
    bring IPS and DR above 1, or DR below 0."""
    low, high = (min(max(end, 0.0), 1.0) for end in (low, high))
    return Estimate(value, min(low, value), max(high, value))


def _shrunk(weights: Floats) -> list[Floats]:
    scales = np.quantile(weights, _GRID) ** 2 * len(_GRID)
    return [scale * weights / (weights**2 + scale) for scale in scales if scale > 0] + [weights]


def _switched(weights: Floats) -> list[Floats]:
    return [np.where(weights <= limit, weights, 0.0) for limit in np.quantile(weights, _GRID)]


def _problem(log: Log, weights: Floats, effective: float) -> str | None:
    """Why the log can't answer, or None."""
    decisions = float(log.trials.sum())
    mean = float(log.trials @ weights) / decisions
    heaviest = float(weights.max() / max(log.trials @ weights, 1e-300))
    if effective < MIN_EFFECTIVE:
        return (
            f"{decisions:,.0f} decisions count as {effective:,.0f} of the policy's own, and at "
            f"least {MIN_EFFECTIVE:.0f} are needed: it often chooses what the log rarely did (one "
            f"decision has {heaviest:.0%} of all weight, the smallest propensity is "
            f"{log.propensities.min():.2g}). Log more decisions, or explore those arms more often."
        )
    spread = float(log.trials @ (weights - mean) ** 2) / decisions
    error = (spread / decisions) ** 0.5
    if abs(mean - 1) > max(MAX_WEIGHT_Z * error, MAX_WEIGHT_ERROR):
        return (
            f"The weights average {mean:.3g} and should average 1: the propensities are not the "
            "probabilities with which these arms were chosen, or the log leaves out decisions. "
            "Log the probability of the arm that was chosen, at the time of the decision."
        )
    return None
