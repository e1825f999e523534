"""What has to be known besides the effect: the outcome's mean and the chance of being treated.

Both are predicted for each unit by models that never saw it (cross-fitting), so that the error of
the average effect doesn't depend on how flexible they are (Chernozhukov et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler

from pipelines.jobs.uplift.sample import Floats, Ints

Base = Literal["linear", "boosted", "blend"]

PROPENSITY_FLOOR = 0.01
"""Propensities are kept this far from 0 and 1; whom to leave out is decided in :mod:`.checks`."""

_PENALTIES = np.logspace(-2, 4, 13)
_PROPENSITY_PENALTY = 1.0
"""Inverse strength, of standardised covariates; a stronger one hides arms that don't overlap."""


class Regression(RegressorMixin, BaseEstimator):
    """Ridge regression, boosted trees, or the mean of both, from scikit-learn.

    The mean is the default: ridge is better on few units and smooth effects, trees see
    interactions that nobody named.
    """

    def __init__(self, base: Base = "blend", seed: int = 0) -> None:
        self.base = base
        self.seed = seed

    def fit(self, X: Floats, y: Floats, sample_weight: Floats | None = None) -> Regression:
        self.scaler_ = StandardScaler().fit(X)
        self.models_: list[tuple[Any, bool]] = []
        if self.base != "boosted":
            ridge = RidgeCV(_PENALTIES)
            ridge.fit(self.scaler_.transform(X), y, sample_weight=sample_weight)
            self.models_.append((ridge, True))
        if self.base != "linear":
            trees = HistGradientBoostingRegressor(
                max_iter=60,
                learning_rate=0.06,
                max_depth=3,
                min_samples_leaf=20,
                max_bins=63,
                early_stopping=False,
                random_state=self.seed,
            )
            self.models_.append((trees.fit(X, y, sample_weight=sample_weight), False))
        return self

    def predict(self, X: Floats) -> Floats:
        scaled = self.scaler_.transform(X)
        return np.mean([m.predict(scaled if s else X) for m, s in self.models_], axis=0)


@dataclass(frozen=True)
class Nuisance:
    """By unit, from models that didn't see it.

    Args:
        propensity: chance of being treated, given the covariates.
        outcome: mean outcome given the covariates, whatever the arm.
        fold: which fold the unit is in.
    """

    propensity: Floats
    outcome: Floats
    fold: Ints


def cross_fit(
    x: Floats, treated: Floats, outcome: Floats, fold: Ints, *, base: Base, seed: int
) -> Nuisance:
    """The nuisances of each fold, from models of the others."""
    propensity, mean = np.empty(len(x)), np.empty(len(x))
    for k in range(int(fold.max()) + 1):
        out, rest = fold == k, fold != k
        propensity[out] = propensities(x[rest], treated[rest], x[out])
        mean[out] = Regression(base, seed).fit(x[rest], outcome[rest]).predict(x[out])
    return Nuisance(propensity, mean, fold)


def propensities(x: Floats, treated: Floats, x_new: Floats) -> Floats:
    """The chance of being treated, by a logistic regression on standardised covariates."""
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=_PROPENSITY_PENALTY, max_iter=1_000)
    model.fit(scaler.transform(x), treated)
    chance = model.predict_proba(scaler.transform(x_new))[:, 1]
    return np.clip(chance, PROPENSITY_FLOOR, 1 - PROPENSITY_FLOOR)
