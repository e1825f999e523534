"""The fidelity job: predictions against what came, and the gates that proposals must pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import FidelitySettings
from pipelines.jobs.base import Outcome, Progress, significant
from pipelines.jobs.fidelity.drift import BEFORE, RECENT, Drift, drifts
from pipelines.jobs.fidelity.gate import gate
from pipelines.jobs.fidelity.predictions import WATCHED, Watched
from pipelines.jobs.fidelity.score import Prediction, score
from pipelines.warehouse import Warehouse

EVALUATIONS = "contracts.fidelity_evaluations"
EVENTS = "contracts.safety_events"
LOOKBACK = timedelta(weeks=26)
"""Predictions that are older say little of the model as it is."""
MATURE = timedelta(days=14)
"""Conversions come up to so much later."""
SETTLED = timedelta(days=7)
"""After so much, few are still to come: a channel's days before are compared with one another."""
SCORES = ("mape", "bias", "ks", "coverage_80")

Row = dict[str, Any]
Series = dict[str, dict[date, float]]


class FidelityJob:
    """Readiness of the jobs' answers (see :class:`pipelines.jobs.base.Job`)."""

    name = "fidelity"
    model_version = "pit-4"
    tables = (EVALUATIONS, EVENTS)
    plots = ()

    def settings(self, settings: Settings) -> FidelitySettings:
        return settings.jobs.fidelity

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        start = as_of - SETTLED - timedelta(days=RECENT + BEFORE - 1)
        days = {"start": start, "as_of": as_of}
        params = {
            "since": as_of - LOOKBACK,
            "as_of": as_of,
            "last_week_start": as_of - timedelta(days=6),
            "matured": as_of - MATURE,
        }
        predicted = {w.query: warehouse.query(_sql(w.query), params) for w in WATCHED}
        return predicted | {
            "channel_days": warehouse.query(_sql("channel_days"), days),
            "site_days": warehouse.query(_sql("site_days"), days),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: FidelitySettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        channels = inputs["channel_days"].to_pylist()
        series = _series(channels, inputs["site_days"].to_pylist())
        maturing = _claimed(channels)
        bounds = (as_of, settings.min_drift_ks, settings.min_drift)
        moved = drifts(series, *bounds)
        # recent days' conversions are still being reported, but some are there at once
        moved += [d for d in drifts(maturing, *bounds) if d.kind == "input_vanished"]
        settled = (as_of - SETTLED, settings.min_drift_ks, settings.min_channel_drift)
        moved += [
            replace(d, kind="channel_moved")
            for d in drifts(maturing, *settled)
            if d.kind == "input_drift"
        ]
        evaluations = [
            _evaluation(watched, basis, predictions, settings)
            for watched in WATCHED
            for basis, predictions in _by_basis(watched, inputs).items()
        ]
        gates = [e for e in evaluations if e["verdict"] == "FAIL"]
        events = [*map(_closed, gates), *map(_drifted, moved)]
        progress(f"fidelity: {len(evaluations)} evaluations, {len(series)} series of days")
        figures = {
            "evaluations": len(evaluations),
            "failed": len(gates),
            "series": len(series) + len(maturing),
            "series_moved": len(moved),
        }
        rows = {EVALUATIONS: evaluations, EVENTS: events}
        if not any(e["verdict"] in ("PASS", "FAIL") for e in evaluations):
            reason = (
                f"No job has {settings.min_predictions} predictions of the last "
                f"{LOOKBACK.days // 7} weeks that can be compared with what came. "
                f"{_summary(evaluations, moved)}"
            )
            return Outcome("NO_DATA", reason, figures, rows)
        return Outcome("PASS", _summary(evaluations, moved), figures, rows)


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text()


def _by_basis(watched: Watched, inputs: Mapping[str, pa.Table]) -> dict[str, list[Prediction]]:
    """Every job has its line, also one without any prediction."""
    return watched.read(inputs[watched.query].to_pylist()) or {"live": []}


def _evaluation(
    watched: Watched, basis: str, predictions: list[Prediction], settings: FidelitySettings
) -> Row:
    scored = score(predictions, settings.max_bias) if predictions else None
    verdict, reason = gate(watched.job, watched.quantity, scored, settings)
    if verdict == "NO_DATA":
        reason = f"{reason} {watched.remedy}"
    scores = {name: getattr(scored, name, None) for name in SCORES}
    return {
        "job": watched.job,
        "quantity": watched.quantity,
        "basis": basis,
        "predictions": len(predictions),
        "max_mape": settings.max_mape,
        "max_bias": settings.max_bias,
        "max_ks": settings.max_ks,
        "verdict": verdict,
        "reason": reason,
    } | {name: None if value is None else significant(value) for name, value in scores.items()}


def _series(channels: Iterable[Row], site: Iterable[Row]) -> Series:
    """Daily figures that don't follow the budget: what an impression and a click cost and bring,
    and how much of what is sold the site measures."""
    series: Series = defaultdict(dict)
    for row in channels:
        day, channel = row["date"], row["channel"]
        for name, share, whole in (
            ("clicks an impression", row["clicks"], row["impressions"]),
            ("micros a click", row["cost_reporting_micros"], row["clicks"]),
        ):
            if share is not None and whole:
                series[f"{channel}: {name}"][day] = share / whole
    for row in site:
        if row["sessions"] is not None:
            series["site: sessions"][row["date"]] = row["sessions"]
        if row["orders"]:
            series["site: purchases measured an order"][row["date"]] = (
                row["purchases"] or 0
            ) / row["orders"]
    return series


def _claimed(channels: Iterable[Row]) -> Series:
    """Conversions that platforms claim a click, which grow for weeks after the day."""
    series: Series = defaultdict(dict)
    for row in channels:
        if row["conversions"] is not None and row["clicks"]:
            name = f"{row['channel']}: claimed conversions a click"
            series[name][row["date"]] = row["conversions"] / row["clicks"]
    return series


def _closed(evaluation: Row) -> Row:
    watched = next(w for w in WATCHED if w.job == evaluation["job"])
    return {
        "event": "gate_closed",
        "subject": f"{evaluation['job']}: {evaluation['quantity']} ({evaluation['basis']})",
        "severity": watched.severity,
        "value": evaluation["mape"],
        "bound": evaluation["max_mape"],
        "message": f"{evaluation['reason']} {watched.closed}",
    }


def _drifted(drift: Drift) -> Row:
    remedy = "See whether tracking, the platform's report or the offer changed."
    if drift.kind == "channel_moved":
        remedy = (
            "Either it is counted otherwise, or the channel brings something else, and what is "
            "known of it is of before. No shift of budgets is approved meanwhile. See which, and "
            "test the channel."
        )
    return {
        "event": drift.kind,
        "subject": drift.series,
        "severity": "WARNING" if drift.kind == "input_drift" else "CRITICAL",
        "value": significant(drift.ks),
        "bound": None,
        "message": f"{drift}. {remedy}",
    }


def _summary(evaluations: list[Row], moved: list[Drift]) -> str:
    def sentences() -> Iterator[str]:
        for evaluation in evaluations:
            yield f"{evaluation['reason']}"
        if moved:
            yield f"Inputs that moved: {'; '.join(map(str, moved))}."
        else:
            yield "No input moved."

    return " ".join(sentences())
