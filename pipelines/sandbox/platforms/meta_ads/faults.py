"""What can go wrong at the simulated Graph API, by name, and how Meta says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

KNOWN = {
    "job_failed": "an insights job of too many rows ends as 'Job Failed'",
    "job_skipped": "an insights job of too many rows ends as 'Job Skipped'",
    "job_stuck": "an insights job of too many rows never ends",
    "empty_page_with_next": "an empty page that has a next follows a page",
    "exactly_limit_rows": "a list ends with an exactly full page: its next leads to no row",
    "reduce_data": "a page of more than 100 rows is refused: reduce the amount of data",
    "error_200": "a call is answered with HTTP 200 and an error",
    "server_error": "a call is answered with HTTP 500",
    "quota_hours": "a call is rate-limited, with two hours to regain access",
    "usage_high": "a reply's usage is near the limit, each time in another of the four headers",
    "withdrawn_rows": "one campaign's rows of the last three days are gone, at every level",
    "deleted_and_archived": "one campaign was deleted and one ad set archived, with delivery",
    "token_invalid": "the access token is not valid",
    "token_expired": "the access token expires after the first page of a list",
    "permission_denied": "the account's owner took the permission away",
    "spend_mismatch": "the account's spend is a cent more than its campaigns', on its last day",
    "retyped_field": "the campaigns' spend is '-'",
}
BREAKING = frozenset(
    {
        "quota_hours",
        "token_invalid",
        "token_expired",
        "permission_denied",
        "spend_mismatch",
        "retyped_field",
    }
)
ONCE = frozenset({"error_200", "server_error", "usage_high"})
# how an insights job ends that is too large
JOB_ENDS = {
    "job_failed": "Job Failed",
    "job_skipped": "Job Skipped",
    "job_stuck": "Job Running",
}
REDUCED_LIMIT = 100

_TRANSIENT = {1, 2, 4, 17, 32, 341, 613}
_HIGH_PERCENT = 76
_HEADERS = (
    "x-business-use-case-usage",
    "x-app-usage",
    "x-ad-account-usage",
    "x-fb-ads-insights-throttle",
)


class GraphError(Exception):
    """An error in Graph's envelope."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        status: int = 400,
        regain_minutes: int = 0,
        transient: bool = False,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.subcode = code, message, subcode
        self.status, self.regain_minutes = status, regain_minutes
        self.transient = transient or code in _TRANSIENT

    def envelope(self) -> dict[str, Any]:
        """The reply's body."""
        body: dict[str, Any] = {
            "message": self.message,
            "type": "OAuthException",
            "code": self.code,
            "is_transient": self.transient,
            "fbtrace_id": "Asandbox",
        }
        if self.subcode is not None:
            body["error_subcode"] = self.subcode
        return {"error": body}


INVALID_TOKEN = GraphError(190, "Invalid OAuth access token - Cannot parse access token")
EXPIRED_TOKEN = GraphError(
    190, "Error validating access token: Session has expired.", subcode=463, status=401
)
REDUCE_DATA = GraphError(
    1, "Please reduce the amount of data you're asking for, then retry your request", status=500
)
# instead of an answer
AT_ONCE: Mapping[str, GraphError] = {
    "token_invalid": INVALID_TOKEN,
    "permission_denied": GraphError(
        200,
        "(#200) Ad account owner has NOT granted ads_management or ads_read permission",
        status=403,
    ),
    "quota_hours": GraphError(
        80000,
        "(#80000) There have been too many calls from this ad-account.",
        subcode=2446079,
        regain_minutes=120,
    ),
    "server_error": GraphError(2, "An unexpected error has occurred. Please retry.", status=500),
    "error_200": GraphError(2, "Service temporarily unavailable", status=200),
}


def usage_headers(percent: int, regain_minutes: int, high: int | None) -> dict[str, str]:
    """The four usage headers.

    Args:
        percent: of the quota that is used.
        high: number of the reply whose usage is high, which says in which of them; None if
            it isn't.
    """
    used = [percent] * len(_HEADERS)
    if high is not None:
        used[high % len(_HEADERS)] = _HIGH_PERCENT
    of_business, of_app, of_account, of_insights = used
    tier = {"ads_api_access_tier": "standard_access"}
    bodies: tuple[Any, ...] = (
        {
            "10150000000000001": [
                {
                    "type": "ads_insights",
                    **_counts(of_business),
                    "estimated_time_to_regain_access": regain_minutes,
                    **tier,
                }
            ]
        },
        _counts(of_app),
        {"acc_id_util_pct": of_account, "reset_time_duration": 100, **tier},
        {"app_id_util_pct": of_insights, "acc_id_util_pct": of_insights // 2, **tier},
    )
    return {name: json.dumps(body) for name, body in zip(_HEADERS, bodies, strict=True)}


def _counts(percent: int) -> dict[str, int]:
    return {"call_count": percent, "total_cputime": percent // 2, "total_time": percent // 3}
