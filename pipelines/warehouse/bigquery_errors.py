"""What BigQuery's errors mean for the caller: retry, give way to a faster writer, or fix it.

https://cloud.google.com/bigquery/docs/error-messages
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests.exceptions
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.resumable_media.common import InvalidResponse

from pipelines.errors import (
    MissingTableError,
    StatementError,
    WarehouseError,
    WarehouseUnavailable,
)
from pipelines.warehouse.base import Refusal, RowCountConflict
from pipelines.warehouse.googlesql import REFUSED_MARK, ROW_COUNT_MARK

_SHOWN = 4000
_ANSWERED = re.compile(r"(\w+)=(-?\d+)")
_PASSING_TYPES = (
    exceptions.RetryError,
    exceptions.ServerError,
    exceptions.TooManyRequests,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    auth_exceptions.TransportError,
    ConnectionError,
)
_PASSING_REASONS = {
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "quotaExceeded",
    "rateLimitExceeded",
    "stopped",
    "tableUnavailable",
}
_OVERTAKEN = ("due to concurrent update", "transaction is aborted")
_MISSING = ("Not found: Table ", "Not found: Dataset ")
_FIXES = {
    "accessDenied": "Grant this account BigQuery Data Editor and Job User on the project.",
    "bytesBilledLimitExceeded": "Read fewer days or columns, or raise "
    "warehouse.maximum_bytes_billed in adcanary.yaml.",
    "notFound": "Check the name; a table does not exist before the step that builds it has run.",
}


@contextmanager
def translated(what: str, sql: str | None = None) -> Iterator[None]:
    """Raise the Google libraries' errors as adcanary's.

    Args:
        what: what was being done, such as ``run a query``.
        sql: the statement or script, to quote.
    """
    try:
        yield
    except (
        exceptions.GoogleAPIError,
        auth_exceptions.GoogleAuthError,
        requests.exceptions.RequestException,
        InvalidResponse,
        ConnectionError,
    ) as error:
        raise _ours(what, sql, error) from error


def _ours(what: str, sql: str | None, error: Exception) -> WarehouseError:
    message = _message(error)
    if REFUSED_MARK in message:
        answer = message[message.index(REFUSED_MARK) :].splitlines()[0].split(";")[0]
        return Refusal({column: int(value) for column, value in _ANSWERED.findall(answer)})
    if ROW_COUNT_MARK in message:
        stated = message[message.index(ROW_COUNT_MARK) + len(ROW_COUNT_MARK) + 2 :]
        return RowCountConflict(
            f"Another writer was faster: {stated.splitlines()[0].split(';')[0]}.",
            kept="the transaction was rolled back.",
            fix="Run the command again.",
        )
    if any(text in message.lower() for text in _OVERTAKEN):
        return RowCountConflict(
            f"Another writer was faster: {message}",
            kept="the transaction was rolled back.",
            fix="Run the command again.",
        )
    reason = _reason(error)
    if isinstance(error, _PASSING_TYPES) or reason in _PASSING_REASONS:
        return WarehouseUnavailable(
            f"BigQuery could not {what} now: {message}",
            kept="published data is unchanged.",
            fix="Run the command again later.",
        )
    shown = f"\n  {sql.strip()[:_SHOWN]}" if sql else ""
    kind = MissingTableError if any(text in message for text in _MISSING) else StatementError
    return kind(
        f"BigQuery refused to {what}: {message}{shown}",
        kept="published data is unchanged.",
        fix=_FIXES.get(reason),
    )


def _message(error: Exception) -> str:
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        return _message(error.cause)
    text = getattr(error, "message", None)
    return str(text or error).strip()


def _reason(error: Exception) -> str:
    details = getattr(error, "errors", None) or [{}]
    first = details[0]
    return str(first.get("reason", "")) if isinstance(first, dict) else ""
