"""What a fit of the media mix takes where its program was compiled before, and where it wasn't.

``python -m tests.bench.compiled_program [--runs 3]``: the lightweight engine fits a market of two
geos and 78 weeks in processes of its own, with JAX's cache folder empty and then filled. Printed
are medians of CPU and wall time, and of the peak of memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from pipelines.cli.console import Format, print_rows

_FIT = """
from pipelines.jobs.mmm.lightweight import fit_lightweight
from tests.unit.test_mmm_lightweight import market
fit_lightweight(market()[0], 3)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    measured: dict[str, list[tuple[float, float, float]]] = {"compiled anew": [], "kept": []}
    for _ in range(asked.runs):
        with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
            for runs in measured.values():
                runs.append(_fit(Path(folder)))
    rows = [
        {
            "program": name,
            "CPU s": round(median(cpu for cpu, _, _ in runs), 1),
            "wall s": round(median(wall for _, wall, _ in runs), 1),
            "peak MB": round(median(peak for _, _, peak in runs)),
        }
        for name, runs in measured.items()
    ]
    print_rows(rows, Format.TABLE)


def _fit(cache: Path) -> tuple[float, float, float]:
    """CPU and wall seconds, and MB of 2^20 bytes."""
    began = perf_counter()
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)}
    process = subprocess.Popen([sys.executable, "-c", _FIT], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the fit ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, perf_counter() - began, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
