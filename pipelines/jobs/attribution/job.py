"""The attribution job: each week's conversions, credited to channels by two models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import AttributionSettings
from pipelines.jobs.attribution.week import HIDDEN, Week, credit_rows, problem_of, read_week
from pipelines.jobs.base import Outcome, Progress, significant
from pipelines.warehouse import Warehouse

CREDIT = "contracts.attribution_channel_weekly"
WEEKS = 13
"""Weeks of paths that a run reads."""

MAX_AGE_WEEKS = 2


class AttributionJob:
    """Markov and Shapley credit by week (see :class:`pipelines.jobs.base.Job`)."""

    name = "attribution"
    model_version = "markov-shapley-1"
    tables = (CREDIT,)
    plots = ()

    def settings(self, settings: Settings) -> AttributionSettings:
        return settings.jobs.attribution

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        """Paths of whole weeks: nothing changes before the next week is over."""
        sql = (Path(__file__).parent / "paths.sql").read_text()
        end = _last_sunday(as_of)
        start = end - timedelta(weeks=WEEKS) + timedelta(days=1)
        return {"paths": warehouse.query(sql, {"start": start, "end": end})}

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: AttributionSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        by_week = groupby(inputs["paths"].to_pylist(), key=lambda row: row["week_start"])
        weeks = [read_week(start, list(rows)) for start, rows in by_week]
        if refusal := _no_data(weeks, as_of):
            return refusal
        problems = {week.start: problem_of(week, settings) for week in weeks}
        credited = [week for week in weeks if problems[week.start] is None]
        progress(f"attribution: {len(credited)} weeks")
        rows = [row for week in credited for row in credit_rows(week, settings)]
        last = weeks[-1]
        figures: dict[str, float | int | str | None] = {
            "weeks": len(weeks),
            "weeks_credited": len(credited),
            "last_week": last.start.isoformat(),
            "last_week_conversions": last.conversions,
            "last_week_hidden_share": significant(last.hidden / max(last.conversions, 1)),
            "last_week_nulls": int(last.paths.nulls.sum()),
            "order": settings.order,
        }
        written = {CREDIT: rows}
        if problem := problems[last.start]:
            reason = f"The week of {last.start} is not credited: {problem}."
            return Outcome("INCONCLUSIVE", reason, figures, written)
        return Outcome("PASS", _summary(last, weeks, rows, problems), figures, written)


def _last_sunday(as_of: date) -> date:
    return as_of - timedelta(days=(as_of.weekday() + 1) % 7)


def _no_data(weeks: list[Week], as_of: date) -> Outcome | None:
    end = _last_sunday(as_of)
    if not weeks:
        return Outcome(
            "NO_DATA",
            f"marts.journey_paths_weekly has no path that ended in the weeks up to {end}: the job "
            "needs visits of known devices and conversions. Ingest GA4's events, or a site's own, "
            "and build.",
        )
    age = (end - weeks[-1].start).days // 7
    if age <= MAX_AGE_WEEKS:
        return None
    return Outcome(
        "NO_DATA",
        f"The last path ended in the week of {weeks[-1].start}, {age} weeks before {end} (at most "
        f"{MAX_AGE_WEEKS}). Ingest newer days, or look at that time with `adcanary job attribution "
        f"--as-of {weeks[-1].start + timedelta(days=6)}`.",
        {"last_week": weeks[-1].start.isoformat()},
    )


def _summary(
    last: Week,
    weeks: list[Week],
    rows: list[dict[str, Any]],
    problems: Mapping[date, str | None],
) -> str:
    own = [
        row
        for row in rows
        if (row["week_start"], row["model"]) == (last.start, "markov") and row["channel"] != HIDDEN
    ]
    first = max(own, key=lambda r: (r["conversions_micros"], r["channel"]))
    low, median, high = (first[f"conversions_p{p}_micros"] / 1e6 for p in (10, 50, 90))
    left_out = sum(problem is not None for problem in problems.values())
    nulls = "" if last.paths.nulls.sum() else " None of its paths ended without a conversion."
    return (
        f"{len(weeks) - left_out} weeks credited to {len(own)} channels"
        + (f", {left_out} left out" if left_out else "")
        + f". In the week of {last.start}, {first['channel']} is credited with the most of "
        f"{last.conversions} conversions by Markov: {median:,.1f} (80% interval {low:,.1f} to "
        f"{high:,.1f}).{nulls}"
    )
