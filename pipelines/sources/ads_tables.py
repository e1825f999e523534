"""Column lists of an ad platform as Arrow tables in the shape of the raw ads contracts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

ENABLED, PAUSED, REMOVED = "ENABLED", "PAUSED", "REMOVED"

_TYPES = {
    "date": pa.date32(),
    "effective_from": pa.date32(),
    "impressions": pa.int64(),
    "clicks": pa.int64(),
    "cost_micros": pa.int64(),
    "daily_budget_micros": pa.int64(),
    "conversions": pa.float64(),
    "conversion_value": pa.float64(),
    "all_conversions": pa.float64(),
    "conversions_1d_click": pa.float64(),
    "conversions_7d_click": pa.float64(),
    "conversions_28d_click": pa.float64(),
    "conversions_1d_view": pa.float64(),
    "video_views": pa.int64(),
    "video_completions": pa.int64(),
    "labels": pa.list_(pa.string()),
}


def ads_table(columns: Mapping[str, Sequence[Any]], same: Mapping[str, Any]) -> pa.Table:
    """An ads table.

    Args:
        columns: one list a column, all as long as each other; dates may be ISO strings.
        same: columns that have one value in every row.

    Returns:
        Columns in the given order, those of ``same`` last, typed as the contracts type them
        (sql/contracts/raw/ads_*.sql), also when there is no row.
    """
    rows = len(next(iter(columns.values())))
    arrays = {name: _array(name, values) for name, values in columns.items()}
    repeated = {
        name: pa.repeat(pa.scalar(value, _type(name)), rows) for name, value in same.items()
    }
    return pa.table({**arrays, **repeated})


def _array(name: str, values: Sequence[Any]) -> pa.Array:
    kind = _type(name)
    if pa.types.is_date(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def _type(column: str) -> pa.DataType:
    return _TYPES.get(column, pa.string())


@lru_cache(maxsize=100_000)
def name_hash(name: str) -> str:
    """SHA-256 of a campaign's or ad's name, hex: shows a rename without storing the name."""
    return hashlib.sha256(name.encode()).hexdigest()
