"""Combines engines: a linear opinion pool, in which disagreement widens every interval.

Averaging the engines' draws, rather than their answers, keeps what each of them holds possible:
where two engines disagree, the pool's interval spans both. The weights are those of stacking
(Yao et al. 2018, Using stacking to average Bayesian predictive distributions): they maximise the
log score of the weeks that the engines predicted, with a prior of equal weights that a handful of
weeks doesn't overrule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.config import EngineName
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.panel import Floats, Panel

DRAWS = 1000
LEADER: EngineName = "ensemble"
"""The engine that is never weighted less than equally: its intervals are the calibrated ones."""
_PRIOR_WEEKS = 4.0
_STEPS = 200


@dataclass(frozen=True)
class Combined:
    """Draws of several fits to one panel, as one (see :class:`pipelines.jobs.mmm.engine.Fitted`).

    Args:
        parts: the fits.
        picked: which draws of each part.
        checks: the worst of the parts'.
    """

    parts: tuple[Fitted, ...]
    picked: tuple[npt.NDArray[np.int64], ...]
    checks: Mapping[str, float]

    @property
    def panel(self) -> Panel:
        return self.parts[0].panel

    def brought(self, channel: int, spend: Floats) -> Floats:
        return self._pool([part.brought(channel, spend) for part in self.parts])

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        return self._pool([part.totals(channel, paths, weeks) for part in self.parts])

    def expected(self, later: Panel) -> Floats:
        return self._pool([part.expected(later) for part in self.parts])

    def _pool(self, draws: Sequence[Floats]) -> Floats:
        return np.concatenate([d[i] for d, i in zip(draws, self.picked, strict=True)])


def combine(fits: Mapping[str, Fitted], weights: Mapping[str, float]) -> Combined:
    """Pool the fits' draws, each in proportion to its weight.

    Args:
        fits: of the same panel, by engine.
        weights: by engine; they sum to 1.
    """
    parts = tuple(fits.values())
    sizes = [p.totals(0, p.panel.spend[None, :, :, 0], 1).shape[0] for p in parts]
    total = max(DRAWS, *sizes)
    counts = [max(1, round(weights[name] * total)) for name in fits]
    picked = tuple(
        np.linspace(0, size - 1, count).round().astype(np.int64)
        for size, count in zip(sizes, counts, strict=True)
    )
    return Combined(parts, picked, _worst([p.checks for p in parts]))


def pool(fits: Mapping[str, Fitted]) -> Combined:
    """All fits whose draws are a posterior, equally: before any prediction was compared."""
    pooled = {n: fitted for n, fitted in fits.items() if fitted.checks.get("posterior", 1.0)}
    pooled = pooled or dict(fits)
    return combine(pooled, dict.fromkeys(pooled, 1 / len(pooled)))


def opinion_weights(log_scores: Mapping[str, Floats]) -> dict[str, float]:
    """Weight by engine, from the log densities that each gave the same unseen weeks.

    Expectation maximisation of Σ log Σ w·p under a Dirichlet prior; equal scores give equal
    weights.
    """
    names = list(log_scores)
    scores = np.array([log_scores[name] for name in names])
    density = np.exp(scores - scores.max(axis=0, initial=-np.inf))
    weights = np.full(len(names), 1 / len(names))
    for _ in range(_STEPS):
        shared = weights[:, None] * density
        weights = (shared / shared.sum(axis=0)).sum(axis=1) + _PRIOR_WEEKS
        weights /= weights.sum()
    weighted = dict(zip(names, (float(w) for w in weights), strict=True))
    least = 1 / len(names)
    if LEADER in weighted and weighted[LEADER] < least:
        rest = 1 - weighted[LEADER]
        weighted = {name: w * (1 - least) / rest for name, w in weighted.items()} | {LEADER: least}
    return weighted


def _worst(checks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Least, largest and total; what else engines check is their own."""
    worst: dict[str, float] = {}
    for name in sorted({name for one in checks for name in one}):
        values = [one[name] for one in checks if name in one]
        # numpy's keep a NaN (a chain that never moved); Python's would drop it
        if name.startswith("min_"):
            worst[name] = float(np.min(values))
        elif name.startswith("max_"):
            worst[name] = float(np.max(values))
        elif name == "divergences":
            worst[name] = float(np.sum(values))
    return worst


def share_intervals(fitted: Fitted) -> Floats:
    """Each channel's share of the outcome, 10th percentile, mean and 90th, [3, channel]."""
    panel = fitted.panel
    total = panel.outcome.sum()
    shares = np.array(
        [
            fitted.totals(i, panel.spend[None, :, :, i], len(panel.starts))[:, 0] / total
            for i in range(len(panel.channels))
        ]
    )
    low, high = np.quantile(shares, (0.1, 0.9), axis=1)
    return np.array([low, shares.mean(axis=1), high])


def disagreement(fits: Mapping[str, Fitted]) -> tuple[float, float]:
    """How far the engines are apart, and how much their intervals have in common.

    Returns:
        The largest distance of two engines' splits of what media bring (half the sum of absolute
        differences of shares: 0 is agreement, 1 is nothing in common); and the least overlap of
        two engines' 80% intervals of a channel's contribution, over the narrower of both.
    """
    shares = [share_intervals(fitted) for fitted in fits.values()]
    distance, overlap = 0.0, 1.0
    for i, first in enumerate(shares):
        for second in shares[:i]:
            splits = [s[1] / max(s[1].sum(), 1e-12) for s in (first, second)]
            distance = max(distance, float(np.abs(splits[0] - splits[1]).sum() / 2))
            common = np.minimum(first[2], second[2]) - np.maximum(first[0], second[0])
            narrower = np.minimum(first[2] - first[0], second[2] - second[0])
            least = float((common / np.maximum(narrower, 1e-12)).min())
            overlap = min(overlap, max(0.0, least))
    return distance, overlap
