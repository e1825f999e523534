"""What holds a budget: ad sets that have one, and campaigns whose ad groups have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.jobs.rules.allocate import Unit
from pipelines.jobs.rules.features import values_of
from pipelines.money import MICROS

WHOLE = "(all)"
"""Stands for the ad groups of a campaign that holds its budget itself."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Account:
    """An account's units, with what it spent this month in micros of its currency.

    ``as_of`` is the last day of its features.
    """

    platform: str
    account_id: str
    currency_code: str
    as_of: date
    month_cost_micros: int
    units: tuple[Unit, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.platform, self.account_id


def accounts_of(rows: Iterable[Row]) -> list[Account]:
    """Accounts in the order of their rows, of one day each.

    Args:
        rows: of marts.ad_features_daily, levels account, campaign and adgroup, ordered by account.
    """
    by_account: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        own = by_account.setdefault((row["platform"], row["account_id"]), {})
        own.setdefault(row["level"], []).append(row)
    return [_account(levels) for levels in by_account.values() if "account" in levels]


def _account(levels: Mapping[str, list[Row]]) -> Account:
    (whole,) = levels["account"]
    sets = [row for row in levels.get("adgroup", []) if row["daily_budget_micros"]]
    budgeted = {row["campaign_id"] for row in sets}
    campaigns = [
        row
        for row in levels.get("campaign", [])
        if row["daily_budget_micros"] and row["campaign_id"] not in budgeted
    ]
    as_of = whole["date"]
    units = tuple(
        Unit(
            row["platform"],
            row["account_id"],
            row["campaign_id"],
            row["adgroup_id"],
            row["daily_budget_micros"] / MICROS,
            values_of(row, whole, as_of),
        )
        for row in sorted([*sets, *campaigns], key=lambda r: (r["campaign_id"], r["adgroup_id"]))
    )
    return Account(
        whole["platform"],
        whole["account_id"],
        whole["currency_code"],
        as_of,
        whole["month_cost_micros"],
        units,
    )
