"""What a LinkedIn token may do: its user's role and, where the app's secret is set, its scopes.

https://learn.microsoft.com/en-us/linkedin/shared/authentication/token-introspection, read on
2026-11-30: LinkedIn tells a token's scopes to the app that it is of, by the app's secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipelines.errors import CredentialRefused
from pipelines.plain_text import remember_secrets
from pipelines.sources.base import KEPT, Grant
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.linkedin_ads.api import NAME, LinkedinApi

_READS_ONLY = "VIEWER"
_WITHOUT_SECRET = (
    "LinkedIn tells a token's scopes only to its app: set ADCANARY_LINKEDIN_CLIENT_ID and "
    "ADCANARY_LINKEDIN_CLIENT_SECRET for this check"
)


@dataclass(frozen=True)
class App:
    """The app that the token is of; ``url`` is LinkedIn's own, not its API's."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)


def read_grant(api: LinkedinApi, account_id: str, app: App | None, token: str) -> Grant:
    """The role of the token's user on the account and, for its app, the token's scopes.

    Raises:
        SourceUnavailable, SourceRejected: LinkedIn can't be asked; CredentialRefused: the token
            has ended or was revoked.
    """
    role = api.role(account_id)
    may_change = False if role == _READS_ONLY else None
    if app is None:
        return Grant(role=role, may_change=may_change, note=_WITHOUT_SECRET)
    remember_secrets(token, app.client_secret)
    form = {"client_id": app.client_id, "client_secret": app.client_secret, "token": token}
    about = (
        HttpApi(NAME, app.url)
        .call(account_id, "POST", "oauth/v2/introspectToken", data=form)
        .json()
    )
    if not about.get("active"):
        raise CredentialRefused(
            f"{NAME} account {account_id}: the token is {about.get('status', 'not active')}.",
            kept=KEPT,
            fix="Make a new token, and set ADCANARY_LINKEDIN_ACCESS_TOKEN.",
        )
    ends = about.get("expires_at")
    return Grant(
        scopes=frozenset(str(about.get("scope", "")).replace(",", " ").split()),
        role=role,
        may_change=may_change,
        expires_at=datetime.fromtimestamp(ends, UTC) if ends else None,
    )
