"""The best split under limits and targets, whatever split one starts from: none is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipelines.jobs.allocation.certificate import Certificate, certify
from pipelines.jobs.allocation.conflicts import raise_for_limits, raise_for_targets
from pipelines.jobs.allocation.pieces import Pieces, Tail, pieces_of
from pipelines.jobs.allocation.problem import Floats, Problem
from pipelines.jobs.allocation.program import Program
from pipelines.jobs.allocation.proof import prove
from pipelines.jobs.allocation.relaxation import Relaxation, unsolved
from pipelines.jobs.allocation.whole import whole

_MARGINS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""Tried in turn on targets, until the split in whole amounts holds them."""
_ROUNDS = 20
_TURNS = 6


@dataclass(frozen=True)
class Allocation:
    """What to spend by channel, in whole amounts, and the proof that nothing is better."""

    spend: Mapping[str, int]
    certificate: Certificate


class Search:
    """The best split so far of those that hold every limit and target to the unit."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.pieces = pieces_of(problem)
        self.spend: Mapping[str, int] | None = None
        self.objective = -np.inf

    def offer(self, spend: Floats) -> float:
        """Consider a split, in money by channel; the best objective so far."""
        if split := whole(self.pieces, spend):
            self.consider(split)
        return self.objective

    def consider(self, split: Mapping[str, int]) -> None:
        if not self.problem.broken(split):
            objective = self.problem.objective(split)
            if objective > self.objective:
                self.spend, self.objective = split, objective

    def run(self, relaxation: Relaxation) -> Mapping[str, int] | None:
        """Solve the program over a relaxation, cut by cut; the last split in whole amounts.

        None: there is none over this relaxation.
        """
        if self.problem.targets and relaxation.infeasible():
            return None
        relaxation.solve(self.pieces.first, self.pieces.last)
        program = Program(relaxation)
        split: Mapping[str, int] | None = None
        margins = _MARGINS if self.problem.targets else (0.0,)
        for margin in margins:
            spend = self._cut_by_cut(program, margin)
            if spend is None:
                # there may be one split that holds a target and has no margin
                spend = self._cut_by_cut(program, 0.0) if margin else None
                return split if spend is None else whole(self.pieces, spend)
            split = whole(self.pieces, spend)
            if split and not self.problem.broken(split):
                break
        return split

    def _cut_by_cut(self, program: Program, margin: float) -> Floats | None:
        spend: Floats | None = None
        for _ in range(_ROUNDS):
            spend = program.solve(margin)
            if spend is None:
                return None
            self.offer(spend)
            if not program.relaxation.cut(self.pieces.mix(spend)):
                break
        return spend


def allocate(problem: Problem) -> Allocation:
    """The split that brings the most, with its certificate.

    The optimum is global for the mean and CVaR. For the 10th percentile the split is the best that
    a search from two sides finds: the certificate bounds what it may miss.

    Raises:
        ConstraintsConflict: no split holds all limits and targets; says which and by how much.
        IntegrityError: the solver proved nothing.
    """
    raise_for_limits(problem)
    search = searched(problem)
    if search.spend is None:
        raise_for_targets(problem)
        raise unsolved("split in whole amounts", "rounding breaks a limit or a target")
    pieces = search.pieces
    if problem.goal.risk == "p10":
        pieces = pieces_of(replace(problem, targets=()))
        relaxation = Relaxation(pieces, pieces.everyone(), [])
    else:
        relaxation = _relaxation(pieces, pieces.tail())
    tree = prove(relaxation, search.objective, search.offer)
    return Allocation(search.spend, certify(problem, pieces, search.spend, tree))


def searched(problem: Problem) -> Search:
    """A search that has ended; without a split if there is none."""
    search = Search(problem)
    pieces = search.pieces
    if problem.goal.risk != "p10":
        search.run(_relaxation(pieces, pieces.tail()))
        return search
    for start in (pieces.tail(), pieces.everyone()):
        split = search.run(_relaxation(pieces, start))
        for _ in range(_TURNS):
            if split is None:
                break
            before = search.objective
            split = search.run(_beside_the_worst(problem, pieces, split))
            if search.objective <= before:
                break
    return search


def _relaxation(pieces: Pieces, tail: Tail) -> Relaxation:
    return Relaxation(pieces, tail, [tail] * len(pieces.targets))


def _beside_the_worst(problem: Problem, pieces: Pieces, split: Mapping[str, int]) -> Relaxation:
    worth, *targets = pieces.rest(split)
    return Relaxation(pieces, worth, targets)
