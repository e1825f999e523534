"""What the simulated TikTok knows of an advertiser, in the shapes of the Business API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.market.market import Campaign, Market

PLATFORM = "tiktok_ads"
Row = dict[str, Any]

# data level → the dimension that names its rows, and what else a report can say of them
LEVELS = {
    "AUCTION_ADVERTISER": ("advertiser_id", set[str]()),
    "AUCTION_CAMPAIGN": ("campaign_id", {"campaign_name"}),
    "AUCTION_ADGROUP": ("adgroup_id", {"campaign_id", "campaign_name", "adgroup_name"}),
    "AUCTION_AD": (
        "ad_id",
        {"campaign_id", "campaign_name", "adgroup_id", "adgroup_name", "ad_name"},
    ),
}
METRICS = {
    "spend",
    "impressions",
    "clicks",
    "conversion",
    "total_complete_payment_rate",
    "video_play_actions",
    "video_views_p100",
}
ENTITY_FIELDS = {
    "campaign": {"campaign_id", "campaign_name", "objective_type", "budget", "budget_mode"},
    "adgroup": {"adgroup_id", "adgroup_name", "campaign_id", "budget", "budget_mode"},
    "ad": {"ad_id", "ad_name", "adgroup_id", "campaign_id"},
}
_SWITCH = {"ENABLED": "ENABLE", "PAUSED": "DISABLE", "REMOVED": "DISABLE"}
_SECONDARY = {"ENABLED": "ENABLE", "PAUSED": "DISABLE", "REMOVED": "DELETE"}
_SUMMED = (
    *("impressions", "clicks", "cost_micros", "conversions", "conversion_value"),
    *("video_views", "video_completions"),
)
WITHDRAWN_DAYS = 3


class TiktokBooks:
    """The market's TikTok side: advertisers, their entities and their reports."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._accounts = {a.account_id: a for a in market.accounts if a.platform == PLATFORM}

    def knows(self, account_id: str) -> bool:
        return account_id in self._accounts

    def advertiser(self, account_id: str) -> Row:
        account = self._accounts[account_id]
        return {
            "advertiser_id": account_id,
            "name": account.name,
            "currency": account.currency_code,
            "timezone": account.time_zone,
            "status": "STATUS_ENABLE",
            "country": "US",
        }

    def entities(self, account_id: str, kind: str, today: date, every_status: bool) -> list[Row]:
        """Campaigns, ad groups or ads; without ``every_status`` all but what was deleted."""
        read = {"campaign": self._campaign, "adgroup": self._adgroups, "ad": _ads}[kind]
        rows = [row for c in self._campaigns(account_id) for row in read(c, today)]
        return [r for r in rows if every_status or not r["secondary_status"].endswith("DELETE")]

    def report(
        self,
        account_id: str,
        data_level: str,
        window: tuple[date, date],
        today: date,
        *,
        every_status: bool,
        withdrawn: bool,
    ) -> list[Row]:
        """Rows of a report by day: ``dimensions``, and all ``metrics`` as text.

        Args:
            withdrawn: less what TikTok took back: the last ad's last days.
        """
        id_name, _ = LEVELS[data_level]
        names = self._names(account_id, id_name)
        if not every_status:
            names = {key: (about, s) for key, (about, s) in names.items() if s != "REMOVED"}
        rows = []
        for row in self._summed(account_id, id_name, window, today, withdrawn).to_pylist():
            key = row.get(id_name, account_id)
            if key in names:
                day = row["date"].strftime("%Y-%m-%d 00:00:00")
                dimensions = {id_name: key, "stat_time_day": day}
                metrics = {**names[key][0], **_metrics(row)}
                rows.append({"dimensions": dimensions, "metrics": metrics})
        return rows

    def spend(self, account_id: str, today: date, withdrawn: bool) -> dict[date, int]:
        """Micros the advertiser is charged by day, up to ``today - 1``."""
        everything = (self._market.start, self._market.end)
        rows = self._summed(account_id, "advertiser_id", everything, today, withdrawn)
        return dict(zip(rows["date"].to_pylist(), rows["cost_micros"].to_pylist(), strict=True))

    def _summed(
        self,
        account_id: str,
        id_name: str,
        window: tuple[date, date],
        today: date,
        withdrawn: bool,
    ) -> pa.Table:
        """Delivery by day and id; every campaign has ads, which sum to it exactly."""
        rows = self._market.ad_days(account_id, *window, today)
        if withdrawn:
            last = self._campaigns(account_id)[0].adgroups[-1].ads[-1].ad_id
            recent = pa.scalar(today - timedelta(days=WITHDRAWN_DAYS))
            gone = pc.and_(
                pc.equal(rows["ad_id"], last), pc.greater_equal(rows["date"].cast("date32"), recent)
            )
            rows = rows.filter(pc.invert(gone))
        views = rows["impressions"].to_numpy() * 7 // 10
        rows = rows.append_column("video_views", pa.array(views.astype(np.int64)))
        rows = rows.append_column("video_completions", pa.array((views // 12).astype(np.int64)))
        keys = ["date"] if id_name == "advertiser_id" else ["date", id_name]
        sums = rows.group_by(keys, use_threads=False).aggregate([(m, "sum") for m in _SUMMED])
        table = sums.select([*keys, *(f"{m}_sum" for m in _SUMMED)])
        table = table.rename_columns([*keys, *_SUMMED])
        return table.sort_by([(key, "ascending") for key in keys])

    def _campaigns(self, account_id: str) -> list[Campaign]:
        return [c for c in self._market.campaigns if c.account_id == account_id]

    def _names(self, account_id: str, id_name: str) -> dict[str, tuple[Row, str]]:
        """What a report says of an id beside its numbers, and its status."""
        if id_name == "advertiser_id":
            return {account_id: ({}, "ENABLED")}
        names: dict[str, tuple[Row, str]] = {}
        for c in self._campaigns(account_id):
            about = {"campaign_id": c.campaign_id, "campaign_name": c.name}
            if id_name == "campaign_id":
                names[c.campaign_id] = (about, c.status)
            for g in c.adgroups:
                group = {**about, "adgroup_id": g.adgroup_id, "adgroup_name": g.name}
                if id_name == "adgroup_id":
                    names[g.adgroup_id] = (group, g.status)
                if id_name == "ad_id":
                    names |= {a.ad_id: ({**group, "ad_name": a.name}, a.status) for a in g.ads}
        return names

    def _campaign(self, campaign: Campaign, today: date) -> Iterable[Row]:
        budget = {"budget": 0.0, "budget_mode": "BUDGET_MODE_INFINITE"}
        if not _budgets_its_groups(campaign):
            dollars = self._market.daily_budget_micros(campaign.campaign_id, today) / 1_000_000
            budget = {"budget": dollars, "budget_mode": "BUDGET_MODE_DAY"}
        yield {
            "campaign_id": campaign.campaign_id,
            "campaign_name": campaign.name,
            "objective_type": campaign.advertising_type,
            **_statuses("CAMPAIGN", campaign.status),
            **budget,
        }

    def _adgroups(self, campaign: Campaign, today: date) -> Iterable[Row]:
        dollars = self._market.daily_budget_micros(campaign.campaign_id, today) // 1_000_000
        share, rest = divmod(dollars, len(campaign.adgroups))
        for i, group in enumerate(campaign.adgroups):
            budget = {"budget": 0.0, "budget_mode": "BUDGET_MODE_INFINITE"}
            if _budgets_its_groups(campaign):
                amount = float(share + (rest if i == 0 else 0))
                budget = {"budget": amount, "budget_mode": "BUDGET_MODE_DAY"}
            yield {
                "adgroup_id": group.adgroup_id,
                "adgroup_name": group.name,
                "campaign_id": campaign.campaign_id,
                **_statuses("ADGROUP", group.status),
                **budget,
            }


def _ads(campaign: Campaign, _: date) -> Iterable[Row]:
    for group in campaign.adgroups:
        for ad in group.ads:
            yield {
                "ad_id": ad.ad_id,
                "ad_name": ad.name,
                "adgroup_id": group.adgroup_id,
                "campaign_id": campaign.campaign_id,
                **_statuses("AD", ad.status),
            }


def _statuses(level: str, status: str) -> Row:
    return {
        "operation_status": _SWITCH[status],
        "secondary_status": f"{level}_STATUS_{_SECONDARY[status]}",
    }


def _budgets_its_groups(campaign: Campaign) -> bool:
    """A catalogue's budget is on its ad groups, the others' on the campaign."""
    return campaign.name.endswith("Catalogue")


def _metrics(row: Row) -> Row:
    """Metrics as TikTok writes them: every one a text, amounts in whole cents."""
    cents = row["cost_micros"] // 10_000
    return {
        "spend": f"{cents // 100}.{cents % 100:02d}",
        "impressions": str(row["impressions"]),
        "clicks": str(row["clicks"]),
        "conversion": f"{row['conversions']:g}",
        "total_complete_payment_rate": f"{row['conversion_value']:.2f}",
        "video_play_actions": str(row["video_views"]),
        "video_views_p100": str(row["video_completions"]),
    }
