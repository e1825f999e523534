"""A small warehouse for the fidelity job: marts and published runs as a test gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.warehouse.base import insert_row
from pipelines.warehouse.duckdb import DuckDBWarehouse

AS_OF = date(2026, 6, 30)
RUN = {"model_version": "1", "input_snapshot": "s"}
Rows = list[dict[str, Any]]

_CAMPAIGN = [(n, pa.string()) for n in ("platform", "account_id", "campaign_id")]
MARTS = {
    "mmm_input_weekly": pa.schema(
        [("week_start", pa.date32()), ("orders", pa.int64()), ("is_complete", pa.bool_())]
    ),
    "marketing_performance_daily": pa.schema(
        [
            ("date", pa.date32()),
            ("channel", pa.string()),
            ("is_complete", pa.bool_()),
            ("cost_reporting_micros", pa.int64()),
            ("impressions", pa.int64()),
            ("clicks", pa.int64()),
            ("conversions", pa.float64()),
        ]
    ),
    "ga4_daily": pa.schema(
        [("date", pa.date32()), ("sessions", pa.int64()), ("purchases", pa.int64())]
    ),
    "fct_orders": pa.schema([("order_date", pa.date32()), ("is_sale", pa.bool_())]),
    "ads_account_days": pa.schema([*_CAMPAIGN[:2], ("date", pa.date32())]),
    "ads_campaign_daily": pa.schema(
        [
            *_CAMPAIGN,
            ("date", pa.date32()),
            ("cost_micros", pa.int64()),
            ("currency_code", pa.string()),
        ]
    ),
    "fct_ad_spend_by_ad_daily": pa.schema(
        [
            *_CAMPAIGN,
            ("adgroup_id", pa.string()),
            ("ad_id", pa.string()),
            ("finest_level", pa.string()),
            ("date", pa.date32()),
            ("cost_reporting_micros", pa.int64()),
            ("reporting_currency_code", pa.string()),
            ("conversions", pa.float64()),
        ]
    ),
}
_PUBLISHED = (
    "job_runs",
    "mmm_predictions_weekly",
    "pacing_daily",
    "bandit_decisions",
    "fidelity_evaluations",
    "safety_events",
)


def job_run(job: str, run_id: str, as_of: date, finished: date | None = None) -> dict[str, Any]:
    """A run that passed, on the morning after ``as_of`` unless it was later."""
    at = finished or as_of + timedelta(days=1)
    return {
        **RUN,
        "job": job,
        "run_id": run_id,
        "as_of": as_of,
        "verdict": "PASS",
        "reason": "ok",
        "settings": "{}",
        "diagnostics": "{}",
        "finished_at": datetime(at.year, at.month, at.day, 5, tzinfo=UTC),
    }


def warehouse_of(
    path: Path,
    marts: Mapping[str, Sequence[Mapping[str, Any]]],
    published: Mapping[str, Sequence[Mapping[str, Any]]],
) -> DuckDBWarehouse:
    """A new file; tables and marts that aren't given are empty."""
    warehouse = DuckDBWarehouse(path)
    contracts = {name: load_contract(f"contracts.{name}") for name in _PUBLISHED}
    warehouse.create_tables(contracts.values())
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts")
        for name, schema in MARTS.items():
            connection.register("given", pa.Table.from_pylist(list(marts.get(name, [])), schema))
            connection.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM given")
    statements = [
        insert_row(contracts[name], dict(row)) for name, rows in published.items() for row in rows
    ]
    if statements:
        warehouse.transaction(statements, label="test")
    return warehouse
