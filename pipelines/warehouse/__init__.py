"""The only door to the warehouse: one protocol, BigQuery and DuckDB behind it.

Other rooms open it with open_warehouse; no source, landing, job or proposal may enter here.
"""

from pipelines.warehouse.base import (
    RowCountConflict,
    Slice,
    Statement,
    Warehouse,
    WorkingCopy,
)
from pipelines.warehouse.factory import open_warehouse

__all__ = [
    "RowCountConflict",
    "Slice",
    "Statement",
    "Warehouse",
    "WorkingCopy",
    "open_warehouse",
]
