"""The only door to storage: one protocol, BigQuery and DuckDB behind it.

No other room may open a connection; nothing about ads, orders or proposals may enter here.
"""

from pipelines.warehouse.base import (
    RowCountConflict,
    Slice,
    Statement,
    Warehouse,
)
from pipelines.warehouse.contracts import Contract, load_contract, load_contracts
from pipelines.warehouse.factory import open_warehouse

__all__ = [
    "Contract",
    "RowCountConflict",
    "Slice",
    "Statement",
    "Warehouse",
    "load_contract",
    "load_contracts",
    "open_warehouse",
]
