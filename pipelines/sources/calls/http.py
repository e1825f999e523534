"""One way to call a JSON platform over HTTP: retries, quotas, parking, errors with an account."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import httpx

from pipelines.errors import SourceError, SourceRejected, SourceUnavailable
from pipelines.privacy.redaction import without_emails
from pipelines.sources.base import KEPT
from pipelines.sources.calls.quotas import PARK_AFTER, parked
from pipelines.sources.calls.retries import LONGEST_WAIT, retrying

_LONGEST_PARKING = 31 * 24 * 3600.0
_CLOCK_TOLERANCE = timedelta(hours=1)
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_TRANSIENT = {408, 425, 429}  # and every 5xx
_FIXES = {
    401: "Check the access token in the environment: it is wrong or expired, or was revoked.",
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
        refused: reads a reply with any other status, and the error that its status alone makes
            of it; gives the error to raise.
        json: whether a reply with a 2xx status that is not JSON is no answer.
        before_next: seconds to wait before the next call, read from a reply (usage headers).
        backoff: seconds before the second try; doubled for each further one.
    """

    source: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    inspect: Callable[[str, httpx.Response], None] = lambda _account, _reply: None
    refused: Callable[[str, httpx.Response, SourceError], SourceError] = (
        lambda _account, _reply, error: error
    )
    json: bool = True
    before_next: Callable[[httpx.Response], float] = lambda _reply: 0.0
    backoff: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(timeout=_TIMEOUT)

    def get(self, account_id: str, path: str, params: Any = None) -> Any:
        """GET a path; the reply's JSON. Raises as :meth:`call` does."""
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
        attempts = retrying(self.backoff, self.sleep)
        reply: httpx.Response = attempts(self._once, account_id, method, path, arguments)
        if pause := self.before_next(reply):
            self.sleep(min(pause, LONGEST_WAIT))
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
            if reply.is_success and self.json:
                reply.json()
        except (httpx.RequestError, ValueError) as error:
            why = "it is not JSON" if isinstance(error, ValueError) else type(error).__name__
            raise SourceUnavailable(
                f"{where}: no usable answer from {_address(url)} ({why}).",
                kept=KEPT,
                fix="Run again later; if it lasts, check the url and the network.",
            ) from None
        _check_clock(where, reply)
        if reply.is_success:
            self.inspect(account_id, reply)
            return reply
        raise self.refused(account_id, reply, _refusal(where, reply))


def retry_after(reply: httpx.Response) -> float | None:
    """Seconds that the Retry-After header asks for (a number or an HTTP date); None for none."""
    value = reply.headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return min(seconds, _LONGEST_PARKING) if 0 <= seconds < math.inf else None
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _check_clock(where: str, reply: httpx.Response) -> None:
    """A clock that is a day off would publish days that are not over, dated in the future."""
    try:
        platform_time = parsedate_to_datetime(reply.headers["date"])
    except (KeyError, ValueError):
        return
    off = datetime.now(UTC) - platform_time.replace(tzinfo=platform_time.tzinfo or UTC)
    if abs(off) > _CLOCK_TOLERANCE:
        raise SourceRejected(
            f"{where}: this machine's clock is {off.total_seconds() / 3600:+.1f} hours off the "
            f"platform's, which says {platform_time:%Y-%m-%d %H:%M} UTC.",
            kept=KEPT,
            fix="Set the machine's clock, for instance by NTP.",
        )


def _refusal(where: str, reply: httpx.Response) -> SourceError:
    """The error that a reply is by its status."""
    said = f"{where}: {_address(str(reply.url))} answered {reply.status_code}"
    if reply.status_code < 500 and reply.status_code not in _TRANSIENT:
        return SourceRejected(
            f"{said}: {_words(reply)}",
            kept=KEPT,
            fix=_FIXES.get(reply.status_code, "Correct what the platform's message names."),
        )
    seconds = retry_after(reply)
    if seconds is not None and seconds > PARK_AFTER.total_seconds():
        return parked(where, seconds, f"it answered {reply.status_code} and asks to wait")
    error = SourceUnavailable(f"{said}.", kept=KEPT, fix="Run again later.")
    error.retry_seconds = seconds
    return error


def _address(url: str) -> str:
    """Host, port and path: a query may hold a token."""
    parsed = httpx.URL(url)
    return f"{parsed.netloc.decode()}{parsed.path}"


def _words(reply: httpx.Response) -> str:
    """The start of what the platform said, on one line, without what it may repeat of ours."""
    text = " ".join(reply.text.split())
    for secret in reply.request.headers.values():
        for part in secret.split():
            text = text.replace(part, "[secret]") if len(part) > 7 else text
    return without_emails(text[:300]) or "(nothing)"
