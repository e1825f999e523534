"""econml's plain learners on one IHDP file, in econml's own environment: prints √PEHE by learner.

`.bench/econml/bin/python tests/bench/uplift_peer_econml.py FILE`; called by uplift.py.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
from econml.dml import CausalForestDML, LinearDML
from econml.dr import DRLearner
from econml.metalearners import SLearner, TLearner, XLearner
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression


def main() -> None:
    warnings.filterwarnings("ignore")
    table = pd.read_csv(sys.argv[1], header=None).to_numpy(dtype=float)
    treatment, outcome, x = table[:, 0].astype(int), table[:, 1], table[:, 5:]
    effect = table[:, 4] - table[:, 3]
    errors = {}
    for base, make in (
        ("linear", LinearRegression),
        ("boosted", lambda: GradientBoostingRegressor(random_state=1)),
    ):
        for name, learner in (
            ("S", SLearner(overall_model=make())),
            ("T", TLearner(models=make())),
            ("X", XLearner(models=make())),
        ):
            learner.fit(outcome, treatment, X=x)
            errors[f"{name} {base}"] = error(learner.effect(x), effect)
    for name, learner in (
        ("DR", DRLearner(random_state=1)),
        ("LinearDML", LinearDML(discrete_treatment=True, random_state=1)),
        ("CausalForestDML", CausalForestDML(discrete_treatment=True, random_state=1, n_jobs=1)),
    ):
        learner.fit(outcome, treatment, X=x)
        errors[name] = error(learner.effect(x), effect)
    print(json.dumps(errors))


def error(answer: np.ndarray, effect: np.ndarray) -> float:
    return float(np.sqrt(((np.ravel(answer) - effect) ** 2).mean()))


if __name__ == "__main__":
    main()
