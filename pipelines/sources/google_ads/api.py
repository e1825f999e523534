"""The Google Ads API as the source uses it: a GAQL query in, its columns out, all or nothing."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache, cached_property
from operator import attrgetter
from pathlib import Path
from string import Template
from typing import Any

from google.ads.googleads.client import GoogleAdsClient
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

from pipelines.errors import CredentialRefused, SourceUnavailable
from pipelines.plain_text import remember_secrets
from pipelines.secret_settings import Secrets
from pipelines.source_settings import GoogleAdsSettings
from pipelines.sources.base import KEPT
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.calls.quotas import PARK_AFTER
from pipelines.sources.calls.retries import retrying
from pipelines.sources.google_ads.errors import CALL_ERRORS, Failure, read_failure, source_error

# the SDK logs every failed call as a warning; without a handler Python prints it to the terminal
logging.getLogger("google.ads.googleads").addHandler(logging.NullHandler())

API_VERSION = "v26"
_HOST = "googleads.googleapis.com"
_QUERIES = Path(__file__).parent / "queries"

Columns = dict[str, list[Any]]


def _cost(row: Any) -> int | None:
    """None where the reply has no cost: a protobuf reads it as 0."""
    return row.metrics.cost_micros if row.metrics.HasField("cost_micros") else None


_READERS: dict[str, Callable[[Any], Any]] = {"metrics.cost_micros": _cost}


class GoogleAdsApi:
    """Google Ads under one login.

    Args:
        settings: the manager to log in under, another endpoint, seconds one query may take, and
            where a refresh token is exchanged for an access token.
        secrets: the developer token, and an access token or a refresh token with its client.
        backoff: seconds before the second try; doubled for each further one.
    """

    def __init__(
        self,
        settings: GoogleAdsSettings,
        secrets: Secrets,
        *,
        backoff: float = 0.25,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = settings.endpoint
        self._timeout = settings.timeout_seconds
        self._backoff = backoff
        self._sleep = sleep
        self._token_uri = settings.token_uri
        self._credentials = _credentials(secrets, settings.token_uri)
        # raw protobufs: reading proto-plus rows takes several times as long
        self._client = GoogleAdsClient(
            self._credentials,
            developer_token=secrets.require("google_ads_developer_token"),
            endpoint=settings.endpoint,
            login_customer_id=settings.login_customer_id,
            use_proto_plus=False,
            version=API_VERSION,
        )

    def ask(
        self, account_id: str, query: str, *, customer_id: str | None = None, **values: str
    ) -> Columns:
        """Everything that queries/<query>.gaql finds.

        A query that fails after some of its rows is asked again from its start.

        Args:
            account_id: the account that errors name.
            customer_id: whom to ask instead of the account, such as its manager.
            values: of the query's ``$placeholders``.

        Returns:
            A list of values for each selected field, by the field's name in GAQL.

        Raises:
            SourceUnavailable: no answer, or a quota, after five tries.
            SourceParked: Google asks to come back in more than five minutes.
            SourceRejected: the account, the login or the query is refused.
        """
        longest = PARK_AFTER.total_seconds()
        attempts = retrying(self._backoff, self._sleep, longest_wait=longest)
        text, fields = _query(query)
        customer = customer_id or account_id
        where = f"google_ads account {account_id} at {self._endpoint or _HOST}"
        if customer != account_id:
            where += f", asked of {customer}"
        stream = (customer, Template(text).substitute(values), fields)
        columns: Columns = attempts(self._once, where, *stream)
        return columns

    def token(self, account_id: str) -> dict[str, Any]:
        """What Google says of the access token: its ``scope`` and, where it has the scope for that,
        its user's ``email``.

        Raises:
            SourceUnavailable, SourceRejected: as :meth:`ask`.
        """
        self._authorise(f"google_ads account {account_id}")
        token = str(self._credentials.token)
        remember_secrets(token)
        about: dict[str, Any] = self._oauth.get(account_id, "tokeninfo", {"access_token": token})
        return about

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead of OAuth's last reply."""
        return self._oauth.clock_offset

    @cached_property
    def _oauth(self) -> HttpApi:
        beside = self._token_uri.rpartition("/")[0]
        return HttpApi("google_ads", beside, backoff=self._backoff, sleep=self._sleep)

    def _once(self, where: str, *stream: Any) -> Columns:
        self._authorise(where)
        try:
            return self._read(*stream)
        except CALL_ERRORS as error:
            failure = read_failure(error)
            if not self._may_renew(failure):
                raise source_error(failure, where) from error
        self._refresh(where)
        try:
            return self._read(*stream)
        except CALL_ERRORS as error:
            raise source_error(read_failure(error), where) from error

    def _read(self, customer_id: str, text: str, fields: tuple[str, ...]) -> Columns:
        columns: Columns = {field: [] for field in fields}
        readers = [(columns[field], _READERS.get(field, attrgetter(field))) for field in fields]
        # no retries of gRPC's own: it would go on in the middle of a stream
        stream = self._service.search_stream(
            customer_id=customer_id, query=text, timeout=self._timeout, retry=None
        )
        for message in stream:
            for values, read in readers:
                values.extend(map(read, message.results))
        return columns

    @cached_property
    def _service(self) -> Any:
        return self._client.get_service("GoogleAdsService")

    def _may_renew(self, failure: Failure) -> bool:
        """Whether a new access token may cure it: the old one can end within a stream."""
        return failure.status == "UNAUTHENTICATED" and bool(self._credentials.refresh_token)

    def _authorise(self, where: str) -> None:
        """Get an access token before the call: within it gRPC would hide a refusal as a
        connection that failed."""
        if not self._credentials.valid:
            self._refresh(where)

    def _refresh(self, where: str) -> None:
        try:
            self._credentials.refresh(Request())
        except TransportError as error:
            raise SourceUnavailable(
                f"{where}: no token, {self._token_uri} does not answer.",
                kept=KEPT,
                fix="Run again later; check the network.",
            ) from error
        except GoogleAuthError as error:
            raise CredentialRefused(
                f"{where}: Google refused the refresh token: {error}",
                kept=KEPT,
                fix="Grant access again and set ADCANARY_GOOGLE_ADS_REFRESH_TOKEN.",
            ) from error


@cache
def _query(name: str) -> tuple[str, tuple[str, ...]]:
    """A query's text and the fields it selects."""
    text = (_QUERIES / f"{name}.gaql").read_text()
    selected = text.removeprefix("SELECT").partition("FROM")[0]
    return text, tuple(re.findall(r"[\w.]+", selected))


def _credentials(secrets: Secrets, token_uri: str) -> Credentials:
    if secrets.google_ads_access_token is not None:
        return Credentials(token=secrets.require("google_ads_access_token"))
    return Credentials(
        token=None,
        refresh_token=secrets.require("google_ads_refresh_token"),
        client_id=secrets.require("google_ads_client_id"),
        client_secret=secrets.require("google_ads_client_secret"),
        token_uri=token_uri,
    )
