"""The lightweight engine beside the fit of one model that it replaced, on the same weeks.

``python -m tests.bench.lightweight --before WORKTREE --data F.csv [--truth T.csv] [--rounds 3]``:
WORKTREE is a git worktree of a commit that still has ``pipelines/jobs/mmm/fit.py`` (1ba77f2). Each
fit is a process of its own, imports and compilation with it; the sides take turns. Both hold the
last weeks out in a second fit, and have the same settings and environment. Told are medians over
rounds of wall and CPU seconds, the smallest effective sample size of the channels' coefficients
(over models, where there are several) and of all parameters, and peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SIDES = ("before", "after")
_FIGURES = ("wall_s", "cpu_s", "coefficient_ess", "min_ess", "max_rhat", "peak_mb", "srmse")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--before", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side:
        print(json.dumps(_fit(chosen.side, chosen.data, chosen.truth, chosen.seed)))
        return
    here = Path(__file__).parents[2]
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for seed in range(1, chosen.rounds + 1):
        for side in SIDES if seed % 2 else SIDES[::-1]:
            root = chosen.before.resolve() if side == "before" else here
            truth = ["--truth", str(chosen.truth)] if chosen.truth else []
            command = [sys.executable, str(Path(__file__)), "--side", side, "--seed", str(seed)]
            ran = subprocess.run(
                [*command, "--data", str(chosen.data), *truth],
                env={**os.environ, "PYTHONPATH": str(root)},
                check=True,
                capture_output=True,
                text=True,
            )
            runs[side].append(json.loads(ran.stdout.splitlines()[-1]))
    for side, each in runs.items():
        median = {f: statistics.median(run[f] for run in each) for f in _FIGURES if f in each[0]}
        print(side, {name: round(value, 3) for name, value in median.items()})
        print(side, "effective samples a CPU second", round(
            statistics.median(run["coefficient_ess"] / run["cpu_s"] for run in each), 1
        ))  # fmt: skip


def _fit(side: str, data: Path, truth: Path | None, seed: int) -> dict[str, Any]:
    began = time.perf_counter()
    from pipelines.evaluate.mmm_file import read_panel, read_truth

    panel = read_panel(data)
    kept: list[tuple[float, dict[str, Any]]] = []
    brought = (_before if side == "before" else _after)(panel, seed, kept)
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures: dict[str, Any] = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "coefficient_ess": min(size for size, _ in kept),
        "peak_mb": used.ru_maxrss / 1024,
        **kept[0][1],
    }
    if truth:
        true = read_truth(truth, panel)
        error = np.sqrt(((brought - true) ** 2).mean(axis=(0, 1)))
        figures["srmse"] = float((error / true.std(axis=(0, 1))).mean())
    return figures


def _before(panel: Any, seed: int, kept: list[tuple[float, dict[str, Any]]]) -> Any:
    from numpyro.diagnostics import effective_sample_size

    from pipelines.config import MmmSettings
    from pipelines.jobs.mmm import fit
    from pipelines.jobs.mmm.weeks import Weeks

    sizes: list[float] = []
    convergence = fit._convergence

    def heard(draws: dict[str, Any]) -> tuple[float, float]:
        sizes.append(float(np.min(effective_sample_size(draws["coef_media"]))))
        return convergence(draws)

    fit._convergence = heard
    weeks = Weeks(
        starts=panel.starts,
        channels=panel.channels,
        spend_micros=np.rint(panel.spend.sum(axis=0) * 1e6).astype(np.int64),
        orders=np.rint(panel.outcome.sum(axis=0)).astype(np.int64),
        revenue_micros=np.rint(panel.outcome.sum(axis=0) * 1e6).astype(np.int64),
        currency_code="USD",
    )
    fitted = fit.fit_hill_adstock(weeks, MmmSettings(seed=seed), lambda _: None)
    kept.append((sizes[0], {"min_ess": fitted.min_ess, "max_rhat": fitted.max_rhat}))
    return fitted.contribution[None]


def _after(panel: Any, seed: int, kept: list[tuple[float, dict[str, Any]]]) -> Any:
    from numpyro.diagnostics import effective_sample_size

    from pipelines.jobs.mmm.engine import contributions
    from pipelines.jobs.mmm.lightweight import engine

    sizes: list[float] = []
    convergence = engine.convergence

    def heard(posteriors: list[Any]) -> tuple[float, float]:
        sizes.extend(float(np.min(effective_sample_size(p.contributions))) for p in posteriors)
        return convergence(posteriors)

    engine.convergence = heard
    fitted = engine.fit_lightweight(panel, seed)
    checks = fitted.checks
    # of the fit to all weeks, not of the one without the last
    kept.extend(
        (size, {"min_ess": checks["min_ess"], "max_rhat": checks["max_rhat"]}) for size in sizes[:3]
    )
    return contributions(fitted).mean(axis=0)


if __name__ == "__main__":
    main()
