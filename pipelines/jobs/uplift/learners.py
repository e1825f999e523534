"""Effects by unit, from causalml's meta-learners and its uplift forest, behind one door.

The library's interfaces invite mistakes that it doesn't notice (docs/uplift.md has a list), so
they are called here and nowhere else: with keywords only, with arms as strings, cross-fitted by our
own folds, and without the library's intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np

from pipelines.job_settings import LearnerName
from pipelines.jobs.uplift.nuisance import Base, Nuisance, Regression
from pipelines.jobs.uplift.sample import CONTROL, Floats, Sample
from pipelines.jobs.uplift.trees import forest_effects, forest_suits

LEARNERS: tuple[LearnerName, ...] = get_args(LearnerName)
_INNER_FOLDS = 2


def effects(
    name: LearnerName,
    sample: Sample,
    known: tuple[Floats, Floats],
    new: tuple[Floats, Floats],
    *,
    base: Base,
    seed: int,
) -> Floats:
    """The effect on each new unit, by a learner fitted to ``sample``.

    Args:
        known, new: encoded covariates, [unit, column], and the chance of being treated, of the
            sample's units and of the new ones.

    Raises:
        ValueError: the library answered with something else than one finite effect a unit.
    """
    (x, propensity), (x_new, propensity_new) = known, new
    if name == "forest":
        return forest_effects(sample, x, x_new, seed)
    learner = _meta_learner(name, base, seed)
    own = {"seed": seed} if name == "dr" else {"verbose": False} if name == "r" else {}
    learner.fit(X=x, treatment=sample.arms, y=sample.outcome, p=propensity, **own)
    answer = np.asarray(learner.predict(X=x_new, p=propensity_new), dtype=float)
    if answer.shape != (len(x_new), 1) or not np.isfinite(answer).all():
        raise ValueError(f"the {name} learner answered with {answer.shape}, not all of it finite")
    return answer[:, 0]


def cross_fitted(
    name: LearnerName, sample: Sample, x: Floats, nuisance: Nuisance, *, base: Base, seed: int
) -> Floats:
    """The effect on each unit, by a learner that never saw it."""
    answer = np.empty(sample.size)
    for k in range(int(nuisance.fold.max()) + 1):
        out, rest = nuisance.fold == k, nuisance.fold != k
        e = nuisance.propensity
        known, new = (x[rest], e[rest]), (x[out], e[out])
        answer[out] = effects(name, sample.take(rest), known, new, base=base, seed=seed)
    return answer


def suits(name: LearnerName, sample: Sample) -> bool:
    """Whether the learner can be fitted to this sample at all."""
    return name != "forest" or forest_suits(sample)


def _meta_learner(name: LearnerName, base: Base, seed: int) -> Any:
    from causalml.inference import meta  # takes seconds to load

    model = Regression(base, seed)
    common: Mapping[str, Any] = {"learner": model, "control_name": CONTROL}
    makers: Mapping[str, Callable[[], Any]] = {
        "s": lambda: meta.BaseSRegressor(**common),
        "t": lambda: meta.BaseTRegressor(**common),
        "x": lambda: meta.BaseXRegressor(**common),
        "r": lambda: meta.BaseRRegressor(**common, n_fold=_INNER_FOLDS, random_state=seed),
        "dr": lambda: meta.BaseDRRegressor(**common),
    }
    learner = makers[name]()
    if name == "r":
        # its constructor doesn't take it, and by default it starts a process a processor
        learner.cv_n_jobs = 1
    return learner
