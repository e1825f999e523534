"""Branch and bound between the curves' points: boxes that cover every split, each with a bound.

It gives what a stranger can check: a tree that splits the ranges of channels, with multipliers at
its leaves. No more channels mix points than limits bind, so the tree is shallow.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.jobs.allocation.pieces import Multipliers, Pieces
from pipelines.jobs.allocation.problem import Floats, Ints
from pipelines.jobs.allocation.relaxation import Relaxation, Relaxed

GAP = 1e-5
"""Of the objective: a bound this near to it is not improved."""
_MOST_BOXES = 400
_MOST_PERCENTILE_BOXES = 60
_MOST_PERCENTILE_POINTS = 1_000_000
"""Of draws in all boxes: each is looked at, here and by who checks it."""
_MOST_WITHOUT_SPLIT = 40

Offer = Callable[[Floats], float]
"""Spend by channel, in money, to the best objective so far."""


@dataclass
class Box:
    """Points between which each channel's spend is; split at a channel's point, or a leaf."""

    low: Ints
    high: Ints
    bound: float
    multipliers: Multipliers
    relaxed: Relaxed | None = None
    split: tuple[int, int, Box, Box] | None = None


def prove(relaxation: Relaxation, objective: float, offer: Offer) -> Box:
    """The root of a tree whose leaves bound the objective as nearly as some hundred boxes can.

    Args:
        objective: the best so far; minus infinity where there is no split yet.
    """
    pieces = relaxation.pieces
    percentile = pieces.problem.goal.risk == "p10"
    most = _MOST_BOXES
    if percentile:
        most = min(_MOST_PERCENTILE_BOXES, _MOST_PERCENTILE_POINTS // pieces.outcome.size + 2)
    root = Box(pieces.first, pieces.last, np.inf, _free(pieces))
    boxes, order = 1, 0
    heap = [(-root.bound, order, root)]
    while heap and boxes < most:
        _, _, box = heapq.heappop(heap)
        if near(box.bound, objective) or (objective == -np.inf and boxes > _MOST_WITHOUT_SPLIT):
            break
        if box.relaxed is None:
            relaxed = _tighten(relaxation, box)
            if not relaxed.broken and not percentile:
                objective = max(objective, offer(_spend(pieces, relaxed.mix)))
        elif place := _widest(pieces, box) if percentile else _mixed(pieces, box, box.relaxed):
            box.split = _halves(pieces, box, *place)
            boxes += 1
            for half in box.split[2:]:
                order += 1
                heapq.heappush(heap, (-half.bound, order, half))
            continue
        elif box.relaxed.settled:
            continue
        else:  # its relaxation lacks cuts yet
            box.relaxed = None
            boxes += 1
        order += 1
        heapq.heappush(heap, (-box.bound, order, box))
    return root


def highest(box: Box) -> float:
    """The bound that a tree proves."""
    return box.bound if box.split is None else max(highest(half) for half in box.split[2:])


def near(bound: float, objective: float) -> bool:
    """Whether nothing is left to prove."""
    if not np.isfinite([bound, objective]).all():
        return False
    return bound - objective <= GAP * max(abs(bound), abs(objective))


def _free(pieces: Pieces) -> Multipliers:
    """Limits and targets cost nothing."""
    equal = np.full(pieces.draws, 1 / pieces.draws)
    targets = len(pieces.targets)
    return Multipliers(
        equal, np.zeros(len(pieces.limits)), np.zeros(targets), np.tile(equal, (targets, 1))
    )


def _tighten(relaxation: Relaxation, box: Box) -> Relaxed:
    """Give a box the bound of its own relaxation, if that is lower."""
    box.relaxed = relaxation.solve(box.low, box.high)
    bound = relaxation.pieces.bound(box.relaxed.multipliers, box.low, box.high)
    if bound < box.bound:
        box.bound, box.multipliers = bound, box.relaxed.multipliers
    return box.relaxed


def _halves(pieces: Pieces, box: Box, channel: int, point: int) -> tuple[int, int, Box, Box]:
    """Both halves begin with the whole's multipliers, which often suffice."""
    high, low = box.high.copy(), box.low.copy()
    high[channel] = low[channel] = point
    below = pieces.bound(box.multipliers, box.low, high)
    above = pieces.bound(box.multipliers, low, box.high)
    return (
        channel,
        point,
        Box(box.low, high, below, box.multipliers),
        Box(low, box.high, above, box.multipliers),
    )


def _mixed(pieces: Pieces, box: Box, relaxed: Relaxed) -> tuple[int, int] | None:
    """Where the mix of a channel's points promises the most beyond its curve.

    What it promises is worth and what it saves of limits and targets, at their multipliers.
    """
    m = relaxed.multipliers
    reduced = pieces.worth(m.worth) - m.limits @ pieces.limit_rows()[0]
    for i, target in enumerate(pieces.targets):
        reduced = reduced - m.targets[i] * pieces.excess(target, m.target_worth[i])
    spend = _spend(pieces, relaxed.mix)
    best, place = 0.0, None
    for i, (a, b) in enumerate(zip(box.low, box.high, strict=True)):
        shown = slice(a, b + 1)
        used = np.flatnonzero(relaxed.mix[shown] > 1e-7)
        if used[-1] - used[0] < 2:
            continue  # a mix of neighbours is on the curve
        promised = float(relaxed.mix[shown] @ reduced[shown])
        real = float(np.interp(spend[i], pieces.spend[shown], reduced[shown]))
        # draws may promise more than their weighted mean shows
        gain = max(promised - real, 1e-12 * pieces.scale)
        if gain > best:
            inner = np.arange(a + used[0] + 1, a + used[-1])
            best, place = gain, (i, int(inner[np.abs(pieces.spend[inner] - spend[i]).argmin()]))
    return place


def _widest(pieces: Pieces, box: Box) -> tuple[int, int] | None:
    """The middle of the channel whose mean objective varies the most in the box."""
    mean = pieces.worth(np.full(pieces.draws, 1 / pieces.draws))
    widths = [
        float(np.ptp(mean[a : b + 1])) if b - a >= 2 else -1.0
        for a, b in zip(box.low, box.high, strict=True)
    ]
    channel = int(np.argmax(widths))
    if widths[channel] < 0:
        return None
    return channel, int(box.low[channel] + box.high[channel]) // 2


def _spend(pieces: Pieces, mix: Floats) -> Floats:
    return np.add.reduceat(mix * pieces.spend, pieces.first)
