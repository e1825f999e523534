"""Salesforce's REST API as the source uses it: client-credentials tokens and SOQL queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from pipelines.errors import SourceError, SourceRejected, SourceUnavailable
from pipelines.sources.crm_tables import Row
from pipelines.sources.http import KEPT, HttpApi, parked

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


class SessionExpired(SourceRejected):
    """The access token is no longer good; a new one may be."""


@dataclass
class SalesforceApi(HttpApi):
    """Calls of one organisation; a token is fetched when it is first needed.

    Args:
        client_id, client_secret: of an external client app with the client-credentials flow.
        version: of the API, such as v66.0.
    """

    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    version: str = ""

    def __post_init__(self) -> None:
        self.inspect = self._park_before_the_quota

    def ask(self, account_id: str, path: str, params: dict[str, str] | None = None) -> Any:
        """GET a path with the token; once more, with a new one, where it has expired.

        Returns:
            The reply's JSON, with amounts as exact Decimals.
        """
        if not self.headers:
            self._sign_in(account_id)
        try:
            reply = self.call(account_id, "GET", path, params=params)
        except SessionExpired:
            self._sign_in(account_id)
            reply = self.call(account_id, "GET", path, params=params)
        return reply.json(parse_float=Decimal)

    def resource(self, account_id: str, name: str) -> Any:
        """GET a resource of the versioned API, such as ``sobjects/Lead/describe``."""
        return self.ask(account_id, f"services/data/{self.version}/{name}")

    def query(self, account_id: str, soql: str, *, deleted: bool = False) -> list[Row]:
        """Every record of a SOQL query, over all its pages.

        Args:
            soql: names and instants of ours only: nothing that would need escaping.
            deleted: also what is in the recycle bin (queryAll).

        Raises:
            SourceUnavailable: three times, fewer or more records came than the query has.
        """
        path = f"services/data/{self.version}/{'queryAll' if deleted else 'query'}"
        for _ in range(_READINGS):
            page = self.ask(account_id, path, {"q": soql})
            records: list[Row] = list(page["records"])
            while not page["done"]:
                page = self.ask(account_id, page["nextRecordsUrl"])
                records += page["records"]
            if len(records) == page["totalSize"]:
                return [{k: v for k, v in r.items() if k != "attributes"} for r in records]
        raise SourceUnavailable(
            f"{self.source} account {account_id}: {len(records)} of {page['totalSize']} records "
            "of a query came, at the third reading.",
            kept=KEPT,
            fix="Run again later.",
        )

    def _sign_in(self, account_id: str) -> None:
        self.headers = {}
        reply = self.call(
            account_id,
            "POST",
            _TOKEN_PATH,
            data={
                "grant_type": "client_credentials",
                "client_id": self.client_id,
                "client_secret": self.client_secret,
            },
        )
        self.headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}

    def _error(self, where: str, reply: httpx.Response) -> SourceError:
        code, message = _said(reply)
        error = super()._error(where, reply)
        if code == "INVALID_SESSION_ID":
            return SessionExpired(error.message, kept=KEPT, fix=_CREDENTIALS)
        if code == "REQUEST_LIMIT_EXCEEDED":
            # the same code tells of the day's calls and of those at this moment
            if "Concurrent" in message:
                return SourceUnavailable(f"{where}: {message}", kept=KEPT, fix="Run again later.")
            return parked(where, _PARK_SECONDS, "the organisation's daily API calls are used up")
        if reply.url.path.endswith(_TOKEN_PATH) and isinstance(error, SourceRejected):
            error.fix = _CREDENTIALS
        return error

    def _park_before_the_quota(self, account_id: str, reply: httpx.Response) -> None:
        """Read ``Sforce-Limit-Info: api-usage=15/100000``."""
        for part in reply.headers.get("sforce-limit-info", "").split(","):
            name, _, usage = part.strip().partition("=")
            used, _, allowed = usage.partition("/")
            if name != "api-usage" or not (used.isdecimal() and allowed.isdecimal()):
                continue
            if int(used) > int(allowed) * (1 - _RESERVE):
                why = f"{used} of the organisation's {allowed} daily API calls are used"
                raise parked(f"{self.source} account {account_id}", _PARK_SECONDS, why)


def literal(at: datetime) -> str:
    """An instant as SOQL writes it, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _said(reply: httpx.Response) -> tuple[str, str]:
    """Code and words of an error; empty where it is no list of errors."""
    try:
        first = reply.json()[0]
        return str(first["errorCode"]), str(first["message"])
    except (ValueError, KeyError, TypeError, IndexError):
        return "", ""
