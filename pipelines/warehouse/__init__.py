"""The only door to storage: one protocol, BigQuery and DuckDB behind it.

No other room may open a connection; nothing about ads, orders or proposals may enter here.
"""

from pipelines.warehouse.base import (
    RowCountConflict,
    Slice,
    Statement,
    Warehouse,
)
from pipelines.warehouse.factory import open_warehouse

__all__ = [
    "RowCountConflict",
    "Slice",
    "Statement",
    "Warehouse",
    "open_warehouse",
]
