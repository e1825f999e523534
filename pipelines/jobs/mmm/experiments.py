"""What an experiment on spend says about a channel, and how far it is to be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import log, sqrt
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.jobs.mmm.panel import Floats, Panel
from pipelines.money import MICROS

OUTCOME = "orders"
"""What the media mix explains."""
PRESENT_WEEKS = 4
MOST_SPENT = 1.1
"""How many times the channel's own spend in its days a test may say that it spent."""
_MOST_APART = 10.0
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class Experiment:
    """A test that changed the spend of a channel and measured what that brought.

    Args:
        experiment_id: by its list's owner and id.
        start, end: first and last day with changed spend.
        counted_to: last day on which the outcome was counted.
        test, baseline: spend on the tested over those days, and what it would have been, in money;
            None where only the difference is told.
        delta: the difference, signed.
        outcome: ``orders``, ``new_customers`` or ``revenue``.
        effect: incremental outcome of ``delta`` by the tested in the days counted, signed.
        se: its standard error.
        share: of the population, who were tested; None where it isn't told.
        geos: who were tested, where that was by geo.
    """

    experiment_id: str
    channel: str
    start: date
    end: date
    counted_to: date
    test: float | None
    baseline: float | None
    delta: float
    outcome: str
    effect: float
    se: float
    share: float | None = 1.0
    geos: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """An experiment that says nothing of a model, and why."""

    experiment_id: str
    reason: str


@dataclass(frozen=True)
class Placed:
    """An experiment as two paths of spend of a channel, beside a panel.

    Args:
        channel: its place in the panel.
        without, tested: spend with nobody and with everybody tested, [geo, week], from the panel's
            first week to the last that was counted.
        weeks: how many weeks, the last ones, were counted.
        scale: by which the difference of what the paths bring is the experiment's effect.
        touched: which of all weeks have a day of the test, [week].
    """

    experiment: Experiment
    channel: int
    without: Floats
    tested: Floats
    weeks: int
    scale: float
    touched: Floats

    @property
    def paths(self) -> Floats:
        """Both paths, [path, geo, week]."""
        return np.stack([self.without, self.tested])

    @property
    def weekly(self) -> float:
        """Mean weekly spend between the paths in the weeks of the test."""
        both = (self.without + self.tested).sum(axis=0) / 2
        return float((both * self.touched).sum() / self.touched.sum())


@dataclass(frozen=True)
class Trust:
    """By what an experiment's variance grows when it is asked about the present.

    Args:
        recency: 2^(weeks since / 52) − 1.
        spend: squared log of the ratio of the spend tested to present spend.
        lacking: share of the effect that came after the days counted, over the share within.
    """

    recency: float
    spend: float
    lacking: float

    def widened(self, se: float) -> float:
        """The standard error to work with."""
        return se * sqrt(1 + self.recency + self.spend + self.lacking)


def read_experiments(
    table: pa.Table | None,
) -> tuple[tuple[Experiment, ...], tuple[LeftOut, ...]]:
    """Rows of experiments.sql, if any, as experiments; those with an unknown amount are left
    out."""
    experiments, left_out = [], []
    for row in table.to_pylist() if table is not None else ():
        name = f"{row['account_id']}/{row['experiment_id']}"
        if None in (row["spend_delta_micros"], row["effect"], row["standard_error"]):
            reason = f"no exchange rate to {row['currency_code']} is known for {row['end_date']}"
            left_out.append(LeftOut(name, reason))
        else:
            experiments.append(_experiment(name, row))
    return tuple(experiments), tuple(left_out)


def _experiment(name: str, row: Mapping[str, Any]) -> Experiment:
    def money(column: str) -> float | None:
        micros = row[column]
        return None if micros is None else micros / MICROS

    return Experiment(
        experiment_id=name,
        channel=row["channel"],
        start=row["start_date"],
        end=row["end_date"],
        counted_to=row["counted_to"],
        test=money("spend_test_micros"),
        baseline=money("spend_baseline_micros"),
        delta=row["spend_delta_micros"] / MICROS,
        outcome=row["outcome"],
        effect=row["effect"],
        se=row["standard_error"],
        share=row["population_share"],
        geos=tuple((row["geos"] or "").splitlines()),
    )


def place(experiment: Experiment, panel: Panel, outcome: str) -> Placed | LeftOut:
    """An experiment beside a panel that explains an outcome, or why it has no place there.

    The tested are taken to respond as all do: a share s of the population with spend x brings s
    times what all bring with x/s. Spend is even over the days of the test; the panel has what was
    spent on others and on other days.
    """

    by_geo = len(panel.geos) > 1 and bool(experiment.geos)
    if reason := _misfit(experiment, panel, outcome, by_geo):
        return LeftOut(experiment.experiment_id, reason)
    share = 1.0 if by_geo else experiment.share or 1.0
    channel = panel.channels.index(experiment.channel)
    rows = np.array([not by_geo or geo in experiment.geos for geo in panel.geos], dtype=float)
    spend = panel.spend[:, :, channel] * rows[:, None]
    days = np.array([_days(experiment, start) for start in panel.starts], dtype=float)
    own = float((spend.sum(axis=0) * days / 7).sum())
    without, tested = _levels(experiment, own, share)
    if (experiment.test or 0) > own * MOST_SPENT or min(without, tested) < 0:
        said = experiment.delta if experiment.test is None else experiment.test
        reason = (
            f"it tells of a spend of {said:+,.0f}, and the channel spent {own:,.0f} in its days"
        )
        return LeftOut(experiment.experiment_id, reason)
    counted = (experiment.counted_to - panel.starts[0]).days // 7 + 1
    first = (experiment.start - panel.starts[0]).days // 7
    return Placed(
        experiment,
        channel,
        without=_path(spend, days, without)[:, :counted],
        tested=_path(spend, days, tested)[:, :counted],
        weeks=counted - first,
        scale=share,
        touched=(days > 0).astype(float)[:counted],
    )


def _misfit(experiment: Experiment, panel: Panel, outcome: str, by_geo: bool) -> str:
    """Why a panel has no place for an experiment; nothing where it has."""
    end = panel.starts[-1] + _WEEK - _DAY
    unknown = sorted(set(experiment.geos) - set(panel.geos)) if by_geo else []
    if experiment.outcome != outcome:
        return f"it counted {experiment.outcome}, and the model explains {outcome}"
    if experiment.channel not in panel.channels:
        return f"the model has no channel {experiment.channel}"
    if experiment.start < panel.starts[0] or experiment.counted_to > end:
        return (
            f"its days, {experiment.start} to {experiment.counted_to}, are not all within the "
            f"model's, {panel.starts[0]} to {end}"
        )
    if unknown:
        return f"the model has no geo {', '.join(unknown)}"
    if not by_geo and experiment.share is None:
        return "it doesn't tell which share of the population was tested"
    return ""


def trust(
    placed: Placed, panel: Panel, captured: float, present_weeks: int = PRESENT_WEEKS
) -> Trust:
    """How far an experiment is to be believed of the present.

    Args:
        captured: the share of its whole effect that came within the days counted, by the model.
        present_weeks: the last weeks of the panel, whose mean spend is the present.
    """
    weeks = (panel.starts[-1] + _WEEK - _DAY - placed.experiment.counted_to).days / 7
    present = float(panel.spend[:, -present_weeks:, placed.channel].sum(axis=0).mean())
    apart = abs(log(placed.weekly / present)) if present > 0 and placed.weekly > 0 else np.inf
    return Trust(
        recency=2.0 ** (weeks / 52) - 1,
        spend=min(apart, log(_MOST_APART)) ** 2,
        lacking=1 / min(max(captured, 1 / _MOST_APART), 1.0) - 1,
    )


def _levels(experiment: Experiment, own: float, share: float) -> tuple[float, float]:
    """Spend over the days of the test, with nobody and with everybody tested.

    ``own`` is what the channel really spent on them: the tested with, all others without.
    """
    if experiment.test is not None and experiment.baseline is not None:
        return experiment.baseline / share, experiment.test / share
    without = own - experiment.delta
    return without, without + experiment.delta / share


def _path(spend: Floats, days: Floats, total: float) -> Floats:
    """Spend by geo and week, where a total was spent on the days of the test."""
    untouched = spend * (1 - days / 7)
    by_geo = spend.sum(axis=1, keepdims=True)
    if not by_geo.sum():
        by_geo = np.ones_like(by_geo)
    shares: Floats = by_geo / by_geo.sum() * (days / days.sum())
    return untouched + total * shares


def _days(experiment: Experiment, week: date) -> int:
    """How many days of a week are of the test."""
    first, last = max(experiment.start, week), min(experiment.end, week + _WEEK - _DAY)
    return max((last - first).days + 1, 0)


def long_paths(placed: Placed, panel: Panel, weeks: int) -> Floats:
    """Both paths gone on for some weeks after those counted, with the panel's spend as far as it
    goes and its last week's after that, [path, geo, week]."""
    spend = panel.spend[:, :, placed.channel]
    after = spend[:, placed.without.shape[1] :][:, :weeks]
    lacking = weeks - after.shape[1]
    rest = np.concatenate([after, np.repeat(spend[:, -1:], lacking, axis=1)], axis=1)
    return np.stack([np.concatenate([path, rest], axis=1) for path in placed.paths])


def placed_all(
    experiments: Sequence[Experiment], panel: Panel, outcome: str
) -> tuple[tuple[Placed, ...], tuple[LeftOut, ...]]:
    """Every experiment beside a panel, and those that have no place there."""
    places = [place(experiment, panel, outcome) for experiment in experiments]
    return (
        tuple(p for p in places if isinstance(p, Placed)),
        tuple(p for p in places if isinstance(p, LeftOut)),
    )
