"""Whole amounts from the solver's shares, with every limit on spend kept to the unit."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from pipelines.jobs.allocation.pieces import Pieces
from pipelines.jobs.allocation.problem import Floats

_NEAR = 1e-7
"""Of the budget: the solver's tolerance. What is nearer to a point than this is the point."""
_REACH = 4
"""How many such distances each channel may move to keep the limits."""
_KEEP = 100.0
"""Channels at a point, mostly a bound, move only if no other can."""


def whole(pieces: Pieces, spend: Floats) -> Mapping[str, int] | None:
    """The split near this one, in money by channel, that keeps all limits; None if there is none.

    The channels' moves are whole numbers that a small integer program finds: limits may overlap.
    """
    channels = pieces.problem.channels
    near = pieces.money * _NEAR
    rounded, at_point = [], []
    for i, value in enumerate(spend):
        points = pieces.spend[pieces.first[i] : pieces.last[i] + 1]
        closest = int(points[np.abs(points - value).argmin()])
        at_point.append(abs(closest - value) <= near)
        inside = min(max(round(float(value)), int(points[0])), int(points[-1]))
        rounded.append(closest if at_point[-1] else inside)
    split = dict(zip(channels, rounded, strict=True))
    if any(limit.slack(split) < 0 for limit in pieces.limits):
        moves = _moves(pieces, split, at_point, math.ceil(_REACH * near) + len(channels))
        if moves is None:
            return None
        split = {name: split[name] + move for name, move in zip(channels, moves, strict=True)}
    return None if any(limit.slack(split) < 0 for limit in pieces.limits) else split


def _moves(
    pieces: Pieces, split: Mapping[str, int], at_point: list[bool], reach: int
) -> list[int] | None:
    """Columns: units up by channel, units down by channel."""
    channels = pieces.problem.channels
    up = [
        min(reach, int(pieces.spend[b]) - split[c])
        for c, b in zip(channels, pieces.last, strict=True)
    ]
    down = [
        min(reach, split[c] - int(pieces.spend[a]))
        for c, a in zip(channels, pieces.first, strict=True)
    ]
    rows, most = [], []
    for limit in pieces.limits:
        if (slack := limit.slack(split)) < reach * len(limit.channels):
            sign = 1 if limit.sense == "<=" else -1
            row = np.array([sign if c in limit.channels else 0 for c in channels])
            rows.append(np.concatenate([row, -row]))
            most.append(slack)
    cost = np.where(at_point, _KEEP, 1.0)
    result = milp(
        np.concatenate([cost, cost]),
        integrality=np.ones(2 * len(channels)),
        bounds=Bounds(0, np.array(up + down, dtype=np.float64)),
        constraints=LinearConstraint(np.array(rows), -np.inf, np.array(most, dtype=np.float64)),
        options={"presolve": False},
    )
    if result.status != 0:
        return None
    steps = np.rint(result.x).astype(int)
    return [int(v) for v in steps[: len(channels)] - steps[len(channels) :]]
