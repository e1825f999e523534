"""Spherical k-means over people in a stream: first centres from a reservoir, then mini-batches.

MiniBatchKMeans (Sculley 2010) alone depends on its first centres; here they are those of a whole
k-means (Lloyd, k-means++) on a sample that fits in memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans, MiniBatchKMeans

from pipelines.jobs.clustering.encoders import unit
from pipelines.jobs.clustering.vectors import Floats, Points

Ints = npt.NDArray[np.int64]

RESERVOIR = 6_000
"""People on whom the number of clusters and the first centres are found."""

_BATCH = 4_096
_STARTS = 10


def reservoir(people: Floats, seed: int) -> Floats:
    """A sample of people's vectors, in a random order; all of them where there are few."""
    chosen = np.random.default_rng([seed, 2]).permutation(len(people))[:RESERVOIR]
    return people[chosen]


def centres_of(sample: Floats, k: int, seed: int, starts: int = _STARTS) -> Floats:
    """Centres of the best of several k-means on a sample, unit vectors, [cluster, dimension].

    To be called with BLAS and OpenMP on one thread, as :func:`stream` is: sums in another order
    differ in their last bits.
    """
    fitted = KMeans(k, n_init=starts, random_state=seed).fit(sample)
    centres: Floats = unit(fitted.cluster_centers_)
    return centres


def stream(people: Floats, centres: Floats, seed: int) -> Floats:
    """Centres after all people came past in batches, in a random order.

    Args:
        centres: to begin with; each counts as many people as the reservoir gave it.
    """
    sample = reservoir(people, seed)
    if len(sample) == len(people):
        return centres
    order = np.random.default_rng([seed, 3]).permutation(len(people))
    model = MiniBatchKMeans(len(centres), init=centres, n_init=1, random_state=seed)
    model.partial_fit(sample)
    for at in range(0, len(order), _BATCH):
        model.partial_fit(people[order[at : at + _BATCH]])
    moved: Floats = unit(model.cluster_centers_)
    return moved


def nearest(people: Floats | Points, centres: Floats) -> Ints:
    """Each person's (or text's) cluster by the cosine, [person]."""
    return np.argmax(people @ centres.T, axis=1).astype(np.int64)
