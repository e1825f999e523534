"""The budget-neutral split of weekly spend that brings the most orders under the caps.

It maximises the posterior mean of steady-state orders: the expected number of orders, the right
objective for someone who cares about orders and not about their spread. (The curves' medians don't
add up over channels; means do.) Hill curves are S-shaped, so a local optimiser can stop at a hill
that isn't the highest. The curves are therefore made piecewise linear, and HiGHS solves the split
as a mixed integer program, with proof of the optimum (``scipy.optimize.milp``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

from pipelines.config import AllocationCaps
from pipelines.errors import IntegrityError

Floats = npt.NDArray[np.float64]
Response = Callable[[int, Floats], Floats]
Binding = Literal["LOWER", "UPPER", "NONE"]

SEGMENTS = 20


@dataclass(frozen=True)
class Box:
    """The bounds of a channel's weekly spend, in micros."""

    lower: int
    upper: int

    def binding(self, micros: int) -> Binding:
        if self.lower == self.upper:
            return "NONE"
        return "LOWER" if micros == self.lower else "UPPER" if micros == self.upper else "NONE"


def boxes(current_micros: Sequence[int], caps: AllocationCaps) -> list[Box]:
    """Bounds of each channel.

    A channel moves by at most ``max_change_percent`` of its present spend. It is never cut below
    the floor (a share of the whole budget) nor, if it is below it already, cut at all. The
    exploration reserve keeps its share of every channel's present spend out of the optimiser's
    hands, so that every channel stays measurable.
    """
    floor = caps.floor(sum(current_micros))
    limits = []
    for current in current_micros:
        least, most = caps.change_bounds(current)
        lower = max(least, caps.reserve(current), min(current, floor))
        limits.append(Box(min(current, math.ceil(lower)), max(current, math.floor(most))))
    return limits


def allocate(current_micros: Sequence[int], limits: Sequence[Box], response: Response) -> list[int]:
    """Weekly spend of each channel in the best split; the total is the same to the micro.

    Args:
        response: (channel, weekly spends in micros) → expected weekly orders.

    Raises:
        IntegrityError: the solver didn't prove an optimum.
    """
    budget = sum(current_micros)
    if budget == 0 or len(limits) < 2:
        return list(current_micros)
    knots = [np.linspace(box.lower, box.upper, SEGMENTS + 1) for box in limits]
    orders = [response(i, k) for i, k in enumerate(knots)]
    steps = _solve(
        np.array([np.diff(k) for k in knots]) / budget,
        np.array([k[:-1] for k in knots]) / budget,
        np.array([o[:-1] for o in orders]),
        np.array([np.diff(o) for o in orders]),
    )
    return _whole(steps * budget, limits, budget)


def _solve(widths: Floats, starts: Floats, levels: Floats, rises: Floats) -> Floats:
    """Shares of the budget that maximise piecewise linear orders; all arrays [channel, segment].

    Multiple-choice formulation: a binary picks one segment per channel, a number in [0, 1] says
    how far along it. Variables: binaries, then positions.
    """
    channels, segments = widths.shape
    size = channels * segments
    scale = max(float(np.abs(levels).max()), 1e-9)
    objective = -np.concatenate([levels.ravel(), rises.ravel()]) / scale
    one_segment = np.zeros((channels, 2 * size))
    for channel in range(channels):
        one_segment[channel, channel * segments : (channel + 1) * segments] = 1
    along_chosen = np.hstack([-np.eye(size), np.eye(size)])
    spent = np.concatenate([starts.ravel(), widths.ravel()])[None, :]
    result = milp(
        objective,
        integrality=np.concatenate([np.ones(size), np.zeros(size)]),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(one_segment, 1, 1),
            LinearConstraint(along_chosen, -np.inf, 0),
            LinearConstraint(spent, 1, 1),
        ],
        options={"mip_rel_gap": 0.0},
    )
    if result.status != 0:
        raise IntegrityError(
            f"The optimiser found no best split of the budget: {result.message}",
            kept="nothing was written.",
            fix="Check the caps under `guardrails` in adcanary.yaml.",
        )
    chosen = np.rint(result.x[:size])
    share = chosen * starts.ravel() + result.x[size:] * widths.ravel() * chosen
    shares: Floats = share.reshape(channels, segments).sum(axis=1)
    return shares


def _whole(micros: Floats, limits: Sequence[Box], budget: int) -> list[int]:
    """Whole micros within the boxes that sum to the budget; a value near a bound moves onto it."""
    near = budget * 1e-6
    whole = []
    for value, box in zip(micros, limits, strict=True):
        snapped = round(float(value))
        if value - box.lower < near:
            snapped = box.lower
        elif box.upper - value < near:
            snapped = box.upper
        whole.append(snapped)
    left = budget - sum(whole)
    # channels between their bounds take the remainder first, so that a bound stays exact
    inside_first = sorted(
        range(len(whole)), key=lambda i: whole[i] in (limits[i].lower, limits[i].upper)
    )
    for i in inside_first:
        moved = min(max(whole[i] + left, limits[i].lower), limits[i].upper)
        left -= moved - whole[i]
        whole[i] = moved
    return whole
