"""What a media mix model is fitted to: weeks of an outcome, spend by channel, and controls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Consecutive weeks, of one or several geos.

    Args:
        starts: the first day of each week, ascending and seven days apart.
        geos: their names; one for national data.
        channels: their names; each has spend in some week.
        spend: in money, from 0, [geo, week, channel].
        outcome: what the spend is to explain (orders, revenue), [geo, week].
        controls: what else explains it, [geo, week, control].
        control_names: of the last axis of ``controls``.
    """

    starts: tuple[date, ...]
    geos: tuple[str, ...]
    channels: tuple[str, ...]
    spend: Floats
    outcome: Floats
    controls: Floats
    control_names: tuple[str, ...] = ()

    def until(self, weeks: int) -> Panel:
        """The first ``weeks`` of it."""
        return Panel(
            self.starts[:weeks],
            self.geos,
            self.channels,
            self.spend[:, :weeks],
            self.outcome[:, :weeks],
            self.controls[:, :weeks],
            self.control_names,
        )
