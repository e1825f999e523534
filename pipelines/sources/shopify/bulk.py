"""Runs Shopify bulk operations and reads their results whole, or not at all.

A result counts only if it has as many lines as the operation says it has objects. Its URL is
signed and asked for without the token; its lines are parsed as they arrive, so that what they
hold of a person is in memory for a line at a time and on no disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
import orjson

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sources.base import KEPT
from pipelines.sources.calls.quoting import quoted
from pipelines.sources.shopify.api import NAME, ShopifyGraphql

Parsed = TypeVar("Parsed")

# The one mutation that is asked: it starts an export, and changes nothing in the shop.
_RUN = """
mutation ($query: String!) {
  bulkOperationRunQuery(query: $query) {
    bulkOperation { id }
    userErrors { code message }
  }
}
"""
_POLL = """
query ($id: ID!) {
  node(id: $id) {
    ... on BulkOperation { status errorCode objectCount rootObjectCount url }
  }
}
"""
_UNFINISHED = {"CREATED", "RUNNING", "CANCELING"}
_BUSY = {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}
_OPERATIONS = 3
_DOWNLOADS = 2
_FIRST_POLL, _LONGEST_POLL = 0.1, 10.0
_PATIENCE = 1_800.0  # seconds waited for one operation, or for a place to start it
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


class _Incomplete(Exception):
    """The result that came is not the whole one; says how, without a word of its content."""


class BulkOperations:
    """Bulk queries of one shop.

    Args:
        sleep: waits, in seconds.
        backoff: seconds before an operation that failed is started again; doubled each time.
    """

    def __init__(
        self,
        graphql: ShopifyGraphql,
        sleep: Callable[[float], None] = time.sleep,
        backoff: float = 0.5,
    ) -> None:
        self._graphql, self._sleep, self._backoff = graphql, sleep, backoff

    def read(
        self, shop: str, query: str, parse: Callable[[dict[str, Any]], Parsed]
    ) -> list[Parsed]:
        """Every object of a bulk query, parsed, in the order of the result.

        Args:
            query: a GraphQL query of one connection.
            parse: one line of the result, as an object; called for results that turn out
                incomplete too, whose objects are forgotten.

        Raises:
            SourceUnavailable: the operation failed, was cancelled or expired three times, or
                another one was in its way for half an hour.
            SourceRejected: the query is refused, or three results in turn had other counts
                than the operation says.
        """
        where = f"{NAME} account {shop}"
        counted, problem = False, ""
        for attempt in range(_OPERATIONS):
            if attempt:
                self._sleep(self._backoff * 2**attempt)
            operation = self._await(shop, self._start(shop, query))
            status, code = operation["status"], operation["errorCode"]
            if status == "COMPLETED":
                try:
                    return self._download(operation, parse)
                except _Incomplete as error:
                    counted, problem = True, str(error)
                    continue
            if code == "ACCESS_DENIED":
                raise SourceRejected(
                    f"{where}: the bulk operation is {status} ({code}).",
                    kept=KEPT,
                    fix="Give the token the scopes read_orders, read_all_orders, read_customers.",
                )
            counted, problem = False, f"it is {status}{f' ({code})' if code else ''}"
        said = f"{where}: {_OPERATIONS} bulk operations in turn gave no whole result: {problem}."
        if counted:
            raise SourceRejected(said, kept=KEPT, fix="Report it to Shopify; nothing was taken.")
        raise SourceUnavailable(said, kept=KEPT, fix="Run again later.")

    def _start(self, shop: str, query: str) -> str:
        """The id of the operation, once the shop lets one start."""
        for wait in _waits():
            payload = self._graphql.ask(shop, _RUN, {"query": query})["bulkOperationRunQuery"]
            refused = payload["userErrors"]
            if not refused:
                return str(payload["bulkOperation"]["id"])
            message = quoted("; ".join(e["message"] for e in refused))
            if not any(e.get("code") in _BUSY for e in refused):
                raise SourceRejected(
                    f"{NAME} account {shop}: the bulk query is refused: {message}",
                    kept=KEPT,
                    fix="Compare the query with the schema of sources.shopify.api_version.",
                )
            self._sleep(wait)
        raise SourceUnavailable(
            f"{NAME} account {shop}: {message}",
            kept=KEPT,
            fix="Another app or process exports from this shop: run again when it has finished.",
        )

    def _await(self, shop: str, operation_id: str) -> dict[str, Any]:
        """The operation, once it has ended, however it ended."""
        for wait in _waits():
            operation = self._graphql.ask(shop, _POLL, {"id": operation_id})["node"]
            if operation is None:
                return {"status": "EXPIRED", "errorCode": None}
            if operation["status"] not in _UNFINISHED:
                return dict(operation)
            self._sleep(wait)
        raise SourceUnavailable(
            f"{NAME} account {shop}: {operation_id} is still {operation['status']} after "
            f"{_PATIENCE / 60:.0f} minutes.",
            kept=KEPT,
            fix="Run again later; a shorter window makes a smaller operation.",
        )

    def _download(
        self, operation: dict[str, Any], parse: Callable[[dict[str, Any]], Parsed]
    ) -> list[Parsed]:
        wanted = int(operation["objectCount"]), int(operation["rootObjectCount"])
        if operation["url"] is None and wanted == (0, 0):
            return []
        problem = "its result has no URL"
        for _ in range(_DOWNLOADS if operation["url"] else 0):
            parsed: list[Parsed] = []
            roots = 0
            try:
                for line in _lines(operation["url"]):
                    node = orjson.loads(line)
                    roots += "__parentId" not in node
                    parsed.append(parse(node))
                    if len(parsed) > wanted[0]:  # it need not have an end
                        break
            except (httpx.TransportError, orjson.JSONDecodeError) as error:
                problem = f"its result breaks off after {len(parsed)} lines"
                problem += f" ({type(error).__name__})"
                continue
            if (len(parsed), roots) == wanted:
                return parsed
            problem = (
                f"its result has {len(parsed)} lines, {roots} of them roots; "
                f"objectCount is {wanted[0]}, rootObjectCount {wanted[1]}"
            )
        raise _Incomplete(problem)


def _lines(url: str) -> Iterator[bytes]:
    """The lines of a JSONL file; only a line feed ends one (a value may hold U+2028)."""
    with httpx.stream("GET", url, timeout=_TIMEOUT) as reply:
        if not reply.is_success:
            raise _Incomplete(f"its result's URL answered {reply.status_code}")
        rest = b""
        for block in reply.iter_bytes():
            *whole, rest = (rest + block).split(b"\n")
            yield from (line for line in whole if line.strip())
        if rest.strip():
            yield rest


def _waits() -> Iterator[float]:
    """Growing waits that sum to the patience."""
    waited, wait = 0.0, _FIRST_POLL
    while waited < _PATIENCE:
        yield wait
        waited, wait = waited + wait, min(wait * 2, _LONGEST_POLL)
