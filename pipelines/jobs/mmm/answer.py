"""Fits the engines, predicts the past with them, and combines what they say, experiments
included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.config import EngineName
from pipelines.jobs.base import Progress
from pipelines.jobs.mmm.backtest import AHEAD, Backtest, backtest, origin_weeks, predict
from pipelines.jobs.mmm.calibration import Calibration, Resampled, calibrate
from pipelines.jobs.mmm.checks import Check
from pipelines.jobs.mmm.combine import LEADER, combine, opinion_weights
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.engines import INCLUDING, engine_of
from pipelines.jobs.mmm.experiments import Experiment, LeftOut
from pipelines.jobs.mmm.panel import Floats, Panel

COMPARED = 2
"""Origins from which every engine predicts: enough to notice one that is far off, and few enough
for engines that take long."""


@dataclass(frozen=True)
class Answer:
    """What the engines say together.

    Args:
        fits: by engine, with the experiments.
        leader: the engine that predicts from every origin.
        weights: by engine, of the pool.
        fitted: the pool.
        past: how the leading engine predicted the past.
        calibrations: by engine, its draws beside the experiments.
    """

    fits: Mapping[str, Fitted]
    leader: str
    weights: Mapping[str, float]
    fitted: Fitted
    past: Backtest
    calibrations: Mapping[str, Calibration]

    @property
    def calibration(self) -> Calibration:
        """The leader's."""
        return self.calibrations[self.leader]

    def experiment_checks(self, unread: Sequence[LeftOut]) -> Iterator[Check]:
        """What the experiments say of the answer, and the answer of them.

        Args:
            unread: experiments that couldn't be read.
        """
        yield from (Check(**row) for row in self.calibration.checks())
        for one in (*unread, *self.calibration.left_out):
            yield Check(f"experiment_left_out_{one.experiment_id}", 1.0, message=one.reason)
        for i, doubt in enumerate(self.calibration.doubts):
            name = f"experiment_doubt_{i}"
            yield Check(name, 1.0, 0.0, passed=False, refuses=True, message=doubt)
        for name, calibration in self.calibrations.items():
            if name != self.leader and calibration.doubts:
                why = f"{name} isn't pooled: {calibration.doubts[0]}"
                yield Check(f"engine_beside_experiments_{name}", 1.0, 0.0, False, message=why)


def answer(
    panel: Panel,
    engines: Sequence[EngineName],
    origins: int,
    seed: int,
    progress: Progress,
    *,
    experiments: Sequence[Experiment] = (),
) -> Answer:
    """Fit and predict; the same arguments give the same on one kind of processor.

    An engine whose draws are no posterior, as it says itself, or don't go with the experiments, is
    compared with and not pooled.

    Args:
        engines: the first leads, unless the ensemble is among them.
        origins: of the leading engine's predictions.
    """
    leader: EngineName = LEADER if LEADER in engines else engines[0]
    fits: dict[str, Fitted] = {}
    calibrations: dict[str, Calibration] = {}
    for name in engines:
        progress(f"mmm: fitting {len(panel.starts)} weeks, {len(panel.channels)} channels: {name}")
        fitted = engine_of(name)(panel, seed, experiments)
        held = calibrate(fitted, experiments, included=name in INCLUDING)
        reweighted = held.comparisons and name not in INCLUDING
        fits[name] = Resampled(fitted, held.indices(seed)) if reweighted else fitted
        calibrations[name] = held
    weeks = origin_weeks(len(panel.starts), origins)
    predicted = predict(engine_of(leader), panel, weeks, seed, progress, experiments=experiments)
    past = backtest(panel, predicted, seed)
    pooled = [
        name
        for name in engines
        if fits[name].checks.get("posterior", 1.0)
        and (name == leader or not calibrations[name].doubts)
    ]
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
    combined = combine({n: fits[n] for n in weights}, weights)
    return Answer(fits, leader, weights, combined, past, calibrations)
