"""Any provider of OpenID Connect: the code flow with PKCE, and a signed session of some hours."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from pipelines.proposals.review.identity import (
    Unidentified,
    Visitor,
    named,
    verified_claims,
)
from pipelines.review_settings import OidcSettings

_SESSION, _FLOW = "adcanary_session", "adcanary_sign_in"
_FLOW_SECONDS = 600
_TIMEOUT = 10
SIGN_IN, _RETURN, SIGN_OUT = "/sign-in", "/sign-in/done", "/sign-out"
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256"]


class Oidc:
    """Knows people by the session that signing in with the provider began.

    Args:
        url: where people find the page; the provider sends them back to it.
        key: with which sessions are signed.
        client_secret: of a confidential client; None of a public one.
    """

    def __init__(
        self, settings: OidcSettings, url: str, key: str | None, client_secret: str | None
    ) -> None:
        self._settings, self._client_secret = settings, client_secret
        self._url = url.rstrip("/")
        signing = key or secrets.token_hex(32)
        self._sessions = URLSafeTimedSerializer(signing, salt="adcanary review session")
        self._flows = URLSafeTimedSerializer(signing, salt="adcanary review sign-in")
        self._lock = threading.Lock()
        self._known: dict[str, Any] | None = None
        self._keys: jwt.PyJWKClient | None = None

    def visitor(self, request: Request) -> Visitor:
        """Who the session is of.

        Raises:
            Unidentified: there is none; says where to sign in.
        """
        hours = self._settings.session_hours
        try:
            name = self._sessions.loads(request.cookies.get(_SESSION, ""), max_age=hours * 3600)
        except BadSignature:
            sign_in = f"{SIGN_IN}?{urlencode({'next': request.url.path})}"
            raise Unidentified("Sign in first.", sign_in=sign_in) from None
        return Visitor(str(name), urlsplit(self._settings.issuer).hostname or "OpenID Connect")

    def router(self) -> APIRouter:
        """The pages that people sign in and out by."""
        router = APIRouter()
        router.add_api_route(SIGN_IN, self._begin, methods=["GET"])
        router.add_api_route(_RETURN, self._finish, methods=["GET"])
        router.add_api_route(SIGN_OUT, self._end, methods=["GET"])
        return router

    def _begin(self, request: Request) -> Response:
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._url + _RETURN,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        wanted = request.query_params.get("next", "/")
        flow = self._flows.dumps([state, nonce, verifier, _own_path(wanted)])
        address = f"{self._provider()['authorization_endpoint']}?{urlencode(query)}"
        response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
        self._set(response, _FLOW, flow, _FLOW_SECONDS)
        return response

    def _finish(self, request: Request) -> Response:
        query = request.query_params
        try:
            state, nonce, verifier, wanted = self._flows.loads(
                request.cookies.get(_FLOW, ""), max_age=_FLOW_SECONDS
            )
        except (BadSignature, ValueError):
            raise Unidentified("Signing in took too long, or began elsewhere.") from None
        if not secrets.compare_digest(query.get("state", ""), state) or not query.get("code"):
            raise Unidentified("The provider's answer isn't to this page's question.")
        claims = self._claims(query["code"], verifier)
        if claims.get("nonce") != nonce:
            raise Unidentified("The provider's answer isn't to this page's question.")
        claim = self._settings.claim
        if claim == "email" and claims.get("email_verified") is not True:
            raise Unidentified("The provider hasn't verified this address.", HTTPStatus.FORBIDDEN)
        response = RedirectResponse(wanted, HTTPStatus.SEE_OTHER)
        session = self._sessions.dumps(named(claims.get(claim)))
        self._set(response, _SESSION, session, self._settings.session_hours * 3600)
        response.delete_cookie(_FLOW)
        return response

    def _end(self) -> Response:
        response = RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        response.delete_cookie(_SESSION)
        return response

    def _claims(self, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._url + _RETURN,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        if self._client_secret:
            form["client_secret"] = self._client_secret
        try:
            answer = httpx.post(self._provider()["token_endpoint"], data=form, timeout=_TIMEOUT)
            token = answer.raise_for_status().json()["id_token"]
        except (httpx.HTTPError, KeyError, ValueError):
            raise Unidentified("The provider didn't confirm who you are.") from None
        assert self._keys is not None
        return verified_claims(
            token,
            self._keys,
            algorithms=_ALGORITHMS,
            audience=self._settings.client_id,
            issuer=self._settings.issuer,
        )

    def _provider(self) -> dict[str, Any]:
        """Where the provider says that its pages and keys are."""
        with self._lock:
            if self._known is None:
                issuer = self._settings.issuer
                address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
                try:
                    given = httpx.get(address, timeout=_TIMEOUT).raise_for_status().json()
                    if given["issuer"] != issuer:
                        raise KeyError("issuer")
                    self._keys = jwt.PyJWKClient(given["jwks_uri"], timeout=_TIMEOUT)
                    self._known = {
                        name: given[name] for name in ("authorization_endpoint", "token_endpoint")
                    }
                except (httpx.HTTPError, KeyError, ValueError, jwt.PyJWTError):
                    raise Unidentified(
                        f"{issuer} can't be reached, or isn't a provider of OpenID Connect.",
                        HTTPStatus.SERVICE_UNAVAILABLE,
                    ) from None
            return self._known

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            httponly=True,
            secure=self._url.startswith("https:"),
            samesite="lax",
        )


def _own_path(wanted: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    parts = urlsplit(wanted)
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return parts.path if is_own and not parts.netloc else "/"
