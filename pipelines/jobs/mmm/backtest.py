"""Predicts the past from the weeks before it, from rolling origins (Tashman 2000)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.jobs.base import Progress
from pipelines.jobs.mmm.engine import Engine, Fitted
from pipelines.jobs.mmm.experiments import Experiment
from pipelines.jobs.mmm.panel import Floats, Panel

AHEAD = 4
"""Weeks that each origin predicts."""
STEP = 2
"""Weeks between two origins; 1 where the first would otherwise see less than ``LEAST``."""
LEAST = 26


@dataclass(frozen=True)
class Origin:
    """One prediction; outcomes are of all geos together.

    Args:
        weeks: of the panel, that the fit saw.
        fitted: the fit to them.
        expected: of the weeks after them, [draw, week].
        actual: what came, [week].
        residual: standard deviation of the outcome around the fit, in the weeks that it saw.
    """

    weeks: int
    fitted: Fitted
    expected: Floats
    actual: Floats
    residual: float

    @property
    def errors(self) -> Floats:
        """Predicted less actual, [week]."""
        errors: Floats = self.expected.mean(axis=0) - self.actual
        return errors


@dataclass(frozen=True)
class Backtest:
    """How well an engine predicted weeks that it hadn't seen.

    Args:
        origins: ascending.
        noises: by origin, the standard deviation of a week around what is expected: that of the
            other origins' errors, or of the fit's own residuals where it is larger.
        mape: mean absolute percentage error.
        coverage_80: share of weeks within their 80% interval.
        crps: continuous ranked probability score (Gneiting and Raftery 2007), a share of the mean
            outcome.
        skill: 1 − crps over that of repeating the mean of the last four weeks; above 0 is better.
        log_scores: log density of what came, [week of all origins].
    """

    origins: tuple[Origin, ...]
    noises: tuple[float, ...]
    mape: float
    coverage_80: float
    crps: float
    skill: float
    log_scores: Floats

    @property
    def noise(self) -> float:
        """Standard deviation of a week around what is expected of it, in weeks to come."""
        errors = np.concatenate([origin.errors for origin in self.origins])
        seen = max(origin.residual for origin in self.origins)
        return max(float(np.sqrt((errors**2).mean())), seen)


def origin_weeks(weeks: int, count: int) -> list[int]:
    """How many weeks each of ``count`` origins sees, ascending; the last leaves one week out."""
    step = STEP if weeks - 1 - STEP * (count - 1) >= LEAST else 1
    return [weeks - 1 - step * i for i in range(count)][::-1]


def predict(
    engine: Engine,
    panel: Panel,
    origins: Sequence[int],
    seed: int,
    progress: Progress,
    *,
    experiments: Sequence[Experiment] = (),
) -> tuple[Origin, ...]:
    """Refit at each origin, and predict up to ``AHEAD`` weeks from spend and controls alone.

    Args:
        experiments: of which a fit sees those that were counted by its last week.
    """
    made = []
    for done, weeks in enumerate(origins, start=1):
        progress(f"mmm: predicting the weeks after the first {weeks} ({done} of {len(origins)})")
        until = min(weeks + AHEAD, len(panel.starts))
        seen = spending(panel, weeks)
        fitted = engine(seen.until(weeks), seed, experiments)
        expected = fitted.expected(seen.until(until)).sum(axis=1)
        actual = panel.outcome[:, :until].sum(axis=0)
        gap = actual[:weeks] - expected[:, :weeks].mean(axis=0)
        made.append(Origin(weeks, fitted, expected[:, weeks:], actual[weeks:], float(gap.std())))
    return tuple(made)


def spending(panel: Panel, weeks: int) -> Panel:
    """The panel of the channels that spend in its first weeks: of others nothing can be learnt."""
    known = panel.spend[:, :weeks].sum(axis=(0, 1)) > 0
    channels = tuple(c for c, there in zip(panel.channels, known, strict=True) if there)
    return replace(panel, channels=channels, spend=panel.spend[:, :, known])


def backtest(panel: Panel, origins: Sequence[Origin], seed: int) -> Backtest:
    """Score predictions."""
    noises = tuple(_noise(origins, i) for i in range(len(origins)))
    random = np.random.default_rng(seed)
    national = panel.outcome.sum(axis=0)
    within, crps, naive, scores, percent = [], [], [], [], []
    for origin, noise in zip(origins, noises, strict=True):
        drawn = origin.expected + noise * random.standard_normal(origin.expected.shape)
        low, high = np.quantile(drawn, (0.1, 0.9), axis=0)
        within.append((low <= origin.actual) & (origin.actual <= high))
        crps.append(_crps(drawn, origin.actual))
        recent, spread = _recent(national[: origin.weeks])
        repeated = recent + spread * random.standard_normal(origin.expected.shape)
        naive.append(_crps(repeated, origin.actual))
        gaps = (origin.actual - origin.expected) / noise
        # of a mixture of normals, one a draw
        log_density = -0.5 * gaps**2 - np.log(noise * np.sqrt(2 * np.pi))
        scores.append(np.logaddexp.reduce(log_density, axis=0) - np.log(len(log_density)))
        # a week without orders would divide by zero: count its error against one order
        percent.append(np.abs(origin.errors) / np.maximum(origin.actual, 1))
    mean_crps = float(np.concatenate(crps).mean())
    return Backtest(
        origins=tuple(origins),
        noises=noises,
        mape=float(np.concatenate(percent).mean()),
        coverage_80=float(np.concatenate(within).mean()),
        crps=mean_crps / float(national.mean()),
        skill=1 - mean_crps / float(np.concatenate(naive).mean()),
        log_scores=np.concatenate(scores),
    )


def _noise(origins: Sequence[Origin], own: int) -> float:
    """Without the origin's own errors, which are to be judged by it."""
    others = [o.errors for i, o in enumerate(origins) if i != own]
    seen = max(origins[own].residual, 1e-9 + 1e-6 * float(origins[own].actual.mean()))
    return max(float(np.sqrt((np.concatenate(others) ** 2).mean())), seen) if others else seen


def _recent(seen: Floats) -> tuple[float, float]:
    """The mean of the last weeks, and how far weeks are from that of the weeks before them."""
    means = np.convolve(seen, np.full(AHEAD, 1 / AHEAD), mode="valid")
    gaps = seen[AHEAD:] - means[:-1]
    return float(means[-1]), max(float(np.sqrt((gaps**2).mean())), 1e-9)


def _crps(drawn: Floats, actual: Floats) -> Floats:
    """E|X − y| − E|X − X'| / 2, over draws, [week]."""
    ordered = np.sort(drawn, axis=0)
    count = len(ordered)
    ranks = 2 * np.arange(1, count + 1) - count - 1
    spread = (ranks[:, None] * ordered).sum(axis=0) / count**2
    crps: Floats = np.abs(drawn - actual).mean(axis=0) - spread
    return crps
