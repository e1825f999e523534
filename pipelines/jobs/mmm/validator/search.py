"""Searches for the candidates that no other beats in both errors, by differential evolution.

Robyn does it with nevergrad's two-points differential evolution; nevergrad 1.0.12 pins an old
bayesian-optimization, and this is short. Selection is by Pareto rank (Kukkonen & Lampinen, GDE3,
2005).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pipelines.jobs.mmm.panel import Floats

POPULATION, GENERATIONS = 200, 49
_STEP, _CROSSED = 0.7, 0.6


def search(errors: Callable[[Floats], Floats], size: int, seed: int) -> tuple[Floats, Floats]:
    """Try candidates, all within 0 and 1.

    Args:
        errors: two for each candidate, [candidate, 2].
        size: how many hyper-parameters.

    Returns:
        All that were tried, [candidate, size], and their errors.
    """
    random = np.random.default_rng(seed)
    living = random.random((POPULATION, size))
    scores = errors(living)
    tried, all_scores = [living], [scores]
    for _ in range(GENERATIONS):
        one, two, three = (random.permutation(POPULATION) for _ in range(3))
        moved = living[one] + _STEP * (living[two] - living[three])
        crossed = random.random(moved.shape) < _CROSSED
        # what leaves the box comes back as far from its edge
        children = np.abs(np.where(crossed, moved, living))
        children = np.clip(1 - np.abs(1 - children), 0, 1)
        born = errors(children)
        tried.append(children)
        all_scores.append(born)
        both, scores = np.concatenate([living, children]), np.concatenate([scores, born])
        kept = np.argsort(ranks(scores), kind="stable")[:POPULATION]
        living, scores = both[kept], scores[kept]
    return np.concatenate(tried), np.concatenate(all_scores)


def ranks(scores: Floats) -> npt.NDArray[np.int64]:
    """Which Pareto front each is on, from 0: one that none beats in both errors."""
    rank = np.full(len(scores), -1)
    left = np.lexsort((scores[:, 1], scores[:, 0]))
    front = 0
    while len(left):
        second = scores[left, 1]
        before = np.concatenate([[np.inf], np.minimum.accumulate(second)[:-1]])
        best = second < before
        rank[left[best]] = front
        left, front = left[~best], front + 1
    return rank
