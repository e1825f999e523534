"""The simulated Meta Graph API: HTTP on loopback, read-only like our sources.

Serves ad account nodes, their campaigns, adsets and ads, and insights as asynchronous jobs
(https://developers.facebook.com/docs/marketing-api/insights/best-practices). Any other POST or
DELETE is recorded in ``mutations`` and refused.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from facebook_business.api import FacebookAdsApi
from fastapi import FastAPI, Request, Response

from pipelines.sandbox.clock import Clock
from pipelines.sandbox.loopback import Loopback
from pipelines.sandbox.market import Market
from pipelines.sandbox.meta_rows import (
    ACCOUNT_FIELDS,
    EDGE_FIELDS,
    INSIGHT_FIELDS,
    MetaBooks,
    Row,
)

_TRANSIENT = {1, 2, 4, 17, 32, 341, 613}
_STEPS = (("Job Started", 0), ("Job Running", 50), ("Job Completed", 100))
_FIRST_RUN_ID = 6_100_000_000_000
_WINDOWS = {"1d_click", "7d_click", "28d_click", "1d_view", "7d_view", "28d_view"}


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
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.subcode = code, message, subcode
        self.status, self.regain_minutes = status, regain_minutes


@dataclass(frozen=True)
class Mutation:
    """A call that would have changed something."""

    method: str
    path: str
    params: dict[str, str]


@dataclass
class _Job:
    account_id: str
    params: dict[str, str]
    ends_as: str
    polls: int = 0
    rows: list[Row] = field(default_factory=list)


class MetaServer:
    """The Graph API on ``url``, from ``with`` or between :meth:`start` and :meth:`stop`.

    Args:
        market: the world it reports on.
        clock: its ``today``; no day from it on has data.
        page_rows: rows a page holds at most, whatever ``limit`` asks for. Between a first page
            and the second one there is always an empty page that has a next.
    """

    def __init__(
        self,
        market: Market,
        clock: Clock,
        *,
        access_token: str = "sandbox-meta-token",
        page_rows: int = 1000,
    ) -> None:
        self.clock = clock
        self.access_token = access_token
        self.page_rows = page_rows
        self.usage_percent = 12
        self.mutations: list[Mutation] = []
        self._books = MetaBooks(market)
        self._jobs: dict[str, _Job] = {}
        self._failures: list[GraphError] = []
        self._job_ends: list[str] = []
        self._lock = threading.Lock()
        app = FastAPI(openapi_url=None)
        app.add_api_route("/{path:path}", self._handle, methods=["GET", "POST", "DELETE"])
        self._loopback = Loopback(app, "meta")

    @property
    def url(self) -> str:
        """Base URL for ``sources.meta_ads.graph_url``."""
        return self._loopback.url

    def start(self) -> MetaServer:
        self._loopback.start()
        return self

    def stop(self) -> None:
        self._loopback.stop()

    def __enter__(self) -> MetaServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def fail_next(
        self,
        code: int,
        times: int = 1,
        *,
        message: str = "The sandbox was told to fail.",
        status: int = 400,
        regain_minutes: int = 0,
    ) -> None:
        """Answer the next ``times`` calls with a Graph error, such as 17 (rate limit)."""
        error = GraphError(code, message, status=status, regain_minutes=regain_minutes)
        with self._lock:
            self._failures += [error] * times

    def end_next_job(self, status: str) -> None:
        """Let the next insights job end as ``Job Failed`` or ``Job Skipped``; another status
        is one it never leaves."""
        with self._lock:
            self._job_ends.append(status)

    async def _handle(self, request: Request) -> Response:
        params = dict(request.query_params)
        if request.method != "GET":
            params |= dict(parse_qsl((await request.body()).decode()))
        try:
            body, status, regain = self._answer(request, params), 200, 0
        except GraphError as error:
            body, status, regain = _envelope(error), error.status, error.regain_minutes
        usage = [
            {
                "type": "ads_insights",
                "call_count": self.usage_percent,
                "total_cputime": self.usage_percent // 2,
                "total_time": self.usage_percent // 3,
                "estimated_time_to_regain_access": regain,
            }
        ]
        headers = {"x-business-use-case-usage": json.dumps({"10150000000000001": usage})}
        return Response(orjson.dumps(body), status, headers, "application/json; charset=UTF-8")

    def _answer(self, request: Request, params: dict[str, str]) -> Row:
        version, *path = request.url.path.strip("/").split("/")
        if params.pop("access_token", None) != self.access_token:
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")
        if version != FacebookAdsApi.API_VERSION:
            raise GraphError(2635, f"(#2635) You are calling {version}, which is not served.")
        with self._lock:
            if self._failures:
                raise self._failures.pop(0)
        if request.method != "GET":
            return self._post(request.method, path, params)
        match path:
            case [node] if node in self._jobs:
                return self._poll(node)
            case [node]:
                self._known(node)
                return _only(params, ACCOUNT_FIELDS, self._books.account(node), "AdAccount")
            case [node, "insights"] if node in self._jobs:
                return self._page(request, params, self._finished(node))
            case [node, edge] if edge in EDGE_FIELDS:
                self._known(node)
                return self._page(request, params, self._edge_rows(node, edge, params))
        raise GraphError(100, f"(#100) Tried accessing nonexisting field ({path[-1]})")

    def _post(self, method: str, path: list[str], params: dict[str, str]) -> Row:
        if method == "POST" and len(path) == 2 and path[1] == "insights":
            self._known(path[0])
            return {"report_run_id": self._start_job(path[0], params)}
        with self._lock:
            self.mutations.append(Mutation(method, "/".join(path), params))
        raise GraphError(200, "(#200) The sandbox is read-only and recorded this call.", status=403)

    def _known(self, node: str) -> None:
        if not self._books.knows(node):
            raise GraphError(
                100,
                f"Unsupported get request. Object with ID '{node}' does not exist, cannot be "
                "loaded due to missing permissions, or does not support this operation",
                subcode=33,
            )

    def _edge_rows(self, account_id: str, edge: str, params: dict[str, str]) -> list[Row]:
        statuses = _json(params, "effective_status")
        rows = self._books.edge(account_id, edge, statuses, self.clock.today)
        return [_only(params, EDGE_FIELDS[edge], row, edge) for row in rows]

    def _start_job(self, account_id: str, params: dict[str, str]) -> str:
        level = params.get("level", "account")
        if level not in INSIGHT_FIELDS:
            raise GraphError(100, f"(#100) The sandbox has no insights at level '{level}'.")
        if params.get("time_increment") != "1":
            raise GraphError(100, "(#100) The sandbox has insights by day only.")
        _asked(params, INSIGHT_FIELDS[level], "insights")
        if unknown := set(_json(params, "action_attribution_windows") or ()) - _WINDOWS:
            raise GraphError(100, f"(#100) {sorted(unknown)} are no attribution windows.")
        with self._lock:
            run_id = str(_FIRST_RUN_ID + len(self._jobs))
            ends_as = self._job_ends.pop(0) if self._job_ends else "Job Completed"
            self._jobs[run_id] = _Job(account_id, params, ends_as)
        return run_id

    def _poll(self, run_id: str) -> Row:
        """A job's status, one step further with every call."""
        job = self._jobs[run_id]
        status, percent = _STEPS[min(job.polls, len(_STEPS) - 1)]
        job.polls += 1
        if percent == 100 and job.ends_as != "Job Completed":
            status, percent = job.ends_as, 50
        elif percent == 100 and not job.rows:
            job.rows = self._insights(job)
        return {
            "id": run_id,
            "account_id": job.account_id.removeprefix("act_"),
            "async_status": status,
            "async_percent_completion": percent,
        }

    def _finished(self, run_id: str) -> list[Row]:
        job = self._jobs[run_id]
        if job.polls < len(_STEPS) or job.ends_as != "Job Completed":
            raise GraphError(2601, "(#2601) The insights job has not completed.")
        return job.rows

    def _insights(self, job: _Job) -> list[Row]:
        level, days = job.params["level"], _json(job.params, "time_range")
        statuses = None
        for condition in _json(job.params, "filtering") or ():
            if condition["field"] == f"{level}.effective_status":
                statuses = condition["value"]
        rows = self._books.insights(
            job.account_id,
            level,
            (date.fromisoformat(days["since"]), date.fromisoformat(days["until"])),
            self.clock.today,
            windows=_json(job.params, "action_attribution_windows") or (),
            statuses=statuses,
        )
        wanted = {*_asked(job.params, INSIGHT_FIELDS[level], "insights"), "date_start", "date_stop"}
        return [{k: v for k, v in row.items() if k in wanted} for row in rows]

    def _page(self, request: Request, params: dict[str, str], rows: list[Row]) -> Row:
        """One page; cursors are ``<offset>`` or, for the empty page, ``<offset>-empty``."""
        offset, _, empty = params.get("after", "0").partition("-")
        start = int(offset)
        limit = min(int(params.get("limit", 25)), self.page_rows)
        stop = start if empty else start + limit
        page: Row = {"data": rows[start:stop], "paging": {}}
        more = stop < len(rows)
        after = f"{stop}-empty" if start == 0 and not empty and more else str(stop)
        page["paging"]["cursors"] = {"before": offset, "after": after}
        if more:
            query = {**params, "after": after, "access_token": self.access_token}
            page["paging"]["next"] = f"{self.url}{request.url.path}?{urlencode(query)}"
        return page


def _envelope(error: GraphError) -> Row:
    body: Row = {
        "message": error.message,
        "type": "OAuthException",
        "code": error.code,
        "is_transient": error.code in _TRANSIENT,
        "fbtrace_id": "Asandbox",
    }
    if error.subcode is not None:
        body["error_subcode"] = error.subcode
    return {"error": body}


def _json(params: dict[str, str], name: str) -> Any:
    try:
        return json.loads(params[name]) if name in params else None
    except ValueError as error:
        raise GraphError(100, f"(#100) Param {name} must be JSON.") from error


def _asked(params: dict[str, str], known: set[str], what: str) -> list[str]:
    fields = [f for f in params.get("fields", "").split(",") if f]
    for unknown in fields:
        if unknown not in known:
            raise GraphError(100, f"(#100) Tried accessing nonexisting field ({unknown}) on {what}")
    return fields


def _only(params: dict[str, str], known: set[str], row: Row, what: str) -> Row:
    """The row's asked fields and, as Graph always gives it, its id."""
    wanted = {"id", *_asked(params, known, what)}
    return {k: v for k, v in row.items() if k in wanted}
