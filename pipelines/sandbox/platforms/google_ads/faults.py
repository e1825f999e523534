"""What can go wrong at the simulated Google Ads, by name, and how the real service says so."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.sandbox.platforms.google_ads.accounts import FIRST_ID

KNOWN = {
    "unavailable": "a call is answered UNAVAILABLE",
    "internal_mid_stream": "a stream ends with INTERNAL after its first message",
    "stream_stalls": "a stream sends its first message and then nothing, until the client leaves",
    "empty_page": "a stream's second message has no rows, and others follow",
    "quota_on_page_2": "a stream ends with RESOURCE_EXHAUSTED and a retry_delay of seconds",
    "quota_for_hours": "a call is answered RESOURCE_EXHAUSTED with a retry_delay of three hours",
    "token_expired_mid_stream": "the access token ends after a stream's first message",
    "expired_page_token": "the second page is answered EXPIRED_PAGE_TOKEN",
    "zero_rows": "campaigns without delivery have rows of zeroes",
    "withdrawn_rows": "one campaign's rows of the last three days are gone, its ads' too",
    "account_closed": "the account is CLOSED: CUSTOMER_NOT_ENABLED",
    "permission_denied": "the account's owner took the permission away: USER_PERMISSION_DENIED",
    "spend_mismatch": "the account's spend is a micro more than its campaigns', on its last day",
}
BREAKING = frozenset({"quota_for_hours", "account_closed", "permission_denied", "spend_mismatch"})

ONCE = frozenset(
    {
        "unavailable",
        "internal_mid_stream",
        "stream_stalls",
        "quota_on_page_2",
        "token_expired_mid_stream",
        "expired_page_token",
    }
)
# on a client's first call, which is of the manager, all of them together would be too much
TOGETHER_AT = dict.fromkeys(("stream_stalls", "quota_on_page_2", "expired_page_token"), FIRST_ID)


class Refusal(NamedTuple):
    """gRPC status, ``category.NAME`` in ErrorCode ("" for none), message, retry_delay in s."""

    status: str
    code: str
    message: str
    retry_seconds: int | None = None


CLOSED = Refusal(
    "PERMISSION_DENIED",
    "authorization_error.CUSTOMER_NOT_ENABLED",
    "The customer account can't be accessed because it is not yet enabled or has been deactivated.",
)
FORBIDDEN = Refusal(
    "PERMISSION_DENIED",
    "authorization_error.USER_PERMISSION_DENIED",
    "User doesn't have permission to access customer. Note: If you're accessing a client "
    "customer, the manager's customer id must be set in the 'login-customer-id' header.",
)
TOKEN_INVALID = Refusal(
    "UNAUTHENTICATED", "authentication_error.OAUTH_TOKEN_INVALID", "The access token is not valid."
)
DEVELOPER_TOKEN_INVALID = Refusal(
    "UNAUTHENTICATED",
    "authentication_error.DEVELOPER_TOKEN_INVALID",
    "The developer token is not valid.",
)
TOKEN_EXPIRED = Refusal(
    "UNAUTHENTICATED", "authentication_error.OAUTH_TOKEN_EXPIRED", "The access token has expired."
)
# instead of an answer
AT_ONCE = {
    "unavailable": Refusal("UNAVAILABLE", "", "The service is not available at the moment."),
    "quota_for_hours": Refusal(
        "RESOURCE_EXHAUSTED", "quota_error.RESOURCE_EXHAUSTED", "Too many requests.", 3 * 3600
    ),
    "account_closed": CLOSED,
    "permission_denied": FORBIDDEN,
}
# after the first message of a stream, or instead of the second page
ON_PAGE_2 = {
    "internal_mid_stream": Refusal("INTERNAL", "internal_error.INTERNAL_ERROR", "Internal error."),
    "quota_on_page_2": Refusal(
        "RESOURCE_EXHAUSTED",
        "quota_error.RESOURCE_TEMPORARILY_EXHAUSTED",
        "Too many requests in a short time.",
        7,
    ),
    "token_expired_mid_stream": TOKEN_EXPIRED,
    "expired_page_token": Refusal(
        "INVALID_ARGUMENT", "request_error.EXPIRED_PAGE_TOKEN", "The page token has expired."
    ),
}
