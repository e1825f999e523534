"""Fits the ensemble to a panel, and answers what each channel brought and would bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.jobs.mmm.ensemble.baseline import baseline
from pipelines.jobs.mmm.ensemble.sampler import Draws, Ints, sample
from pipelines.jobs.mmm.ensemble.shapes import (
    SHAPES,
    Responses,
    adstocked,
    responses,
    saturated,
)
from pipelines.jobs.mmm.panel import Floats, Panel

THINNING = 4


@dataclass(frozen=True)
class Ensemble:
    """A fitted ensemble: draws of its posterior.

    Args:
        panel: what it was fitted to.
        shapes: which of ``SHAPES``, [draw, channel].
        heights: mean weekly contribution, in the outcome's unit, [draw, channel].
        max_rhat: the largest split R-hat of the channels' heights.
    """

    panel: Panel
    shapes: Ints
    heights: Floats
    max_rhat: float
    by_channel: tuple[Responses, ...]

    def contributions(self) -> Floats:
        """What each channel brought, [draw, geo, week, channel]."""
        brought = [
            r.features[self.shapes[:, i]] * self.heights[:, i, None]
            for i, r in enumerate(self.by_channel)
        ]
        return np.stack(brought, axis=2).reshape(len(self.shapes), *self.panel.spend.shape)

    def scaled(self, channel: int, factors: Floats, weeks: int) -> Floats:
        """What a channel would have brought in the last weeks, all geos together, had its spend
        always been that many times what it was, [draw, factor].

        Adstock is linear, so the factor applies to what has worked, and saturation comes after.
        """
        r = self.by_channel[channel]
        used, place = np.unique(self.shapes[:, channel], return_inverse=True)
        spend = self.panel.spend[:, :, channel] / r.unit
        totals = np.empty((len(used), len(factors)))
        for row, index in enumerate(used):
            shape = SHAPES[index]
            worked = adstocked(spend, shape.alpha, shape.delay)[:, -weeks:]
            curve = saturated(worked * factors[:, None, None], shape.half, shape.slope)
            totals[row] = curve.sum(axis=(1, 2)) / r.means[index]
        return totals[place] * self.heights[:, channel, None]


def fit_ensemble(panel: Panel, seed: int) -> Ensemble:
    """Fit it; the same panel and seed give the same draws on the same kind of processor."""
    unit = float(panel.outcome.mean())
    spent = panel.spend.sum(axis=(0, 1))
    by_channel = tuple(responses(panel.spend[:, :, i]) for i in range(len(panel.channels)))
    draws = sample(
        (panel.outcome / unit).ravel(),
        np.array([r.features for r in by_channel]),
        spent / spent.sum(),
        baseline(panel, np.ones(panel.outcome.size)),
        seed,
    )
    channels = len(panel.channels)
    return Ensemble(
        panel,
        draws.shapes[::THINNING].reshape(-1, channels),
        draws.heights[::THINNING].reshape(-1, channels) * unit,
        _max_rhat(draws),
        by_channel,
    )


def _max_rhat(draws: Draws) -> float:
    """Split R-hat (Gelman et al., Bayesian Data Analysis, 11.4): each chain counts as two."""
    half = len(draws.heights) // 2
    chains = np.concatenate([draws.heights[:half], draws.heights[-half:]], axis=1)
    within = chains.var(axis=0, ddof=1).mean(axis=0)
    between = chains.mean(axis=0).var(axis=0, ddof=1)
    return float(np.sqrt((half - 1) / half + between / within).max())
