"""Campaigns, ad sets and ads as Meta lists them: their statuses, budgets, settings and names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

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
    labels,
)

_STATUS = {"ACTIVE": ENABLED, "PAUSED": PAUSED, "DELETED": REMOVED, "ARCHIVED": REMOVED}
_TYPES = {"campaign": "campaign", "adset": "adgroup", "ad": "ad"}
_PHASES = {"LEARNING": "LEARNING", "SUCCESS": "LEARNED", "FAIL": "LIMITED"}
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


def setting_rows(account: Account, sets: list[Row], day: date) -> pa.Table:
    """raw.ads_adgroup_settings, seen on ``day``: what Meta leaves out is NULL."""
    unit, zone = _unit(account.currency_code), ZoneInfo(account.time_zone)
    targeting = [row.get("targeting") or {} for row in sets]
    learning = [row.get("learning_stage_info") or {} for row in sets]
    columns: dict[str, list[Any]] = {
        "adgroup_id": [r["id"] for r in sets],
        "effective_from": [day.isoformat()] * len(sets),
        "campaign_id": [r["campaign_id"] for r in sets],
        "status": [_status(r) for r in sets],
        "daily_budget_micros": [int(r.get("daily_budget") or 0) * unit or None for r in sets],
        "starts_on": [_day(r.get("start_time"), zone) for r in sets],
        "learning_phase": [
            _PHASES.get(info.get("status", ""), info.get("status")) for info in learning
        ],
        "edited_at": [_instant(info.get("last_sig_edit_ts")) for info in learning],
        "countries": [t.get("geo_locations", {}).get("countries", []) for t in targeting],
        "audience_ids": [_ids(t.get("custom_audiences")) for t in targeting],
        "excluded_audience_ids": [_ids(t.get("excluded_custom_audiences")) for t in targeting],
        "is_audience_expanded": [_expanded(t) for t in targeting],
        "age_min": [t.get("age_min") for t in targeting],
        "age_max": [t.get("age_max") for t in targeting],
    }
    return ads_table("raw.ads_adgroup_settings", columns, labels(NAME, account))


def daily_budgets(campaigns: list[Row], sets: list[Row], currency: str) -> dict[str, int]:
    """Daily budget in micros by campaign, or else that of its ad sets."""
    unit = _unit(currency)

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


def _unit(currency: str) -> int:
    """Micros in one unit of a budget."""
    return MICROS if currency in _WITHOUT_HUNDREDTHS else MICROS // 100


def _day(instant: str | None, zone: ZoneInfo) -> str | None:
    """The account's day of an instant such as 2026-01-31T00:00:00-0500."""
    return datetime.fromisoformat(instant).astimezone(zone).date().isoformat() if instant else None


def _instant(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _ids(audiences: list[Row] | None) -> list[str]:
    return sorted(str(audience["id"]) for audience in audiences or ())


def _expanded(targeting: Row) -> bool | None:
    choice = targeting.get("targeting_automation", {}).get("advantage_audience")
    return None if choice is None else bool(choice)
