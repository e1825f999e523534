"""What a form must bring: a signed token of the person it was shown to, from this page itself; and
each form counts once, however often it is sent."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import Request

from pipelines.proposals.review.identity import Visitor

_SALT = "adcanary review form"
_HOURS = 12
_KEPT = 1_000
_TURN_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """What became of a form, for the page after it."""

    title: str
    detail: str = ""
    status: HTTPStatus = HTTPStatus.OK
    fix: str = ""

    @property
    def done(self) -> bool:
        return self.status == HTTPStatus.OK


_BUSY = Outcome(
    "Others are deciding.",
    f"It wasn't your turn within {_TURN_SECONDS} seconds. Nothing was recorded.",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Send it again.",
)


class FormRefused(Exception):
    """A form that may be another page's, or is too old."""


class Forms:
    """Signs forms and takes them, one at a time.

    Args:
        key: with which tokens are signed; a new one makes older forms void.
        url: where people find the page, if a proxy calls it by another host.
    """

    def __init__(self, key: str | None, url: str | None) -> None:
        self._host = urlsplit(url or "").netloc
        self._signer = URLSafeTimedSerializer(key or secrets.token_hex(32), salt=_SALT)
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._outcomes: OrderedDict[tuple[str, str], Outcome] = OrderedDict()

    def token(self, visitor: Visitor) -> str:
        """A token for one form, of this person."""
        return self._signer.dumps([visitor.name, secrets.token_urlsafe(9)])

    def check(self, request: Request, token: str, visitor: Visitor) -> str:
        """What identifies the form.

        Raises:
            FormRefused: it wasn't made by this page, for this person, lately.
        """
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            raise FormRefused("It was sent from another site.")
        own = {request.headers.get("host"), self._host}
        if origin is not None and urlsplit(origin).netloc not in own - {None, ""}:
            raise FormRefused("It was sent from another site.")
        try:
            name, once = self._signer.loads(token, max_age=_HOURS * 3600)
        except SignatureExpired:
            raise FormRefused(f"The form is older than {_HOURS} hours.") from None
        except (BadSignature, ValueError):
            raise FormRefused("The form has no valid token.") from None
        if name != visitor.name:
            raise FormRefused("The form was shown to somebody else.")
        return str(once)

    def take(self, visitor: Visitor, once: str, work: Callable[[], Outcome]) -> Outcome:
        """Do what a form asks for, in turn; if the same form did it before, what it did then.

        One that did nothing may be sent again: the file may be free by now.
        """
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            return _BUSY
        try:
            outcome = self.outcome(visitor, once)
            if outcome is None:
                outcome = work()
                if outcome.done:
                    self._keep((visitor.name, once), outcome)
        finally:
            self._turn.release()
        return outcome

    def _keep(self, key: tuple[str, str], outcome: Outcome) -> None:
        with self._lock:
            self._outcomes[key] = outcome
            while len(self._outcomes) > _KEPT:
                self._outcomes.popitem(last=False)

    def outcome(self, visitor: Visitor, once: str) -> Outcome | None:
        """What a form of this person did."""
        with self._lock:
            return self._outcomes.get((visitor.name, once))
