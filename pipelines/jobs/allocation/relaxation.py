"""The linear relaxation between points: its price of every limit and target bounds the objective.

A channel may mix points, so its curve becomes the concave hull. CVaR needs no row a draw: it is the
least of the weighted means in its envelope, and those that matter are added one by one as cuts
(Kelley's method), in the objective and in the targets alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog

from pipelines.errors import IntegrityError
from pipelines.jobs.allocation.pieces import Multipliers, Pieces, Tail, stated
from pipelines.jobs.allocation.problem import Floats, Ints

_ROUNDS = 25
_CUT_TOLERANCE = 1e-7
_PENALTY = 1e3
"""Objective for breaking a limit by its largest coefficient: it prices boxes that hold no split."""
_MARGIN, _MOST_MARGIN = 2e-7, 1e-3
"""Of targets' rows: for the solver's tolerance and for rounding to whole amounts."""
_SMALLEST = 1e-8
"""HiGHS loses smaller coefficients, so none is sent; rows are near 1, so none is missed."""


@dataclass(frozen=True)
class Relaxed:
    """A solution of the relaxation.

    Args:
        mix: how much of each point, [point]; a channel's sum to 1.
        objective: in the problem's units.
        broken: whether limits or targets had to be broken.
        settled: whether no cut is missing.
    """

    mix: Floats
    objective: float
    broken: bool
    multipliers: Multipliers
    settled: bool = True


class Relaxation:
    """Rows over points, scaled, with the cuts so far. Not for two threads."""

    def __init__(self, pieces: Pieces, worth_tail: Tail, target_tails: list[Tail]) -> None:
        self.pieces = pieces
        self.tails = [worth_tail, *target_tails]
        rows, bounds = pieces.limit_rows()
        self.limit_norms = _norms(rows)
        self.limits = rows / self.limit_norms[:, None]
        self.limit_bounds = bounds / self.limit_norms
        # by objective (0) and target (from 1): weights of draws, and the scaled rows they give
        self.weights: list[list[Floats]] = [[] for _ in self.tails]
        self.rows: list[list[Floats]] = [[] for _ in self.tails]
        middle = pieces.outcome.mean(axis=1)
        equal = np.full(pieces.draws, 1 / pieces.draws)
        excesses = [pieces.excess(target, equal) for target in pieces.targets]
        self.norms = _norms(np.array(excesses).reshape(len(excesses), len(pieces.spend)))
        rounding = len(pieces.first) / self.norms
        self.margins = np.minimum(_MARGIN + rounding, _MOST_MARGIN)
        for part in range(len(self.tails)):
            self._cut(part, middle)

    def cut(self, mix: Floats) -> bool:
        """Add the cuts that a solution needs; False if it needs none."""
        added = False
        for part, tail in enumerate(self.tails):
            shown = mix * (1.0 if part == 0 else self._members(part))
            outcome = self.pieces.outcome @ shown
            weights = tail.weights(outcome)
            lowest = min(float(known @ outcome) for known in self.weights[part])
            size = max(abs(lowest), float(np.abs(outcome).max()), 1e-300)
            if lowest - float(weights @ outcome) > _CUT_TOLERANCE * size:
                self._cut(part, outcome)
                added = True
        return added

    def target_rows(self) -> Floats:
        """Of all cuts of all targets: at most 0; [cut, point]."""
        rows = [row for part in self.rows[1:] for row in part]
        return np.array(rows).reshape(len(rows), len(self.pieces.spend))

    def solve(self, low: Ints, high: Ints) -> Relaxed:
        """The best mix of the points in a box, with all the cuts that it needs."""
        for _ in range(_ROUNDS):
            relaxed = self._solve(low, high)
            if relaxed.broken or not self.cut(relaxed.mix):
                return relaxed
        return replace(relaxed, settled=False)

    def infeasible(self) -> bool:
        """Whether even mixes of points must break a limit or a target: then no split holds all."""
        for _ in range(_ROUNDS):
            relaxed = self._solve(self.pieces.first, self.pieces.last, wanted=0.0)
            if relaxed.broken or not self.cut(relaxed.mix):
                break
        return relaxed.broken

    def _solve(self, low: Ints, high: Ints, wanted: float = 1.0) -> Relaxed:
        """Columns: points of the box, the objective, a breach of each limit and target.

        Args:
            wanted: how much the objective counts beside breaches.
        """
        pieces = self.pieces
        shown = np.concatenate([np.arange(a, b + 1) for a, b in zip(low, high, strict=True)])
        worth, targets = np.array(self.rows[0]), self.target_rows()
        cuts, limits, prices, points = len(worth), len(self.limits), len(targets), len(shown)
        upper = np.zeros((cuts + limits + prices, points + 1 + limits + prices))
        upper[:cuts, :points] = -worth[:, shown]
        upper[:cuts, points] = 1
        upper[cuts:, :points] = np.vstack([self.limits, targets])[:, shown]
        upper[cuts:, points + 1 :] = -np.eye(limits + prices)
        whole = np.zeros((len(low), upper.shape[1]))
        whole[pieces.owner[shown], np.arange(points)] = 1
        costs = np.concatenate([np.zeros(points), [-wanted], np.full(limits + prices, _PENALTY)])
        free = (
            [(0, None)] * points + [(None, None if wanted else 0)] + [(0, None)] * (limits + prices)
        )
        held = np.repeat(
            self.margins if wanted else 0 * self.margins, list(map(len, self.rows[1:]))
        )
        bounds = np.concatenate([np.zeros(cuts), self.limit_bounds, -held])
        result = linprog(
            costs, guarded(upper), bounds, whole, np.ones(len(low)), free, method="highs"
        )
        if result.status != 0:
            raise unsolved("relaxation", result.message)
        mix = np.zeros(len(pieces.spend))
        mix[shown] = result.x[:points]
        breach = result.x[points + 1 :]
        duals = np.maximum(-result.ineqlin.marginals, 0)
        return Relaxed(
            mix=mix,
            objective=float(result.x[points]) * pieces.scale,
            broken=bool(breach.max(initial=0) > 1e-7),
            multipliers=self._multipliers(duals, cuts, limits),
        )

    def _multipliers(self, duals: Floats, cuts: int, limits: int) -> Multipliers:
        """In the problem's units; weights of several cuts become their weighted mean."""
        scale = self.pieces.scale
        prices, worths = [], []
        start = cuts + limits
        for part, norm in enumerate(self.norms, start=1):
            own = duals[start : start + len(self.weights[part])]
            start += len(own)
            prices.append(own.sum() * scale / norm)
            worths.append(_mixed(self.weights[part], own))
        return Multipliers(
            worth=_mixed(self.weights[0], duals[:cuts]),
            limits=stated(duals[cuts : cuts + limits] * scale / self.limit_norms),
            targets=stated(np.array(prices)),
            target_worth=np.array(worths).reshape(len(prices), self.pieces.draws),
        )

    def _cut(self, part: int, outcome: Floats) -> None:
        pieces = self.pieces
        weights = self.tails[part].weights(outcome)
        self.weights[part].append(weights)
        if part == 0:
            self.rows[0].append(pieces.worth(weights) / pieces.scale)
        else:
            excess = pieces.excess(pieces.targets[part - 1], weights)
            self.rows[part].append(excess / self.norms[part - 1])

    def _members(self, part: int) -> Floats:
        return self.pieces.members(self.pieces.targets[part - 1].channels)


def _norms(rows: Floats) -> Floats:
    """The largest coefficient of each row, which makes it near 1."""
    largest = np.abs(rows).max(axis=1, initial=0)
    return np.where(largest > 0, largest, 1.0)


def guarded(matrix: Floats) -> Floats:
    """Without coefficients that HiGHS would lose; a row of nothing else is refused."""
    small = (np.abs(matrix) < _SMALLEST) & (matrix != 0)
    if ((small | (matrix == 0)).all(axis=1) & small.any(axis=1)).any():
        raise unsolved("scaled problem", "all coefficients of a row are under 1e-8")
    return np.where(small, 0.0, matrix)


def unsolved(what: str, message: str) -> IntegrityError:
    """The solver's own words, for a result that isn't an optimum."""
    return IntegrityError(
        f"The optimiser found no best split of the budget: its {what} wasn't solved ({message}).",
        kept="nothing was allocated.",
        fix="Report it with the certificate's curves; loosen the limits or targets until then.",
    )


def _mixed(weights: list[Floats], duals: Floats) -> Floats:
    """A mean of the weights, by the duals; in the envelope, as each of them is."""
    if duals.sum() <= 0:
        return stated(weights[0])
    return stated(np.average(weights, axis=0, weights=duals))
