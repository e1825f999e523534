"""A panel in units of its own means, and what the outcome would be without media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from pipelines.jobs.mmm.panel import Floats, Panel

YEAR_WEEKS = 365.25 / 7
_HARMONICS = 2
# Standard deviations, in mean outcomes: the library's Normal(0, 1) for trend (a week!), season and
# controls expects more of each than all sales.
_LEVEL, _TREND, _SEASON, _CONTROL = 0.3, 0.4, 0.2, 0.2


@dataclass(frozen=True)
class Scaled:
    """Units in which every panel looks alike, and the columns of the baseline.

    The baseline is the library's: level and trend of each geo, a yearly season of two harmonics,
    and controls. It is linear and its priors are normal, so it is integrated out: with columns Z in
    units of their prior deviations, the outcome's covariance around media is σ²·I + Z·Zᵀ, which
    the singular values of Z turn into a diagonal.

    Args:
        sizes: a geo's mean outcome, [geo].
        units: what 1 is in scaled spend, in money of all geos together, [channel].
        shares: of spend, [channel].
        centres, spreads: of the controls, [control].
        weeks: how many, that it was made of.
    """

    level_mean: ClassVar[float] = 0.6
    sizes: Floats
    units: Floats
    shares: Floats
    centres: Floats
    spreads: Floats
    weeks: int

    @classmethod
    def of(cls, panel: Panel) -> Self:
        """Units of a panel. A geo without outcome counts as tiny."""
        sizes = np.maximum(panel.outcome.mean(axis=1), 1e-9 * panel.outcome.mean() + 1e-12)
        by_size = panel.spend / (sizes / sizes.sum())[:, None, None]
        spent = panel.spend.sum(axis=(0, 1))
        # until(…) may leave a channel without spend so far
        units = by_size.sum(axis=(0, 1)) / np.maximum((by_size > 0).sum(axis=(0, 1)), 1)
        controls = panel.controls.reshape(panel.outcome.size, -1)
        spreads = controls.std(axis=0)
        return cls(
            sizes,
            np.where(units > 0, units, 1.0),
            spent / spent.sum() if spent.sum() > 0 else np.full(len(spent), 1 / len(spent)),
            controls.mean(axis=0),
            np.where(spreads > 0, spreads, np.inf),
            panel.outcome.shape[1],
        )

    def spend(self, channel: int, spend: Floats) -> Floats:
        """Of money, [geo, week]."""
        return spend / (self.sizes / self.sizes.sum())[:, None] / self.units[channel]

    def columns(self, panel: Panel) -> Floats:
        """Of the baseline, in units of their prior deviations, [geo, week, column]."""
        geos, weeks, _ = panel.controls.shape
        time = np.arange(weeks)
        own = np.eye(geos)[:, None, :]
        trend = (time / self.weeks - 0.5)[:, None]
        turns = 2 * np.pi * np.arange(1, _HARMONICS + 1) * time[:, None] / YEAR_WEEKS
        season = np.concatenate([np.sin(turns), np.cos(turns)], axis=1)
        parts = (
            np.broadcast_to(own * _LEVEL, (geos, weeks, geos)),
            own * trend * _TREND,
            np.broadcast_to(season * _SEASON, (geos, weeks, 2 * _HARMONICS)),
            (panel.controls - self.centres) / self.spreads * _CONTROL,
        )
        return np.concatenate(parts, axis=2)

    def outcome(self, panel: Panel) -> Floats:
        """What is to be explained, less the baseline's prior mean, [geo, week]."""
        return panel.outcome / self.sizes[:, None] - self.level_mean

    def money(self, scaled: Floats) -> Floats:
        """Back in the outcome's unit: of a baseline, [draw, geo, week], around its prior mean."""
        return (scaled + self.level_mean) * self.sizes[:, None]
