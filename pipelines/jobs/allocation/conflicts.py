"""Why there is no split: a least set of constraints that contradict each other, and what would do.

A set is least if it can be met without any one of its members: an irreducible infeasible set, by
QuickXplain (Junker 2004), which leaves out half of what is left at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn, TypeVar

import numpy as np
from scipy.optimize import linprog

from pipelines.errors import ConstraintsConflict
from pipelines.jobs.allocation.easing import least_limit, least_target, most_slack
from pipelines.jobs.allocation.problem import Floats, Limit, Problem, Target

_C = TypeVar("_C", Limit, Limit | Target)


def raise_for_limits(problem: Problem) -> None:
    """Raise if the limits on spend alone can't be met.

    Raises:
        ConstraintsConflict: the least set, with the least change of each that would do.
    """
    limits = problem.all_limits
    if not _infeasible(problem, limits):
        return
    least = _least(limits, lambda some: _infeasible(problem, some))
    remedies = []
    for limit in least:
        others = [other for other in limits if other is not limit]
        # a curve's own end can't be moved: nothing is known beyond it
        if limit in problem.limits and not limit.fixed and not _infeasible(problem, others):
            (short,) = _shortfalls(problem, limits, [limit])
            short = max(short, 1)
            bound = limit.bound + short if limit.sense == "<=" else limit.bound - short
            remedies.append(f"'{limit.name}' {limit.sense} {problem.written(bound, limit.sense)}")
    texts = [_limit_text(problem, limit) for limit in least]
    _raise(texts, least, remedies, "no split of the budget")


def raise_for_targets(problem: Problem) -> None:
    """Raise if limits that can be met leave no split that holds the targets.

    Raises:
        ConstraintsConflict: the least set of limits and targets, within the curves' range.
    """

    def part(some: Sequence[Limit | Target]) -> Problem:
        limits = tuple(x for x in problem.limits if x in some)
        return replace(
            problem, limits=limits, targets=tuple(x for x in problem.targets if x in some)
        )

    def conflict(some: Sequence[Limit | Target]) -> bool:
        fewer = part(some)
        return bool(fewer.targets) and most_slack(fewer)[1] < 0

    least = part(_least([*problem.targets, *problem.limits], conflict))
    remedies = [
        remedy for constraint in least.constraints if (remedy := _remedy(problem, constraint))
    ]
    texts = [_limit_text(problem, limit) for limit in least.limits]
    texts += [_target_text(problem, target) for target in least.targets]
    proven = most_slack(least)[1] < 0
    kind = "no split of the budget" if proven else "no split of the budget that was looked at"
    _raise(texts, least.constraints, remedies, kind)


def _least(constraints: Sequence[_C], conflict: Callable[[Sequence[_C]], bool]) -> list[_C]:
    """A least set of constraints that conflict, if all do; of several sets the last."""

    def explain(background: list[_C], more: bool, rest: list[_C]) -> list[_C]:
        if more and conflict(background):
            return []
        if len(rest) == 1:
            return rest
        kept, left = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        some = explain(background + kept, True, left)
        return explain(background + some, bool(some), kept) + some

    return explain([], False, list(constraints)[::-1])[::-1]


def _raise(
    texts: Sequence[str], members: Sequence[Limit | Target], remedies: Sequence[str], kind: str
) -> NoReturn:
    options = " or ".join(remedies)
    raise ConstraintsConflict(
        f"There is {kind} that holds all of: {'; '.join(texts)}.",
        kept="nothing was allocated.",
        fix=f"Any one of these would do: {options}."
        if options
        else "More than one of them has to be loosened: no single one would do.",
        names=tuple(member.name for member in members),
        remedies=tuple(remedies),
    )


def _limit_text(problem: Problem, limit: Limit) -> str:
    bound = problem.written(limit.bound, limit.sense)
    return f"'{limit.name}' ({' + '.join(limit.channels)} {limit.sense} {bound})"


def _target_text(problem: Problem, target: Target) -> str:
    channels = " + ".join(target.channels)
    bound = _target_bound(problem, target.kind, target.bound)
    return f"'{target.name}' ({target.kind} of {channels} {bound})"


def _target_bound(problem: Problem, kind: str, bound: float) -> str:
    """A cost is money; a return isn't."""
    return f"<= {problem.written(bound, '<=')}" if kind == "cac" else f">= {bound:,.6g}"


def _infeasible(problem: Problem, limits: Sequence[Limit]) -> bool:
    """Exactly for limits of the same channels, and else to the solver's tolerance."""
    least: dict[tuple[str, ...], int] = {}
    most: dict[tuple[str, ...], int] = {}
    for limit in limits:
        channels = tuple(sorted(limit.channels))
        if limit.sense == ">=":
            least[channels] = max(limit.bound, least.get(channels, limit.bound))
        else:
            most[channels] = min(limit.bound, most.get(channels, limit.bound))
    if any(least.get(channels, 0) > bound for channels, bound in most.items()):
        return True
    return any(_shortfalls(problem, limits, limits))


def _shortfalls(problem: Problem, limits: Sequence[Limit], soft: Sequence[Limit]) -> list[int]:
    """By how much each soft limit has to give way, least in sum, while the others hold."""
    if not limits:
        return []
    channels = problem.channels
    money = float(max(1, *(abs(limit.bound) for limit in limits)))
    sign = np.array([1.0 if limit.sense == "<=" else -1.0 for limit in limits])
    members = np.array([[name in limit.channels for name in channels] for limit in limits])
    gives = np.array([[-1.0 if limit is other else 0.0 for other in soft] for limit in limits])
    rows = np.hstack([sign[:, None] * members, gives.reshape(len(limits), len(soft))])
    bounds: Floats = sign * np.array([limit.bound for limit in limits]) / money
    costs = np.concatenate([np.zeros(len(channels)), np.ones(len(soft))])
    result = linprog(costs, rows, bounds, bounds=(0, None), method="highs")
    if result.status != 0:
        return [1] * max(1, len(soft))
    return [_whole(value * money, money) for value in result.x[len(channels) :]]


def _whole(short: float, money: float) -> int:
    """Up to whole units; the solver's tolerance is nothing."""
    return 0 if short <= 1e-9 * money else int(np.ceil(short - 1e-12 * money))


def _remedy(problem: Problem, constraint: Limit | Target) -> str | None:
    """The least change of one constraint that makes the whole problem feasible."""
    if isinstance(constraint, Limit):
        amount = None if constraint.fixed else least_limit(problem, constraint)
        if amount is None:
            return None
        return f"'{constraint.name}' {constraint.sense} {problem.written(amount, constraint.sense)}"
    bound = least_target(problem, constraint)
    if bound is None:
        return None
    # to six digits, towards the looser
    looser = bound * (1 + 1e-5) if constraint.kind == "cac" else bound * (1 - 1e-5)
    return f"'{constraint.name}' {_target_bound(problem, constraint.kind, looser)}"
