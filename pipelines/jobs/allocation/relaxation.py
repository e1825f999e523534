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

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self.programs = 0
        rows, bounds = pieces.limit_rows()
        self.limit_norms = _norms(rows)
        self.limits = rows / self.limit_norms[:, None]
        self.limit_bounds = bounds / self.limit_norms
        # by objective (0) and target (from 1): weights of draws, and the scaled rows they give
        self.weights: list[list[Floats]] = [[] for _ in pieces.sums]
        self.rows: list[list[Floats]] = [[] for _ in pieces.sums]
        equal = np.full(pieces.draws, 1 / pieces.draws)
        excesses = [pieces.excess(target, equal) for target in pieces.targets]
        self.norms = _norms(np.array(excesses).reshape(len(excesses), len(pieces.spend)))
        rounding = len(pieces.first) / self.norms
        self.margins = np.minimum(_MARGIN + rounding, _MOST_MARGIN)

    def begin(self, tails: list[Tail]) -> None:
        """Make sure of a cut of each tail."""
        self.cut([self.pieces.outcome.mean(axis=1)] * len(tails), tails)

    def cut(self, outcomes: list[Floats], tails: list[Tail]) -> bool:
        """Add the cuts that a solution needs, by its draws of each sum; False if it needs none."""
        added = False
        for part, (outcome, tail) in enumerate(zip(outcomes, tails, strict=True)):
            if not len(tail.kept):
                continue
            weights = tail.weights(outcome)
            known = [self.weights[part][i] @ outcome for i in self.admitted(part, tail)]
            lowest = float(min(known, default=np.inf))
            size = max(float(np.abs(outcome).max()), 1e-300)
            if lowest - float(weights @ outcome) > _CUT_TOLERANCE * size:
                self._cut(part, weights)
                added = True
        return added

    def admitted(self, part: int, tail: Tail) -> list[int]:
        """Positions of the cuts that hold for a tail."""
        return [i for i, weights in enumerate(self.weights[part]) if tail.admits(weights)]

    def target_rows(self) -> Floats:
        """Of all cuts of all targets: at most 0; [cut, point]."""
        return self._rows([[], *([*range(len(rows))] for rows in self.rows[1:])])

    def solve(self, low: Ints, high: Ints, tails: list[Tail], wanted: float = 1.0) -> Relaxed:
        """The best mix of the points in a box, with all the cuts that it needs.

        Args:
            wanted: how much the objective counts beside breaches.
        """
        self.begin(tails)
        for _ in range(_ROUNDS):
            relaxed = self._solve(low, high, tails, wanted)
            if relaxed.broken or not self.cut(self.pieces.drawn(relaxed.mix), tails):
                return relaxed
        return replace(relaxed, settled=False)

    def _solve(self, low: Ints, high: Ints, tails: list[Tail], wanted: float) -> Relaxed:
        """Columns: points of the box, the objective, a breach of each limit and target."""
        self.programs += 1
        pieces = self.pieces
        use = [self.admitted(part, tail) for part, tail in enumerate(tails)]
        shown = np.concatenate([np.arange(a, b + 1) for a, b in zip(low, high, strict=True)])
        worth, targets = self._rows(use[:1]), self._rows([[], *use[1:]])
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
        held = np.repeat(self.margins if wanted else 0 * self.margins, list(map(len, use[1:])))
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
            multipliers=self._multipliers(duals, use, limits),
        )

    def _rows(self, use: list[list[int]]) -> Floats:
        """Of the cuts in use, [cut, point]."""
        rows = [self.rows[part][i] for part, cuts in enumerate(use) for i in cuts]
        return np.array(rows).reshape(len(rows), len(self.pieces.spend))

    def _multipliers(self, duals: Floats, use: list[list[int]], limits: int) -> Multipliers:
        """In the problem's units; weights of several cuts become their weighted mean."""
        scale = self.pieces.scale
        cuts = len(use[0])
        prices, worths = [], []
        start = cuts + limits
        for part, norm in enumerate(self.norms, start=1):
            own = duals[start : start + len(use[part])]
            start += len(own)
            prices.append(own.sum() * scale / norm)
            worths.append(self._mixed(part, use[part], own))
        return Multipliers(
            worth=self._mixed(0, use[0], duals[:cuts]),
            limits=stated(duals[cuts : cuts + limits] * scale / self.limit_norms),
            targets=stated(np.array(prices)),
            target_worth=np.array(worths).reshape(len(prices), self.pieces.draws),
        )

    def _cut(self, part: int, weights: Floats) -> None:
        pieces = self.pieces
        self.weights[part].append(weights)
        if part == 0:
            self.rows[0].append(pieces.worth(weights) / pieces.scale)
        else:
            excess = pieces.excess(pieces.targets[part - 1], weights)
            self.rows[part].append(excess / self.norms[part - 1])

    def _mixed(self, part: int, use: list[int], duals: Floats) -> Floats:
        """A mean of the cuts' weights, by the duals; in the envelope, as each of them is."""
        if not use:
            return np.zeros(self.pieces.draws)
        weights = [self.weights[part][i] for i in use]
        return stated(np.average(weights, axis=0, weights=duals) if duals.sum() > 0 else weights[0])


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
