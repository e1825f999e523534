"""The simulated LinkedIn marketing API: HTTP on loopback, read-only like our sources.

Serves ad accounts, their campaign groups, campaigns and creatives with cursors, and adAnalytics
without any paging (https://learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/).
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
import pyarrow as pa
from fastapi import Request, Response

from pipelines.sandbox.market.business import Business
from pipelines.sandbox.platforms.linkedin_ads.rows import (
    FACETS,
    FIELDS,
    LEVELS,
    LinkedinBooks,
    Row,
    elements,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback, every_call

FAULTS = {
    "rate_limited": "analytics are answered 429 without a word on how long",
    "quota_on_page_2": "the second page of a list is answered 429",
    "daily_quota": "429: the day's calls are used up, until midnight UTC",
    "server_error": "a call is answered 503",
    "error_200": "a list is answered 200 with an error body that may pass",
    "error_200_fatal": "a call is answered 200 with an error body that won't pass",
    "proxy_page": "the account is answered 200 with a page of HTML",
    "truncated_json_body": "the JSON of analytics ends in the middle",
    "token_invalid": "401: the token was revoked",
    "token_expires_mid_pull": "401 once the creatives' analytics are asked for",
    "permission_denied": "403: the token's user has no role on the account",
    "version_sunset": "426: the version that is asked for is no longer served",
    "empty_page": "a list has an empty page that is followed by a next one",
    "withdrawn_rows": "rows of one creative's last days were withdrawn, and their spend with them",
    "truncated_results": "analytics lose their last rows without a word",
    "spend_mismatch": "the account says it spent a cent more than its campaign groups",
    "missing_metric": "analytics come without costInLocalCurrency",
    "retyped_metric": "impressions come as words",
    "new_metric": "analytics have a field that nobody asked for",
}
BREAKING = frozenset(
    (
        *("daily_quota", "error_200_fatal", "token_invalid", "token_expires_mid_pull"),
        *("permission_denied", "version_sunset", "truncated_results", "spend_mismatch"),
        *("missing_metric", "retyped_metric"),
    )
)
ONCE = frozenset(
    (
        *("rate_limited", "quota_on_page_2", "server_error", "error_200", "proxy_page"),
        "truncated_json_body",
    )
)
_DISTORTIONS = ("missing_metric", "retyped_metric", "new_metric")
ROW_CAP = 15_000
_MOST_FIELDS = 20
_INTROSPECTION, _FAR = "/oauth/v2/introspectToken", 4_102_444_800
_CENT = Decimal("0.01")
_LIST_SIZES = {"adCampaignGroups": 1000, "adCampaigns": 1000, "creatives": 100}
_DAYS = re.compile(
    r"\(start:\(year:(\d+),month:(\d+),day:(\d+)\),end:\(year:(\d+),month:(\d+),day:(\d+)\)\)"
)
_ACCOUNT = re.compile(r"sponsoredAccount(?:%3A|:)(\d+)|/adAccounts/(\d+)")


class LinkedinError(Exception):
    """An error in the platform's own body."""

    def __init__(self, status: int, code: str, message: str, *, http_status: int = 0) -> None:
        super().__init__(message)
        self.http_status = http_status or status
        self.body = {"status": status, "code": code, "message": message}


class LinkedinServer(Loopback):
    """The API on ``url``, from ``with`` or between :meth:`start` and :meth:`stop`.

    Args:
        business: what it delivered.
        clock: its ``today``; no day from it on has data.
        row_cap: rows at which analytics stop, silently.
        page_rows: rows a page of a list holds at most, whatever ``pageSize`` asks for.

    ``role`` is what the token's user has on every account; ``scopes`` are the token's, and
    ``expires_at`` is when it ends, in seconds since 1970.
    """

    version = "202606"
    client_id, client_secret = "77sandboxcanary", "sandbox-linkedin-secret"

    def __init__(
        self,
        business: Business,
        clock: Clock,
        *,
        access_token: str = "sandbox-linkedin-token",
        row_cap: int = ROW_CAP,
        page_rows: int = 1000,
    ) -> None:
        self.clock, self.access_token = clock, access_token
        self.row_cap, self.page_rows = row_cap, page_rows
        self.faults = Faults(FAULTS, BREAKING, ONCE)
        self.role, self.scopes = "VIEWER", ("r_ads", "r_ads_reporting")
        self.expires_at = _FAR
        self.mutations: list[str] = []
        self.calls: list[str] = []
        self._books = LinkedinBooks(business)
        super().__init__(every_call(self._handle), "linkedin")

    def spend_by_day(self, account_id: str) -> dict[date, int]:
        """The books: micros of the account's currency by UTC day, up to yesterday."""
        withdrawn = self.faults.strikes("withdrawn_rows", account_id)
        return self._books.spend(account_id, self.clock.today, withdrawn)

    async def _handle(self, request: Request) -> Response:
        if (request.method, request.url.path) == ("POST", _INTROSPECTION):
            return self._introspect(parse_qs((await request.body()).decode()))
        return self._respond(request)

    def _introspect(self, form: dict[str, list[str]]) -> Response:
        """What LinkedIn tells an app of its token."""
        given = {"client_id": [self.client_id], "client_secret": [self.client_secret]}
        if any(form.get(name) != value for name, value in given.items()):
            return _json({"error": "invalid_client"}, 401)
        if form.get("token") != [self.access_token]:
            return _json({"active": False}, 200)
        about = {"client_id": self.client_id, "expires_at": self.expires_at, "auth_type": "3L"}
        scope = ",".join(self.scopes)
        return _json({"active": True, "status": "active", "scope": scope, **about}, 200)

    def _respond(self, request: Request) -> Response:
        query = request.scope["query_string"].decode()
        asked = _ACCOUNT.search(f"{request.url.path}?{query}")
        account_id = next(filter(None, asked.groups())) if asked else None
        self.calls.append(f"{request.url.path}?{query}")
        try:
            body = self._answer(request, query, account_id)
        except LinkedinError as error:
            return _json(error.body, error.http_status)
        kind = _kind(request.url.path)
        if kind == "account" and self.faults.strikes("proxy_page", account_id):
            return Response("<html>Service unavailable</html>", media_type="text/html")
        reply = _json(body, 200)
        if kind == "analytics" and self.faults.strikes("truncated_json_body", account_id):
            return Response(reply.body[: len(reply.body) // 2], media_type="application/json")
        return reply

    def _answer(self, request: Request, query: str, account_id: str | None) -> Row:
        if request.method != "GET":
            self.mutations.append(f"{request.method} {request.url.path}")
            raise LinkedinError(403, "ACCESS_DENIED", "The sandbox is read-only and recorded this.")
        self._check_headers(request, account_id)
        self._strike(_kind(request.url.path), account_id)
        params = _params(query)
        match request.url.path.strip("/").split("/"):
            case ["rest", "adAnalytics"]:
                return self._analytics(params)
            case ["rest", "adAccountUsers"] if params.get("q") == "authenticatedUser":
                return {"elements": [self._role_on(account) for account in self._books.account_ids]}
            case ["rest", "adAccounts", account]:
                return self._books.account(self._known(account))
            case ["rest", "adAccounts", account, kind] if kind in _LIST_SIZES:
                return self._list(self._known(account), kind, params)
        raise LinkedinError(404, "RESOURCE_NOT_FOUND", f"No virtual resource {request.url.path}")

    def _check_headers(self, request: Request, account_id: str | None) -> None:
        version = request.headers.get("linkedin-version", "none")
        if version != self.version or self.faults.strikes("version_sunset", account_id):
            message = f"Requested version {version}01 is not active"
            raise LinkedinError(426, "NONEXISTENT_VERSION", message)
        if request.headers.get("x-restli-protocol-version") != "2.0.0":
            raise LinkedinError(400, "ILLEGAL_ARGUMENT", "This resource speaks Rest.li 2.0.0")
        given = request.headers.get("authorization")
        if given != f"Bearer {self.access_token}" or self.faults.strikes(
            "token_invalid", account_id
        ):
            raise LinkedinError(401, "INVALID_ACCESS_TOKEN", "Invalid access token")

    def _strike(self, kind: str, account_id: str | None) -> None:
        """What may happen to any call, or to one kind: no call meets more than two of them."""
        limit = "limit for calls to this resource is reached."
        day = f"Resource level throttle APPLICATION DAY {limit}"
        passing = LinkedinError(500, "INTERNAL_ERROR", "Upstream failed", http_status=200)
        fatal = LinkedinError(400, "ILLEGAL_ARGUMENT", "Invalid param", http_status=200)
        for name, at, error in (
            ("permission_denied", kind, LinkedinError(403, "ACCESS_DENIED", "Not permitted")),
            ("daily_quota", kind, LinkedinError(429, "TOO_MANY_REQUESTS", day)),
            ("rate_limited", "analytics", LinkedinError(429, "TOO_MANY_REQUESTS", limit)),
            ("server_error", kind, LinkedinError(503, "SERVICE_UNAVAILABLE", "Try again")),
            ("error_200", "list", passing),
            ("error_200_fatal", kind, fatal),
        ):
            if kind == at and self.faults.strikes(name, account_id):
                raise error

    def _known(self, account_id: str) -> str:
        if not self._books.knows(account_id):
            message = f"Could not find ad account {account_id}"
            raise LinkedinError(404, "RESOURCE_NOT_FOUND", message)
        return account_id

    def _role_on(self, account_id: str) -> Row:
        account, user = f"urn:li:sponsoredAccount:{account_id}", "urn:li:person:canary"
        return {"account": account, "role": self.role, "user": user}

    def _list(self, account_id: str, kind: str, params: dict[str, str]) -> Row:
        """A page of a finder; its token is ``<offset>``, or ``0-over`` after an empty page."""
        finder = "criteria" if kind == "creatives" else "search"
        most = _LIST_SIZES[kind]
        if params.get("q") != finder or not 0 < int(params.get("pageSize", 10)) <= most:
            raise LinkedinError(400, "ILLEGAL_ARGUMENT", f"q is {finder}, pageSize up to {most}")
        given = params.get("search", params.get("intendedStatuses", ""))
        statuses = re.findall(r"\b[A-Z_]{5,}\b", given)
        rows = self._books.entities(account_id, kind, statuses)
        offset, _, again = params.get("pageToken", "0").partition("-")
        start = int(offset)
        if start and self.faults.strikes("quota_on_page_2", account_id):
            raise LinkedinError(429, "TOO_MANY_REQUESTS", "Throttle limit is reached.")
        stop = start + min(int(params.get("pageSize", 10)), self.page_rows)
        body: Row = {"elements": rows[start:stop], "metadata": {}}
        if start == 0 and not again and self.faults.strikes("empty_page", account_id):
            body = {"elements": [], "metadata": {"nextPageToken": "0-over"}}
        elif stop < len(rows):
            body["metadata"]["nextPageToken"] = str(stop)
        return body

    def _analytics(self, params: dict[str, str]) -> Row:
        pivots = tuple(_listed(params.get("pivots", "")) or [params.get("pivot", "")])
        fields = params.get("fields", "").split(",")
        days = _DAYS.fullmatch(params.get("dateRange", ""))
        facet = next((name for name in FACETS if name in params), None)
        if pivots not in LEVELS or not days or not facet or params["timeGranularity"] != "DAILY":
            raise LinkedinError(400, "ILLEGAL_ARGUMENT", "Invalid pivot, dateRange or facet")
        if len(fields) > _MOST_FIELDS or not FIELDS.issuperset(fields):
            raise LinkedinError(400, "ILLEGAL_ARGUMENT", f"At most {_MOST_FIELDS} known fields")
        numbers = [int(n) for n in days.groups()]
        window = (date(*numbers[:3]), date(*numbers[3:]))
        ids = [urn.rsplit(":", 1)[1] for urn in _listed(params[facet])]
        rows: list[Row] = []
        for account_id in self._accounts(facet, ids):
            rows += self._rows(account_id, pivots, window, fields, (facet, ids))
        return {"elements": rows[: self.row_cap]}

    def _accounts(self, facet: str, ids: list[str]) -> list[str]:
        """Whose rows a facet reaches; none, and no error, for what the token can't read."""
        if facet == "accounts":
            return [account_id for account_id in ids if self._books.knows(account_id)]
        return list(self._books.account_ids)

    def _rows(
        self,
        account_id: str,
        pivots: tuple[str, ...],
        window: tuple[date, date],
        fields: list[str],
        facet: tuple[str, list[str]],
    ) -> list[Row]:
        level = LEVELS[pivots]
        if level == "ad" and self.faults.strikes("token_expires_mid_pull", account_id):
            raise LinkedinError(401, "EXPIRED_ACCESS_TOKEN", "The token has expired")
        withdrawn = self.faults.strikes("withdrawn_rows", account_id)
        table = self._books.days(account_id, level, window, self.clock.today, withdrawn)
        column, wanted = FACETS[facet[0]], set(facet[1])
        kept = pa.array([value in wanted for value in table[column].to_pylist()], pa.bool_())
        rows = elements(table.filter(kept), pivots, fields)
        if level == "account" and rows and self.faults.strikes("spend_mismatch", account_id):
            rows[-1]["costInLocalCurrency"] = str(Decimal(rows[-1]["costInLocalCurrency"]) + _CENT)
        if level != "account" and self.faults.strikes("truncated_results", account_id):
            rows = rows[:-2]
        on = {name for name in _DISTORTIONS if self.faults.strikes(name, account_id)}
        for row in rows:
            _distort(row, on)
        return rows


def _distort(row: Row, faults: set[str]) -> None:
    if "missing_metric" in faults:
        del row["costInLocalCurrency"]
    if "retyped_metric" in faults:
        row["impressions"] = f"about {row['impressions']}"
    if "new_metric" in faults:
        row["attentionSeconds"] = 7


def _kind(path: str) -> str:
    """What is asked for: analytics, an account or one of its lists."""
    parts = path.strip("/").split("/")
    return "analytics" if parts[-1] == "adAnalytics" else "account" if len(parts) < 4 else "list"


def _json(body: Row, status: int) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _params(query: str) -> dict[str, str]:
    """Parameters of a Rest.li query, whose structure must not be percent-encoded."""
    if re.search(r"%2[89cC]", query):
        raise LinkedinError(400, "ILLEGAL_ARGUMENT", "Encoded parentheses or commas in the query")
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {name: value for name, _, value in pairs}


def _listed(value: str) -> list[str]:
    """The items of ``List(a,b)``; URNs have their colons encoded."""
    inside: Any = re.fullmatch(r"List\((.*)\)", value)
    return [unquote(item) for item in inside[1].split(",")] if inside else []
