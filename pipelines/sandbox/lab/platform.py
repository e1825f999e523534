"""adcanary as it is: its jobs compute, its kind drafts, its guardrails judge, week by week.

Only what was reported may enter; no truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.jobs.base import Outcome
from pipelines.jobs.fidelity import FidelityJob
from pipelines.jobs.fidelity.job import EVALUATIONS, EVENTS, LOOKBACK
from pipelines.jobs.fidelity.predictions import WATCHED
from pipelines.jobs.mmm import MmmJob
from pipelines.jobs.mmm.job import (
    ALLOCATIONS,
    CURVES,
    DIAGNOSTICS,
    EXPERIMENTS,
    PREDICTIONS,
    PREVIOUS,
    PREVIOUS_DAYS,
    WEEKS,
)
from pipelines.money import Money
from pipelines.proposals.evidence import Allocation, JobEvidence, Readiness
from pipelines.proposals.kinds.base import Drafted, Stamp
from pipelines.proposals.kinds.budget_shift import KIND
from pipelines.proposals.proposal import Interval
from pipelines.proposals.shift_plan import Inputs
from pipelines.sandbox.lab.reports import Reported

SERVICE = "adcanary"
_AHEAD = timedelta(days=28)
_PREDICTED = pa.schema(
    [
        ("run_id", pa.string()),
        ("as_of", pa.date32()),
        ("origin_week", pa.date32()),
        ("week_start", pa.date32()),
        ("orders_p10", pa.float64()),
        ("orders_p50", pa.float64()),
        ("orders_p90", pa.float64()),
        ("orders", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Advice:
    """What the platform says in a week.

    Args:
        mmm: the run that it rests on.
        doubts: names of the checks that refuse it.
        drafted: the proposals, and why there are no others.
        steady_curves: rows of the run's curves, by channel.
        expected: median of the orders of each week to come.
        stops: why nothing of the media mix may be approved, in fidelity's words.
    """

    mmm: JobEvidence
    doubts: tuple[str, ...]
    drafted: Drafted
    steady_curves: Mapping[str, Sequence[Mapping[str, Any]]]
    expected: Mapping[date, float]
    stops: tuple[str, ...] = ()


class Platform:
    """The jobs, with what they have published so far.

    Args:
        settings: as adcanary.yaml would have them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mmm, self._fidelity = MmmJob(), FidelityJob()
        self._runs: list[tuple[JobEvidence, Outcome]] = []

    def advise(self, reported: Reported) -> Advice:
        """Run the jobs on what was reported, and draft."""
        mmm, outcome = self._run_mmm(reported)
        ready = self._readiness(reported)
        # nothing in the lab's markets is wrong with delivery, which is what pacing finds
        pacing = JobEvidence("pacing", f"pacing-{reported.as_of}", reported.as_of, "PASS", "")
        evidence = Inputs(
            mmm=mmm,
            allocations=tuple(_allocations(outcome)),
            pacing=pacing,
            readiness=ready,
            alerts=(),
        )
        stamp = Stamp(
            reported.as_of,
            reported.now + timedelta(days=self._settings.guardrails.expires_after_days),
            SERVICE,
        )
        drafted = KIND.draft(reported.market, evidence, self._settings.guardrails, stamp)
        checks = outcome.rows.get(DIAGNOSTICS, ())
        doubts = tuple(r["name"] for r in checks if r["refuses"] and not r["passed"])
        return Advice(
            mmm,
            doubts,
            drafted,
            _curves(outcome),
            _expected(outcome, reported.as_of),
            tuple(reason for verdict, reason in ready.verdicts if verdict == "FAIL"),
        )

    def _run_mmm(self, reported: Reported) -> tuple[JobEvidence, Outcome]:
        inputs = {WEEKS: reported.weekly}
        if reported.experiments.num_rows:
            inputs[EXPERIMENTS] = reported.experiments
        if previous := self._previous(reported):
            inputs[PREVIOUS] = pa.Table.from_pylist(previous)
        own = self._mmm.settings(self._settings)
        outcome = self._mmm.compute(inputs, own, reported.as_of, _silent)
        run_id = f"mmm-{reported.as_of}"
        run = JobEvidence("mmm", run_id, reported.as_of, outcome.verdict, outcome.reason)
        self._runs.append((run, outcome))
        return run, outcome

    def _previous(self, reported: Reported) -> list[dict[str, Any]]:
        """As previous.sql: the present point of each curve of the last run that passed."""
        for run, outcome in reversed(self._runs):
            if run.as_of < reported.as_of - PREVIOUS_DAYS:
                break
            if run.verdict == "PASS":
                rows = [r for r in outcome.rows[CURVES] if _present(r)]
                return [{**r, "as_of": run.as_of} for r in rows]
        return []

    def _readiness(self, reported: Reported) -> Readiness:
        """As readiness.sql, of fidelity's run on the same day."""
        inputs = {watched.query: _PREDICTED.empty_table() for watched in WATCHED}
        rows = list(self._predicted(reported))
        inputs["predicted_weeks"] = pa.Table.from_pylist(rows, schema=_PREDICTED)
        inputs |= {"channel_days": reported.channel_days, "site_days": reported.site_days}
        own = self._fidelity.settings(self._settings)
        outcome = self._fidelity.compute(inputs, own, reported.as_of, _silent)
        verdicts = [
            (r["verdict"], r["reason"]) for r in outcome.rows[EVALUATIONS] if r["job"] == "mmm"
        ]
        verdicts += [
            ("FAIL", r["message"])
            for r in outcome.rows[EVENTS]
            if r["event"] in ("input_vanished", "channel_moved")
        ]
        return Readiness(reported.as_of, tuple(sorted(verdicts)))

    def _predicted(self, reported: Reported) -> Iterator[Mapping[str, Any]]:
        """As predicted_weeks.sql."""
        weeks = reported.weekly.to_pylist()
        since = reported.as_of - LOOKBACK
        came = {r["week_start"]: r["orders"] for r in weeks if r["is_complete"]}
        for run, outcome in self._runs:
            if run.as_of < since:
                continue
            for row in outcome.rows.get(PREDICTIONS, ()):
                start, origin = row["week_start"], row["origin_week"]
                if origin < start <= origin + _AHEAD and start >= since and start in came:
                    yield {**row, "run_id": run.run_id, "as_of": run.as_of, "orders": came[start]}


def _curves(outcome: Outcome) -> dict[str, list[Mapping[str, Any]]]:
    curves: dict[str, list[Mapping[str, Any]]] = {}
    for row in outcome.rows.get(CURVES, ()):
        if row["horizon_weeks"] == 0:
            curves.setdefault(row["channel"], []).append(row)
    return curves


def _expected(outcome: Outcome, as_of: date) -> dict[date, float]:
    """Of the weeks that had not begun, or had just begun."""
    return {
        row["week_start"]: row["orders_p50"]
        for row in outcome.rows.get(PREDICTIONS, ())
        if row["week_start"] + timedelta(days=6) > as_of
    }


def _present(row: Mapping[str, Any]) -> bool:
    return bool(row["is_current"]) and row["horizon_weeks"] == 0


def _allocations(outcome: Outcome) -> Iterator[Allocation]:
    """As evidence.allocations reads them."""
    for row in outcome.rows.get(ALLOCATIONS, ()):
        currency = row["currency_code"]
        yield Allocation(
            channel=row["channel"],
            current=Money(row["current_weekly_micros"], currency),
            proposed=Money(row["proposed_weekly_micros"], currency),
            binding=row["binding"],
            orders=Interval(*(row[f"delta_orders_p{p}"] for p in (10, 50, 90))),
            order_value=Money(row["order_value_micros"], currency),
            recommended=row["is_recommended"],
        )


def _silent(message: str) -> None:
    del message
