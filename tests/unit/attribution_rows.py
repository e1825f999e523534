"""A warehouse with the marts that the attribution jobs read, and nothing else of the marts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.warehouse.duckdb import DuckDBWarehouse

Rows = list[dict[str, Any]]

CONTRACTS = (
    "attribution_channel_weekly",
    "attribution_reconciled_daily",
    "mmm_contributions_weekly",
    "job_runs",
)
_TEXTS = ("platform", "account_id", "campaign_id")
SCHEMAS = {
    "journey_paths_weekly": pa.schema(
        [
            ("week_start", pa.date32()),
            ("channel_path", pa.string()),
            ("conversions", pa.int64()),
            ("non_conversions", pa.int64()),
            ("conversion_value_micros", pa.int64()),
            ("currency_code", pa.string()),
        ]
    ),
    "attribution_touch_daily": pa.schema(
        [
            ("date", pa.date32()),
            ("default_channel_group", pa.string()),
            *((name, pa.string()) for name in _TEXTS),
            ("linear_conversions_micros", pa.int64()),
        ]
    ),
    "fct_ad_spend_daily": pa.schema(
        [
            ("date", pa.date32()),
            ("channel", pa.string()),
            *((name, pa.string()) for name in _TEXTS),
            ("cost_reporting_micros", pa.int64()),
        ]
    ),
}


def warehouse_with(path: Path, marts: Mapping[str, Sequence[dict[str, Any]]]) -> DuckDBWarehouse:
    """A new file with these rows in the marts, and the contracts of the jobs."""
    warehouse = DuckDBWarehouse(path)
    warehouse.create_tables([load_contract(f"contracts.{name}") for name in CONTRACTS])
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts")
        for name, schema in SCHEMAS.items():
            connection.register("given", pa.Table.from_pylist(list(marts.get(name, ())), schema))
            connection.execute(f"CREATE TABLE marts.{name} AS SELECT * FROM given")
    return warehouse
