"""What a rule may name: the columns of marts.ad_features_daily as numbers of a person's size.

Money is in units of the account's currency, without ``_micros`` in the name; what the account as a
whole did has the prefix ``account_``; days are of the day that the budget is for.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from pipelines.jobs.base import significant
from pipelines.jobs.rules.conditions import Value
from pipelines.money import MICROS

_WINDOWS = (3, 7, 14, 28)
_MONEY = (
    *(f"{name}_micros_{days}d" for days in _WINDOWS for name in ("cost", "cpc", "cpm", "cac")),
    *("daily_budget_micros", "budget_headroom_micros", "month_cost_micros", "cpm_micros_slope_14d"),
)
_NUMBERS = (
    *(
        f"{name}_{days}d"
        for days in _WINDOWS
        for name in (
            *("impressions", "clicks", "conversions", "ctr", "cvr", "roas", "order_roas"),
            "orders",
        )
    ),
    *(f"{name}_change_7d" for name in ("cost", "conversions", "ctr", "cpm", "roas")),
    *("roas_index_7d", "roas_index_28d", "order_roas_index_28d", "claimed_per_order_28d"),
    *("roas_slope_14d", "ctr_slope_14d"),
    *(f"{name}_volatility_14d" for name in ("roas", "cost", "conversions")),
    *("days_with_spend_28d", "days_since_delivery", "days_since_launch", "days_since_edit"),
    *("days_since_budget_change", "budget_used_7d", "share_of_campaign_cost"),
    *("share_of_account_cost", "tomorrow_weekday_index", "maturity_7d"),
)
_ACCOUNT = (
    *("conversions_28d", "conversions_change_7d", "cost_change_7d", "roas_28d", "roas_change_7d"),
    *("order_roas_28d", "claimed_per_order_28d", "maturity_7d"),
)
# less is what a difference or a slope leaves of 0; of money in units of currency
_LEAST = 1e-7
_CALENDAR = ("weekday", "day_of_month", "days_left_in_month")
KEYS = ("date", "level", "platform", "account_id", "campaign_id", "adgroup_id", "currency_code")
COLUMNS = (*_MONEY, *_NUMBERS, "learning_phase")
"""Columns of the mart that are read, beside those that say of what they are."""

KINDS: Mapping[str, type] = {
    **{name.replace("_micros", ""): float for name in _MONEY},
    **dict.fromkeys(_NUMBERS, float),
    **{f"account_{name}": float for name in _ACCOUNT},
    **dict.fromkeys(_CALENDAR, float),
    "is_weekend": bool,
    "learning_phase": str,
}


def comparable(rows: pa.Table) -> pa.Table:
    """Rows of marts.ad_features_daily, floats rounded to ``jobs.base.SIGNIFICANT_DIGITS``.

    Engines add up in an order of their own, so that floats differ in their last bits: a feature
    at a rule's bound would be above it in one warehouse and not in the other, and no run would
    have the same id in both. Whole numbers, such as budgets, stay as they are.
    """
    for place, column in enumerate(rows.schema):
        if column.name in COLUMNS and pa.types.is_floating(column.type):
            least = _LEAST * (MICROS if column.name in _MONEY else 1)
            values = [
                value if value is None else significant(value) if abs(value) >= least else 0.0
                for value in rows[column.name].to_pylist()
            ]
            rows = rows.set_column(place, column, pa.array(values, column.type))
    return rows


def values_of(row: Mapping[str, Any], account: Mapping[str, Any], as_of: date) -> dict[str, Value]:
    """Every name that a rule may use, of one entity at the end of ``as_of``.

    Args:
        row, account: rows of marts.ad_features_daily; NULL where something isn't known.
    """
    day = as_of + timedelta(days=1)
    last = calendar.monthrange(day.year, day.month)[1]
    return {
        **{name.replace("_micros", ""): _number(row[name], MICROS) for name in _MONEY},
        **{name: _number(row[name]) for name in _NUMBERS},
        **{f"account_{name}": _number(account.get(name)) for name in _ACCOUNT},
        "weekday": float(day.isoweekday()),
        "day_of_month": float(day.day),
        "days_left_in_month": float(last - day.day + 1),
        "is_weekend": day.isoweekday() > 5,
        "learning_phase": row["learning_phase"],
    }


def _number(value: float | None, unit: int = 1) -> float | None:
    return None if value is None else float(value) / unit
