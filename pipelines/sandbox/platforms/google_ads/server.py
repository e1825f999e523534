"""The simulated Google Ads API: gRPC over TLS on loopback, read-only like our sources.

Serves GoogleAdsService.Search and SearchStream of API v26. Every other call is recorded in
``mutations`` and refused. Errors carry a GoogleAdsFailure in the trailing metadata, as
https://developers.google.com/google-ads/api/docs/best-practices/error-types describes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.ads.googleads.v26.services.types.google_ads_service import (
    SearchGoogleAdsRequest,
    SearchGoogleAdsResponse,
    SearchGoogleAdsStreamRequest,
    SearchGoogleAdsStreamResponse,
)
from google.protobuf.duration_pb2 import Duration

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.google_ads.accounts import CLOSED_ID, MANAGER_ID
from pipelines.sandbox.platforms.google_ads.faults import (
    AT_ONCE,
    BREAKING,
    CLOSED,
    DEVELOPER_TOKEN_INVALID,
    FORBIDDEN,
    KNOWN,
    ON_PAGE_2,
    ONCE,
    TOGETHER_AT,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    Refusal,
)
from pipelines.sandbox.platforms.google_ads.gaql import GaqlError, parse
from pipelines.sandbox.platforms.google_ads.oauth import TokenEndpoint
from pipelines.sandbox.platforms.google_ads.rows import GoogleAdsBooks
from pipelines.sandbox.serving.certificate import ensure_certificate
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Served

VERSION = "v26"
_SERVICE = f"/google.ads.googleads.{VERSION}.services.GoogleAdsService"
_FAILURE_KEY = f"google.ads.googleads.{VERSION}.errors.googleadsfailure-bin"
_REQUEST_ID = "sandbox-request"
_DETAILS = "Error in Google Ads. Read the GoogleAdsFailure in the trailing metadata."
# A client that never leaves a stalled stream doesn't hold a thread for ever.
_LONGEST_STALL = 60.0


@dataclass(frozen=True)
class Mutation:
    """A call that would have changed something: the gRPC method and its request's bytes."""

    method: str
    request: bytes


class GoogleAdsServer(Served):
    """Google Ads on ``endpoint``, from ``with`` or between :meth:`start` and :meth:`stop`.

    A client trusts it when ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`` names ``certificate_path``
    before its process opens its first TLS channel.

    Args:
        market: the world it reports on.
        clock: its ``today``; no day from it on has data.
        folder: where the certificate is, or is made.
        page_rows: rows a page or stream message holds at most (10,000 in the real service).

    ``faults`` (names in faults.KNOWN) strike as calls come in; those that change the
    data have to be on for a whole pull.
    """

    def __init__(
        self,
        market: Market,
        clock: Clock,
        folder: Path,
        *,
        developer_token: str = "sandbox-developer-token",
        access_token: str = "sandbox-access-token",
        page_rows: int = 10_000,
    ) -> None:
        self.clock = clock
        self.developer_token = developer_token
        self.access_token = access_token
        self.login_customer_id = MANAGER_ID
        self.page_rows = page_rows
        self.certificate_path = ensure_certificate(folder)
        self.mutations: list[Mutation] = []
        self.faults = Faults(KNOWN, BREAKING, ONCE, TOGETHER_AT)
        self.oauth = TokenEndpoint(access_token)
        self._books = GoogleAdsBooks(market, self.faults)
        self._lock = threading.Lock()
        pem = self.certificate_path.read_bytes()
        self._server = grpc.server(
            ThreadPoolExecutor(8, thread_name_prefix="google-ads"), handlers=[_Router(self)]
        )
        credentials = grpc.ssl_server_credentials([(pem, pem)])
        self.port = self._server.add_secure_port("localhost:0", credentials)

    @property
    def endpoint(self) -> str:
        """host:port for ``sources.google_ads.endpoint``."""
        return f"localhost:{self.port}"

    def start(self) -> GoogleAdsServer:
        self.oauth.start()
        self._server.start()
        return self

    def stop(self) -> None:
        # a moment for calls under way: clients get an answer and are not cut off
        self._server.stop(grace=0.5).wait()
        self.oauth.stop()

    @property
    def users(self) -> dict[str, str]:
        """Who has which role on the accounts, by e-mail address."""
        return self._books.users

    def spend_by_day(self, account_id: str) -> dict[date, int]:
        """The books: micros that an account spent on each of its days, from the market."""
        return self._books.spend_by_day(account_id, self.clock.today)

    def search(self, request: Any, context: grpc.ServicerContext) -> Any:
        """GoogleAdsService.Search: pages of ``page_rows`` rows, tokens are row offsets."""
        rows, paths = self._answer(request, context)
        token = request.page_token
        if token and not token.isdigit():
            message = "The page token is not valid."
            _abort(
                context, Refusal("INVALID_ARGUMENT", "request_error.INVALID_PAGE_TOKEN", message)
            )
        if token:
            self._strike_on_page_2(request, context)
        start = int(token or 0)
        stop = start + self.page_rows
        response = SearchGoogleAdsResponse.pb()(
            next_page_token=str(stop) if stop < len(rows) else "", total_results_count=len(rows)
        )
        response.results.extend(rows[start:stop])
        response.field_mask.paths.extend(paths)
        return response

    def search_stream(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """GoogleAdsService.SearchStream: messages of ``page_rows`` rows, one at least."""
        rows, paths = self._answer(request, context)

        def message(part: list[Any]) -> Any:
            response = SearchGoogleAdsStreamResponse.pb()(request_id=_REQUEST_ID)
            response.results.extend(part)
            response.field_mask.paths.extend(paths)
            return response

        yield message(rows[: self.page_rows])
        if self.faults.strikes("stream_stalls", request.customer_id):
            gone = threading.Event()
            if context.add_callback(gone.set) and not gone.wait(_LONGEST_STALL):
                _abort(context, AT_ONCE["unavailable"])
            return
        self._strike_on_page_2(request, context)
        if self.faults.strikes("empty_page", request.customer_id):
            yield message([])
        for start in range(self.page_rows, len(rows), self.page_rows):
            yield message(rows[start : start + self.page_rows])

    def refuse(self, method: str, request: bytes, context: grpc.ServicerContext) -> NoReturn:
        """Record a call that isn't a search and refuse it."""
        with self._lock:
            self.mutations.append(Mutation(method, request))
        message = f"The sandbox is read-only and recorded this call of {method}."
        code = "authorization_error.ACTION_NOT_PERMITTED"
        _abort(context, Refusal("PERMISSION_DENIED", code, message))

    def _answer(self, request: Any, context: grpc.ServicerContext) -> tuple[list[Any], list[str]]:
        customer_id = request.customer_id
        self._authorise(customer_id, context)
        for name, refusal in AT_ONCE.items():
            if self.faults.strikes(name, customer_id):
                _abort(context, refusal)
        try:
            query = parse(request.query)
            rows = self._books.rows(customer_id, query, self.clock.today)
        except GaqlError as error:
            _abort(context, Refusal("INVALID_ARGUMENT", error.code, str(error)))
        return rows, list(query.select)

    def _authorise(self, customer_id: str, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        if not self.oauth.accepts(_token(context)):
            _abort(context, TOKEN_INVALID)
        if metadata.get("developer-token") != self.developer_token:
            _abort(context, DEVELOPER_TOKEN_INVALID)
        if not re.fullmatch(r"\d{10}", customer_id):
            code, message = "INVALID_CUSTOMER_ID", f"Invalid customer ID '{customer_id}'."
            _abort(context, Refusal("INVALID_ARGUMENT", f"request_error.{code}", message))
        accounts = self._books.accounts
        if not accounts.may_read(metadata.get("login-customer-id", MANAGER_ID), customer_id):
            _abort(context, FORBIDDEN)
        if customer_id == CLOSED_ID:
            _abort(context, CLOSED)

    def _strike_on_page_2(self, request: Any, context: grpc.ServicerContext) -> None:
        for name, refusal in ON_PAGE_2.items():
            if self.faults.strikes(name, request.customer_id):
                if refusal is TOKEN_EXPIRED:
                    self.oauth.expire(_token(context))
                _abort(context, refusal)


class _Router(grpc.GenericRpcHandler):
    """Sends the two read methods to the server and everything else to its refusal."""

    def __init__(self, server: GoogleAdsServer) -> None:
        self._server = server

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = handler_call_details.method
        if method == f"{_SERVICE}/Search":
            return grpc.unary_unary_rpc_method_handler(
                self._server.search,
                request_deserializer=SearchGoogleAdsRequest.pb().FromString,
                response_serializer=SearchGoogleAdsResponse.pb().SerializeToString,
            )
        if method == f"{_SERVICE}/SearchStream":
            return grpc.unary_stream_rpc_method_handler(
                self._server.search_stream,
                request_deserializer=SearchGoogleAdsStreamRequest.pb().FromString,
                response_serializer=SearchGoogleAdsStreamResponse.pb().SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._server.refuse(method, request, context)
        )


def _token(context: grpc.ServicerContext) -> str:
    """The access token of a call."""
    return str(dict(context.invocation_metadata()).get("authorization", "")).removeprefix("Bearer ")


def _abort(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    """End the call with a status and, where it has a code, a GoogleAdsFailure of one error."""
    status = grpc.StatusCode[refusal.status]
    if not refusal.code:
        context.abort(status, refusal.message)
    category, name = refusal.code.split(".")
    failure = GoogleAdsFailure.pb()(request_id=_REQUEST_ID)
    error = failure.errors.add(message=refusal.message)
    field = error.error_code.DESCRIPTOR.fields_by_name[category]
    setattr(error.error_code, category, field.enum_type.values_by_name[name].number)
    if refusal.retry_seconds is not None:
        details = error.details.quota_error_details
        details.rate_name = "Number of operations for basic access"
        details.retry_delay.CopyFrom(Duration(seconds=refusal.retry_seconds))
    context.set_trailing_metadata(
        ((_FAILURE_KEY, failure.SerializeToString()), ("request-id", _REQUEST_ID))
    )
    context.abort(status, _DETAILS)
    raise AssertionError("abort ends the call")
