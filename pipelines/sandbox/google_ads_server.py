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
from pathlib import Path
from types import TracebackType
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

from pipelines.sandbox.certificate import ensure_certificate
from pipelines.sandbox.clock import Clock
from pipelines.sandbox.gaql import GaqlError, parse
from pipelines.sandbox.google_ads_rows import MANAGER_ID, GoogleAdsBooks
from pipelines.sandbox.market import Market

VERSION = "v26"
_SERVICE = f"/google.ads.googleads.{VERSION}.services.GoogleAdsService"
_FAILURE_KEY = f"google.ads.googleads.{VERSION}.errors.googleadsfailure-bin"
_REQUEST_ID = "sandbox-request"
_DETAILS = "Error in Google Ads. Read the GoogleAdsFailure in the trailing metadata."


@dataclass(frozen=True)
class Mutation:
    """A call that would have changed something: the gRPC method and its request's bytes."""

    method: str
    request: bytes


@dataclass
class _Fault:
    status: grpc.StatusCode
    times: int
    retry_seconds: float | None
    after_messages: int


class GoogleAdsServer:
    """Google Ads on ``endpoint``, from ``with`` or between :meth:`start` and :meth:`stop`.

    A client trusts it when ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`` names ``certificate_path``
    before its process opens its first TLS channel.

    Args:
        market: the world it reports on.
        clock: its ``today``; no day from it on has data.
        folder: where the certificate is, or is made.
        page_rows: rows a page or stream message holds at most (10,000 in the real service).
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
        self._books = GoogleAdsBooks(market)
        self._faults: list[_Fault] = []
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
        self._server.start()
        return self

    def stop(self) -> None:
        # a moment for calls under way: clients are told politely, not cut off
        self._server.stop(grace=0.5).wait()

    def __enter__(self) -> GoogleAdsServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def fail_next(
        self,
        status: str,
        times: int = 1,
        *,
        retry_seconds: float | None = None,
        after_messages: int = 0,
    ) -> None:
        """Answer the next ``times`` calls with a gRPC status, such as UNAVAILABLE.

        Args:
            retry_seconds: retry_delay of RESOURCE_EXHAUSTED's QuotaErrorDetails.
            after_messages: stream messages that are sent before it fails.
        """
        fault = _Fault(grpc.StatusCode[status], times, retry_seconds, after_messages)
        with self._lock:
            self._faults.append(fault)

    def search(self, request: Any, context: grpc.ServicerContext) -> Any:
        """GoogleAdsService.Search: pages of ``page_rows`` rows, tokens are row offsets."""
        rows, paths = self._answer(request, context)
        self._fail(self._next_fault(), context)
        token = request.page_token
        if token and not token.isdigit():
            _abort(context, "INVALID_ARGUMENT", "request_error.INVALID_PAGE_TOKEN", "Bad token.")
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
        fault = self._next_fault()
        for number, start in enumerate(range(0, max(len(rows), 1), self.page_rows)):
            if fault and number >= fault.after_messages:
                self._fail(fault, context)
            response = SearchGoogleAdsStreamResponse.pb()(request_id=_REQUEST_ID)
            response.results.extend(rows[start : start + self.page_rows])
            response.field_mask.paths.extend(paths)
            yield response
        self._fail(fault, context)

    def refuse(self, method: str, request: bytes, context: grpc.ServicerContext) -> NoReturn:
        """Record a call that isn't a search and refuse it."""
        with self._lock:
            self.mutations.append(Mutation(method, request))
        message = f"The sandbox is read-only and recorded this call of {method}."
        _abort(context, "PERMISSION_DENIED", "authorization_error.ACTION_NOT_PERMITTED", message)

    def _answer(self, request: Any, context: grpc.ServicerContext) -> tuple[list[Any], list[str]]:
        self._authorise(request.customer_id, context)
        try:
            query = parse(request.query)
            rows = self._books.rows(request.customer_id, query, self.clock.today)
        except GaqlError as error:
            _abort(context, "INVALID_ARGUMENT", f"query_error.{error.code}", str(error))
        return rows, list(query.select)

    def _authorise(self, customer_id: str, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        if metadata.get("authorization") != f"Bearer {self.access_token}":
            code, message = "OAUTH_TOKEN_INVALID", "The access token is not valid."
            _abort(context, "UNAUTHENTICATED", f"authentication_error.{code}", message)
        if metadata.get("developer-token") != self.developer_token:
            code, message = "DEVELOPER_TOKEN_INVALID", "The developer token is not valid."
            _abort(context, "UNAUTHENTICATED", f"authentication_error.{code}", message)
        if not re.fullmatch(r"\d{10}", customer_id):
            code, message = "INVALID_CUSTOMER_ID", f"Invalid customer ID '{customer_id}'."
            _abort(context, "INVALID_ARGUMENT", f"request_error.{code}", message)
        login = metadata.get("login-customer-id", MANAGER_ID)
        if login not in (MANAGER_ID, customer_id) or not self._books.knows(customer_id):
            message = (
                "User doesn't have permission to access customer. Note: If you're accessing a "
                "client customer, the manager's customer id must be set in the "
                "'login-customer-id' header."
            )
            _abort(
                context, "PERMISSION_DENIED", "authorization_error.USER_PERMISSION_DENIED", message
            )

    def _next_fault(self) -> _Fault | None:
        with self._lock:
            if not self._faults:
                return None
            fault = self._faults[0]
            fault.times -= 1
            if fault.times <= 0:
                self._faults.pop(0)
            return fault

    def _fail(self, fault: _Fault | None, context: grpc.ServicerContext) -> None:
        if fault is None:
            return
        if fault.status is grpc.StatusCode.RESOURCE_EXHAUSTED:
            _abort(
                context,
                fault.status.name,
                "quota_error.RESOURCE_EXHAUSTED",
                "Too many requests.",
                retry_seconds=fault.retry_seconds,
            )
        if fault.status is grpc.StatusCode.INTERNAL:
            _abort(context, fault.status.name, "internal_error.INTERNAL_ERROR", "Internal error.")
        context.abort(fault.status, "The service is not available at the moment.")


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


def _abort(
    context: grpc.ServicerContext,
    status: str,
    code: str,
    message: str,
    *,
    retry_seconds: float | None = None,
) -> NoReturn:
    """End the call with a status and a GoogleAdsFailure of one error, ``category.NAME``."""
    category, name = code.split(".")
    failure = GoogleAdsFailure.pb()(request_id=_REQUEST_ID)
    error = failure.errors.add(message=message)
    field = error.error_code.DESCRIPTOR.fields_by_name[category]
    setattr(error.error_code, category, field.enum_type.values_by_name[name].number)
    if retry_seconds is not None:
        details = error.details.quota_error_details
        details.rate_name = "Number of operations for basic access"
        details.retry_delay.CopyFrom(Duration(seconds=int(retry_seconds)))
    context.set_trailing_metadata(
        ((_FAILURE_KEY, failure.SerializeToString()), ("request-id", _REQUEST_ID))
    )
    context.abort(grpc.StatusCode[status], _DETAILS)
    raise AssertionError("abort ends the call")
