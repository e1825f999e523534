"""Fits the three models to a panel, averages them, and answers what each channel brings."""

from __future__ import annotations

import numpy as np

from pipelines.jobs.base import Progress
from pipelines.jobs.mmm.lightweight.answers import Answers
from pipelines.jobs.mmm.lightweight.averaging import stacked
from pipelines.jobs.mmm.lightweight.draws import Candidate
from pipelines.jobs.mmm.lightweight.sampler import Rows, Sampling, convergence, sample
from pipelines.jobs.mmm.lightweight.scaled import Scaled
from pipelines.jobs.mmm.lightweight.shapes import MODELS
from pipelines.jobs.mmm.panel import Panel


def _silent(_: str) -> None:
    pass


def fit_lightweight(
    panel: Panel,
    seed: int,
    settings: Sampling | None = None,
    progress: Progress = _silent,
) -> Answers:
    """Fit it, and once more without the last weeks, to test the prediction of them.

    Args:
        panel: with at least twice as many weeks as are held out.
        seed: ``settings.seed`` is not used.
        settings: draws, chains, and the weeks held out.

    Returns:
        Draws, with ``checks``: ``max_rhat`` and ``min_ess`` over models and parameters,
        ``divergences``, ``holdout_mape``, ``r2``, ``weight_<model>``, and ``energy_error`` (see
        :class:`.draws.Candidate`).
    """
    settings = settings or Sampling()
    weeks = panel.outcome.shape[1]
    progress(f"mmm: compiling and fitting {weeks} weeks, {len(panel.channels)} channels")
    fitted = fit_without_test(panel, seed, settings, weeks)
    held = settings.holdout_weeks
    progress(f"mmm: fitting again without the last {held} weeks, to test the prediction of them")
    unseen = fit_without_test(panel.until(weeks - held), seed + 1, settings, weeks)

    actual = panel.outcome.sum(axis=0)
    predicted = fitted.expected(panel).mean(axis=0).sum(axis=0)
    forecast = unseen.expected(panel)[:, :, -held:].mean(axis=0).sum(axis=0)
    # a week without orders would divide by zero: count its error against one order
    errors = np.abs(forecast - actual[-held:]) / np.maximum(actual[-held:], 1)
    varied = ((actual - actual.mean()) ** 2).sum()
    checks = {
        **fitted.checks,
        "holdout_mape": float(errors.mean()),
        "r2": float(1 - ((actual - predicted) ** 2).sum() / varied),
    }
    return Answers(panel, fitted.units, fitted.models, checks)


def fit_without_test(
    panel: Panel, seed: int, settings: Sampling, padded_to: int | None = None
) -> Answers:
    """Fit it, without ``holdout_mape`` and ``r2``.

    Args:
        padded_to: weeks. Fits of panels that are padded to the same half year share one compiled
            program, as do those of the last few origins of a backtest.

    Returns:
        Draws of the models that were given weight, as many of each as its weight says.
    """
    units = Scaled.of(panel)
    rows = Rows.of(panel, units, padded_to or panel.outcome.shape[1])
    posteriors = [sample(rows, i, 3 * seed + i, settings) for i in range(len(MODELS))]
    candidates = [
        Candidate.of(name, posterior, panel, units, rows)
        for name, posterior in zip(MODELS, posteriors, strict=True)
    ]
    weights = stacked(np.array([c.predictive() for c in candidates]))
    random = np.random.default_rng(seed)
    counts = np.rint(weights * len(candidates[0].rest)).astype(int)
    rhat, size = convergence(posteriors)
    checks = {
        "max_rhat": rhat,
        "min_ess": size,
        "divergences": float(sum(p.divergences for p in posteriors)),
        "energy_error": max(c.energy_error for c in candidates),
        **{f"weight_{m}": float(w) for m, w in zip(MODELS, weights, strict=True)},
    }
    models = [c.drawn(n, random) for c, n in zip(candidates, counts, strict=True) if n]
    return Answers(panel, units, tuple(models), checks)
