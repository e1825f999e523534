"""How far what came is from what was predicted."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kstest, norm

Floats = npt.NDArray[np.float64]

_TAIL = float(norm.ppf(0.9))
_CORRECTIONS = 11
"""An odd number, so that none is among them: a prediction without width is right as it is."""


@dataclass(frozen=True)
class Prediction:
    """What was predicted of one quantity, as percentiles, and what came; all in one unit.

    Args:
        of: what came, where it was predicted more than once: these are right or wrong together.
    """

    p10: float
    p50: float
    p90: float
    actual: float
    of: Hashable = None


@dataclass(frozen=True)
class Fidelity:
    """Scores of predictions.

    Args:
        count: predictions scored.
        independent: how many things they are of.
        mape: mean absolute percentage error of the medians, of what came where that isn't 0.
        bias: sum of the medians over the sum of what came, less 1.
        ks: largest distance of the probability integral transforms' distribution from the uniform
            one, which they have where the predicted distributions are right (Dawid 1984; Diebold,
            Gunther and Tay 1998): large where predictions are biased, too narrow or too wide. The
            least that a correction of all of them by at most the bias allowed leaves.
        coverage_80: share of what came within its predicted 10th and 90th percentile.
    """

    count: int
    independent: int
    mape: float | None
    bias: float | None
    ks: float
    coverage_80: float


def score(predictions: Sequence[Prediction], max_bias: float = 0.0) -> Fidelity:
    """Score at least one prediction.

    Args:
        max_bias: a bias of at most so much, as a share, isn't held against their distributions.
    """
    low, median, high, actual = np.array(
        [(p.p10, p.p50, p.p90, p.actual) for p in predictions], dtype=float
    ).T
    occurred = actual != 0
    error = np.abs(median - actual)[occurred] / np.abs(actual[occurred])
    total = float(actual.sum())
    return Fidelity(
        count=len(predictions),
        independent=len({i if p.of is None else p.of for i, p in enumerate(predictions)}),
        mape=float(error.mean()) if occurred.any() else None,
        bias=float(median.sum()) / total - 1 if total else None,
        ks=min(
            float(kstest(transforms(low * by, median * by, high * by, actual), "uniform").statistic)
            for by in 1 + np.linspace(-max_bias, max_bias, _CORRECTIONS if max_bias else 1)
        ),
        coverage_80=float(((low <= actual) & (actual <= high)).mean()),
    )


def transforms(low: Floats, median: Floats, high: Floats, actual: Floats) -> Floats:
    """Probability, by the prediction, of at most what came: 0 to 1.

    Between and beyond the percentiles each half is a normal one, of its own width. A half without
    width says that nothing else was possible.
    """
    width = np.where(actual < median, median - low, high - median) / _TAIL
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (actual - median) / width
    probability: Floats = norm.cdf(np.where(actual == median, 0.0, z))
    return probability
