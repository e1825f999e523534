"""The uplift job: for whom a variation of an experiment, or a touch of an ad, changes what people
do, week by week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import UpliftSettings
from pipelines.jobs.base import Outcome, Progress, Row, significant
from pipelines.jobs.uplift.analysis import COMBINED, MIN_ARM_ROWS, Answer, Plan, analyse
from pipelines.jobs.uplift.comparisons import Basis, Comparison, Unusable, comparisons, ripe
from pipelines.jobs.uplift.effect import Estimate
from pipelines.jobs.uplift.segments import EVERYBODY, SegmentEffect
from pipelines.jobs.uplift.touches import WINDOW, TouchWeek, touch_comparisons
from pipelines.jobs.uplift.weights import Weights
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

SEGMENTS = "contracts.uplift_segment_daily"
SCORES = "contracts.segment_scores_daily"
DAYS = 90
"""Days of exposures that a run reads, before the days in which their outcomes ripen."""


class UpliftJobSettings(Section):
    uplift: UpliftSettings


class UpliftJob:
    """Effects of experiments and of ads by segment (see :class:`pipelines.jobs.base.Job`)."""

    name = "uplift"
    model_version = "stacked-learners-2"
    tables = (SEGMENTS, SCORES)
    plots = ()

    def settings(self, settings: Settings) -> UpliftJobSettings:
        return UpliftJobSettings(uplift=settings.jobs.uplift)

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        """Exposures of whole weeks: nothing changes before the next week is over."""
        end = _week_end(as_of)
        days = {"start": end - timedelta(days=DAYS), "end": end}
        return {
            "exposures": warehouse.query(_sql("exposures"), days),
            "outcomes": warehouse.query(_sql("outcomes"), days),
            "weights": warehouse.query(_sql("weights")),
            **TouchWeek(end).read(warehouse),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: UpliftJobSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        limits = settings.uplift
        window, end = timedelta(days=limits.window_days), _week_end(as_of)
        exposures = inputs["exposures"]
        table = ripe(exposures, inputs["outcomes"], limits.outcome, window, end)
        week = TouchWeek(end)
        if table.empty and not inputs["touches"].num_rows:
            return Outcome(
                "NO_DATA",
                f"marts.experiment_exposures has nobody who first saw an experiment in the {DAYS} "
                f"days to {end:%Y-%m-%d} and at least {limits.window_days} days before it: the job "
                "needs events experiment_viewed with experiment_id and variation_id. And "
                "marts.persistent_touchpoints has no touch of an ad in the week of "
                f"{week.starts:%Y-%m-%d}.",
                {"exposed_too_recently": exposures.num_rows},
            )
        figures: dict[str, float | int | str | None] = {
            "people": len(table),
            "exposed_too_recently": exposures.num_rows - len(table),
            "saw_several_variations": int(table["variation_id"].isna().sum()),
            "experiments": int(table["experiment_id"].nunique()),
        }
        weights = Weights(inputs["weights"])
        passed: list[str] = []
        refused: list[str] = []
        rows: dict[str, list[Row]] = {SEGMENTS: [], SCORES: []}
        for each in chain(
            comparisons(table, limits.control, limits.outcome, MIN_ARM_ROWS),
            touch_comparisons(inputs, week, MIN_ARM_ROWS),
        ):
            if isinstance(each, Unusable):
                refused.append(f"{each.experiment}: {each.reason}")
                continue
            named = f"{each.experiment} ({each.variation} against {each.control})"
            if not each.sample.outcome.any():
                refused.append(f"{named}: nobody did {each.outcome} afterwards")
                continue
            progress(f"uplift: {named}, {each.sample.size} people")
            plan = plan_of(limits, each.basis)
            if each.basis == "randomised":
                pair = (each.experiment, each.variation, each.control)
                plan = replace(plan, share=weights.share(*pair, limits.treated_share))
            answer = analyse(each.sample, each.halves, plan, _ignored, placebo=each.placebo)
            verdict = "INCONCLUSIVE" if answer.doubts else "PASS"
            rows[SEGMENTS] += _segment_rows(each, answer, verdict)
            rows[SCORES] += _score_rows(each, answer, verdict)
            figures |= _figures(f"{each.experiment}_{each.variation}", answer)
            if answer.doubts:
                refused.append(f"{named}: {'; '.join(answer.doubts)}")
            else:
                passed.append(_summary(named, each, answer))
        left = f" Not believed: {'. '.join(refused)}." if refused else ""
        if not passed:
            return Outcome("INCONCLUSIVE", left.strip(), figures, rows)
        return Outcome("PASS", f"{' '.join(passed)}{left}", figures, rows)


def plan_of(limits: UpliftSettings, basis: Basis = "randomised") -> Plan:
    """How the job analyses a comparison."""
    randomised = basis == "randomised"
    return Plan(
        learners=limits.learners,
        detectable=limits.detectable,
        share=limits.treated_share if randomised else None,
        is_experiment=randomised,
        seed=limits.seed,
    )


def comparisons_of(
    inputs: Mapping[str, pa.Table], limits: UpliftSettings, as_of: date
) -> Iterator[Comparison | Unusable]:
    """What the job compares of experiments."""
    window, end = timedelta(days=limits.window_days), _week_end(as_of)
    table = ripe(inputs["exposures"], inputs["outcomes"], limits.outcome, window, end)
    return comparisons(table, limits.control, limits.outcome, MIN_ARM_ROWS)


def _ignored(message: str) -> None:
    """The steps of one comparison are too many to show."""


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text()


def _week_end(as_of: date) -> datetime:
    """When the last whole week ended: Monday 00:00 UTC."""
    after = as_of + timedelta(days=1)
    return datetime.combine(after - timedelta(days=after.weekday()), time(), UTC)


def _summary(named: str, each: Comparison, answer: Answer) -> str:
    ate = answer.answers[COMBINED].ate
    best = max(
        (s for s in answer.segments if s.is_discovery and s.estimate.value > 0),
        key=lambda s: s.estimate.value,
        default=None,
    )
    most = f", most for {best.segment.label} ({best.estimate.value:+.2%})" if best else ""
    effect = f"{ate.value:+.2%} (95% interval {ate.low:+.2%} to {ate.high:+.2%}){most}"
    if each.basis == "randomised":
        return f"{named} changes the share of people who do {each.outcome} by {effect}."
    return (
        f"{named}: the share of people who do {each.outcome} within {WINDOW.days} days differs by "
        f"{effect}, weighted by propensity. Nobody was randomised: what isn't known of people and "
        f"goes with both by a risk ratio of {answer.e_value:.2f} would explain it."
    )


def _figures(prefix: str, answer: Answer) -> dict[str, float | int | str | None]:
    said = answer.answers[COMBINED]
    low, high = said.ranking.qini_interval or (None, None)
    values: dict[str, float | None] = {
        "ate": said.ate.value,
        "ate_low": said.ate.low,
        "ate_high": said.ate.high,
        "qini": said.ranking.qini,
        "qini_low": low,
        "qini_high": high,
        "placebo_p": answer.placebo_p,
        "sample_ratio_p": answer.ratio_p,
        "trimmed": None if answer.randomised else float(1 - answer.kept.mean()),
        "e_value": answer.e_value,
        "balance_p": answer.balance.p_value,
        "conversions": answer.power.have,
        "conversions_needed": answer.power.needed,
    }
    return {
        f"{prefix}_{name}": None if value is None else significant(value)
        for name, value in values.items()
    }


def _named(each: Comparison, answer: Answer, verdict: str) -> dict[str, Any]:
    return {
        "experiment_id": each.experiment,
        "variation_id": each.variation,
        "control_variation_id": each.control,
        "outcome": each.outcome,
        "basis": each.basis,
        "e_value": None if answer.e_value is None else significant(answer.e_value),
        "verdict": verdict,
    }


def _segment_rows(each: Comparison, answer: Answer, verdict: str) -> Iterator[Row]:
    """Everybody first, then the segments, each with its effect in the half it wasn't found in."""
    said = answer.answers[COMBINED]
    named = _named(each, answer, verdict)
    treated = each.sample.treated
    whole = said.ate.p_value
    count = int((treated & answer.kept).sum())
    yield named | _row(EVERYBODY, said.ate, count, answer.control_mean, whole)
    rest = ~each.halves & answer.kept
    for part in answer.segments:
        if not part.segment.conditions:
            continue
        mask = part.segment.holds(each.sample.frame) & rest
        base = float(said.scores.control[mask].mean())
        count = int((treated & mask).sum())
        yield named | _row(part.segment.label, part.estimate, count, base, part.q_value)


def _row(label: str, effect: Estimate, treated: int, base: float, q_value: float) -> dict[str, Any]:
    return {
        "segment": label,
        "treated": treated,
        "control": effect.units - treated,
        "control_rate": significant(base),
        "uplift": significant(effect.value),
        "uplift_low": significant(effect.low),
        "uplift_high": significant(effect.high),
        "q_value": significant(q_value),
        "is_discovery": SegmentEffect.is_found(q_value),
    }


def _score_rows(each: Comparison, answer: Answer, verdict: str) -> Iterator[Row]:
    """The segments in the order in which to treat them, by what the learners say of everybody."""
    effect = answer.answers[COMBINED].effect
    scored = []
    for part in answer.segments:
        mask = part.segment.holds(each.sample.frame)
        scored.append((float(effect[mask].mean()), part.segment.label, int(mask.sum())))
    ranked = sorted(scored, key=lambda row: (-row[0], row[1]))
    for place, (score, label, people) in enumerate(ranked, start=1):
        yield _named(each, answer, verdict) | {
            "segment": label,
            "rank": place,
            "score": significant(score),
            "people": people,
            "share": significant(people / each.sample.size),
        }
