"""LinTS by segment beside Thompson sampling without one, learnt from one log; and on Open Bandit's.

A world has arms whose rates differ, and segments that are drawn to the arms differently or alike.
Both policies are fitted to one log of a policy that knows a little of the arms, and share as the
job does, floor included. Their value is exact: no visitor is drawn. The penalty was chosen on
worlds from seed 1,000 on; these begin at 1.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from pipelines.cli.console import Format, print_rows
from pipelines.jobs.bandits.evidence import Cohorts, beliefs_of
from pipelines.jobs.bandits.off_policy import Floats
from pipelines.jobs.bandits.policies import linear_thompson, thompson
from pipelines.jobs.bandits.shares import floored

FIRST_SEED = 1
DEVICES, COUNTRIES = 3, 5
WORLDS = tuple(
    (arms, rows, rate, interaction)
    for arms, rate in ((6, 0.03), (20, 0.01))
    for rows in (2_000, 10_000, 50_000)
    for interaction in (0.0, 0.25, 0.5)
)
"""Arms, decisions, their rate, and the deviation of an arm's logit by device and by country."""


def main() -> None:
    """Print what each policy gains on the log's own, as a part of what is possible."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--worlds", type=int, default=40, help="of each kind")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.worlds)
    rows = [_scored(*world, seeds) for world in WORLDS]
    if args.format is Format.JSON:
        print(json.dumps(rows, indent=1))
        return
    print_rows(rows, Format.TABLE, f"{args.worlds} worlds of each kind")


def _scored(arms: int, rows: int, rate: float, interaction: float, seeds: range) -> dict[str, Any]:
    gains = np.array([_gains(arms, rows, rate, interaction, seed) for seed in seeds])
    gain, linear = gains.mean(axis=0)
    error = float((gains[:, 1] - gains[:, 0]).std(ddof=1) / np.sqrt(len(gains)))
    return {
        "arms": arms,
        "decisions": rows,
        "rate": f"{rate:.0%}",
        "segments differ": interaction,
        "Thompson": f"{gain:.1%}",
        "LinTS": f"{linear:.1%}",
        "LinTS less Thompson": f"{linear - gain:+.1%} ± {1.96 * error:.1%}",
    }


def _gains(arms: int, rows: int, rate: float, interaction: float, seed: int) -> tuple[float, float]:
    """Of Thompson and of LinTS over the log's policy; 1 is each segment's best arm."""
    rng = np.random.default_rng([seed, arms, 9])
    device, country = (grid.ravel() for grid in np.indices((DEVICES, COUNTRIES)))
    weights = np.outer(*(rng.dirichlet(np.full(n, 3.0)) for n in (DEVICES, COUNTRIES))).ravel()
    base = np.log(rate) + 0.4 * rng.standard_normal(arms)
    logit = (
        base
        + (0.2 * rng.standard_normal(DEVICES))[device][:, None]
        + (0.2 * rng.standard_normal(COUNTRIES))[country][:, None]
        + interaction * rng.standard_normal((DEVICES, arms))[device]
        + interaction * rng.standard_normal((COUNTRIES, arms))[country]
    )
    rates = 1 / (1 + np.exp(-logit))
    logged = np.exp(0.3 * (base - base.mean()) / 0.4 + 0.4 * rng.standard_normal(arms))
    logged /= logged.sum()
    segment = rng.choice(len(weights), rows, p=weights)
    chosen = rng.choice(arms, rows, p=logged)
    clicks = (rng.random(rows) < rates[segment, chosen]).astype(float)
    names = [f"arm {i}" for i in range(arms)]
    tried, won = (np.bincount(chosen, of, arms)[None] for of in (np.ones(rows), clicks))
    beliefs = beliefs_of(Cohorts(tried, won, np.ones(1)))
    alike = floored(thompson(names, beliefs, seed).best)
    features = np.column_stack([np.eye(DEVICES)[device][:, 1:], np.eye(COUNTRIES)[country][:, 1:]])
    linear = linear_thompson(
        names,
        decisions=chosen,
        rewards=clicks,
        contexts=features[segment],
        segments=features,
        seed=seed,
    )
    by_segment = np.array([floored(posterior.best) for posterior in linear])

    def value(shares: Floats) -> float:
        return float(weights @ (rates * shares).sum(axis=1))

    logs, best = value(logged[None]), float(weights @ rates.max(axis=1))
    return (value(alike[None]) - logs) / (best - logs), (value(by_segment) - logs) / (best - logs)


if __name__ == "__main__":
    main()
