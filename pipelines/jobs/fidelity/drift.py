"""Whether a daily series that a job reads still behaves as it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from scipy.stats import ks_2samp

RECENT, BEFORE = 14, 84
"""Days that are compared, and the days before them that they are compared with."""
LEAST = 0.75
"""Share of the days that a comparison needs."""
VANISHED = 0.1
"""Of its median before: what is left of a series that vanished."""

Kind = Literal["input_drift", "input_vanished", "channel_moved"]


@dataclass(frozen=True)
class Drift:
    """A series that moved.

    Args:
        ks: Kolmogorov–Smirnov distance of the recent days' values from those before.
        before, recent: medians.
    """

    series: str
    kind: Kind
    ks: float
    before: float
    recent: float

    @property
    def change(self) -> float:
        return self.recent / self.before - 1

    def __str__(self) -> str:
        return (
            f"{self.series} had a median of {self.before:.4g} a day in the {BEFORE} days before, "
            f"and of {self.recent:.4g} in the last {RECENT} ({self.change:+.0%})"
        )


def drifts(
    series: Mapping[str, Mapping[date, float]], last: date, min_ks: float, min_change: float
) -> list[Drift]:
    """The series that moved, by name.

    Args:
        series: name → day → value. A day that isn't there isn't known, and isn't 0.
        last: last of the recent days.
        min_ks: least distance of the two distributions. By chance alone, 0.56 happens once in a
            thousand.
        min_change: least change of the median, as a share.
    """
    moved = []
    for name in sorted(series):
        recent = _values(series[name], last, RECENT)
        before = _values(series[name], last - timedelta(days=RECENT), BEFORE)
        if len(recent) < LEAST * RECENT or len(before) < LEAST * BEFORE:
            continue
        middle, usual = float(np.median(recent)), float(np.median(before))
        if usual <= 0:
            continue
        distance = float(ks_2samp(recent, before, method="asymp").statistic)
        if distance < min_ks or abs(middle / usual - 1) < min_change:
            continue
        kind: Kind = "input_vanished" if middle <= VANISHED * usual else "input_drift"
        moved.append(Drift(name, kind, distance, usual, middle))
    return moved


def _values(series: Mapping[date, float], last: date, days: int) -> Sequence[float]:
    window = (last - timedelta(days=i) for i in range(days))
    return [series[day] for day in window if day in series]
