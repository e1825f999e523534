"""The attribution benchmark: our exact chain beside do-attribution and ChannelAttribution.

All credit the same seeded paths, each in a process of its own, and take turns. The peers have an
environment of their own (.bench/attribution), which is made where it isn't there. They are asked
for 10,000 paths, ours for a million too. Counts are whole numbers and paths are sorted, since
ChannelAttribution cuts fractions off and depends on the order of the rows. How long it simulates
depends on how rarely journeys convert, so several rates are measured.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.cli.console import Format, err, out, print_rows

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".bench" / "attribution"
REQUIREMENTS = Path(__file__).with_name("attribution-requirements.txt")
_PATIENCE = 1200.0
_CHANNELS = 12
_JOURNEYS = 50
_TIMES = 5
_OURS = ("ours", "shapley")
Key = tuple[str, int, float, int]
"""Side, number of paths, rate of conversion and order."""


def main() -> None:
    """Run the sides in turn and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--paths", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000, help="paths that ours alone credits")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.02, 0.14, 0.005])
    parser.add_argument("--orders", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    peers = _environment()
    runs: dict[Key, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
        for count, rate in ((args.paths, r) for r in args.rates):
            tasks = [(side, order) for order in args.orders for side in ("ours", "do-attribution")]
            if rate != args.rates[0]:
                tasks = [task for task in tasks if task[1] == 1]
            tasks += [("ChannelAttribution", 1), ("shapley", 1)]
            _take_turns(Path(folder), peers, args, (count, rate, tasks, _TIMES), runs)
        tasks = [("ours", order) for order in args.orders] + [("shapley", 1)]
        _take_turns(Path(folder), peers, args, (args.many, args.rates[0], tasks, 1), runs)
    report = [_summary(key, runs) for key in runs]
    if args.format is Format.JSON:
        print(json.dumps(report, indent=1))
        return
    print_rows(report, Format.TABLE, f"{_CHANNELS} channels, {args.rounds} rounds: medians")
    out.print(f"load average {os.getloadavg()[0]:.1f} after")


def _take_turns(
    folder: Path,
    peers: Path,
    args: argparse.Namespace,
    data: tuple[int, float, list[tuple[str, int]], int],
    runs: dict[Key, list[dict[str, Any]]],
) -> None:
    """Run the tasks (side, order) on as many paths of this rate, each round from another one on."""
    count, rate, tasks, times = data
    file = folder / "paths.csv"
    write_paths(file, count, rate, args.seed)
    for turn in range(args.rounds):
        first = turn % len(tasks)
        for side, order in [*tasks[first:], *tasks[:first]]:
            python = sys.executable if side in _OURS else str(peers)
            run = _measured(python, side, file, order, times)
            runs.setdefault((side, count, rate, order), []).append(run)
            err.print(f"{count:,} at {rate:.1%} {side} order {order}: {run['seconds']:.4f} s")


def write_paths(file: Path, count: int, rate: float, seed: int) -> None:
    """Distinct paths of up to 20 steps, sorted, of about 50 journeys each, of which a share of
    ``rate`` convert; some channels are rarer than others."""
    random = np.random.default_rng(seed)
    names = [f"channel {i:02}" for i in range(_CHANNELS)]
    often = 1 / np.arange(1, _CHANNELS + 1)
    texts: set[str] = set()
    while len(texts) < count:
        lengths = random.geometric(0.15, count).clip(1, 20)
        steps = random.choice(_CHANNELS, lengths.sum(), p=often / often.sum())
        ends = lengths.cumsum()
        for start, end in zip(ends - lengths, ends, strict=True):
            texts.add(" > ".join([names[i] for i in steps[start:end]]))
    distinct = sorted(texts)
    kept = [distinct[i] for i in sorted(random.permutation(len(distinct))[:count])]
    conversions = random.poisson(_JOURNEYS * rate, count)
    nulls = random.poisson(_JOURNEYS * (1 - rate), count) + 1
    with file.open("w", newline="") as rows:
        writer = csv.writer(rows)
        writer.writerow(["path", "total_conversions", "total_null"])
        writer.writerows(zip(kept, conversions.tolist(), nulls.tolist(), strict=True))


def _environment() -> Path:
    """The Python of the peers."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        err.print(f"installing the peers into {PEERS}")
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
        subprocess.run(install, check=True)
    return python


def _measured(python: str, side: str, file: Path, order: int, times: int) -> dict[str, Any]:
    """What a side said of itself.

    Raises:
        SystemExit: it failed; with what it said.
    """
    command = [python, "-m", "tests.bench.attribution_sides", side, str(file)]
    command += [str(order), str(times)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _summary(key: Key, runs: dict[Key, list[dict[str, Any]]]) -> dict[str, Any]:
    """A row of the report; ``difference`` is the largest from our credit, of all conversions."""
    side, count, rate, order = key
    seconds = [run["seconds"] for run in runs[key]]
    cpu = statistics.median(run["cpu_seconds"] for run in runs[key])
    mine = runs["ours", count, rate, order]
    exact, credit = mine[0]["credit"], runs[key][0]["credit"]
    total = sum(exact.values())
    apart = max(abs(credit.get(name, 0.0) - value) for name, value in exact.items()) / total
    ratio = cpu / statistics.median(run["cpu_seconds"] for run in mine)
    return {
        "paths": f"{count:,}",
        "convert": f"{rate:.1%}",
        "side": side,
        "order": order,
        "s": f"{statistics.median(seconds):.4f} ({min(seconds):.4f}–{max(seconds):.4f})",
        "CPU s": f"{cpu:.4f}",
        "× our CPU": f"{ratio:,.1f}",
        "peak MB": f"{statistics.median(run['peak_mb'] for run in runs[key]):,.0f}",
        "of them before": f"{statistics.median(run['started_mb'] for run in runs[key]):,.0f}",
        "difference": f"{apart:.1e}",
    }


if __name__ == "__main__":
    main()
