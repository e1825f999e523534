"""The attribution benchmark: our exact chain beside do-attribution and ChannelAttribution.

All credit the same seeded paths, each in a process of its own, and take turns. The peers have an
environment of their own (.bench/attribution), which is made where it isn't there. They are asked
for 10,000 paths, ours for a million too. Counts are whole numbers and paths are sorted, since
ChannelAttribution cuts fractions off and depends on the order of the rows.
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
_OURS = ("ours", "shapley")


def main() -> None:
    """Run the sides in turn and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--paths", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000, help="paths that ours alone credits")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--orders", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    peers = _environment()
    runs: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
        for count in dict.fromkeys((args.paths, args.many)):
            file = Path(folder) / f"{count}.csv"
            write_paths(file, count, args.seed)
            tasks = [(side, order) for order in args.orders for side in ("ours", "do-attribution")]
            tasks += [("shapley", 1), ("ChannelAttribution", 1)]
            if count != args.paths:
                tasks = [(side, order) for side, order in tasks if side in _OURS]
            for turn in range(args.rounds):
                first = turn % len(tasks)
                for side, order in [*tasks[first:], *tasks[:first]]:
                    python = sys.executable if side in _OURS else str(peers)
                    run = _measured(python, side, file, order)
                    runs.setdefault((side, count, order), []).append(run)
                    err.print(f"{count:,} {side} order {order}: {run['seconds']:.4f} s")
    report = [_summary(key, runs) for key in runs]
    if args.format is Format.JSON:
        print(json.dumps(report, indent=1))
        return
    print_rows(report, Format.TABLE, f"{_CHANNELS} channels, {args.rounds} rounds: medians")
    out.print(f"load average {os.getloadavg()[0]:.1f} after")


def write_paths(file: Path, count: int, seed: int) -> None:
    """Distinct paths of up to 20 steps, sorted; some channels are rarer, some convert better."""
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
    kept = sorted(sorted(texts)[i] for i in random.permutation(len(texts))[:count])
    conversions = random.poisson(2, count)
    nulls = random.poisson(12, count) + 1
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


def _measured(python: str, side: str, file: Path, order: int) -> dict[str, Any]:
    """What a side said of itself.

    Raises:
        SystemExit: it failed; with what it said.
    """
    command = [python, "-m", "tests.bench.attribution_sides", side, str(file), str(order)]
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


def _summary(
    key: tuple[str, int, int], runs: dict[tuple[str, int, int], list[dict[str, Any]]]
) -> dict[str, Any]:
    """A row of the report; ``difference`` is the largest from our credit, of all conversions."""
    side, count, order = key
    seconds = [run["seconds"] for run in runs[key]]
    mine = runs["ours", count, order]
    exact, credit = mine[0]["credit"], runs[key][0]["credit"]
    total = sum(exact.values())
    apart = max(abs(credit.get(name, 0.0) - value) for name, value in exact.items()) / total
    ratio = statistics.median(seconds) / statistics.median(run["seconds"] for run in mine)
    return {
        "paths": f"{count:,}",
        "side": side,
        "order": order,
        "s": f"{statistics.median(seconds):.4f} ({min(seconds):.4f}–{max(seconds):.4f})",
        "× ours": f"{ratio:,.1f}",
        "peak MB": f"{statistics.median(run['peak_mb'] for run in runs[key]):,.0f}",
        "of them before": f"{statistics.median(run['started_mb'] for run in runs[key]):,.0f}",
        "difference": f"{apart:.1e}",
    }


if __name__ == "__main__":
    main()
