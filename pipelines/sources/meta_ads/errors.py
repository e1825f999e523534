"""What a failed Graph call means: worth another try, or which error a person should read.

Codes: https://developers.facebook.com/docs/marketing-api/error-reference.
"""

from __future__ import annotations

from facebook_business.exceptions import FacebookRequestError

from pipelines.errors import CredentialRefused, SourceError, SourceRejected, SourceUnavailable
from pipelines.sources.base import KEPT
from pipelines.sources.calls.quotas import PARK_AFTER, parked
from pipelines.sources.calls.quoting import quoted
from pipelines.sources.meta_ads.usage import read_usage

_RATE_LIMITS = {4, 17, 32, 341, 613, *range(80000, 80007), 80008}
_TRANSIENT = {1, 2, 104, 960, *_RATE_LIMITS}
_TRANSIENT_SUBCODE = 99
_TOO_MUCH_SUBCODES = {1487534, 1504038}
_TOKEN = 190
_UNKNOWN = {803}
_PERMISSIONS = {3, 10, *range(200, 300)}
_NO_SUCH_OBJECT = (100, 33)


class TooMuchData(SourceUnavailable):
    """Meta wants a smaller request, and a smaller page is not what it means or not enough."""


def is_transient(error: FacebookRequestError) -> bool:
    """Whether the same call may succeed later. A bad token never does."""
    if error.api_error_code() == _TOKEN:
        return False
    return (
        error.api_error_code() in _TRANSIENT
        or error.api_error_subcode() == _TRANSIENT_SUBCODE
        or bool(error.api_transient_error())
        or (error.http_status() or 0) >= 500
    )


def asks_for_less(error: FacebookRequestError) -> bool:
    """Whether Meta wants a smaller request ("Please reduce the amount of data you're asking")."""
    return (
        error.api_error_subcode() in _TOO_MUCH_SUBCODES
        or "reduce the amount of data" in (error.api_error_message() or "").lower()
    )


def wait_seconds(error: FacebookRequestError, backoff: float) -> float | None:
    """Seconds to wait before another try, or None for no other try."""
    regain = _regain_seconds(error)
    if asks_for_less(error) or not is_transient(error) or regain > PARK_AFTER.total_seconds():
        return None
    return max(backoff, regain)


def source_error(error: FacebookRequestError, account_id: str, url: str) -> SourceError:
    """The error to raise for a reply that another try at once can't cure."""
    where = f"meta_ads account {account_id} at {url}"
    code, subcode = error.api_error_code(), error.api_error_subcode()
    number = f"code {code}" + (f", subcode {subcode}" if subcode else "")
    detail = f"(HTTP {error.http_status()}, {number}): {quoted(error.api_error_message())}"
    if asks_for_less(error):
        return TooMuchData(
            f"{where} finds the request too large {detail}",
            kept=KEPT,
            fix="Ask for fewer days.",
        )
    if not is_transient(error):
        kind = CredentialRefused if code == _TOKEN else SourceRejected
        return kind(f"{where} refused the request {detail}", kept=KEPT, fix=_fix(error))
    if (seconds := _regain_seconds(error)) > PARK_AFTER.total_seconds():
        return parked(where, seconds, f"it is rate-limited {detail.rstrip('.')}")
    return SourceUnavailable(
        f"{where} does not answer as it should {detail}", kept=KEPT, fix="Run again later."
    )


def unreachable(reason: str, account_id: str, url: str) -> SourceUnavailable:
    """The error for a server that can't be reached or doesn't speak Graph."""
    return SourceUnavailable(
        f"meta_ads account {account_id}: {url} does not answer ({reason}).",
        kept=KEPT,
        fix="Run again later; check the network and sources.meta_ads.graph_url.",
    )


def _regain_seconds(error: FacebookRequestError) -> float:
    """Seconds until access returns, as the reply's headers say; 0 where they say nothing."""
    return read_usage(error.http_headers() or {}).regain_minutes * 60


def _fix(error: FacebookRequestError) -> str:
    code, subcode = error.api_error_code(), error.api_error_subcode()
    if code == _TOKEN:
        return "Make a new token with the ads_read permission and set ADCANARY_META_ACCESS_TOKEN."
    if code in _UNKNOWN or (code, subcode) == _NO_SUCH_OBJECT:
        return (
            "Check the account id under sources.meta_ads.accounts (act_ and digits), and that "
            "the token's user can see the account."
        )
    if code in _PERMISSIONS:
        return "Give the token's user the ads_read permission on this account."
    return "Read the message above; trying again won't help."
