"""Pulls orders from the shop's HTTP API; people's fields are hashed before they leave it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pyarrow as pa

from pipelines.config import OrdersSettings
from pipelines.errors import InputError, SourceRejected, SourceUnavailable
from pipelines.privacy.hashing import hash_email, hash_user_id
from pipelines.sources.base import Account, Batch, Window

_KEPT = "published orders are as they were."
_ATTEMPTS = 3
_STATUS = {
    "paid": "PAID",
    "partially_refunded": "PAID",
    "refunded": "REFUNDED",
    "voided": "CANCELLED",
}
_SCHEMA = pa.schema(
    [
        ("shop_id", pa.string()),
        ("order_id", pa.string()),
        ("order_date", pa.date32()),
        ("ordered_at", pa.timestamp("us", tz="UTC")),
        ("customer_id", pa.string()),
        ("email_hash", pa.string()),
        ("is_new_customer", pa.bool_()),
        ("gclid", pa.string()),
        ("fbclid", pa.string()),
        ("ttclid", pa.string()),
        ("revenue_micros", pa.int64()),
        ("refunded_micros", pa.int64()),
        ("currency_code", pa.string()),
        ("time_zone", pa.string()),
        ("status", pa.string()),
        ("updated_at", pa.timestamp("us", tz="UTC")),
    ]
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class OrdersSource:
    """Orders of one shop, by the day they were placed on (in the shop's time zone).

    Args:
        settings: the shop, its API's base URL and its time zone.
        token: bearer token of the API.
        salt: of the hashes of e-mail addresses and customer ids.
        clock_now: the present instant, UTC.
        pause: waits between attempts, in seconds.
    """

    name = "orders"
    tables = ("raw.orders",)
    span = None
    max_window_days = 92

    def __init__(
        self,
        settings: OrdersSettings,
        token: str,
        salt: str,
        clock_now: Callable[[], datetime] = _utc_now,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account_ids = (settings.shop_id,)
        self.lookback_days = settings.lookback_days
        self._settings, self._token, self._salt = settings, token, salt
        self._now, self._pause = clock_now, pause

    def account(self, account_id: str) -> Account:
        """Ask the shop about itself.

        Raises:
            SourceRejected: another shop was asked for, or its time zone is not the configured.
        """
        with self._client() as client:
            shop = self._get(client, "/shop", {"shop": account_id})
        found, expected = shop["time_zone"], self._settings.time_zone
        if found != expected:
            raise SourceRejected(
                f"orders: shop {account_id} counts its days in {found}, "
                f"adcanary.yaml says sources.orders.time_zone: {expected}.",
                kept=_KEPT,
                fix=f"Set sources.orders.time_zone to {found}.",
            )
        return Account(shop["id"], shop["name"], shop["currency"], found)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Every order placed in the window, with what was refunded on it so far."""
        pulled_at = self._now()
        query = {
            "shop": account_id,
            "created_from": window.start.isoformat(),
            "created_to": window.end.isoformat(),
        }
        orders: list[dict[str, Any]] = []
        with self._client() as client:
            while True:
                page = self._get(client, "/orders", query)
                orders += page["orders"]
                if not page["next_page_token"]:
                    break
                query["page_token"] = page["next_page_token"]
        rows = self._rows(account_id, orders)
        yield Batch(self.name, "raw.orders", account_id, None, window, rows, pulled_at)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: an order carries its own present state."""
        yield from ()

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._settings.url,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=30,
        )

    def _get(self, client: httpx.Client, path: str, query: dict[str, str]) -> dict[str, Any]:
        shop = query["shop"]
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._pause(0.5 * 2**attempt)
            try:
                answer = client.get(path, params=query)
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code == 429 or answer.status_code >= 500:
                problem = f"HTTP {answer.status_code}"
                continue
            if answer.is_error:
                raise _rejected(shop, answer)
            return _body(shop, answer)
        raise SourceUnavailable(
            f"orders: shop {shop} at {self._settings.url} gave no answer in "
            f"{_ATTEMPTS} attempts ({problem}).",
            kept=_KEPT,
            fix="Check that sources.orders.url is right and the shop is up, then run again.",
        )

    def _rows(self, shop: str, orders: list[dict[str, Any]]) -> pa.Table:
        zone = ZoneInfo(self._settings.time_zone)
        records = [self._record(shop, order, zone) for order in orders]
        columns = list(zip(*records, strict=True)) or [()] * len(_SCHEMA)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
        return pa.table(arrays, schema=_SCHEMA)

    def _record(self, shop: str, order: dict[str, Any], zone: ZoneInfo) -> tuple[Any, ...]:
        try:
            ordered_at = datetime.fromisoformat(order["created_at"])
            customer, clicks = order["customer"], order["click_ids"]
            return (
                shop,
                order["id"],
                ordered_at.astimezone(zone).date(),
                ordered_at,
                hash_user_id(customer["id"], self._salt),
                hash_email(customer["email"], self._salt),
                customer["is_first_order"],
                clicks["gclid"],
                clicks["fbclid"],
                clicks["ttclid"],
                _micros(order["total_price"]),
                _micros(order["total_refunded"]),
                order["currency"],
                self._settings.time_zone,
                _status(order),
                datetime.fromisoformat(order["updated_at"]),
            )
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            # Never the order itself: it holds a person's address.
            raise InputError(
                f"orders: order {order.get('id', '(without id)')} of shop {shop} can't be read "
                f"({type(error).__name__}: {error}).",
                kept=_KEPT,
                fix="Compare the shop's API with what pipelines/sources/orders.py reads.",
            ) from error


def _status(order: dict[str, Any]) -> str:
    if order["test"]:
        return "TEST"
    if order["cancelled_at"]:
        return "CANCELLED"
    return _STATUS[order["financial_status"]]


def _micros(amount: str) -> int:
    """Micros of a decimal amount; ValueError where it is finer than a micro."""
    micros = Decimal(amount) * 1_000_000
    if micros != micros.to_integral_value():
        raise ValueError(f"'{amount}' is finer than a millionth")
    return int(micros)


def _body(shop: str, answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise InputError(
            f"orders: shop {shop} answered {answer.url.path} with something that is not JSON.",
            kept=_KEPT,
            fix="Check that sources.orders.url is the API's base URL, not a web page.",
        ) from error
    return dict(body)


def _rejected(shop: str, answer: httpx.Response) -> SourceRejected:
    fixes = {
        401: "Set ADCANARY_ORDERS_TOKEN to a valid token of the shop's API.",
        403: "Give the token of ADCANARY_ORDERS_TOKEN the right to read orders.",
        404: "Check sources.orders.shop_id and sources.orders.url in adcanary.yaml.",
    }
    return SourceRejected(
        f"orders: shop {shop} refused {answer.url.path}: HTTP {answer.status_code} "
        f"{answer.text[:200]}",
        kept=_KEPT,
        fix=fixes.get(answer.status_code, "Check the request against the shop's API."),
    )
