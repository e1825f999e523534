"""How near limits and targets come to being met: splits with the most slack of what gives way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipelines.jobs.allocation.pieces import Tail, pieces_of
from pipelines.jobs.allocation.problem import Limit, Problem, Target
from pipelines.jobs.allocation.program import Program
from pipelines.jobs.allocation.proof import infeasible
from pipelines.jobs.allocation.relaxation import Relaxation
from pipelines.jobs.allocation.whole import whole

_ROUNDS = 20
_TURNS, _TURN_ROUNDS = 2, 6
"""Of the 10th percentile, where more would prove nothing either."""
_ENOUGH = 1e-4
"""Slack that shows that targets can be met."""
_MARGIN = 1e-6
_IMPROVED = 1e-4

Split = Mapping[str, int]


def feasible(problem: Problem) -> bool:
    """Whether a split holds all limits and targets; the limits alone can be met.

    Without a proof where it says no for the 10th percentile.
    """
    soft = tuple(target.name for target in problem.targets)
    return _eased(problem, soft, (), None, _ENOUGH) is not None


def least_limit(problem: Problem, limit: Limit) -> int | None:
    """The nearest bound of a limit at which a split holds everything else; None if none does."""
    rest = replace(problem, limits=tuple(x for x in problem.limits if x is not limit))
    split = _eased(rest, (), (), limit, 1.0)
    return None if split is None else sum(split[channel] for channel in limit.channels)


def least_target(problem: Problem, target: Target) -> float | None:
    """The nearest bound of a target at which a split holds everything else; None if none does.

    Dinkelbach's method: the split with the most slack at a cost has a lower cost, which is next.
    """
    rest = replace(problem, targets=tuple(x for x in problem.targets if x is not target))
    names = tuple(x.name for x in rest.targets)
    split = _eased(rest, names, (), None, _ENOUGH)
    bound = None
    while split is not None:
        spent = sum(split[channel] for channel in target.channels)
        outcome = problem.target_level(target, split)
        if not spent or outcome <= 0:
            return bound
        cac = target.kind == "cac"
        now = spent / outcome if cac else problem.goal.unit_value * outcome / spent
        if bound is not None and (bound / now if cac else now / bound) < 1 + _IMPROVED:
            return bound
        bound = now
        eased = replace(target, bound=bound)
        changed = tuple(eased if x is target else x for x in problem.targets)
        split = _eased(
            replace(problem, targets=changed), (target.name,), (target.name,), None, float("inf")
        )
    return bound


def _eased(
    problem: Problem,
    soft: tuple[str, ...],
    may_break: tuple[str, ...],
    limit: Limit | None,
    most: float,
) -> Split | None:
    """The split with the most slack of soft targets, or of a soft limit beside the problem.

    Args:
        may_break: names of targets that the split need not hold.
        most: the slack that suffices.
    """
    pieces = pieces_of(problem)
    tails = pieces.lowest()
    positions = [i for i, target in enumerate(pieces.targets) if target.name in soft]
    split: Split | None = None
    # nothing is proven over the draws that the 10th percentile may leave out
    proves = problem.goal.risk != "p10"
    for _ in range(1 if proves else _TURNS):
        if not may_break and limit is None and infeasible(Relaxation(pieces)):
            return None
        relaxation = Relaxation(pieces)
        relaxation.begin(tails)
        program = Program(relaxation)
        for _ in range(_ROUNDS if proves else _TURN_ROUNDS):
            eased = program.ease(positions, limit, most, _MARGIN)
            if eased is None:
                return None
            spend, slack = eased
            split = whole(pieces, spend)
            if split is not None and set(problem.broken(split)) <= set(may_break):
                return split
            if proves and soft and slack < 0:
                return None
            if not relaxation.cut(pieces.drawn(pieces.mix(spend)), tails):
                break
        if split is None:
            return None
        tails = [_rest(problem, split, channels) for channels in pieces.sums]
    return None


def _rest(problem: Problem, split: Split, channels: Sequence[str]) -> Tail:
    """The least of the draws but for those that are worst at a split, which the 10th percentile
    leaves out there: what raises it can't lower the percentile."""
    outcomes = problem.outcomes(split)
    order = np.argsort(np.sum([outcomes[c] for c in channels], axis=0), kind="stable")
    return Tail(np.sort(order[problem.goal.rank(len(order)) - 1 :]), 1.0)
