"""Fits the engines, predicts the past with them, and combines what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from pipelines.config import EngineName
from pipelines.jobs.base import Progress
from pipelines.jobs.mmm.backtest import AHEAD, Backtest, backtest, origin_weeks, predict
from pipelines.jobs.mmm.calibration import Resampled, calibrate
from pipelines.jobs.mmm.checks import Check
from pipelines.jobs.mmm.combine import LEADER, combine, opinion_weights
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.engines import engine_of
from pipelines.jobs.mmm.experiments import read_experiments
from pipelines.jobs.mmm.panel import Floats, Panel

COMPARED = 2
"""Origins from which every engine predicts: enough to notice one that is far off, and few enough
for engines that take long."""


@dataclass(frozen=True)
class Answer:
    """What the engines say together.

    Args:
        fits: by engine.
        leader: the engine that predicts from every origin.
        weights: by engine, of the pool.
        fitted: the pool, held against experiments where there are any.
        past: how the leading engine predicted the past.
    """

    fits: Mapping[str, Fitted]
    leader: str
    weights: Mapping[str, float]
    fitted: Fitted
    past: Backtest


def answer(
    panel: Panel, engines: Sequence[EngineName], origins: int, seed: int, progress: Progress
) -> Answer:
    """Fit and predict; the same arguments give the same on one kind of processor.

    An engine whose draws are no posterior, as it says itself, is compared with and not pooled.

    Args:
        engines: the first leads, unless the ensemble is among them.
        origins: of the leading engine's predictions.
    """
    leader: EngineName = LEADER if LEADER in engines else engines[0]
    fits: dict[str, Fitted] = {}
    for name in engines:
        progress(f"mmm: fitting {len(panel.starts)} weeks, {len(panel.channels)} channels: {name}")
        fits[name] = engine_of(name)(panel, seed)
    weeks = origin_weeks(len(panel.starts), origins)
    past = backtest(panel, predict(engine_of(leader), panel, weeks, seed, progress), seed)
    pooled = [name for name in engines if fits[name].checks.get("posterior", 1.0)]
    weights: dict[str, float] = {leader: 1.0}
    if len(pooled) > 1:
        whole = [w for w in weeks if w + AHEAD <= len(panel.starts)]
        compared = sorted(whole[::-2][:COMPARED])
        scores: dict[str, Floats] = {
            name: backtest(
                panel,
                [o for o in past.origins if o.weeks in compared]
                if name == leader
                else predict(engine_of(name), panel, compared, seed, progress),
                seed,
            ).log_scores
            for name in pooled
        }
        weights = opinion_weights(scores)
    return Answer(fits, leader, weights, combine({n: fits[n] for n in weights}, weights), past)


def calibrated(said: Answer, experiments: pa.Table, seed: int) -> tuple[Answer, list[Check]]:
    """The answer with the draws that go with experiments, and what that says of both.

    Args:
        experiments: rows of experiments.sql.
    """
    measured, unread = read_experiments(experiments)
    calibration = calibrate(said.fitted, measured)
    checks = [Check(**row) for row in calibration.checks()]
    checks += [
        Check(f"experiment_left_out_{one.experiment_id}", 1.0, message=one.reason)
        for one in (*unread, *calibration.left_out)
    ]
    checks += [
        Check(f"experiment_doubt_{i}", 1.0, 0.0, passed=False, refuses=True, message=doubt)
        for i, doubt in enumerate(calibration.doubts)
    ]
    if not calibration.comparisons:
        return said, checks
    return replace(said, fitted=Resampled(said.fitted, calibration.indices(seed))), checks
