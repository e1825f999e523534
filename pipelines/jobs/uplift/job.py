"""The uplift job: for whom a variation of an experiment changes what people do, week by week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import UpliftSettings
from pipelines.jobs.base import Outcome, Progress, Row, significant
from pipelines.jobs.uplift.analysis import COMBINED, MIN_ARM_ROWS, Answer, Plan, analyse
from pipelines.jobs.uplift.comparisons import Comparison, Unusable, comparisons, ripe
from pipelines.jobs.uplift.effect import Estimate
from pipelines.jobs.uplift.segments import EVERYBODY, SegmentEffect
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

SEGMENTS = "contracts.uplift_segment_daily"
SCORES = "contracts.segment_scores_daily"
DAYS = 90
"""Days of exposures that a run reads, before the days in which their outcomes ripen."""


class UpliftJobSettings(Section):
    uplift: UpliftSettings


class UpliftJob:
    """Effects of experiments by segment (see :class:`pipelines.jobs.base.Job`)."""

    name = "uplift"
    model_version = "stacked-learners-1"
    tables = (SEGMENTS, SCORES)
    plots = ()

    def settings(self, settings: Settings) -> UpliftJobSettings:
        return UpliftJobSettings(uplift=settings.jobs.uplift)

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        """Exposures of whole weeks: nothing changes before the next week is over."""
        end = _week_end(as_of)
        params = {"start": end - timedelta(days=DAYS), "end": end}
        exposures = warehouse.query(_sql("exposures"), params)
        return {"exposures": exposures, "outcomes": warehouse.query(_sql("outcomes"), params)}

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
        if table.empty:
            return Outcome(
                "NO_DATA",
                f"marts.experiment_exposures has nobody who first saw an experiment in the {DAYS} "
                f"days to {end:%Y-%m-%d} and at least {limits.window_days} days before it: the job "
                "needs events experiment_viewed with experiment_id and variation_id.",
                {"exposed_too_recently": exposures.num_rows},
            )
        figures: dict[str, float | int | str | None] = {
            "people": len(table),
            "exposed_too_recently": exposures.num_rows - len(table),
            "saw_several_variations": int(table["variation_id"].isna().sum()),
            "experiments": int(table["experiment_id"].nunique()),
        }
        plan = plan_of(limits)
        passed: list[str] = []
        refused: list[str] = []
        rows: dict[str, list[Row]] = {SEGMENTS: [], SCORES: []}
        for each in comparisons(table, limits.control, MIN_ARM_ROWS):
            if isinstance(each, Unusable):
                refused.append(f"{each.experiment}: {each.reason}")
                continue
            named = f"{each.experiment} ({each.variation} against {each.control})"
            if not each.sample.outcome.any():
                refused.append(f"{named}: nobody did {limits.outcome} afterwards")
                continue
            progress(f"uplift: {named}, {each.sample.size} people")
            answer = analyse(each.sample, each.halves, plan, _ignored, placebo=each.placebo)
            verdict = "INCONCLUSIVE" if answer.doubts else "PASS"
            rows[SEGMENTS] += _segment_rows(each, answer, limits.outcome, verdict)
            rows[SCORES] += _score_rows(each, answer, limits.outcome, verdict)
            figures |= _figures(f"{each.experiment}_{each.variation}", answer)
            if answer.doubts:
                refused.append(f"{named}: {'; '.join(answer.doubts)}")
            else:
                passed.append(_summary(named, answer, limits.outcome))
        left = f" Not believed: {'. '.join(refused)}." if refused else ""
        if not passed:
            return Outcome("INCONCLUSIVE", left.strip(), figures, rows)
        return Outcome("PASS", f"{' '.join(passed)}{left}", figures, rows)


def plan_of(limits: UpliftSettings) -> Plan:
    """How the job analyses a comparison."""
    return Plan(
        learners=limits.learners,
        detectable=limits.detectable,
        share=limits.treated_share,
        is_experiment=True,
        seed=limits.seed,
    )


def comparisons_of(
    inputs: Mapping[str, pa.Table], limits: UpliftSettings, as_of: date
) -> Iterator[Comparison | Unusable]:
    """What the job compares."""
    window, end = timedelta(days=limits.window_days), _week_end(as_of)
    table = ripe(inputs["exposures"], inputs["outcomes"], limits.outcome, window, end)
    return comparisons(table, limits.control, MIN_ARM_ROWS)


def _ignored(message: str) -> None:
    """The steps of one comparison are too many to show."""


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text()


def _week_end(as_of: date) -> datetime:
    """When the last whole week ended: Monday 00:00 UTC."""
    after = as_of + timedelta(days=1)
    return datetime.combine(after - timedelta(days=after.weekday()), time(), UTC)


def _summary(named: str, answer: Answer, outcome: str) -> str:
    ate = answer.answers[COMBINED].ate
    best = max(
        (s for s in answer.segments if s.is_discovery and s.estimate.value > 0),
        key=lambda s: s.estimate.value,
        default=None,
    )
    most = f", most for {best.segment.label} ({best.estimate.value:+.2%})" if best else ""
    return (
        f"{named} changes the share of people who do {outcome} by {ate.value:+.2%} (95% interval "
        f"{ate.low:+.2%} to {ate.high:+.2%}){most}."
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
        "balance_p": answer.balance.p_value,
        "conversions": answer.power.have,
        "conversions_needed": answer.power.needed,
    }
    return {
        f"{prefix}_{name}": None if value is None else significant(value)
        for name, value in values.items()
    }


def _named(each: Comparison, outcome: str, verdict: str) -> dict[str, Any]:
    return {
        "experiment_id": each.experiment,
        "variation_id": each.variation,
        "control_variation_id": each.control,
        "outcome": outcome,
        "verdict": verdict,
    }


def _segment_rows(each: Comparison, answer: Answer, outcome: str, verdict: str) -> Iterator[Row]:
    """Everybody first, then the segments, each with its effect in the half it wasn't found in."""
    said = answer.answers[COMBINED]
    named = _named(each, outcome, verdict)
    treated = each.sample.treated
    whole = said.ate.p_value
    yield named | _row(EVERYBODY, said.ate, int(treated.sum()), answer.control_mean, whole)
    rest = ~each.halves
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


def _score_rows(each: Comparison, answer: Answer, outcome: str, verdict: str) -> Iterator[Row]:
    """The segments in the order in which to treat them, by what the learners say of everybody."""
    effect = answer.answers[COMBINED].effect
    scored = []
    for part in answer.segments:
        mask = part.segment.holds(each.sample.frame)
        scored.append((float(effect[mask].mean()), part.segment.label, int(mask.sum())))
    ranked = sorted(scored, key=lambda row: (-row[0], row[1]))
    for place, (score, label, people) in enumerate(ranked, start=1):
        yield _named(each, outcome, verdict) | {
            "segment": label,
            "rank": place,
            "score": significant(score),
            "people": people,
            "share": significant(people / each.sample.size),
        }
