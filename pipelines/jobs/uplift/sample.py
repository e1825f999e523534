"""What every uplift statistic is computed from: units in two arms, an outcome, covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

CONTROL, TREATED = "control", "treated"
"""Arms are strings: libraries take an arm called 0 for the control, whatever the caller meant."""

MAX_LEVELS = 20
"""Levels of a category that get a column of their own; rarer ones share one."""


@dataclass(frozen=True)
class Sample:
    """Units of one comparison, a row each.

    Args:
        frame: covariates known before the treatment, numbers or texts, by name.
        treated: whether the unit was in the arm.
        outcome: after the treatment; 0/1 or any finite number.
    """

    frame: pd.DataFrame
    treated: Bools
    outcome: Floats

    @property
    def size(self) -> int:
        return len(self.outcome)

    @property
    def arms(self) -> npt.NDArray[np.str_]:
        return np.where(self.treated, TREATED, CONTROL)

    @property
    def is_binary(self) -> bool:
        """Whether the outcome is 0 or 1 for every unit."""
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())

    def take(self, rows: Ints | Bools) -> Sample:
        """Those units alone."""
        frame = self.frame.loc[rows] if rows.dtype == bool else self.frame.iloc[rows]
        return Sample(frame.reset_index(drop=True), self.treated[rows], self.outcome[rows])


class Encoder:
    """Turns covariates into numbers by what one sample has, so that others get the same columns.

    A text becomes a column a level; a number stays one, with its median and a marker where it is
    missing.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._levels: dict[str, list[str]] = {}
        self._medians: dict[str, tuple[float, bool]] = {}
        for name in frame.columns:
            column = frame[name]
            if is_number(column):
                median = column.median()
                filled = float(median) if np.isfinite(median) else 0.0
                self._medians[name] = (filled, bool(column.isna().any()))
            else:
                counts = _texts(column).value_counts()
                ranked = sorted(counts.index, key=lambda level: (-counts[level], level))
                self._levels[name] = ranked[:MAX_LEVELS]

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """[unit, column]."""
        columns: list[Floats] = []
        for name in frame.columns:
            if name in self._medians:
                filled, marked = self._medians[name]
                values = frame[name].to_numpy(dtype=float)
                columns.append(np.where(np.isnan(values), filled, values))
                if marked:
                    columns.append(np.isnan(values).astype(float))
            else:
                texts = _texts(frame[name]).to_numpy()
                columns += [(texts == level).astype(float) for level in self._levels[name]]
        return np.column_stack(columns) if columns else np.zeros((len(frame), 1))


def is_number(column: pd.Series) -> bool:
    """Whether a covariate is a number rather than a text."""
    return pd.api.types.is_numeric_dtype(column)


def _texts(column: pd.Series) -> pd.Series:
    return column.fillna("").astype(str)


def folds_of(sample: Sample, count: int, seed: int) -> Ints:
    """The fold of each unit, drawn within each arm and among those with and without an outcome, so
    that a rare conversion is spread over all of them."""
    rng = np.random.default_rng([seed, 11])
    drawn = np.empty(sample.size, dtype=np.int64)
    positive = sample.outcome > np.median(sample.outcome) if not sample.is_binary else None
    kind = sample.outcome > 0.5 if positive is None else positive
    for arm in (False, True):
        for outcome in (False, True):
            (rows,) = np.nonzero((sample.treated == arm) & (kind == outcome))
            drawn[rng.permutation(rows)] = np.arange(len(rows)) % count
    return drawn


def halves_of(units: Sequence[str]) -> Bools:
    """Which half each unit is in, by a hash of its id: it stays there from week to week."""
    hashed = pd.util.hash_array(np.asarray(units, dtype=object), hash_key="uplift-halves-01")
    return np.asarray(hashed % np.uint64(2) == 0)
