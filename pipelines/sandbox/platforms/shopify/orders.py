"""The simulated shop's orders as Shopify shows them on a day, and the books to hold them to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import CURRENCY, SHOP_TIME_ZONE

_CLICK_IDS = ("gclid", "fbclid", "ttclid")
_SEARCHED = re.compile(r"(created_at|updated_at):(>=|<=|<|>)'([^']+)'")
_COMPARE = {">=": pc.greater_equal, "<=": pc.less_equal, "<": pc.less, ">": pc.greater}
# Every ninth order is paid in Canadian dollars, at one rate.
_ABROAD, _ABROAD_CURRENCY, _ABROAD_PERCENT = 9, "CAD", 137
_LATE = timedelta(days=60)
_WITHDRAWN = timedelta(days=10)


class SearchError(Exception):
    """A search that the shop doesn't understand."""


@dataclass(frozen=True)
class Kept:
    """What a client must end with, to the micro, for some days.

    Args:
        orders: by order id: day, micros, refunded micros, whether it is a new customer's.
        refunds: by refund id: order id, day, micros.
    """

    orders: dict[str, tuple[date, int, int, bool]]
    refunds: dict[str, tuple[str, date, int]]


class ShopifyOrders:
    """The market's orders on a day.

    ``late_refund`` is the day on which an order of more than two months ago was refunded, None
    for never; ``withdrawn`` the id of an order that was deleted.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._cache: tuple[Any, pa.Table] | None = None
        self.late_refund: date | None = None
        self.withdrawn: str | None = None

    def refund_late(self, today: date) -> None:
        """From now on, an old order was refunded in full yesterday; once is enough."""
        self.late_refund = self.late_refund or today - timedelta(days=1)

    def withdraw(self, today: date) -> None:
        """From now on, an order of ten days ago doesn't exist; once is enough."""
        day = today - _WITHDRAWN
        placed = self._market.orders(day, day, today)["order_id"]
        self.withdrawn = self.withdrawn or placed[1].as_py()

    def search(self, search: str, today: date) -> list[dict[str, Any]]:
        """Orders that a search finds, as GraphQL nodes, oldest first.

        Raises:
            SearchError: a term that isn't a comparison of created_at or updated_at.
        """
        left = _SEARCHED.sub("", search).replace("AND", "").strip()
        if left:
            raise SearchError(f"the search term {left} is not understood")
        rows = self._rows(today)
        for column, sign, instant in _SEARCHED.findall(search):
            bound = pa.scalar(datetime.fromisoformat(instant), pa.timestamp("s", tz="UTC"))
            rows = rows.filter(_COMPARE[sign](rows[column], bound))
        return [_node(row) for row in rows.to_pylist()]

    def kept(self, start: date, end: date, today: date) -> Kept:
        """The books: orders placed on, and refunds made on, days of the shop."""
        orders, refunds = {}, {}
        for row in self._rows(today).to_pylist():
            refunded = row["refunded_cents"] * 10_000
            if start <= row["order_date"] <= end:
                guest_test = row["test"] and row["customer_id"] is None
                orders[row["order_id"]] = (
                    row["order_date"],
                    row["total_cents"] * 10_000,
                    refunded,
                    row["is_new_customer"] or guest_test,
                )
            day = row["updated_at"].astimezone(ZoneInfo(SHOP_TIME_ZONE)).date()
            if refunded and start <= day <= end:
                refunds[str(_number(row) + 1)] = (row["order_id"], day, refunded)
        return Kept(orders, refunds)

    def _rows(self, today: date) -> pa.Table:
        key = (today, self.late_refund, self.withdrawn)
        if self._cache is None or self._cache[0] != key:
            rows = self._market.orders(self._market.start, self._market.end, today)
            if self.withdrawn:
                rows = rows.filter(pc.not_equal(rows["order_id"], self.withdrawn))
            if self.late_refund:
                rows = _refunded(rows, self.late_refund)
            self._cache = (key, rows)
        return self._cache[1]


def _refunded(rows: pa.Table, day: date) -> pa.Table:
    """The rows with the last refundable order of two months before ``day`` refunded then."""
    old = pc.less(rows["order_date"], pa.scalar(day - _LATE))
    plain = pc.and_(pc.equal(rows["financial_status"], "paid"), pc.invert(rows["cancelled"]))
    late = pc.and_(pc.and_(old, plain), pc.invert(rows["test"])).to_pylist()
    position = len(late) - 1 - late[::-1].index(True)
    changes = {
        "refunded_cents": rows["total_cents"][position].as_py(),
        "financial_status": "refunded",
        "updated_at": datetime.combine(day, time(15), UTC),
    }
    for name, value in changes.items():
        values = rows[name].to_pylist()
        values[position] = value
        column = rows.schema.get_field_index(name)
        rows = rows.set_column(column, name, pa.array(values, rows.schema.field(column).type))
    return rows


def _node(row: dict[str, Any]) -> dict[str, Any]:
    """An order as the Admin API gives it."""
    number = _number(row)
    clicks = {name: row[name] for name in _CLICK_IDS if row[name]}
    # half of the carts keep the click id with the order, the others show it on landing
    attributes = clicks if number % 20 < 10 else {}
    landing = {"utm_source": "newsletter", **({} if attributes else clicks)}
    gift = {"gift_note": f"From {row['email'].strip()}"} if number % 70 == 0 else {}
    first = row["is_new_customer"]
    refunds = [
        {
            "id": f"gid://shopify/Refund/{number + 1}",
            "createdAt": _instant(row["updated_at"]),
            "totalRefundedSet": _money(number, row["refunded_cents"]),
        }
    ]
    return {
        "id": f"gid://shopify/Order/{number}",
        "name": row["order_id"],
        "createdAt": _instant(row["created_at"]),
        "updatedAt": _instant(row["updated_at"]),
        "cancelledAt": _instant(row["updated_at"]) if row["cancelled"] else None,
        "test": row["test"],
        "displayFinancialStatus": row["financial_status"].upper(),
        "email": row["email"],
        "phone": row["phone"],
        "totalPriceSet": _money(number, row["total_cents"]),
        "totalRefundedSet": _money(number, row["refunded_cents"]),
        "customer": row["customer_id"]
        and {
            "id": f"gid://shopify/Customer/{row['customer_id']}",
            "numberOfOrders": "1" if first else "3",
        },
        "customerJourneySummary": {
            "customerOrderIndex": None if row["test"] else 1 if first else 3,
            "lastVisit": {"landingPage": f"https://canary.example/?{urlencode(landing)}"},
        },
        "customAttributes": [{"key": k, "value": v} for k, v in {**attributes, **gift}.items()],
        "refunds": refunds if row["refunded_cents"] else [],
    }


def _number(row: dict[str, Any]) -> int:
    return 5_000_000_000_000 + 10 * int(row["order_id"].split("-")[1])


def _money(number: int, cents: int) -> dict[str, Any]:
    abroad = number // 10 % _ABROAD == 0
    presented = (cents * _ABROAD_PERCENT + 50) // 100 if abroad else cents
    return {
        "shopMoney": {"amount": _amount(cents), "currencyCode": CURRENCY},
        "presentmentMoney": {
            "amount": _amount(presented),
            "currencyCode": _ABROAD_CURRENCY if abroad else CURRENCY,
        },
    }


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
