"""Campaigns, ad sets and ads as Meta lists them: their statuses, budgets and names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from pipelines.money import MICROS
from pipelines.sources.base import Account
from pipelines.sources.meta_ads.api import Row
from pipelines.sources.meta_ads.tables import NAME
from pipelines.sources.shapes.ads_tables import (
    ENABLED,
    PAUSED,
    REMOVED,
    ads_table,
    budget_table,
    campaign_budgets,
)

_STATUS = {"ACTIVE": ENABLED, "PAUSED": PAUSED, "DELETED": REMOVED, "ARCHIVED": REMOVED}
_TYPES = {"campaign": "campaign", "adset": "adgroup", "ad": "ad"}
# currencies whose budgets Meta counts in whole units; the others in hundredths
# (https://developers.facebook.com/docs/marketing-api/currencies)
_WITHOUT_HUNDREDTHS = frozenset(
    ("CLP", "COP", "CRC", "HUF", "ISK", "IDR", "JPY", "KRW", "PYG", "TWD", "VND")
)

Entities = Mapping[str, list[Row]]


def statuses(rows: list[Row]) -> dict[str, str]:
    """Our status by id."""
    return {row["id"]: _status(row) for row in rows}


def entity_rows(account: Account, entities: Entities) -> pa.Table:
    """raw.ads_entities.

    Args:
        entities: rows of the levels campaign, adset and ad.
    """
    listed = [(_TYPES[level], row) for level, rows in entities.items() for row in rows]
    return ads_table(
        "raw.ads_entities",
        {
            "entity_type": [kind for kind, _ in listed],
            "entity_id": [r["id"] for _, r in listed],
            "parent_id": [r.get("adset_id") or r.get("campaign_id") for _, r in listed],
            "name": [r.get("name") for _, r in listed],
            "status": [_status(r) for _, r in listed],
            "advertising_type": [r.get("objective") for _, r in listed],
            "labels": [[]] * len(listed),
        },
        {"platform": NAME, "account_id": account.account_id},
    )


def budget_rows(account: Account, entities: Entities, day: date) -> pa.Table:
    """raw.ads_campaign_budgets, in force on ``day``."""
    budgets = daily_budgets(entities["campaign"], entities["adset"], account.currency_code)
    return budget_table(NAME, account, budgets, day)


def daily_budgets(campaigns: list[Row], sets: list[Row], currency: str) -> dict[str, int]:
    """Daily budget in micros by campaign, or else that of its ad sets."""
    unit = MICROS if currency in _WITHOUT_HUNDREDTHS else MICROS // 100

    def daily(row: Row) -> int:
        return int(row.get("daily_budget") or 0) * unit

    return campaign_budgets(
        ((c["id"], _status(c), daily(c)) for c in campaigns),
        ((s["campaign_id"], _status(s), daily(s)) for s in sets),
    )


def _status(row: Row) -> str:
    """What we call the row's own switch; a word we don't know is left for the audit to find."""
    status: str = row["status"]
    return _STATUS.get(status, status)
