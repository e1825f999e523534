"""Of the jobs: whether each ran for yesterday, and still answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pipelines.finding import Finding, fail, ok, skip, warn
from pipelines.jobs.registry import JOBS
from pipelines.landing.freshness import LATE, STALE
from pipelines.monitors.held import Held

_KNOWN_DAYS = 35
# For so long, that a job no longer answers is news.
_NEWS = timedelta(days=7)


def jobs(held: Held) -> Iterator[Finding]:
    """The last run of each job of the daily flow, held against the day and its runs before."""
    rows = held.rows("job_runs", since=held.days_ago(_KNOWN_DAYS))
    if not rows:
        yield skip("jobs", f"No job has run for a day of the last {_KNOWN_DAYS}.")
        return
    by_job: dict[str, list[Mapping[str, Any]]] = {name: [] for name in JOBS}
    for row in rows:
        by_job.setdefault(row["job"], []).append(row)
    for name, runs in by_job.items():
        yield _of_job(held, name, runs)


def _of_job(held: Held, job: str, runs: list[Mapping[str, Any]]) -> Finding:
    name = f"jobs:{job}"
    fix = f"Run `adcanary job {job}`, and see why the decide flow didn't."
    if not runs:
        return warn(name, f"It has no run for a day of the last {_KNOWN_DAYS}.", fix)
    last, *earlier = runs
    behind = (held.yesterday - last["as_of"]).days
    message = f"{last['verdict']} as of {last['as_of']}."
    if behind > STALE:
        return fail(name, message, fix)
    if behind > LATE:
        return warn(name, message, fix)
    passed = next((run for run in earlier if run["verdict"] == "PASS"), None)
    if last["verdict"] == "NO_DATA" and passed and last["as_of"] - passed["as_of"] <= _NEWS:
        return warn(
            name,
            f"{message} As of {passed['as_of']} it was PASS. {last['reason']}",
            "Read the reason: something that it reads has stopped coming.",
        )
    return ok(name, message)
