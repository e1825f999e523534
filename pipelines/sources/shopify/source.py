"""Pulls orders and refunds of a Shopify shop with bulk operations of its GraphQL Admin API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import SourceRejected, WrongTimeZone
from pipelines.placeholders import placeholders
from pipelines.secret_settings import Secrets
from pipelines.source_settings import ShopifySettings
from pipelines.sources.base import KEPT, Account, Batch, Grant, Unreadable, Window
from pipelines.sources.shapes.columns import schema_of, typed
from pipelines.sources.shopify.api import NAME, ShopifyGraphql
from pipelines.sources.shopify.bulk import BulkOperations
from pipelines.sources.shopify.orders import Reader, days_query, orders_query, refunds_query

_SHOP = """
{
  shop { name myshopifyDomain ianaTimezone currencyCode }
  currentAppInstallation { accessScopes { handle } }
}
"""
# Without the second, Shopify gives the last 60 days and says nothing: a pull of older days
# would take what was published of them for withdrawn.
_SCOPES = {"read_orders", "read_all_orders"}
# The search index follows the shop with a delay.
_OVERLAP = timedelta(hours=1)
# Days between two changed ones that are pulled with them: a day's rows cost less than a window.
_GAP = timedelta(days=7)


class ShopifySource:
    """Orders by the day they were placed on and refunds by the day they were made on.

    Days are the shop's. A refund is found by its order's last change, whenever that order was
    placed. An order that was deleted goes when its day is pulled again: Shopify reports it in
    no other way. Implements :class:`pipelines.sources.base.TracksChanges`.

    Args:
        settings: the shop, its API version and its time zone.
        token: of an app with the scopes read_orders, read_all_orders and read_customers.
        salt: of the hashes of e-mail addresses, phone numbers and customer ids.
        sleep, backoff: how retries wait.
    """

    name = NAME
    tables = ("raw.orders", "raw.order_refunds")
    span = None
    max_window_days = 184

    def __init__(
        self,
        settings: ShopifySettings,
        token: str,
        salt: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        backoff: float = 0.5,
    ) -> None:
        self.account_ids = (settings.shop_id,)
        self.lookback_days = settings.lookback_days
        self._zone = ZoneInfo(settings.time_zone)
        nobodys = placeholders(settings.placeholders)
        self._reader = Reader(settings.shop_id, settings.time_zone, salt, nobodys)
        url = settings.url or f"https://{settings.shop_id}.myshopify.com"
        self._graphql = ShopifyGraphql(url, settings.api_version, token, sleep, backoff)
        self._bulk = BulkOperations(self._graphql, sleep, backoff)

    def account(self, account_id: str) -> Account:
        """Ask the shop about itself.

        Raises:
            SourceRejected: it is another shop, counts its days in another time zone than the
                configured one, or the token lacks a scope.
        """
        answer = self._graphql.ask(account_id, _SHOP)
        shop, expected = answer["shop"], self._reader.time_zone
        if shop["myshopifyDomain"] != f"{account_id}.myshopify.com":
            raise _rejected(
                f"no shop '{account_id}' here; this is {shop['myshopifyDomain']}",
                "Correct sources.shopify.shop_id or sources.shopify.url in adcanary.yaml.",
                account_id,
            )
        if shop["ianaTimezone"] != expected:
            raise WrongTimeZone(
                f"{NAME} account {account_id}: the shop counts its days in "
                f"{shop['ianaTimezone']}, adcanary.yaml says sources.shopify.time_zone: "
                f"{expected}.",
                kept=KEPT,
                fix=f"Set sources.shopify.time_zone to {shop['ianaTimezone']}.",
            )
        held = _scopes(answer)
        if lacking := _SCOPES - held:
            raise _rejected(
                f"the token lacks {', '.join(sorted(lacking))}, without which older orders are "
                "silently left out",
                "Give the app of ADCANARY_SHOPIFY_TOKEN these scopes.",
                account_id,
            )
        return Account(account_id, shop["name"], shop["currencyCode"], shop["ianaTimezone"])

    def grant(self, account_id: str) -> Grant:
        """The scopes of the app's installation."""
        return Grant(scopes=frozenset(_scopes(self._graphql.ask(account_id, _SHOP))))

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._graphql.clock_offset

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """The orders placed in the window as they are now, and the refunds made in it."""
        pulled_at = datetime.now(UTC)
        first = self._midnight(window.start)
        end = self._midnight(window.end + timedelta(days=1))
        placed = self._bulk.read(
            account_id,
            orders_query(_between("created_at", first, end)),
            self._reader.order,
        )
        earlier = self._bulk.read(
            account_id,
            refunds_query(
                f"updated_at:>='{_utc(first - _OVERLAP)}' AND created_at:<'{_utc(first)}'"
            ),
            self._reader.refunds,
        )
        orders = [row for of, _ in placed for row in of]
        refunds = [row for of in (*(of for _, of in placed), *earlier) for row in of]
        for table, day, rows in (
            ("raw.orders", "order_date", orders),
            ("raw.order_refunds", "refund_date", refunds),
        ):
            read = [row for row in rows if not isinstance(row, Unreadable)]
            within = [row for row in read if window.start <= row[day] <= window.end]
            names = schema_of(table).names
            data = typed(table, {name: [row[name] for row in within] for name in names})
            yield Batch(
                *(self.name, table, account_id, None, window, data, pulled_at),
                unreadable=tuple(row for row in rows if isinstance(row, Unreadable)),
            )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: an order carries its own present state."""
        yield from ()

    def changed_windows(self, account_id: str, since: date) -> list[Window]:
        """The days before ``since`` whose orders changed on or after it (a late refund)."""
        at = self._midnight(since)
        search = f"updated_at:>='{_utc(at - _OVERLAP)}' AND created_at:<'{_utc(at)}'"
        days = self._bulk.read(account_id, days_query(search), self._reader.day)
        return [
            part
            for w in _merged(day for day in days if day)
            for part in w.split(self.max_window_days)
        ]

    def _midnight(self, day: date) -> datetime:
        """The instant at which the shop's day begins."""
        return datetime.combine(day, clock(0), self._zone).astimezone(UTC)


def open_source(settings: ShopifySettings, secrets: Secrets) -> ShopifySource:
    """The shop as configured; ConfigError where its token or the salt is missing."""
    token, salt = secrets.require("shopify_token"), secrets.require("hash_salt")
    return ShopifySource(settings, token, salt)


def _merged(days: Iterable[date]) -> list[Window]:
    """Windows that hold the days, and the few days between neighbouring ones."""
    windows: list[Window] = []
    for day in sorted(set(days)):
        if windows and day - windows[-1].end <= _GAP:
            windows[-1] = Window(windows[-1].start, day)
        else:
            windows.append(Window(day, day))
    return windows


def _scopes(answer: Any) -> set[str]:
    return {scope["handle"] for scope in answer["currentAppInstallation"]["accessScopes"]}


def _between(field: str, first: datetime, end: datetime) -> str:
    return f"{field}:>='{_utc(first)}' AND {field}:<'{_utc(end)}'"


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _rejected(what: str, fix: str, shop: str) -> SourceRejected:
    return SourceRejected(f"{NAME} account {shop}: {what}.", kept=KEPT, fix=fix)
