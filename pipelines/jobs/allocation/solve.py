"""The best split under limits and targets, whatever split one starts from: none is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.jobs.allocation.certificate import Certificate, certify
from pipelines.jobs.allocation.conflicts import raise_for_limits, raise_for_targets
from pipelines.jobs.allocation.easing import most_slack
from pipelines.jobs.allocation.problem import Problem
from pipelines.jobs.allocation.relaxation import unsolved
from pipelines.jobs.allocation.search import Search


@dataclass(frozen=True)
class Allocation:
    """What to spend by channel, in whole amounts, and the proof that nothing is better; of the
    curves in ``problem``."""

    problem: Problem
    spend: Mapping[str, int]
    certificate: Certificate


def allocate(problem: Problem) -> Allocation:
    """The split that brings the most, with its certificate.

    The optimum is global, to the certificate's gap.

    Raises:
        ConstraintsConflict: no split holds all limits and targets; says which and by how much.
        IntegrityError: the solver proved nothing.
    """
    raise_for_limits(problem)
    search = Search(problem)
    tree = search.branch()
    if search.spend is None and problem.targets:
        split, _ = most_slack(problem)
        if split is None:
            raise_for_targets(problem)
        else:
            search.consider(split)
            tree = search.branch()
    if search.spend is None or tree is None:
        raise unsolved("split in whole amounts", "rounding breaks a limit or a target")
    return Allocation(problem, search.spend, certify(problem, search.pieces, search.spend, tree))
