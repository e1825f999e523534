"""What ``adcanary build`` costs when nothing is new, or a day: CPU and wall time of processes.

``python -m tests.bench.nothing_new --config adcanary.yaml --before FOLDER`` runs the build of this
checkout and that of another one (a worktree of the build to compare with), one after the other,
each on a copy of the folder with the DuckDB file. The first of each, which may have something to
do, isn't counted. With ``--restated 7``, the batches of the last 7 days with data are announced
again before each build, as on an ordinary day. Printed are the medians, and what each build said
last.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb

from pipelines.cli.console import Format, print_rows
from pipelines.config import load_settings

HERE = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="of a warehouse with data")
    parser.add_argument("--before", type=Path, required=True, help="checkout to compare with")
    parser.add_argument("--restated", type=int, default=0, help="days that are new to each build")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    checkouts = {"before": asked.before.resolve(), "now": HERE}
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
        configs = {name: Path(folder) / name / asked.config.name for name in checkouts}
        for config in configs.values():
            shutil.copytree(asked.config.resolve().parent, config.parent)
        runs = [
            {n: _build(c, configs[n], asked.restated) for n, c in checkouts.items()}
            for _ in range(1 + asked.runs)
        ][1:]
    rows = [_row(name, [run[name] for run in runs]) for name in checkouts]
    print_rows(rows, Format.TABLE)


def _row(name: str, runs: Sequence[tuple[float, float, str]]) -> dict[str, str | float]:
    return {
        "build": name,
        "CPU s": round(median(cpu for cpu, _, _ in runs), 2),
        "wall s": round(median(wall for _, wall, _ in runs), 2),
        "said": runs[-1][2],
    }


def _announce(config: Path, days: int) -> None:
    """Say of the batches of the last days that they were published now, and of all others that it
    was the day before: a build looks an hour back."""
    with duckdb.connect(str(load_settings(config).warehouse.path)) as connection:
        connection.execute(
            "UPDATE raw.load_ledger SET published_at = published_at - INTERVAL 1 DAY "
            "WHERE published_at > now() - INTERVAL 1 DAY"
        )
        connection.execute(
            "UPDATE raw.load_ledger SET published_at = now() WHERE window_start > "
            "(SELECT max(window_end) FROM raw.load_ledger WHERE window_end < now()) - ?",
            [days],
        )


def _build(checkout: Path, config: Path, restated: int) -> tuple[float, float, str]:
    """Seconds of CPU, those of dbt included, seconds of wall time, and the last line.

    Raises:
        RuntimeError: the build failed.
    """
    if restated:
        _announce(config, restated)
    began = perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "build"],
            cwd=checkout,
            env={**os.environ, "ADCANARY_CONFIG": str(config), "PYTHONPATH": str(checkout)},
            stdout=said,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = perf_counter() - began
        said.seek(0)
        lines = said.read().splitlines()
    if process.returncode:
        raise RuntimeError(f"{checkout}: adcanary build ended with {process.returncode}: {lines}")
    return used.ru_utime + used.ru_stime, wall, lines[-1]


if __name__ == "__main__":
    main()
