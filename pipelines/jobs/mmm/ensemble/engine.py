"""Fits the ensemble to a panel, and answers what each channel brought and would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from pipelines.jobs.mmm.ensemble.baseline import (
    Baseline,
    baseline,
    control_columns,
    onwards,
)
from pipelines.jobs.mmm.ensemble.measured import measured
from pipelines.jobs.mmm.ensemble.sampler import Draws, Ints, sample
from pipelines.jobs.mmm.ensemble.shapes import (
    Responses,
    responses,
)
from pipelines.jobs.mmm.experiments import OUTCOME, Experiment, Placed, placed_all
from pipelines.jobs.mmm.panel import Floats, Panel

THINNING = 3


@dataclass(frozen=True)
class Ensemble:
    """A fitted ensemble: draws of its posterior (see :class:`pipelines.jobs.mmm.engine.Fitted`).

    Args:
        panel: what it was fitted to.
        checks: ``max_rhat``, the largest split R-hat of the channels' heights.
        shapes: which of ``SHAPES``, [draw, channel].
        heights: mean weekly contribution, in the outcome's unit, [draw, channel].
        baselines: which of the baseline's states, [draw].
        noise: standard deviation of a week's noise, in the outcome's unit, [draw].
        tested: channels of which experiments are in the likelihood.
    """

    panel: Panel
    checks: Mapping[str, float]
    shapes: Ints
    heights: Floats
    baselines: Ints
    noise: Floats
    by_channel: tuple[Responses, ...]
    base: Baseline
    tested: tuple[int, ...] = ()

    def brought(self, channel: int, spend: Floats) -> Floats:
        used, place = np.unique(self.shapes[:, channel], return_inverse=True)
        curves = np.array([c[0] for c in self.by_channel[channel].curves(spend[None], used)])
        brought: Floats = curves[place] * self.heights[:, channel, None, None]
        return brought

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        used, place = np.unique(self.shapes[:, channel], return_inverse=True)
        curves = self.by_channel[channel].curves(paths, used, weeks)
        totals = np.array([c.sum(axis=(1, 2)) for c in curves])
        brought: Floats = totals[place] * self.heights[:, channel, None]
        return brought

    def expected(self, later: Panel) -> Floats:
        weeks = self.panel.outcome.shape[1]
        brought = np.zeros((len(self.heights), *later.outcome.shape))
        for i in range(len(self.panel.channels)):
            brought += self.brought(i, later.spend[:, :, i])
        rest = (self.panel.outcome - brought[:, :, :weeks]).reshape(len(self.heights), -1)
        used = np.unique(self.baselines).tolist()
        for state, onward in onwards(self.base, self.panel, later, used):
            mine = self.baselines == state
            level = rest[mine] @ onward.T
            brought[mine] += level.reshape(-1, *later.outcome.shape)
        return brought

    def scores(self, columns: Floats, within: Floats) -> Floats:
        """Score tests of columns that the model leaves out, standard normal where it may.

        Args:
            columns: [geo × week, column].
            within: what the fit takes up by itself, which is projected out, [geo × week, …].
        """
        brought = np.zeros(self.panel.outcome.shape)
        for i in range(len(self.panel.channels)):
            brought += self.brought(i, self.panel.spend[:, :, i]).mean(axis=0)
        rest = (self.panel.outcome - brought).ravel()
        precision = self.base.precisions[np.bincount(self.baselines).argmax()]
        within = within / np.maximum(np.linalg.norm(within, axis=0), 1e-300)
        both = within.T @ precision @ within
        ridge = 1e-8 * np.trace(both) / len(both) * np.eye(len(both))
        own = columns - within @ np.linalg.solve(both + ridge, within.T @ precision @ columns)
        spread = np.sqrt(((precision @ own) * own).sum(axis=0) * (self.noise**2).mean())
        scores: Floats = own.T @ precision @ rest / np.maximum(spread, 1e-300)
        return scores

    def positive_controls(self) -> dict[str, float]:
        """By control, the posterior probability that more of it brings more of the outcome.

        A coefficient is normal given what media bring, the noise and the baseline's state; the
        probability is the mean over draws of these.
        """
        media = np.zeros((len(self.heights), *self.panel.outcome.shape))
        for i in range(len(self.panel.channels)):
            media += self.brought(i, self.panel.spend[:, :, i])
        rest = (self.panel.outcome - media).reshape(len(media), -1)
        positions, columns = control_columns(self.panel)
        scores = np.zeros((len(rest), len(positions)))
        for state in np.unique(self.baselines):
            mine = self.baselines == state
            weighed = self.base.precisions[state] @ columns
            # the prior's variance less what the weeks tell, in units of the noise's
            left = 1 - (columns * weighed).sum(axis=0)
            scores[mine] = rest[mine] @ weighed / np.sqrt(np.maximum(left, 1e-12))
        probability = ndtr(scores / self.noise[:, None]).mean(axis=0)
        names = self.panel.control_names
        return {names[i]: float(p) for i, p in zip(positions, probability, strict=True)}


def fit_ensemble(panel: Panel, seed: int, experiments: Sequence[Experiment] = ()) -> Ensemble:
    """Fit it; the same arguments give the same draws on the same kind of processor.

    On one thread: the matrices are small, and threads take longer to start than to multiply them.

    Args:
        experiments: on spend; those that have a place beside the panel are in the likelihood.
    """
    with threadpool_limits(1):
        return _fitted(panel, seed, placed_all(experiments, panel, OUTCOME)[0])


def _fitted(panel: Panel, seed: int, placed: Sequence[Placed]) -> Ensemble:
    unit = float(panel.outcome.mean())
    spent = panel.spend.sum(axis=(0, 1))
    by_channel = tuple(responses(panel.spend[:, :, i]) for i in range(len(panel.channels)))
    said = measured(by_channel, placed, panel, unit)
    base = baseline(panel, placed)
    draws = sample(
        (panel.outcome / unit).ravel(),
        np.array([r.features for r in by_channel]),
        spent / spent.sum(),
        base,
        said,
        seed=seed,
    )
    channels = len(panel.channels)
    return Ensemble(
        panel,
        {"max_rhat": _max_rhat(draws)},
        draws.shapes[::THINNING].reshape(-1, channels),
        draws.heights[::THINNING].reshape(-1, channels) * unit,
        draws.baselines[::THINNING].ravel(),
        np.sqrt(draws.variances[::THINNING].ravel()) * unit,
        by_channel,
        base,
        said.channels,
    )


def _max_rhat(draws: Draws) -> float:
    """Split R-hat (Gelman et al., Bayesian Data Analysis, 11.4): each chain counts as two."""
    half = len(draws.heights) // 2
    chains = np.concatenate([draws.heights[:half], draws.heights[-half:]], axis=1)
    within = chains.var(axis=0, ddof=1).mean(axis=0)
    between = chains.mean(axis=0).var(axis=0, ddof=1)
    return float(np.sqrt((half - 1) / half + between / within).max())
