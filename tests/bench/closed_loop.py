"""The closed loop in every market, seed by seed; what is done is kept, so that it can be resumed.

``python -m tests.bench.closed_loop --out FOLDER`` runs what the folder lacks, one seed of every
market after the other, and prints the table of docs/benchmarks.md.
"""

import argparse
import pickle
from collections.abc import Sequence
from pathlib import Path
from time import process_time

from pipelines.sandbox.lab.loop import ADCANARY, BUYER, EQUAL, UNCAPPED, run_seed
from pipelines.sandbox.lab.scenario import SCENARIOS
from pipelines.sandbox.lab.score import SeedScore, figures, score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=600)
    parser.add_argument("--markets", nargs="+", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only-print", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    for seed in () if asked.only_print else seeds:
        for market in asked.markets:
            path = _path(asked.out, market, seed, asked.weeks)
            if path.exists():
                continue
            began = process_time()
            scored = score(run_seed(SCENARIOS[market], seed, asked.weeks, lambda _: None))
            path.write_bytes(pickle.dumps(scored))
            captured = scored.captured_gain
            print(market, seed, captured, f"{process_time() - began:.0f} s of CPU", flush=True)
    print(_table({m: _scores(asked.out, m, seeds, asked.weeks) for m in asked.markets}))


def _path(folder: Path, market: str, seed: int, weeks: int) -> Path:
    return folder / f"{market}-{seed}-{weeks}.pickle"


def _scores(folder: Path, market: str, seeds: Sequence[int], weeks: int) -> list[SeedScore]:
    paths = (_path(folder, market, seed, weeks) for seed in seeds)
    return [pickle.loads(path.read_bytes()) for path in paths if path.exists()]


def _table(by_market: dict[str, list[SeedScore]]) -> str:
    columns = (
        "market",
        "seeds",
        "captured gain (seeds, least to most)",
        "CAC violations",
        "increases over the ceiling",
        "coverage",
        "caps broken",
        "tests",
        "adcanary, equal, buyer, uncapped over status quo",
        "worst seed",
        "worst last weeks",
    )
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for market, scores in by_market.items():
        if not scores:
            continue
        whole = figures(scores)
        shares = sorted(s.captured_gain or 0.0 for s in scores)
        usual = sum(s.arms["status quo"].conversions for s in scores)
        gains = [
            f"{sum(s.gain(a) for s in scores) / usual:+.1%}"
            for a in (ADCANARY, EQUAL, BUYER, UNCAPPED)
        ]
        worst = min(s.gain(ADCANARY) / s.arms["status quo"].conversions for s in scores)
        ending = min(s.arms[ADCANARY].ending - 1 for s in scores)
        left = whole["left_useless"]
        cells = (
            market + (f" (left by {left} of {len(scores)})" if left is not None else ""),
            len(scores),
            f"{whole['captured_gain']:.0%} ({', '.join(f'{s:.0%}' for s in shares)})",
            whole["cac_violations"],
            whole["increases_over_ceiling"],
            f"{whole['coverage'] or 0:.0%} of {whole['claims']}",
            sum(whole["guardrail_violations"].values()),
            whole["tests"],
            ", ".join(gains),
            f"{worst:+.1%}",
            f"{ending:+.1%}",
        )
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
