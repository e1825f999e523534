"""No silent wrong decision: judges what is decided on the planted worlds of mmm-framework.

A decision is a shift of the budget with an 80% interval of what it brings more, or a refusal that
names the broken assumption. The truth of a shift is exact (``tests/bench/worlds.py``). A decision
is *silent and wrong* where a shift is recommended and its true effect isn't in the interval; 80%
intervals that are right let that happen in one of five. A world fails where it happens on more
than half of its seeds.

``--by ensemble`` recommends what the ensemble engine alone finds best, and refuses nothing: it
shows what the gates are for.

Seeds 11, 12 and 13 are to report, 101 to 110 to tune. Decisions are kept in a folder, by the code
that made them, so that a run may stop and go on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipelines.cli.console import Format, err, out, print_rows
from pipelines.jobs.mmm import decision
from pipelines.jobs.mmm.decision import Decision
from pipelines.jobs.mmm.ensemble import fit_ensemble
from pipelines.jobs.mmm.panel import Panel
from tests.bench import worlds
from tests.bench.worlds import World

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".bench" / "mmm-worlds"
REPORTED, TUNED = (11, 12, 13), tuple(range(101, 111))
LIFT_WEEKS = decision.DECIDED_WEEKS
IN, OUT, REFUSED, KEPT = "in", "OUT", "refused", "no shift"


@dataclass(frozen=True)
class Judged:
    """A decision on a world, beside the truth.

    Args:
        verdict: ``in`` the interval, ``OUT`` of it, ``refused``, or ``no shift``: the present
            allocation is the recommended one, and nothing is refused.
        factors: of each channel's spend, in the recommended shift; None where it is refused.
        lift: low, median and high of the 80% interval, also of a shift that is refused; ``true``
            the truth of one that isn't; shares of the outcome of the decided weeks.
        refusals: the broken assumptions.
    """

    world: str
    seed: int
    violates: str
    verdict: str
    factors: list[float] | None
    lift: tuple[float, float, float]
    true: float | None
    refusals: list[str]
    seconds: float


def main() -> None:
    """Decide on every world, judge, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--worlds", nargs="+", choices=worlds.names(), default=worlds.names())
    parser.add_argument("--seeds", nargs="+", type=int, default=list(REPORTED))
    parser.add_argument("--by", choices=tuple(DECIDERS), default="decision")
    parser.add_argument("--tune", action="store_true", help="the seeds to tune on")
    parser.add_argument("--again", action="store_true", help="decide anew what was kept")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    mark = _mark()
    judged = []
    for name in args.worlds:
        for seed in TUNED if args.tune else args.seeds:
            path = args.folder / f"{args.by}-{name}-{seed}-{mark}.json"
            if args.again or not path.exists():
                path.write_text(json.dumps(asdict(judge(worlds.build(name, seed), args.by))))
            judged.append(Judged(**json.loads(path.read_text())))
            err.print(_line(judged[-1]))
    if args.format is Format.TABLE:
        print_rows(_by_world(judged), Format.TABLE, "Decisions by world")
        for line in _overall(judged):
            out.print(line)
    else:
        print_rows([asdict(j) for j in judged], args.format)


def ungated(panel: Panel, seed: int) -> Decision:
    """What the ensemble finds best, as its draws have it: no test, no correction of optimism."""
    fitted = fit_ensemble(panel, seed)
    responded = decision.respond(fitted)
    factors = decision.best_split(panel, responded)
    present, planned = (
        [
            [np.interp(f, decision.FACTORS, row) for row in r]
            for r, f in zip(responded, at, strict=True)
        ]
        for at in (np.ones(len(factors)), factors)
    )
    changes = np.array(planned) - np.array(present)
    outcome = panel.outcome[:, -decision.decided_weeks(panel) :].sum()
    low, middle, high = np.quantile(changes.sum(axis=0) / outcome, [0.1, 0.5, 0.9])
    return Decision(factors, (float(low), float(middle), float(high)), ())


DECIDERS: Mapping[str, Callable[[Panel, int], Decision]] = {
    "decision": decision.decide,
    "ensemble": ungated,
}


def judge(world: World, by: str) -> Judged:
    """Decide on it, and look up what is true."""
    began = time.perf_counter()
    decided = DECIDERS[by](world.panel, world.seed)
    seconds = time.perf_counter() - began
    verdict, true = REFUSED, None
    if decided.shift is not None:
        outcome = float(world.panel.outcome[:, -LIFT_WEEKS:].sum())
        true = world.lift(decided.shift, LIFT_WEEKS) / outcome
        verdict = IN if decided.lift[0] <= true <= decided.lift[2] else OUT
        if np.allclose(decided.shift, 1):
            verdict = KEPT
    return Judged(
        world.name,
        world.seed,
        world.violates,
        verdict,
        None if decided.shift is None else decided.shift.tolist(),
        decided.lift,
        true,
        [reason.assumption for reason in decided.refusals],
        seconds,
    )


def _mark() -> str:
    """Changes with the code that decides."""
    mark = hashlib.sha256()
    for path in sorted((ROOT / "pipelines" / "jobs" / "mmm").rglob("*.py")):
        mark.update(path.read_bytes())
    return mark.hexdigest()[:10]


def _line(j: Judged) -> str:
    if j.true is None:
        return f"{j.world} {j.seed}: {j.verdict}: {'; '.join(j.refusals)}"
    low, middle, high = j.lift
    return (
        f"{j.world} {j.seed}: {j.verdict}: true {j.true:+.1%}, predicted {middle:+.1%} "
        f"({low:+.1%} to {high:+.1%})"
    )


def _by_world(judged: Sequence[Judged]) -> list[dict[str, str]]:
    rows = []
    for name in dict.fromkeys(j.world for j in judged):
        mine = [j for j in judged if j.world == name]
        shifted = [j for j in mine if j.true is not None]
        reasons = dict.fromkeys(reason for j in mine for reason in j.refusals)
        rows.append(
            {
                "world": name,
                **{v: str(sum(j.verdict == v for j in mine)) for v in (IN, OUT, KEPT, REFUSED)},
                "true": " ".join(f"{j.true:+.1%}" for j in shifted),
                "predicted": " ".join(f"{j.lift[1]:+.1%}" for j in shifted),
                "refused for": "; ".join(reason for reason in reasons),
            }
        )
    return rows


def _overall(judged: Sequence[Judged]) -> list[str]:
    """What the targets ask."""
    inside, outside = (sum(j.verdict == v for j in judged) for v in (IN, OUT))
    by_world = {
        name: [j.verdict for j in judged if j.world == name]
        for name in dict.fromkeys(j.world for j in judged)
    }
    failed = [n for n, verdicts in by_world.items() if verdicts.count(OUT) * 2 > len(verdicts)]
    some = [n for n, verdicts in by_world.items() if OUT in verdicts]
    harmful = [j for j in judged if j.true is not None and j.true < 0]
    controls = [j for j in judged if not j.violates]
    clean = [j for j in controls if j.world == "clean"]
    gained = [j.true for j in judged if j.true is not None and j.verdict != KEPT]
    recommended = inside + outside

    def refused(of: Sequence[Judged]) -> str:
        return f"{sum(j.verdict == REFUSED for j in of)} of {len(of)}"

    return [
        f"{len(judged)} decisions in {len(by_world)} worlds: {recommended} shifts, "
        f"{refused(judged)} refused, {sum(j.verdict == KEPT for j in judged)} without a shift",
        f"true effect in the 80% interval: {inside} of {recommended}"
        + (f" ({inside / recommended:.0%}; target 75 to 90%)" if recommended else ""),
        f"worlds that fail silently on most seeds: {len(failed)} (target: at most 2) "
        f"{', '.join(failed)}; on some seed: {len(some)} {', '.join(some)}",
        f"shifts that truly lose: {len(harmful)}; mean true effect of a shift "
        f"{np.mean(gained) if gained else 0:+.2%}",
        f"refused of clean: {refused(clean)} (target: at most 1 in 10); "
        f"of all worlds that break nothing: {refused(controls)}",
    ]


if __name__ == "__main__":
    main()
