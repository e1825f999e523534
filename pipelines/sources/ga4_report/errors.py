"""Quotas and failures of the GA4 Data API: go on, wait, stay away until, or give up.

https://developers.google.com/analytics/devguides/reporting/data/v1/quotas
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from google.api_core.exceptions import (
    ClientError,
    DeadlineExceeded,
    GoogleAPICallError,
    InvalidArgument,
    ResourceExhausted,
    ServerError,
    Unauthenticated,
)

from pipelines.errors import CredentialRefused, SourceError, SourceRejected, SourceUnavailable
from pipelines.sources.calls.quotas import parked_until
from pipelines.sources.calls.quoting import quoted

KEPT = "published data is unchanged."
CONCURRENCY_SECONDS = 30.0
_PACIFIC = ZoneInfo("America/Los_Angeles")
_HOURLY = ("tokens_per_hour", "tokens_per_project_per_hour", "server_errors_per_project_per_hour")
_DAILY = ("tokens_per_day",)
_FIXES = {
    401: "Check the credentials: GOOGLE_APPLICATION_CREDENTIALS or `gcloud auth "
    "application-default login`, with the scope analytics.readonly.",
    403: "Give the credentials' user the Viewer role on this property, and check "
    "sources.ga4_report.property_id (the number of the property, not G-…).",
}


def next_hour(now: datetime) -> datetime:
    """When the hourly quotas are new, UTC."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def next_pacific_midnight(now: datetime) -> datetime:
    """When the daily quotas are new, UTC."""
    tomorrow = now.astimezone(_PACIFIC).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, _PACIFIC).astimezone(UTC)


@dataclass
class QuotaAhead:
    """What the property's last reply said is left, to stop before the API refuses.

    A refused call would count, and so would every other client's of the property.
    """

    where: str
    _left: Any = None
    _seen: datetime | None = None

    def note(self, quota: Any, now: datetime) -> None:
        """Remember a reply's PropertyQuota (protobuf)."""
        self._left, self._seen = quota, now

    @property
    def left(self) -> dict[str, tuple[int, int]]:
        """By quota, what is left and what the last call took, as the last reply said."""
        named = [n for n in (*_DAILY, *_HOURLY[:1]) if self._left and self._left.HasField(n)]
        statuses = {name: getattr(self._left, name) for name in named}
        return {name: (status.remaining, status.consumed) for name, status in statuses.items()}

    def seconds_before_next(self, now: datetime) -> float:
        """How long to wait before the next call: others use up the concurrent ones."""
        if self._left is None or self._seen is None:
            return 0.0
        busy = self._left.HasField("concurrent_requests")
        if not busy or self._left.concurrent_requests.remaining > 0:
            return 0.0
        return max(CONCURRENCY_SECONDS - (now - self._seen).total_seconds(), 0.0)

    def check(self, now: datetime) -> None:
        """Raise SourceParked if another call like the last one would exceed a quota."""
        if self._left is None or self._seen is None:
            return
        for names, until in (
            (_DAILY, next_pacific_midnight(self._seen)),
            (_HOURLY, next_hour(self._seen)),
        ):
            for name in names:
                status = getattr(self._left, name)
                if not self._left.HasField(name) or now >= until:
                    continue
                if status.remaining < max(status.consumed, 1):
                    why = f"{status.remaining} left of {name}, the last call took {status.consumed}"
                    raise parked_until(self.where, until, why)


def source_error(error: GoogleAPICallError, where: str, now: datetime) -> SourceError:
    """What a failed call means; SourceUnavailable may be tried again after its retry_seconds."""
    name, said = type(error).__name__, quoted(error.message)
    if isinstance(error, ResourceExhausted):
        if "concurrent" in said.lower():
            busy = SourceUnavailable(
                f"{where}: too many requests at once: {said}",
                kept=KEPT,
                fix="Run again later; other reports use the property's concurrent requests.",
            )
            busy.retry_seconds = CONCURRENCY_SECONDS
            return busy
        daily = "per day" in said.lower()
        return parked_until(where, (next_pacific_midnight if daily else next_hour)(now), said)
    if isinstance(error, (ServerError, DeadlineExceeded)) or not isinstance(error, ClientError):
        return SourceUnavailable(
            f"{where}: the Data API does not answer ({name}): {said}",
            kept=KEPT,
            fix="Run again later; check the network and sources.ga4_report.endpoint.",
        )
    fix = _FIXES.get(int(error.code or 0), "Read the message above; trying again won't help.")
    if isinstance(error, InvalidArgument):
        fix = "GA4 renamed or withdrew a field of the report: update adcanary."
    kind = CredentialRefused if isinstance(error, Unauthenticated) else SourceRejected
    return kind(f"{where}: refused ({name}): {said}", kept=KEPT, fix=fix)
