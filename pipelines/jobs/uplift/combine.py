"""One effect by unit out of several learners': weighted by how well they explain what is left.

The weights are those, none negative, with which the learners' effects best predict the outcome's
residuals, by R-loss (Nie and Wager 2021). The average effect, the same for everybody, takes part:
where nobody differs, it gets the weight.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import nnls

from pipelines.jobs.uplift.nuisance import Nuisance
from pipelines.jobs.uplift.sample import Floats, Sample

CONSTANT = "constant"


def stacking_weights(
    sample: Sample, nuisance: Nuisance, effects: Mapping[str, Floats], constant: float
) -> dict[str, float]:
    """The weight of each learner, and of the average effect as ``constant``; they sum to 1.

    Args:
        effects: by learner, of each unit, by models that didn't see it.
    """
    left = sample.outcome - nuisance.outcome
    treatment = sample.treated - nuisance.propensity
    names = [*effects, CONSTANT]
    columns = [*effects.values(), np.full(sample.size, constant)]
    weights, _ = nnls(np.column_stack([treatment * column for column in columns]), left)
    total = weights.sum()
    if total <= 0:
        return {name: float(name == CONSTANT) for name in names}
    return {name: float(w / total) for name, w in zip(names, weights, strict=True)}


def combined(
    weights: Mapping[str, float], effects: Mapping[str, Floats], constant: float
) -> Floats:
    """The weighted effect of each unit."""
    (size,) = {len(each) for each in effects.values()}
    answer = np.full(size, weights[CONSTANT] * constant)
    for name, each in effects.items():
        answer += weights[name] * each
    return answer
