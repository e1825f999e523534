"""The mmm job: from complete weeks to curves, an allocation and the verdict on both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import MmmSettings, Settings
from pipelines.jobs.base import Outcome, Plot, Progress, significant
from pipelines.jobs.mmm import diagnostics
from pipelines.jobs.mmm.allocation import NoSplit, split_budget
from pipelines.jobs.mmm.answer import Answer, answer
from pipelines.jobs.mmm.assumptions import broken
from pipelines.jobs.mmm.checks import Check, at_least, at_most
from pipelines.jobs.mmm.controls import control_signs, controls_of
from pipelines.jobs.mmm.curves import curve_rows, percentiles
from pipelines.jobs.mmm.engine import Fitted, contributions
from pipelines.jobs.mmm.ensemble import Ensemble
from pipelines.jobs.mmm.experiment import Experiment, experiment
from pipelines.jobs.mmm.experiments import read_experiments
from pipelines.jobs.mmm.forward import ahead
from pipelines.jobs.mmm.panel import Floats, Panel
from pipelines.jobs.mmm.plots import PLOTS
from pipelines.jobs.mmm.rows import contribution_rows, prediction_rows
from pipelines.jobs.mmm.segments import empty_segments
from pipelines.jobs.mmm.stability import (
    earlier_answers,
    measured_since,
    stability,
    stored_answers,
    surprise,
)
from pipelines.jobs.mmm.weeks import (
    MAX_AGE_DAYS,
    MICRO,
    MIN_SPEND_VARIATION,
    Refusal,
    Weeks,
    panel_of,
    prepare_weeks,
)
from pipelines.policy_settings import AllocationCaps
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

CURVES = "contracts.mmm_curves"
ALLOCATIONS = "contracts.mmm_allocations"
DIAGNOSTICS = "contracts.mmm_diagnostics"
CONTRIBUTIONS = "contracts.mmm_contributions_weekly"
PREDICTIONS = "contracts.mmm_predictions_weekly"
CERTIFICATES = "contracts.mmm_certificates"
WEEKS, CONTROLS, EXPERIMENTS = "mmm_input_weekly", "mmm_controls_weekly", "experiments"
LATE_ACCOUNTS, PREVIOUS, CAMPAIGNS = "late_accounts", "previous_run", "campaigns"
FIRST_WEEKS = timedelta(weeks=4)
"""An account whose data begins later than this after the first week began late."""
COMING = timedelta(weeks=13)
"""What is known of the calendar for so long is read."""
PREVIOUS_DAYS = timedelta(days=35)
"""An earlier run that is older than this isn't compared with."""

Rows = list[dict[str, Any]]


class MmmJobSettings(Section):
    mmm: MmmSettings
    guardrails: AllocationCaps


class MmmJob:
    """Media mix model and allocation (see :class:`pipelines.jobs.base.Job`)."""

    name = "mmm"
    model_version = "pool-3"
    tables = (CURVES, ALLOCATIONS, CERTIFICATES, DIAGNOSTICS, CONTRIBUTIONS, PREDICTIONS)
    plots: tuple[Plot, ...] = PLOTS

    def settings(self, settings: Settings) -> MmmJobSettings:
        caps = settings.guardrails.model_dump(include=set(AllocationCaps.model_fields))
        return MmmJobSettings(mmm=settings.jobs.mmm, guardrails=AllocationCaps(**caps))

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        last_week_start = as_of - timedelta(days=6)
        weekly = warehouse.query(_sql("input"), {"last_week_start": last_week_start})
        if not weekly.num_rows:
            return {WEEKS: weekly}
        after = min(weekly["week_start"].to_pylist()) + FIRST_WEEKS
        since = as_of - PREVIOUS_DAYS
        version = {"model_version": self.model_version}
        further = {
            EXPERIMENTS: warehouse.query(_sql("experiments"), {"as_of": as_of}),
            CAMPAIGNS: warehouse.query(_sql("campaigns")),
            CONTROLS: warehouse.query(_sql("controls"), {"until": as_of + COMING}),
            LATE_ACCOUNTS: warehouse.query(_sql("late_accounts"), {"after": after, "as_of": as_of}),
            PREVIOUS: warehouse.query(
                _sql("previous"), {"as_of": as_of, "since": since, **version}
            ),
        }
        # a run's id is made of what is read: where there is nothing further, of nothing more
        return {WEEKS: weekly, **{k: rows for k, rows in further.items() if rows.num_rows}}

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: MmmJobSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        limits = settings.mmm
        empty = empty_segments(limits.segments or (), inputs.get(CAMPAIGNS))
        notes = "".join(f" {check.message}" for check in empty)
        weeks = prepare_weeks(inputs[WEEKS], limits, as_of, inputs.get(LATE_ACCOUNTS))
        if isinstance(weeks, Refusal):
            refused = [at_least("weeks", weeks.weeks, limits.min_weeks)]
            return _outcome(weeks.verdict, weeks.reason + notes, [*refused, *empty], {})
        controls = controls_of(inputs.get(CONTROLS), weeks.starts)
        panel = panel_of(weeks, controls)
        measured, unread = read_experiments(inputs.get(EXPERIMENTS))
        said = answer(
            panel, limits.engines, limits.origins, limits.seed, progress, experiments=measured
        )
        expected = said.fitted.expected(panel).sum(axis=1)
        brought = contributions(said.fitted)
        ensemble = said.fits.get("ensemble")
        checks = [
            at_least("weeks", len(weeks.starts), limits.min_weeks),
            at_most("data_age_days", (as_of - weeks.end).days, MAX_AGE_DAYS),
            at_least("min_spend_variation", weeks.spend_variation.min(), MIN_SPEND_VARIATION),
            *diagnostics.convergence(said.fitted, limits),
            *diagnostics.prediction(said.past, limits),
            *diagnostics.channels(said.fitted, weeks, expected),
            *diagnostics.data(panel, brought.mean(axis=0).sum(axis=(0, 2))),
            *diagnostics.agreement(said.fits, said.weights, limits),
            *_stable(said, weeks, inputs.get(PREVIOUS)),
            *_assumed(ensemble),
            *(control_signs(ensemble, controls) if isinstance(ensemble, Ensemble) else ()),
            *controls.checks(),
            *empty,
            *said.experiment_checks(unread),
        ]
        progress("mmm: working out curves, the weeks to come and what an experiment would tell")
        experiments = [
            experiment(said.fitted, i, weeks.typical_money(i), said.past.noise)
            for i in range(len(weeks.channels))
        ]
        checks += [
            Check(f"experiment_weeks_{e.channel}", e.weeks, channel=e.channel, message=str(e))
            for e in experiments
        ]
        horizon = max(limits.horizons)
        known = controls.of([weeks.starts[-1] + timedelta(weeks=i + 1) for i in range(horizon)])
        later = ahead(panel, weeks.current_micros / MICRO, known, horizon)
        rows = _rows(said, weeks, later, expected, limits)
        rows[CONTRIBUTIONS] = list(contribution_rows(panel, brought))
        if doubts := [check.doubt for check in checks if check.doubt]:
            reason = f"The fit can't be relied on: {'; '.join(doubts)}. {_telling(experiments)}"
            return _outcome("INCONCLUSIVE", reason + notes, checks, rows)
        progress("mmm: finding the best split of the budget under the caps")
        split = split_budget(said.fitted, weeks, settings.guardrails, limits.allocation)
        if isinstance(split, NoSplit):
            checks.append(at_least("allocation_exists", 0, 1, split.reason))
            return _outcome("INCONCLUSIVE", split.reason + notes, checks, rows)
        rows[ALLOCATIONS] = split.rows
        rows[CERTIFICATES] = [split.certificate] if split.certificate else []
        low, median, high = (significant(float(v)) for v in percentiles(split.gain))
        checks += [
            Check("allocation_gain_p10", low),
            Check("allocation_gain_p50", median),
            Check("allocation_gain_p90", high),
        ]
        plan = limits.allocation
        asked = f" and {plan.summary}" if plan else ""
        reason = (
            f"{len(weeks.starts)} weeks to {weeks.end}, {len(weeks.channels)} channels, "
            f"{_named(limits)}: from {len(said.past.origins)} origins, unseen weeks were predicted "
            f"with a mean error of {said.past.mape:.1%}. The best split under the caps{asked} "
            f"changes weekly orders by {median:+.1f} (80% interval {low:+.1f} to {high:+.1f})"
            + ("." if split.recommended else ": it may gain nothing, so the present one is kept. ")
            + ("" if split.recommended else _telling(experiments))
        )
        return _outcome("PASS", reason + notes, checks, rows)


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text()


def _outcome(verdict: Any, reason: str, checks: list[Check], rows: dict[str, Rows]) -> Outcome:
    figures = {check.name: significant(float(check.value)) for check in checks}
    made = [check.row() for check in checks]
    return Outcome(verdict, reason, figures, {**rows, DIAGNOSTICS: made})


def _named(limits: MmmSettings) -> str:
    engines = limits.engines
    return f"{len(engines)} engines" if len(engines) > 1 else f"engine {engines[0]}"


def _telling(experiments: list[Experiment]) -> str:
    """The experiment on the channel of which the least is known."""
    first = max(experiments, key=lambda e: (not e.enough, abs(e.change) * e.weeks, e.channel))
    return f"An experiment would tell: {first}."


def _assumed(fitted: Fitted | None) -> Iterator[Check]:
    """What the model takes for granted and the data contradict."""
    doubts = broken(fitted) if isinstance(fitted, Ensemble) else []
    yield Check("broken_assumptions", len(doubts))
    for doubt in doubts:
        message = f"it assumes that {doubt.assumption}, but {doubt.reason}. {doubt.remedy}"
        name = f"assumption: {doubt.assumption}"
        yield at_most(name, doubt.value, doubt.bound, message.rstrip("."))


def _stable(said: Answer, weeks: Weeks, previous: pa.Table | None) -> list[Check]:
    """Against the leading engine's fit without the last week, and against the last run.

    The first compares like with like: the same engine, refitted.
    """
    last = said.past.origins[-1]
    explanation = surprise(
        weeks.starts[-1],
        float(last.actual[-1]),
        float(last.expected[:, -1].mean()),
        said.past.noises[-1],
    )
    leader = said.fits[said.leader]
    without = earlier_answers(last.fitted, weeks)
    news = measured_since(said.calibration, weeks.starts[-1] - timedelta(days=1))
    why = explanation or news
    checks = list(stability("refit", without, leader, "without the last week", why))
    if previous is not None:
        rows = previous.to_pylist()
        if {r["currency_code"] for r in rows} == {weeks.currency_code}:
            since = f"in the run of {rows[0]['as_of']}"
            past = stored_answers(rows)
            why = explanation or measured_since(said.calibration, rows[0]["as_of"])
            checks += stability("since_last_run", past, said.fitted, since, why)
    return checks


def _rows(
    said: Answer, weeks: Weeks, later: Panel, expected: Floats, limits: MmmSettings
) -> dict[str, Rows]:
    """What is written whatever the verdict: it shows why."""
    forecast = said.fitted.expected(later).sum(axis=1)[:, len(weeks.starts) :]
    means = {h: forecast[:, :h].mean(axis=1) for h in sorted(set(limits.horizons))}
    return {
        CURVES: list(curve_rows(said.fitted, weeks, limits.curve_points, means)),
        PREDICTIONS: list(prediction_rows(said.past, later, expected, forecast, limits.seed)),
    }
