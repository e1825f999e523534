"""How far the scorecard's intervals hold, and how soon a job is barred, rightly or wrongly.

    python -m tests.bench.scorecard effects|standing [--count 200] [--first-seed 1]

``effects`` measures changes that are known (none, +50%) in simulated markets, with 5 to 20
untouched campaigns and two noises of days. ``standing`` lets jobs whose intervals truly hold a
share of what comes have one outcome after the other, looks after each, and tells which were barred
and when.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from pipelines.cli.console import Format, print_rows
from pipelines.proposals.scorecard.score import score
from pipelines.proposals.scorecard.sequential import ALPHA, Standing
from pipelines.proposals.scorecard.standing import STREAMS
from tests.unit.scorecard_market import A_CLAIM, CLAIMS, market, subject, true_orders

LOOKS = 200
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)


def effects(count: int, first_seed: int) -> Iterator[dict[str, Any]]:
    for others in (5, 8, 20):
        for noise in (0.05, 0.15):
            for lift in (0.0, 0.5):
                yield _effects(others, noise, lift, range(first_seed, first_seed + count))


def _effects(others: int, noise: float, lift: float, seeds: range) -> dict[str, Any]:
    held, detectable, seen = [], [], []
    for seed in seeds:
        known = market(seed, lift=lift, others=others, noise=noise)
        row = score(subject(), known)
        low, high = row["realised_orders_low"], row["realised_orders_high"]
        held.append(low <= true_orders(known, lift) <= high)
        detectable.append(row["detectable_orders"] / (CLAIMS * 7 * A_CLAIM))
        seen.append(not low <= 0 <= high)
    return {
        "controls": others,
        "noise of a day": noise,
        "effect": f"{lift:+.0%}",
        "interval holds it": f"{np.mean(held):.1%}",
        "differs from 0": f"{np.mean(seen):.1%}",
        "detectable, of its orders": f"{np.median(detectable):.0%}",
    }


def standing(count: int, first_seed: int) -> Iterator[dict[str, Any]]:
    for coverage in COVERAGES:
        barred = []
        for seed in range(first_seed, first_seed + count):
            outcomes = np.random.default_rng(seed).random(LOOKS) < coverage
            job = Standing(ALPHA / STREAMS)
            for looks, covered in enumerate(outcomes, start=1):
                job.add(float(covered))
                if job.is_barred:
                    barred.append(looks)
                    break
        yield {
            "true coverage": coverage,
            f"barred within {LOOKS}": f"{len(barred) / count:.1%}",
            "outcomes until then, median": f"{np.median(barred):.0f}" if barred else "",
            "9 of 10": f"{np.quantile(barred, 0.9):.0f}" if barred else "",
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("effects", "standing"))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1)
    arguments = parser.parse_args()
    measured = effects if arguments.what == "effects" else standing
    print_rows(list(measured(arguments.count, arguments.first_seed)), Format.TABLE)


if __name__ == "__main__":
    main()
