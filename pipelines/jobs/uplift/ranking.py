"""How well a score says whom to treat first: Qini and AUUC, with intervals.

Q(k) = Y_T − Y_C·N_T/N_C among the k highest scores (Radcliffe 2007), as a share of the total
effect. AUUC is the area under it, 0.5 for a random order; Qini is what it has above that, 0 for a
random order. Of equal scores, no order is better than another: the curve is straight between them,
so that a constant score gets exactly 0 and 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.jobs.uplift.sample import Bools, Floats, Ints

RESAMPLES = 500


@dataclass(frozen=True)
class Ranking:
    """Areas of a score's curve with 95% intervals; None where the total effect is 0.

    Args:
        area: between the curve and a random order, in the outcome's unit a unit: of which sign it
            is doesn't depend on the total effect.
        constant: whether all scores are equal.
    """

    qini: float | None
    qini_interval: tuple[float, float] | None
    auuc: float | None
    auuc_interval: tuple[float, float] | None
    area: float
    area_interval: tuple[float, float]
    constant: bool


def rank(
    score: Floats,
    treated: Bools,
    outcome: Floats,
    *,
    propensity: Floats | None = None,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> Ranking:
    """Qini and AUUC of ``score``, with intervals from a bootstrap by unit.

    The total effect is held while resampling, so that a small one doesn't make the interval wild.

    Args:
        propensity: of units that weren't randomised: they are weighted by its inverse.
        resamples: as many samples as large as this one.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.nonzero(np.diff(score[order], append=-np.inf))[0]
    t, y = treated[order].astype(float), outcome[order]
    weight = np.ones(len(t))
    if propensity is not None:
        e = propensity[order]
        weight = np.where(t > 0, t.mean() / e, (1 - t.mean()) / (1 - e))
    curve = _Curve(t, y, weight, ends)
    area, total = curve.area(np.ones(len(t), dtype=np.int64))
    rng = np.random.default_rng([seed, 13])
    draws = np.empty(resamples)
    for i in range(resamples):
        times = np.bincount(rng.integers(0, len(t), len(t)), minlength=len(t))
        draws[i], _ = curve.area(times)
    low, high = (float(v) for v in np.quantile(draws, [0.025, 0.975]))
    per_unit = (area / len(t), (low / len(t), high / len(t)))
    constant = len(ends) == 1
    if total == 0:
        return Ranking(None, None, None, None, *per_unit, constant)
    scale = abs(total)
    qini, interval = area / scale, (low / scale, high / scale)
    above = (0.5 + interval[0], 0.5 + interval[1])
    return Ranking(qini, interval, 0.5 + qini, above, *per_unit, constant)


@dataclass(frozen=True)
class _Curve:
    """Units by falling score; ``ends``: the last unit of each score."""

    treated: Floats
    outcome: Floats
    weight: Floats
    ends: Ints

    def area(self, times: Ints) -> tuple[float, float]:
        """The area above a random order and the total effect, each unit taken so many times."""
        w = self.weight * times
        wt, wc = w * self.treated, w * (1 - self.treated)
        nt, nc, yt, yc = (
            np.cumsum(each)[self.ends] for each in (wt, wc, wt * self.outcome, wc * self.outcome)
        )
        ratio = np.divide(nt, nc, out=np.zeros_like(nt), where=nc > 0)
        gain = np.concatenate([[0.0], yt - yc * ratio])
        taken = np.cumsum(times)[self.ends]
        share = np.concatenate([[0.0], taken / taken[-1]])
        above = gain - share * gain[-1]
        return float(((above[1:] + above[:-1]) / 2 * np.diff(share)).sum()), float(gain[-1])


def within_folds(score: Floats, fold: Ints) -> Floats:
    """Each score's rank among those of its fold, 0 to 1, ties sharing theirs.

    Folds have models of their own. By level, a fold whose others had a lucky effect would rank
    first, and a score that is constant in each fold would look like a ranking.
    """
    ranks = np.empty(len(score))
    for k in np.unique(fold):
        (rows,) = np.nonzero(fold == k)
        values, place, counts = np.unique(score[rows], return_inverse=True, return_counts=True)
        middle = np.cumsum(counts) - (counts + 1) / 2
        ranks[rows] = (middle / max(len(rows) - 1, 1))[place] if len(values) > 1 else 0.5
    return ranks
