"""Asks Shopify's GraphQL Admin API: its errors inside a 200, and its query cost read ahead."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sources.base import KEPT
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.calls.quoting import quoted

NAME = "shopify"
_PASSING = {"THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}
_RESERVE = 0.1  # of the cost bucket; below it, the next query waits for the refill


class ShopifyGraphql:
    """The GraphQL endpoint of one shop and API version.

    Args:
        url: base URL of the shop.
        sleep, backoff: see :class:`pipelines.sources.calls.http.HttpApi`.
    """

    def __init__(
        self,
        url: str,
        api_version: str,
        token: str,
        sleep: Callable[[float], None] = time.sleep,
        backoff: float = 0.5,
    ) -> None:
        self._api = HttpApi(
            NAME,
            f"{url.rstrip('/')}/admin/api/{api_version}",
            headers={"X-Shopify-Access-Token": token},
            inspect=_inspect,
            before_next=_refill_seconds,
            backoff=backoff,
            sleep=sleep,
        )

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead of the last reply."""
        return self._api.clock_offset

    def ask(self, shop: str, document: str, variables: dict[str, Any] | None = None) -> Any:
        """The ``data`` of a query.

        Raises:
            SourceUnavailable: no answer, throttled or an internal error, after every retry.
            SourceRejected: the token, its scopes or the query itself.
        """
        body = {"query": document, "variables": variables or {}}
        return self._api.call(shop, "POST", "graphql.json", json=body).json()["data"]


def _inspect(shop: str, reply: httpx.Response) -> None:
    """Raise what a reply with status 200 says went wrong."""
    where = f"{NAME} account {shop}"
    body = reply.json()
    errors = body.get("errors")
    if not errors and "data" in body:
        return
    listed = errors if isinstance(errors, list) else [{"message": errors or "no data"}]
    codes = {e.get("extensions", {}).get("code") for e in listed}
    message = quoted("; ".join(str(e.get("message")) for e in listed))
    if codes & _PASSING:
        error = SourceUnavailable(f"{where}: {message}", kept=KEPT, fix="Run again later.")
        error.retry_seconds = _affordable_seconds(body)
        raise error
    fix = "Compare the query with the schema of sources.shopify.api_version."
    if "ACCESS_DENIED" in codes:
        fix = "Give the token the scopes read_orders, read_all_orders and read_customers."
    raise SourceRejected(f"{where}: {message}", kept=KEPT, fix=fix)


def _affordable_seconds(body: dict[str, Any]) -> float | None:
    """Seconds until the refused query can be paid for; None where the reply doesn't say."""
    cost = body.get("extensions", {}).get("cost", {})
    status = cost.get("throttleStatus")
    if not status:
        return None
    lacking = cost.get("requestedQueryCost", 0) - status["currentlyAvailable"]
    return max(float(lacking) / float(status["restoreRate"]), 0.0)


def _refill_seconds(reply: httpx.Response) -> float:
    """Seconds to wait before the next query, so that it is not refused."""
    status = reply.json().get("extensions", {}).get("cost", {}).get("throttleStatus")
    if not status:
        return 0.0
    lacking = status["maximumAvailable"] * _RESERVE - status["currentlyAvailable"]
    return max(float(lacking) / float(status["restoreRate"]), 0.0)
