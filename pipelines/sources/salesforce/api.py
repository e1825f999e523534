"""Salesforce's REST API as the source uses it: client-credentials tokens and SOQL queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from pipelines.errors import CredentialRefused, SourceError, SourceRejected, SourceUnavailable
from pipelines.source_settings import MAX_PAGES
from pipelines.sources.base import KEPT
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.calls.paging import Pages
from pipelines.sources.calls.quotas import parked
from pipelines.sources.calls.quoting import quoted
from pipelines.sources.shapes.crm_tables import Row

NAME = "salesforce"
_TOKEN_PATH = "services/oauth2/token"
_READINGS = 3
# The quota is of any 24 hours, and comes back call by call: look again after an hour.
_PARK_SECONDS = 3600.0
# This share of the day's calls is left to the organisation's other integrations.
_RESERVE = 0.01
_CREDENTIALS = (
    "Set ADCANARY_SALESFORCE_CLIENT_ID and ADCANARY_SALESFORCE_CLIENT_SECRET to those of an "
    "external client app with the client-credentials flow on."
)


class SessionExpired(CredentialRefused):
    """The access token is no longer good; a new one may be."""


class SalesforceApi:
    """Salesforce's REST API, which is only read; a token is fetched when it is first needed.

    Every method raises SourceUnavailable, SourceParked or SourceRejected, naming the account.

    Args:
        client_id, client_secret: of an external client app with the client-credentials flow.
        version: of the API, such as v66.0.
        sleep, backoff: see :class:`pipelines.sources.calls.http.HttpApi`.
        max_pages: of one reading.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        version: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        max_pages: int = MAX_PAGES,
        backoff: float = 0.5,
    ) -> None:
        self._client_id, self._client_secret = client_id, client_secret
        self._max_pages = max_pages
        self.scopes: frozenset[str] | None = None
        self._root = f"services/data/{version}"
        self._api = HttpApi(
            NAME,
            url,
            inspect=_park_before_the_quota,
            refused=_refused,
            backoff=backoff,
            sleep=sleep,
        )

    def resource(self, account_id: str, name: str) -> Any:
        """GET a resource of the versioned API, such as ``sobjects/Lead/describe``."""
        return self._get(account_id, f"{self._root}/{name}")

    @property
    def daily_calls(self) -> tuple[int, int] | None:
        """Calls of the last 24 hours and those that are allowed, as the last reply said."""
        return _usage(self._api.last)

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead of the last reply."""
        return self._api.clock_offset

    def query(self, account_id: str, soql: str, *, deleted: bool = False) -> list[Row]:
        """Every record of a SOQL query, over all its pages.

        Args:
            soql: names and instants of ours only: nothing that would need escaping.
            deleted: also what is in the recycle bin (queryAll).

        Raises:
            SourceUnavailable: three times, fewer or more records came than the query has.
        """
        path = f"{self._root}/{'queryAll' if deleted else 'query'}"
        for _ in range(_READINGS):
            page = self._get(account_id, path, {"q": soql})
            records: list[Row] = list(page["records"])
            pages = Pages(f"{NAME} account {account_id}", "a query", self._max_pages)
            while not page["done"]:
                pages.turn(page["nextRecordsUrl"])
                page = self._get(account_id, page["nextRecordsUrl"])
                records += page["records"]
            if len(records) == page["totalSize"]:
                return [{k: v for k, v in r.items() if k != "attributes"} for r in records]
        raise SourceUnavailable(
            f"{NAME} account {account_id}: {len(records)} of {page['totalSize']} records "
            "of a query came, at the third reading.",
            kept=KEPT,
            fix="Run again later.",
        )

    def _get(self, account_id: str, path: str, params: dict[str, str] | None = None) -> Any:
        """GET a path with the token; once more, with a new one, where it has expired.

        Returns:
            The reply's JSON, with amounts as exact Decimals.
        """
        if not self._api.headers:
            self._sign_in(account_id)
        try:
            reply = self._api.call(account_id, "GET", path, params=params)
        except SessionExpired:
            self._sign_in(account_id)
            reply = self._api.call(account_id, "GET", path, params=params)
        return reply.json(parse_float=Decimal)

    def _sign_in(self, account_id: str) -> None:
        self._api.headers = {}
        reply = self._api.call(
            account_id,
            "POST",
            _TOKEN_PATH,
            data={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret,
            },
        )
        token = reply.json()
        self._api.headers = {"Authorization": f"Bearer {token['access_token']}"}
        self.scopes = frozenset(token["scope"].split()) if "scope" in token else None


def literal(at: datetime) -> str:
    """An instant as SOQL writes it, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _said(reply: httpx.Response) -> tuple[str, str]:
    """Code and message of an error; empty where it is no list of errors."""
    try:
        first = reply.json()[0]
        return str(first["errorCode"]), quoted(first["message"])
    except (ValueError, KeyError, TypeError, IndexError):
        return "", ""


def _refused(account_id: str, reply: httpx.Response, error: SourceError) -> SourceError:
    where = f"{NAME} account {account_id}"
    code, message = _said(reply)
    if code == "INVALID_SESSION_ID":
        return SessionExpired(error.message, kept=KEPT, fix=_CREDENTIALS)
    if code == "REQUEST_LIMIT_EXCEEDED":
        # the same code stands for the day's calls and for those at this moment
        if "Concurrent" in message:
            return SourceUnavailable(f"{where}: {message}", kept=KEPT, fix="Run again later.")
        return parked(where, _PARK_SECONDS, "the organisation's daily API calls are used up")
    if reply.url.path.endswith(_TOKEN_PATH) and isinstance(error, SourceRejected):
        return CredentialRefused(error.message, kept=KEPT, fix=_CREDENTIALS)
    return error


def _usage(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Read ``Sforce-Limit-Info: api-usage=15/100000``."""
    for part in headers.get("sforce-limit-info", "").split(","):
        name, _, usage = part.strip().partition("=")
        used, _, allowed = usage.partition("/")
        if name == "api-usage" and used.isdecimal() and allowed.isdecimal():
            return int(used), int(allowed)
    return None


def _park_before_the_quota(account_id: str, reply: httpx.Response) -> None:
    used, allowed = _usage(reply.headers) or (0, 0)
    if used > allowed * (1 - _RESERVE):
        why = f"{used} of the organisation's {allowed} daily API calls are used"
        raise parked(f"{NAME} account {account_id}", _PARK_SECONDS, why)
