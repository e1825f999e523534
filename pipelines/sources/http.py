"""One way to call a JSON platform over HTTP: retries, quotas, parking, errors with an account."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import httpx
import tenacity

from pipelines.errors import SourceError, SourceParked, SourceRejected, SourceUnavailable

KEPT = "published data of this account is as it was."
PARK_AFTER = timedelta(minutes=5)
_ATTEMPTS = 5
_LONGEST_WAIT = 60.0
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_FIXES = {
    401: "Check the access token in the environment: it is wrong, expired or was withdrawn.",
    403: "Grant the token's user read access to this account.",
    404: "Check the account's id and the url in adcanary.yaml.",
}


@dataclass
class HttpApi:
    """A platform's HTTP API, as one source uses it.

    Args:
        source: the source's name, for errors.
        base_url: what every path is appended to.
        headers: of every call, such as the authorisation. They are in no error.
        inspect: looks at each reply with a 2xx status and raises SourceUnavailable (tried
            again), SourceParked or SourceRejected where the body says that it failed.
        refused: reads a reply whose status is not 2xx; gives the error to raise where it knows
            better than its status, None otherwise.
        before_next: seconds to wait before the next call, read from a reply (usage headers).
        backoff: seconds before the second try; doubled for each further one.
    """

    source: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    inspect: Callable[[str, httpx.Response], None] = lambda _account, _reply: None
    refused: Callable[[str, httpx.Response], SourceError | None] = lambda _account, _reply: None
    before_next: Callable[[httpx.Response], float] = lambda _reply: 0.0
    backoff: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(timeout=_TIMEOUT)

    def get(self, account_id: str, path: str, params: Any = None) -> Any:
        """GET a path; the reply's JSON."""
        return self.call(account_id, "GET", path, params=params).json()

    def call(self, account_id: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call with its retries.

        Args:
            path: appended to ``base_url``; a whole URL is taken as it is, without ``headers``.
            arguments: of ``httpx.Client.request``.

        Raises:
            SourceUnavailable: no answer, 5xx or a quota, after five tries.
            SourceParked: the platform asks to come back in more than five minutes.
            SourceRejected: any other 4xx.
        """
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(SourceUnavailable),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=self._wait,
            sleep=self.sleep,
            reraise=True,
        )
        reply: httpx.Response = attempts(self._once, account_id, method, path, arguments)
        if pause := self.before_next(reply):
            self.sleep(min(pause, _LONGEST_WAIT))
        return reply

    def _once(
        self, account_id: str, method: str, path: str, arguments: dict[str, Any]
    ) -> httpx.Response:
        absolute = path.startswith(("http://", "https://"))
        url = path if absolute else f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"
        headers = {} if absolute else dict(self.headers)
        where = f"{self.source} account {account_id}"
        try:
            reply = self._client.request(method, url, headers=headers, **arguments)
            # a body that is no JSON is a proxy's error page, or was cut short
            if reply.is_success and "json" in reply.headers.get("content-type", ""):
                reply.json()
        except (httpx.TransportError, ValueError) as error:
            raise SourceUnavailable(
                f"{where}: no usable answer from {_host(url)} ({type(error).__name__}).",
                kept=KEPT,
                fix="Run again later; if it lasts, check the url and the network.",
            ) from None
        if reply.is_success:
            self.inspect(account_id, reply)
            return reply
        raise self.refused(account_id, reply) or self._error(where, reply)

    def _error(self, where: str, reply: httpx.Response) -> SourceError:
        said = f"{where}: {_host(str(reply.url))} answered {reply.status_code}"
        if reply.status_code not in _TRANSIENT:
            return SourceRejected(
                f"{said}: {_words(reply)}",
                kept=KEPT,
                fix=_FIXES.get(reply.status_code, "Correct what the platform's words name."),
            )
        seconds = retry_after(reply)
        if seconds is not None and seconds > PARK_AFTER.total_seconds():
            return parked(where, seconds, f"it answered {reply.status_code} and asks to wait")
        error = SourceUnavailable(f"{said}.", kept=KEPT, fix="Run again later.")
        error.retry_seconds = seconds
        return error

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, "retry_seconds", None) or 0.0
        return min(max(asked, self.backoff * 2 ** (state.attempt_number - 1)), _LONGEST_WAIT)


def parked(where: str, seconds: float, why: str) -> SourceParked:
    """The account is left alone for ``seconds``; the error says until when, UTC."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return SourceParked(
        f"{where}: parked until {until:%Y-%m-%d %H:%M} UTC: {why}.",
        until=until,
        kept=KEPT,
        fix="Nothing: a run after that time goes on by itself.",
    )


def retry_after(reply: httpx.Response) -> float | None:
    """Seconds that the Retry-After header asks for (a number or an HTTP date); None for none."""
    value = reply.headers.get("retry-after")
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _host(url: str) -> str:
    """Host and path: a query may hold a token."""
    parsed = httpx.URL(url)
    return f"{parsed.host}{parsed.path}"


def _words(reply: httpx.Response) -> str:
    """The start of what the platform said, on one line."""
    return " ".join(reply.text.split())[:300] or "(nothing)"
