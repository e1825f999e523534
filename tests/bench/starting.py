"""What a command costs before it does anything: CPU, wall time and memory of whole processes.

``python -m tests.bench.starting --config adcanary.yaml --before FOLDER`` runs the commands of this
checkout and of another one (a worktree of the build to compare with), one after the other, on the
same warehouse, and prints the medians.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from pipelines.cli.console import Format, print_rows

HERE = Path(__file__).parents[2]
COMMANDS = (("--help",), ("proposals", "list"), ("job",))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="of a warehouse with proposals")
    parser.add_argument("--before", type=Path, required=True, help="checkout to compare with")
    parser.add_argument("--runs", type=int, default=9)
    asked = parser.parse_args()
    builds = {"before": asked.before.resolve(), "now": HERE}
    rows = []
    for command in COMMANDS:
        env = {"ADCANARY_CONFIG": str(asked.config.resolve())}
        for build in builds.values():
            _run(build, command, env)  # writes bytecode
        runs = [{n: _run(b, command, env) for n, b in builds.items()} for _ in range(asked.runs)]
        for name in builds:
            cpu, wall, memory = (median(run[name][i] for run in runs) for i in range(3))
            rows.append(
                {
                    "command": f"adcanary {' '.join(command)}",
                    "build": name,
                    "CPU s": round(cpu, 2),
                    "wall s": round(wall, 2),
                    "peak MB": round(memory),
                    "CPU over before": f"{median(_ratios(runs, name)):.0%}",
                }
            )
    print_rows(rows, Format.TABLE)


def _ratios(runs: Sequence[Mapping[str, tuple[float, float, float]]], name: str) -> list[float]:
    return [run[name][0] / run["before"][0] for run in runs]


def _run(build: Path, command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float, float]:
    """Seconds of CPU, seconds of wall time, and the peak of memory in MB.

    Raises:
        RuntimeError: the command failed.
    """
    began = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *command],
        cwd=build,
        env={**os.environ, **env, "PYTHONPATH": str(build)},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{build}: adcanary {' '.join(command)} ended with {status}")
    return used.ru_utime + used.ru_stime, perf_counter() - began, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
