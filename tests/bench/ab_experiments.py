"""Intervals of experiments that are looked at every day, with and without a difference.

Each experiment runs for 60 days; every person converts with the variation's rate, or doesn't.
Nothing was tuned on any seed.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from pipelines.cli.console import Format, print_rows
from pipelines.jobs.uplift.analysis import MIN_ARM_ROWS
from pipelines.jobs.uplift.sequential import Rate, always_valid, fixed_horizon

DAYS = 60
FIRST_SEED = 1
WORLDS = (
    (20, 0.01, 0.0),
    (200, 0.01, 0.0),
    (20, 0.05, 0.0),
    (200, 0.05, 0.0),
    (2_000, 0.05, 0.0),
    (200, 0.05, 0.25),
    (2_000, 0.05, 0.25),
)
"""People a day and variation, the control's rate, the relative difference."""


def main() -> None:
    """Print how often an interval left the truth out, once or ever, and when it left 0 out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--experiments", type=int, default=500, help="of each world")
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    rows = [_scored(*world, args.experiments) for world in WORLDS]
    if args.format is Format.JSON:
        print(json.dumps(rows, indent=1))
        return
    print_rows(rows, Format.TABLE, f"{args.experiments} experiments a world, {DAYS} daily looks")


def _scored(daily: int, rate: float, lift: float, experiments: int) -> dict[str, Any]:
    row: dict[str, Any] = {"people a day": daily, "rate": f"{rate:.0%}", "lift": f"{lift:.0%}"}
    truth = rate * lift
    for name, interval in (("every look", always_valid), ("one look", fixed_horizon)):
        ever, last, shown = 0, 0, []
        for seed in range(FIRST_SEED, FIRST_SEED + experiments):
            rng = np.random.default_rng([seed, daily, int(rate * 100)])
            arms = rng.binomial(daily, [[rate * (1 + lift)], [rate]], (2, DAYS)).cumsum(axis=1)
            looks = [
                interval(Rate(daily * day, int(one)), Rate(daily * day, int(other)))
                for day, (one, other) in enumerate(arms.T, start=1)
                if daily * day >= MIN_ARM_ROWS
            ]
            missed = [not low <= truth <= high for low, high in looks]
            ever += any(missed)
            last += missed[-1]
            shown.append(next((i for i, (low, _) in enumerate(looks, 1) if low > 0), None))
        row |= {
            f"{name}: ever missed": f"{ever / experiments:.1%}",
            f"{name}: missed on the last day": f"{last / experiments:.1%}",
        }
        if lift:
            days = [DAYS + 1 if day is None else day for day in shown]
            row[f"{name}: shown, median day"] = float(np.median(days))
            row[f"{name}: shown by the last day"] = f"{np.mean(np.array(days) <= DAYS):.0%}"
    return row


if __name__ == "__main__":
    main()
