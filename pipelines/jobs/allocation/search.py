"""The search for the best split, from no split or from one that holds all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.jobs.allocation.pieces import pieces_of
from pipelines.jobs.allocation.problem import Floats, Problem
from pipelines.jobs.allocation.proof import PROGRAMS, Box, infeasible, prove
from pipelines.jobs.allocation.relaxation import Relaxation
from pipelines.jobs.allocation.whole import whole


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

    def branch(
        self, least: float = -np.inf, enough: float = np.inf, programs: int = PROGRAMS
    ) -> Box | None:
        """A tree of boxes that bounds the objective; None if limits and targets prove that there
        is no split.

        Args:
            least: no lower objective matters.
            enough: no higher one does.
        """
        relaxation = Relaxation(self.pieces)
        if self.problem.targets and infeasible(relaxation):
            return None
        return prove(relaxation, max(least, self.objective), self.offer, enough, programs)
