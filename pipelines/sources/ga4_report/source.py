"""GA4 Data API: daily aggregates by session source, with the flags that say how exact they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import grpc
import pyarrow as pa
from google.analytics.data_v1beta import BetaAnalyticsDataClient, RunReportRequest
from google.analytics.data_v1beta.services.beta_analytics_data.transports import (
    BetaAnalyticsDataGrpcTransport,
)
from google.analytics.data_v1beta.types import RunReportResponse
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError

from pipelines.errors import CredentialRefused, SourceError, SourceRejected, SourceUnavailable
from pipelines.money import micros
from pipelines.secret_settings import Secrets
from pipelines.source_settings import Ga4ReportSettings
from pipelines.sources.base import Account, Batch, Quota, Window
from pipelines.sources.calls.retries import ATTEMPTS, retrying
from pipelines.sources.ga4_report.errors import KEPT, QuotaAhead, source_error
from pipelines.sources.shapes.columns import typed

_TABLE = "raw.ga4_daily_report"
# the API's names and the contract's
DIMENSIONS = {
    "date": "date",
    "sessionDefaultChannelGroup": "session_default_channel_group",
    "sessionSource": "session_source",
    "sessionMedium": "session_medium",
    "sessionCampaignId": "session_campaign_id",
    "sessionCampaignName": "session_campaign_name",
}
METRICS = {
    "sessions": "sessions",
    "engagedSessions": "engaged_sessions",
    "totalUsers": "total_users",
    "newUsers": "new_users",
    "screenPageViews": "screen_page_views",
    "eventCount": "event_count",
    "keyEvents": "key_events",
    "transactions": "transactions",
    "purchaseRevenue": "purchase_revenue_micros",
}
PAGE_ROWS = 250_000  # the most that the API gives at a time


class _Changed(Exception):
    """The report changed between two of its pages."""


@dataclass
class _Report:
    """The pages of one report, as columns by the API's names."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0
    total: int = 0
    metadata: Any = None


class Ga4ReportSource:
    """One GA4 property's daily report, as :class:`pipelines.sources.base.Source`.

    Days are days in the property's time zone. Recent days restate as events are attributed:
    the look-back is pulled again as a whole. Users are counted by day and source, because the
    report has the date in it.

    Args:
        settings: the property; with ``endpoint`` another server, without TLS or credentials.
        page_rows: rows asked for at a time.
        timeout: seconds one call may take.
        backoff: seconds before the second try; doubled for each further one.
        sleep, now: how to wait, and the present instant, UTC (quotas end by the clock).
    """

    name = "ga4_report"
    tables = (_TABLE,)
    span = None
    max_window_days = 31

    def __init__(
        self,
        settings: Ga4ReportSettings,
        *,
        page_rows: int = PAGE_ROWS,
        timeout: float = 120.0,
        backoff: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account_ids = (settings.property_id,)
        self.lookback_days = settings.lookback_days
        self._settings, self._page_rows = settings, page_rows
        self._timeout, self._backoff, self._sleep, self._now = timeout, backoff, sleep, now
        self._where = f"ga4_report property {settings.property_id}"
        self._quota = QuotaAhead(self._where)

    def account(self, account_id: str) -> Account:
        """Currency and time zone as a report of one row says them.

        Raises:
            SourceRejected: another property than the configured one, or no access to it.
        """
        self._require(account_id)
        today = self._now().date()
        metadata = self._call(self._request(Window(today, today), 0, 1)).metadata
        return Account(
            account_id,
            f"GA4 property {account_id}",
            metadata.currency_code,
            metadata.time_zone,
        )

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The property's tokens; GA4 says what is left, and not of how many."""
        return tuple(
            Quota(name.replace("_", " "), None, f"{left:,} left, a report takes {taken:,}")
            for name, (left, taken) in self._quota.left.items()
        )

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """The window's rows, one batch, after every page was read."""
        self._require(account_id)
        pulled_at = datetime.now(UTC)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                report = self._read(window)
                break
            except _Changed as error:
                if attempt == ATTEMPTS:
                    raise SourceUnavailable(
                        f"{self._where}, {window}: {error}, {ATTEMPTS} times over.",
                        kept=KEPT,
                        fix="Run again later: GA4 is still writing these days.",
                    ) from None
        yield Batch(
            self.name, _TABLE, account_id, None, window, self._table(report, window), pulled_at
        )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: a report is of its days."""
        yield from ()

    @cached_property
    def _client(self) -> BetaAnalyticsDataClient:
        if self._settings.endpoint is None:
            try:
                return BetaAnalyticsDataClient()
            except GoogleAuthError as error:
                raise CredentialRefused(
                    f"{self._where}: no credentials: {error}",
                    kept=KEPT,
                    fix="Set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth "
                    "application-default login`.",
                ) from error
        # a page of 250,000 rows is beyond gRPC's 4 MiB
        options = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
        channel = grpc.insecure_channel(self._settings.endpoint, options)
        return BetaAnalyticsDataClient(transport=BetaAnalyticsDataGrpcTransport(channel=channel))

    def _require(self, account_id: str) -> None:
        if account_id not in self.account_ids:
            raise SourceRejected(
                f"ga4_report: no property {account_id}; "
                f"adcanary.yaml has {self._settings.property_id}.",
                kept=KEPT,
                fix="Set sources.ga4_report.property_id.",
            )

    def _request(self, window: Window, offset: int, limit: int) -> RunReportRequest:
        # a fixed order: without one, pages may repeat some rows and skip others
        return RunReportRequest(
            property=f"properties/{self._settings.property_id}",
            date_ranges=[{"start_date": f"{window.start}", "end_date": f"{window.end}"}],
            dimensions=[{"name": name} for name in DIMENSIONS],
            metrics=[{"name": name} for name in METRICS],
            order_bys=[{"dimension": {"dimension_name": name}} for name in DIMENSIONS],
            offset=offset,
            limit=limit,
            keep_empty_rows=True,
            return_property_quota=True,
        )

    def _read(self, window: Window) -> _Report:
        """All pages, by ``row_count``: a page may hold fewer rows than were asked for."""
        report = _Report()
        while report.metadata is None or report.rows < report.total:
            reply = self._call(self._request(window, report.rows, self._page_rows))
            if report.metadata is None:
                report.total, report.metadata = reply.row_count, reply.metadata
            elif (reply.row_count, reply.metadata) != (report.total, report.metadata):
                raise _Changed("the report changed while its pages were read")
            if not reply.rows and report.rows < report.total:
                raise _Changed(f"a page is empty after {report.rows} of {report.total} rows")
            _add(report, reply)
        return report

    def _call(self, request: RunReportRequest) -> Any:
        """One reply as plain protobuf (proto-plus rows take several times as long)."""
        return retrying(self._backoff, self._sleep)(self._once, request)

    def _once(self, request: RunReportRequest) -> Any:
        self._quota.check(self._now())
        if pause := self._quota.seconds_before_next(self._now()):
            self._sleep(pause)
        try:
            reply = self._client.run_report(request, retry=None, timeout=self._timeout)
        except GoogleAPICallError as error:
            raise source_error(error, self._where, self._now()) from error
        plain = RunReportResponse.pb(reply)
        self._quota.note(plain.property_quota, self._now())
        return plain

    def _table(self, report: _Report, window: Window) -> pa.Table:
        columns, rows, metadata = report.columns, report.rows, report.metadata
        sampling = metadata.sampling_metadatas[0] if metadata.sampling_metadatas else None
        same = {
            "currency_code": metadata.currency_code,
            "time_zone": metadata.time_zone,
            "data_loss_from_other_row": metadata.data_loss_from_other_row,
            "subject_to_thresholding": metadata.subject_to_thresholding,
            "samples_read_count": sampling and sampling.samples_read_count,
            "sampling_space_size": sampling and sampling.sampling_space_size,
        }
        try:
            read = {
                "property_id": [self._settings.property_id] * rows,
                "date": [_day(value) for value in columns["date"]],
                **{column: columns[n] for n, column in DIMENSIONS.items() if n != "date"},
                **{column: _metric(columns[n], column) for n, column in METRICS.items()},
            }
        except (KeyError, ValueError, ArithmeticError) as error:
            raise self._drifted(window, error) from error
        return typed(_TABLE, {**read, **{name: [value] * rows for name, value in same.items()}})

    def _drifted(self, window: Window, error: Exception) -> SourceError:
        return SourceRejected(
            f"{self._where}, {window}: the report is not as asked for "
            f"({type(error).__name__}: {error}).",
            kept=KEPT,
            fix="GA4 changed a field's meaning: update adcanary.",
        )


def open_source(settings: Ga4ReportSettings, _: Secrets) -> Ga4ReportSource:
    """The property as configured; Google's own credentials are found when they are needed."""
    return Ga4ReportSource(settings)


def _add(report: _Report, reply: Any) -> None:
    """A page's rows to the report's columns, by the headers' names."""
    dimensions = [header.name for header in reply.dimension_headers]
    metrics = [header.name for header in reply.metric_headers]
    for i, name in enumerate(dimensions):
        report.columns.setdefault(name, []).extend(r.dimension_values[i].value for r in reply.rows)
    for i, name in enumerate(metrics):
        report.columns.setdefault(name, []).extend(r.metric_values[i].value for r in reply.rows)
    report.rows += len(reply.rows)


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()


def _metric(values: list[str], column: str) -> list[int] | list[float]:
    """Values as the contract has them: counts whole, money in micros, never by way of floats."""
    if column.endswith("_micros"):
        return [micros(value) for value in values]
    if column == "key_events":
        return [float(value) for value in values]
    return [int(value) for value in values]
