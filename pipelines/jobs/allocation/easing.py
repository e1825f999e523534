"""How near limits and targets come to being met: splits with the most slack of what gives way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pipelines.jobs.allocation.problem import Limit, Measure, Problem, Target
from pipelines.jobs.allocation.proof import highest
from pipelines.jobs.allocation.search import Search

_PROGRAMS = 80
"""Of each search here: there are many, and what they miss makes a set larger, not wrong."""
_IMPROVED = 1e-4

Split = Mapping[str, int]


def most_slack(problem: Problem) -> tuple[Split | None, float]:
    """A split that holds all limits and targets, or None; with a bound: if below 0, none does.

    The last target's slack is made the most under the others, until it suffices. The limits alone
    can be met.
    """
    search = Search(_slack_of(problem, problem.targets[-1]))
    tree = search.branch(least=0.0, enough=0.0, programs=_PROGRAMS)
    split = search.spend
    bound = -np.inf if tree is None else highest(tree)
    return (None if split is None or problem.broken(split) else split), bound


def least_limit(problem: Problem, limit: Limit) -> int | None:
    """The nearest bound of a limit at which a split holds everything else; None if none does."""
    rest = replace(problem, limits=tuple(x for x in problem.limits if x is not limit))
    measure: Measure = "least spend" if limit.sense == "<=" else "most spend"
    goal = replace(problem.goal, measure=measure, channels=limit.channels)
    split = _best(replace(rest, goal=goal))
    return None if split is None else sum(split[channel] for channel in limit.channels)


def least_target(problem: Problem, target: Target) -> float | None:
    """The nearest bound of a target at which a split holds everything else; None if none does.

    Dinkelbach's method: the split with the most slack at a cost has a lower cost, which is next.
    """
    goal = replace(problem.goal, measure="revenue", channels=target.channels)
    rest = tuple(x for x in problem.targets if x is not target)
    split = _best(replace(problem, targets=rest, goal=goal))
    cost = np.inf
    while split is not None:
        spent = sum(split[channel] for channel in target.channels)
        outcome = problem.target_level(target, split)
        if not spent or outcome <= 0 or cost / (spent / outcome) < 1 + _IMPROVED:
            break
        cost = spent / outcome
        eased = replace(target, kind="cac", bound=cost)
        split = _best(_slack_of(replace(problem, targets=(*rest, eased)), eased))
    if not np.isfinite(cost):
        return None
    return cost if target.kind == "cac" else problem.goal.unit_value / cost


def _slack_of(problem: Problem, target: Target) -> Problem:
    """To make a target's slack the most, in money, under the limits and the other targets."""
    others = (x for x in problem.targets if x is not target)
    costs = tuple(replace(x, kind="cac", bound=problem.goal.cost(x)) for x in others)
    value = problem.goal.cost(target)
    goal = replace(problem.goal, measure="margin", unit_value=value, channels=target.channels)
    return replace(problem, targets=costs, goal=goal)


def _best(problem: Problem) -> Split | None:
    search = Search(problem)
    search.branch(programs=_PROGRAMS)
    if search.spend is None and problem.targets and (split := most_slack(problem)[0]):
        search.consider(split)
        search.branch(programs=_PROGRAMS)
    return search.spend
