"""The fidelity job: predictions against what came, and the gates that proposals must pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import FidelitySettings
from pipelines.jobs.base import Outcome, Progress, significant
from pipelines.jobs.fidelity.drift import BEFORE, RECENT, Drift, drifts
from pipelines.jobs.fidelity.gate import gate
from pipelines.jobs.fidelity.score import Prediction, score
from pipelines.warehouse import Warehouse

EVALUATIONS = "contracts.fidelity_evaluations"
EVENTS = "contracts.safety_events"
LOOKBACK = timedelta(weeks=26)
"""Predictions that are older say little of the model as it is."""
WEEKLY_ORDERS = "weekly orders, up to four weeks ahead"

Row = dict[str, Any]
Series = dict[str, dict[date, float]]


class FidelityJob:
    """Readiness of the jobs' answers (see :class:`pipelines.jobs.base.Job`)."""

    name = "fidelity"
    model_version = "pit-1"
    tables = (EVALUATIONS, EVENTS)
    plots = ()

    def settings(self, settings: Settings) -> FidelitySettings:
        return settings.jobs.fidelity

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        start = as_of - timedelta(days=RECENT + BEFORE - 1)
        days = {"start": start, "as_of": as_of}
        weeks = {
            "since": as_of - LOOKBACK,
            "as_of": as_of,
            "last_week_start": as_of - timedelta(days=6),
        }
        return {
            "predicted_weeks": warehouse.query(_sql("predicted_weeks"), weeks),
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
        evaluations = [
            _evaluation("mmm", WEEKLY_ORDERS, basis, predictions, settings)
            for basis, predictions in _by_basis(inputs["predicted_weeks"].to_pylist()).items()
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
                f"{LOOKBACK.days // 7} weeks that can be compared with what came. Run `adcanary "
                "job mmm` every week; it also predicts its own past."
            )
            return Outcome("NO_DATA", reason, figures, rows)
        return Outcome("PASS", _summary(evaluations, moved), figures, rows)


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text()


def _by_basis(weeks: list[Row]) -> dict[str, list[Prediction]]:
    """Forecasts of weeks that hadn't come (live), and the latest run's predictions of its past."""
    latest = max((row["as_of"] for row in weeks), default=None)
    by_basis: dict[str, list[Prediction]] = {}
    for row in weeks:
        is_live = row["week_start"] + timedelta(days=6) > row["as_of"]
        if not is_live and row["as_of"] != latest:
            continue
        percentiles = (row["orders_p10"], row["orders_p50"], row["orders_p90"])
        prediction = Prediction(*percentiles, actual=row["orders"])
        by_basis.setdefault("live" if is_live else "backtest", []).append(prediction)
    return by_basis


def _evaluation(
    job: str, quantity: str, basis: str, predictions: list[Prediction], settings: FidelitySettings
) -> Row:
    scored = score(predictions)
    verdict, reason = gate(job, quantity, scored, settings)
    return {
        "job": job,
        "quantity": quantity,
        "basis": basis,
        "predictions": scored.count,
        "mape": None if scored.mape is None else significant(scored.mape),
        "max_mape": settings.max_mape,
        "bias": None if scored.bias is None else significant(scored.bias),
        "ks": significant(scored.ks),
        "max_ks": settings.max_ks,
        "coverage_80": significant(scored.coverage_80),
        "verdict": verdict,
        "reason": reason,
    }


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
    return {
        "event": "gate_closed",
        "subject": f"{evaluation['job']}: {evaluation['quantity']} ({evaluation['basis']})",
        "severity": "CRITICAL",
        "value": evaluation["mape"],
        "bound": evaluation["max_mape"],
        "message": f"{evaluation['reason']} Nothing of {evaluation['job']} is proposed until its "
        "predictions hold again.",
    }


def _drifted(drift: Drift) -> Row:
    return {
        "event": drift.kind,
        "subject": drift.series,
        "severity": "CRITICAL" if drift.kind == "input_vanished" else "WARNING",
        "value": significant(drift.ks),
        "bound": None,
        "message": f"{drift}. See whether tracking, the platform's report or the offer changed.",
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
