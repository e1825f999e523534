"""A HubSpot portal over HTTP on loopback: searches, associations, quotas; read-only."""

from __future__ import annotations

import secrets
from datetime import datetime

import orjson
from fastapi import Request, Response

from pipelines.sandbox.market.leads import HUBSPOT
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.hubspot.records import (
    CONTACTS,
    DEALS,
    DEFAULTS,
    PROPERTIES,
    Object,
    as_json,
    objects,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.crm_server import CrmServer, Json
from pipelines.sandbox.serving.faults import Faults

FAULTS = {
    "rate_limited": "429 TEN_SECONDLY_ROLLING, once a call",
    "server_error": "502 with a proxy's page, once a call",
    "truncated_body": "the reply breaks off in the middle, once a call",
    "row_lost": "the first answer to a search misses a record that its total counts, once a page",
    "more_than_10000": "every search that matches more than ten records says it has over 10,000",
    "exactly_page": "the last page of a search names a next one, which is empty",
    "empty_page_with_next": "the first page of a search is empty and names a next one",
    "new_column": "contacts and deals come with a property nobody asked for",
    "deleted_rows": "every seventh contact and deal was deleted an hour ago",
    "daily_quota": "429 DAILY: the day's calls are used up",
    "token_invalid": "the token was withdrawn",
    "field_missing": "contacts have no hs_lead_status, deals no dealstage any more",
}
_BREAKING = frozenset({"daily_quota", "token_invalid", "field_missing"})
_GONE = {CONTACTS: "hs_lead_status", DEALS: "dealstage"}
_TOKEN_INFO = "private-apps/get/access-token-info"
SCOPES = ("crm.objects.contacts.read", "crm.objects.deals.read", "oauth")
_CAP, _LOW_CAP, _DAILY = 10_000, 10, 250_000
_OPERATORS = {"GTE": int.__ge__, "LT": int.__lt__, "GT": int.__gt__, "LTE": int.__le__}


class HubspotError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"status": "error", "message": message, "correlationId": "sandbox", **more}


class HubspotServer(CrmServer):
    """Portal 8800123.

    Attributes:
        page_rows: records a page of a search.
        search_cap: results that a search gives at most.
        daily_remaining, window_remaining: calls left today and in these ten seconds, for headers.
        scopes: of the private app.
    """

    portal_id, time_zone, token = HUBSPOT.account_id, HUBSPOT.time_zone, "pat-na1-sandbox"

    def __init__(self, market: Market, clock: Clock) -> None:
        super().__init__(HUBSPOT, market, clock, Faults(FAULTS, _BREAKING))
        self.page_rows, self.search_cap, self.daily_remaining = 200, _CAP, _DAILY
        self.calls, self.window_remaining = 0, 188
        self.scopes: tuple[str, ...] = SCOPES

    def _objects(self, kind: str) -> list[Object]:
        if kind not in PROPERTIES:
            raise HubspotError(400, f"Unable to infer object type from: {kind}")
        return objects(kind, self._leads(), self._now)

    def _respond(self, request: Request, path: str, body: bytes) -> Response:
        self.calls += 1
        call = f"{request.method} {path}?{request.url.query} {body.decode()}"
        searching = path.endswith("/search")
        headers = {} if searching else self._quota_headers()  # as HubSpot's own searches
        try:
            self._admit(request, path, call)
            if self._gate.strikes("server_error", call):
                return Response("<html>502 Bad Gateway</html>", 502, media_type="text/html")
            status, answer = self._answer(path, request, body)
        except HubspotError as error:
            status, answer = error.status, error.body
        content = orjson.dumps(answer)
        if status < 300 and self._gate.strikes("truncated_body", call):
            content = content[: len(content) // 2]
        elif status < 300:
            self._gate.passed(call)
        return Response(content, status, headers, "application/json;charset=utf-8")

    def _quota_headers(self) -> dict[str, str]:
        return {
            "X-HubSpot-RateLimit-Daily": str(_DAILY),
            "X-HubSpot-RateLimit-Daily-Remaining": str(self.daily_remaining),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": "190",
            "X-HubSpot-RateLimit-Remaining": str(self.window_remaining),
        }

    def _admit(self, request: Request, path: str, call: str) -> None:
        reads = request.method == "POST" and path.endswith(("/search", "/batch/read", _TOKEN_INFO))
        if request.method != "GET" and not reads:
            self.mutations.append(f"{request.method} /{path}")
            raise HubspotError(403, "This portal is read-only; the call was recorded.")
        given = request.headers.get("authorization", "")
        right = secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode())
        if not right or self._gate.is_on("token_invalid"):
            message = "Authentication credentials not found. This API supports OAuth 2.0."
            raise HubspotError(401, message, category="INVALID_AUTHENTICATION")
        if self._gate.is_on("daily_quota"):
            raise _limited("daily", "DAILY")
        if self._gate.strikes("rate_limited", call):
            raise _limited("ten_secondly_rolling", "TEN_SECONDLY_ROLLING")

    def _answer(self, path: str, request: Request, body: bytes) -> tuple[int, Json]:
        asked: Json = orjson.loads(body) if body else {}
        match path.split("/"):
            case ["account-info", "v3", "details"] | [*_, "access-token-info"]:
                return 200, self._about(asked.get("tokenKey"))
            case ["crm", "v3", "properties", kind] if kind in PROPERTIES:
                return 200, {"results": [{"name": name} for name in self._names(kind)]}
            case ["crm", "v3", "objects", kind, "search"]:
                return 200, self._search(kind, asked)
            case ["crm", "v3", "objects", kind, "batch", "read"]:
                wanted = {given["id"] for given in asked["inputs"]}
                names = [*DEFAULTS[kind], *asked["properties"]]
                records = [o for o in self._objects(kind) if o.id in wanted and not o.archived_at]
                return 200, {"status": "COMPLETE", "results": self._json(records, kind, names)}
            case ["crm", "v3", "objects", kind] if request.query_params.get("archived") == "true":
                return 200, self._archived(kind, dict(request.query_params))
            case ["crm", "v4", "associations", start, _, "batch", "read"]:
                return self._associated(start, [given["id"] for given in asked["inputs"]])
        raise HubspotError(404, f"No handler for /{path}")

    def _about(self, token: str | None) -> Json:
        """The portal or, of a token, its private app."""
        if token is not None:
            app = {"userId": 1, "hubId": int(self.portal_id), "appId": 2}
            return {**app, "scopes": list(self.scopes)}
        return {
            "portalId": int(self.portal_id),
            "accountType": "STANDARD",
            "timeZone": self.time_zone,
            "companyCurrency": HUBSPOT.currency,
            "additionalCurrencies": [],
        }

    def _names(self, kind: str) -> list[str]:
        gone = _GONE[kind] if self._gate.is_on("field_missing") else None
        return [name for name in PROPERTIES[kind] if name != gone]

    def _json(self, records: list[Object], kind: str, names: list[str]) -> list[Json]:
        known = set(self._names(kind))
        extra = {"favourite_colour": "teal"} if self._gate.is_on("new_column") else {}
        given = [name for name in dict.fromkeys((*DEFAULTS[kind], *names)) if name in known]
        return [as_json(o, given, extra) for o in records]

    def _search(self, kind: str, asked: Json) -> Json:
        matches = [o for o in self._objects(kind) if not o.archived_at]
        for condition in asked["filterGroups"][0]["filters"]:
            name, bound = condition["propertyName"], int(condition["value"])
            if name not in PROPERTIES[kind]:
                raise HubspotError(400, f"There was a problem with the request: no {name}")
            holds = _OPERATORS[condition["operator"]]
            matches = [o for o in matches if holds(_milliseconds(o.properties[name] or ""), bound)]
        matches.sort(key=lambda o: int(o.id))
        return self._page(kind, asked, matches)

    def _page(self, kind: str, asked: Json, matches: list[Object]) -> Json:
        total, cap, after = len(matches), self.search_cap, asked.get("after")
        if self._gate.is_on("more_than_10000") and total > _LOW_CAP:
            total, cap = total + _CAP, _LOW_CAP
        start, size = int(after or 0), min(asked["limit"], self.page_rows)
        if start >= cap > 0 and start:
            raise HubspotError(400, f"The requested page starts after result {cap}.")
        if after is None and matches and self._gate.is_on("empty_page_with_next"):
            return {"total": total, "results": [], "paging": {"next": {"after": "0"}}}
        stop = min(start + size, cap)
        page: Json = {
            "total": total,
            "results": self._json(matches[start:stop], kind, asked["properties"]),
        }
        if page["results"] and self._gate.strikes("row_lost", f"{kind} {asked}"):
            page["results"].pop()
        last = start < len(matches) <= stop and self._gate.is_on("exactly_page")
        if stop < len(matches) or last:
            page["paging"] = {"next": {"after": str(stop)}}
        return page

    def _archived(self, kind: str, params: dict[str, str]) -> Json:
        records = [o for o in self._objects(kind) if o.archived_at]
        start, size = int(params.get("after", 0)), min(int(params["limit"]), self.page_rows)
        names = params["properties"].split(",")
        page: Json = {"results": self._json(records[start : start + size], kind, names)}
        if start + size < len(records):
            page["paging"] = {"next": {"after": str(start + size)}}
        return page

    def _associated(self, kind: str, ids: list[str]) -> tuple[int, Json]:
        by_id = {o.id: o for o in self._objects(kind) if not o.archived_at}
        associated = {i: by_id[i].associated if i in by_id else () for i in ids}
        results = [
            {"from": {"id": i}, "to": [{"toObjectId": int(other)} for other in others]}
            for i, others in associated.items()
            if others
        ]
        answer: Json = {"status": "COMPLETE", "results": results}
        if alone := [i for i, others in associated.items() if not others]:
            errors = [{"subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "id": alone}]
            return 207, {**answer, "numErrors": len(alone), "errors": errors}
        return 200, answer


def _limited(quota: str, policy: str) -> HubspotError:
    message = f"You have reached your {quota} limit."
    return HubspotError(429, message, errorType="RATE_LIMIT", policyName=policy)


def _milliseconds(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1000)
