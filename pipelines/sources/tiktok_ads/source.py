"""TikTok ads: delivery at four levels from the integrated report, budgets and entities from lists.

Days are days in the advertiser's time zone. Conversions are those of TikTok's default windows:
seven days after a click and one after a view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from pipelines.money import micros
from pipelines.secret_settings import Secrets
from pipelines.source_settings import TiktokAdsSettings
from pipelines.sources.base import Account, Batch, Unreadable, Window
from pipelines.sources.shapes.ads_metrics import Metrics, count, number, spends
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
from pipelines.sources.tiktok_ads.api import MAX_PAGE_SIZE, NAME, Row, TiktokApi, refused

_ATTRIBUTION_WINDOW = "7d_click_1d_view"
_CHANGED = "TikTok has changed its report: the source must follow."
# our level, and TikTok's word for it
_LEVELS = {"account": "advertiser", "campaign": "campaign", "adgroup": "adgroup", "ad": "ad"}
_ENTITIES = ("campaign", "adgroup", "ad")
# what a report says of its rows beside their own id
_ATTRIBUTES = {
    "account": (),
    "campaign": ("campaign_name",),
    "adgroup": ("campaign_id", "adgroup_name"),
    "ad": ("campaign_id", "adgroup_id", "ad_name"),
}
_TOTALS = ("spend", "impressions", "clicks")
# "rate" by name, and the value of all purchases by its meaning
_VALUE = "total_complete_payment_rate"
_VIDEO = {"video_views": "video_play_actions", "video_completions": "video_views_p100"}
_FIELDS = {
    "campaign": ("campaign_id", "campaign_name", "objective_type", "budget", "budget_mode"),
    "adgroup": ("adgroup_id", "adgroup_name", "campaign_id", "budget", "budget_mode"),
    "ad": ("ad_id", "ad_name", "adgroup_id"),
}
_SWITCHES = ("operation_status", "secondary_status")
_STATUS = {"ENABLE": ENABLED, "DISABLE": PAUSED, "FROZEN": PAUSED}
_DAILY = ("BUDGET_MODE_DAY", "BUDGET_MODE_DYNAMIC_DAILY_BUDGET")
_PARENTS = {"campaign": "", "adgroup": "campaign_id", "ad": "adgroup_id"}

Entities = Mapping[str, list[Row]]
Read = tuple[pa.Table, tuple[Unreadable, ...]]


class TiktokAdsSource:
    """TikTok advertisers, as :class:`pipelines.sources.base.Source`.

    Args:
        settings: advertisers, another API's url.
        access_token: of an app that may read ads and reports; it needs no other permission.
        page_size: rows to ask for at once, 1000 at most.
        backoff: seconds before the second try of a call; doubled for each further one.
    """

    name = NAME
    tables = tuple(f"raw.ads_{level}_performance" for level in _LEVELS)
    span = None
    max_window_days = 184

    def __init__(
        self,
        settings: TiktokAdsSettings,
        access_token: str,
        *,
        page_size: int = MAX_PAGE_SIZE,
        backoff: float = 0.5,
    ) -> None:
        self.account_ids = settings.accounts
        self.lookback_days = settings.lookback_days
        self._accounts: dict[str, Account] = {}
        self._api = TiktokApi(
            settings.url,
            access_token,
            page_size=page_size,
            max_pages=settings.max_pages,
            backoff=backoff,
        )

    def account(self, account_id: str) -> Account:
        """Ask TikTok about one advertiser; asked once in the life of the source."""
        if account_id not in self._accounts:
            advertiser = self._api.advertiser(account_id)
            zone, currency = str(advertiser.get("timezone")), advertiser.get("currency")
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise refused(
                    account_id, f"its time zone '{zone}' is unknown", fix="Set it in TikTok."
                ) from None
            if not currency:
                raise refused(account_id, "it has no currency", fix="Set it in TikTok.")
            name = str(advertiser.get("name") or account_id)
            self._accounts[account_id] = Account(account_id, name, currency, zone)
        return self._accounts[account_id]

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._api.clock_offset

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Delivery by day at four levels; nothing is yielded before all of it was read.

        Something with delivery that TikTok no longer lists has the status REMOVED.
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
        """Daily budgets in force on ``day``, every campaign, ad group and ad.

        A campaign that leaves its budget to its ad groups has the sum of the enabled ones.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        entities = self._entities(account_id)
        budget_rows = budget_table(NAME, account, _budgets(entities), day)
        listed = [(level, row) for level in _ENTITIES for row in entities[level]]
        entity_rows = ads_table(
            "raw.ads_entities",
            {
                "entity_type": [level for level, _ in listed],
                "entity_id": [row[f"{level}_id"] for level, row in listed],
                "parent_id": [row.get(_PARENTS[level]) for level, row in listed],
                "name": [row.get(f"{level}_name") for level, row in listed],
                "status": [_status(row) for _, row in listed],
                "advertising_type": [row.get("objective_type") for _, row in listed],
                "labels": [[]] * len(listed),
            },
            {"platform": NAME, "account_id": account_id},
        )
        seen = Window(day, day)
        for table, rows in (("campaign_budgets", budget_rows), ("entities", entity_rows)):
            yield Batch(NAME, f"raw.ads_{table}", account_id, NAME, seen, rows, pulled_at)

    def _entities(self, account_id: str) -> Entities:
        return {
            level: self._api.entities(account_id, level, (*_FIELDS[level], *_SWITCHES))
            for level in _ENTITIES
        }

    def _table(self, account: Account, level: str, window: Window, entities: Entities) -> Read:
        asked: tuple[str, ...] = (*_TOTALS, *_ATTRIBUTES[level])
        if level != "account":
            asked = (*asked, "conversion", _VALUE, *_VIDEO.values())
        rows = self._api.report(account.account_id, _LEVELS[level], asked, window)
        metrics = Metrics(
            rows,
            "the report has",
            partial(refused, account.account_id, fix=_CHANGED),
            ("stat_time_day", f"{_LEVELS[level]}_id"),
        )
        columns: dict[str, list[Any]] = {
            "date": metrics.read("stat_time_day", _day),
            "impressions": metrics.read("impressions", _or_0(count)),
            "clicks": metrics.read("clicks", _or_0(count)),
        }
        columns["cost_micros"] = spends(
            metrics.read("spend", lambda value: None if value is None else micros(value)),
            columns["impressions"],
            columns["clicks"],
            partial(refused, account.account_id, fix=_CHANGED),
            metrics.faults,
        )
        asked = (*asked, "stat_time_day", f"{_LEVELS[level]}_id")
        table, same = f"raw.ads_{level}_performance", labels(NAME, account)
        if level == "account":
            whole = metrics.with_drift(ads_table(table, columns, same), asked)
            return whole, metrics.unreadable(columns["date"])
        columns[f"{level}_id"] = ids = metrics.read(f"{level}_id", _id)
        for parent in (name for name in _ATTRIBUTES[level] if name.endswith("_id")):
            columns[parent] = metrics.read(parent, _id)
        statuses = {row[f"{level}_id"]: _status(row) for row in entities[level]}
        columns["conversions"] = metrics.read("conversion", _or_0(number))
        columns["conversion_value"] = metrics.read(_VALUE, _or_0(number))
        for column, metric in _VIDEO.items():
            columns[column] = metrics.read(metric, _or_0(count))
        columns["name_hash"] = metrics.read(f"{level}_name", _hashed)
        columns["status"] = [statuses.get(entity_id, REMOVED) for entity_id in ids]
        claimed = {**same, "attribution_window": _ATTRIBUTION_WINDOW}
        whole = metrics.with_drift(ads_table(table, columns, claimed), asked)
        return whole, metrics.unreadable(columns["date"])


def open_source(settings: TiktokAdsSettings, secrets: Secrets) -> TiktokAdsSource:
    """TikTok as configured; ConfigError where its token is missing."""
    return TiktokAdsSource(settings, secrets.require("tiktok_access_token"))


def _day(value: Any) -> str:
    return date.fromisoformat(str(value)[:10]).isoformat()


def _id(value: Any) -> str:
    if value in (None, ""):
        raise ValueError(value)
    return str(value)


def _hashed(name: Any) -> str | None:
    return None if name is None else name_hash(str(name))


def _or_0(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A metric that is nothing is 0."""
    return lambda value: parse(0 if value is None else value)


def _status(row: Row) -> str:
    """What we call the row's own switch; a word we don't know is left for the audit to find.

    A deleted campaign shows only in its secondary status; an ad group of a deleted campaign
    (ADGROUP_STATUS_CAMPAIGN_DELETE) is as it was.
    """
    if str(row.get("secondary_status")).endswith(("_STATUS_DELETE", "_STATUS_DELETED")):
        return REMOVED
    status = str(row.get("operation_status"))
    return _STATUS.get(status, status)


def _budgets(entities: Entities) -> dict[str, int]:
    """Daily budget in micros by campaign, or else that of its ad groups."""
    return campaign_budgets(
        ((row["campaign_id"], _status(row), _daily(row)) for row in entities["campaign"]),
        ((row.get("campaign_id"), _status(row), _daily(row)) for row in entities["adgroup"]),
    )


def _daily(row: Row) -> int:
    return micros(row.get("budget") or 0) if row.get("budget_mode") in _DAILY else 0
