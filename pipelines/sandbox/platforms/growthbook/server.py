"""A GrowthBook organisation's REST API over HTTP on loopback; read-only."""

from __future__ import annotations

import secrets

import orjson
from fastapi import Request, Response

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.growthbook.definitions import Json, definitions
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.crm_books import Gate
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback, every_call

ORGANIZATION = "canary-shop"
FAULTS = {
    "rate_limited": "429, once a call",
    "server_error": "502 with a proxy's page, once a call",
    "truncated_body": "the reply breaks off in the middle, once a call",
    "row_lost": "the first reading of a page misses an experiment that its total counts",
    "key_revoked": "401: the secret key was revoked",
    "new_status": "every experiment has a status that nobody knows",
}
BREAKING = frozenset({"key_revoked", "new_status"})
_PATH = "/api/v1/experiments"


class GrowthbookServer(Loopback):
    """``GET /api/v1/experiments`` at ``url``, by pages of at most ``page_rows``.

    Attributes:
        mutations: every call that was not a read; each was answered 403.
    """

    api_key = "secret_readonly_sandbox"

    def __init__(self, market: Market, clock: Clock) -> None:
        self.clock, self.page_rows = clock, 100
        self.faults = Faults(FAULTS, BREAKING)
        self.mutations: list[str] = []
        self._market = market
        self._gate = Gate(self.faults, ORGANIZATION)
        super().__init__(every_call(self._handle), "growthbook")

    def books(self) -> list[Json]:
        """The experiments as they are defined on the clock's day, in the API's own words."""
        return definitions(self._market.experiment, self.clock.today)

    async def _handle(self, request: Request) -> Response:
        call = f"{request.method} {request.url.path}?{request.url.query}"
        if request.method != "GET":
            self.mutations.append(f"{request.method} {request.url.path}")
            return _answer(403, {"message": "This is read-only; the call was recorded."})
        given = request.headers.get("authorization", "")
        right = secrets.compare_digest(given.encode(), f"Bearer {self.api_key}".encode())
        if not right or self._gate.is_on("key_revoked"):
            return _answer(401, {"message": "no such key"})
        if self._gate.strikes("rate_limited", call):
            return _answer(429, {"message": "60 calls a minute are allowed"})
        if self._gate.strikes("server_error", call):
            return Response("<html>502 Bad Gateway</html>", 502, media_type="text/html")
        if request.url.path != _PATH:
            return _answer(404, {"message": "no such endpoint"})
        asked = request.query_params
        page = self._page(int(asked.get("limit", 10)), int(asked.get("offset", 0)))
        if page["experiments"] and self._gate.strikes("row_lost", f"lost {call}"):
            page["experiments"].pop()
        content = orjson.dumps(page)
        if self._gate.strikes("truncated_body", call):
            content = content[: len(content) // 2]
        else:
            self._gate.passed(call)
        return Response(content, media_type="application/json")

    def _page(self, limit: int, offset: int) -> Json:
        experiments = self.books()
        if self._gate.is_on("new_status"):
            experiments = [one | {"status": "paused"} for one in experiments]
        end = offset + min(limit, self.page_rows)
        more = end < len(experiments)
        shown = experiments[offset:end]
        return {
            "experiments": shown,
            "limit": limit,
            "offset": offset,
            "count": len(shown),
            "total": len(experiments),
            "hasMore": more,
            "nextOffset": end if more else None,
        }


def _answer(status: int, body: Json) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
