"""What experiments say of the heights of channels: given its shape, an experiment on a channel is a
measurement of its height.

Whatever spend follows, an experiment isn't misled by it. What comes after the days counted is in
the shape, so that here an error isn't widened for it (:mod:`pipelines.jobs.mmm.experiments`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.jobs.mmm.ensemble.shapes import Responses
from pipelines.jobs.mmm.experiments import Placed, trust
from pipelines.jobs.mmm.panel import Floats, Panel


@dataclass(frozen=True)
class Measured:
    """Of heights as shares of the mean outcome, [channel, shape].

    Args:
        channels: that experiments are on, ascending.
        precision: how well experiments know a height; 0 where there are none.
        pull: precision times the height that they say.
    """

    channels: tuple[int, ...]
    precision: Floats
    pull: Floats


def measured(
    by_channel: Sequence[Responses], placed: Sequence[Placed], panel: Panel, unit: float
) -> Measured:
    """Experiments beside the panel, taken as independent.

    Args:
        unit: the mean outcome.
    """
    size = (len(by_channel), len(by_channel[0].features))
    precision, pull = np.zeros(size), np.zeros(size)
    for one in placed:
        sd = trust(one, panel, captured=1.0).widened(one.experiment.se) / unit
        curves = by_channel[one.channel].curves(one.paths, np.arange(size[1]), one.weeks)
        brought = np.array([curve.sum(axis=(1, 2)) for curve in curves])
        lift = one.scale * (brought[:, 1] - brought[:, 0])
        precision[one.channel] += (lift / sd) ** 2
        pull[one.channel] += lift * one.experiment.effect / unit / sd**2
    return Measured(tuple(sorted({one.channel for one in placed})), precision, pull)
