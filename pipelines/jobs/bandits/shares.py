"""From how likely each arm is best to its share: a floor for exploration, and caps on money."""

from __future__ import annotations

import numpy as np

from pipelines.jobs.bandits.off_policy import Floats, Ints

EXPLORATION = 0.10
_ROUNDS = 200


def floored(best: Floats, exploration: float = EXPLORATION) -> Floats:
    """p = f + (1 − K·f)·w, with the floor f of each of K arms such that K·f is ``exploration``.

    This is the probability with which each arm is chosen, and what is logged. w is the chance that
    an arm is the best in two draws from the posterior that agree on it, P(best)² over their sum:
    Thompson sampling's own P(best) explores once more what the floor explores already, which costs
    a tenth of all regret (docs/benchmarks.md).
    """
    agreed = np.asarray(best, dtype=np.float64) ** 2
    probabilities: Floats = exploration / len(agreed) + (1 - exploration) * agreed / agreed.sum()
    return probabilities


def capped_spend(shares: Floats, budget: int, lower: Ints, upper: Ints) -> Ints:
    """Micros by arm: clip(λ·p, lower, upper), with the λ that spends the budget.

    Where the bounds forbid that, all is spent that they allow, or all that they demand. λ is found
    by bisection; the last micros go to the arms with most room, so that the sum is exact.
    """
    if budget <= lower.sum():
        return lower.copy()
    if budget >= upper.sum():
        return upper.copy()
    low, high = 0.0, 1.0
    while np.clip(high * shares, lower, upper).sum() < budget:
        high *= 2
        if high > 1e30:  # arms without a share stay at their lower bounds
            break
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if np.clip(middle * shares, lower, upper).sum() < budget:
            low = middle
        else:
            high = middle
    spend = np.floor(np.clip(low * shares, lower, upper)).astype(np.int64)
    for arm in np.argsort(spend - upper, kind="stable"):
        spend[arm] += min(budget - int(spend.sum()), int(upper[arm] - spend[arm]))
    return spend


def within_cost(rates: Floats, cap: float | None) -> np.ndarray:
    """Arms whose cost per conversion, the inverse of ``rates``, is at most the cap, if any.

    ``rates`` are conversions a unit of money: the pessimistic ends of their intervals, where a cap
    has to hold for sure.
    """
    if cap is None:
        return np.ones(len(rates), dtype=bool)
    allowed: np.ndarray = rates * cap >= 1
    return allowed
