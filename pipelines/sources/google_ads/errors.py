"""What a failed Google Ads call means: worth another try, or which error a person should read.

The SDK raises GoogleAdsException for most failures, but RESOURCE_EXHAUSTED and INTERNAL come
as google.api_core exceptions; both carry the GoogleAdsFailure in the trailing metadata.
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.ads.googleads.errors import GoogleAdsException
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.api_core.exceptions import GoogleAPICallError

from pipelines.errors import CredentialRefused, SourceError, SourceRejected, SourceUnavailable
from pipelines.sources.base import KEPT
from pipelines.sources.calls.quotas import PARK_AFTER, parked

CALL_ERRORS = (GoogleAdsException, GoogleAPICallError, grpc.RpcError)

_RETRIED_STATUSES = {"UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
# a page token that expired is no error of the query: its window is asked for from the start
_RETRIED_CODES = {"TRANSIENT_ERROR", "INTERNAL_ERROR", "DEADLINE_EXCEEDED", "EXPIRED_PAGE_TOKEN"}
_TOO_OLD = "DATE_TOO_OLD"
_FIXES = {
    "USER_PERMISSION_DENIED": (
        "Check the account id under sources.google_ads.accounts, that the user who granted the "
        "token can see it, and that login_customer_id is the manager it is under."
    ),
    "CUSTOMER_NOT_ENABLED": (
        "The account is closed or not yet set up: enable it in Google Ads, or remove it from "
        "sources.google_ads.accounts."
    ),
    "INVALID_CUSTOMER_ID": "Write the account id as ten digits without dashes.",
    "UNAUTHENTICATED": (
        "Check ADCANARY_GOOGLE_ADS_REFRESH_TOKEN (or _ACCESS_TOKEN), the client id and secret, "
        "and ADCANARY_GOOGLE_ADS_DEVELOPER_TOKEN."
    ),
}


@dataclass(frozen=True)
class Failure:
    """A failed call, read: gRPC status, the service's error names and message, its retry delay."""

    status: str
    codes: tuple[str, ...]
    message: str
    retry_seconds: float | None

    @property
    def is_transient(self) -> bool:
        return self.status in _RETRIED_STATUSES or not _RETRIED_CODES.isdisjoint(self.codes)


class DayForgotten(SourceRejected):
    """Google keeps clicks for 90 days, and this day is older."""


def read_failure(error: Exception) -> Failure:
    """Read any of ``CALL_ERRORS``."""
    if isinstance(error, GoogleAdsException):
        call = error.call
    elif isinstance(error, GoogleAPICallError):
        call = error.response
    else:
        call = error
    status = call.code().name if call is not None else "UNKNOWN"
    details = (call.details() if call is not None else None) or str(error)
    failure = next(
        (
            GoogleAdsFailure.pb().FromString(value)
            for key, value in (call.trailing_metadata() if call is not None else None) or ()
            if key.endswith("errors.googleadsfailure-bin")
        ),
        None,
    )
    if failure is None or not failure.errors:
        return Failure(status, (), details, None)
    codes, delays = [], []
    for entry in failure.errors:
        codes += [
            field.enum_type.values_by_number[value].name
            for field, value in entry.error_code.ListFields()
        ]
        delay = entry.details.quota_error_details.retry_delay
        delays.append(delay.seconds + delay.nanos / 1e9)
    message = " ".join(entry.message for entry in failure.errors)
    return Failure(status, tuple(codes), message, max(delays) or None)


def source_error(failure: Failure, where: str) -> SourceError:
    """The error that a failed call is.

    Args:
        where: source, account and endpoint, as the error opens.
    """
    names = "/".join(dict.fromkeys((*failure.codes, failure.status)))
    seconds = failure.retry_seconds
    if seconds is not None and seconds > PARK_AFTER.total_seconds():
        return parked(where, seconds, f"out of quota ({names}): {failure.message.rstrip('.')}")
    if failure.is_transient:
        error = SourceUnavailable(
            f"{where} does not answer ({names}): {failure.message}",
            kept=KEPT,
            fix="Run again later; check the network and sources.google_ads.endpoint.",
        )
        error.retry_seconds = seconds
        return error
    if _TOO_OLD in failure.codes:
        return DayForgotten(f"{where} ({names}): {failure.message}", kept=KEPT)
    fixes = [_FIXES[name] for name in (*failure.codes, failure.status) if name in _FIXES]
    kind = CredentialRefused if failure.status == "UNAUTHENTICATED" else SourceRejected
    return kind(
        f"{where} refused the request ({names}): {failure.message}",
        kept=KEPT,
        fix=fixes[0] if fixes else "Read the message above; trying again won't help.",
    )
