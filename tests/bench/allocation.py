"""The allocation benchmark: random S-shaped problems, ours beside the old solver and SLSQP.

Every problem has a budget, steps or floors and ceilings, mostly groups and targets, and a level of
risk; all are feasible but for some targets. Every certificate is checked by the program of 100
lines, in this process. ``peers`` says what the others do on the same problems:

- ``before``: what adcanary did until issue 12 (ranges and the budget on the mean; it knew no
  groups, targets or risk), as ``git show 1ba77f2:pipelines/jobs/mmm/allocation.py`` has it;
- ``slsqp``: a local solver that starts at the equal split, as pymc-marketing's optimiser does, with
  every limit and target as a constraint.

    OMP_NUM_THREADS=1 python -m tests.bench.allocation --problems 10000 --minutes 10
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import types
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from pipelines.errors import ConstraintsConflict
from pipelines.jobs.allocation import check
from pipelines.jobs.allocation.certificate import curves_json
from pipelines.jobs.allocation.pieces import ranges
from pipelines.jobs.allocation.problem import (
    Curve,
    Goal,
    Limit,
    Problem,
    Target,
    at,
    step,
    tail_weights,
)
from pipelines.jobs.allocation.solve import allocate

_ROOT = Path(__file__).parents[2]
_OLD = "1ba77f2"
_RISKS = ("mean", "cvar", "p10")
_SHARES = (0.6, 0.3, 0.1)
_BRUTE = 41
"""Amounts of each channel that brute force tries, in problems of two or three channels."""


@dataclass
class Figures:
    """What was measured, by risk level; ``gaps`` are certified, ``short`` is against brute force
    (below 0 where ours is better)."""

    seconds: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    short: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    violations: int = 0
    false_claims: int = 0
    refused_wrongly: int = 0


@dataclass
class Peer:
    """Of one peer: seconds, share of our objective it misses where it holds all, and where it
    doesn't hold all."""

    seconds: list[float] = field(default_factory=list)
    short: list[float] = field(default_factory=list)
    violations: int = 0
    failed: int = 0


def random_problem(seed: int) -> tuple[Problem, dict[str, int]]:
    """A problem, and a split that holds its limits (and its targets, for most seeds)."""
    rng = np.random.default_rng(seed)
    risk = str(rng.choice(_RISKS, p=_SHARES))
    channels, draws = int(rng.integers(2, 11)), int(rng.integers(20, 61))
    money = int(10 ** rng.uniform(6, 13))
    now = np.maximum(1, np.rint(rng.dirichlet(np.full(channels, 1.5)) * money)).astype(int)
    names = [f"channel {i}" for i in range(channels)]
    curves = tuple(_curve(rng, n, int(x), draws) for n, x in zip(names, now, strict=True))
    split = {name: int(x) for name, x in zip(names, now, strict=True)}
    limits = _limits(rng, split)
    measure = str(rng.choice(["conversions", "revenue", "margin"]))
    probe = Problem(curves, limits, goal=Goal(measure, 1.0, risk))
    level = probe.goal.level(sum(probe.outcomes(split).values()))
    value = float(money / max(level, 1e-9) * rng.uniform(0.8, 3))
    goal = Goal(measure, value, risk)
    targets = []
    if level > 1e-6 and rng.random() < 0.5:
        easy = rng.random() < 0.9
        cost = money / level * (rng.uniform(0.9, 1.5) if easy else rng.uniform(0.3, 0.9))
        kind = str(rng.choice(["cac", "roas"]))
        targets.append(
            Target("target", tuple(names), kind, cost if kind == "cac" else value / cost)
        )
    return Problem(curves, limits, tuple(targets), goal), split


def _curve(rng: np.random.Generator, name: str, now: int, draws: int) -> Curve:
    knots = int(rng.integers(10, 31))
    spend = np.unique(np.rint(np.linspace(0, now * rng.uniform(1.5, 4), knots)).astype(np.int64))
    spread = rng.uniform(0.05, 0.5)
    top = rng.uniform(5, 200) * np.exp(rng.normal(0, spread, (draws, 1)))
    half = now * rng.uniform(0.3, 3) * np.exp(rng.normal(0, spread / 2, (draws, 1)))
    slope = np.clip(rng.uniform(0.8, 6) * np.exp(rng.normal(0, 0.1, (draws, 1))), 0.5, None)
    return Curve(name, spend, top * (spend > 0) / (1 + (half / np.maximum(spend, 1)) ** slope))


def _limits(rng: np.random.Generator, split: dict[str, int]) -> tuple[Limit, ...]:
    names, money = tuple(split), sum(split.values())
    kind = rng.random()
    least = money if kind < 0.5 else int(money * rng.uniform(0.3, 1)) if kind < 0.75 else None
    limits = [Limit("budget", names, "<=", money)]
    if least is not None:
        limits.append(Limit("least budget", names, ">=", least))
    steps = rng.random() < 0.5
    share = rng.uniform(0.05, 1.0)
    for name, now in split.items():
        if steps:
            amount = int(now * rng.uniform(0.1, 2)) if rng.random() < 0.3 else None
            limits += step(name, now, share, amount)
        elif rng.random() < 0.7:
            limits.append(Limit(f"{name} floor", (name,), ">=", int(now * rng.uniform(0, 1))))
            limits.append(Limit(f"{name} ceiling", (name,), "<=", int(now * rng.uniform(1, 3))))
    for i in range(int(rng.integers(0, 3)) if len(names) > 2 else 0):
        some = tuple(rng.choice(names, int(rng.integers(2, len(names))), replace=False).tolist())
        held = sum(split[name] for name in some)
        limits.append(Limit(f"group {i} at most", some, "<=", int(held * rng.uniform(1, 1.3))))
        if rng.random() < 0.5:
            limits.append(Limit(f"group {i} at least", some, ">=", int(held * rng.uniform(0.6, 1))))
    return tuple(limits)


def ours(problem: Problem, split: dict[str, int], figures: Figures) -> float | None:
    """Measure one problem; the objective, or None if it was refused."""
    began = time.process_time()
    try:
        allocation = allocate(problem)
    except ConstraintsConflict:
        figures.refused.append(time.process_time() - began)
        figures.refused_wrongly += not problem.broken(split)
        return None
    figures.seconds.append(time.process_time() - began)
    figures.gaps.append(allocation.certificate.gap)
    figures.violations += bool(problem.broken(allocation.spend))
    curves = json.loads(curves_json(problem))["channels"]
    claims = check.claims(json.loads(allocation.certificate.text), curves)
    figures.false_claims += not all(holds for holds, _ in claims)
    if len(problem.channels) <= 3 and (best := brute_force(problem)) is not None:
        size = max(abs(best), abs(allocation.certificate.objective), 1e-300)
        figures.short.append((best - allocation.certificate.objective) / size)
    return allocation.certificate.objective


def brute_force(problem: Problem) -> float | None:
    """The best of a grid; the last channel takes what the budget leaves where it must be spent."""
    low, high = ranges(problem)
    axes = [
        np.unique(np.rint(np.linspace(a, b, _BRUTE))).astype(np.int64)
        for a, b in zip(low, high, strict=True)
    ]
    exact = {x.sense: x.bound for x in problem.limits if len(x.channels) == len(low)}
    fixed = exact.get("<=") is not None and exact.get("<=") == exact.get(">=")
    grid = np.array(list(product(*(axes[:-1] if fixed else axes))), dtype=np.int64)
    if fixed:
        grid = np.column_stack([grid, exact["<="] - grid.sum(axis=1)])
        grid = grid[(low[-1] <= grid[:, -1]) & (grid[:, -1] <= high[-1])]
    for limit in problem.limits:
        value = grid[:, [problem.channels.index(name) for name in limit.channels]].sum(axis=1)
        grid = grid[value <= limit.bound if limit.sense == "<=" else value >= limit.bound]
    if not len(grid):
        return None
    goal, spent = problem.goal, grid.sum(axis=1)
    drawn = sum(at(curve, spend) for curve, spend in zip(problem.curves, grid.T, strict=True))
    ordered = np.sort(drawn, axis=0)
    if goal.risk == "p10":
        level = ordered[goal.rank(problem.draws) - 1]
    else:
        level = tail_weights(problem.draws, goal.share) @ ordered
    held = np.all([spent <= goal.cost(t) * level for t in problem.targets], axis=0)
    objective = goal.factor * level - (spent if goal.measure == "margin" else 0)
    return float(objective[held].max()) if held.any() else None


def slsqp(problem: Problem) -> np.ndarray:
    """The local optimum beside the equal split, in shares of the budget."""
    low, high = (np.array(x, dtype=float) for x in ranges(problem))
    money = float(max(x.bound for x in problem.limits))
    goal = problem.goal

    def drawn(x: np.ndarray) -> np.ndarray:
        spend = np.clip(x * money, low, high)
        return np.sum(
            [at(c, np.array([s]))[:, 0] for c, s in zip(problem.curves, spend, strict=True)], axis=0
        )

    size = max(abs(goal.objective(drawn(high / money), 0)), 1e-9)
    constraints = []
    for limit in problem.limits:
        if len(limit.channels) > 1:
            row = np.array([name in limit.channels for name in problem.channels], dtype=float)
            sign = 1.0 if limit.sense == "<=" else -1.0
            bound = sign * limit.bound / money
            constraints.append((lambda x, r=row, s=sign, b=bound: b - s * float(r @ x)))
    for target in problem.targets:
        cost = goal.cost(target) / money
        constraints.append((lambda x, c=cost: c * goal.level(drawn(x)) - float(x.sum())))
    result = minimize(
        lambda x: -goal.objective(drawn(x), float(x.sum()) * money) / size,
        np.clip(np.full(len(low), 1 / len(low)), low / money, high / money),
        method="SLSQP",
        bounds=list(zip(low / money, high / money, strict=True)),
        constraints=[{"type": "ineq", "fun": f} for f in constraints],
        options={"maxiter": 1000},
    )
    return result.x * money


def peer(problem: Problem, spend: Any, best: float | None, seconds: float, figures: Peer) -> None:
    """Score a peer's split; its limits to a millionth of the budget, which is kind."""
    figures.seconds.append(seconds)
    low, high = ranges(problem)
    split = {
        name: min(max(round(float(s)), a), b)
        for name, s, a, b in zip(problem.channels, spend, low, high, strict=True)
    }
    money = max(x.bound for x in problem.limits)
    broken = any(x.slack(split) < -1e-6 * money for x in problem.limits)
    for target in problem.targets:
        allowed = problem.goal.cost(target) * problem.target_level(target, split)
        broken = broken or sum(split.values()) > allowed * (1 + 1e-6)
    if broken:
        figures.violations += 1
    elif best is not None:
        figures.short.append((best - problem.objective(split)) / max(abs(best), 1e-300))


def old_solver() -> dict[str, Any]:
    """The names of the old module, from history."""
    command = ["git", "show", f"{_OLD}:pipelines/jobs/mmm/allocation.py"]
    source = subprocess.run(command, capture_output=True, text=True, check=True, cwd=_ROOT).stdout
    module = types.ModuleType("old_allocation")
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    exec(source, module.__dict__)
    return module.__dict__


def before(problem: Problem, old: dict[str, Any]) -> list[int] | None:
    """The old solver, where its one assumption holds: that the budget is spent to the unit."""
    exact = {x.sense: x.bound for x in problem.limits if len(x.channels) == len(problem.channels)}
    if exact.get("<=") != exact.get(">="):
        return None
    low, high = ranges(problem)
    now = list(low)  # only its total is read
    left = exact["<="] - sum(now)
    for i, most in enumerate(high):
        moved = min(left, most - now[i])
        now[i], left = now[i] + moved, left - moved

    def mean(i: int, spends: np.ndarray) -> np.ndarray:
        return at(problem.curves[i], spends).mean(axis=0)

    limits = [old["Box"](a, b) for a, b in zip(low, high, strict=True)]
    return old["allocate"](now, limits, mean)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--peers", type=int, default=10, help="every so many problems; 0 for none")
    options = parser.parse_args()
    began = time.monotonic()
    figures = {risk: Figures() for risk in _RISKS}
    peers = {"before": Peer(), "slsqp": Peer()}
    slowest: list[tuple[float, int, str]] = []
    done, old = 0, old_solver()
    for seed in range(options.first_seed, options.first_seed + options.problems):
        problem, split = random_problem(seed)
        started = time.process_time()
        best = ours(problem, split, figures[problem.goal.risk])
        own = figures[problem.goal.risk]
        slowest.append(
            ((own.seconds if best is not None else own.refused)[-1], seed, problem.goal.risk)
        )
        if options.peers and seed % options.peers == 0 and best is not None:
            started = time.process_time()
            try:
                spend = slsqp(problem)
                peer(problem, spend, best, time.process_time() - started, peers["slsqp"])
            except ValueError:
                peers["slsqp"].failed += 1
            started = time.process_time()
            if (spent := before(problem, old)) is not None:
                peer(problem, spent, best, time.process_time() - started, peers["before"])
        done += 1
        if time.monotonic() - began > options.minutes * 60:
            break
    print(f"{done} problems from seed {options.first_seed}, {time.monotonic() - began:.0f} s")
    for risk, f in figures.items():
        print(risk, _row(f))
    for name, p in peers.items():
        print(name, _peer_row(p))
    print("slowest (s, seed, risk):", sorted(slowest, reverse=True)[:8])


def _row(f: Figures) -> dict[str, Any]:
    return {
        "solved": len(f.seconds),
        "violations": f.violations,
        "certificates with a false claim": f.false_claims,
        "seconds": _spread(f.seconds),
        "over 2 s": sum(s > 2 for s in f.seconds),
        "gap": _spread(f.gaps),
        "gap over 0.1%": sum(g > 1e-3 for g in f.gaps),
        "brute forced": len(f.short),
        "short of brute force, at most": max(f.short, default=None),
        "short by over 0.1%": sum(s > 1e-3 for s in f.short),
        "refused": len(f.refused),
        "refused wrongly": f.refused_wrongly,
        "refusal seconds": _spread(f.refused),
    }


def _peer_row(p: Peer) -> dict[str, Any]:
    return {
        "problems": len(p.seconds),
        "violations": p.violations,
        "failed": p.failed,
        "seconds": _spread(p.seconds),
        "short of ours": _spread(p.short),
        "short by over 0.1%": sum(s > 1e-3 for s in p.short),
    }


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "median": float(f"{statistics.median(ordered):.3g}"),
        "p99": float(f"{ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]:.3g}"),
        "max": float(f"{ordered[-1]:.3g}"),
    }


if __name__ == "__main__":
    main()
