"""One side of the attribution benchmark, in a process and an environment of its own.

Reads a file of paths, credits a small part of them to warm up, then all of them, and prints one
JSON object. The clock runs from paths and counts in memory to each channel's credit; it runs
several times, and the median counts.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Credit = dict[str, float]
Side = Callable[[list[str], list[int], list[int], int], Credit]
WARM_UP = 100


def ours(paths: list[str], conversions: list[int], nulls: list[int], order: int) -> Credit:
    """The exact chain of ``adcanary evaluate attribution``."""
    import numpy as np

    from pipelines.jobs.attribution.markov import markov_credit
    from pipelines.jobs.attribution.paths import split_paths

    counts = np.array(conversions, dtype=np.float64)
    split = split_paths(paths, counts, np.array(nulls, dtype=np.float64), np.zeros(len(paths)))
    credit, _ = markov_credit(split, order)
    return dict(zip(split.channels, credit.tolist(), strict=True))


def shapley(paths: list[str], conversions: list[int], nulls: list[int], order: int) -> Credit:
    """The exact Shapley value of the same command."""
    import numpy as np

    from pipelines.jobs.attribution.paths import split_paths
    from pipelines.jobs.attribution.shapley import shapley_credit

    counts = np.array(conversions, dtype=np.float64)
    split = split_paths(paths, counts, np.array(nulls, dtype=np.float64), np.zeros(len(paths)))
    credit, _ = shapley_credit(split)
    return dict(zip(split.channels, credit.tolist(), strict=True))


def do_attribution(
    paths: list[str], conversions: list[int], nulls: list[int], order: int
) -> Credit:
    """do-attribution's closed form of the same removal; a row of it converts or doesn't."""
    from do_attribution import MarkovAttribution  # type: ignore[import-not-found]

    model = MarkovAttribution(order=order, removal_strategy="redirect_to_null")
    outcomes = [1] * len(paths) + [0] * len(paths)
    fitted = model.fit(paths * 2, outcomes, weights=[*conversions, *nulls])
    total = sum(conversions)
    return {name: share * total for name, share in fitted["attribution"].items()}


def channel_attribution(
    paths: list[str], conversions: list[int], nulls: list[int], order: int
) -> Credit:
    """ChannelAttribution's simulation at its default precision, one thread."""
    import pandas as pd
    from ChannelAttribution import markov_model  # type: ignore[import-not-found]

    table = pd.DataFrame({"path": paths, "conversions": conversions, "nulls": nulls})
    fitted = markov_model(
        table,
        "path",
        "conversions",
        var_null="nulls",
        order=order,
        sep=">",
        seed=1,
        verbose=False,
        flg_pro=False,
    )
    result = fitted["result"] if isinstance(fitted, dict) else fitted
    return dict(zip(result["channel_name"], result["total_conversions"], strict=True))


SIDES: dict[str, Side] = {
    "ours": ours,
    "shapley": shapley,
    "do-attribution": do_attribution,
    "ChannelAttribution": channel_attribution,
}


def main() -> None:
    """``SIDE FILE ORDER TIMES``; ``python -m tests.bench.attribution`` runs all of them."""
    warnings.simplefilter("ignore")
    side, file = SIDES[sys.argv[1]], Path(sys.argv[2])
    order, times = int(sys.argv[3]), int(sys.argv[4])
    paths: list[str] = []
    conversions: list[int] = []
    nulls: list[int] = []
    with file.open(newline="") as rows:
        for row in csv.DictReader(rows):
            paths.append(row["path"])
            conversions.append(int(row["total_conversions"]))
            nulls.append(int(row["total_null"]))
    side(paths[:WARM_UP], conversions[:WARM_UP], nulls[:WARM_UP], order)
    before = _peak_mb()
    seconds, cpu_seconds = [], []
    for _ in range(times):
        began, cpu = time.perf_counter(), time.process_time()
        credit = side(paths, conversions, nulls, order)
        seconds.append(time.perf_counter() - began)
        cpu_seconds.append(time.process_time() - cpu)
    done: dict[str, Any] = {
        "seconds": statistics.median(seconds),
        "cpu_seconds": statistics.median(cpu_seconds),
        "started_mb": before,
        "peak_mb": _peak_mb(),
        "credit": {name: float(value) for name, value in credit.items()},
    }
    print(json.dumps(done))


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
