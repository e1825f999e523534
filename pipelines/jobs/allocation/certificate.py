"""What proves an allocation, as plain JSON that a program without adcanary can check (check.py).

Constraints with their values and bounds, the objective, and a tree of boxes that cover every split,
each with multipliers that bound the objective in it. Floats have twelve significant digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.canonical import canonical_json, sha256
from pipelines.jobs.allocation.pieces import Multipliers, Pieces, stated
from pipelines.jobs.allocation.problem import Floats, Limit, Problem, Target
from pipelines.jobs.allocation.proof import Box, Groups, Point, highest

_BINDS = 1e-6
"""Of what a target allows: slack that counts as none."""


@dataclass(frozen=True)
class Certificate:
    """A certificate's claims.

    Args:
        objective: in the goal's units, at its risk level.
        bound: no split's objective is higher.
        gap: how far the bound is off, a share of the larger.
        binding: names of the constraints without slack.
        text: all of it, in canonical JSON.
    """

    objective: float
    bound: float
    gap: float
    binding: tuple[str, ...]
    text: str


def curves_json(problem: Problem) -> str:
    """The curves that a certificate is about, in canonical JSON: a file for check.py."""
    return canonical_json({"channels": _curves(problem)})


def _curves(problem: Problem) -> dict[str, Any]:
    return {
        curve.channel: {"spend": curve.spend.tolist(), "outcome": curve.outcome.tolist()}
        for curve in problem.curves
    }


def certify(problem: Problem, pieces: Pieces, spend: Mapping[str, int], tree: Box) -> Certificate:
    """The certificate of a split; the tree bounds the problem, or one without its targets."""
    objective = problem.objective(spend)
    bound = max(highest(tree), objective)
    size = max(abs(bound), abs(objective))
    gap = (bound - objective) / size if size else 0.0
    constraints = [_limit(limit, spend) for limit in problem.all_limits]
    constraints += [_target(problem, target, spend) for target in problem.targets]
    weights = _Weights(problem)
    claims = {
        "format": "adcanary allocation 1",
        "curves_sha256": sha256(canonical_json(_curves(problem))),
        "goal": {
            "risk": problem.goal.risk,
            "tail": problem.goal.share,
            "outcome_factor": problem.goal.factor,
            "spend_factor": problem.goal.spend_factor,
            "channels": list(problem.counted),
        },
        "spend": dict(spend),
        "constraints": constraints,
        "objective": {
            "value": _digits(objective),
            "bound": _digits(bound),
            "gap": _digits(gap),
        },
        "proof": _node(pieces, tree, weights),
        "weights": weights.rows,
    }
    return Certificate(
        objective=objective,
        bound=bound,
        gap=gap,
        binding=tuple(row["name"] for row in constraints if row["binds"]),
        text=canonical_json(claims),
    )


class _Weights:
    """Weights of draws, each once: those of the mean, or of the lowest draws."""

    def __init__(self, problem: Problem) -> None:
        self.risk = problem.goal.risk
        self.draws = problem.draws
        self.rows: list[dict[str, float]] = []
        self.known: dict[bytes, int] = {}

    def position(self, weights: Floats) -> int:
        if self.risk == "mean":
            weights = np.full(self.draws, 1 / self.draws)
        key = weights.tobytes()
        if key not in self.known:
            self.known[key] = len(self.rows)
            self.rows.append({str(d): float(weights[d]) for d in np.flatnonzero(weights)})
        return self.known[key]


def _node(pieces: Pieces, box: Box, weights: _Weights) -> dict[str, Any]:
    parts = [_node(pieces, part, weights) for part in box.parts]
    if isinstance(box.split, Point):
        channel, at = pieces.problem.channels[box.split.channel], int(pieces.spend[box.split.point])
        return {"channel": channel, "at": at, "below": parts[0], "above": parts[1]}
    if isinstance(box.split, Groups):
        groups = [draws.tolist() for draws in box.split.draws]
        return {"channels": list(pieces.sums[box.split.sum]), "groups": groups, "parts": parts}
    return {"bound": _digits(box.bound), **_prices(pieces, box.multipliers, weights)}


def _prices(pieces: Pieces, multipliers: Multipliers, weights: _Weights) -> dict[str, Any]:
    names = [*(limit.name for limit in pieces.limits), *(t.name for t in pieces.targets)]
    priced = zip(names, [*multipliers.limits, *multipliers.targets], strict=True)
    prices: dict[str, Any] = {"multipliers": {name: float(v) for name, v in priced if v > 0}}
    prices["worth"] = weights.position(multipliers.worth)
    prices["target_weights"] = {
        target.name: weights.position(worth)
        for target, price, worth in zip(
            pieces.targets, multipliers.targets, multipliers.target_worth, strict=True
        )
        if price > 0
    }
    return prices


def _limit(limit: Limit, spend: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": limit.name,
        "channels": list(limit.channels),
        "cost": None,
        "sense": limit.sense,
        "value": sum(spend[channel] for channel in limit.channels),
        "bound": limit.bound,
        "slack": limit.slack(spend),
        "binds": limit.slack(spend) == 0,
    }


def _target(problem: Problem, target: Target, spend: Mapping[str, int]) -> dict[str, Any]:
    """A target bounds spend by what it allows for the outcome: ``cost`` a unit."""
    spent = sum(spend[channel] for channel in target.channels)
    cost = problem.goal.cost(target)
    allowed = cost * problem.target_level(target, spend)
    return {
        "name": target.name,
        "channels": list(target.channels),
        "cost": cost,
        "sense": "<=",
        "value": spent,
        "bound": _digits(allowed),
        "slack": _digits(allowed - spent),
        "binds": bool(allowed - spent <= _BINDS * abs(allowed)),
    }


def _digits(value: float) -> float:
    return float(stated(np.array(value)))
