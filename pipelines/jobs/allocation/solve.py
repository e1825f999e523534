"""The best split under limits and targets, whatever split one starts from: none is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.jobs.allocation.certificate import Certificate, certify
from pipelines.jobs.allocation.conflicts import raise_for_limits, raise_for_targets
from pipelines.jobs.allocation.pieces import Pieces, Tail, pieces_of
from pipelines.jobs.allocation.problem import Floats, Problem
from pipelines.jobs.allocation.program import Program
from pipelines.jobs.allocation.proof import Box, highest, infeasible, near, prove
from pipelines.jobs.allocation.relaxation import Relaxation, unsolved
from pipelines.jobs.allocation.whole import whole

_MARGINS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""Tried in turn on targets, until the split in whole amounts holds them."""
_ROUNDS = 20


@dataclass(frozen=True)
class Allocation:
    """What to spend by channel, in whole amounts, and the proof that nothing is better; of the
    curves in ``problem``."""

    problem: Problem
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

    def run(self, relaxation: Relaxation) -> None:
        """Solve the mixed integer program over a relaxation, cut by cut."""
        relaxation.solve(self.pieces.first, self.pieces.last, self.pieces.tails())
        program = Program(relaxation)
        for margin in _MARGINS if self.problem.targets else (0.0,):
            holds = self._cut_by_cut(program, margin)
            if holds is None:
                # there may be one split that holds a target and has no margin
                self._cut_by_cut(program, 0.0)
            if holds is not False:
                break

    def _cut_by_cut(self, program: Program, margin: float) -> bool | None:
        """Whether the best split with this margin holds all in whole amounts; None: none has it."""
        holds = False
        for _ in range(_ROUNDS):
            spend = program.solve(margin)
            if spend is None:
                return None
            split = whole(self.pieces, spend)
            holds = split is not None and not self.problem.broken(split)
            self.offer(spend)
            drawn = self.pieces.drawn(self.pieces.mix(spend))
            if not program.relaxation.cut(drawn, self.pieces.tails()):
                break
        return holds


def allocate(problem: Problem) -> Allocation:
    """The split that brings the most, with its certificate.

    The optimum is global for the mean and CVaR. For the 10th percentile the split is the best that
    a search from two sides finds: the certificate bounds what it may miss.

    Raises:
        ConstraintsConflict: no split holds all limits and targets; says which and by how much.
        IntegrityError: the solver proved nothing.
    """
    raise_for_limits(problem)
    search = Search(problem)
    tree = _branch(search)
    if search.spend is None or tree is None:
        raise_for_targets(problem)
        raise unsolved("split in whole amounts", "rounding breaks a limit or a target")
    return Allocation(problem, search.spend, certify(problem, search.pieces, search.spend, tree))


def _branch(search: Search) -> Box | None:
    """Branch and bound, which mostly needs a few boxes; what it leaves open, the program closes,
    but for the 10th percentile."""
    relaxation = Relaxation(search.pieces)
    percentile = search.problem.goal.risk == "p10"
    if search.problem.targets and infeasible(relaxation):
        return None
    tree = prove(relaxation, search.objective, search.offer)
    before = search.objective
    if not percentile and not near(highest(tree), before):
        search.run(relaxation)
        if search.objective > before:
            tree = prove(relaxation, search.objective, search.offer)
    return tree
