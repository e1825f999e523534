"""Branch and bound: boxes that cover every split, each with a bound on its objective.

It gives what a stranger can check: a tree that splits the ranges of channels at points of their
curves, with multipliers at its leaves. No more channels mix points than limits bind, so the tree is
shallow.

Fewer draws lie below the 10th percentile than its rank. So of as many disjoint groups of draws as
its rank, one group at least has none below it, and the percentile is at most that group's lowest
draw: a box has a part for each group, with the relaxation of CVaR at its lowest. Deeper parts keep
more draws, until fewer are below the bound than its rank.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipelines.jobs.allocation.pieces import Multipliers, Pieces, Tail
from pipelines.jobs.allocation.problem import Floats, Ints
from pipelines.jobs.allocation.relaxation import Relaxation, Relaxed

GAP = 1e-5
"""Of the objective: a bound this near to it is not improved."""
PROGRAMS = 300
"""Linear programs, not seconds, so that a result is the same on every machine."""
_MOST_WITHOUT_SPLIT = 40
_MOST_INFEASIBLE = 60

Offer = Callable[[Floats], float]
"""Spend by channel, in money, to the best objective so far."""


@dataclass(frozen=True)
class Point:
    """A channel's spend is up to a point, or from it on: two parts."""

    channel: int
    point: int


@dataclass(frozen=True)
class Groups:
    """Draws of which the 10th percentile of a sum leaves none out: a part for each group."""

    sum: int
    draws: tuple[Ints, ...]


@dataclass
class Box:
    """Points between which each channel's spend is, and draws that count, for each sum."""

    low: Ints
    high: Ints
    tails: list[Tail]
    bound: float
    multipliers: Multipliers
    relaxed: Relaxed | None = None
    split: Point | Groups | None = None
    parts: list[Box] = field(default_factory=list)


def prove(
    relaxation: Relaxation,
    objective: float,
    offer: Offer,
    enough: float = np.inf,
    programs: int = PROGRAMS,
) -> Box:
    """The root of a tree whose leaves bound the objective as nearly as the programs allow.

    Args:
        objective: the best so far; minus infinity where there is no split yet.
        enough: an objective above this need not be improved.
    """
    pieces = relaxation.pieces
    root = Box(pieces.first, pieces.last, pieces.tails(), np.inf, _free(pieces))
    heap = [(-root.bound, 0, root)]
    most = relaxation.programs + programs
    if pieces.problem.goal.risk == "p10":
        mix = relaxation.solve(root.low, root.high, pieces.lowest()).mix
        objective = max(objective, offer(_spend(pieces, mix)))
        heap = _divide(pieces, root, _groups(pieces, root, 0, mix), 0)
    boxes = order = len(heap)
    while heap and relaxation.programs < most and objective <= enough:
        _, _, box = heapq.heappop(heap)
        if near(box.bound, objective):
            continue
        if objective == -np.inf and boxes > _MOST_WITHOUT_SPLIT:
            break
        if box.relaxed is None:
            relaxed = _tighten(relaxation, box)
            if not relaxed.broken:
                objective = max(objective, offer(_spend(pieces, relaxed.mix)))
        elif split := _split(pieces, box, box.relaxed):
            for entry in _divide(pieces, box, split, order):
                heapq.heappush(heap, entry)
            order += len(box.parts)
            boxes += len(box.parts) - 1
            continue
        elif box.relaxed.settled:
            continue
        else:  # its relaxation lacks cuts yet
            box.relaxed = None
            boxes += 1
        order += 1
        heapq.heappush(heap, (-box.bound, order, box))
    for part in root.parts:
        if np.isinf(part.bound):  # its group had no program of its own
            part.multipliers = replace(_free(pieces), worth=_equal(pieces, part.tails[0].kept))
            part.bound = pieces.bound(part.multipliers, part.low, part.high)
    return root


def infeasible(relaxation: Relaxation) -> bool:
    """Whether even mixes of points must break a limit or a target: then no split holds all."""
    pieces = relaxation.pieces
    boxes = [Box(pieces.first, pieces.last, pieces.tails(), np.inf, _free(pieces))]
    most = relaxation.programs + _MOST_INFEASIBLE
    targets = range(1, len(pieces.sums))
    mix = None
    if pieces.problem.goal.risk == "p10":
        mix = relaxation.solve(pieces.first, pieces.last, pieces.lowest(), wanted=0.0).mix
    while boxes:
        box = boxes.pop()
        relaxed = relaxation.solve(box.low, box.high, box.tails, wanted=0.0)
        if not relaxed.broken:
            _, split = _left_out(pieces, box, relaxed.mix if mix is None else mix, targets)
            if split is None or relaxation.programs > most:
                return False
            _divide(pieces, box, split, 0)
            boxes += box.parts
        mix = None
    return True


def highest(box: Box) -> float:
    """The bound that a tree proves."""
    return max(map(highest, box.parts)) if box.parts else box.bound


def near(bound: float, objective: float) -> bool:
    """Whether nothing is left to prove."""
    if not np.isfinite([bound, objective]).all():
        return False
    return bound - objective <= GAP * max(abs(bound), abs(objective))


def _free(pieces: Pieces) -> Multipliers:
    """Limits and targets cost nothing."""
    equal, targets = _equal(pieces, np.arange(pieces.draws)), len(pieces.targets)
    return Multipliers(
        equal, np.zeros(len(pieces.limits)), np.zeros(targets), np.tile(equal, (targets, 1))
    )


def _equal(pieces: Pieces, draws: Ints) -> Floats:
    """Equal weights of these draws, [draw]."""
    weights = np.zeros(pieces.draws)
    weights[draws] = 1 / len(draws)
    return weights


def _tighten(relaxation: Relaxation, box: Box) -> Relaxed:
    """Give a box the bound of its own relaxation, if that is lower."""
    box.relaxed = relaxation.solve(box.low, box.high, box.tails)
    bound = relaxation.pieces.bound(box.relaxed.multipliers, box.low, box.high)
    if bound < box.bound:
        box.bound, box.multipliers = bound, box.relaxed.multipliers
    return box.relaxed


def _split(pieces: Pieces, box: Box, relaxed: Relaxed) -> Point | Groups | None:
    """What promises the most that no split can bring: mixed points, or draws left out of a sum."""
    gain, point = _mixed(pieces, box, relaxed)
    more, groups = _left_out(pieces, box, relaxed.mix, range(len(pieces.sums)))
    return groups if more > max(gain, 1e-9 * pieces.scale) else point


def _left_out(
    pieces: Pieces, box: Box, mix: Floats, sums: Sequence[int]
) -> tuple[float, Groups | None]:
    """Where the draws kept promise the most beyond the risk level, in the objective's units."""
    best, split, goal = 0.0, None, pieces.problem.goal
    if goal.risk != "p10":
        return best, split
    drawn = pieces.drawn(mix)
    for i in sums:
        level = goal.level(drawn[i])
        if i == 0:
            gain = goal.factor * (drawn[i][box.tails[i].kept].min() - level)
        else:
            target = pieces.targets[i - 1]
            spent = float(mix @ (pieces.members(target.channels) * pieces.spend))
            gain = (spent - goal.cost(target) * level) * pieces.scale / pieces.money
        if gain > best and len(box.tails[i].kept) <= pieces.draws - goal.rank(pieces.draws):
            best, split = gain, _groups(pieces, box, i, mix)
    return best, split


def _groups(pieces: Pieces, box: Box, i: int, mix: Floats) -> Groups:
    """Draws not yet kept, dealt out from the lowest on, so that each group has a low one."""
    outcome = pieces.drawn(mix)[i]
    order = np.argsort(outcome, kind="stable")
    order = order[~np.isin(order, box.tails[i].kept)]
    groups = min(pieces.problem.goal.rank(len(outcome)), len(order))
    return Groups(i, tuple(np.sort(order[g::groups]) for g in range(groups)))


def _divide(
    pieces: Pieces, box: Box, split: Point | Groups, order: int
) -> list[tuple[float, int, Box]]:
    """Entries of the heap for the parts of a box, which begin with its multipliers."""
    parts = []
    if isinstance(split, Point):
        high, low = box.high.copy(), box.low.copy()
        high[split.channel] = low[split.channel] = split.point
        ends = ((box.low, high), (low, box.high))
        for low, high in ends:
            bound = pieces.bound(box.multipliers, low, high)
            parts.append(Box(low, high, box.tails, bound, box.multipliers))
    else:
        for draws in split.draws:
            tails = [
                Tail(np.union1d(tail.kept, draws), 1.0)
                if set(pieces.sums[i]) == set(pieces.sums[split.sum])
                else tail
                for i, tail in enumerate(box.tails)
            ]
            parts.append(replace(box, tails=tails, relaxed=None))
    box.split, box.parts = split, parts
    return [(-part.bound, order + i, part) for i, part in enumerate(parts, 1)]


def _mixed(pieces: Pieces, box: Box, relaxed: Relaxed) -> tuple[float, Point | None]:
    """Where the mix of a channel's points promises the most beyond its curve.

    What it promises is worth and what it saves of limits and targets, at their multipliers.
    """
    m = relaxed.multipliers
    reduced = pieces.worth(m.worth) - m.limits @ pieces.limit_rows()[0]
    for i, target in enumerate(pieces.targets):
        reduced = reduced - m.targets[i] * pieces.excess(target, m.target_worth[i])
    spend = _spend(pieces, relaxed.mix)
    best: float = 0.0
    place = None
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
            middle = int(inner[np.abs(pieces.spend[inner] - spend[i]).argmin()])
            best, place = gain, Point(i, middle)
    return best, place


def _spend(pieces: Pieces, mix: Floats) -> Floats:
    return np.add.reduceat(mix * pieces.spend, pieces.first)
