"""Predictions are held against what came, and a gate closes where they were wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from pipelines.config import Settings
from pipelines.job_settings import FidelitySettings
from pipelines.jobs.fidelity.drift import drifts
from pipelines.jobs.fidelity.gate import gate
from pipelines.jobs.fidelity.score import Prediction, score
from pipelines.jobs.run import JobRun, run_job
from pipelines.proposals.evidence import readiness
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.fidelity_rows import AS_OF, RUN, Rows, job_run, warehouse_of

pytestmark = pytest.mark.slow

MONDAY = date(2026, 6, 22)
ORDERS = 400


def normal(mean: float, sd: float, actual: float) -> Prediction:
    return Prediction(mean - 1.2816 * sd, mean, mean + 1.2816 * sd, actual)


def outcomes(count: int = 400) -> list[float]:
    """Evenly spread quantiles of a normal distribution of mean 100 and deviation 10."""
    return (100 + 10 * norm.ppf((np.arange(count) + 0.5) / count)).tolist()


@pytest.mark.parametrize(
    ("mean", "sd", "least", "most"),
    [(100, 10, 0, 0.01), (112, 10, 0.44, 0.46), (100, 2, 0.25, 0.5), (100, 60, 0.25, 0.5)],
    ids=["right", "too high", "too narrow", "too wide"],
)
def test_the_distance_is_small_only_where_the_predicted_distribution_is_right(
    mean: float, sd: float, least: float, most: float
) -> None:
    distance = score([normal(mean, sd, actual) for actual in outcomes()]).ks
    assert least <= distance <= most


@pytest.mark.parametrize(
    ("mean", "passes"), [(100, True), (95.5, True), (104.5, True), (90, False)]
)
def test_a_small_bias_closes_no_gate_and_a_larger_one_does(mean: float, passes: bool) -> None:
    limits = FidelitySettings()
    narrow = [normal(mean, 4, actual) for actual in (0.4 * np.array(outcomes(40)) + 60).tolist()]
    assert (score(narrow).ks > limits.max_ks) == (mean != 100)
    scored = score(narrow, limits.max_bias)
    assert (gate("mmm", "orders", scored, limits)[0] == "PASS") == passes


def test_predictions_of_one_week_count_once_in_what_chance_may_do() -> None:
    limits = FidelitySettings()
    low = [normal(100, 10, 105)] * limits.min_predictions
    apart = score([replace(p, of=i) for i, p in enumerate(low)])
    together = score([replace(p, of=i // 4) for i, p in enumerate(low)])
    assert (apart.independent, together.independent) == (16, 4)
    assert apart.ks == together.ks
    verdicts = [gate("mmm", "orders", each, limits)[0] for each in (score(low), apart, together)]
    assert verdicts == ["FAIL", "FAIL", "PASS"]


def test_a_prediction_without_width_that_comes_true_is_right() -> None:
    exact = score([Prediction(5, 5, 5, 5)] * 20, FidelitySettings().max_bias)
    assert (exact.mape, exact.bias, exact.coverage_80) == (0, 0, 1)
    assert exact.ks == 0.5


def test_the_error_leaves_out_what_never_came() -> None:
    mixed = score([normal(10, 1, 0), normal(10, 1, 8)])
    assert mixed.mape == pytest.approx(0.25)
    assert score([normal(10, 1, 0)]).mape is None


def days(values: Sequence[float]) -> dict[date, float]:
    """The last of the values is of ``AS_OF``."""
    return {AS_OF - timedelta(days=i): v for i, v in enumerate(reversed(values))}


@pytest.mark.parametrize(
    ("recent", "kind"),
    [([1.0] * 14, None), ([1.5] * 14, "input_drift"), ([0.0] * 14, "input_vanished")],
)
def test_a_series_that_moves_is_told(recent: list[float], kind: str | None) -> None:
    noise = np.random.default_rng(2).normal(1, 0.05, 98)
    series = {"site: sessions": days(list(noise * ([1.0] * 84 + recent)))}
    assert [d.kind for d in drifts(series, AS_OF, 0.6, 0.3)] == ([kind] if kind else [])


def test_days_that_are_not_known_are_not_zero() -> None:
    there = days([1.0] * 98)
    lately = {day: v for day, v in there.items() if day <= AS_OF - timedelta(days=14)}
    assert drifts({"s": lately}, AS_OF, 0.6, 0.3) == []


def warehouse_with(path: Path, predicted: Rows, orders: int, sessions: int) -> DuckDBWarehouse:
    """A file in which mmm ran a week ago and yesterday, and predicted weeks like these."""
    weeks = [MONDAY - timedelta(weeks=i) for i in range(26)]
    quarter = [AS_OF - timedelta(days=i) for i in range(98)]
    recent = AS_OF - timedelta(days=14)
    marts: dict[str, Rows] = {
        "mmm_input_weekly": [
            {"week_start": week, "orders": orders + 20 * (-1) ** i, "is_complete": True}
            for i, week in enumerate(weeks)
        ],
        "ga4_daily": [
            {"date": day, "sessions": sessions if day > recent else 1_000, "purchases": 9}
            for day in quarter
        ],
        "fct_orders": [{"order_date": day, "is_sale": True} for day in quarter for _ in range(9)],
    }
    done = [job_run("mmm", run_id, day) for run_id, day in runs().items()]
    return warehouse_of(path, marts, {"job_runs": done, "mmm_predictions_weekly": predicted})


def runs() -> dict[str, date]:
    """The latest run, of which the backtest counts, and earlier ones that told what was to come."""
    earlier = {f"early{i}": MONDAY - timedelta(days=1 + 7 * i) for i in range(5)}
    return {"latest": AS_OF} | earlier


def predictions(orders: float) -> Rows:
    """Twenty of the latest run's past, and four weeks ahead by each of the earlier runs."""
    made = []
    for run_id, as_of in runs().items():
        back = 20 if run_id == "latest" else 0
        last = MONDAY if run_id == "latest" else as_of - timedelta(days=6)
        origins = [last - timedelta(weeks=i) for i in range(1, back + 1)] or [last]
        for origin in origins:
            ahead = 1 if run_id == "latest" else 4
            for week in range(1, ahead + 1):
                made.append(
                    {
                        **RUN,
                        "run_id": run_id,
                        "as_of": as_of,
                        "origin_week": origin,
                        "week_start": origin + timedelta(weeks=week),
                        "orders": None,
                        "orders_p10": orders - 25,
                        "orders_p50": orders,
                        "orders_p90": orders + 25,
                    }
                )
    return made


def run(
    tmp_path: Path, predicted: Rows, orders: int = ORDERS, sessions: int = 1_000
) -> tuple[JobRun, Rows, Rows, DuckDBWarehouse]:
    warehouse = warehouse_with(tmp_path / "w.duckdb", predicted, orders, sessions)
    done = run_job(warehouse, Settings(), "fidelity", AS_OF)
    evaluations = "SELECT * FROM contracts.fidelity_evaluations WHERE job = 'mmm' ORDER BY basis"
    events = "SELECT * FROM contracts.safety_events ORDER BY event"
    tables = [warehouse.query(sql).to_pylist() for sql in (evaluations, events)]
    return done, *tables, warehouse


def test_predictions_that_hold_open_the_gate(tmp_path: Path) -> None:
    done, evaluations, events, warehouse = run(tmp_path, predictions(ORDERS))
    assert done.verdict == "PASS"
    by_basis = {e["basis"]: e for e in evaluations}
    assert by_basis["backtest"]["verdict"] == "PASS"
    assert by_basis["backtest"]["predictions"] == 20
    assert events == []
    ready = readiness(warehouse, "mmm", AS_OF)
    assert ready is not None
    assert "PASS" in [verdict for verdict, _ in ready.verdicts]


def test_forecasts_count_apart_and_only_once_their_week_has_come(tmp_path: Path) -> None:
    """Of five runs' four weeks ahead, 4 + 4 + 3 + 2 + 1 have come: too few to judge."""
    _, evaluations, _, _ = run(tmp_path, predictions(ORDERS))
    live = next(e for e in evaluations if e["basis"] == "live")
    assert (live["predictions"], live["verdict"]) == (14, "NO_DATA")
    assert "at least 16 are needed" in live["reason"]


def test_predictions_that_are_too_high_close_the_gate_and_say_so(tmp_path: Path) -> None:
    _, evaluations, events, warehouse = run(tmp_path, predictions(ORDERS * 1.2))
    assert "too high by 20%" in next(e["reason"] for e in evaluations if e["verdict"] == "FAIL")
    assert [(e["event"], e["severity"]) for e in events] == [("gate_closed", "CRITICAL")]
    ready = readiness(warehouse, "mmm", AS_OF)
    assert ready is not None
    assert ready.verdicts[0][0] == "FAIL"


def test_an_error_of_more_than_half_closes_the_gate(tmp_path: Path) -> None:
    _, evaluations, _, _ = run(tmp_path, predictions(ORDERS * 1.6))
    assert "were off by 60% (at most 50%)" in " ".join(e["reason"] for e in evaluations)


def test_visits_that_stop_close_the_gate(tmp_path: Path) -> None:
    done, _, events, warehouse = run(tmp_path, predictions(ORDERS), sessions=20)
    assert [(e["event"], e["subject"]) for e in events] == [("input_vanished", "site: sessions")]
    assert "site: sessions" in done.reason
    ready = readiness(warehouse, "mmm", AS_OF)
    assert ready is not None
    assert ready.verdicts[0][0] == "FAIL"


@pytest.mark.parametrize(
    ("recent", "lately", "moved"),
    [(1.0, 1.0, False), (0.4, 0.4, True), (1.7, 1.7, True), (0.8, 0.8, False), (1.0, 0.4, False)],
    ids=["as before", "less", "more", "a little less", "not reported yet"],
)
def test_a_channel_whose_claims_a_click_moved_stops_shifts_of_budgets_alone(
    tmp_path: Path, recent: float, lately: float, moved: bool
) -> None:
    """``recent``: claims of the two weeks up to a week ago; ``lately``: of the week since."""
    noise = np.random.default_rng(3).normal(1, 0.1, 105)
    level = np.repeat([1.0, recent, lately], [84, 14, 7])
    days = [
        {
            "date": AS_OF - timedelta(days=i),
            "channel": "tiktok_ads",
            "is_complete": True,
            "cost_reporting_micros": 500_000_000,
            "impressions": 100_000,
            "clicks": 1_000,
            "conversions": float(20 * claims),
        }
        for i, claims in enumerate((noise * level)[::-1])
    ]
    marts = {"marketing_performance_daily": days}
    warehouse = warehouse_of(tmp_path / "w.duckdb", marts, {})
    run_job(warehouse, Settings(), "fidelity", AS_OF)
    events = warehouse.query("SELECT * FROM contracts.safety_events").to_pylist()
    raised = [(e["event"], e["severity"]) for e in events]
    assert raised == ([("channel_moved", "CRITICAL")] if moved else [])
    stopped = {}
    for job in ("mmm", "bandits"):
        ready = readiness(warehouse, job, AS_OF)
        assert ready is not None
        stopped[job] = any("tiktok_ads" in why for v, why in ready.verdicts if v == "FAIL")
    assert stopped == {"mmm": moved, "bandits": False}


def test_without_predictions_there_is_nothing_to_judge(tmp_path: Path) -> None:
    done, evaluations, _, warehouse = run(tmp_path, [])
    assert done.verdict == "NO_DATA"
    assert [(e["verdict"], e["predictions"], e["ks"]) for e in evaluations] == [
        ("NO_DATA", 0, None)
    ]
    assert "adcanary job mmm" in done.reason
    ready = readiness(warehouse, "mmm", AS_OF)
    assert ready is not None
    assert [verdict for verdict, _ in ready.verdicts] == ["NO_DATA"]
