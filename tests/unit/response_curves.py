"""S-shaped response curves, problems over them, and the best split of a grid by brute force."""

import json
from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from pipelines.jobs.allocation import check
from pipelines.jobs.allocation.certificate import Certificate, curves_json
from pipelines.jobs.allocation.problem import Curve, Goal, Limit, Problem, Risk, Target

BUDGET = 24_000_000
STEP = 1_000_000
NAMES = ("display", "search", "video")


def hill(channel: str, spend: np.ndarray, top: np.ndarray, half: float, slope: float) -> Curve:
    """One draw for each ``top``; steeper draws for higher ones."""
    shape = slope * (1 + 0.2 * (top / top.mean() - 1))[:, None]
    positive = np.maximum(spend, 1)
    outcome = top[:, None] / (1 + (half / positive) ** shape) * (spend > 0)
    return Curve(channel, spend.astype(np.int64), outcome)


def random_curves(seed: int, draws: int = 40, scale: int = 1) -> tuple[Curve, ...]:
    rng = np.random.default_rng(seed)
    spend = np.arange(0, BUDGET + 1, STEP) * scale
    return tuple(
        hill(
            name,
            spend,
            rng.uniform(40, 160) * np.exp(rng.normal(0, 0.3, draws)),
            float(rng.uniform(0.2, 0.7) * BUDGET * scale),
            float(rng.uniform(1.5, 6)),
        )
        for name in NAMES
    )


def random_problem(seed: int, risk: Risk, scale: int = 1, draws: int = 40) -> Problem:
    """A budget, a floor, a ceiling, a group and, for every other seed, a target."""
    rng = np.random.default_rng(seed)
    million = STEP * scale
    limits = (
        Limit("budget", NAMES, "<=", BUDGET * scale),
        Limit("floor of display", ("display",), ">=", int(rng.integers(0, 4)) * million),
        Limit("ceiling of search", ("search",), "<=", int(rng.integers(9, 20)) * million),
        Limit("paid social", ("display", "video"), "<=", int(rng.integers(12, 22)) * million),
    )
    curves = random_curves(seed, draws, scale)
    free = Problem(curves, limits, goal=Goal("conversions", 1.0, risk))
    if seed % 2 == 0:
        return free
    cheapest = min(
        sum(split.values()) / outcome
        for split in grid(free)
        if (outcome := free.goal.level(sum(free.outcomes(split).values()))) > 1
    )
    target = Target("cost of a conversion", NAMES, "cac", float(cheapest * 1.05))
    return Problem(curves, limits, (target,), free.goal)


def grid(problem: Problem) -> Iterator[Mapping[str, int]]:
    """Every split of the curves' knots that holds all limits and targets."""
    knots = [[int(x) for x in curve.spend] for curve in problem.curves]
    for amounts in product(*knots):
        split = dict(zip(problem.channels, amounts, strict=True))
        if all(limit.slack(split) >= 0 for limit in problem.limits) and not problem.broken(split):
            yield split


def best_of_grid(problem: Problem) -> float:
    return max(problem.objective(split) for split in grid(problem))


def false_claims(certificate: Certificate, problem: Problem) -> list[str]:
    curves = json.loads(curves_json(problem))["channels"]
    return [text for holds, text in check.claims(json.loads(certificate.text), curves) if not holds]
