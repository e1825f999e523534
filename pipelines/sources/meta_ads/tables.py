"""Insights rows as Arrow tables in the shape of the raw ads contracts.

Conversions are purchases within seven days of a click; each attribution window has a column of
its own besides. Meta leaves out a metric that is zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines.errors import SourceRejected
from pipelines.money import micros
from pipelines.sources.base import KEPT, Account
from pipelines.sources.meta_ads.api import Row
from pipelines.sources.meta_ads.reports import WINDOWS
from pipelines.sources.shapes.ads_metrics import spends
from pipelines.sources.shapes.ads_tables import REMOVED, ads_table, labels, name_hash

NAME = "meta_ads"
_ATTRIBUTION_WINDOW = "7d_click"
_TABLES = {
    "campaign": "raw.ads_campaign_performance",
    "adset": "raw.ads_adgroup_performance",
    "ad": "raw.ads_ad_performance",
}
# omni_purchase counts web, app and shop purchases; purchase is what older pixels send alone
_PURCHASES = ("omni_purchase", "purchase")
_CATEGORIES = {
    "omni_purchase": "PURCHASE",
    "purchase": "PURCHASE",
    "omni_add_to_cart": "ADD_TO_CART",
    "omni_initiated_checkout": "BEGIN_CHECKOUT",
    "omni_complete_registration": "SIGNUP",
    "lead": "SUBMIT_LEAD_FORM",
}


def account_rows(account: Account, rows: list[Row]) -> pa.Table:
    """raw.ads_account_performance."""
    return ads_table("raw.ads_account_performance", _delivery(account, rows), labels(NAME, account))


def level_rows(
    account: Account, level: str, rows: list[Row], statuses: Mapping[str, str]
) -> pa.Table:
    """raw.ads_campaign_performance, raw.ads_adgroup_performance or raw.ads_ad_performance.

    Args:
        level: campaign, adset or ad.
        statuses: status by id; what delivered and is no longer listed is REMOVED.
    """
    actions = [r.get("actions", ()) for r in rows]
    columns: dict[str, list[Any]] = {
        **_delivery(account, rows),
        "campaign_id": [r["campaign_id"] for r in rows],
        "conversions": [purchases(a) for a in actions],
        "conversion_value": [purchases(r.get("action_values", ())) for r in rows],
        **{f"conversions_{w}": [purchases(a, w) for a in actions] for w in WINDOWS},
        "video_views": [_plays(r.get("video_play_actions", ())) for r in rows],
        "video_completions": [_plays(r.get("video_p100_watched_actions", ())) for r in rows],
        "name_hash": [name_hash(r[f"{level}_name"]) for r in rows],
        "status": [statuses.get(r[f"{level}_id"], REMOVED) for r in rows],
    }
    if level != "campaign":
        columns["adgroup_id"] = [r["adset_id"] for r in rows]
    if level == "ad":
        columns["ad_id"] = [r["ad_id"] for r in rows]
    claimed = {**labels(NAME, account), "attribution_window": _ATTRIBUTION_WINDOW}
    return ads_table(_TABLES[level], columns, claimed)


def action_rows(account: Account, campaigns: list[Row]) -> pa.Table:
    """raw.ads_conversion_action_stats: one row an action type of a campaign's day.

    ``conversions`` are those within seven days of a click; ``all_conversions`` those of the
    account's own attribution setting. Action types overlap (omni_purchase holds purchase), so
    they are not to be summed.
    """
    stats: list[tuple[Any, ...]] = []
    for row in campaigns:
        counts = {action["action_type"]: action for action in row.get("actions", ())}
        values = {action["action_type"]: action for action in row.get("action_values", ())}
        for kind in sorted({*counts, *values}):
            count, value = counts.get(kind, {}), values.get(kind, {})
            stats.append(
                (
                    row["date_start"],
                    row["campaign_id"],
                    kind,
                    _CATEGORIES.get(kind),
                    float(count.get(_ATTRIBUTION_WINDOW, 0)),
                    float(value.get(_ATTRIBUTION_WINDOW, 0)),
                    float(count.get("value", 0)),
                )
            )
    names = (
        "date",
        "campaign_id",
        "conversion_action",
        "category",
        "conversions",
        "conversion_value",
        "all_conversions",
    )
    columns = {name: [row[i] for row in stats] for i, name in enumerate(names)}
    columns["conversion_action_name"] = [None] * len(stats)
    return ads_table("raw.ads_conversion_action_stats", columns, labels(NAME, account))


def purchases(actions: Iterable[Row], window: str = _ATTRIBUTION_WINDOW) -> float:
    """Purchases, or their value, within an attribution window."""
    by_type = {action["action_type"]: action for action in actions}
    for kind in _PURCHASES:
        if kind in by_type:
            return float(by_type[kind].get(window, 0))
    return 0.0


def _plays(actions: Iterable[Row]) -> int:
    return sum(int(action.get("value", 0)) for action in actions)


def _delivery(account: Account, rows: list[Row]) -> dict[str, list[Any]]:
    impressions = [int(r["impressions"]) for r in rows]
    clicks = [int(r.get("clicks", 0)) for r in rows]
    costs = [None if r["spend"] is None else micros(r["spend"]) for r in rows]
    return {
        "date": [r["date_start"] for r in rows],
        "impressions": impressions,
        "clicks": clicks,
        "cost_micros": spends(costs, impressions, clicks, partial(_refused, account)),
    }


def _refused(account: Account, why: str) -> SourceRejected:
    return SourceRejected(
        f"{NAME} account {account.account_id}: {why}.",
        kept=KEPT,
        fix="Ask Meta for the account's insights again later; if it lasts, Meta has changed its "
        "report.",
    )
