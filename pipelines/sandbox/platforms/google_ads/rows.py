"""What the simulated Google Ads knows of an account, as rows of a parsed GAQL query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from google.ads.googleads.v26.services.types.google_ads_service import GoogleAdsRow

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.google_ads.accounts import AccountTree
from pipelines.sandbox.platforms.google_ads.clicks import KEPT_DAYS, Clicks
from pipelines.sandbox.platforms.google_ads.entities import RESOURCES, Scalar, attributes, entities
from pipelines.sandbox.platforms.google_ads.gaql import GaqlError, Query
from pipelines.sandbox.platforms.google_ads.oauth import READER
from pipelines.sandbox.platforms.google_ads.reports import ACTIONS, Days, Reports
from pipelines.sandbox.serving.faults import Faults

Columns = Mapping[str, Sequence[Scalar]]

_Row: Any = GoogleAdsRow.pb()
_DATE = "segments.date"
_ACTION = "segments.conversion_action"
# Of a report, the column with the ids of its resource.
_IDS = {"ad_group": "adgroup_id", "asset_group": "adgroup_id", "ad_group_ad": "ad_id"}
_DIMENSIONS = {"date", "campaign_id", "adgroup_id", "ad_id", "conversion_action"}


class GoogleAdsBooks:
    """The market's Google Ads side: accounts under their managers, and their rows.

    ``users`` are the roles that people have on every account.
    """

    def __init__(self, market: Market, faults: Faults) -> None:
        self._market = market
        self._reports = Reports(market, faults)
        self._clicks = Clicks(market)
        self.accounts = AccountTree(market, faults)
        self.users = {READER: "READ_ONLY", "buyer@canary.example": "STANDARD"}

    def spend_by_day(self, account_id: str, today: date) -> dict[date, int]:
        """Micros that an account's campaigns spent on each day before ``today``."""
        days = Days(account_id, self._market.start, self._market.end, today)
        rows = self._reports.campaigns(days)
        spent = rows.group_by("date").aggregate([("cost_micros", "sum")]).to_pylist()
        return {row["date"]: row["cost_micros_sum"] for row in spent}

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
            kept = [i for i in kept if (v := values[i]) is not None and condition.holds(v)]
        return list(_messages(columns, query.select, kept))

    def _columns(self, customer_id: str, query: Query, today: date) -> Columns:
        resource = query.resource
        measured = any(f.startswith(("segments.", "metrics.")) for f in query.select)
        if resource == "customer_client" or (resource == "customer" and not measured):
            return self._account_columns(customer_id, resource)
        if resource == "customer_user_access":
            return {
                f"{resource}.email_address": list(self.users),
                f"{resource}.access_role": list(self.users.values()),
            }
        if resource not in RESOURCES | {"customer", "click_view"}:
            raise GaqlError(
                "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", f"'{resource}' is no known resource."
            )
        if self.accounts.is_manager(customer_id):
            raise GaqlError(
                "REQUESTED_METRICS_FOR_MANAGER",
                "Metrics cannot be requested for a manager account. Query its client accounts.",
            )
        if resource == "click_view":
            return self._click_columns(customer_id, query, today)
        if measured:
            return self._report_columns(customer_id, query, today)
        return attributes(resource, entities(self._market, customer_id, resource, today).values())

    def _account_columns(self, customer_id: str, resource: str) -> Columns:
        levels = self.accounts.under(customer_id)
        accounts = [a for a, level in levels if level == 0 or resource == "customer_client"]
        columns: dict[str, list[Scalar]] = {
            f"{resource}.id": [int(a.account_id) for a in accounts],
            f"{resource}.descriptive_name": [a.name for a in accounts],
            f"{resource}.currency_code": [a.currency_code for a in accounts],
            f"{resource}.time_zone": [a.time_zone for a in accounts],
            f"{resource}.manager": [self.accounts.is_manager(a.account_id) for a in accounts],
            f"{resource}.status": [self.accounts.status(a.account_id) for a in accounts],
        }
        if resource == "customer_client":
            columns["customer_client.level"] = [level for _, level in levels]
        return columns

    def _report_columns(self, customer_id: str, query: Query, today: date) -> Columns:
        if _DATE not in query.select:
            raise GaqlError(
                "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
                "The sandbox has metrics by segments.date only.",
            )
        bounds = query.range_of(_DATE)
        if bounds is None:
            raise GaqlError(
                "EXPECTED_FILTERS_ON_DATE_RANGE", "segments.date needs a finite range in WHERE."
            )
        days = Days(customer_id, _day(bounds[0]), _day(bounds[1]), today)
        by_action = any(f.startswith(_ACTION) for f in query.select)
        table = self._report(query.resource, by_action)(days)
        columns: dict[str, list[Scalar]] = {
            f"metrics.{name}": table[name].to_pylist()
            for name in table.column_names
            if name not in _DIMENSIONS
        }
        if by_action:
            columns |= _action_columns(customer_id, table["conversion_action"].to_pylist())
            metrics = [f for f in query.select if f.startswith("metrics.")]
            if unfit := [f for f in metrics if f not in columns]:
                raise GaqlError(
                    "PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
                    f"{_ACTION} can't be selected with {', '.join(unfit)}.",
                )
        if query.resource != "customer":
            known = entities(self._market, customer_id, query.resource, today)
            ids = table[_IDS.get(query.resource, "campaign_id")].to_pylist()
            columns |= attributes(query.resource, [known[i] for i in ids])
        return {**columns, _DATE: table["date"].cast("string").to_pylist()}

    def _report(self, resource: str, by_action: bool) -> Callable[[Days], pa.Table]:
        if by_action and resource == "campaign":
            return self._reports.conversion_actions
        return {
            "customer": self._reports.account,
            "campaign": self._reports.campaigns,
            "ad_group": self._reports.adgroups,
            "asset_group": self._reports.asset_groups,
            "ad_group_ad": self._reports.ads,
        }[resource]

    def _click_columns(self, customer_id: str, query: Query, today: date) -> Columns:
        bounds = query.range_of(_DATE)
        if bounds is None or bounds[0] != bounds[1]:
            raise GaqlError(
                "EXPECTED_FILTER_ON_A_SINGLE_DAY",
                "click_view needs a filter on segments.date that leaves one day.",
                "click_view_error",
            )
        day = _day(bounds[0])
        if day < today - timedelta(days=KEPT_DAYS):
            raise GaqlError("DATE_TOO_OLD", f"{day} is too long ago.", "click_view_error")
        clicks = self._clicks.of_day(self.accounts[customer_id], day, today)
        ads = f"customers/{customer_id}/adGroupAds"
        return {
            _DATE: [day.isoformat()] * len(clicks),
            "click_view.gclid": [c.gclid for c in clicks],
            "click_view.ad_group_ad": [
                f"{ads}/{c.adgroup_id}~{c.ad_id}" if c.ad_id else None for c in clicks
            ],
            "campaign.id": [int(c.campaign_id) for c in clicks],
            "ad_group.id": [int(c.adgroup_id) if c.adgroup_id else None for c in clicks],
        }


def _action_columns(customer_id: str, numbers: Sequence[str]) -> dict[str, list[Scalar]]:
    actions = [ACTIONS[number] for number in numbers]
    return {
        _ACTION: [f"customers/{customer_id}/conversionActions/{a.number}" for a in actions],
        f"{_ACTION}_name": [a.name for a in actions],
        f"{_ACTION}_category": [a.category for a in actions],
    }


def _messages(columns: Columns, select: Sequence[str], kept: Sequence[int]) -> Iterator[Any]:
    fields = [(*_placed(field), columns[field]) for field in select]
    for i in kept:
        row = _Row()
        for parents, name, numbers, values in fields:
            value = values[i]
            if value is None:
                continue
            message = row
            for parent in parents:
                message = getattr(message, parent)
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
