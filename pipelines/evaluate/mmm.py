"""Scores media mix engines on weeks that a person brings, beside the truth where it is known."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from pipelines.config import EngineName
from pipelines.errors import UsageError
from pipelines.evaluate.mmm_file import read_panel, read_truth
from pipelines.jobs.mmm.assumptions import broken
from pipelines.jobs.mmm.combine import pool
from pipelines.jobs.mmm.decision import best_split, decided_weeks, lift, respond
from pipelines.jobs.mmm.engine import Fitted, contributions
from pipelines.jobs.mmm.engines import engine_of
from pipelines.jobs.mmm.ensemble import Ensemble
from pipelines.jobs.mmm.ensemble.shapes import responses
from pipelines.jobs.mmm.panel import Floats, Panel

ALL, COMBINED = "all", "combined"
_LEVEL = 0.9

ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True)
class MmmScore:
    """How an engine did. What rests on a truth is None without one.

    Args:
        srmse: by channel, the root mean square error of the contribution of a row, over the
            standard deviation of the true one.
        coverage_90: the share of channels whose true total contribution is in the 90% interval.
        allocation: factor of each channel's spend in the recommended allocation.
        lift_predicted: of the outcome of the last 52 weeks, had the spend been so: a share of it,
            the posterior's mean; ``lift_interval`` has 90%.
        lift_true: what it would have been, by the shapes that fit the truth best.
        truth_r2: how well they fit, the least of the channels.
        doubts: which assumptions the data contradict, where the ensemble was fitted: with any, no
            allocation is recommended in use.
        seconds: fit and allocation.
    """

    srmse: Mapping[str, float] | None
    coverage_90: float | None
    contribution: Mapping[str, tuple[float, float, float]]
    allocation: Mapping[str, float]
    lift_predicted: float
    lift_interval: tuple[float, float]
    lift_true: float | None
    truth_r2: float | None
    doubts: tuple[str, ...]
    seconds: float

    @property
    def srmse_mean(self) -> float | None:
        """Over channels."""
        return float(np.mean(list(self.srmse.values()))) if self.srmse else None

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "srmse_mean": self.srmse_mean,
            "srmse": self.srmse,
            "coverage_90": self.coverage_90,
            "contribution": {
                name: {"mean": mean, "interval": [low, high]}
                for name, (mean, low, high) in self.contribution.items()
            },
            "allocation": self.allocation,
            "lift_predicted": self.lift_predicted,
            "lift_interval": list(self.lift_interval),
            "lift_true": self.lift_true,
            "truth_r2": self.truth_r2,
            "doubts": list(self.doubts),
            "seconds": self.seconds,
        }


def score_mmm(
    data: Path, truth: Path | None = None, engine: str = ALL, seed: int = 1
) -> dict[str, MmmScore]:
    """Fit one engine, or all, and score them; ``combined`` pools the draws of
    those that have a posterior, equally.

    Raises:
        UsageError: there is no such engine.
        InputError: a file that can't be used; says why.
    """
    if engine not in (ALL, *ENGINES):
        raise UsageError(
            f"There is no engine '{engine}'.",
            kept="nothing was read.",
            fix=f"Use one of {', '.join((ALL, *ENGINES))}.",
        )
    panel = read_panel(data)
    known = read_truth(truth, panel) if truth else None
    chosen = ENGINES if engine == ALL else tuple(n for n in ENGINES if n == engine)
    fits: dict[str, Fitted] = {}
    seconds: dict[str, float] = {}
    for name in chosen:
        began = time.perf_counter()
        fits[name] = engine_of(name)(panel, seed)
        seconds[name] = time.perf_counter() - began
    doubts = [
        doubt.sentence
        for fitted in fits.values()
        if isinstance(fitted, Ensemble)
        for doubt in broken(fitted)
    ]
    sides = {**fits, COMBINED: pool(fits)}
    spent = {**seconds, COMBINED: sum(seconds.values())}
    return {n: _score(panel, known, f, doubts, spent[n]) for n, f in sides.items()}


def _score(
    panel: Panel, truth: Floats | None, fitted: Fitted, doubts: Sequence[str], seconds: float
) -> MmmScore:
    began = time.perf_counter()
    brought, responded = contributions(fitted), respond(fitted)
    totals = brought.sum(axis=(1, 2))
    low, high = np.quantile(totals, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    factors = best_split(panel, responded)
    seconds += time.perf_counter() - began
    gain = lift(panel, responded, factors)
    srmse = coverage = lift_true = r2 = None
    if truth is not None:
        spread = truth.std(axis=(0, 1))
        error = np.sqrt(((brought.mean(axis=0) - truth) ** 2).mean(axis=(0, 1)))
        srmse = {
            name: float(e / s)
            for name, e, s in zip(panel.channels, error, spread, strict=True)
            if s > 0
        }
        true_totals = truth.sum(axis=(0, 1))
        coverage = float(((low <= true_totals) & (true_totals <= high)).mean())
        lift_true, r2 = _true_lift(panel, truth, factors, decided_weeks(panel))
    return MmmScore(
        srmse=srmse,
        coverage_90=coverage,
        contribution={
            name: (float(mean), float(low[i]), float(high[i]))
            for i, (name, mean) in enumerate(zip(panel.channels, totals.mean(axis=0), strict=True))
        },
        allocation={n: float(f) for n, f in zip(panel.channels, factors, strict=True)},
        lift_predicted=float(gain.mean()),
        lift_interval=(float(np.quantile(gain, 0.05)), float(np.quantile(gain, 0.95))),
        lift_true=lift_true,
        truth_r2=r2,
        doubts=tuple(doubts),
        seconds=seconds,
    )


def _true_lift(panel: Panel, truth: Floats, factors: Floats, weeks: int) -> tuple[float, float]:
    """The true lift, by the shape of each channel that fits its true contributions best, and the
    least R² of these fits. The truth has no noise, so the right family would fit it exactly."""
    gained, least = 0.0, 1.0
    for i in range(len(panel.channels)):
        true = truth[:, :, i].ravel()
        if not true.any():
            continue
        r = responses(panel.spend[:, :, i])
        heights = (r.features @ true) / (r.features**2).sum(axis=1)
        errors = ((r.features * heights[:, None] - true) ** 2).sum(axis=1)
        best = int(errors.argmin())
        paths = panel.spend[None, :, :, i] * np.array([1.0, factors[i]])[:, None, None]
        (curve,) = r.curves(paths, np.array([best]), weeks)
        before, after = heights[best] * curve.sum(axis=(1, 2))
        gained += float(after - before)
        varied = ((true - true.mean()) ** 2).sum()
        least = min(least, float(1 - errors[best] / varied)) if varied else least
    return gained / float(panel.outcome[:, -weeks:].sum()), least
