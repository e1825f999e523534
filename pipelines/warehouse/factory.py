"""Opens the warehouse that the settings name."""

from __future__ import annotations

from pipelines.config import Settings
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.contracts import load_contracts
from pipelines.warehouse.duckdb import DuckDBWarehouse


def open_warehouse(settings: Settings) -> Warehouse:
    """The configured warehouse, with every contract's table in place.

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
    warehouse.create_tables(load_contracts().values())
    return warehouse
