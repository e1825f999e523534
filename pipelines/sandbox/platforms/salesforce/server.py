"""A Salesforce organisation over HTTP on loopback: tokens, SOQL, quotas; read-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson
from fastapi import Request, Response

from pipelines.sandbox.market.leads import SALESFORCE
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.salesforce.records import leads, opportunities
from pipelines.sandbox.platforms.salesforce.soql import SoqlError, select
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.crm_server import CrmServer, Json
from pipelines.sandbox.serving.faults import Faults

FAULTS = {
    "rate_limited": "403 REQUEST_LIMIT_EXCEEDED, of concurrent requests, once a call",
    "server_error": "503 with a page in HTML, once a call",
    "truncated_body": "the reply breaks off in the middle, once a call",
    "session_expired_mid_page": "401 INVALID_SESSION_ID on every further page, once a page",
    "row_lost": "the first answer to a query misses a record that its total counts, once a query",
    "exactly_page": "the last page of a query names a next one, which is empty",
    "empty_page_with_next": "the first page of a query is empty and names a next one",
    "new_column": "leads and opportunities come with fields nobody asked for",
    "deleted_rows": "every seventh lead and opportunity was deleted an hour ago",
    "daily_quota": "403 REQUEST_LIMIT_EXCEEDED: the day's calls are used up",
    "token_invalid": "the client's credentials were withdrawn",
    "field_missing": "the fields LeadSource and StageName are hidden from the client",
}
_BREAKING = frozenset({"daily_quota", "token_invalid", "field_missing"})
_GONE = {"Lead": "LeadSource", "Opportunity": "StageName"}
_DAILY = 100_000


class SalesforceError(Exception):
    """An answer other than 200, as Salesforce words it: a list of one error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Any = [{"message": message, "errorCode": code}]


@dataclass(frozen=True)
class _Cursor:
    records: list[Json]
    total: int


class SalesforceServer(CrmServer):
    """Organisation ``org_id``.

    Attributes:
        page_rows: records a page of a query.
        api_usage: calls of the day, for the header, of 100,000.
        sign_ins: how many tokens were given.
        scopes: those of the next token, in one text.
    """

    org_id, time_zone, version = SALESFORCE.account_id, SALESFORCE.time_zone, "v66.0"
    client_id, client_secret = "3MVG9sandbox", "sandbox-client-secret"

    def __init__(self, market: Market, clock: Clock) -> None:
        super().__init__(SALESFORCE, market, clock, Faults(FAULTS, _BREAKING))
        self.page_rows, self.api_usage, self.sign_ins = 2000, 15, 0
        self._token, self.scopes = "", "api"
        self._cursors: dict[str, _Cursor] = {}

    def _objects(self) -> dict[str, list[Json]]:
        known = self._leads()
        objects = {
            "Lead": leads(known, self._now),
            "Opportunity": opportunities(known, self._now),
        }
        if self._gate.is_on("field_missing"):
            for kind, name in _GONE.items():
                objects[kind] = [{k: r[k] for k in r if k != name} for r in objects[kind]]
        return objects

    def _respond(self, request: Request, path: str, body: bytes) -> Response:
        call = f"{request.method} {path}?{request.url.query}"
        headers = {"Sforce-Limit-Info": f"api-usage={self.api_usage}/{_DAILY}"}
        status = 200
        try:
            if path == "services/oauth2/token" and request.method == "POST":
                return self._sign_in(parse_qs(body.decode()))
            self._admit(request, path, call)
            if self._gate.strikes("server_error", call):
                return Response("<html>Down for maintenance</html>", 503, media_type="text/html")
            answer = self._answer(path, request)
        except SalesforceError as error:
            status, answer = error.status, error.body
        except SoqlError as error:
            status, answer = 400, [{"message": str(error), "errorCode": error.code}]
        content = orjson.dumps(answer)
        if status == 200 and self._gate.strikes("truncated_body", call):
            content = content[: len(content) // 2]
        elif status == 200:
            self._gate.passed(call)
        return Response(content, status, headers, "application/json;charset=UTF-8")

    def _sign_in(self, form: dict[str, list[str]]) -> Response:
        expected = {
            "grant_type": ["client_credentials"],
            "client_id": [self.client_id],
            "client_secret": [self.client_secret],
        }
        if form != expected or self._gate.is_on("token_invalid"):
            refusal = {"error": "invalid_client", "error_description": "invalid client credentials"}
            return Response(orjson.dumps(refusal), 400, media_type="application/json")
        self.sign_ins += 1
        self._token = f"{self.org_id}!AQ.{self.sign_ins}"
        given = {"access_token": self._token, "instance_url": self.url, "token_type": "Bearer"}
        given["scope"] = self.scopes
        return Response(orjson.dumps(given), media_type="application/json")

    def _admit(self, request: Request, path: str, call: str) -> None:
        if request.method != "GET":
            self.mutations.append(f"{request.method} /{path}")
            message = "This organisation is read-only; the call was recorded."
            raise SalesforceError(403, "INSUFFICIENT_ACCESS", message)
        if self._gate.is_on("daily_quota"):
            raise SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if self._gate.strikes("rate_limited", call):
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            raise SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", message)
        on_the_way = "/query/" in path
        if on_the_way and self._gate.strikes("session_expired_mid_page", call):
            self._token = ""
        given = request.headers.get("authorization", "")
        if not self._token or given != f"Bearer {self._token}":
            raise SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def _answer(self, path: str, request: Request) -> Any:
        base = f"services/data/{self.version}/"
        match path.removeprefix(base).split("/"):
            case ["connect", "organization"]:
                features = {"multiCurrency": False, "defaultCurrencyIsoCode": SALESFORCE.currency}
                return {"orgId": self.org_id, "name": "Canary GmbH", "features": features}
            case ["sobjects", kind, "describe"] if kind in _GONE:
                fields = self._objects()[kind][0]
                return {"name": kind, "fields": [{"name": name} for name in fields]}
            case ["query" | "queryAll" as resource]:
                return self._query(resource, request.query_params["q"])
            case ["query", locator]:
                name, _, offset = locator.partition("-")
                return self._page(name, int(offset), first=False)
        raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")

    def _query(self, resource: str, soql: str) -> Json:
        objects = self._objects()
        extra: Json = {}
        if self._gate.is_on("new_column"):
            extra = {"Score_v2__c": 87.5, "Nickname__c": "Biggest fish"}
        if resource == "query":
            kept = {
                kind: [r for r in records if not r["IsDeleted"]]
                for kind, records in objects.items()
            }
            selected = select(soql, kept, extra)
        else:
            selected = select(soql, objects, extra)
        name = f"01g{len(self._cursors):012d}"
        lost = bool(selected) and self._gate.strikes("row_lost", f"{resource} {soql}")
        self._cursors[name] = _Cursor(selected[: len(selected) - lost], len(selected))
        return self._page(name, 0, first=True)

    def _page(self, name: str, start: int, *, first: bool) -> Json:
        records = self._cursors[name].records
        stop = start + self.page_rows
        if first and records and self._gate.is_on("empty_page_with_next"):
            stop = start
        last = start < len(records) <= stop and self._gate.is_on("exactly_page")
        page: Json = {
            "totalSize": self._cursors[name].total,
            "done": stop >= len(records) and not last,
            "records": records[start:stop],
        }
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/{self.version}/query/{name}-{stop}"
        return page
