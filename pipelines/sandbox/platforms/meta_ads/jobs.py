"""Insights as the simulated Meta reports them: asynchronous jobs, polled to their end."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.sandbox.platforms.meta_ads.faults import JOB_ENDS, GraphError
from pipelines.sandbox.platforms.meta_ads.metrics import Row
from pipelines.sandbox.platforms.meta_ads.rows import INSIGHT_FIELDS, MetaBooks
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults

_STEPS = (("Job Started", 0), ("Job Running", 50), ("Job Completed", 100))
_FIRST_RUN_ID = 6_100_000_000_000
_WINDOWS = {"1d_click", "7d_click", "28d_click", "1d_view", "7d_view", "28d_view"}
_COMPLETED = "Job Completed"
_DAMAGED = {
    "error_code": 2,
    "error_subcode": 1504044,
    "error_message": "Service temporarily unavailable",
    "error_user_msg": "The report could not be made.",
}


@dataclass
class Job:
    """An insights job: whose, what was asked, what it found, how it ends."""

    run_id: str
    account_id: str
    params: dict[str, str]
    rows: list[Row]
    ends_as: str
    polls: int = 0


class Jobs:
    """Every insights job that was ever started, in order.

    Args:
        most_rows: rows a job may have while a fault makes larger ones fail.
    """

    def __init__(self, books: MetaBooks, clock: Clock, faults: Faults, most_rows: int) -> None:
        self._books, self._clock, self._faults = books, clock, faults
        self.most_rows = most_rows
        self.started: list[Job] = []
        self._lock = threading.Lock()

    def find(self, run_id: str) -> Job | None:
        number = int(run_id) - _FIRST_RUN_ID if run_id.isdigit() else -1
        return self.started[number] if 0 <= number < len(self.started) else None

    def start(self, account_id: str, params: dict[str, str]) -> Row:
        """Start a job; its number, or GraphError for what can't be asked."""
        level = params.get("level", "account")
        if level not in INSIGHT_FIELDS:
            raise GraphError(100, f"(#100) The sandbox has no insights at level '{level}'.")
        if params.get("time_increment") != "1":
            raise GraphError(100, "(#100) The sandbox has insights by day only.")
        if unknown := set(json_param(params, "action_attribution_windows") or ()) - _WINDOWS:
            raise GraphError(100, f"(#100) {sorted(unknown)} are no attribution windows.")
        rows = self._rows(account_id, level, params)
        with self._lock:
            run_id = str(_FIRST_RUN_ID + len(self.started))
            ends_as = self._ending(account_id, len(rows))
            self.started.append(Job(run_id, account_id, params, rows, ends_as))
        return {"report_run_id": run_id}

    @staticmethod
    def poll(job: Job) -> Row:
        """A job's state, one step further with every call."""
        status, percent = _STEPS[min(job.polls, len(_STEPS) - 1)]
        job.polls += 1
        damage: Row = {}
        if status == _COMPLETED != job.ends_as:
            status, percent = job.ends_as, 50
            damage = _DAMAGED if status == JOB_ENDS["job_failed"] else {}
        return {
            "id": job.run_id,
            "account_id": job.account_id.removeprefix("act_"),
            "async_status": status,
            "async_percent_completion": percent,
            **damage,
        }

    @staticmethod
    def found(job: Job) -> list[Row]:
        """What a job found; GraphError before its end."""
        if job.polls < len(_STEPS) or job.ends_as != _COMPLETED:
            raise GraphError(2601, "(#2601) The insights job has not completed.")
        return job.rows

    def _ending(self, account_id: str, rows: int) -> str:
        if rows > self.most_rows:
            for fault, status in JOB_ENDS.items():
                if self._faults.strikes(fault, account_id):
                    return status
        return _COMPLETED

    def _rows(self, account_id: str, level: str, params: dict[str, str]) -> list[Row]:
        days = json_param(params, "time_range")
        rows = self._books.insights(
            account_id,
            level,
            (date.fromisoformat(days["since"]), date.fromisoformat(days["until"])),
            self._clock.today,
            windows=json_param(params, "action_attribution_windows") or (),
            filtering=json_param(params, "filtering") or (),
        )
        asked = {*asked_fields(params, INSIGHT_FIELDS[level], "insights")}
        return [
            {k: v for k, v in row.items() if k in asked or k in ("date_start", "date_stop")}
            for row in rows
        ]


def json_param(params: dict[str, str], name: str) -> Any:
    """A parameter's value, None for none; GraphError for what isn't JSON."""
    try:
        return json.loads(params[name]) if name in params else None
    except ValueError as error:
        raise GraphError(100, f"(#100) Param {name} must be JSON.") from error


def asked_fields(params: dict[str, str], known: set[str], what: str) -> list[str]:
    """The fields that were asked for, without what of them; GraphError for one there isn't."""
    fields = [f for f in re.sub(r"{[^{}]*}", "", params.get("fields", "")).split(",") if f]
    for unknown in fields:
        if unknown not in known:
            raise GraphError(100, f"(#100) Tried accessing nonexisting field ({unknown}) on {what}")
    return fields
