"""The component benchmark: ours in a real ``dbt run``, beside SciPy, Splink and minimum labels.

All solve the same seeded edges (``component_edges``) on two threads, each in a process of its own,
and take turns. Ours also takes 100,000 later edges on top, the same edges again, and a path of
100,000 nodes, which the peers are given a minute for. ``docs/benchmarks.md`` has the results.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.cli.console import Format, err, out, print_rows
from tests.bench.component_sides import SIDES

ROOT = Path(__file__).parents[2]
_DBT = (sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()")
_MEMORY = "1200MB"
_PATIENCE = {"build": 1800.0, "path": 60.0}
_TASKS = {
    "build": "select * from input.main.edges",
    "later": "select * from input.main.edges union all select * from input.main.later_edges",
    "unchanged": "select * from input.main.edges union all select * from input.main.later_edges",
    "path": "select * from input.main.path_edges",
}
_MODEL = """{{ config(materialized='connected_components', meta={'history': '%s_merges'}) }}
select left_node, right_node, first_seen_at from ({{ var('edges') }}) as edges
"""


@dataclass(frozen=True)
class Run:
    """What one process took.

    Args:
        seconds: from edges to a table; of ours dbt's model, without dbt's start.
        wall_seconds: of the whole process, dbt's start or Python's imports included.
        solve_seconds: of the graph's solution alone.
        cpu_seconds: user and system, of all threads.
        peak_mb: peak of its resident memory, in MB of 2^20 bytes.
        rounds: rounds of the algorithm; 0 where it has none.
        components: how many it found.
    """

    seconds: float
    wall_seconds: float
    solve_seconds: float
    cpu_seconds: float
    peak_mb: float
    rounds: int
    components: int


def main() -> None:
    """Run the sides in turn and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--later", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    sides = ("ours", *SIDES)
    parser.add_argument("--only", nargs="+", choices=sides, default=list(sides))
    parser.add_argument("--folder", type=Path, help="keeps the edges, for a further run")
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        edges = folder / f"edges-{args.edges}-{args.later}.duckdb"
        if not edges.exists():
            err.print(f"making {args.edges:,} edges")
            make = "import sys; from pathlib import Path; from tests.bench.component_edges import *"
            make += "; write_edges(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))"
            sizes = [str(edges), str(args.edges), str(args.later)]
            subprocess.run([sys.executable, "-c", make, *sizes], cwd=ROOT, check=True)
        runs: dict[tuple[str, str], list[Run | None]] = {}
        for round_ in range(args.rounds):
            turn = round_ % len(args.only)
            for side in [*args.only[turn:], *args.only[:turn]]:
                with tempfile.TemporaryDirectory(dir=folder) as scratch:
                    place = Path(scratch)
                    found = _ours(edges, place) if side == "ours" else _peer(side, edges, place)
                for task, run in found.items():
                    runs.setdefault((side, task), []).append(run)
                    err.print(f"round {round_ + 1} {side} {task}: {run}")
    _check(runs)
    report = [_summary(side, task, found) for (side, task), found in runs.items()]
    if args.format is Format.JSON:
        print(json.dumps({"edges": args.edges, "later": args.later, "runs": report}, indent=1))
    else:
        print_rows(report, Format.TABLE, f"{args.edges:,} edges, {args.rounds} rounds: medians")
        out.print(f"load average {load_before:.1f} before and {os.getloadavg()[0]:.1f} after")


def _ours(edges: Path, scratch: Path) -> dict[str, Run | None]:
    """Every task in a ``dbt run`` of its own, on a DuckDB file on disk."""
    output = {
        "type": "duckdb",
        "path": str(scratch / "ours.duckdb"),
        "schema": "marts",
        "threads": 2,
        "settings": {"TimeZone": "UTC", "memory_limit": _MEMORY},
        "attach": [{"path": str(edges), "alias": "input", "read_only": True}],
    }
    project = {
        "name": "adcanary",
        "profile": "adcanary",
        "macro-paths": [str(ROOT / "dbt" / "macros")],
        "dispatch": [{"macro_namespace": "dbt", "search_order": ["adcanary", "dbt"]}],
        "flags": {"send_anonymous_usage_stats": False},
    }
    profile = {"adcanary": {"target": "duckdb", "outputs": {"duckdb": output}}}
    (scratch / "models").mkdir()
    (scratch / "dbt_project.yml").write_text(json.dumps(project))
    (scratch / "profiles.yml").write_text(json.dumps(profile))
    for model in ("identities", "path"):
        (scratch / "models" / f"{model}.sql").write_text(_MODEL % model)
    found: dict[str, Run | None] = {}
    for task, sql in _TASKS.items():
        model = "path" if task == "path" else "identities"
        variables = json.dumps({"edges": sql})
        command = [*_DBT, "--no-version-check", "run", f"--select={model}", f"--vars={variables}"]
        process = _measured(command, scratch, None)
        assert process is not None
        said, wall, cpu, peak = process
        results = json.loads((scratch / "target" / "run_results.json").read_text())["results"]
        solved = re.search(r"solved in (\d+) round\(s\), ([\d.]+) s", said)
        found[task] = Run(
            seconds=results[0]["execution_time"],
            wall_seconds=wall,
            solve_seconds=float(solved[2]) if solved else 0.0,
            cpu_seconds=cpu,
            peak_mb=peak,
            rounds=int(solved[1]) if solved else 0,
            components=_components(scratch / "ours.duckdb", model),
        )
    return found


def _peer(side: str, edges: Path, scratch: Path) -> dict[str, Run | None]:
    found: dict[str, Run | None] = {}
    for task, table in (("build", "edges"), ("path", "path_edges")):
        script = (sys.executable, "-m", "tests.bench.component_sides", side)
        command = [*script, str(edges), table, str(scratch / f"{task}.duckdb")]
        process = _measured(command, ROOT, _PATIENCE[task])
        if process is None:
            found[task] = None
            continue
        said, wall, cpu, peak = process
        told: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        found[task] = Run(wall_seconds=wall, cpu_seconds=cpu, peak_mb=peak, **told)
    return found


def _measured(
    command: list[str], folder: Path, patience: float | None
) -> tuple[str, float, float, float] | None:
    """What a process said, its wall and CPU seconds, its peak in MB; None where time ran out.

    Raises:
        SystemExit: it failed; with what it said.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        timer = threading.Timer(patience or 1e6, lambda: os.kill(process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        output.seek(0)
        said = output.read()
    if process.returncode == -signal.SIGKILL and patience and wall >= patience:
        return None
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    return said, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _components(path: Path, table: str) -> int:
    """Counted in another process: a child's peak starts from its parent's memory."""
    sql = f"SELECT count(DISTINCT component_id) FROM marts.{table}"
    count = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
    command = [sys.executable, "-c", count, str(path), sql]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(said.strip("[(,)]\n"))


def _check(runs: dict[tuple[str, str], list[Run | None]]) -> None:
    """Every side found as many components."""
    for task in ("build", "path"):
        counts = {r.components for (_, t), found in runs.items() for r in found if r and t == task}
        if len(counts) > 1:
            raise SystemExit(f"The sides found different components of {task}: {counts}.")


def _summary(side: str, task: str, found: list[Run | None]) -> dict[str, Any]:
    done = [run for run in found if run is not None]
    names = ("solve s", "process s", "CPU s", "peak MB", "rounds", "components")
    if not done:
        unfinished = f"unfinished after {_PATIENCE[task]:.0f}"
        return {"side": side, "task": task, "s": unfinished} | dict.fromkeys(names, "")

    def median(name: str) -> float:
        return statistics.median(getattr(run, name) for run in done)

    seconds = [run.seconds for run in done]
    values = (
        f"{median('solve_seconds'):.2f}",
        f"{median('wall_seconds'):.1f}",
        f"{median('cpu_seconds'):.1f}",
        f"{median('peak_mb'):,.0f}",
        f"{median('rounds'):.0f}",
        f"{done[0].components:,}",
    )
    spread = f"{median('seconds'):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"
    return {"side": side, "task": task, "s": spread} | dict(zip(names, values, strict=True))


if __name__ == "__main__":
    main()
