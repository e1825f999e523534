"""The simulated shop's order API over HTTP on loopback; read-only, and it says who tried more."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from pipelines.sandbox.clock import Clock
from pipelines.sandbox.loopback import Loopback
from pipelines.sandbox.market import Market
from pipelines.sandbox.portfolio import CURRENCY, SHOP_ID, SHOP_TIME_ZONE

PAGE_ROWS = 250


class OrdersServer:
    """A shop's API at ``url``; use as a context manager, or call :meth:`start` and :meth:`stop`.

    ``GET /shop`` and ``GET /orders?shop=&created_from=&created_to=&page_token=``, days inclusive
    and in the shop's time zone, 250 orders a page, with a bearer token. ``mutations`` lists
    every call that was not a read; each was answered 403. ``failures`` holds statuses that the
    next calls are answered with, to try out errors.
    """

    def __init__(self, market: Market, clock: Clock, token: str) -> None:
        self.mutations: list[str] = []
        self.failures: deque[int] = deque()
        self._market, self._clock, self._token = market, clock, token
        self._page_rows = lru_cache(maxsize=4)(self._orders)
        self._loopback = Loopback(self._app(), "orders-api")
        self.url = self._loopback.url

    def start(self) -> OrdersServer:
        """Serve from a thread; returns when it answers."""
        self._loopback.start()
        return self

    def stop(self) -> None:
        """Close the port and end the thread."""
        self._loopback.stop()

    def __enter__(self) -> OrdersServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.middleware("http")
        async def guard(
            request: Request, call_next: Callable[[Request], Awaitable[Response]]
        ) -> Response:
            refusal = self._refusal(request)
            return refusal if refusal else await call_next(request)

        @app.get("/shop")
        def shop(shop: str = SHOP_ID) -> dict[str, str]:
            _check_shop(shop)
            return {
                "id": SHOP_ID,
                "name": "Canary Outfitters",
                "currency": CURRENCY,
                "time_zone": SHOP_TIME_ZONE,
            }

        @app.get("/orders")
        def orders(
            shop: str, created_from: date, created_to: date, page_token: str = ""
        ) -> dict[str, Any]:
            _check_shop(shop)
            rows = self._page_rows(created_from, created_to, self._clock.today)
            first = _offset(page_token)
            more = first + PAGE_ROWS < len(rows)
            return {
                "orders": rows[first : first + PAGE_ROWS],
                "next_page_token": _token(first + PAGE_ROWS) if more else None,
            }

        return app

    def _refusal(self, request: Request) -> JSONResponse | None:
        if request.method not in {"GET", "HEAD"}:
            self.mutations.append(f"{request.method} {request.url.path}")
            return JSONResponse({"error": "this shop is read-only; the call was recorded"}, 403)
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return JSONResponse({"error": "unknown token"}, 401)
        if self.failures:
            status = self.failures.popleft()
            return JSONResponse({"error": f"asked to fail with {status}"}, status)
        return None

    def _orders(self, start: date, end: date, today: date) -> list[dict[str, Any]]:
        return [_as_json(row) for row in self._market.orders(start, end, today).to_pylist()]


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["order_id"],
        "created_at": _instant(row["created_at"]),
        "updated_at": _instant(row["updated_at"]),
        "cancelled_at": _instant(row["updated_at"]) if row["cancelled"] else None,
        "test": row["test"],
        "financial_status": row["financial_status"],
        "currency": row["currency"],
        "total_price": _amount(row["total_cents"]),
        "total_refunded": _amount(row["refunded_cents"]),
        "customer": {
            "id": row["customer_id"],
            "email": row["email"],
            "is_first_order": row["is_new_customer"],
        },
        "click_ids": {name: row[name] for name in ("gclid", "fbclid", "ttclid")},
    }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _check_shop(shop: str) -> None:
    if shop != SHOP_ID:
        raise HTTPException(404, f"no shop '{shop}'")


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "unknown page_token") from error
