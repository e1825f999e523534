"""Opens the warehouse that the settings name."""

from __future__ import annotations

from pipelines.config import Settings
from pipelines.contracts import load_contracts
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse


def open_warehouse(settings: Settings, *, create: bool = True) -> Warehouse:
    """The configured warehouse.

    Args:
        create: create missing tables first; commands that only read pass False.

    Raises:
        ConfigError: BigQuery is asked for without a project.
        WarehouseLocked, WarehouseUnavailable: try again later.
    """
    warehouse: Warehouse
    if settings.warehouse.kind == "bigquery":
        from pipelines.warehouse.bigquery import BigQueryWarehouse

        warehouse = BigQueryWarehouse(settings.warehouse)
    else:
        warehouse = DuckDBWarehouse(
            settings.warehouse.path, settings.warehouse.lock_timeout_seconds
        )
    if create:
        warehouse.create_tables(load_contracts().values())
    return warehouse
