"""The landing benchmark: ours, audit off and on, against dlt, on the same rows in one run.

Every side lands two loads of the same keys, the second with other metrics, into a new DuckDB
file; each run is a process of its own, and the sides take turns. ``docs/benchmarks.md`` has the
results.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.cli.console import Format, err, out, print_rows

ROOT = Path(__file__).parents[2]
DLT_PYTHON = ROOT / ".bench" / "venv" / "bin" / "python"
_OURS = (sys.executable, "-m", "tests.bench.ours")
_DLT = (str(DLT_PYTHON), "-m", "tests.bench.dlt_merge")
SIDES: dict[str, tuple[str, ...]] = {
    "ours": _OURS,
    "ours-audit": (*_OURS, "--audit"),
    "dlt-arrow": (*_DLT, "--items", "arrow"),
    "dlt-arrow-unique": (*_DLT, "--items", "arrow", "--unique"),
    "dlt-dicts": (*_DLT, "--items", "dicts", "--unique", "--workers", "2", "--file-rows", "50000"),
}
_FROM_ARROW = ("dlt-arrow", "dlt-arrow-unique")
_LOADS = 2
_POLL_SECONDS = 0.1

Run = dict[str, Any]


def main() -> None:
    """Run the sides in turn and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows a load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=tuple(SIDES), default=list(SIDES))
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    if not DLT_PYTHON.exists() and any(side.startswith("dlt") for side in args.only):
        parser.error("dlt's environment is missing; `make bench` installs it.")
    load_before = os.getloadavg()[0]
    runs: dict[str, list[Run]] = {side: [] for side in args.only}
    for round_ in range(args.rounds):
        turn = round_ % len(args.only)
        for side in [*args.only[turn:], *args.only[:turn]]:
            run = _run(side, args.rows)
            runs[side].append(run)
            err.print(f"round {round_ + 1} {side}: {_rate(args.rows, run):,.0f} rows/s")
    machine = _machine() | {"load_before": load_before, "load_after": os.getloadavg()[0]}
    report = {
        "rows": args.rows,
        "rounds": args.rounds,
        "machine": machine,
        "sides": {side: _summary(args.rows, found) for side, found in runs.items()},
    }
    report["ratios"] = _ratios(report["sides"])
    if args.format is Format.JSON:
        print(json.dumps(report, indent=1))
    else:
        _print(report)


def _run(side: str, rows: int) -> Run:
    """One process of one side; its peak is that of the whole process tree.

    Raises:
        SystemExit: it failed, or what it landed is wrong; with what it said.
    """
    command = [*SIDES[side], "--rows", str(rows)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        tree_mb = 0.0
        while process.poll() is None:
            tree_mb = max(tree_mb, _tree_mb(process.pid))
            time.sleep(_POLL_SECONDS)
        said, complaint = process.communicate()
    if process.returncode:
        raise SystemExit(f"{side} failed:\n{complaint.strip()[-2000:]}")
    run: Run = json.loads(said.strip().splitlines()[-1])
    run["peak_mb"] = max(tree_mb, run["peak_mb"])
    return run


def _tree_mb(pid: int) -> float:
    """Memory of a process and its children, shared pages once; 0 where it has no children.

    Of a single process the kernel keeps the exact peak, and asking would only disturb it.
    """
    pids = [pid]
    for parent in pids:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
    if len(pids) == 1:
        return 0.0
    total = 0
    for found in pids:
        with suppress(OSError, IndexError):  # it ended meanwhile
            rollup = Path(f"/proc/{found}/smaps_rollup").read_text()
            total += int(rollup.split("\nPss:")[1].split()[0])
    return total / 1024


def _summary(rows: int, runs: list[Run]) -> dict[str, Any]:
    return {
        "rows_per_second": _spread(runs, lambda run: _rate(rows, run)),
        "first_load": _spread(runs, lambda run: rows / run["seconds"][0]),
        "second_load": _spread(runs, lambda run: rows / run["seconds"][1]),
        "cpu_seconds": _spread(runs, lambda run: sum(run["cpu_seconds"])),
        "peak_mb": _spread(runs, lambda run: run["peak_mb"]),
        "started_mb": _spread(runs, lambda run: run["started_mb"]),
        "versions": runs[0]["versions"],
    }


def _rate(rows: int, run: Run) -> float:
    """Rows a second over both loads."""
    return float(_LOADS * rows / sum(run["seconds"]))


def _spread(runs: Iterable[Run], value: Callable[[Run], float]) -> dict[str, float]:
    values = [value(run) for run in runs]
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _ratios(sides: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Ours over dlt-from-Arrow, from medians. CPU seconds hold on a busy machine too."""
    return {
        f"{ours} / {theirs}": {
            measure: sides[ours][measure]["median"] / sides[theirs][measure]["median"]
            for measure in ("rows_per_second", "peak_mb", "cpu_seconds")
        }
        for ours in sides
        if ours.startswith("ours")
        for theirs in _FROM_ARROW
        if theirs in sides
    }


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cpu = Path("/proc/cpuinfo").read_text().split("model name\t: ")[-1].splitlines()[0]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": cpu,
        "memory_gb": round(memory, 1),
        "python": platform.python_version(),
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def _print(report: dict[str, Any]) -> None:
    def of(value: dict[str, float]) -> str:
        return f"{value['median']:,.0f} ({value['min']:,.0f}–{value['max']:,.0f})"

    rows = [
        {
            "side": side,
            "rows/s": of(found["rows_per_second"]),
            "first load": f"{found['first_load']['median']:,.0f}",
            "second load": f"{found['second_load']['median']:,.0f}",
            "CPU s": f"{found['cpu_seconds']['median']:.1f}",
            "peak MB": of(found["peak_mb"]),
        }
        for side, found in report["sides"].items()
    ]
    title = f"{report['rows']:,} rows a load, {report['rounds']} rounds: median (min–max)"
    print_rows(rows, Format.TABLE, title)
    for pair, ratio in report["ratios"].items():
        out.print(
            f"{pair}: {ratio['rows_per_second']:.2f} × the rows/s, "
            f"{ratio['peak_mb']:.2f} × the peak memory, {ratio['cpu_seconds']:.2f} × the CPU"
        )
    machine = report["machine"]
    versions = {k: v for found in report["sides"].values() for k, v in found["versions"].items()}
    out.print(
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gb']} GB, load average "
        f"{machine['load_before']:.1f} before and {machine['load_after']:.1f} after; Python "
        f"{machine['python']}, {', '.join(f'{k} {v}' for k, v in sorted(versions.items()))}"
    )


if __name__ == "__main__":
    main()
