"""The simulated GA4 Data API: gRPC on loopback without TLS, read-only like our sources.

Serves BetaAnalyticsData.RunReport of v1beta for the simulated site's property, as
https://developers.google.com/analytics/devguides/reporting/data/v1/rpc describes. Every other
call is recorded in ``mutations`` and refused.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

import grpc
import pyarrow as pa
from google.analytics.data_v1beta.types import MetricType, RunReportRequest, RunReportResponse

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import CURRENCY, PROPERTY_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.ga4_report.books import (
    DIMENSIONS,
    METRICS,
    ReportBooks,
    ReportRow,
    condensed,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Served

_METHOD = "/google.analytics.data.v1beta.BetaAnalyticsData/RunReport"
_MOST_ROWS, _USUAL_ROWS = 250_000, 10_000
_MOST_DIMENSIONS, _MOST_METRICS = 9, 10
_COST = 10  # tokens a report takes
_KEPT_OF_OTHER = 3
_SAMPLE, _SPACE = 500_000, 2_000_000

FAULTS = {
    "quota_on_page_2": "the second page is refused for too many concurrent requests",
    "concurrent_requests": "a report is refused for too many concurrent requests",
    "hourly_quota": "the property's tokens of the hour are used up",
    "daily_quota": "the property's tokens of the day are used up",
    "sampled": "the report says that it is an estimate from a sample",
    "thresholded": "the report says that rows of few users may be withheld",
    "other_row": "all but a day's largest rows are put into one of (other)",
    "unavailable_mid_pages": "the server has no answer for a page after the first",
    "exactly_page_rows": "the report has exactly as many rows as its one page holds",
    "permission_denied": "the credentials' user can't see the property",
}
# the first two of these end by themselves, but not within a run
BREAKING = frozenset({"hourly_quota", "daily_quota", "permission_denied"})
ONCE = frozenset({"quota_on_page_2", "concurrent_requests", "unavailable_mid_pages"})

_NO_ACCESS = "User does not have sufficient permissions for this property."
_TYPES = {
    "purchaseRevenue": MetricType.TYPE_CURRENCY,
    "keyEvents": MetricType.TYPE_FLOAT,
}


class Ga4DataServer(Served):
    """The Data API on ``endpoint``, from ``with`` or between :meth:`start` and :meth:`stop`.

    Args:
        market: the world it reports on.
        clock: its ``today``; no day from it on has data, and recent days restate.
        page_rows: rows a page holds at most, whatever ``limit`` asks for.
    """

    def __init__(self, market: Market, clock: Clock, *, page_rows: int = _MOST_ROWS) -> None:
        self.clock = clock
        self.page_rows = page_rows
        self.tokens_per_hour, self.tokens_per_day = 40_000, 200_000  # left
        self.concurrent = 10  # left
        self.faults = Faults(FAULTS, BREAKING, ONCE)
        self.mutations: list[str] = []
        self.offsets: list[int] = []  # of the reports that were asked for
        self.refused = 0
        self._books = ReportBooks(market)
        self._lock = threading.Lock()
        self._server = grpc.server(
            ThreadPoolExecutor(4, thread_name_prefix="ga4-data"), handlers=[_Router(self)]
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def endpoint(self) -> str:
        """host:port for ``sources.ga4_report.endpoint``."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> Ga4DataServer:
        self._server.start()
        return self

    def stop(self) -> None:
        # a moment for calls under way: clients get an answer and are not cut off
        self._server.stop(grace=0.5).wait()

    def books(self, start: date, end: date) -> pa.Table:
        """What a client must end with for the days, as raw.ga4_daily_report, exact to the cent.

        Rows in order of date and session source. With ``other_row`` on, only the sums hold.
        """
        return self._books.table(start, end, self.clock.today)

    def run_report(self, request: Any, context: grpc.ServicerContext) -> Any:
        """RunReport: rows in order of date and source, pages by offset and limit."""
        with self._lock:
            self.offsets.append(request.offset)
            self._admit(request, context)
            start, end = _range(request, context)
            rows = self._books.rows(start, end, self.clock.today)
            response = RunReportResponse.pb()(kind="analyticsData#runReport")
            self._flag(response.metadata)
            if response.metadata.data_loss_from_other_row:
                rows = condensed(rows, _KEPT_OF_OTHER)
            shown = [(_dimensions(r), _metrics(r)) for r in rows]
            limit = min(request.limit or _USUAL_ROWS, self.page_rows, _MOST_ROWS)
            if self.faults.strikes("exactly_page_rows", PROPERTY_ID):
                limit = len(shown)
            self._fill(response, request, shown, limit)
            self._charge(response.property_quota)
            return response

    def refuse(self, method: str, context: grpc.ServicerContext) -> NoReturn:
        """Record a call that isn't a report and refuse it."""
        with self._lock:
            self.mutations.append(method)
        _abort(context, "PERMISSION_DENIED", f"The sandbox is read-only and recorded {method}.")

    def _admit(self, request: Any, context: grpc.ServicerContext) -> None:
        strikes, later = self.faults.strikes, request.offset > 0
        denied = strikes("permission_denied", PROPERTY_ID)
        if request.property != f"properties/{PROPERTY_ID}" or denied:
            self._refuse(context, "PERMISSION_DENIED", _NO_ACCESS)
        if self.tokens_per_day < _COST or strikes("daily_quota", PROPERTY_ID):
            message = "Exhausted property tokens per day. These quota tokens will return in under "
            self._refuse(context, "RESOURCE_EXHAUSTED", message + "24 hours.")
        if self.tokens_per_hour < _COST or strikes("hourly_quota", PROPERTY_ID):
            message = "Exhausted property tokens per hour. These quota tokens will return in under "
            self._refuse(context, "RESOURCE_EXHAUSTED", message + "one hour.")
        if strikes("concurrent_requests", PROPERTY_ID) or (
            later and strikes("quota_on_page_2", PROPERTY_ID)
        ):
            self._refuse(context, "RESOURCE_EXHAUSTED", "Exhausted concurrent requests quota.")
        if later and strikes("unavailable_mid_pages", PROPERTY_ID):
            self._refuse(context, "UNAVAILABLE", "The service is currently unavailable.")
        _validate(request, context)

    def _refuse(self, context: grpc.ServicerContext, status: str, message: str) -> NoReturn:
        self.refused += 1
        _abort(context, status, message)

    def _flag(self, metadata: Any) -> None:
        metadata.currency_code, metadata.time_zone = CURRENCY, SHOP_TIME_ZONE
        metadata.data_loss_from_other_row = self.faults.strikes("other_row", PROPERTY_ID)
        metadata.subject_to_thresholding = self.faults.strikes("thresholded", PROPERTY_ID)
        if self.faults.strikes("sampled", PROPERTY_ID):
            metadata.sampling_metadatas.add(samples_read_count=_SAMPLE, sampling_space_size=_SPACE)

    @staticmethod
    def _fill(
        response: Any,
        request: Any,
        shown: list[tuple[dict[str, str], dict[str, str]]],
        limit: int,
    ) -> None:
        dimensions = [d.name for d in request.dimensions]
        metrics = [m.name for m in request.metrics]
        for name in dimensions:
            response.dimension_headers.add(name=name)
        for name in metrics:
            response.metric_headers.add(name=name, type_=_TYPES.get(name, MetricType.TYPE_INTEGER))
        response.row_count = len(shown)
        for by_dimension, by_metric in shown[request.offset : request.offset + limit]:
            row = response.rows.add()
            for name in dimensions:
                row.dimension_values.add(value=by_dimension[name])
            for name in metrics:
                row.metric_values.add(value=by_metric[name])

    def _charge(self, quota: Any) -> None:
        self.tokens_per_hour -= _COST
        self.tokens_per_day -= _COST
        for name in ("tokens_per_hour", "tokens_per_day"):
            status = getattr(quota, name)
            status.consumed, status.remaining = _COST, getattr(self, name)
        quota.concurrent_requests.remaining = self.concurrent
        quota.server_errors_per_project_per_hour.remaining = 10


class _Router(grpc.GenericRpcHandler):
    """Sends RunReport to the server and everything else to its refusal."""

    def __init__(self, server: Ga4DataServer) -> None:
        self._server = server

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        method = handler_call_details.method
        if method == _METHOD:
            return grpc.unary_unary_rpc_method_handler(
                self._server.run_report,
                request_deserializer=RunReportRequest.pb().FromString,
                response_serializer=RunReportResponse.pb().SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda _, context: self._server.refuse(method, context)
        )


def _abort(context: grpc.ServicerContext, status: str, message: str) -> NoReturn:
    context.abort(grpc.StatusCode[status], message)
    raise AssertionError("abort ends the call")


def _validate(request: Any, context: grpc.ServicerContext) -> None:
    """Refuse fields that the API doesn't know, and more of them than it allows."""
    asked = {
        "dimension": ([d.name for d in request.dimensions], DIMENSIONS, _MOST_DIMENSIONS),
        "metric": ([m.name for m in request.metrics], METRICS, _MOST_METRICS),
    }
    for kind, (names, known, most) in asked.items():
        if len(names) > most:
            _abort(context, "INVALID_ARGUMENT", f"Requests are limited to {most} {kind}s.")
        for name in names:
            if name not in known:
                _abort(context, "INVALID_ARGUMENT", f"Field {name} is not a valid {kind}.")
    if [d.name for d in request.dimensions] != list(DIMENSIONS):
        _abort(context, "INVALID_ARGUMENT", f"The sandbox reports by {', '.join(DIMENSIONS)}.")


def _range(request: Any, context: grpc.ServicerContext) -> tuple[date, date]:
    try:
        (days,) = request.date_ranges
        return date.fromisoformat(days.start_date), date.fromisoformat(days.end_date)
    except ValueError as error:
        _abort(context, "INVALID_ARGUMENT", f"Invalid date range: {error}")


def _dimensions(row: ReportRow) -> dict[str, str]:
    return dict(zip(DIMENSIONS, (f"{row.day:%Y%m%d}", *row.source), strict=True))


def _metrics(row: ReportRow) -> dict[str, str]:
    """Values as the API writes them: numbers as text, money in the currency's unit."""
    values = dict(zip(METRICS, map(str, row.values), strict=True))
    return values | {"purchaseRevenue": str(Decimal(row.values[-1]) / 100)}
