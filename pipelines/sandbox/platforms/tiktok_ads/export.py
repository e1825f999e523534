"""Writes the CSV that a TikTok Ads Manager report exports: one row an ad and day."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serving.whole_files import write_whole

ACCOUNT_ID = "7001002003"
HEADER = (
    "Date",
    "Account ID",
    "Campaign ID",
    "Campaign name",
    "Campaign daily budget",
    "Campaign status",
    "Ad group ID",
    "Ad group name",
    "Ad group status",
    "Ad ID",
    "Ad name",
    "Ad status",
    "Impressions",
    "Clicks",
    "Cost",
    "Conversions",
    "Total value",
    "Currency",
)
_STATUS = {"ENABLED": "Active", "PAUSED": "Paused", "REMOVED": "Deleted"}


def write_report(market: Market, path: Path, today: date) -> bool:
    """Write the whole history up to ``today - 1``; names, budgets and status as of today.

    Costs are decimal dollars in whole cents. Conversions and values that are nothing are
    ``-``. Every campaign of the account has ads, so ads sum to campaigns exactly.

    Returns:
        Whether the file's content is new.
    """
    names = {
        ad.ad_id: (campaign, group, ad)
        for campaign in market.account_campaigns(ACCOUNT_ID)
        for group in campaign.adgroups
        for ad in group.ads
    }
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row in market.ad_days(ACCOUNT_ID, market.start, market.end, today).to_pylist():
        campaign, group, ad = names[row["ad_id"]]
        budget = market.daily_budget_micros(campaign.campaign_id, today)
        writer.writerow(
            (
                row["date"].strftime("%m/%d/%Y"),
                ACCOUNT_ID,
                campaign.campaign_id,
                campaign.name,
                _dollars(budget),
                _STATUS[campaign.status],
                group.adgroup_id,
                group.name,
                _STATUS[group.status],
                ad.ad_id,
                ad.name,
                _STATUS[ad.status],
                row["impressions"],
                row["clicks"],
                _dollars(row["cost_micros"]),
                f"{row['conversions']:g}" if row["conversions"] else "-",
                f"{row['conversion_value']:.2f}" if row["conversion_value"] else "-",
                "USD",
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, text.getvalue().encode())


def _dollars(micros: int) -> str:
    return f"{micros // 1_000_000}.{micros % 1_000_000 // 10_000:02d}"
