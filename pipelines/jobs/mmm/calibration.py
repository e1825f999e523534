"""Holds the draws of a fitted engine against experiments: which agree with what was measured.

An experiment's likelihood is that of pymc-marketing's lift tests, signed: Δy ~ Normal(f(x + Δx) −
f(x), sd), with both terms summed over the weeks in which the outcome was counted, carry-over
included. An engine that has it in its own likelihood is only compared. Draws of others are weighted
by it and resampled (importance resampling; Smith and Gelfand, 1992): a refit without the cost, as
long as enough draws keep weight, and this says where they don't.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from pipelines.jobs.base import significant
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.experiments import (
    OUTCOME,
    Experiment,
    LeftOut,
    Placed,
    Trust,
    long_paths,
    placed_all,
    trust,
)
from pipelines.jobs.mmm.panel import Floats, Panel

MIN_EFFECTIVE_DRAWS = 100.0
MIN_TAIL = 0.01
"""An experiment that the model gives less of a chance than this contradicts it."""
_LATER_WEEKS = 13


@dataclass(frozen=True)
class Comparison:
    """What an experiment measured, and what the model had expected of it.

    Args:
        lift: what the draws say that it should have measured, [draw].
        sd: its standard error, widened by ``trust``.
        tail: two-sided probability, by these draws, of a result as far out.
    """

    experiment: Experiment
    trust: Trust
    lift: Floats
    sd: float
    tail: float

    @property
    def conflicts(self) -> bool:
        """Whether it lies outside of what the model allows."""
        return not self.tail >= MIN_TAIL

    @property
    def text(self) -> str:
        """Both numbers, for a person."""
        low, _, high = np.percentile(self.lift, (10, 50, 90))
        return (
            f"experiment {self.experiment.experiment_id} ({self.experiment.channel}) measured "
            f"{self.experiment.effect:+,.1f} {self.experiment.outcome} (standard error "
            f"{self.experiment.se:,.1f}, {self.sd:,.1f} for now), and the model expects "
            f"{np.median(self.lift):+,.1f} ({low:+,.1f} to {high:+,.1f})"
        )


@dataclass(frozen=True)
class Calibration:
    """Draws held against experiments.

    Args:
        weights: of the draws; they sum to 1, [draw].
        left_out: experiments that say nothing of this model.
    """

    weights: Floats
    comparisons: tuple[Comparison, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def effective_draws(self) -> float:
        """How many equal draws the weighted ones are worth (Kish): 1 / Σw²."""
        return float(1 / (self.weights**2).sum())

    @property
    def least_effective_draws(self) -> float:
        """How many it takes to rely on the weights."""
        return min(MIN_EFFECTIVE_DRAWS, len(self.weights) / 2)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why not to rely on the weights; none where all is well."""
        doubts = [
            f"experiment_conflict: {c.text}; the model gave that a chance of {c.tail:.2g} (at "
            f"least {MIN_TAIL}), so the experiment or an assumption of the model is wrong"
            for c in self.comparisons
            if c.conflicts
        ]
        if not self.effective_draws >= self.least_effective_draws:
            doubts.append(
                f"the experiments leave {self.effective_draws:.0f} effective draws of "
                f"{len(self.weights)} (at least {self.least_effective_draws:.0f}): too few to "
                "reweight, add the engine ensemble, which fits them"
            )
        return tuple(doubts)

    def indices(self, seed: int, size: int | None = None) -> npt.NDArray[np.int64]:
        """Draws, resampled by weight (systematically: a draw comes about as often as it weighs).

        Args:
            size: how many; as many as there are by default.
        """
        size = len(self.weights) if size is None else size
        start = np.random.default_rng(seed).random()
        places = (start + np.arange(size)) / size
        last = len(self.weights) - 1
        return np.minimum(np.searchsorted(np.cumsum(self.weights), places), last).astype(np.int64)

    def checks(self) -> list[dict[str, Any]]:
        """Rows for contracts.mmm_diagnostics: name, value, bound and passed."""
        rows: list[dict[str, Any]] = []
        for c in self.comparisons:
            name = c.experiment.experiment_id
            rows += [
                _row(f"experiment_measured_{name}", c.experiment.effect),
                _row(f"experiment_predicted_{name}", float(np.median(c.lift))),
                _row(f"experiment_sd_{name}", c.sd),
                _row(f"experiment_conflict_{name}", c.tail, MIN_TAIL),
            ]
        if self.comparisons:
            least = self.least_effective_draws
            rows.append(_row("experiment_effective_draws", self.effective_draws, least))
        return rows


@dataclass(frozen=True)
class Resampled:
    """A fitted engine with some of its draws, as :class:`pipelines.jobs.mmm.engine.Fitted`."""

    fitted: Fitted
    indices: npt.NDArray[np.int64]

    @property
    def panel(self) -> Panel:
        return self.fitted.panel

    @property
    def checks(self) -> Mapping[str, float]:
        return self.fitted.checks

    def brought(self, channel: int, spend: Floats) -> Floats:
        return self.fitted.brought(channel, spend)[self.indices]

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        return self.fitted.totals(channel, paths, weeks)[self.indices]

    def expected(self, later: Panel) -> Floats:
        return self.fitted.expected(later)[self.indices]


def calibrate(
    fitted: Fitted, experiments: Sequence[Experiment], *, included: bool = False
) -> Calibration:
    """Weigh the draws of a fit by what experiments measured.

    Args:
        included: the draws are of a posterior that has the experiments in it, and weigh the same.
    """
    placed, left_out = placed_all(experiments, fitted.panel, OUTCOME)
    comparisons = tuple(compare(fitted, one) for one in placed)
    log_likelihood = _log_likelihood(fitted, () if included else comparisons)
    weight = np.exp(log_likelihood - log_likelihood.max())
    return Calibration(weight / weight.sum(), comparisons, left_out)


def compare(fitted: Fitted, placed: Placed) -> Comparison:
    """An experiment beside what each draw expects of it."""
    lift = placed.scale * _difference(fitted, placed.channel, placed.paths, placed.weeks)
    longer = long_paths(placed, fitted.panel, _LATER_WEEKS)
    whole = placed.scale * _difference(fitted, placed.channel, longer, placed.weeks + _LATER_WEEKS)
    trusted = trust(placed, fitted.panel, _captured(lift, whole))
    sd = trusted.widened(placed.experiment.se)
    below = float(ndtr((placed.experiment.effect - lift) / sd).mean())
    return Comparison(placed.experiment, trusted, lift, sd, 2 * min(below, 1 - below))


def _difference(fitted: Fitted, channel: int, paths: Floats, weeks: int) -> Floats:
    without, tested = fitted.totals(channel, paths, weeks).T
    return tested - without


def _captured(lift: Floats, whole: Floats) -> float:
    """The share of an effect that came in the weeks counted; all of it where there is none."""
    some = np.abs(whole) > 1e-12 * max(np.abs(whole).max(initial=0.0), 1e-300)
    return float(np.median(lift[some] / whole[some])) if some.any() else 1.0


def _log_likelihood(fitted: Fitted, comparisons: Sequence[Comparison]) -> Floats:
    total = np.zeros(_draws(fitted))
    for c in comparisons:
        distance = (c.experiment.effect - c.lift) / c.sd
        total -= distance**2 / 2 + np.log(c.sd * sqrt(2 * np.pi))
    return total


def _draws(fitted: Fitted) -> int:
    return len(fitted.totals(0, fitted.panel.spend[None, :, :, 0], 1))


def _row(name: str, value: float, bound: float | None = None) -> dict[str, Any]:
    """A row of diagnostics; a bound is a least value."""
    passed = bound is None or bool(value >= bound)
    return {"name": name, "value": significant(value), "bound": bound, "passed": passed}
