"""The budget-neutral split: what channels spend now, moved between them within boxes.

It maximises the mean of the draws unless another risk is asked for: the right objective for someone
who cares about outcome and not about its spread. (Means add up over channels; medians don't.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from pipelines.jobs.allocation.problem import (
    Curve,
    Floats,
    Goal,
    Limit,
    Problem,
    Sense,
    Target,
    group,
    plainly,
    total,
)
from pipelines.jobs.allocation.solve import Allocation, allocate
from pipelines.policy_settings import AllocationCaps

Response = Callable[[int, Floats], Floats]
Binding = Literal["LOWER", "UPPER", "NONE"]

SEGMENTS = 20
PRESENT = "today's split"


@dataclass(frozen=True)
class Asked:
    """What is asked of a split beside its total and its boxes (see :class:`.problem.Problem`)."""

    limits: tuple[Limit, ...] = ()
    targets: tuple[Target, ...] = ()
    goal: Goal = field(default_factory=Goal)
    written: Callable[[float, Sense], str] = plainly


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


def allocate_neutral(
    channels: Sequence[str], current: Sequence[int], limits: Sequence[Box], response: Response
) -> Allocation:
    """The best split of what is spent now (see :func:`neutral_problem`).

    Raises:
        IntegrityError: the solver didn't prove an optimum.
    """
    return allocate(neutral_problem(channels, current, limits, response))


def neutral_problem(
    channels: Sequence[str],
    current: Sequence[int],
    limits: Sequence[Box],
    response: Response,
    asked: Asked | None = None,
) -> Problem:
    """To split what is spent now so that it brings the most, to the micro the same in total.

    Boxes and total are nobody's to loosen: no remedy of a conflict touches them. Where the risk
    isn't the mean, it is that of the change: outcomes of today's split are known, however unsure
    it is which channel brings them. So a further curve (``PRESENT``, of no spend) takes the draws
    of today's split off, all but their mean. Targets are of channels alone, without it.

    Args:
        response: (channel's position, spends in micros) → outcome, expected or by draw, [spend] or
            [draw, spend]; taken as linear between the ends of ``SEGMENTS`` equal parts of the box.
    """
    asked = asked or Asked()
    curves: list[Curve] = []
    bounds = list(total(channels, sum(current), sum(current)))
    for i, (name, box) in enumerate(zip(channels, limits, strict=True)):
        ends = np.linspace(box.lower, box.upper, SEGMENTS + 1)
        knots = np.unique(np.rint(ends).astype(np.int64))
        curves.append(Curve(name, knots, np.atleast_2d(response(i, knots.astype(np.float64)))))
        bounds += group(f"caps of {name}", (name,), box.lower, box.upper)
    if asked.goal.risk != "mean":
        now = np.sum(
            [
                np.atleast_2d(response(i, np.array([float(spend)])))
                for i, spend in enumerate(current)
            ],
            axis=0,
        )
        curves.append(Curve(PRESENT, np.zeros(1, dtype=np.int64), now.mean() - now))
    held = [replace(bound, fixed=True) for bound in bounds]
    return Problem(tuple(curves), (*held, *asked.limits), asked.targets, asked.goal, asked.written)
