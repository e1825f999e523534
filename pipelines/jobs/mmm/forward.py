"""The weeks to come: spend, carry-over of the history, and the level to expect."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.panel import Floats, Panel
from pipelines.jobs.mmm.weeks import CURRENT_WEEKS

STEADY_WEEKS = 60
"""Weeks of constant spend after which nothing more carries over: more than any adstock's."""


def geo_shares(panel: Panel, channel: int) -> Floats:
    """How a channel's spend is split over geos: as in the last weeks with spend, [geo]."""
    recent = panel.spend[:, -CURRENT_WEEKS:, channel].sum(axis=1)
    spent = recent if recent.sum() else panel.spend[:, :, channel].sum(axis=1)
    shares: Floats = spent / spent.sum()
    return shares


def steady(fitted: Fitted, channel: int, spends: Floats) -> Floats:
    """What a channel brings a week at constant weekly spends of all geos, [draw, spend]."""
    shares = geo_shares(fitted.panel, channel)
    paths = spends[:, None, None] * shares[None, :, None] * np.ones((1, 1, STEADY_WEEKS))
    return fitted.totals(channel, paths, 1)


def following(fitted: Fitted, channel: int, spends: Floats, weeks: int) -> Floats:
    """What it brings a week, on average over the next weeks at constant spends, [draw, spend].

    What the history's spend still brings in these weeks is part of it.
    """
    panel = fitted.panel
    history = np.repeat(panel.spend[None, :, :, channel], len(spends), axis=0)
    later = spends[:, None, None] * geo_shares(panel, channel)[None, :, None]
    paths = np.concatenate([history, np.repeat(later, weeks, axis=2)], axis=2)
    totals: Floats = fitted.totals(channel, paths, weeks) / weeks
    return totals


def ahead(panel: Panel, spends: Floats, controls: Floats, weeks: int) -> Panel:
    """The panel with further weeks, whose outcome is not known (NaN).

    Args:
        spends: weekly, of all geos together, [channel].
        controls: of the weeks to come, [geo, week, control]; at least so many.
    """
    split = np.array([geo_shares(panel, i) * s for i, s in enumerate(spends)]).T
    later = np.repeat(split[:, None, :], weeks, axis=1)
    unknown = np.full((len(panel.geos), weeks), np.nan)
    last = panel.starts[-1]
    return replace(
        panel,
        starts=panel.starts + tuple(last + timedelta(weeks=i + 1) for i in range(weeks)),
        spend=np.concatenate([panel.spend, later], axis=1),
        outcome=np.concatenate([panel.outcome, unknown], axis=1),
        controls=np.concatenate([panel.controls, controls[:, :weeks]], axis=1),
    )
