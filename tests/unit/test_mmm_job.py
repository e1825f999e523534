"""The mmm job on markets with known truth: it recovers it, refuses noise, and repeats itself."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from pipelines.config import GuardrailSettings, JobsSettings, MmmSettings, Settings
from pipelines.contracts import load_contracts
from pipelines.errors import StatementError, UsageError
from pipelines.jobs import JobRun, run_job
from pipelines.jobs.allocation import check
from pipelines.jobs.mmm.ensemble import sampler
from pipelines.jobs.mmm.plots import PLOTS
from pipelines.jobs.mmm.weeks import Weeks
from pipelines.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2026, 6, 30)
LAST_WEEK = date(2026, 6, 22)
CHANNELS = ("google_ads", "meta_ads")
TOP = np.array([420.0, 260.0])  # weekly orders at saturation
HALF = np.array([1.0, 0.8])  # in mean weekly spends
SLOPE = np.array([1.4, 1.2])
LAG = np.array([0.5, 0.3])
LIMITS = MmmSettings(curve_points=11, horizons=(4, 13))
SETTINGS = Settings(
    jobs=JobsSettings(mmm=LIMITS), guardrails=GuardrailSettings(max_change_percent=5)
)


def steady_orders(spend: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return TOP / (1 + (HALF / np.maximum(spend, 1e-9)) ** SLOPE)


def known_market(weeks: int = 80, noise: float = 20.0) -> Weeks:
    rng = np.random.default_rng(11)
    mean = np.array([9e9, 6e9])
    spend = mean * np.exp(0.7 * rng.standard_normal((weeks, 2)))
    relative = spend / spend.mean(axis=0)
    adstock = [carried := relative[0] * (1 - LAG)]
    for week in relative[1:]:
        adstock.append(carried := carried * LAG + week * (1 - LAG))
    t = np.arange(weeks)
    baseline = 700 + 60 * np.sin(2 * np.pi * t / 52) + 0.8 * t
    orders = baseline + steady_orders(np.array(adstock)).sum(axis=1) + rng.normal(0, noise, weeks)
    return Weeks(
        starts=tuple(LAST_WEEK - timedelta(weeks=weeks - 1 - i) for i in range(weeks)),
        channels=CHANNELS,
        spend_micros=np.rint(spend).astype(np.int64),
        orders=np.rint(orders).astype(np.int64),
        revenue_micros=np.rint(orders * 80e6).astype(np.int64),
        currency_code="USD",
    )


def warehouse_with(weeks: Weeks, path: Path) -> DuckDBWarehouse:
    """A warehouse with the mart mmm_input_weekly, whose account began with its first week."""
    rows = [
        {
            "week_start": start,
            "channel": channel,
            "currency_code": weeks.currency_code,
            "spend_micros": int(weeks.spend_micros[i, j]),
            "impressions": 1,
            "clicks": 1,
            "orders": int(weeks.orders[i]),
            "new_customers": 1,
            "revenue_micros": int(weeks.revenue_micros[i]),
            "is_complete": True,
        }
        for i, start in enumerate(weeks.starts)
        for j, channel in enumerate(weeks.channels)
    ]
    warehouse = DuckDBWarehouse(path)
    warehouse.create_tables(load_contracts().values())
    with duckdb.connect(str(path)) as connection:
        connection.register("made", pa.Table.from_pylist(rows))
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.mmm_input_weekly AS SELECT * FROM made")
        account = "SELECT 'google_ads' AS platform, '1' AS account_id"
        connection.execute(
            f"CREATE TABLE marts.ads_account_days AS {account}, DATE '{weeks.starts[0]}' AS date"
        )
        connection.execute(
            f"CREATE TABLE marts.fct_ad_spend_daily AS {account}, 'Paid Search' AS channel"
        )
        connection.execute(
            "CREATE TABLE marts.dim_campaign AS SELECT 'google_ads' AS platform, "
            "'google_ads' AS mmm_channel, 'generic' AS labels"
        )
        connection.execute(
            "CREATE TABLE marts.mmm_controls_weekly AS SELECT DATE '2026-01-05' AS week_start, "
            "'sale' AS name, 1.0 AS value, 1 AS expected_sign, TRUE AS known_in_advance LIMIT 0"
        )
        texts = ("account_id", "experiment_id", "experiment_name", "kind", "channel", "status")
        texts += ("measured_by", "outcome", "geos", "currency_code")
        numbers = ("spend_test_micros", "spend_baseline_micros", "spend_delta_micros")
        numbers += ("effect", "standard_error", "population_share")
        columns = [f"{name} VARCHAR" for name in texts] + [f"{name} DOUBLE" for name in numbers]
        columns += [f"{name} DATE" for name in ("start_date", "end_date", "counted_to")]
        connection.execute(f"CREATE TABLE marts.experiments ({', '.join(columns)})")
    return warehouse


def contract_rows(warehouse: DuckDBWarehouse, table: str) -> list[dict[str, Any]]:
    grain = ", ".join(load_contracts()[f"contracts.{table}"].primary_key)
    return warehouse.query(f"SELECT * FROM contracts.{table} ORDER BY {grain}").to_pylist()


@pytest.fixture(scope="module", autouse=True)
def short_chains() -> Iterator[None]:
    """Nine fits a run are enough to see what the job does with them, if not to be exact."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "CHAINS", 4)
        patch.setattr(sampler, "WARMUP", 60)
        patch.setattr(sampler, "SWEEPS", 160)
        yield


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


def with_plan(allocation: dict[str, Any], **further: Any) -> Settings:
    mmm = MmmSettings.model_validate({**LIMITS.model_dump(), "allocation": allocation, **further})
    return SETTINGS.model_copy(update={"jobs": JobsSettings(mmm=mmm)})


def test_a_plan_with_another_risk_is_held_and_certified(tmp_path: Path) -> None:
    warehouse = warehouse_with(known_market(), tmp_path / "w.duckdb")
    plan = {"risk": "cvar", "level": 0.2, "channels": {"meta_ads": {"max_step_percent": 1}}}

    run = run_job(warehouse, with_plan(plan), "mmm", AS_OF)

    assert run.verdict == "PASS", run.reason
    assert "the settings of jobs.mmm.allocation, by the mean of its lowest 20%," in run.reason
    rows = contract_rows(warehouse, "mmm_allocations")
    assert sum(r["proposed_weekly_micros"] - r["current_weekly_micros"] for r in rows) == 0
    assert all(
        abs(r["proposed_weekly_micros"] - r["current_weekly_micros"])
        <= 0.01 * rows[1]["current_weekly_micros"]
        for r in rows
    )
    (row,) = contract_rows(warehouse, "mmm_certificates")
    certificate, curves = json.loads(row["certificate"]), json.loads(row["curves"])
    assert certificate["goal"]["risk"] == "cvar"
    assert "step of meta_ads at most" in {k["name"] for k in certificate["constraints"]}
    assert [t for holds, t in check.claims(certificate, curves["channels"]) if not holds] == []


def test_a_plan_that_cannot_be_held_and_a_misspelt_segment_are_told_in_the_reason(
    tmp_path: Path,
) -> None:
    warehouse = warehouse_with(known_market(), tmp_path / "w.duckdb")
    segments = [{"channel": "google_ads", "name": "generic", "labels": ["genric"]}]
    plan = {"channels": {"meta_ads": {"floor": 50_000}}}

    run = run_job(warehouse, with_plan(plan, segments=segments), "mmm", AS_OF)

    assert run.verdict == "INCONCLUSIVE"
    assert "'floor of meta_ads' (meta_ads >= 50,000.00 USD)" in run.reason
    assert "would do: 'floor of meta_ads' >= " in run.reason
    assert "no campaign is of google_ads:generic" in run.reason
    assert "labels like it: 'generic'" in run.reason
    assert contract_rows(warehouse, "mmm_allocations") == []
    assert contract_rows(warehouse, "mmm_certificates") == []
    assert contract_rows(warehouse, "mmm_curves")
    rows = {row["name"]: row for row in contract_rows(warehouse, "mmm_diagnostics")}
    assert not rows["allocation_exists"]["passed"]
    assert not rows["campaigns_google_ads:generic"]["passed"]
    assert rows["campaigns_google_ads:generic"]["channel"] == "google_ads:generic"


def test_a_job_as_json_is_one_object_whatever_a_native_library_prints(tmp_path: Path) -> None:
    warehouse_with(known_market(weeks=30), tmp_path / "w.duckdb")
    (tmp_path / "adcanary.yaml").write_text(
        "now: 2026-07-01T08:00:00Z\nwarehouse: {path: w.duckdb}\n"
    )
    program = (
        "import ctypes, sys\n"
        "from pipelines.cli.main import main\n"
        "from pipelines.jobs.mmm import MmmJob\n"
        "compute = MmmJob.compute\n"
        "def noisy(*given):\n"
        "    ctypes.CDLL(None).puts(b'a line of the solver')\n"
        "    return compute(*given)\n"
        "MmmJob.compute = noisy\n"
        "sys.argv = ['adcanary', 'job', 'mmm', '--format', 'json', '--as-of', '2026-06-30']\n"
        "main()\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    run = json.loads(ran.stdout)
    assert (run["job"], run["as_of"], run["verdict"]) == ("mmm", "2026-06-30", "NO_DATA")
    assert run["reason"].startswith("There are only 30 consecutive complete weeks")
    assert run["plots"] == []
    assert "a line of the solver" in ran.stderr


def test_a_missing_mart_and_an_unknown_job_say_what_to_do(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.create_tables(load_contracts().values())

    with pytest.raises(StatementError, match="adcanary build"):
        run_job(warehouse, SETTINGS, "mmm", AS_OF)
    with pytest.raises(UsageError, match="mmm, pacing"):
        run_job(warehouse, SETTINGS, "mmn", AS_OF)
