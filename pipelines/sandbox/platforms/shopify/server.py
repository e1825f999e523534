"""The simulated shop behind Shopify's GraphQL Admin API, with its bulk operations and faults."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import CURRENCY, SHOP_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.shopify.orders import Kept, SearchError, ShopifyOrders
from pipelines.sandbox.platforms.shopify.query import Document, QueryError, Selection, parse, pick
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback

FAULTS = {
    "bulk_failed": "every second run of a bulk query FAILs with INTERNAL_SERVER_ERROR",
    "bulk_expired": "every second run of a bulk query has a result that is gone",
    "bulk_already_running": "every second start of a bulk query finds another one running",
    "object_count_mismatch": "the operation counts one object more than its result has",
    "truncated_download": "every second download breaks off in the middle of a line",
    "throttled": "every second call is refused, with status 200, for its query cost",
    "errors_200": "every second call ends in an internal error, with status 200",
    "server_error": "every second call is answered 503",
    "token_invalid": "the token was withdrawn",
    "late_refund": "an order of more than two months ago was refunded yesterday",
    "withdrawn_order": "an order of ten days ago was deleted",
    "exactly_page": "a result fills whole blocks of 64 KiB and ends without a line feed",
}
_OF_CALLS = ("server_error", "errors_200", "throttled")
BREAKING = frozenset({"object_count_mismatch", "token_invalid"})
_BLOCK = 65_536
_RESULTS_KEPT = 5
_MAXIMUM, _RESTORE, _COST = 2_000, 100, 10
_SCOPES = ("read_orders", "read_all_orders", "read_customers")
_DENIED = "[API] Invalid API key or access token (unrecognized login or wrong password)"


@dataclass
class _Operation:
    """A bulk query, which ends two calls after it was started, whoever makes them."""

    lines: list[bytes]
    signature: str
    started: int
    counted: int
    fate: str = "COMPLETED"
    gone: bool = False


class ShopifyServer(Loopback):
    """A shop's Admin API at ``url``; use as a context manager, or :meth:`start` and :meth:`stop`.

    ``mutations`` lists every call that would change something; each was answered 403.
    ``available_points`` is what is left of the query cost bucket of 2,000; ``scopes`` are the
    token's; while ``stuck``, no operation ends.
    """

    def __init__(self, market: Market, clock: Clock, token: str = "sandbox-shopify-token") -> None:
        self.clock, self.access_token = clock, token
        self.faults = Faults(FAULTS, BREAKING)
        self.mutations: list[str] = []
        self.scopes: tuple[str, ...] = _SCOPES
        self.available_points = _MAXIMUM
        self.stuck = False
        self._orders = ShopifyOrders(market)
        self._operations: list[_Operation] = []
        self._calls = 0
        self._struck: set[tuple[str, bytes]] = set()
        super().__init__(self._app(), "shopify")

    def books(self, start: date, end: date) -> Kept:
        """What a client must end with for days of the shop, worked out from the market."""
        return self._orders.kept(start, end, self.clock.today)

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.middleware("http")
        async def read_only(
            request: Request, call_next: Callable[[Request], Awaitable[Response]]
        ) -> Response:
            asks = request.method == "POST" and request.url.path.endswith("/graphql.json")
            if not asks and request.method not in {"GET", "HEAD"}:
                return self._refuse(f"{request.method} {request.url.path}")
            return await call_next(request)

        @app.post("/admin/api/{version}/graphql.json")
        async def graphql(request: Request) -> Response:
            return self._graphql(request.headers, await request.body())

        @app.get("/bulk/{number}.jsonl")
        def result(number: int, signature: str, request: Request) -> Response:
            return self._result(number, signature, request)

        return app

    def _refuse(self, what: str) -> JSONResponse:
        self.mutations.append(what)
        return JSONResponse({"errors": "this shop is read-only; the call was recorded"}, 403)

    def _graphql(self, headers: Any, body: bytes) -> Response:
        given = headers.get("x-shopify-access-token", "").encode()
        known = secrets.compare_digest(given, self.access_token.encode())
        if not known or self.faults.strikes("token_invalid", SHOP_ID):
            return JSONResponse({"errors": _DENIED}, 401)
        if fault := self._fault(body):
            return fault
        self._calls += 1
        asked = orjson.loads(body)
        try:
            document = parse(asked["query"], asked.get("variables"))
            if strange := [f for f in document.fields if _changes(document, f)]:
                return self._refuse(", ".join(strange))
            data = {name: self._root(name, field) for name, field in document.fields.items()}
        except QueryError as error:
            return self._failed(str(error), "undefinedField")
        return JSONResponse({"data": data, "extensions": self._cost(self.available_points)})

    def _fault(self, body: bytes) -> Response | None:
        # one in turn of those that are on, so that all of them at once can be survived
        first = self._calls % len(_OF_CALLS)
        struck = self._every_second((*_OF_CALLS[first:], *_OF_CALLS[:first]), body)
        if struck == "server_error":
            return Response("<html>Service Unavailable</html>", 503, media_type="text/html")
        if struck == "errors_200":
            message = "Internal error. Looks like something went wrong on our end."
            return self._failed(message, "INTERNAL_SERVER_ERROR")
        if struck == "throttled":
            return self._failed("Throttled", "THROTTLED", available=_COST - 1)
        return None

    def _failed(self, message: str, code: str, available: int | None = None) -> JSONResponse:
        left = self.available_points if available is None else available
        error = {"message": message, "extensions": {"code": code}}
        return JSONResponse({"errors": [error], "extensions": self._cost(left)})

    def _cost(self, available: int) -> dict[str, Any]:
        status = {
            "maximumAvailable": float(_MAXIMUM),
            "currentlyAvailable": available,
            "restoreRate": float(_RESTORE),
        }
        return {"cost": {"requestedQueryCost": _COST, "throttleStatus": status}}

    def _root(self, name: str, field: Selection) -> Any:
        answers: dict[str, Callable[[], Any]] = {
            "shop": lambda: {
                "name": "Canary Outfitters",
                "myshopifyDomain": f"{SHOP_ID}.myshopify.com",
                "ianaTimezone": SHOP_TIME_ZONE,
                "currencyCode": CURRENCY,
            },
            "currentAppInstallation": lambda: {
                "accessScopes": [{"handle": scope} for scope in self.scopes]
            },
            "node": lambda: self._operation(field.arguments["id"]),
            "bulkOperationRunQuery": lambda: self._run(field.arguments["query"]),
        }
        if name not in answers:
            raise QueryError(f"Field '{name}' doesn't exist on type 'QueryRoot'")
        return pick(answers[name](), field.fields, name)

    def _run(self, query: str) -> dict[str, Any]:
        what = query.encode()
        running = any(self._status(o) == "RUNNING" for o in self._operations)
        if running or self._every_second(("bulk_already_running",), what):
            number = max(len(self._operations), 1)
            message = "A bulk query operation for this app and shop is already in progress"
            return _refusal("OPERATION_IN_PROGRESS", f"{message}: {_gid(number)}.")
        if self.faults.strikes("late_refund", SHOP_ID):
            self._orders.refund_late(self.clock.today)
        if self.faults.strikes("withdrawn_order", SHOP_ID):
            self._orders.withdraw(self.clock.today)
        try:
            lines = self._lines(parse(query))
        except (QueryError, SearchError) as error:
            return _refusal("INVALID", f"Invalid bulk query: {error}")
        operation = _Operation(lines, secrets.token_hex(8), self._calls, len(lines))
        if self._every_second(("bulk_failed",), what):
            operation.fate = "FAILED"
        operation.gone = self._every_second(("bulk_expired",), what) is not None
        operation.counted += self.faults.strikes("object_count_mismatch", SHOP_ID)
        self._operations.append(operation)
        for old in self._operations[:-_RESULTS_KEPT]:
            old.lines, old.gone = [], True
        return {
            "bulkOperation": {"id": _gid(len(self._operations)), "status": "CREATED"},
            "userErrors": [],
        }

    def _lines(self, document: Document) -> list[bytes]:
        """The JSONL of a bulk query: a line a node of its connection."""
        orders = document.fields.get("orders")
        try:
            asked = orders.fields["edges"].fields["node"].fields if orders else {}
        except KeyError:
            asked = {}
        if orders is None or not asked:
            raise QueryError("Bulk queries must contain at least one connection")
        nodes = self._orders.search(orders.arguments.get("query", ""), self.clock.today)
        return [orjson.dumps(pick(node, asked, "Order")) for node in nodes]

    def _operation(self, gid: str) -> dict[str, Any] | None:
        number = int(gid.rsplit("/", 1)[1])
        if not 1 <= number <= len(self._operations):
            return None
        operation = self._operations[number - 1]
        status = self._status(operation)
        whole = status == "COMPLETED" and operation.lines
        return {
            "id": gid,
            "status": status,
            "errorCode": "INTERNAL_SERVER_ERROR" if status == "FAILED" else None,
            "objectCount": str(operation.counted),
            "rootObjectCount": str(operation.counted),
            "url": f"{self.url}/bulk/{number}.jsonl?signature={operation.signature}"
            if whole
            else None,
        }

    def _status(self, operation: _Operation) -> str:
        done = self._calls >= operation.started + 2 and not self.stuck
        return operation.fate if done else "RUNNING"

    def _result(self, number: int, signature: str, request: Request) -> Response:
        operation = self._operations[number - 1]
        if not secrets.compare_digest(signature, operation.signature):
            return Response("SignatureDoesNotMatch", 403)
        if "x-shopify-access-token" in request.headers:
            return Response("the URL is signed: a token has no business here", 400)
        if operation.gone:
            return Response("ExpiredToken", 403)
        body = b"".join(line + b"\n" for line in operation.lines)
        if self.faults.strikes("exactly_page", SHOP_ID):
            body = body.rstrip(b"\n")
            body = body[:-1] + b" " * (-len(body) % _BLOCK) + body[-1:]
        if self._every_second(("truncated_download",), f"{number}".encode()):
            line = body.rfind(b"\n", 0, len(body) * 2 // 3) + 1
            body = body[: line + len(body[line:].split(b"\n", 1)[0]) // 2]
        return Response(body, media_type="application/jsonl")

    def _every_second(self, names: tuple[str, ...], what: bytes) -> str | None:
        """The first of the faults that strikes, the first, third, … time the same is asked."""
        key = (min(names), what)
        if key in self._struck:
            self._struck.discard(key)
            return None
        struck = next((name for name in names if self.faults.strikes(name, SHOP_ID)), None)
        if struck:
            self._struck.add(key)
        return struck


def _changes(document: Document, field: str) -> bool:
    """Whether a root field would change something: every mutation but the one that exports."""
    return document.kind != "query" and field != "bulkOperationRunQuery"


def _gid(number: int) -> str:
    return f"gid://shopify/BulkOperation/{number}"


def _refusal(code: str, message: str) -> dict[str, Any]:
    error = {"code": code, "field": None, "message": message}
    return {"bulkOperation": None, "userErrors": [error]}
