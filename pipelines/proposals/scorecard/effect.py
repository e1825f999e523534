"""What a change of one campaign brought, against campaigns that weren't touched.

Synthetic control with an intercept, in relative terms: every series is divided by its mean before
the change, and the campaign is compared with the weighted mean of its controls. The weights are of
synthetic difference-in-differences (Arkhangelsky, Athey, Hirshberg, Imbens and Wager 2021, their
eq. 4): non-negative, adding up to 1, with a ridge that spreads them. The interval is by placebo in
space (Abadie, Diamond and Hainmueller 2010; Arkhangelsky et al., algorithm 4): each control in turn
is taken for the campaign, and its effect, which is none, tells how far an estimate lies off. It is
told in units of the series' own noise before the change, as small campaigns are noisier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls
from scipy.stats import t as student

Floats = npt.NDArray[np.float64]

LEVEL = 0.90
POWER = 0.80
LEAST_CONTROLS = 5
WEEK = 7
_SUMS_TO_ONE = 1e3
"""Weight of the row of the least squares that makes the weights add up to 1."""


@dataclass(frozen=True)
class Realised:
    """The effect of a week, in the unit of the series.

    Args:
        low, high: 90% interval.
        error: standard error.
        detectable: least effect that such an interval would tell from 0 in 80% of the times; known
            from the days before the change and from the controls alone.
    """

    value: float
    low: float
    high: float
    error: float
    detectable: float
    controls: int

    def scaled(self, factor: float) -> Realised:
        """The same in another unit, of which one is ``factor``, more than 0."""
        return Realised(
            value=self.value * factor,
            low=self.low * factor,
            high=self.high * factor,
            error=self.error * factor,
            detectable=self.detectable * factor,
            controls=self.controls,
        )


def realised(series: Floats, controls: Mapping[str, Floats], before: int) -> Realised | None:
    """The effect of a change after day ``before``; None if it can't be told from these controls.

    Args:
        series: of the campaign, by day; days that aren't known are NaN in all series.
        controls: series of the same days of campaigns that weren't touched.
        before: days before the change.
    """
    usable = [c for _, c in sorted(controls.items()) if _usable(c, before)]
    if len(usable) < LEAST_CONTROLS or not _usable(series, before):
        return None
    scaled = np.array([c / np.nanmean(c[:before]) for c in usable]).T
    level = float(np.nanmean(series[:before]))
    effect, noise = _difference(series / level, scaled, before)
    misses = []
    for i in range(len(usable)):
        miss, own = _difference(scaled[:, i], np.delete(scaled, i, axis=1), before)
        if own > 0:
            misses.append(miss / own)
    if len(misses) < LEAST_CONTROLS or noise <= 0:
        return None
    # controls have each other in common, so that their misses tell less than as many would; and
    # what they miss by is never less than the chance of days alone
    freedom = len(misses) - 1
    error = noise * max(float(np.sqrt(np.mean(np.square(misses)))), 1.0)
    reach = float(student.ppf((1 + LEVEL) / 2, freedom))
    seen = float(student.ppf(POWER, freedom))
    a_week = level * WEEK
    return Realised(
        value=effect * a_week,
        low=(effect - reach * error) * a_week,
        high=(effect + reach * error) * a_week,
        error=error * a_week,
        detectable=(reach + seen) * error * a_week,
        controls=len(usable),
    )


def _usable(series: Floats, before: int) -> bool:
    """Whether there is something of it before the change, and not the same every day."""
    first = series[:before]
    known = first[~np.isnan(first)]
    return bool(known.size >= WEEK and known.mean() > 0 and known.std() > 0)


def _difference(series: Floats, controls: Floats, before: int) -> tuple[float, float]:
    """How much more a series changed than its weighted controls, and the noise of that."""
    known = ~np.isnan(series) & ~np.isnan(controls).any(axis=1)
    earlier, later = known.copy(), known.copy()
    earlier[before:], later[:before] = False, False
    if earlier.sum() < WEEK or later.sum() < WEEK:
        return float("nan"), 0.0
    weights = _weights(series[earlier], controls[earlier], int(later.sum()))
    gap = series - controls @ weights
    first, last = gap[earlier], gap[later]
    spread = float(first.std(ddof=1)) * float(np.sqrt(1 / first.size + 1 / last.size))
    return float(last.mean() - first.mean()), spread


def _weights(series: Floats, controls: Floats, later: int) -> Floats:
    days, count = controls.shape
    steps = np.diff(controls, axis=0)
    ridge = later**0.25 * float(steps.std())
    centred = controls - controls.mean(axis=0)
    left = np.vstack(
        [
            centred,
            ridge * np.sqrt(days) * np.eye(count),
            np.full((1, count), _SUMS_TO_ONE),
        ]
    )
    right = np.concatenate([series - series.mean(), np.zeros(count), [_SUMS_TO_ONE]])
    weights, _ = nnls(left, right)
    total = weights.sum()
    return weights / total if total else np.full(count, 1 / count)
