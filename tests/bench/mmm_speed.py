"""How long it takes to fit and to recommend, beside the peers; and a hundred decisions in a row.

Sides take turns on the same businesses, a process each. On a busy machine the seconds of all sides
stretch, CPU seconds hardly; both are told. The backtest decides at a hundred origins of one planted
world from the weeks before each, in two processes, and scores what the shift brings in the four
weeks after it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# before NumPy: two processes of one thread each are what is measured
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from pipelines.cli.console import Format, out, print_rows
from tests.bench import worlds
from tests.bench.mmm_recovery import FOLDER, PEERS, Case, answered
from tests.bench.mmm_worlds import DECIDERS, LIFT_WEEKS
from tests.bench.worlds import World

FIRST_ORIGIN, AHEAD, PROCESSES = 52, 4, 2


@dataclass(frozen=True)
class Origin:
    """A decision at an origin.

    Args:
        inside: whether the true lift over the year before is in the 80% interval; None where no
            shift is recommended.
        gained: what the shift truly brings more in the weeks ahead, a share of their mean outcome.
    """

    weeks: int
    inside: bool | None
    gained: float
    refused: bool
    cpu: float


def main() -> None:
    """Time the sides, then the backtest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sides", nargs="*", default=["ensemble", *PEERS])
    parser.add_argument("--first-seed", type=int, default=2001)
    parser.add_argument("--rounds", type=int, default=3, help="businesses, one after another")
    parser.add_argument("--kept", action="store_true", help="take kept answers for fresh ones")
    parser.add_argument("--by", choices=tuple(DECIDERS), default="decision")
    parser.add_argument("--world", choices=worlds.names(), default="clean")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--origins", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if args.sides:
        print_rows(_speeds(args), Format.TABLE, "Fit and allocate, small business: medians")
    _backtest(worlds.build(args.world, args.seed), args.by, args.origins)


def _speeds(args: argparse.Namespace) -> list[dict[str, str]]:
    taken: dict[str, list[Any]] = {side: [] for side in args.sides}
    for round_ in range(args.rounds):
        case = Case("small", args.first_seed + round_)
        turn = round_ % len(args.sides)
        for side in [*args.sides[turn:], *args.sides[:turn]]:
            taken[side].append(answered(side, case, args.folder, again=not args.kept))
    ours = taken[args.sides[0]]
    rows = []
    for side, answers in taken.items():
        seconds = [a.seconds + a.allocated for a in answers]
        ratios = [s / (a.seconds + a.allocated) for s, a in zip(seconds, ours, strict=True)]
        cpu = [a.cpu / b.cpu for a, b in zip(answers, ours, strict=True)]
        rows.append(
            {
                "side": side,
                "version": answers[0].version,
                "fit s": f"{statistics.median(a.seconds for a in answers):.1f}",
                "allocate s": f"{statistics.median(a.allocated for a in answers):.1f}",
                "CPU s": f"{statistics.median(a.cpu for a in answers):.1f}",
                "peak MB": f"{max(a.peak_mb for a in answers):,.0f}",
                f"× {args.sides[0]}": f"{statistics.median(ratios):.1f}",
                "× CPU": f"{statistics.median(cpu):.1f}",
            }
        )
    return rows


def _backtest(world: World, by: str, count: int) -> None:
    began = time.perf_counter()
    origins = range(FIRST_ORIGIN, FIRST_ORIGIN + count)
    with ProcessPoolExecutor(PROCESSES) as pool:
        # worlds hold functions, which can't be sent: each process builds it
        decided = list(pool.map(partial(_at, world.name, world.seed, by), origins))
    seconds = time.perf_counter() - began
    shifted = [o for o in decided if o.inside is not None]
    gains = [o.gained for o in shifted]
    out.print(
        f"{len(decided)} decisions by {by} on {world.name} {world.seed}, on {FIRST_ORIGIN} to "
        f"{origins[-1]} weeks, in {PROCESSES} processes: {seconds:.0f} s (target: "
        f"under 180 for 100); CPU {sum(o.cpu for o in decided):.0f} s"
    )
    out.print(
        f"{len(shifted)} shifts, {sum(o.refused for o in decided)} refused; true lift in the 80% "
        f"interval: {sum(bool(o.inside) for o in shifted)} of {len(shifted)}; true gain in the "
        f"{AHEAD} weeks after: mean {np.mean(gains) if gains else 0:+.2%}, positive in "
        f"{sum(g > 0 for g in gains)}"
    )


def _at(name: str, seed: int, by: str, weeks: int) -> Origin:
    world = worlds.build(name, seed)
    began = time.process_time()
    decision = DECIDERS[by](world.panel.until(weeks), seed)
    cpu = time.process_time() - began
    if decision.shift is None:
        return Origin(weeks, None, 0.0, bool(decision.refusals), cpu)
    shift = decision.shift
    before = (world.mean(world.spent * shift) - world.mean(world.spent))[:, :weeks]
    path = world.spent.copy()
    path[:, weeks:] *= shift
    ahead = slice(weeks, weeks + AHEAD)
    more = (world.mean(path) - world.mean(world.spent))[:, ahead].sum()
    low, _, high = decision.lift
    last = min(LIFT_WEEKS, weeks)
    lifted = before[:, -last:].sum() / world.panel.outcome[:, weeks - last : weeks].sum()
    return Origin(
        weeks,
        bool(low <= lifted <= high),
        float(more / world.mean(world.spent)[:, ahead].sum()),
        False,
        cpu,
    )


if __name__ == "__main__":
    main()
