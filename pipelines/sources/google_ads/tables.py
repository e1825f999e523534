"""What GAQL queries found, as Arrow tables in the shape of the raw ads contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from google.ads.googleads.v26.enums.types.advertising_channel_type import (
    AdvertisingChannelTypeEnum,
)
from google.ads.googleads.v26.enums.types.campaign_status import CampaignStatusEnum
from google.ads.googleads.v26.enums.types.conversion_action_category import (
    ConversionActionCategoryEnum,
)

from pipelines.errors import SourceRejected
from pipelines.sources.base import KEPT, Account
from pipelines.sources.google_ads.api import Columns
from pipelines.sources.shapes.ads_metrics import spends
from pipelines.sources.shapes.ads_tables import ads_table, budget_table, labels, name_hash

NAME = "google_ads"
# the account decides by conversion action how far back a click counts
_ATTRIBUTION_WINDOW = "account_default"
# campaigns, ad groups, asset groups and ads number their statuses alike
_STATUSES = {s.value: s.name for s in CampaignStatusEnum.CampaignStatus}
_CHANNELS = {c.value: c.name for c in AdvertisingChannelTypeEnum.AdvertisingChannelType}
_CATEGORIES = {c.value: c.name for c in ConversionActionCategoryEnum.ConversionActionCategory}


def account_rows(account: Account, report: Columns) -> pa.Table:
    """raw.ads_account_performance."""
    return ads_table(
        "raw.ads_account_performance",
        {
            "date": report["segments.date"],
            "impressions": report["metrics.impressions"],
            "clicks": report["metrics.clicks"],
            "cost_micros": _spends(account, report),
        },
        labels(NAME, account),
    )


def campaign_rows(account: Account, report: Columns) -> pa.Table:
    """raw.ads_campaign_performance."""
    columns = {
        **_delivery(account, report),
        **_video(report),
        "name_hash": _hashes(report["campaign.name"]),
        "status": _names(_STATUSES, report["campaign.status"]),
    }
    return ads_table("raw.ads_campaign_performance", columns, _claimed(account))


def adgroup_rows(account: Account, groups: Columns, asset_groups: Columns) -> pa.Table:
    """raw.ads_adgroup_performance: ad groups, and the asset groups of Performance Max.

    Google has no video metrics of asset groups: theirs are null.
    """
    unknown = [None] * len(asset_groups["segments.date"])
    videos = _video(groups)
    parts = {
        **{name: videos[name] + unknown for name in videos},
        "adgroup_id": _ids(groups["ad_group.id"] + asset_groups["asset_group.id"]),
        "name_hash": _hashes(groups["ad_group.name"] + asset_groups["asset_group.name"]),
        "status": _names(_STATUSES, groups["ad_group.status"] + asset_groups["asset_group.status"]),
    }
    first, second = _delivery(account, groups), _delivery(account, asset_groups)
    columns = {**{name: first[name] + second[name] for name in first}, **parts}
    return ads_table("raw.ads_adgroup_performance", columns, _claimed(account))


def ad_rows(account: Account, report: Columns) -> pa.Table:
    """raw.ads_ad_performance."""
    columns = {
        **_delivery(account, report),
        **_video(report),
        "adgroup_id": _ids(report["ad_group.id"]),
        "ad_id": _ids(report["ad_group_ad.ad.id"]),
        "name_hash": _hashes(report["ad_group_ad.ad.name"]),
        "status": _names(_STATUSES, report["ad_group_ad.status"]),
    }
    return ads_table("raw.ads_ad_performance", columns, _claimed(account))


def conversion_rows(account: Account, report: Columns) -> pa.Table:
    """raw.ads_conversion_action_stats."""
    actions = report["segments.conversion_action"]
    columns = {
        "date": report["segments.date"],
        "campaign_id": _ids(report["campaign.id"]),
        # customers/<customer>/conversionActions/<id>
        "conversion_action": [name.rpartition("/")[2] for name in actions],
        "conversion_action_name": report["segments.conversion_action_name"],
        "category": _names(_CATEGORIES, report["segments.conversion_action_category"]),
        "conversions": report["metrics.conversions"],
        "conversion_value": report["metrics.conversions_value"],
        "all_conversions": report["metrics.all_conversions"],
    }
    return ads_table("raw.ads_conversion_action_stats", columns, labels(NAME, account))


def click_rows(account: Account, report: Columns) -> pa.Table:
    """raw.ads_clicks: a click without a gclid (an app's, an iPhone's) ties nothing; left out."""
    clicks = [i for i, gclid in enumerate(report["click_view.gclid"]) if gclid]

    def kept(field: str) -> list[Any]:
        return [report[field][i] for i in clicks]

    columns = {
        "date": kept("segments.date"),
        "click_id": kept("click_view.gclid"),
        "campaign_id": _ids(kept("campaign.id")),
        # Performance Max has neither ad groups nor ads: 0 and ""
        "adgroup_id": [str(i) if i else None for i in kept("ad_group.id")],
        # customers/<customer>/adGroupAds/<ad group>~<ad>
        "ad_id": [name.rpartition("~")[2] or None for name in kept("click_view.ad_group_ad")],
    }
    same = labels(NAME, account)
    del same["currency_code"]
    return ads_table("raw.ads_clicks", columns, same)


def budget_rows(account: Account, report: Columns, day: date) -> pa.Table:
    """raw.ads_campaign_budgets, in force from ``day`` on."""
    campaigns = _ids(report["campaign.id"])
    budgets = dict(zip(campaigns, report["campaign_budget.amount_micros"], strict=True))
    pairs = zip(
        _ids(report["campaign_budget.id"]),
        report["campaign_budget.explicitly_shared"],
        strict=True,
    )
    return budget_table(NAME, account, budgets, day, dict(zip(campaigns, pairs, strict=True)))


def entity_rows(
    account: Account, campaigns: Columns, groups: Columns, asset_groups: Columns, ads: Columns
) -> pa.Table:
    """raw.ads_entities; asset groups count as ad groups.

    One ad can sit in several ad groups: its entity is the one in the first of them.
    """
    placed = sorted(range(len(ads["ad_group.id"])), key=lambda i: -ads["ad_group.id"][i])
    first = {ads["ad_group_ad.ad.id"][i]: i for i in placed}
    parts: tuple[Columns, ...] = (
        _entities("campaign", campaigns, "campaign", None),
        _entities("adgroup", groups, "ad_group", "campaign.id"),
        _entities("adgroup", asset_groups, "asset_group", "campaign.id"),
        {
            "entity_type": ["ad"] * len(first),
            "entity_id": _ids(first),
            "parent_id": [str(ads["ad_group.id"][i]) for i in first.values()],
            "name": [ads["ad_group_ad.ad.name"][i] or None for i in first.values()],
            "status": _names(_STATUSES, (ads["ad_group_ad.status"][i] for i in first.values())),
        },
    )
    columns = {name: [v for part in parts for v in part[name]] for name in parts[0]}
    channels = _names(_CHANNELS, campaigns["campaign.advertising_channel_type"])
    rows = len(columns["entity_id"])
    columns["advertising_type"] = [*channels, *[None] * (rows - len(channels))]
    columns["labels"] = [[]] * rows
    return ads_table(
        "raw.ads_entities", columns, {"platform": NAME, "account_id": account.account_id}
    )


def _entities(kind: str, report: Columns, resource: str, parent: str | None) -> Columns:
    ids = _ids(report[f"{resource}.id"])
    parents: list[Any] = [None] * len(ids)
    if parent:
        parents = _ids(report[parent])
    return {
        "entity_type": [kind] * len(ids),
        "entity_id": ids,
        "parent_id": parents,
        "name": report[f"{resource}.name"],
        "status": _names(_STATUSES, report[f"{resource}.status"]),
    }


def _spends(account: Account, report: Columns) -> list[int]:
    def refused(why: str) -> SourceRejected:
        return SourceRejected(
            f"{NAME} account {account.account_id}: {why}.",
            kept=KEPT,
            fix="Run again later; if it lasts, compare the account's report in Google Ads.",
        )

    impressions, clicks = report["metrics.impressions"], report["metrics.clicks"]
    return spends(report["metrics.cost_micros"], impressions, clicks, refused)


def _delivery(account: Account, report: Columns) -> Columns:
    return {
        "date": report["segments.date"],
        "campaign_id": _ids(report["campaign.id"]),
        "impressions": report["metrics.impressions"],
        "clicks": report["metrics.clicks"],
        "cost_micros": _spends(account, report),
        "conversions": report["metrics.conversions"],
        "conversion_value": report["metrics.conversions_value"],
    }


def _video(report: Columns) -> Columns:
    """Google counts views, and gives those to the end as a share of impressions."""
    shown = zip(
        report["metrics.impressions"], report["metrics.video_quartile_p100_rate"], strict=True
    )
    return {
        "video_views": report["metrics.video_trueview_views"],
        "video_completions": [round(impressions * share) for impressions, share in shown],
    }


def _claimed(account: Account) -> dict[str, str]:
    return {**labels(NAME, account), "attribution_window": _ATTRIBUTION_WINDOW}


def _ids(numbers: Iterable[int]) -> list[str]:
    return [str(number) for number in numbers]


def _hashes(names: Iterable[str]) -> list[str]:
    return [name_hash(name) for name in names]


def _names(known: Mapping[int, str], numbers: Iterable[int]) -> list[str]:
    """A number that came after this version of the API is UNKNOWN, which the audit refuses."""
    return [known.get(number, "UNKNOWN") for number in numbers]
