"""What is asked of a Shopify order and how it is read: hashed, in micros, on the shop's days."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pipelines.placeholders import SHIPPED, Placeholders
from pipelines.privacy.hashing import hash_email, hash_phone, hash_user_id
from pipelines.sources.base import Unreadable

_log = logging.getLogger(__name__)

CLICK_IDS = ("gclid", "fbclid", "ttclid", "li_fat_id")
# A payment that has not come yet is an order all the same; one that never came is none.
_STATUS = {
    "PAID": "PAID",
    "PARTIALLY_PAID": "PAID",
    "PARTIALLY_REFUNDED": "PAID",
    "AUTHORIZED": "PENDING",
    "PENDING": "PENDING",
    "REFUNDED": "REFUNDED",
    "EXPIRED": "CANCELLED",
    "VOIDED": "CANCELLED",
}
_MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_REFUND_FIELDS = f"name refunds {{ id createdAt totalRefundedSet {_MONEY} }}"
_ORDER_FIELDS = f"""
id createdAt updatedAt cancelledAt test displayFinancialStatus email phone
totalPriceSet {_MONEY} totalRefundedSet {_MONEY}
customer {{ id numberOfOrders }}
customerJourneySummary {{ customerOrderIndex lastVisit {{ landingPage }} }}
customAttributes {{ key value }}
{_REFUND_FIELDS}
"""

Row = dict[str, Any]
_UNREADABLE = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, IndexError)


def orders_query(search: str) -> str:
    """Orders that a search finds, with everything :meth:`Reader.order` reads."""
    return _query(search, _ORDER_FIELDS)


def refunds_query(search: str) -> str:
    """The refunds of orders that a search finds, for :meth:`Reader.refunds`."""
    return _query(search, _REFUND_FIELDS)


def days_query(search: str) -> str:
    """When the orders that a search finds were placed, for :meth:`Reader.day`."""
    return _query(search, "createdAt")


def _query(search: str, fields: str) -> str:
    return f'{{ orders(query: "{search}") {{ edges {{ node {{ {fields} }} }} }} }}'


@dataclass(frozen=True)
class Reader:
    """Turns orders as Shopify gives them into rows of raw.orders and raw.order_refunds.

    What can't be read is named, and nothing of it repeated: an order holds a person's address.
    """

    shop: str
    time_zone: str
    salt: str
    nobodys: Placeholders = SHIPPED

    def order(self, order: dict[str, Any]) -> tuple[list[Row | Unreadable], ...]:
        """An order's row, and the rows of its refunds."""
        try:
            return [self._order(order)], self.refunds(order)
        except _UNREADABLE as error:
            return [self._unreadable(order, error)], self.refunds(order)

    def refunds(self, order: dict[str, Any]) -> list[Row | Unreadable]:
        """The rows of an order's refunds."""
        try:
            return self._refunds(order)
        except _UNREADABLE as error:
            # of whichever day they are
            return [replace(self._unreadable(order, error), day=None)]

    def day(self, order: dict[str, Any]) -> date | None:
        """The shop's day on which an order was placed; None, and logged, where that can't be read:
        there is no day to pull again for it."""
        try:
            return self._day(_instant(order["createdAt"]))
        except _UNREADABLE as error:
            who = f"shopify account {self.shop}: order {_name(order)}"
            _log.warning("%s, which changed, %s", who, _reason(error))
            return None

    def _order(self, order: dict[str, Any]) -> Row:
        ordered_at, cancelled_at = _instant(order["createdAt"]), order["cancelledAt"]
        customer = order["customer"] or {"id": None, "numberOfOrders": None}
        paid = order["totalPriceSet"]
        return {
            "shop_id": self.shop,
            "order_id": order["name"],
            "order_date": self._day(ordered_at),
            "ordered_at": ordered_at,
            "customer_id": hash_user_id(
                customer["id"] and _tail(customer["id"]), self.salt, self.nobodys
            ),
            "email_hash": hash_email(order["email"], self.salt, self.nobodys),
            "phone_hash": hash_phone(order["phone"], self.salt, nobodys=self.nobodys),
            "is_new_customer": _is_first(
                order["customerJourneySummary"], customer["numberOfOrders"]
            ),
            **{name: self.nobodys.real(c) for name, c in _click_ids(order).items()},
            "revenue_micros": _micros(paid["shopMoney"]),
            "refunded_micros": _refunded(order, "shopMoney"),
            "currency_code": paid["shopMoney"]["currencyCode"],
            "presentment_revenue_micros": _micros(paid["presentmentMoney"]),
            "presentment_refunded_micros": _refunded(order, "presentmentMoney"),
            "presentment_currency_code": paid["presentmentMoney"]["currencyCode"],
            "time_zone": self.time_zone,
            "status": _status(order),
            "test": order["test"],
            "cancelled_at": cancelled_at and _instant(cancelled_at),
            "updated_at": _instant(order["updatedAt"]),
        }

    def _refunds(self, order: dict[str, Any]) -> list[Row | Unreadable]:
        return [
            {
                "shop_id": self.shop,
                "refund_id": _tail(refund["id"]),
                "order_id": order["name"],
                "refund_date": self._day(at),
                "refunded_at": at,
                "amount_micros": _micros(money["shopMoney"]),
                "currency_code": money["shopMoney"]["currencyCode"],
                "presentment_amount_micros": _micros(money["presentmentMoney"]),
                "presentment_currency_code": money["presentmentMoney"]["currencyCode"],
            }
            for refund in order["refunds"]
            if refund["createdAt"]  # null while it is pending: nothing was paid back yet
            for at, money in [(_instant(refund["createdAt"]), refund["totalRefundedSet"])]
        ]

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.time_zone)).date()

    def _unreadable(self, order: dict[str, Any], error: Exception) -> Unreadable:
        try:
            day = self._day(_instant(order["createdAt"]))
        except _UNREADABLE:
            day = None
        return Unreadable(
            {"shop_id": self.shop, "order_id": _name(order)}, f"the order {_reason(error)}", day
        )


def _name(order: dict[str, Any]) -> str:
    return str(order.get("name") or order.get("id") or "(without id)")


def _reason(error: Exception) -> str:
    # a KeyError's message is a field's name, or a word of a list; any other's may be a value
    what = f"no {error}" if isinstance(error, KeyError) else type(error).__name__
    return f"can't be read ({what})"


def _is_first(journey: dict[str, Any] | None, orders_so_far: str | None) -> bool:
    """Whether an order is its customer's first.

    Its place in the customer's history says so. It is not given for test orders, nor for those
    not placed online; there, a customer with one order, or with no account, counts as new.
    """
    index = journey["customerOrderIndex"] if journey else None
    if index is not None:
        return bool(index <= 1)
    return orders_so_far is None or int(orders_so_far) <= 1


def _click_ids(order: dict[str, Any]) -> dict[str, str | None]:
    """Click ids kept with the order at checkout, else those of the last visit's landing page."""
    kept = {a["key"].lower().lstrip("_"): a["value"] for a in order["customAttributes"]}
    visit = (order["customerJourneySummary"] or {}).get("lastVisit") or {}
    landed = parse_qs(urlsplit(visit.get("landingPage") or "").query)
    return {name: kept.get(name) or landed.get(name, [None])[0] for name in CLICK_IDS}


def _status(order: dict[str, Any]) -> str:
    if order["test"]:
        return "TEST"
    if order["cancelledAt"]:
        return "CANCELLED"
    return _STATUS[order["displayFinancialStatus"] or "PENDING"]


def _micros(money: dict[str, str]) -> int:
    """Micros of an amount; ValueError where it is finer than a micro."""
    micros = Decimal(money["amount"]) * 1_000_000
    if micros != micros.to_integral_value():
        raise ValueError("an amount is finer than a millionth")
    return int(micros)


def _refunded(order: dict[str, Any], side: str) -> int:
    """Micros of what was refunded; ValueError where that is in another currency than the price."""
    paid, refunded = order["totalPriceSet"][side], order["totalRefundedSet"][side]
    micros = _micros(refunded)
    if micros and refunded["currencyCode"] != paid["currencyCode"]:
        raise ValueError("a refund in another currency")
    return micros


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _tail(gid: str) -> str:
    """The id in a global id, gid://shopify/Order/<id>."""
    return gid.rsplit("/", maxsplit=1)[1]
