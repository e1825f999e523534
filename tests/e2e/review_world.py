"""What the review page shows besides the ledger: runs of jobs, curves, alerts, spend. Small, made
up, and written through the contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import sin
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import Value

AS_OF = date(2026, 6, 30)
_FINISHED = datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
_POINTS, _CURRENT = 21, 10

Target = tuple[str, str, str, str]
"""Platform, account, campaign, name."""


def put(warehouse: Warehouse, table: str, rows: Sequence[dict[str, Value]]) -> None:
    """Append rows to a table of a contract."""
    contract = load_contract(table)
    given = pa.Table.from_pylist(list(rows), schema=contract.arrow_schema)
    stage = warehouse.stage(contract, "review", given)
    names = ", ".join(contract.column_names)
    insert = f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage}"
    warehouse.transaction([Statement(insert)], label="test")
    warehouse.drop_stages([stage])


def stamp(run: str) -> dict[str, Value]:
    """What every row of a job carries."""
    return {"run_id": run, "as_of": AS_OF, "model_version": "1", "input_snapshot": "s"}


def job_runs(warehouse: Warehouse) -> None:
    reasons = {
        "mmm": ("PASS", "77 weeks, 4 channels: unseen weeks were predicted within 4.9%."),
        "pacing": ("PASS", "11 campaigns paced; open faults: 1 overspend."),
        "fidelity": ("PASS", "28 predictions of weekly orders were off by 5.0%."),
        "uplift": ("INCONCLUSIVE", "Too few people in the control group."),
    }
    rows: list[dict[str, Value]] = [
        {
            **stamp(f"{job}-r1"),
            "job": job,
            "verdict": verdict,
            "reason": reason,
            "settings": '{"seed":1}',
            "diagnostics": '{"max_rhat":1.01,"weeks":77}',
            "finished_at": _FINISHED,
        }
        for job, (verdict, reason) in reasons.items()
    ]
    put(warehouse, "contracts.job_runs", rows)


def curves(warehouse: Warehouse, channels: Sequence[str], run: str = "mmm-r1") -> None:
    """A saturating curve of each channel, at the spend of 7,000 a week now."""
    rows: list[dict[str, Value]] = []
    for index, channel in enumerate(channels):
        for point in range(_POINTS):
            spend = 7_000 * 2 * point / (_POINTS - 1)
            orders = 260 * spend / (spend + 5_000 * (1 + index))
            slope = 260 * 5_000 * (1 + index) / (spend + 5_000 * (1 + index)) ** 2
            rows.append(
                {
                    **stamp(run),
                    "channel": channel,
                    "horizon_weeks": 0,
                    "point": point,
                    "weekly_spend_micros": round(spend * 1e6),
                    "orders_p10": orders * 0.8,
                    "orders_p50": orders,
                    "orders_p90": orders * 1.25,
                    "marginal_orders_p10": slope * 0.7,
                    "marginal_orders_p50": slope,
                    "marginal_orders_p90": slope * 1.3,
                    "marginal_cac_micros_p10": round(1e6 / (slope * 1.3)),
                    "marginal_cac_micros_p50": round(1e6 / slope),
                    "marginal_cac_micros_p90": round(1e6 / (slope * 0.7)),
                    "is_current": point == _CURRENT,
                    "currency_code": "USD",
                }
            )
    put(warehouse, "contracts.mmm_curves", rows)


def marts(path: Path, targets: Sequence[Target]) -> None:
    """The marts that proposals and the overview read; campaigns have budgets of 1,000 a day."""
    campaigns = [
        {
            "platform": platform,
            "account_id": account,
            "campaign_id": campaign,
            "campaign_name": name,
            "campaign_status": "ENABLED",
            "daily_budget_micros": 1_000_000_000,
            "currency_code": "USD",
            "shared_budget_id": None,
            "mmm_channel": platform,
        }
        for platform, account, campaign, name in targets
    ]
    spend = [
        {
            "platform": channel,
            "date": AS_OF - timedelta(days=back),
            "cost_reporting_micros": round((1_000 + 200 * sin(back / 3) + 50 * n) * 1e6),
            "reporting_currency_code": "USD",
        }
        for n, channel in enumerate(sorted({target[0] for target in targets}))
        for back in range(56)
    ]
    days = [{"platform": c["platform"], "account_id": c["account_id"]} for c in campaigns]
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for name, rows in (("dim_campaign", campaigns), ("fct_ad_spend_daily", spend)):
            connection.register("given", pa.Table.from_pylist(rows))
            connection.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM given")
            connection.unregister("given")
        connection.register("given", pa.Table.from_pylist(days))
        connection.execute(
            "CREATE TABLE marts.ads_account_days AS "
            "SELECT DISTINCT platform, account_id, DATE '2026-06-30' AS date FROM given"
        )
        connection.execute(
            "CREATE TABLE marts.fx_rates_daily (date DATE, currency_code VARCHAR, "
            "reporting_currency_code VARCHAR, fx_rate DOUBLE, fx_date DATE)"
        )
        connection.execute("ALTER TABLE marts.dim_campaign ALTER shared_budget_id TYPE VARCHAR")
