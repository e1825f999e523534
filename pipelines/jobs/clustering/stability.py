"""How many clusters: the largest number on which two halves of the people agree as well as on any.

For each number, people are split in two halves at random, each half is clustered, and both sets of
centres divide the second half: the adjusted Rand index between the two divisions (Hubert and Arabie
1985) is 0 for agreement by chance, whatever the number, and 1 for the same division (split-half
stability: Lange, Roth, Braun and Buhmann 2004).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from pipelines.jobs.clustering.kmeans import centres_of, nearest
from pipelines.jobs.clustering.vectors import Floats

PEOPLE = 2_000
SPLITS = 8
PATIENCE = 10
MIN_HALF = 6
"""People of a half that a cluster needs on average, for its number of clusters to be tried."""

TOLERANCE = 0.02
_STARTS = 2


@dataclass(frozen=True)
class Agreement:
    """Of two halves, over several splits: the mean adjusted Rand index and its standard error."""

    mean: float
    error: float


def agreements(sample: Floats, largest: int, seed: int) -> dict[int, Agreement]:
    """By number of clusters, from 2 up to ``largest``, or until so many more than the best bring
    no better; fewer where there are too few people."""
    sample = sample[:PEOPLE]
    half = len(sample) // 2
    most = min(largest, half // MIN_HALF)
    orders = [np.random.default_rng([seed, 4, i]).permutation(len(sample)) for i in range(SPLITS)]
    by_number: dict[int, Agreement] = {}
    best = 2
    with threadpool_limits(1):
        for k in range(2, most + 1):
            indices = []
            for i, order in enumerate(orders):
                one, other = sample[order[:half]], sample[order[half:]]
                ours, theirs = (centres_of(part, k, seed + i, _STARTS) for part in (one, other))
                indices.append(adjusted_rand_score(nearest(other, ours), nearest(other, theirs)))
            error = np.std(indices, ddof=1) / np.sqrt(SPLITS)
            by_number[k] = Agreement(float(np.mean(indices)), float(error))
            if by_number[k].mean >= by_number[best].mean:
                best = k
            elif k - best >= PATIENCE:
                break
    return by_number


def choose(by_number: Mapping[int, Agreement], earlier: int | None = None) -> int:
    """The largest number that is as good as the best: as far behind it as chance may put it. Two
    rough halves of everything are often as stable as the interests in them, and say less.

    Args:
        earlier: last week's number, which stays while it is one of these.
    """
    best = max(agreement.mean for agreement in by_number.values())
    as_good = [k for k, a in by_number.items() if best - a.mean <= max(a.error, TOLERANCE)]
    return earlier if earlier in as_good else max(as_good)
