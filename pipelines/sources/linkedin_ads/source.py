"""LinkedIn ads: delivery at four levels from adAnalytics, budgets and entities from finders.

A campaign group is our campaign, a campaign our ad group, a creative our ad. Days are UTC,
whatever the account's office hours are. Conversions are those of LinkedIn's default windows: 30
days after a click and 7 after a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines.money import micros
from pipelines.secret_settings import Secrets
from pipelines.source_settings import LinkedinAdsSettings
from pipelines.sources.base import Account, Batch, Grant, Unreadable, Window
from pipelines.sources.linkedin_ads.api import (
    FIELDS,
    NAME,
    ROW_CAP,
    VERSION,
    Level,
    LinkedinApi,
    Row,
    refused,
)
from pipelines.sources.linkedin_ads.grant import App, read_grant
from pipelines.sources.shapes.ads_metrics import Metrics, count, number
from pipelines.sources.shapes.ads_tables import (
    ENABLED,
    PAUSED,
    REMOVED,
    ads_table,
    budget_table,
    campaign_budgets,
    labels,
    name_hash,
    spend_by_day,
)

_ATTRIBUTION_WINDOW = "30d_click_7d_view"
_TIME_ZONE = "UTC"
_CHANGED = "LinkedIn has changed its report: the source must follow."
_LEVELS = {
    "account": Level(("ACCOUNT",)),
    "campaign": Level(("CAMPAIGN_GROUP",), facet="campaignGroups"),
    "adgroup": Level(("CAMPAIGN_GROUP", "CAMPAIGN")),
    "ad": Level(("CAMPAIGN_GROUP", "CAMPAIGN", "CREATIVE")),
}
# whose id a URN holds
_URNS = {
    "campaign_id": "sponsoredCampaignGroup",
    "adgroup_id": "sponsoredCampaign",
    "ad_id": "sponsoredCreative",
}
_KEYS = {
    "campaign": ("campaign_id",),
    "adgroup": ("campaign_id", "adgroup_id"),
    "ad": ("campaign_id", "adgroup_id", "ad_id"),
}
_VIDEO = {"video_views": "videoViews", "video_completions": "videoCompletions"}
_KINDS = {"campaign": "adCampaignGroups", "adgroup": "adCampaigns", "ad": "creatives"}
# the level whose entities divide a day, by the facet of analytics
_PARTS = {"campaignGroups": "campaign", "campaigns": "adgroup"}
_STATUS = {
    "ACTIVE": ENABLED,
    "PAUSED": PAUSED,
    "DRAFT": PAUSED,
    "COMPLETED": PAUSED,
    "ARCHIVED": REMOVED,
    "CANCELED": REMOVED,
    "PENDING_DELETION": REMOVED,
    "REMOVED": REMOVED,
}

Entities = Mapping[str, list[Row]]
Read = tuple[pa.Table, tuple[Unreadable, ...]]


class LinkedinAdsSource:
    """LinkedIn ad accounts, as :class:`pipelines.sources.base.Source`.

    Args:
        settings: accounts, another API's url.
        access_token: with r_ads and r_ads_reporting; no other permission is needed.
        app: whose token it is, for :meth:`grant` alone.
        version: the API's month, YYYYMM.
        row_cap: rows at which adAnalytics stops without a word.
        backoff: seconds before the second try of a call; doubled for each further one.
    """

    name = NAME
    tables = tuple(f"raw.ads_{level}_performance" for level in _LEVELS)
    span = None
    max_window_days = 184

    def __init__(
        self,
        settings: LinkedinAdsSettings,
        access_token: str,
        *,
        app: App | None = None,
        version: str = VERSION,
        row_cap: int = ROW_CAP,
        backoff: float = 0.5,
    ) -> None:
        self._app, self._token = app, access_token
        self.account_ids = settings.accounts
        self.lookback_days = settings.lookback_days
        self._accounts: dict[str, Account] = {}
        self._api = LinkedinApi(
            settings.url,
            access_token,
            version=version,
            row_cap=row_cap,
            max_pages=settings.max_pages,
            backoff=backoff,
        )

    def account(self, account_id: str) -> Account:
        """Ask LinkedIn about one account; asked once in the life of the source."""
        if account_id not in self._accounts:
            details = self._api.account(account_id)
            if not details.get("currency"):
                raise refused(
                    account_id, "it has no currency", fix="Finish setting it up in LinkedIn."
                )
            name = str(details.get("name") or account_id)
            self._accounts[account_id] = Account(account_id, name, details["currency"], _TIME_ZONE)
        return self._accounts[account_id]

    def grant(self, account_id: str) -> Grant:
        """The role of the token's user and, where its app's secret is set, the token's scopes."""
        return read_grant(self._api, account_id, self._app, self._token)

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._api.clock_offset

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Delivery by day at four levels; nothing is yielded before all of it was read.

        Something with delivery that LinkedIn no longer lists has the status REMOVED.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        entities = self._entities(account_id)
        tables = {level: self._table(account, level, window, entities) for level in _LEVELS}
        account_spend = spend_by_day(tables["account"][0])
        for level, (rows, unreadable) in tables.items():
            yield Batch(
                *(NAME, f"raw.ads_{level}_performance", account_id, NAME, window, rows, pulled_at),
                account_spend=account_spend if level == "campaign" else None,
                unreadable=unreadable,
            )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Daily budgets in force on ``day``, every campaign group, campaign and creative.

        A campaign group that leaves its budget to its campaigns has the sum of the active ones.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        entities = self._entities(account_id)
        budget_rows = budget_table(NAME, account, _budgets(entities), day)
        listed = [(level, row) for level in _KINDS for row in entities[level]]
        entity_rows = ads_table(
            "raw.ads_entities",
            {
                "entity_type": [level for level, _ in listed],
                "entity_id": [_id(row["id"]) for _, row in listed],
                "parent_id": [_parent(row) for _, row in listed],
                "name": [row.get("name") for _, row in listed],
                "status": [_status(row) for _, row in listed],
                "advertising_type": [row.get("objectiveType") for _, row in listed],
                "labels": [[]] * len(listed),
            },
            {"platform": NAME, "account_id": account_id},
        )
        seen = Window(day, day)
        for table, rows in (("campaign_budgets", budget_rows), ("entities", entity_rows)):
            yield Batch(NAME, f"raw.ads_{table}", account_id, NAME, seen, rows, pulled_at)

    def _entities(self, account_id: str) -> Entities:
        return {level: self._api.entities(account_id, kind) for level, kind in _KINDS.items()}

    def _table(self, account: Account, level: str, window: Window, entities: Entities) -> Read:
        divided = _PARTS[_LEVELS[level].facet]
        urn = _URNS[f"{divided}_id"]
        parts = [f"urn:li:{urn}:{_id(row['id'])}" for row in entities[divided]]
        rows = self._api.analytics(account.account_id, _LEVELS[level], window, parts)
        metrics = Metrics(
            rows,
            "analytics have",
            partial(refused, account.account_id, fix=_CHANGED),
            ("dateRange", "pivotValues"),
        )
        columns: dict[str, list[Any]] = {
            "date": metrics.read("dateRange", _day),
            "impressions": metrics.read("impressions", count),
            "clicks": metrics.read("clicks", count),
            "cost_micros": metrics.read("costInLocalCurrency", micros),
        }
        table, same = f"raw.ads_{level}_performance", labels(NAME, account)
        if level == "account":
            whole = metrics.with_drift(ads_table(table, columns, same), FIELDS)
            return whole, metrics.unreadable(columns["date"])
        for key in _KEYS[level]:
            columns[key] = metrics.read("pivotValues", partial(_pivot, _URNS[key]))
        columns["conversions"] = metrics.read("externalWebsiteConversions", number)
        columns["conversion_value"] = metrics.read("conversionValueInLocalCurrency", number)
        for column, field in _VIDEO.items():
            columns[column] = metrics.read(field, count)
        known = {_id(row["id"]): row for row in entities[level]}
        mine = [known.get(entity_id) for entity_id in columns[f"{level}_id"]]
        columns["name_hash"] = [name_hash(r["name"]) if r and r.get("name") else None for r in mine]
        columns["status"] = [_status(row) if row else REMOVED for row in mine]
        claimed = {**same, "attribution_window": _ATTRIBUTION_WINDOW}
        whole = metrics.with_drift(ads_table(table, columns, claimed), FIELDS)
        return whole, metrics.unreadable(columns["date"])


def open_source(settings: LinkedinAdsSettings, secrets: Secrets) -> LinkedinAdsSource:
    """LinkedIn as configured; ConfigError where its token is missing."""
    app = None
    if secrets.linkedin_client_secret is not None:
        client_id = secrets.require("linkedin_client_id")
        app = App(settings.auth_url, client_id, secrets.require("linkedin_client_secret"))
    return LinkedinAdsSource(settings, secrets.require("linkedin_access_token"), app=app)


def _day(days: Row) -> str:
    start = days["start"]
    return date(start["year"], start["month"], start["day"]).isoformat()


def _pivot(kind: str, urns: list[str]) -> str:
    """The id in the one URN of a kind: pivots come in any order."""
    (pivot,) = [urn for urn in urns if urn.split(":")[2] == kind]
    return _id(pivot)


def _id(value: Any) -> str:
    """An id as LinkedIn gives it: a number, or a URN that ends in one."""
    return str(value).rsplit(":", 1)[-1]


def _parent(row: Row) -> str | None:
    above = row.get("campaign") or row.get("campaignGroup")
    return _id(above) if above else None


def _status(row: Row) -> str:
    """What we call the row's own switch; a word we don't know is left for the audit to find."""
    status = str(row.get("intendedStatus") or row.get("status"))
    return _STATUS.get(status, status)


def _budgets(entities: Entities) -> dict[str, int]:
    """Daily budget in micros by campaign group, or else that of its campaigns."""
    return campaign_budgets(
        ((_id(row["id"]), _status(row), _daily(row)) for row in entities["campaign"]),
        ((_parent(row), _status(row), _daily(row)) for row in entities["adgroup"]),
    )


def _daily(row: Row) -> int:
    budget = row.get("dailyBudget")
    return micros(budget["amount"]) if budget else 0
