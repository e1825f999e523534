"""Column lists of an ad platform as Arrow tables in the shape of the raw ads contracts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow as pa

from pipelines.sources.base import Account
from pipelines.sources.shapes.columns import schema_of, typed

ENABLED, PAUSED, REMOVED = "ENABLED", "PAUSED", "REMOVED"


def ads_table(
    table: str, columns: Mapping[str, Sequence[Any]], same: Mapping[str, Any]
) -> pa.Table:
    """Rows of an ads table, typed by its contract, also where there is none.

    Args:
        table: such as raw.ads_campaign_performance.
        columns: one list a column, all as long as each other; days are ISO texts.
        same: columns that have one value in every row.

    Returns:
        Columns in the given order, those of ``same`` last.
    """
    schema, rows = schema_of(table), len(next(iter(columns.values())))
    days = {
        name: pa.array(values, pa.string())
        for name, values in columns.items()
        if pa.types.is_date(schema.field(name).type)
    }
    repeated = {
        name: pa.repeat(pa.scalar(value, schema.field(name).type), rows)
        for name, value in same.items()
    }
    return typed(table, {**columns, **days, **repeated})


def labels(platform: str, account: Account) -> dict[str, str]:
    """The columns that are the same in every row of an account."""
    return {
        "platform": platform,
        "account_id": account.account_id,
        "currency_code": account.currency_code,
        "time_zone": account.time_zone,
    }


def budget_table(
    platform: str,
    account: Account,
    budgets: Mapping[str, int],
    day: date,
    shared: Mapping[str, tuple[str, bool]] | None = None,
) -> pa.Table:
    """raw.ads_campaign_budgets: micros a day by campaign, in force from ``day`` on.

    Args:
        shared: id of each campaign's budget and whether the platform calls it shared, where it
            gives budgets ids.
    """
    known = [(shared or {}).get(campaign, (None, None)) for campaign in budgets]
    columns: dict[str, Sequence[Any]] = {
        "campaign_id": list(budgets),
        "daily_budget_micros": list(budgets.values()),
        "budget_id": [budget for budget, _ in known],
        "is_shared": [is_shared for _, is_shared in known],
    }
    return ads_table(
        "raw.ads_campaign_budgets",
        columns,
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


@lru_cache(maxsize=100_000)
def name_hash(name: str) -> str:
    """SHA-256 of a campaign's or ad's name, hex: shows a rename without storing the name."""
    return hashlib.sha256(name.encode()).hexdigest()
