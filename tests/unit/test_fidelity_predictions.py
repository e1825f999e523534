"""What pacing and the bandits predicted is held against what came, each in a line of its own."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.config import Settings
from pipelines.jobs.fidelity.predictions import conversions
from pipelines.jobs.fidelity.score import score
from pipelines.jobs.run import run_job
from pipelines.proposals.evidence import readiness
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.fidelity_rows import AS_OF, RUN, Rows, job_run, warehouse_of

pytestmark = pytest.mark.slow

TENTH = date(2026, 6, 10)
BUDGET = 3_000_000_000
AD = {"platform": "meta_ads", "account_id": "a", "campaign_id": "c", "adgroup_id": "g"}
Row = dict[str, Any]


def campaign(number: int) -> Row:
    return {"platform": "meta_ads", "account_id": "a", "campaign_id": f"c{number}"}


def month(run_id: str, day: date, number: int, **changed: Any) -> Row:
    """A campaign's row of pacing, on budget, with a standard deviation of a twentieth."""
    return {
        **RUN,
        **campaign(number),
        "run_id": run_id,
        "as_of": day,
        "date": day,
        "month_target_micros": BUDGET,
        "month_forecast_micros": BUDGET,
        "month_forecast_low_micros": round(BUDGET * 0.902),
        "month_forecast_high_micros": round(BUDGET * 1.098),
        "classification": "HEALTHY",
        "currency_code": "USD",
    } | changed


def june(off: float = 0.0) -> Row:
    """Marts of June, in which 20 campaigns spent around their budgets and ``off`` more."""
    days = [date(2026, 6, 1) + timedelta(days=i) for i in range(30)]
    quantiles = np.linspace(-1.6, 1.6, 20) * 0.05
    return {
        "ads_account_days": [{**campaign(0), "date": day} for day in days],
        "ads_campaign_daily": [
            {
                **campaign(i),
                "date": day,
                "cost_micros": round(BUDGET / 30 * (1 + off + quantiles[i])),
                "currency_code": "USD",
            }
            for i in range(20)
            for day in days
        ],
    }


def evaluated(tmp_path: Path, marts: Row, published: Row, job: str) -> tuple[Rows, DuckDBWarehouse]:
    """The lines of a job, by basis."""
    warehouse = warehouse_of(tmp_path / "w.duckdb", marts, published)
    run_job(warehouse, Settings(), "fidelity", AS_OF)
    sql = "SELECT * FROM contracts.fidelity_evaluations WHERE job = @job ORDER BY basis"
    return warehouse.query(sql, {"job": job}).to_pylist(), warehouse


def paced(*more: Row, finished: date = TENTH) -> Row:
    """Runs of pacing on the tenth and the last of June, of which the last kept every row."""
    forecasts = [month("tenth", TENTH, i) for i in range(20)]
    later = [row | {"run_id": "last", "as_of": AS_OF} for row in forecasts]
    runs = [job_run("pacing", "tenth", TENTH, finished), job_run("pacing", "last", AS_OF)]
    changed = {(row["run_id"], row["campaign_id"]): row for row in more}
    rows = {(row["run_id"], row["campaign_id"]): row for row in (*forecasts, *later)} | changed
    return {"job_runs": runs, "pacing_daily": list(rows.values())}


def test_month_end_forecasts_that_hold_pass(tmp_path: Path) -> None:
    lines, _ = evaluated(tmp_path, june(), paced(), "pacing")
    assert [(e["basis"], e["verdict"], e["predictions"]) for e in lines] == [
        ("backtest", "PASS", 20),
        ("live", "PASS", 20),
    ]
    assert lines[1]["mape"] == pytest.approx(0.042, abs=0.002)


def test_month_end_forecasts_that_miss_close_their_own_gate_alone(tmp_path: Path) -> None:
    lines, warehouse = evaluated(tmp_path, june(off=0.15), paced(), "pacing")
    assert {e["verdict"] for e in lines} == {"FAIL"}
    assert "were too low by 13%" in lines[1]["reason"]
    events = warehouse.query("SELECT * FROM contracts.safety_events").to_pylist()
    assert {(e["event"], e["severity"]) for e in events} == {("gate_closed", "WARNING")}
    assert "Its pauses rest on spend that was seen" in events[0]["message"]
    of_mmm = readiness(warehouse, "mmm", AS_OF)
    assert of_mmm is not None
    assert [verdict for verdict, _ in of_mmm.verdicts] == ["NO_DATA"]


def test_months_that_nobody_forecast_as_they_came_are_left_out(tmp_path: Path) -> None:
    """A budget changed later (live alone), no width, a shared budget, another currency."""
    raised = month("last", TENTH, 0, month_target_micros=2 * BUDGET)
    certain = {"month_forecast_high_micros": BUDGET}
    others: list[tuple[Row, int]] = [
        ({"shared_budget_id": "b"}, 2),
        ({"currency_code": "EUR"}, 3),
        (certain, 4),
    ]
    odd = [month(run, TENTH, i, **row) for row, i in others for run in ("tenth", "last")]
    lines, _ = evaluated(tmp_path, june(), paced(raised, *odd), "pacing")
    assert {e["basis"]: e["predictions"] for e in lines} == {"backtest": 17, "live": 16}


def test_a_month_counts_only_once_every_day_of_it_is_published(tmp_path: Path) -> None:
    marts = june()
    marts["ads_account_days"] = marts["ads_account_days"][:-1]
    lines, _ = evaluated(tmp_path, marts, paced(), "pacing")
    assert [(e["predictions"], e["verdict"]) for e in lines] == [(0, "NO_DATA")]
    assert "adcanary job pacing" in lines[0]["reason"]


def test_a_run_for_a_day_long_past_is_no_forecast(tmp_path: Path) -> None:
    lines, _ = evaluated(tmp_path, june(), paced(finished=AS_OF), "pacing")
    assert [e["basis"] for e in lines] == ["backtest"]


def decisions(ads: int, days: int, off: float = 1.0, seed: int = 3) -> tuple[Rows, Rows]:
    """An ad's decisions by day, at a conversion for 20 ± 10%, and what ten a day brought."""
    rng = np.random.default_rng(seed)
    decided, brought = [], []
    for ad in range(ads):
        rate = off * (1 + 0.1 * rng.standard_normal()) / 20
        for age in range(days):
            day = AS_OF - timedelta(days=14 + age)
            own = {**AD, "ad_id": f"ad{ad:02}", "date": day}
            micros = {
                "cac_micros": 20_000_000,
                "cac_low_micros": round(1e6 * 20 / 1.196),
                "cac_high_micros": round(1e6 * 20 / 0.804),
            }
            decided.append({**own, **micros, "as_of": day - timedelta(days=1)})
            brought.append(
                {
                    **own,
                    "cost_reporting_micros": 200_000_000,
                    "conversions": float(rng.poisson(200 * rate)),
                }
            )
    return decided, brought


def joined(decided: Rows, brought: Rows) -> list[Any]:
    rows = [{**a, **b} for a, b in zip(decided, brought, strict=True)]
    return sorted(rows, key=lambda row: (row["ad_id"], row["date"]))


def test_right_rates_are_within_their_distribution_and_wrong_ones_are_not() -> None:
    right = score(conversions(joined(*decisions(40, 7)))["live"])
    assert right.count == 40
    assert right.ks < 0.2
    assert right.mape is not None
    assert right.mape < 0.2
    wrong = score(conversions(joined(*decisions(40, 7, off=0.6)))["live"])
    assert wrong.ks > 0.6


def test_an_ad_whose_rate_is_hardly_known_is_not_held_against_it() -> None:
    decided, brought = decisions(5, 28)
    vague = [row | {"cac_low_micros": 8_000_000, "cac_high_micros": None} for row in decided]
    assert len(conversions(joined(decided, brought))["live"]) == 20
    assert conversions(joined(vague, brought)) == {}


def test_decisions_are_held_against_days_whose_conversions_have_come(tmp_path: Path) -> None:
    """Twenty ads' week of daily decisions; one was made anew later, and one is too young."""
    decided, brought = decisions(20, 7)
    young = AS_OF - timedelta(days=13)
    decided += [row | {"date": young, "as_of": young - timedelta(days=1)} for row in decided[::7]]
    brought += [row | {"date": young, "conversions": 0.0} for row in brought[::7]]
    done = [job_run("bandits", f"{day}", day) for day in sorted({r["as_of"] for r in decided})]
    anew = job_run("bandits", "anew", decided[0]["as_of"], AS_OF)
    spend = {"finest_level": "ad", "reporting_currency_code": "USD"}
    filled = dict.fromkeys(
        ("current_share", "best_probability", "exploration_floor", "propensity", "freshness"), 0.5
    )
    counts = dict.fromkeys(("spend_micros", "spend_floor_micros", "spend_cap_micros"), 1)
    rest = {
        **dict.fromkeys(("posterior_conversions", "effective_conversions"), 9.0),
        "arm_kind": "creative",
        "context": "all",
        "policy": "thompson",
        "verdict": "REFUSED",
        "reason": "wait",
        "within_cac_ceiling": True,
        "currency_code": "USD",
    }
    rows = [{**RUN, **filled, **counts, **rest, **r, "run_id": f"{r['as_of']}"} for r in decided]
    rows += [
        row | {"run_id": "anew", "cac_micros": 1} for row in rows if row["date"] == rows[0]["date"]
    ]
    marts = {"fct_ad_spend_by_ad_daily": [{**row, **spend} for row in brought]}
    published = {"job_runs": [*done, anew], "bandit_decisions": rows}
    lines, _ = evaluated(tmp_path, marts, published, "bandits")
    assert [(e["basis"], e["verdict"], e["predictions"]) for e in lines] == [("live", "PASS", 20)]
