"""The simulated TikTok Business API: HTTP on loopback, read-only like our sources.

Serves advertisers, campaigns, ad groups, ads and the integrated report, a page at a time
(https://business-api.tiktok.com/portal/docs). Nearly every error is an HTTP 200 with a code.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
from fastapi import Request, Response

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.tiktok_ads.rows import (
    ENTITY_FIELDS,
    LEVELS,
    METRICS,
    Row,
    TiktokBooks,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback, every_call

FAULTS = {
    "rate_limited": "a report is answered with code 40100",
    "quota_on_page_2": "the second page of a report or list is answered with code 40100",
    "server_error": "a call is answered HTTP 502",
    "error_200": "a list is answered HTTP 200 with code 50000, which passes",
    "error_200_fatal": "a call is answered HTTP 200 with code 40002, which doesn't",
    "proxy_page": "the advertiser is answered HTTP 200 with a page of HTML",
    "truncated_json_body": "a report's JSON ends in the middle",
    "token_invalid": "code 40105: the token was revoked",
    "token_expires_mid_pull": "code 40105 once the report of ads is asked for",
    "permission_denied": "code 40001: the token may not read this advertiser",
    "dash_means_null": "what is nothing is written '-'",
    "empty_page": "the second page is empty, and others follow",
    "truncated_results": "a page lacks its last rows, which the count includes",
    "withdrawn_rows": "rows of one ad's last days were withdrawn, and their spend with them",
    "spend_mismatch": "the advertiser says it spent a cent more than its campaigns",
    "missing_metric": "a report comes without spend",
    "retyped_metric": "impressions come as words",
    "new_metric": "a report has a metric that nobody asked for",
}
BREAKING = frozenset(
    (
        *("error_200_fatal", "token_invalid", "token_expires_mid_pull", "permission_denied"),
        *("spend_mismatch", "missing_metric", "retyped_metric"),
    )
)
ONCE = frozenset(
    (
        *("rate_limited", "quota_on_page_2", "server_error", "error_200", "proxy_page"),
        *("truncated_json_body", "truncated_results"),
    )
)
_DISTORTIONS = ("dash_means_null", "missing_metric", "retyped_metric", "new_metric")
MAX_DAYS, MAX_PAGE_SIZE = 30, 1000
_ROOT = "/open_api/v1.3/"
_REVOKED = "Access token is incorrect or has been revoked."
_CENT = Decimal("0.01")


class TiktokError(Exception):
    """An error in the platform's envelope."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class TiktokServer(Loopback):
    """The API on ``url``, from ``with`` or between :meth:`start` and :meth:`stop`.

    Args:
        market: the world it reports on.
        clock: its ``today``; no day from it on has data.
        page_rows: rows a page holds at most, whatever ``page_size`` asks for.
    """

    def __init__(
        self,
        market: Market,
        clock: Clock,
        *,
        access_token: str = "sandbox-tiktok-token",
        page_rows: int = MAX_PAGE_SIZE,
    ) -> None:
        self.clock, self.access_token, self.page_rows = clock, access_token, page_rows
        self.faults = Faults(FAULTS, BREAKING, ONCE)
        self.mutations: list[str] = []
        self.calls: list[str] = []
        self._books = TiktokBooks(market)
        super().__init__(every_call(self._handle), "tiktok")

    def spend_by_day(self, account_id: str) -> dict[date, int]:
        """The books: micros by day of the advertiser's time zone, up to yesterday."""
        withdrawn = self.faults.strikes("withdrawn_rows", account_id)
        return self._books.spend(account_id, self.clock.today, withdrawn)

    def _handle(self, request: Request) -> Response:
        params = dict(request.query_params)
        if request.method != "GET":
            self.mutations.append(f"{request.method} {request.url.path}")
            return _reply(40001, "The sandbox is read-only and recorded this call.", {}, 403)
        self.calls.append(str(request.url.path).removeprefix(_ROOT))
        account_id = params.get("advertiser_id") or "".join(
            _json(params, "advertiser_ids", list[str]())[:1]
        )
        if self.faults.strikes("server_error", account_id):
            return Response("Bad Gateway", 502)
        try:
            data = self._answer(request, params, account_id)
        except TiktokError as error:
            return _reply(error.code, error.message, {})
        kind = _kind(request.url.path)
        if kind == "advertiser" and self.faults.strikes("proxy_page", account_id):
            return Response("<html>Service unavailable</html>", media_type="text/html")
        reply = _reply(0, "OK", data)
        if kind == "report" and self.faults.strikes("truncated_json_body", account_id):
            return Response(reply.body[: len(reply.body) // 2], media_type="application/json")
        return reply

    def _answer(self, request: Request, params: dict[str, str], account_id: str) -> Row:
        given = request.headers.get("access-token")
        if given != self.access_token or self.faults.strikes("token_invalid", account_id):
            raise TiktokError(40105, _REVOKED)
        kind = _kind(request.url.path)
        for name, at, code, message in (
            ("permission_denied", kind, 40001, "No permission to operate advertiser."),
            ("rate_limited", "report", 40100, "Too many requests. Please retry in some time."),
            ("error_200", "list", 50000, "System error"),
            ("error_200_fatal", kind, 40002, "Invalid params"),
        ):
            if kind == at and self.faults.strikes(name, account_id):
                raise TiktokError(code, message)
        if not self._books.knows(account_id):
            raise TiktokError(40001, f"No permission to operate advertiser {account_id}.")
        match request.url.path.removeprefix(_ROOT).strip("/").split("/"):
            case ["advertiser", "info"]:
                return {"list": [_only(params, self._books.advertiser(account_id))]}
            case [kind, "get"] if kind in ENTITY_FIELDS:
                every = _json(params, "filtering", {}).get("primary_status") == "STATUS_ALL"
                rows = self._books.entities(account_id, kind, self.clock.today, every)
                return self._page(params, account_id, [_only(params, row) for row in rows])
            case ["report", "integrated", "get"]:
                return self._page(params, account_id, self._report(params, account_id))
        raise TiktokError(40006, "The path does not exist")

    def _report(self, params: dict[str, str], account_id: str) -> list[Row]:
        data_level = params.get("data_level", "")
        if data_level not in LEVELS or params.get("report_type") != "BASIC":
            raise TiktokError(40002, "report_type: BASIC; data_level: one of AUCTION_…")
        id_name, attributes = LEVELS[data_level]
        if set(_json(params, "dimensions", [])) != {id_name, "stat_time_day"}:
            raise TiktokError(40002, f"dimensions: {id_name} and stat_time_day")
        asked = _json(params, "metrics", [])
        if unknown := set(asked) - METRICS - attributes:
            raise TiktokError(40002, f"metrics: Invalid value(s) {sorted(unknown)}")
        window = (date.fromisoformat(params["start_date"]), date.fromisoformat(params["end_date"]))
        if window[1] - window[0] > timedelta(days=MAX_DAYS - 1):
            raise TiktokError(40002, f"max time span is {MAX_DAYS} days when use stat_time_day")
        if data_level == "AUCTION_AD" and self.faults.strikes("token_expires_mid_pull", account_id):
            raise TiktokError(40105, _REVOKED)
        rows = self._books.report(
            account_id,
            data_level,
            window,
            self.clock.today,
            every_status='"STATUS_ALL"' in params.get("filtering", "").replace("\\", ""),
            withdrawn=self.faults.strikes("withdrawn_rows", account_id),
        )
        on = {name for name in _DISTORTIONS if self.faults.strikes(name, account_id)}
        for row in rows:
            row["metrics"] = _distorted({name: row["metrics"][name] for name in asked}, on)
        if id_name == "advertiser_id" and rows and self._strikes("spend_mismatch", account_id):
            spend = rows[-1]["metrics"]
            spend["spend"] = str(Decimal(spend["spend"]) + _CENT)
        return rows

    def _strikes(self, name: str, account_id: str) -> bool:
        return self.faults.strikes(name, account_id)

    def _page(self, params: dict[str, str], account_id: str, rows: list[Row]) -> Row:
        page, asked = int(params.get("page", 1)), int(params.get("page_size", 10))
        if not 1 <= asked <= MAX_PAGE_SIZE or page < 1:
            raise TiktokError(40002, f"page_size: Must be between 1 and {MAX_PAGE_SIZE}")
        if page == 2 and self._strikes("quota_on_page_2", account_id):
            raise TiktokError(40100, "Too many requests. Please retry in some time.")
        size = min(asked, self.page_rows)
        pages = [rows[start : start + size] for start in range(0, len(rows), size)]
        if self._strikes("empty_page", account_id):
            pages[1:1] = [[]]
        shown = pages[page - 1] if page <= len(pages) else []
        if shown and self._strikes("truncated_results", account_id):
            shown = shown[:-2]
        info = {
            "page": page,
            "page_size": size,
            "total_number": len(rows),
            "total_page": len(pages),
        }
        return {"list": shown, "page_info": info}


def _kind(path: str) -> str:
    """What is asked for: a report, the advertiser or one of its lists."""
    first = path.removeprefix(_ROOT).split("/")[0]
    return first if first in {"report", "advertiser"} else "list"


def _distorted(metrics: Row, faults: set[str]) -> Row:
    if "dash_means_null" in faults:
        metrics |= {name: "-" for name, value in metrics.items() if value in {"0", "0.00"}}
    if "missing_metric" in faults:
        del metrics["spend"]
    if "retyped_metric" in faults:
        metrics["impressions"] = f"about {metrics['impressions']}"
    if "new_metric" in faults:
        metrics["attention_seconds"] = "7"
    return metrics


def _reply(code: int, message: str, data: Row, status: int = 200) -> Response:
    body = {"code": code, "message": message, "request_id": "sandbox", "data": data}
    return Response(orjson.dumps(body), status, media_type="application/json")


def _json(params: dict[str, str], name: str, default: Any) -> Any:
    try:
        return json.loads(params[name]) if name in params else default
    except ValueError as error:
        raise TiktokError(40002, f"{name}: Not a valid JSON") from error


def _only(params: dict[str, str], row: Row) -> Row:
    """The row's asked fields; all of them where none was asked for."""
    fields = _json(params, "fields", list(row))
    if unknown := set(fields) - set(row):
        raise TiktokError(40002, f"fields: Invalid value(s) {sorted(unknown)}")
    return {field: row[field] for field in fields}
