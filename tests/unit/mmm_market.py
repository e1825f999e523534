"""A market of two channels with known truth, as the mmm job reads it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from pipelines.config import JobsSettings, MmmSettings, Settings
from pipelines.contracts import load_contracts
from pipelines.jobs.mmm.ensemble import sampler
from pipelines.jobs.mmm.weeks import Weeks
from pipelines.policy_settings import GuardrailSettings, PolicySettings
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.warehouse_files import empty_warehouse

AS_OF = date(2026, 6, 30)
LAST_WEEK = date(2026, 6, 22)
CHANNELS = ("google_ads", "meta_ads")
TOP = np.array([420.0, 260.0])  # weekly orders at saturation
HALF = np.array([1.0, 0.8])  # in mean weekly spends
SLOPE = np.array([1.4, 1.2])
LAG = np.array([0.5, 0.3])
LIMITS = MmmSettings(engines=("ensemble",), curve_points=11, horizons=(4, 13))
SETTINGS = Settings(
    jobs=JobsSettings(mmm=LIMITS),
    policy=PolicySettings(guardrails=GuardrailSettings(max_change_percent=5)),
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
    warehouse = empty_warehouse(path)
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


# What a run took is measured; what it says is the same to the byte.
MEASURED = ("seconds", "bytes_billed", "slot_seconds")


def contract_rows(warehouse: DuckDBWarehouse, table: str) -> list[dict[str, Any]]:
    """The rows of a table of results, without what is measured of a run."""
    left_out = f" EXCEPT ({', '.join(MEASURED)})" if table == "job_runs" else ""
    grain = ", ".join(load_contracts()[f"contracts.{table}"].primary_key)
    return warehouse.query(
        f"SELECT *{left_out} FROM contracts.{table} ORDER BY {grain}"
    ).to_pylist()


@pytest.fixture(scope="module", autouse=True)
def short_chains() -> Iterator[None]:
    """Nine fits a run are enough to see what the job does with them, if not to be exact."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "CHAINS", 4)
        patch.setattr(sampler, "WARMUP", 60)
        patch.setattr(sampler, "SWEEPS", 160)
        yield
