"""The advertiser's media plan: a list that people keep, of which one line is of no campaign."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from pipelines.sandbox.market.portfolio import CURRENCY, PLANS, SHOP_TIME_ZONE
from pipelines.shipped import shipped

FILE = "media_plan.csv"
_MAPPING = "media_plan.mapping.yaml"
_OWNER = "canary-media"
# Planned name, market, the campaign that is meant, and the plan as a share of its daily budgets.
_LINES = (
    ("US_Search_Brand", "US", "US Search Brand", 1.0),
    ("TikTok_Prospecting", "", "TikTok Prospecting", 1.5),
)
_HEADER = (
    *("plan_id", "line_id", "platform", "campaign_name", "market", "product", "start_date"),
    *("end_date", "planned_spend", "currency", "updated_at"),
)


def write_media_plan(folder: Path, today: date) -> list[dict[str, Any]]:
    """Write the plan of yesterday's month and its mapping; the section ``sources.files``.

    One campaign keeps to its plan, one was planned half as much again as it may spend, and one line
    is of a launch that nobody has set up.
    """
    yesterday = today - timedelta(days=1)
    first = yesterday.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    daily = {plan.campaign.name: (plan.campaign.platform, plan.budget) for plan in PLANS}
    lines = [
        (daily[meant][0], name, market, daily[meant][1] * share * last.day)
        for name, market, meant, share in _LINES
    ]
    lines.append(("google_ads", "UK_Launch", "UK", 3_000.0))
    with (folder / FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        for i, (platform, name, market, spend) in enumerate(lines, start=1):
            flight = (first.isoformat(), last.isoformat())
            confirmed = f"{yesterday.isoformat()} 18:00 +0000"
            row = (f"{first:%Y-%m}", i, platform, name, market, "", *flight)
            writer.writerow((*row, f"{spend:.2f}", CURRENCY, confirmed))
    ready = (shipped("infra") / "mappings" / "media_plans.yaml").read_text(encoding="utf-8")
    own = {"account_id": {"constant": _OWNER}, "time_zone": SHOP_TIME_ZONE}
    (folder / _MAPPING).write_text(yaml.safe_dump(yaml.safe_load(ready) | own, sort_keys=False))
    return [{"path": FILE, "mapping": _MAPPING}]
