"""What the simulated Google Ads knows of an account, as rows of a parsed GAQL query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from google.ads.googleads.v26.services.types.google_ads_service import GoogleAdsRow

from pipelines.sandbox.gaql import GaqlError, Query
from pipelines.sandbox.market import Ad, AdAccount, AdGroup, Campaign, Market

MANAGER_ID = "9000000001"
MANAGER = AdAccount("google_ads", MANAGER_ID, "Canary (manager)", "USD", "America/New_York")

Scalar = str | int | float | bool
Columns = Mapping[str, Sequence[Scalar]]

_Row: Any = GoogleAdsRow.pb()


@dataclass(frozen=True)
class _Entity:
    """What one row's attributes are about; the deeper ones are None above their level."""

    campaign: Campaign
    budget_micros: int
    adgroup: AdGroup | None = None
    ad: Ad | None = None


_CAMPAIGN: dict[str, Callable[[Any], Scalar]] = {
    "campaign.id": lambda e: int(e.campaign.campaign_id),
    "campaign.name": lambda e: e.campaign.name,
    "campaign.status": lambda e: e.campaign.status,
    "campaign.advertising_channel_type": lambda e: e.campaign.advertising_type,
    "campaign_budget.id": lambda e: int(e.campaign.campaign_id) + 7,
    "campaign_budget.amount_micros": lambda e: e.budget_micros,
    "campaign_budget.period": lambda e: "DAILY",
}
_AD_GROUP: dict[str, Callable[[Any], Scalar]] = {
    "ad_group.id": lambda e: int(e.adgroup.adgroup_id),
    "ad_group.name": lambda e: e.adgroup.name,
    "ad_group.status": lambda e: e.adgroup.status,
}
_AD: dict[str, Callable[[Any], Scalar]] = {
    "ad_group_ad.ad.id": lambda e: int(e.ad.ad_id),
    "ad_group_ad.ad.name": lambda e: e.ad.name,
    "ad_group_ad.status": lambda e: e.ad.status,
}
_ATTRIBUTES = {
    "campaign": _CAMPAIGN,
    "ad_group": {**_CAMPAIGN, **_AD_GROUP},
    "ad_group_ad": {**_CAMPAIGN, **_AD_GROUP, **_AD},
}
_METRICS = {
    "metrics.impressions": "impressions",
    "metrics.clicks": "clicks",
    "metrics.cost_micros": "cost_micros",
    "metrics.conversions": "conversions",
    "metrics.conversions_value": "conversion_value",
}
_DATE = "segments.date"
_REPORTS = ("campaign", "ad_group_ad")


class GoogleAdsBooks:
    """The market's Google Ads side: accounts under one manager and their rows."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._accounts = {a.account_id: a for a in market.accounts if a.platform == "google_ads"}

    def knows(self, customer_id: str) -> bool:
        return customer_id == MANAGER_ID or customer_id in self._accounts

    def rows(self, customer_id: str, query: Query, today: date) -> list[Any]:
        """The rows a query has, as GoogleAdsRow protobufs with the selected fields only.

        Raises:
            GaqlError: an unknown resource or field, or metrics without a range of days.
        """
        columns = self._columns(customer_id, query, today)
        wanted = [*query.select, *(c.field for c in query.where)]
        if unknown := sorted({f for f in wanted if f not in columns}):
            raise GaqlError(
                "UNRECOGNIZED_FIELD", f"Unrecognized fields in the query: {', '.join(unknown)}."
            )
        kept: Sequence[int] = range(len(columns[query.select[0]]))
        for condition in query.where:
            values = columns[condition.field]
            kept = [i for i in kept if condition.holds(values[i])]
        return list(_messages(columns, query.select, kept))

    def _columns(self, customer_id: str, query: Query, today: date) -> Columns:
        if query.resource == "customer":
            return _account_columns("customer", [self._account(customer_id)])
        if query.resource == "customer_client":
            below = self._accounts.values() if customer_id == MANAGER_ID else ()
            return _account_columns("customer_client", [self._account(customer_id), *below])
        if query.resource not in _ATTRIBUTES:
            raise GaqlError(
                "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", f"'{query.resource}' is no known resource."
            )
        if any(f == _DATE or f in _METRICS for f in query.select):
            return self._report(customer_id, query, today)
        return _attribute_columns(
            query.resource, list(self._entities(customer_id, query.resource, today).values())
        )

    def _account(self, customer_id: str) -> AdAccount:
        return self._accounts.get(customer_id, MANAGER)

    def _report(self, customer_id: str, query: Query, today: date) -> Columns:
        if customer_id == MANAGER_ID:
            raise GaqlError(
                "REQUESTED_METRICS_FOR_MANAGER",
                "Metrics cannot be requested for a manager account. Query its client accounts.",
            )
        if query.resource not in _REPORTS or _DATE not in query.select:
            raise GaqlError(
                "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
                f"The sandbox has metrics by segments.date of {' and '.join(_REPORTS)} only.",
            )
        days = query.range_of(_DATE)
        if days is None:
            raise GaqlError(
                "EXPECTED_FILTERS_ON_DATE_RANGE", "segments.date needs a finite range in WHERE."
            )
        by_ad = query.resource == "ad_group_ad"
        ask = self._market.ad_days if by_ad else self._market.campaign_days
        table = ask(customer_id, _day(days[0]), _day(days[1]), today)
        entities = self._entities(customer_id, query.resource, today)
        ids = table["ad_id" if by_ad else "campaign_id"].to_pylist()
        attributes = _attribute_columns(query.resource, [entities[i] for i in ids])
        metrics = {field: table[column].to_pylist() for field, column in _METRICS.items()}
        dates = table["date"].cast("string").to_pylist()
        return {**attributes, **metrics, _DATE: dates}

    def _entities(self, customer_id: str, resource: str, today: date) -> dict[str, _Entity]:
        found: dict[str, _Entity] = {}
        for c in self._market.campaigns:
            if c.account_id != customer_id:
                continue
            budget = self._market.daily_budget_micros(c.campaign_id, today)
            if resource == "campaign":
                found[c.campaign_id] = _Entity(c, budget)
            for g in c.adgroups:
                if resource == "ad_group":
                    found[g.adgroup_id] = _Entity(c, budget, g)
                elif resource == "ad_group_ad":
                    found |= {a.ad_id: _Entity(c, budget, g, a) for a in g.ads}
        return found


def _attribute_columns(resource: str, entities: Sequence[_Entity]) -> dict[str, list[Scalar]]:
    return {field: [read(e) for e in entities] for field, read in _ATTRIBUTES[resource].items()}


def _account_columns(resource: str, accounts: Sequence[AdAccount]) -> Columns:
    columns: dict[str, list[Scalar]] = {
        f"{resource}.id": [int(a.account_id) for a in accounts],
        f"{resource}.descriptive_name": [a.name for a in accounts],
        f"{resource}.currency_code": [a.currency_code for a in accounts],
        f"{resource}.time_zone": [a.time_zone for a in accounts],
        f"{resource}.manager": [a.account_id == MANAGER_ID for a in accounts],
        f"{resource}.status": ["ENABLED" for _ in accounts],
    }
    if resource == "customer_client":
        columns[f"{resource}.level"] = [int(i > 0) for i in range(len(accounts))]
    return columns


def _messages(columns: Columns, select: Sequence[str], kept: Sequence[int]) -> Iterator[Any]:
    fields = [(*_placed(field), columns[field]) for field in select]
    for i in kept:
        row = _Row()
        for parents, name, numbers, values in fields:
            message = row
            for parent in parents:
                message = getattr(message, parent)
            value = values[i]
            setattr(message, name, numbers[value] if numbers else value)
        yield row


def _placed(field: str) -> tuple[list[str], str, dict[Any, int] | None]:
    """A dotted field as its parents, its own name and, for an enum, its names' numbers."""
    *parents, name = field.split(".")
    descriptor = _Row.DESCRIPTOR
    for parent in parents:
        descriptor = descriptor.fields_by_name[parent].message_type
    enum = descriptor.fields_by_name[name].enum_type
    return parents, name, {v.name: v.number for v in enum.values} if enum else None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise GaqlError("INVALID_DATE_FORMAT", f"'{text}' is not a date YYYY-MM-DD.") from error
