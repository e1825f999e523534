"""Which of this week's clusters is which of last week's: ids that stay, and what became of others.

Centroids are matched one to one by the Hungarian method (Kuhn 1955), the sum of their cosines being
greatest; a pair below a threshold is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from pipelines.jobs.clustering.vectors import Floats

Change = Literal["KEPT", "BORN", "SPLIT", "MERGED", "DIED"]


@dataclass(frozen=True)
class Match:
    """What became of a cluster.

    Args:
        now: its position in this week's, None for one that is gone.
        earlier: the position in last week's that it continues, or that is gone.
        change: KEPT; BORN, like none before; SPLIT, from ``parent``; MERGED, gone into another of
            this week's (``parent``); DIED, gone.
        parent: position in last week's for SPLIT, in this week's for MERGED.
        similarity: cosine to the one that it continues, came from or went into; None for none.
    """

    now: int | None
    earlier: int | None
    change: Change
    parent: int | None = None
    similarity: float | None = None


def match(earlier: Floats, now: Floats, threshold: float) -> list[Match]:
    """Match this week's centroids, in order, then what is gone of last week's, in order.

    Args:
        earlier, now: unit vectors of one space, [cluster, dimension]; ``earlier`` may be empty.
        threshold: the least cosine at which two are the same, or one is part of the other.
    """
    if not len(earlier):
        return [Match(i, None, "BORN") for i in range(len(now))]
    cosine = now @ earlier.T
    pairs = {
        int(i): int(j)
        for i, j in zip(*linear_sum_assignment(cosine, maximize=True), strict=True)
        if cosine[i, j] >= threshold
    }
    matches = [_of_now(i, pairs.get(i), cosine, threshold) for i in range(len(now))]
    gone: Sequence[int] = sorted(set(range(len(earlier))) - set(pairs.values()))
    return matches + [_gone(j, cosine, threshold) for j in gone]


def _of_now(i: int, own: int | None, cosine: Floats, threshold: float) -> Match:
    if own is not None:
        return Match(i, own, "KEPT", None, float(cosine[i, own]))
    like = int(np.argmax(cosine[i]))
    if cosine[i, like] >= threshold:
        return Match(i, None, "SPLIT", like, float(cosine[i, like]))
    return Match(i, None, "BORN")


def _gone(j: int, cosine: Floats, threshold: float) -> Match:
    into = int(np.argmax(cosine[:, j]))
    if cosine[into, j] >= threshold:
        return Match(None, j, "MERGED", into, float(cosine[into, j]))
    return Match(None, j, "DIED")
