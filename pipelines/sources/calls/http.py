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

from pipelines.errors import CredentialRefused, SourceError, SourceRejected, SourceUnavailable
from pipelines.plain_text import remember_secrets
from pipelines.sources.base import KEPT
from pipelines.sources.calls.heard import clock_offset
from pipelines.sources.calls.quotas import PARK_AFTER, parked
from pipelines.sources.calls.quoting import quoted
from pipelines.sources.calls.retries import LONGEST_WAIT, retrying, waits

_LONGEST_PARKING = 31 * 24 * 3600.0
_CLOCK_TOLERANCE = timedelta(hours=1)
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
MAX_REPLY_BYTES = 256 * 2**20
_TRANSIENT = {408, 425, 429}  # and every 5xx
_UNAUTHORISED = 401
_OF_THE_WIRE = {"content-encoding", "content-length", "transfer-encoding"}
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
        max_bytes: of a reply, unpacked; a longer one is refused before it is read to its end.
        before_next: seconds to wait before the next call, read from a reply (usage headers).
        backoff: seconds before the second try; doubled for each further one.

    Attributes:
        last: the headers of the last reply.
        clock_offset: how far this machine's clock was ahead of it.
    """

    source: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    inspect: Callable[[str, httpx.Response], None] = lambda _account, _reply: None
    refused: Callable[[str, httpx.Response, SourceError], SourceError] = (
        lambda _account, _reply, error: error
    )
    json: bool = True
    max_bytes: int = MAX_REPLY_BYTES
    before_next: Callable[[httpx.Response], float] = lambda _reply: 0.0
    backoff: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    last: Mapping[str, str] = field(default_factory=dict, init=False, repr=False)
    clock_offset: timedelta | None = field(default=None, init=False)

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
        if waits() and (pause := self.before_next(reply)):
            self.sleep(min(pause, LONGEST_WAIT))
        return reply

    def _once(
        self, account_id: str, method: str, path: str, arguments: dict[str, Any]
    ) -> httpx.Response:
        absolute = path.startswith(("http://", "https://"))
        url = path if absolute else f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"
        headers = {} if absolute else dict(self.headers)
        where = f"{self.source} account {account_id}"
        remember_secrets(*(part for value in headers.values() for part in value.split()))
        try:
            with self._client.stream(method, url, headers=headers, **arguments) as stream:
                reply = self._read(where, stream)
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
        self.last = reply.headers
        self._check_clock(where, reply)
        if reply.is_success:
            self.inspect(account_id, reply)
            return reply
        raise self.refused(account_id, reply, _refusal(where, reply))

    def _check_clock(self, where: str, reply: httpx.Response) -> None:
        """A clock that is a day off would publish days that are not over, dated in the future."""
        off = clock_offset(reply.headers)
        self.clock_offset = off
        if off is not None and abs(off) > _CLOCK_TOLERANCE:
            platform_time = datetime.now(UTC) - off
            raise SourceRejected(
                f"{where}: this machine's clock is {off.total_seconds() / 3600:+.1f} hours off the "
                f"platform's, which says {platform_time:%Y-%m-%d %H:%M} UTC.",
                kept=KEPT,
                fix="Set the machine's clock, for instance by NTP.",
            )

    def _read(self, where: str, stream: httpx.Response) -> httpx.Response:
        """The reply with its body, if that has an end."""
        body = bytearray()
        for block in stream.iter_bytes():
            body += block
            if len(body) > self.max_bytes:
                raise SourceRejected(
                    f"{where}: a reply of {_address(str(stream.url))} is larger than "
                    f"{self.max_bytes / 2**20:,.0f} MiB, which is as much as is read (max_bytes).",
                    kept=KEPT,
                    fix="Ask for fewer days; if it lasts, check the url in adcanary.yaml.",
                )
        headers = [(k, v) for k, v in stream.headers.multi_items() if k not in _OF_THE_WIRE]
        return httpx.Response(
            stream.status_code, headers=headers, content=bytes(body), request=stream.request
        )


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


def _refusal(where: str, reply: httpx.Response) -> SourceError:
    """The error that a reply is by its status."""
    said = f"{where}: {_address(str(reply.url))} answered {reply.status_code}"
    if reply.status_code < 500 and reply.status_code not in _TRANSIENT:
        kind = CredentialRefused if reply.status_code == _UNAUTHORISED else SourceRejected
        return kind(
            f"{said}: {quoted(reply.text)}",
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
