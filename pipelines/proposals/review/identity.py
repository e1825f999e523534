"""Who is there: a person that Google's Identity-Aware Proxy vouches for, or, on loopback alone, the
one who started the page. A header that anyone could send is never believed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import jwt
from starlette.requests import Request

from pipelines.errors import AdcanaryError
from pipelines.proposals.people import person_name
from pipelines.review_settings import IapSettings

IAP_HEADER = "x-goog-iap-jwt-assertion"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_SERVICE_ACCOUNTS = ".gserviceaccount.com"
_LEEWAY_SECONDS = 30
_KEYS_SECONDS = 5


@dataclass(frozen=True)
class Visitor:
    """A person, by the name that decisions are recorded under; ``how`` says how we know."""

    name: str
    how: str


class Unidentified(Exception):
    """Nobody who may look at the page.

    Args:
        why: what was wrong, as the visitor reads it.
        sign_in: where to go to be known, if there is such a place.
    """

    def __init__(
        self, why: str, status: HTTPStatus = HTTPStatus.UNAUTHORIZED, sign_in: str | None = None
    ) -> None:
        super().__init__(why)
        self.why, self.status, self.sign_in = why, status, sign_in


class Identity(Protocol):
    """A way to know who sent a request."""

    def visitor(self, request: Request) -> Visitor:
        """Who sent it.

        Raises:
            Unidentified: nobody that we know.
        """


class Development:
    """On loopback: whoever reaches the page is the person who started it.

    Args:
        name: that person's.
    """

    def __init__(self, name: str) -> None:
        self._visitor = Visitor(person_name(name), "development, on this machine alone")

    def visitor(self, request: Request) -> Visitor:
        client = request.client.host if request.client else ""
        if not is_loopback(client) or any(name in request.headers for name in _FORWARDED):
            raise Unidentified(
                "Without IAP or OpenID Connect, this page only answers its own machine, and not "
                "through a proxy.",
                HTTPStatus.FORBIDDEN,
            )
        return self._visitor


class Iap:
    """Behind Google's Identity-Aware Proxy: its signed assertion says who it let through."""

    def __init__(self, settings: IapSettings) -> None:
        self._settings = settings
        self._keys = jwt.PyJWKClient(settings.keys, timeout=_KEYS_SECONDS)

    def visitor(self, request: Request) -> Visitor:
        assertion = request.headers.get(IAP_HEADER)
        if not assertion:
            raise Unidentified("The request has no assertion of the Identity-Aware Proxy.")
        claims = verified_claims(
            assertion,
            self._keys,
            algorithms=["ES256"],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
        )
        return Visitor(named(claims.get("email")), "Identity-Aware Proxy")


def verified_claims(
    token: str, keys: jwt.PyJWKClient, *, algorithms: list[str], audience: str, issuer: str
) -> dict[str, Any]:
    """The claims of a signed token.

    Raises:
        Unidentified: its signature, audience, issuer or time is wrong, or the keys can't be had.
    """
    try:
        key = keys.get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=audience,
            issuer=issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise Unidentified(
            "The keys that sign people's names can't be fetched now. Try again in a minute.",
            HTTPStatus.SERVICE_UNAVAILABLE,
        ) from error
    except jwt.PyJWTError as error:
        raise Unidentified(f"The signed assertion is refused: {error}.") from error
    return claims


def named(claim: object) -> str:
    """The name that a claim gives a person.

    Raises:
        Unidentified: it is none, a service account's, or can't be recorded.
    """
    if not isinstance(claim, str) or not claim:
        raise Unidentified("The assertion names nobody.", HTTPStatus.FORBIDDEN)
    if claim.casefold().endswith(_SERVICE_ACCOUNTS):
        raise Unidentified("A service account can't review proposals.", HTTPStatus.FORBIDDEN)
    try:
        return person_name(claim)
    except AdcanaryError as error:
        raise Unidentified(error.message, HTTPStatus.FORBIDDEN) from error


def is_loopback(host: str) -> bool:
    """Whether an address, or ``localhost``, is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
