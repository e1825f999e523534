"""The mmm job on markets with known truth: it recovers it, refuses noise, and repeats itself."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.config import JobsSettings
from pipelines.contracts import load_contracts
from pipelines.errors import StatementError, UsageError
from pipelines.jobs.allocation import check
from pipelines.jobs.mmm.plots import PLOTS
from pipelines.jobs.run import JobRun, run_job
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.mmm_market import (
    AS_OF,
    CHANNELS,
    LAST_WEEK,
    LIMITS,
    SETTINGS,
    contract_rows,
    known_market,
    short_chains,
    steady_orders,
    warehouse_with,
)
from tests.unit.warehouse_files import empty_warehouse

pytestmark = pytest.mark.slow

__all__ = ["short_chains"]


@pytest.fixture(scope="module")
def ran(
    tmp_path_factory: pytest.TempPathFactory, short_chains: None
) -> tuple[DuckDBWarehouse, JobRun]:
    warehouse = warehouse_with(known_market(), tmp_path_factory.mktemp("mmm") / "w.duckdb")
    return warehouse, run_job(warehouse, SETTINGS, "mmm", AS_OF)


def test_a_clean_market_passes_and_its_figures_are_kept(
    ran: tuple[DuckDBWarehouse, JobRun],
) -> None:
    warehouse, run = ran
    checks = {row["name"]: row for row in contract_rows(warehouse, "mmm_diagnostics")}

    assert run.verdict == "PASS", run.reason
    assert not run.reused
    assert "80 weeks to 2026-06-28" in run.reason
    assert all(row["passed"] for row in checks.values() if row["refuses"])
    assert checks["weeks"]["value"] == 80
    assert checks["max_rhat"]["value"] <= checks["max_rhat"]["bound"] == LIMITS.max_rhat
    assert checks["prediction_origins"]["value"] == 8
    assert checks["prediction_mape"]["value"] < 0.1
    assert checks["prediction_coverage_80"]["value"] > 0.6
    assert checks["prediction_skill"]["value"] > 0.3
    assert checks["vif_meta_ads"]["channel"] == "meta_ads"
    assert run.diagnostics["r2"] == checks["r2"]["value"] > 0.8


def test_curves_hold_the_truth_within_their_band(ran: tuple[DuckDBWarehouse, JobRun]) -> None:
    warehouse, run = ran
    curves = [c for c in contract_rows(warehouse, "mmm_curves") if c["horizon_weeks"] == 0]
    mean = known_market().spend_micros.mean(axis=0)

    for i, channel in enumerate(CHANNELS):
        points = sorted((c for c in curves if c["channel"] == channel), key=lambda c: c["point"])
        assert [p["point"] for p in points] == list(range(LIMITS.curve_points))
        assert points[0]["weekly_spend_micros"] == points[0]["orders_p90"] == 0
        assert all(a["orders_p50"] <= b["orders_p50"] for a, b in pairwise(points))
        current = next(p for p in points if p["is_current"])
        assert points[-1]["weekly_spend_micros"] == 2 * current["weekly_spend_micros"]
        relative = current["weekly_spend_micros"] / mean
        truth = steady_orders(relative)[i]
        # a tenth of slack: draws differ between kinds of CPU
        assert 0.9 * current["orders_p10"] <= truth <= 1.1 * current["orders_p90"]
    assert {c["run_id"] for c in curves} == {run.run_id}


def test_the_cost_of_one_more_order_is_the_inverse_of_what_more_money_brings(
    ran: tuple[DuckDBWarehouse, JobRun],
) -> None:
    rows = contract_rows(ran[0], "mmm_curves")

    assert {r["horizon_weeks"] for r in rows} == {0, 4, 13}
    for row in rows:
        assert (
            row["marginal_orders_p10"] <= row["marginal_orders_p50"] <= row["marginal_orders_p90"]
        )
        costs = [row[f"marginal_cac_micros_p{p}"] for p in (10, 50, 90)]
        for cost, p in zip(costs, (90, 50, 10), strict=True):
            if cost is not None:
                assert cost == pytest.approx(1e6 / row[f"marginal_orders_p{p}"], rel=1e-4)
    now = [r for r in rows if r["is_current"] and r["horizon_weeks"] == 13]
    assert len({r["total_orders_p50"] for r in now}) == 1  # the same plan, whichever channel tells
    assert now[0]["total_orders_p50"] == pytest.approx(known_market().orders[-13:].mean(), rel=0.15)


def test_the_weeks_add_up_to_what_was_fitted_and_go_on_into_the_next_quarter(
    ran: tuple[DuckDBWarehouse, JobRun],
) -> None:
    weeks = known_market()
    brought = contract_rows(ran[0], "mmm_contributions_weekly")
    predicted = contract_rows(ran[0], "mmm_predictions_weekly")

    assert len(brought) == 80 * len(CHANNELS)
    assert all(r["orders_p10"] <= r["orders_p50"] <= r["orders_p90"] for r in brought)
    last = [r for r in predicted if r["origin_week"] == LAST_WEEK]
    assert [r["orders"] for r in last] == [*weeks.orders.tolist(), *[None] * 13]
    assert last[-1]["week_start"] == LAST_WEEK + timedelta(weeks=13)
    origins = sorted({r["origin_week"] for r in predicted})
    assert origins[-2:] == [LAST_WEEK - timedelta(weeks=1), LAST_WEEK]
    assert len(origins) == 9
    for origin in origins[:-1]:
        ahead = [r for r in predicted if r["origin_week"] == origin]
        assert all(r["week_start"] > origin for r in ahead)
        assert all(r["orders"] is not None for r in ahead)


def test_the_allocation_keeps_the_budget_and_the_caps(ran: tuple[DuckDBWarehouse, JobRun]) -> None:
    rows = contract_rows(ran[0], "mmm_allocations")

    assert [r["channel"] for r in rows] == list(CHANNELS)
    now = sum(r["current_weekly_micros"] for r in rows)
    assert sum(r["proposed_weekly_micros"] for r in rows) == now
    for row in rows:
        share = row["proposed_weekly_micros"] / row["current_weekly_micros"]
        assert 0.95 - 1e-6 <= share <= 1.05 + 1e-6
        assert row["lower_micros"] <= row["proposed_weekly_micros"] <= row["upper_micros"]
        assert row["delta_orders_p10"] <= row["delta_orders_p50"] <= row["delta_orders_p90"]
        assert (row["delta_orders_p50"] > 0) == (share > 1)
        assert row["order_value_micros"] == pytest.approx(80e6, rel=0.001)
    assert {r["binding"] for r in rows} & {"LOWER", "UPPER"}


def test_the_allocation_carries_a_certificate_that_the_small_program_accepts(
    ran: tuple[DuckDBWarehouse, JobRun], tmp_path: Path
) -> None:
    (row,) = contract_rows(ran[0], "mmm_certificates")
    (tmp_path / "certificate.json").write_text(row["certificate"])
    (tmp_path / "curves.json").write_text(row["curves"])

    checked = subprocess.run(
        [sys.executable, "-I", check.__file__, "certificate.json", "curves.json"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
    assert 0 <= row["gap"] <= 0.001


def test_the_same_input_and_settings_are_not_computed_again(
    ran: tuple[DuckDBWarehouse, JobRun],
) -> None:
    warehouse, run = ran
    before = contract_rows(warehouse, "mmm_curves")

    again = run_job(warehouse, SETTINGS, "mmm", AS_OF)

    assert again == replace(run, reused=True)
    assert contract_rows(warehouse, "mmm_curves") == before
    assert len(contract_rows(warehouse, "job_runs")) == 1


def test_a_fresh_warehouse_gives_the_same_rows_to_the_byte(
    ran: tuple[DuckDBWarehouse, JobRun], tmp_path: Path
) -> None:
    warehouse, run = ran
    other = warehouse_with(known_market(), tmp_path / "other.duckdb")

    again = run_job(other, SETTINGS, "mmm", AS_OF)

    assert again == run
    for table in load_contracts():
        if table.startswith("contracts.mmm_"):
            name = table.removeprefix("contracts.")
            assert contract_rows(other, name) == contract_rows(warehouse, name)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_a_run_is_drawn_and_one_without_rows_is_not(
    plot: Any, ran: tuple[DuckDBWarehouse, JobRun], tmp_path: Path
) -> None:
    warehouse, run = ran
    path = plot.draw(warehouse, run.run_id, tmp_path / "plots" / "it.png")

    assert path is not None
    assert path.read_bytes().startswith(b"\x89PNG")
    assert plot.draw(warehouse, "no_such_run", tmp_path / "none.png") is None


def test_a_refused_run_is_recorded_with_its_reason_and_proposes_nothing(tmp_path: Path) -> None:
    warehouse = warehouse_with(known_market(weeks=30), tmp_path / "w.duckdb")

    run = run_job(warehouse, SETTINGS, "mmm", AS_OF)

    assert run.verdict == "NO_DATA"
    assert contract_rows(warehouse, "mmm_allocations") == []
    assert contract_rows(warehouse, "mmm_diagnostics")[0]["passed"] is False
    recorded = contract_rows(warehouse, "job_runs")[0]
    assert recorded["reason"] == run.reason
    assert run_job(warehouse, SETTINGS, "mmm", AS_OF).reused


def test_a_week_later_the_answer_is_held_to_that_of_the_last_run(
    ran: tuple[DuckDBWarehouse, JobRun],
) -> None:
    """The orders of the week come in as before; the last run says the reverse of them."""
    warehouse, _ = ran
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT * FROM contracts.mmm_curves")
        connection.execute(
            "UPDATE contracts.mmm_curves SET orders_p10 = 1, orders_p50 = 1.5, orders_p90 = 2 "
            "WHERE channel = 'meta_ads' AND horizon_weeks = 0"
        )
    try:
        run = run_job(warehouse, SETTINGS, "mmm", AS_OF + timedelta(days=1))
    finally:
        with duckdb.connect(str(warehouse.path)) as connection:
            connection.execute("DROP TABLE contracts.mmm_curves")
            connection.execute("CREATE TABLE contracts.mmm_curves AS SELECT * FROM kept")
            connection.execute("DROP TABLE kept")
            connection.execute("DELETE FROM contracts.job_runs WHERE as_of > ?", [AS_OF])

    assert run.verdict == "INCONCLUSIVE"
    assert "in the run of 2026-06-30, meta_ads brought 2 orders a week (1 to 2)" in run.reason
    assert "An experiment would tell: " in run.reason


def test_a_fit_that_breaks_its_bounds_is_inconclusive_and_allocates_nothing(
    tmp_path: Path,
) -> None:
    strict = LIMITS.model_copy(update={"max_prediction_mape": 1e-6, "max_rhat": 0.9})
    settings = SETTINGS.model_copy(update={"jobs": JobsSettings(mmm=strict)})
    market = known_market()
    market.spend_micros[40, 1] = 4 * market.spend_micros[:, 1].max()
    warehouse = warehouse_with(market, tmp_path / "w.duckdb")

    run = run_job(warehouse, settings, "mmm", AS_OF)

    assert run.verdict == "INCONCLUSIVE"
    assert "it assumes that spend is recorded as it was, but meta_ads spent 4.0 times" in run.reason
    assert "the chains disagree" in run.reason
    assert "the prediction of unseen weeks from 8 origins was off by" in run.reason
    assert contract_rows(warehouse, "mmm_allocations") == []
    assert contract_rows(warehouse, "mmm_curves")
    rows = contract_rows(warehouse, "mmm_diagnostics")
    failed = {r["name"] for r in rows if r["refuses"] and not r["passed"]}
    assert failed >= {"max_rhat", "prediction_mape", "assumption: spend is recorded as it was"}


def test_a_missing_mart_and_an_unknown_job_say_what_to_do(tmp_path: Path) -> None:
    warehouse = empty_warehouse(tmp_path / "w.duckdb")

    with pytest.raises(StatementError, match="adcanary build"):
        run_job(warehouse, SETTINGS, "mmm", AS_OF)
    with pytest.raises(UsageError, match="mmm, pacing"):
        run_job(warehouse, SETTINGS, "mmn", AS_OF)
