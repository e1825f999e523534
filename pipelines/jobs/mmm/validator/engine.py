"""Fits the validator to a panel: the models on the first Pareto fronts stand for draws."""

from __future__ import annotations

import numpy as np

from pipelines.jobs.mmm.lightweight.answers import Answers
from pipelines.jobs.mmm.lightweight.draws import Draws
from pipelines.jobs.mmm.panel import Panel
from pipelines.jobs.mmm.validator.recipe import Recipe, RecipeUnits
from pipelines.jobs.mmm.validator.search import ranks, search

ACCEPTED = 100
_WORST = 1.25
"""An accepted model's error is at most this many times the best one's: a front ends in models that
have the shares of spend and predict nothing."""


def fit_validator(panel: Panel, seed: int) -> Answers:
    """Search, accept, and fit the accepted ones to all weeks.

    What answers as draws are accepted models, not a posterior: their spread says how much models
    disagree that predict about as well, and nothing of noise, so it may be far too narrow. It is
    for comparing with other engines, not for an interval of its own.

    Returns:
        Models, with ``checks``: ``nrmse`` (out of sample) and ``decomp_rssd``, the least of the
        accepted and their medians, ``accepted``, ``fronts``, ``r2``, and ``posterior``: 0.
    """
    units = RecipeUnits.of(panel)
    recipe = Recipe.of(panel, units)
    tried, errors = search(lambda c: recipe.errors(c)[0], recipe.size, seed)
    good = np.flatnonzero(errors[:, 0] <= _WORST * errors[:, 0].min())
    rank = ranks(errors[good])
    order = np.argsort(rank, kind="stable")
    last = rank[order[min(ACCEPTED, len(order)) - 1]]
    accepted = good[order[rank[order] <= last]]
    chosen = tried[accepted]
    _, solved = recipe.errors(chosen)
    heights = solved.media[:, :, None] * units.sizes
    answers = Answers(
        panel, units, (Draws(recipe.shapes(chosen), heights, solved.baseline),), checks={}
    )
    predicted = answers.expected(panel).mean(axis=0)
    rest = ((panel.outcome - predicted) ** 2).sum()
    varied = ((panel.outcome - panel.outcome.mean()) ** 2).sum()
    checks = {
        "nrmse": float(errors[accepted, 0].min()),
        "nrmse_median": float(np.median(errors[accepted, 0])),
        "decomp_rssd": float(errors[accepted, 1].min()),
        "decomp_rssd_median": float(np.median(errors[accepted, 1])),
        "accepted": float(len(accepted)),
        "fronts": float(last + 1),
        "r2": float(1 - rest / varied),
        "posterior": 0.0,
    }
    return Answers(panel, units, answers.models, checks)
