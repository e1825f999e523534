"""What the simulated LinkedIn knows, in the shapes of its Rest.li resources."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.market.business import Business, summed
from pipelines.sandbox.market.portfolio import Campaign

Row = dict[str, Any]

# which level a list of pivots is, and what the URN of each pivot is called
LEVELS = {
    ("ACCOUNT",): "account",
    ("CAMPAIGN_GROUP",): "campaign",
    ("CAMPAIGN_GROUP", "CAMPAIGN"): "adgroup",
    ("CAMPAIGN",): "adgroup",
    ("CAMPAIGN_GROUP", "CAMPAIGN", "CREATIVE"): "ad",
    ("CREATIVE",): "ad",
}
_PIVOTS = {
    "ACCOUNT": ("sponsoredAccount", "account_id"),
    "CAMPAIGN_GROUP": ("sponsoredCampaignGroup", "campaign_id"),
    "CAMPAIGN": ("sponsoredCampaign", "adgroup_id"),
    "CREATIVE": ("sponsoredCreative", "ad_id"),
}
FACETS = {"accounts": "account_id", "campaignGroups": "campaign_id", "campaigns": "adgroup_id"}
_COUNTS = {
    "impressions": "impressions",
    "clicks": "clicks",
    "externalWebsiteConversions": "conversions",
    "videoViews": "video_views",
    "videoCompletions": "video_completions",
}
FIELDS = {
    *_COUNTS,
    *("dateRange", "pivotValues", "costInLocalCurrency", "conversionValueInLocalCurrency"),
    *("costInUsd", "likes", "shares", "comments", "follows", "reactions", "landingPageClicks"),
    *("externalWebsitePostClickConversions", "externalWebsitePostViewConversions", "leads"),
    *("oneClickLeads", "videoStarts", "totalEngagements", "otherEngagements", "sends"),
}
_STATUS = {"ENABLED": "ACTIVE", "PAUSED": "PAUSED", "REMOVED": "ARCHIVED"}
WITHDRAWN_DAYS = 3


class LinkedinBooks:
    """The business's side of LinkedIn: accounts, their entities and their analytics."""

    def __init__(self, business: Business) -> None:
        self._business = business
        self._accounts = {a.account_id: a for a in business.accounts}

    @property
    def account_ids(self) -> tuple[str, ...]:
        return tuple(self._accounts)

    def knows(self, account_id: str) -> bool:
        return account_id in self._accounts

    def account(self, account_id: str) -> Row:
        account = self._accounts[account_id]
        return {
            "id": int(account_id),
            "name": account.name,
            "currency": account.currency_code,
            "status": "ACTIVE",
            "type": "BUSINESS",
            "servingStatuses": ["RUNNABLE"],
            "test": False,
        }

    def entities(self, account_id: str, kind: str, statuses: Collection[str]) -> list[Row]:
        """adCampaignGroups, adCampaigns or creatives of an account; without ``statuses`` all
        but what was archived. A group of awareness has its budget itself."""
        rows: list[Row] = []
        for campaign in self._business.account_campaigns(account_id):
            account = {"account": urn("ACCOUNT", account_id)}
            if kind == "adCampaignGroups":
                rows.append({**account, **self._group(campaign)})
            elif kind == "adCampaigns":
                rows += [{**account, **row} for row in self._campaigns(campaign)]
            else:
                rows += [{**account, **row} for row in _creatives(campaign)]
        switch = "intendedStatus" if kind == "creatives" else "status"
        wanted = statuses or {"ACTIVE", "PAUSED", "DRAFT"}
        return [row for row in rows if row[switch] in wanted]

    def days(
        self, account_id: str, level: str, window: tuple[date, date], today: date, withdrawn: bool
    ) -> pa.Table:
        """As Business.days, with the account's id; ``withdrawn``: less what LinkedIn took back
        (the last creative's last days)."""
        rows = self._business.days(account_id, "ad", *window, today)
        if withdrawn:
            last = self._business.account_campaigns(account_id)[0].adgroups[-1].ads[-1].ad_id
            recent = pa.scalar(today - timedelta(days=WITHDRAWN_DAYS))
            gone = pc.and_(pc.equal(rows["ad_id"], last), pc.greater_equal(rows["date"], recent))
            rows = rows.filter(pc.invert(gone))
        table = summed(rows, level)
        return table.append_column("account_id", pa.repeat(account_id, table.num_rows))

    def spend(self, account_id: str, today: date, withdrawn: bool) -> dict[date, int]:
        """Micros the account is charged by day, up to ``today - 1``."""
        everything = (self._business.start, self._business.end)
        rows = self.days(account_id, "account", everything, today, withdrawn)
        return dict(zip(rows["date"].to_pylist(), rows["cost_micros"].to_pylist(), strict=True))

    def _group(self, campaign: Campaign) -> Row:
        row: Row = {
            "id": int(campaign.campaign_id),
            "name": campaign.name,
            "status": _STATUS[campaign.status],
            "objectiveType": campaign.advertising_type,
        }
        if _has_budget(campaign):
            of_its_campaigns = (
                self._business.daily_budget_micros(g.adgroup_id) for g in campaign.adgroups
            )
            row["dailyBudget"] = self._money(campaign.account_id, sum(of_its_campaigns))
        return row

    def _campaigns(self, campaign: Campaign) -> list[Row]:
        rows = []
        for group in campaign.adgroups:
            row: Row = {
                "id": int(group.adgroup_id),
                "name": group.name,
                "status": _STATUS[group.status],
                "campaignGroup": urn("CAMPAIGN_GROUP", campaign.campaign_id),
                "objectiveType": campaign.advertising_type,
                "type": "SPONSORED_UPDATES",
            }
            if not _has_budget(campaign):
                micros = self._business.daily_budget_micros(group.adgroup_id)
                row["dailyBudget"] = self._money(campaign.account_id, micros)
            rows.append(row)
        return rows

    def _money(self, account_id: str, micros: int) -> Row:
        currency = self._accounts[account_id].currency_code
        return {"amount": amount(micros, 1_000_000), "currencyCode": currency}


def elements(table: pa.Table, pivots: tuple[str, ...], fields: Collection[str]) -> list[Row]:
    """Rows of analytics; what LinkedIn counts and the business doesn't have is 0."""
    return [_element(row, pivots, fields) for row in table.to_pylist()]


def urn(pivot: str, number: str) -> str:
    return f"urn:li:{_PIVOTS[pivot][0]}:{number}"


def amount(units: int, per_whole: int) -> str:
    """A decimal amount without an exponent."""
    return format(Decimal(units) / per_whole, "f")


def _element(row: Row, pivots: tuple[str, ...], fields: Collection[str]) -> Row:
    day = {"year": row["date"].year, "month": row["date"].month, "day": row["date"].day}
    known: Row = {
        "dateRange": {"start": day, "end": day},
        "pivotValues": [urn(pivot, row[_PIVOTS[pivot][1]]) for pivot in pivots],
        "costInLocalCurrency": amount(row["cost_micros"], 1_000_000),
        "conversionValueInLocalCurrency": amount(row["value_cents"], 100),
        **{field: row[column] for field, column in _COUNTS.items()},
    }
    return {field: known.get(field, 0) for field in fields}


def _creatives(campaign: Campaign) -> list[Row]:
    return [
        {
            "id": urn("CREATIVE", ad.ad_id),
            "name": ad.name,
            "intendedStatus": _STATUS[ad.status],
            "campaign": urn("CAMPAIGN", group.adgroup_id),
        }
        for group in campaign.adgroups
        for ad in group.ads
    ]


def _has_budget(campaign: Campaign) -> bool:
    return campaign.advertising_type == "BRAND_AWARENESS"
