"""The uplift random forest of causalml, for outcomes of 0 and 1 and two well-filled arms.

Given anything else it answers all the same: it takes every positive amount for 1, and a dozen rows
of an arm make what it says of the others constant.
"""

from __future__ import annotations

import logging

import numpy as np

from pipelines.jobs.uplift.sample import CONTROL, Floats, Sample

MIN_ARM_ROWS = 300
_TREES = 40
_NO_CITATIONS = "duecredit"


def forest_suits(sample: Sample) -> bool:
    """Whether the forest may be asked: a 0/1 outcome, and some hundred rows in each arm."""
    treated = int(sample.treated.sum())
    return sample.is_binary and min(treated, sample.size - treated) >= MIN_ARM_ROWS


def forest_effects(sample: Sample, x: Floats, x_new: Floats, seed: int) -> Floats:
    """The effect on each new unit, as a difference of rates.

    Raises:
        ValueError: the outcome isn't 0 or 1.
    """
    if not sample.is_binary:
        raise ValueError("an uplift forest takes an outcome of 0 and 1 only")
    logging.getLogger(_NO_CITATIONS).setLevel(logging.CRITICAL)
    from causalml.inference.tree import UpliftRandomForestClassifier  # takes seconds to load

    forest = UpliftRandomForestClassifier(
        control_name=CONTROL,
        n_estimators=_TREES,
        max_features=max(int(np.ceil(x.shape[1] / 2)), 1),
        max_depth=4,
        min_samples_leaf=max(100, sample.size // 50),
        min_samples_treatment=50,
        evaluationFunction="ED",
        honesty=True,
        random_state=seed,
        n_jobs=1,
    )
    forest.fit(X=x, treatment=sample.arms, y=sample.outcome.astype(int))
    answer = np.asarray(forest.predict(X=x_new), dtype=float)
    return answer.reshape(len(x_new), -1)[:, 0]
