"""Reading the Graph API through the facebook-business SDK: retries, quotas, paging.

The one POST here starts an insights job, which reads; nothing in this module can write.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from pipelines.errors import CredentialRefused, SourceRejected
from pipelines.source_settings import MAX_PAGES
from pipelines.sources.calls.heard import clock_offset
from pipelines.sources.calls.paging import Pages
from pipelines.sources.calls.retries import attempts, waits
from pipelines.sources.meta_ads.errors import (
    asks_for_less,
    source_error,
    unreachable,
    wait_seconds,
)
from pipelines.sources.meta_ads.usage import Usage, read_usage

_PAGE_LIMIT = 1000
_SMALLEST_LIMIT = 10
_HASHES = 50  # asked about in one call: they stand in its address

Row = dict[str, Any]


class _Session(FacebookSession):
    """The SDK's session, on another server where ``graph_url`` is set."""

    def __init__(self, access_token: str, graph_url: str | None, timeout: float) -> None:
        super().__init__(access_token=access_token, timeout=timeout)
        self.GRAPH = (graph_url or FacebookSession.GRAPH).rstrip("/")
        self.requests.hooks["response"].append(_refuse_what_is_not_json)


class Graph:
    """A Graph API that is only read.

    Every method raises SourceUnavailable (TooMuchData where Meta wants a smaller request),
    SourceParked or SourceRejected, naming the account.

    Args:
        timeout: seconds for one call.
        max_pages: of one reading.
        backoff: seconds before the second try; doubled for each further one.
        sleep: how to wait, in seconds.
    """

    def __init__(
        self,
        access_token: str,
        graph_url: str | None,
        *,
        timeout: float = 60.0,
        max_pages: int = MAX_PAGES,
        backoff: float = 0.25,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        session = _Session(access_token, graph_url, timeout)
        self.url: str = session.GRAPH
        self._api = FacebookAdsApi(session)
        self._backoff = backoff
        self._max_pages = max_pages
        self._sleep = sleep
        self._token = access_token
        self.usage: Usage | None = None
        self.clock_offset: timedelta | None = None

    def node(self, account_id: str, fields: tuple[str, ...]) -> Row:
        """Fields of the account itself."""
        return self._call(account_id, "GET", (account_id,), {"fields": ",".join(fields)})

    def token(self, account_id: str) -> Row:
        """What Meta says of the token: ``scopes`` and, in seconds since 1970 or 0, ``expires_at``.

        To a token that may not be asked about, it says the scopes alone.
        """
        try:
            asked = {"input_token": self._token}
            about: Row = self._call(account_id, "GET", ("debug_token",), asked)["data"]
        except CredentialRefused:
            raise
        except SourceRejected:
            held = self._call(account_id, "GET", ("me", "permissions"), {})["data"]
            about = {"scopes": [p["permission"] for p in held if p["status"] == "granted"]}
        return about

    def edge(
        self, account_id: str, edge: str, fields: tuple[str, ...], statuses: tuple[str, ...]
    ) -> list[Row]:
        """Every row of an account's edge, such as campaigns, in any of the statuses."""
        params = {"fields": ",".join(fields), "effective_status": list(statuses)}
        return list(self._pages(account_id, (account_id, edge), params))

    def audiences(self, account_id: str, fields: tuple[str, ...]) -> list[Row]:
        """Every custom audience of an account."""
        params = {"fields": ",".join(fields)}
        return list(self._pages(account_id, (account_id, "customaudiences"), params))

    def image_urls(self, account_id: str, hashes: list[str]) -> dict[str, str]:
        """The present addresses of an account's images, by their hashes; of those that it has."""
        urls = {}
        for first in range(0, len(hashes), _HASHES):
            params = {"fields": "hash,url", "hashes": hashes[first : first + _HASHES]}
            for image in self._pages(account_id, (account_id, "adimages"), params):
                urls[image["hash"]] = image["url"]
        return urls

    def start_report(self, account_id: str, params: Row) -> str:
        """Start an insights job and return its id."""
        reply = self._call(account_id, "POST", (account_id, "insights"), params)
        return str(reply["report_run_id"])

    def job(self, account_id: str, run_id: str) -> Row:
        """An insights job's state: async_status, async_percent_completion and any error."""
        return self._call(account_id, "GET", (run_id,), {})

    def report_rows(self, account_id: str, run_id: str) -> list[Row]:
        """Every row of an insights job that has completed."""
        return list(self._pages(account_id, (run_id, "insights"), {}))

    def _pages(self, account_id: str, path: tuple[str, ...], params: Row) -> Iterator[Row]:
        """Rows of all pages. A page may be empty and still have a next one: the SDK's Cursor
        would stop there."""
        params = {"limit": _PAGE_LIMIT, **params}
        pages = Pages(f"meta_ads account {account_id}", path[-1], self._max_pages)
        while True:
            reply = self._call(account_id, "GET", path, params)
            yield from reply.get("data", ())
            following = reply.get("paging", {}).get("next")
            if not following:
                return
            pages.turn(following)
            # the reply's query on our own path: the token goes to no address it names
            query = dict(parse_qsl(urlsplit(following).query))
            params = {**params, **{k: v for k, v in query.items() if k != "access_token"}}

    def _call(self, account_id: str, method: str, path: tuple[str, ...], params: Row) -> Row:
        """One call with its retries; afterwards slows down as the usage headers ask.

        A page Meta finds too large is asked for again at half its ``limit``, which is lowered
        in ``params`` for the pages that follow.
        """
        attempt, backoff = 1, self._backoff
        while True:
            try:
                response = self._api.call(method, path, params=params)
            except FacebookRequestError as error:
                if asks_for_less(error) and int(params.get("limit", 0)) > _SMALLEST_LIMIT:
                    params["limit"] = max(int(params["limit"]) // 2, _SMALLEST_LIMIT)
                    continue
                wait = wait_seconds(error, backoff)
                if wait is None or attempt >= attempts():
                    raise source_error(error, account_id, self.url) from error
            except OSError as error:
                if attempt >= attempts():
                    # without its cause: requests writes the URL, with the token, into it
                    raise unreachable(_reason(error), account_id, self.url) from None
                wait = backoff
            else:
                self.usage = read_usage(response.headers())
                self.clock_offset = clock_offset(response.headers())
                if waits() and (pause := self.usage.pause_seconds):
                    self._sleep(pause)
                reply: Row = response.json()
                return reply
            self._sleep(wait)
            attempt, backoff = attempt + 1, backoff * 2


def _refuse_what_is_not_json(response: Any, **_: Any) -> None:
    """The SDK takes an HTML error page of a proxy for success, whatever its status."""
    if not response.text.lstrip().startswith(("{", "[")):
        raise ConnectionError(f"HTTP {response.status_code} without JSON")


def _reason(error: OSError) -> str:
    """The error as text that can't hold a URL."""
    return str(error) if type(error) is ConnectionError else type(error).__name__
