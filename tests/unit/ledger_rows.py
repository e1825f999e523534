"""A small warehouse to propose from: two channels, one worth more and one less, and a campaign that
runs away."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from pipelines.contracts import load_contract, load_contracts
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.warehouse_files import leave_one_file

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
AS_OF = date(2026, 6, 30)
EVIDENCE: dict[str, Value] = {
    "run_id": "r1",
    "as_of": AS_OF,
    "model_version": "1",
    "input_snapshot": "s",
}


def insert(warehouse: Warehouse, table: str, **row: Value) -> None:
    insert_all(warehouse, table, [row])


def insert_all(warehouse: Warehouse, table: str, rows: Iterable[Mapping[str, Value]]) -> None:
    """In one transaction: opening the file costs as much as many rows."""
    contract = load_contract(table)
    statements = [insert_row(contract, {**EVIDENCE, **row}) for row in rows]
    warehouse.transaction(statements, label="test")


def two_channels(path: Path) -> DuckDBWarehouse:
    """The warehouse in a new file: campaigns g1 (to grow), m1 (to shrink), m2 (to pause).

    It is made once a process and copied: that costs a fiftieth of making it.
    """
    shutil.copy(Path(_made().name) / "w.duckdb", path)
    return DuckDBWarehouse(path)


@cache
def _made() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()  # removed with it, at the end of the process
    path = Path(folder.name) / "w.duckdb"
    fill(DuckDBWarehouse(path))
    leave_one_file(path)
    return folder


def fill(warehouse: Warehouse) -> None:
    """Put it into a warehouse that is empty."""
    warehouse.create_tables(load_contracts().values())
    for job in ("mmm", "pacing", "fidelity"):
        insert(
            warehouse,
            "contracts.job_runs",
            job=job,
            verdict="PASS",
            reason="ok",
            settings="{}",
            diagnostics="{}",
            finished_at=NOW,
        )
    for channel, proposed, (low, middle, high) in (
        ("google_ads", 7_350_000_000, (2.0, 5.0, 9.0)),
        ("meta_ads", 6_650_000_000, (-4.0, -2.0, -1.0)),
    ):
        insert(
            warehouse,
            "contracts.mmm_allocations",
            channel=channel,
            current_weekly_micros=7_000_000_000,
            proposed_weekly_micros=proposed,
            lower_micros=1,
            upper_micros=1,
            binding="UPPER",
            delta_orders_p10=low,
            delta_orders_p50=middle,
            delta_orders_p90=high,
            order_value_micros=80_000_000,
            currency_code="USD",
        )
    insert(
        warehouse,
        "contracts.fidelity_evaluations",
        job="mmm",
        quantity="weekly orders",
        basis="backtest",
        predictions=28,
        mape=0.05,
        max_mape=0.5,
        max_bias=0.05,
        ks=0.1,
        max_ks=0.35,
        coverage_80=0.8,
        verdict="PASS",
        reason="they held",
    )
    insert(
        warehouse,
        "contracts.pacing_alerts",
        platform="meta_ads",
        account_id="a",
        campaign_id="m2",
        detector="overspend",
        severity="CRITICAL",
        since=date(2026, 6, 20),
        pace=1.8,
        z=9.0,
        message="spends 2.2 times its budget",
        daily_budget_micros=200_000_000,
        recent_daily_micros=440_000_000,
        currency_code="USD",
    )
    rows = [
        ("google_ads", "g", "g1", 1_000_000_000),
        ("meta_ads", "a", "m1", 800_000_000),
        ("meta_ads", "a", "m2", 200_000_000),
    ]
    campaigns = " UNION ALL ".join(
        f"SELECT '{p}' AS platform, '{a}' AS account_id, '{c}' AS campaign_id, "
        f"'{c}' AS campaign_name, 'ENABLED' AS campaign_status, {b} AS daily_budget_micros, "
        f"'USD' AS currency_code, CAST(NULL AS STRING) AS shared_budget_id, '{p}' AS mmm_channel"
        for p, a, c, b in rows
    )
    warehouse.transaction(
        [
            Statement("CREATE SCHEMA IF NOT EXISTS marts"),
            Statement(f"CREATE TABLE marts.dim_campaign AS {campaigns}"),
            Statement(
                "CREATE TABLE marts.fx_rates_daily (date DATE, currency_code STRING, "
                "reporting_currency_code STRING, fx_rate FLOAT64, fx_date DATE)"
            ),
            Statement(
                "CREATE TABLE marts.ads_account_days AS SELECT platform, account_id, "
                "DATE '2026-06-30' AS date FROM marts.dim_campaign"
            ),
            Statement(
                "CREATE TABLE marts.attribution_touch_daily (date DATE, platform STRING, "
                "account_id STRING, campaign_id STRING, reporting_currency_code STRING, "
                "cost_reporting_micros INT64, linear_conversions_micros INT64)"
            ),
            Statement(
                "CREATE TABLE marts.ads_ad_report (platform STRING, account_id STRING, date DATE, "
                "campaign_id STRING, adgroup_id STRING, adgroup_name STRING, ad_id STRING, "
                "ad_name STRING)"
            ),
            Statement(
                "CREATE TABLE marts.dim_adgroup (platform STRING, account_id STRING, "
                "campaign_id STRING, adgroup_id STRING, adgroup_name STRING, "
                "adgroup_status STRING, daily_budget_micros INT64, currency_code STRING)"
            ),
        ],
        label="test",
    )
