"""What every media mix engine gives back, so that their answers can be compared and combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from pipelines.jobs.mmm.experiments import Experiment
from pipelines.jobs.mmm.panel import Floats, Panel


class Fitted(Protocol):
    """A fitted engine: draws of what media bring, under its own model.

    Draws are of a posterior, or of what stands for one (resampled or accepted models). Draw k is
    one and the same state of the world in every answer, so answers may be added over channels.
    """

    @property
    def panel(self) -> Panel:
        """What it was fitted to."""

    @property
    def checks(self) -> Mapping[str, float]:
        """What says whether to believe the draws, by name: ``max_rhat``, ``min_ess``, … as far as
        the engine has them."""

    def brought(self, channel: int, spend: Floats) -> Floats:
        """What a channel brings in each week of a path of spend, in the outcome's unit.

        Args:
            spend: in money, [geo, week], from the panel's first week; it may go on beyond its last.

        Returns:
            [draw, geo, week].
        """

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        """What a channel brings in the last weeks of several paths of spend, all geos together.

        Args:
            paths: as ``spend``, [path, geo, week].

        Returns:
            [draw, path].
        """

    def expected(self, later: Panel) -> Floats:
        """The outcome to expect in a panel that begins with the fitted one and goes on, [draw, geo,
        week]; in the weeks after the fitted ones from spend and controls alone."""


class Engine(Protocol):
    """Fits a panel: the same arguments give the same draws on the same kind of processor."""

    def __call__(
        self, panel: Panel, seed: int, experiments: Sequence[Experiment] = ()
    ) -> Fitted: ...


def contributions(fitted: Fitted) -> Floats:
    """What each channel brought, [draw, geo, week, channel]."""
    spend = fitted.panel.spend
    return np.stack([fitted.brought(i, spend[:, :, i]) for i in range(spend.shape[2])], axis=3)
