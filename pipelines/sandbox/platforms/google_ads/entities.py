"""The simulated Google Ads' campaigns, groups and ads, and what GAQL can ask of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pipelines.sandbox.market.market import Ad, AdGroup, Campaign, Market
from pipelines.sandbox.platforms.google_ads.reports import asset_groups

Scalar = str | int | float | bool | None

_NO_GROUP = AdGroup("0", "", "UNSPECIFIED", ())
_NO_AD = Ad("0", "", "UNSPECIFIED")


@dataclass(frozen=True)
class Entity:
    """A campaign, group or ad with what is above it; below its own level there is nothing."""

    campaign: Campaign
    budget_micros: int
    group: AdGroup = _NO_GROUP
    ad: Ad = _NO_AD


_Fields = Mapping[str, Callable[[Entity], Scalar]]
_CAMPAIGN: _Fields = {
    "campaign.id": lambda e: int(e.campaign.campaign_id),
    "campaign.name": lambda e: e.campaign.name,
    "campaign.status": lambda e: e.campaign.status,
    "campaign.advertising_channel_type": lambda e: e.campaign.advertising_type,
    "campaign_budget.id": lambda e: int(e.campaign.campaign_id) + 7,
    "campaign_budget.amount_micros": lambda e: e.budget_micros,
    "campaign_budget.explicitly_shared": lambda e: False,
    "campaign_budget.period": lambda e: "DAILY",
}
_AD_GROUP: _Fields = {
    "ad_group.id": lambda e: int(e.group.adgroup_id),
    "ad_group.name": lambda e: e.group.name,
    "ad_group.status": lambda e: e.group.status,
}
_ASSET_GROUP: _Fields = {
    "asset_group.id": lambda e: int(e.group.adgroup_id),
    "asset_group.name": lambda e: e.group.name,
    "asset_group.status": lambda e: e.group.status,
}
_AD: _Fields = {
    "ad_group_ad.ad.id": lambda e: int(e.ad.ad_id),
    "ad_group_ad.ad.name": lambda e: e.ad.name,
    "ad_group_ad.status": lambda e: e.ad.status,
}
_FIELDS: dict[str, _Fields] = {
    "campaign": _CAMPAIGN,
    "ad_group": {**_CAMPAIGN, **_AD_GROUP},
    "asset_group": {**_CAMPAIGN, **_ASSET_GROUP},
    "ad_group_ad": {**_CAMPAIGN, **_AD_GROUP, **_AD},
}
RESOURCES = frozenset(_FIELDS)


def entities(market: Market, account_id: str, resource: str, today: date) -> dict[str, Entity]:
    """An account's entities of one resource, by id."""
    by_id: dict[str, Entity] = {}
    for campaign in market.account_campaigns(account_id):
        budget = market.daily_budget_micros(campaign.campaign_id, today)
        groups = asset_groups(campaign) if resource == "asset_group" else campaign.adgroups
        if resource == "campaign":
            by_id[campaign.campaign_id] = Entity(campaign, budget)
        elif resource == "ad_group_ad":
            by_id |= {a.ad_id: Entity(campaign, budget, g, a) for g in groups for a in g.ads}
        else:
            by_id |= {g.adgroup_id: Entity(campaign, budget, g) for g in groups}
    return by_id


def attributes(resource: str, rows: Iterable[Entity]) -> dict[str, list[Scalar]]:
    """What GAQL can select of a resource beside segments and metrics, by field."""
    listed = list(rows)
    return {field: [read(e) for e in listed] for field, read in _FIELDS[resource].items()}
