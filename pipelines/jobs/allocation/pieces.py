"""A problem as the solvers see it: points of spend, rows over them, and bounds by multipliers.

Money is in shares of the budget and the objective near 1 where HiGHS sees them: it drops
coefficients of micros without a word. What is claimed is computed here, in the problem's own units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.jobs.allocation.problem import (
    Curve,
    Floats,
    Ints,
    Limit,
    Problem,
    Target,
    at,
    tail_weights,
)

DIGITS = 12
"""Significant digits of what a certificate states; bounds are computed from what is stated."""


@dataclass(frozen=True)
class Tail:
    """The draws that a risk level looks at: the mean of the lowest ``size`` of those ``kept``."""

    kept: Ints
    size: float

    def weights(self, outcome: Floats) -> Floats:
        """Of each draw, in the mean of the lowest, [draw].

        The mean of the lowest is the least of all weighted means that these weights may form, so
        any of them bounds it from above (the risk envelope of Rockafellar and Uryasev).
        """
        order = self.kept[np.argsort(outcome[self.kept], kind="stable")]
        weights = np.zeros(len(outcome))
        weights[order] = tail_weights(len(order), self.size / len(order))
        return weights

    def admits(self, weights: Floats) -> bool:
        """Whether weights are of these draws alone."""
        return not np.delete(weights, self.kept).any()


@dataclass(frozen=True)
class Multipliers:
    """What proves a bound: a price of every limit and target, and weights of the draws.

    Args:
        worth: weights of draws in the objective, [draw].
        limits: objective for a unit of money, [limit].
        targets: the same, [target].
        target_worth: weights of draws in each target's outcome, [target, draw].
    """

    worth: Floats
    limits: Floats
    targets: Floats
    target_worth: Floats


@dataclass(frozen=True)
class Pieces:
    """Points of all channels in one row: the ends of each channel's range and the knots between.

    Args:
        owner: position of each point's channel, [point].
        spend: [point].
        outcome: [draw, point]; where the risk level is the mean, one draw, which is it.
        first, last: positions of each channel's outer points, [channel].
        limits: those over several channels; the others made the ranges.
        money: the whole budget, which makes shares.
        scale: about the largest objective, which makes it near 1.
    """

    problem: Problem
    owner: Ints
    spend: Ints
    outcome: Floats
    first: Ints
    last: Ints
    limits: tuple[Limit, ...]
    money: float
    scale: float

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.problem.targets

    @property
    def draws(self) -> int:
        return self.outcome.shape[0]

    @property
    def sums(self) -> list[tuple[str, ...]]:
        """Channels whose outcome counts together: the objective's, and each target's."""
        return [self.problem.counted, *(target.channels for target in self.targets)]

    def tails(self) -> list[Tail]:
        """What bounds the risk level of every split, of each of the sums.

        The 10th percentile has no such envelope: no draw is above it in every split.
        """
        if self.problem.goal.risk == "p10":
            return [Tail(np.arange(0), 1.0)] * len(self.sums)
        return self.lowest()

    def lowest(self) -> list[Tail]:
        """Those of CVaR."""
        size = max(1.0, self.problem.goal.share * self.draws)
        return [Tail(np.arange(self.draws), size)] * len(self.sums)

    def drawn(self, mix: Floats) -> list[Floats]:
        """Outcome of a mix of points, for each of the sums, [draw]."""
        return [self.outcome @ (mix * self.members(channels)) for channels in self.sums]

    def members(self, channels: Sequence[str]) -> Floats:
        """1 at the points of these channels, 0 elsewhere, [point]."""
        inside = np.array([name in channels for name in self.problem.channels])
        return inside[self.owner].astype(np.float64)

    def worth(self, weights: Floats) -> Floats:
        """Objective at each point, by weights of the draws, [point]."""
        goal = self.problem.goal
        worth: Floats = goal.factor * (weights @ self.outcome) - goal.spend_factor * self.spend
        return worth if not goal.channels else worth * self.members(goal.channels)

    def excess(self, target: Target, weights: Floats) -> Floats:
        """Spend beyond what the target allows for the outcome, [point]; it sums to at most 0."""
        cost = self.problem.goal.cost(target)
        return self.members(target.channels) * (self.spend - cost * (weights @ self.outcome))

    def limit_rows(self) -> tuple[Floats, Floats]:
        """Signed spend at each point and its bound: at most; [limit, point] and [limit]."""
        rows = np.zeros((len(self.limits), len(self.spend)))
        bounds = np.zeros(len(self.limits))
        for i, limit in enumerate(self.limits):
            sign = 1.0 if limit.sense == "<=" else -1.0
            rows[i] = sign * self.members(limit.channels) * self.spend
            bounds[i] = sign * limit.bound
        return rows, bounds

    def bound(self, multipliers: Multipliers, low: Ints, high: Ints) -> float:
        """The objective of no split between these points is higher.

        Lagrange's bound: limits and targets, times multipliers of 0 or more, are added to the
        objective, which falls apart into channels; a channel's part is linear between points, so it
        is highest at one of them. Weights of draws in the envelope make the outcome no lower than
        its risk level.
        """
        rows, bounds = self.limit_rows()
        reduced = self.worth(multipliers.worth) - multipliers.limits @ rows
        for i, target in enumerate(self.targets):
            excess = self.excess(target, multipliers.target_worth[i])
            reduced = reduced - multipliers.targets[i] * excess
        highest = (reduced[a : b + 1].max() for a, b in zip(low, high, strict=True))
        return float(sum(highest) + multipliers.limits @ bounds)


def pieces_of(problem: Problem) -> Pieces:
    """Needs a range for every channel: limits on one channel that don't contradict each other."""
    low, high = ranges(problem)
    spends, outcomes = [], []
    for curve, least, most in zip(problem.curves, low, high, strict=True):
        inside = curve.spend[(curve.spend > least) & (curve.spend < most)]
        spend = np.unique(np.concatenate([[least], inside, [most]])).astype(np.int64)
        spends.append(spend)
        outcomes.append(at(_as_judged(problem, curve), spend))
    sizes = np.array([len(spend) for spend in spends])
    last = np.cumsum(sizes) - 1
    first = last - sizes + 1
    coupling = tuple(limit for limit in problem.limits if len(limit.channels) > 1)
    everything = [x for x in coupling if len(x.channels) == len(spends) and x.sense == "<="]
    money = float(min([sum(high), *(limit.bound for limit in everything)])) or 1.0
    outcome = np.concatenate(outcomes, axis=1)
    goal = problem.goal
    highest = [float(np.abs(part.mean(axis=0)).max()) for part in outcomes]
    scale = goal.factor * sum(highest) + abs(goal.spend_factor) * money
    return Pieces(
        problem=problem,
        owner=np.repeat(np.arange(len(spends)), sizes),
        spend=np.concatenate(spends),
        outcome=outcome,
        first=first,
        last=last,
        limits=coupling,
        money=money,
        scale=scale or 1.0,
    )


def ranges(problem: Problem) -> tuple[list[int], list[int]]:
    """The least and the most of each channel, by its curve and the limits on it alone."""
    low, high = [], []
    for channel in problem.channels:
        alone = [limit for limit in problem.all_limits if limit.channels == (channel,)]
        low.append(max(limit.bound for limit in alone if limit.sense == ">="))
        high.append(min(limit.bound for limit in alone if limit.sense == "<="))
    return low, high


def _as_judged(problem: Problem, curve: Curve) -> Curve:
    """The mean adds up over channels, so it needs no draws."""
    if problem.goal.risk != "mean":
        return curve
    return Curve(curve.channel, curve.spend, curve.outcome.mean(axis=0, keepdims=True))


def stated(values: Floats) -> Floats:
    """Rounded to the digits that a certificate states."""
    flat = [float(f"{value:.{DIGITS}g}") for value in np.ravel(values)]
    return np.array(flat, dtype=np.float64).reshape(np.shape(values))
