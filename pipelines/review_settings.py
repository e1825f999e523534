"""Settings of the review page: where it listens, and how it knows who is there."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from pipelines.source_settings import Section

# where OpenID Connect and IAP publish things; plain HTTP for a server on this machine alone
WebAddress = Annotated[
    str, Field(pattern=r"^(https://[^\s/]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/\S*)?$")
]


class IapSettings(Section):
    """Google's Identity-Aware Proxy, which signs who is there. ``audience`` is of the service
    behind it, as ``/projects/NUMBER/global/backendServices/ID``; ``keys`` is where its public keys
    are."""

    audience: str = Field(min_length=1)
    issuer: str = "https://cloud.google.com/iap"
    keys: WebAddress = "https://www.gstatic.com/iap/verify/public_key-jwk"


class OidcSettings(Section):
    """Any provider of OpenID Connect. ``claim`` is the one that names a person, and must be
    verified by the provider; a session ends after so many hours."""

    issuer: WebAddress
    client_id: str = Field(min_length=1)
    claim: str = "email"
    session_hours: int = Field(8, ge=1, le=24)


class SlackSettings(Section):
    """Messages about proposals. ``people``: who a member of the workspace is (``U012AB3CD``: the
    name that decisions are recorded under); nobody else's buttons work."""

    people: dict[Annotated[str, Field(pattern=r"^[UW][A-Z0-9]+$")], str] = Field({})


class ReviewSettings(Section):
    """The review page. Without ``iap`` and ``oidc`` whoever reaches it is the person who started
    it, so it listens on loopback alone. ``url`` is where people find it, for links and for holding
    requests to it."""

    host: str = "127.0.0.1"
    port: int = Field(8640, ge=0, le=65535)
    url: WebAddress | None = None
    poll_seconds: float = Field(15.0, gt=0, description="BigQuery: how often the ledger is read")
    iap: IapSettings | None = None
    oidc: OidcSettings | None = None
    slack: SlackSettings | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.iap and self.oidc:
            raise ValueError("people are known by iap or by oidc, not by both")
        if self.oidc and not self.url:
            raise ValueError("oidc sends people back to url: set it")
        return self
