"""The simulated token endpoint of Google's OAuth: a refresh token in, an access token out."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from pipelines.sandbox.serving.loopback import Loopback

_LIFETIME_SECONDS = 3_599
ADS_SCOPE = "https://www.googleapis.com/auth/adwords"
EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email"
READER = "reader@canary.example"


class TokenEndpoint:
    """Access tokens for one client: one that never ends, and those given for its refresh token.

    Args:
        access_token: the one that never ends.

    ``scopes`` and ``email`` are those of every token, and of its user.
    """

    client_id = "sandbox-client-id"
    client_secret = "sandbox-client-secret"
    refresh_token = "sandbox-refresh-token"

    def __init__(self, access_token: str) -> None:
        self._lasting = access_token
        self._given: set[str] = set()
        self._count = 0
        self.scopes: tuple[str, ...] = (ADS_SCOPE, EMAIL_SCOPE)
        self.email = READER
        self._lock = threading.Lock()
        app = FastAPI()
        app.post("/token")(self._exchange)
        app.get("/tokeninfo")(self._info)
        self._loopback = Loopback(app, "google-oauth")
        self.url = f"{self._loopback.url}/token"
        self.start, self.stop = self._loopback.start, self._loopback.stop

    def _info(self, access_token: str = "") -> JSONResponse:
        """https://developers.google.com/identity/sign-in/web/backend-auth names the endpoint."""
        if not self.accepts(access_token):
            refusal = {"error": "invalid_token", "error_description": "Invalid Value"}
            return JSONResponse(refusal, status_code=400)
        about = {"aud": self.client_id, "scope": " ".join(self.scopes), "expires_in": "3599"}
        if EMAIL_SCOPE in self.scopes:
            about |= {"email": self.email, "email_verified": "true"}
        return JSONResponse(about)

    def accepts(self, token: str) -> bool:
        """Whether an access token is good now."""
        with self._lock:
            return token == self._lasting or token in self._given

    def expire(self, token: str) -> None:
        """End an access token that was given for the refresh token."""
        with self._lock:
            self._given.discard(token)

    async def _exchange(self, request: Request) -> JSONResponse:
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        wanted = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }
        if any(form.get(name) != value for name, value in wanted.items()):
            refusal = {"error": "invalid_grant", "error_description": "Token has been revoked."}
            return JSONResponse(refusal, status_code=400)
        with self._lock:
            self._count += 1
            token = f"{self._lasting}-{self._count}"
            self._given.add(token)
        return JSONResponse(
            {"access_token": token, "expires_in": _LIFETIME_SECONDS, "token_type": "Bearer"}
        )
