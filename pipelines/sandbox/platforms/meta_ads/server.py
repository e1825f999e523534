"""The simulated Meta Graph API: HTTP on loopback, read-only like our sources.

Serves ad account nodes, their campaigns, adsets and ads, and insights as asynchronous jobs
(https://developers.facebook.com/docs/marketing-api/insights/best-practices). Any other POST or
DELETE is recorded in ``mutations`` and refused.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from facebook_business.api import FacebookAdsApi
from fastapi import Request, Response

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.meta_ads.faults import (
    AT_ONCE,
    BREAKING,
    EXPIRED_TOKEN,
    INVALID_TOKEN,
    KNOWN,
    ONCE,
    REDUCE_DATA,
    REDUCED_LIMIT,
    GraphError,
    usage_headers,
)
from pipelines.sandbox.platforms.meta_ads.jobs import Jobs, asked_fields, json_param
from pipelines.sandbox.platforms.meta_ads.metrics import Row
from pipelines.sandbox.platforms.meta_ads.rows import (
    ACCOUNT_FIELDS,
    EDGE_FIELDS,
    MetaBooks,
    audiences,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback, every_call

SCOPES = ("ads_read", "public_profile")


@dataclass(frozen=True)
class Mutation:
    """A call that would have changed something."""

    method: str
    path: str
    params: dict[str, str]


class MetaServer(Loopback):
    """The Graph API on ``url``, from ``with`` or between :meth:`start` and :meth:`stop`.

    Args:
        market: the world it reports on.
        clock: its ``today``; no day from it on has data.
        page_rows: rows a page holds at most, whatever ``limit`` asks for.
        job_rows: rows an insights job may have while a fault makes larger ones fail.

    ``scopes`` are the token's permissions, ``expires_at`` when it ends, in seconds since 1970 (0:
    never); whether the token may be asked about itself, ``shows_token`` says.
    """

    def __init__(
        self,
        market: Market,
        clock: Clock,
        *,
        access_token: str = "sandbox-meta-token",
        page_rows: int = 1000,
        job_rows: int = 100,
    ) -> None:
        self.clock = clock
        self.access_token = access_token
        self.page_rows = page_rows
        self.usage_percent = 12
        self.scopes: tuple[str, ...] = SCOPES
        self.expires_at = 0
        self.shows_token = True
        self.mutations: list[Mutation] = []
        self.faults = Faults(KNOWN, BREAKING, ONCE)
        self._books = MetaBooks(market, self.faults)
        self.jobs = Jobs(self._books, clock, self.faults, job_rows)
        self._failures: list[GraphError] = []
        self._high = count()
        self._lock = threading.Lock()
        super().__init__(every_call(self._handle), "meta")

    def fail_next(
        self,
        code: int,
        times: int = 1,
        *,
        message: str = "The sandbox was told to fail.",
        **details: Any,
    ) -> None:
        """Answer the next ``times`` calls with any Graph error, such as 17 (rate limit).

        Args:
            details: of GraphError.
        """
        with self._lock:
            self._failures += [GraphError(code, message, **details)] * times

    def spend_by_day(self, account_id: str) -> dict[date, int]:
        """The books: micros that an account spent on each of its days, from the market."""
        return self._books.spend_by_day(account_id, self.clock.today)

    async def _handle(self, request: Request) -> Response:
        params = dict(request.query_params)
        if request.method != "GET":
            params |= dict(parse_qsl((await request.body()).decode()))
        version, *path = request.url.path.strip("/").split("/")
        if version == "images":
            # as Meta's servers of images, which ask for no token
            image = self._books.image(path[-1].removesuffix(".jpg"))
            return Response(image, 404 if image is None else 200, media_type="image/jpeg")
        account_id = self._account_of(path)
        try:
            self._refuse(version, params, account_id)
            body, status, regain = self._answer(request, path, params), 200, 0
        except GraphError as error:
            body, status, regain = error.envelope(), error.status, error.regain_minutes
        high = next(self._high) if self.faults.strikes("usage_high", account_id) else None
        headers = usage_headers(self.usage_percent, regain, high)
        return Response(orjson.dumps(body), status, headers, "application/json; charset=UTF-8")

    def _account_of(self, path: list[str]) -> str:
        job = self.jobs.find(path[0]) if path else None
        return job.account_id if job else "".join(path[:1])

    def _refuse(self, version: str, params: dict[str, str], account_id: str) -> None:
        """Raise GraphError for a call that gets no answer, whatever it asks."""
        if params.pop("access_token", None) != self.access_token:
            raise INVALID_TOKEN
        if version != FacebookAdsApi.API_VERSION:
            raise GraphError(2635, f"(#2635) You are calling {version}, which is not served.")
        with self._lock:
            if self._failures:
                raise self._failures.pop(0)
        for fault, error in AT_ONCE.items():
            if self.faults.strikes(fault, account_id):
                raise error

    def _answer(self, request: Request, path: list[str], params: dict[str, str]) -> Row:
        if request.method != "GET":
            return self._post(request.method, path, params)
        job = self.jobs.find(path[0])
        match path:
            case ["debug_token"] | ["me", "permissions"]:
                return {"data": self._token(params) if len(path) == 1 else self._permissions()}
            case [_] if job:
                return self.jobs.poll(job)
            case [node]:
                self._known(node)
                return _only(params, ACCOUNT_FIELDS, self._books.account(node), "AdAccount")
            case [_, "insights"] if job:
                return self._page(request, params, self.jobs.found(job))
            case [node, edge] if edge in EDGE_FIELDS:
                self._known(node)
                return self._page(request, params, self._edge_rows(node, edge, params))
        raise GraphError(100, f"(#100) Tried accessing nonexisting field ({path[-1]})")

    def _token(self, params: dict[str, str]) -> Row:
        """https://developers.facebook.com/docs/graph-api/reference/debug_token"""
        if not self.shows_token or params.get("input_token") != self.access_token:
            raise GraphError(
                100,
                "(#100) You must provide an app access token, or a user access token that is an "
                "owner or developer of the app",
            )
        token = {"type": "SYSTEM_USER", "is_valid": True, "expires_at": self.expires_at}
        return {**token, "app_id": "10150000000000009", "scopes": list(self.scopes)}

    def _permissions(self) -> list[Row]:
        return [{"permission": scope, "status": "granted"} for scope in self.scopes]

    def _post(self, method: str, path: list[str], params: dict[str, str]) -> Row:
        if method == "POST" and len(path) == 2 and path[1] == "insights":
            self._known(path[0])
            return self.jobs.start(path[0], params)
        with self._lock:
            self.mutations.append(Mutation(method, "/".join(path), params))
        raise GraphError(200, "(#200) The sandbox is read-only and recorded this call.", status=403)

    def _known(self, node: str) -> None:
        if not self._books.knows(node):
            raise GraphError(
                100,
                f"Unsupported get request. Object with ID '{node}' does not exist, cannot be "
                "loaded due to missing permissions, or does not support this operation",
                subcode=33,
            )

    def _edge_rows(self, account_id: str, edge: str, params: dict[str, str]) -> list[Row]:
        if edge == "customaudiences":
            return [_only(params, EDGE_FIELDS[edge], row, edge) for row in audiences()]
        if edge == "adimages":
            rows = self._books.images(account_id, json_param(params, "hashes"), self.url)
            return [_only(params, EDGE_FIELDS[edge], row, edge) for row in rows]
        statuses = json_param(params, "effective_status")
        rows = self._books.edge(account_id, edge, statuses, self.clock.today)
        return [_only(params, EDGE_FIELDS[edge], row, edge) for row in rows]

    def _page(self, request: Request, params: dict[str, str], rows: list[Row]) -> Row:
        """One page; cursors are ``<offset>`` or, for an empty page, ``<offset>-empty``."""
        account_id = self._account_of(request.url.path.strip("/").split("/")[1:])
        if "after" in params and self.faults.strikes("token_expired", account_id):
            raise EXPIRED_TOKEN
        limit = min(int(params.get("limit", 25)), self.page_rows)
        if limit > REDUCED_LIMIT and self.faults.strikes("reduce_data", account_id):
            raise REDUCE_DATA
        offset, _, empty = params.get("after", "0").partition("-")
        start = int(offset)
        stop = start if empty else min(start + limit, len(rows))
        more = stop < len(rows)
        if not more and start < stop and self.faults.strikes("exactly_limit_rows", account_id):
            more = True
        after = str(stop)
        if more and not empty and self.faults.strikes("empty_page_with_next", account_id):
            after = f"{stop}-empty"
        page: Row = {"data": rows[start:stop], "paging": {}}
        page["paging"]["cursors"] = {"before": offset, "after": after}
        if more:
            query = {**params, "after": after, "access_token": self.access_token}
            page["paging"]["next"] = f"{self.url}{request.url.path}?{urlencode(query)}"
        return page


def _only(params: dict[str, str], known: set[str], row: Row, what: str) -> Row:
    """The row's asked fields and, as Graph always gives it, its id."""
    wanted = {"id", *asked_fields(params, known, what)}
    return {k: v for k, v in row.items() if k in wanted}
