"""Column lists of an ad platform as Arrow tables in the shape of the raw ads contracts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow as pa

from pipelines.sources.base import Account

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


def labels(platform: str, account: Account) -> dict[str, str]:
    """The columns that are the same in every row of an account."""
    return {
        "platform": platform,
        "account_id": account.account_id,
        "currency_code": account.currency_code,
        "time_zone": account.time_zone,
    }


def budget_table(
    platform: str, account: Account, budgets: Mapping[str, int], day: date
) -> pa.Table:
    """raw.ads_campaign_budgets: micros a day by campaign, in force from ``day`` on."""
    return ads_table(
        {"campaign_id": list(budgets), "daily_budget_micros": list(budgets.values())},
        {**labels(platform, account), "effective_from": day},
    )


def campaign_budgets(
    campaigns: Iterable[tuple[str, str, int]], adgroups: Iterable[tuple[str | None, str, int]]
) -> dict[str, int]:
    """Daily budget by campaign, of those that have one and aren't removed.

    A campaign that leaves its budget to its ad groups has the sum of the enabled ones.

    Args:
        campaigns: id, status and own daily budget (0 for none) of each.
        adgroups: campaign id, status and daily budget of each.
    """
    of_groups: dict[str | None, int] = {}
    for campaign, status, budget in adgroups:
        if status == ENABLED:
            of_groups[campaign] = of_groups.get(campaign, 0) + budget
    budgets = {
        campaign: budget or of_groups.get(campaign, 0)
        for campaign, status, budget in campaigns
        if status != REMOVED
    }
    return {campaign: budget for campaign, budget in budgets.items() if budget}


def spend_by_day(rows: pa.Table) -> dict[date, int]:
    """Micros that an account spent, of its rows in raw.ads_account_performance."""
    return dict(zip(rows["date"].to_pylist(), rows["cost_micros"].to_pylist(), strict=True))


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
