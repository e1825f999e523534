"""TikTok ads: delivery at four levels from the integrated report, budgets and entities from lists.

Days are days in the advertiser's time zone. Conversions are those of TikTok's default windows:
seven days after a click and one after a view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from pipelines.source_settings import TiktokAdsSettings
from pipelines.sources.ads_tables import ENABLED, PAUSED, REMOVED, ads_table, name_hash
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.tiktok_ads_api import MAX_DAYS, MAX_PAGE_SIZE, NAME, Row, TiktokApi, refused

_ATTRIBUTION_WINDOW = "7d_click_1d_view"
_MICROS = 1_000_000
_NULL = "-"
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
    max_window_days = MAX_DAYS

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
        self._api = TiktokApi(settings.url, access_token, page_size=page_size, backoff=backoff)

    def account(self, account_id: str) -> Account:
        """Ask TikTok about one advertiser; asked once in the life of the source."""
        if account_id not in self._accounts:
            found = self._api.advertiser(account_id)
            zone, currency = str(found.get("timezone")), found.get("currency")
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise refused(
                    account_id, f"its time zone '{zone}' is unknown", fix="Set it in TikTok."
                ) from None
            if not currency:
                raise refused(account_id, "it has no currency", fix="Set it in TikTok.")
            name = str(found.get("name") or account_id)
            self._accounts[account_id] = Account(account_id, name, currency, zone)
        return self._accounts[account_id]

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Delivery by day at four levels; nothing is yielded before all of it was read.

        Something with delivery that TikTok no longer lists has the status REMOVED.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        entities = self._entities(account_id)
        tables = {level: self._table(account, level, window, entities) for level in _LEVELS}
        spent = tables["account"]
        days = zip(spent["date"].to_pylist(), spent["cost_micros"].to_pylist(), strict=True)
        account_spend = dict(days)
        for level, rows in tables.items():
            yield Batch(
                *(NAME, f"raw.ads_{level}_performance", account_id, NAME, window, rows, pulled_at),
                account_spend=account_spend if level == "campaign" else None,
            )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Daily budgets in force on ``day``, every campaign, ad group and ad.

        A campaign that leaves its budget to its ad groups has the sum of the enabled ones.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        entities = self._entities(account_id)
        budgets = _budgets(entities)
        budget_rows = ads_table(
            {"campaign_id": list(budgets), "daily_budget_micros": list(budgets.values())},
            {**_labels(account), "effective_from": day},
        )
        listed = [(level, row) for level in _ENTITIES for row in entities[level]]
        entity_rows = ads_table(
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

    def _table(self, account: Account, level: str, window: Window, entities: Entities) -> pa.Table:
        asked: tuple[str, ...] = (*_TOTALS, *_ATTRIBUTES[level])
        if level != "account":
            asked = (*asked, "conversion", _VALUE, *_VIDEO.values())
        rows = self._api.report(account.account_id, _LEVELS[level], asked, window)
        cells = _Cells(account.account_id, rows)
        columns: dict[str, list[Any]] = {
            "date": cells.dimension("stat_time_day", _day),
            "impressions": cells.metric("impressions", _count),
            "clicks": cells.metric("clicks", _count),
            "cost_micros": cells.metric("spend", _micros),
        }
        same = _labels(account)
        if level == "account":
            return cells.with_drift(ads_table(columns, same), asked)
        columns[f"{level}_id"] = ids = cells.dimension(f"{level}_id", _id)
        for parent in (name for name in _ATTRIBUTES[level] if name.endswith("_id")):
            columns[parent] = cells.metric(parent, _id)
        statuses = {row[f"{level}_id"]: _status(row) for row in entities[level]}
        columns["conversions"] = cells.metric("conversion", _number)
        columns["conversion_value"] = cells.metric(_VALUE, _number)
        columns["name_hash"] = cells.metric(f"{level}_name", _hashed)
        columns["status"] = [statuses.get(entity_id, REMOVED) for entity_id in ids]
        table = ads_table(columns, {**same, "attribution_window": _ATTRIBUTION_WINDOW})
        for column, metric in _VIDEO.items():
            table = table.append_column(column, pa.array(cells.metric(metric, _count), pa.int64()))
        return cells.with_drift(table, asked)


class _Cells:
    """The cells of a report, by column; a bad one is refused by its name."""

    def __init__(self, account_id: str, rows: list[Row]) -> None:
        self._account_id, self._rows = account_id, rows

    def dimension(self, name: str, parse: Callable[[Any], Any]) -> list[Any]:
        return self._read("dimensions", name, parse)

    def metric(self, name: str, parse: Callable[[Any], Any]) -> list[Any]:
        return self._read("metrics", name, parse)

    def with_drift(self, table: pa.Table, asked: tuple[str, ...]) -> pa.Table:
        """With the metrics that nobody asked for, as text."""
        unknown = {name for row in self._rows for name in row["metrics"]}
        for name in sorted(unknown - {*asked, *table.column_names}):
            values = (row["metrics"].get(name) for row in self._rows)
            texts = [None if value in (None, _NULL) else str(value) for value in values]
            table = table.append_column(name, pa.array(texts, pa.string()))
        return table

    def _read(self, kind: str, name: str, parse: Callable[[Any], Any]) -> list[Any]:
        value: Any = None
        try:
            return [parse(value := row[kind][name]) for row in self._rows]
        except KeyError:
            what = f"the report has no {name}"
        except (ValueError, TypeError, ArithmeticError):
            what = f"the report has {str(value)[:60]!r} for {name}"
        raise refused(
            self._account_id, what, fix="TikTok has changed its report: the source must follow."
        )


def _day(value: Any) -> str:
    return date.fromisoformat(str(value)[:10]).isoformat()


def _id(value: Any) -> str:
    if value in (None, _NULL, ""):
        raise ValueError(value)
    return str(value)


def _hashed(name: Any) -> str | None:
    return None if name in (None, _NULL) else name_hash(str(name))


def _exact(value: Any) -> Decimal:
    """A metric without passing through floating point; one that is nothing is 0."""
    return Decimal(0) if value in (None, _NULL) else Decimal(str(value))


def _count(value: Any) -> int:
    number = _exact(value)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _number(value: Any) -> float:
    number = float(_exact(value))
    if not isfinite(number):
        raise ValueError(value)
    return number


def _micros(value: Any) -> int:
    return int((_exact(value) * _MICROS).to_integral_value(ROUND_HALF_EVEN))


def _status(row: Row) -> str:
    """What we call the row's own switch; a word we don't know is left for the audit to find.

    A deleted campaign is only told by its secondary status; an ad group of a deleted campaign
    (ADGROUP_STATUS_CAMPAIGN_DELETE) is as it was.
    """
    if str(row.get("secondary_status")).endswith(("_STATUS_DELETE", "_STATUS_DELETED")):
        return REMOVED
    status = str(row.get("operation_status"))
    return _STATUS.get(status, status)


def _budgets(entities: Entities) -> dict[str, int]:
    """Daily budget in micros by campaign, of those that have one and aren't removed."""
    of_groups: dict[str, int] = {}
    for row in entities["adgroup"]:
        if _status(row) == ENABLED:
            above = str(row.get("campaign_id"))
            of_groups[above] = of_groups.get(above, 0) + _daily(row)
    budgets = {
        row["campaign_id"]: _daily(row) or of_groups.get(row["campaign_id"], 0)
        for row in entities["campaign"]
        if _status(row) != REMOVED
    }
    return {campaign: budget for campaign, budget in budgets.items() if budget}


def _daily(row: Row) -> int:
    return _micros(row.get("budget")) if row.get("budget_mode") in _DAILY else 0


def _labels(account: Account) -> dict[str, str]:
    return {
        "platform": NAME,
        "account_id": account.account_id,
        "currency_code": account.currency_code,
        "time_zone": account.time_zone,
    }
