"""Insights jobs: what is asked of them, and smaller ones in place of those that Meta can't end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.campaign import Campaign

from pipelines.errors import SourceUnavailable
from pipelines.sources.base import KEPT, Window
from pipelines.sources.meta_ads.api import Graph, Row
from pipelines.sources.meta_ads.errors import TooMuchData

WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")
# what an account divides into, from the top; account-level reports have no parts but days
LEVELS = ("campaign", "adset", "ad")
PARENT = {"adset": "campaign_id", "ad": "adset_id"}

_DELIVERY = ("impressions", "clicks", "spend")
_METRICS = (
    *_DELIVERY,
    "actions",
    "action_values",
    "video_play_actions",
    "video_p100_watched_actions",
)
_FIELDS = {
    "account": ("account_id", *_DELIVERY),
    "campaign": ("campaign_id", "campaign_name", *_METRICS),
    "adset": ("campaign_id", "adset_id", "adset_name", *_METRICS),
    "ad": ("campaign_id", "adset_id", "ad_id", "ad_name", *_METRICS),
}
_KEY = ("date_start", "campaign_id", "adset_id", "ad_id")
_AT_ONCE = 10
_TRIES = 2
_FIRST_POLL, _SLOWEST_POLL, _POLL_GROWTH = 0.05, 5.0, 1.6


def _values(enum: type) -> tuple[str, ...]:
    return tuple(sorted(v for k, v in vars(enum).items() if not k.startswith("_")))


EVERY_STATUS = {
    "campaign": _values(Campaign.EffectiveStatus),
    "adset": _values(AdSet.EffectiveStatus),
    "ad": _values(Ad.EffectiveStatus),
}


@dataclass(frozen=True)
class Part:
    """The entities of a level with one of the ids or, as ``rest``, with none of them."""

    level: str
    ids: tuple[str, ...]
    rest: bool = False

    def __str__(self) -> str:
        named = ", ".join(self.ids[:3]) + (", …" if len(self.ids) > 3 else "")
        return f"{self.level} {'none of ' if self.rest else ''}{named}"


@dataclass(frozen=True)
class Report:
    """One level's delivery by day, of the whole account or of what all ``parts`` let through."""

    level: str
    window: Window
    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        return ", ".join([f"{self.level} level", str(self.window), *map(str, self.parts)])

    def params(self) -> Row:
        """What to ask of the job. Without the status filter Meta leaves out what was deleted."""
        conditions: list[Row] = [
            {
                "field": f"{part.level}.id",
                "operator": "NOT_IN" if part.rest else "IN",
                "value": part.ids,
            }
            for part in self.parts
        ]
        if self.level in EVERY_STATUS:
            every_status = EVERY_STATUS[self.level]
            field = f"{self.level}.effective_status"
            conditions.insert(0, {"field": field, "operator": "IN", "value": every_status})
        start, end = self.window.start.isoformat(), self.window.end.isoformat()
        return {
            "level": self.level,
            "time_range": {"since": start, "until": end},
            "time_increment": 1,
            "fields": ",".join(_FIELDS[self.level]),
            "action_attribution_windows": list(WINDOWS),
            "filtering": json.dumps(conditions),
        }

    def smaller(self, entities: Mapping[str, Sequence[Row]]) -> list[Report]:
        """Two or three reports that have its rows between them, none twice; [] for a smallest.

        First by halves of its days, then by halves of campaigns, of the ad sets of a campaign,
        of the ads of an ad set, down to the report's own level. Whatever of a part is not
        listed is asked for as the rest of it.

        Args:
            entities: what is listed by level, with ``id`` and the parent's id.
        """
        days = (self.window.end - self.window.start).days + 1
        if days > 1:
            return [replace(self, window=half) for half in self.window.split((days + 1) // 2)]
        above, last = self.parts[:-1], self.parts[-1:]
        if any(part.rest for part in last):
            return []
        if last and len(last[0].ids) > 1:
            return [replace(self, parts=(*above, half)) for half in _halves(last[0])]
        if self.level not in LEVELS or len(self.parts) > LEVELS.index(self.level):
            return []
        below = LEVELS[len(self.parts)]
        ids = tuple(
            row["id"] for row in entities[below] if not last or row[PARENT[below]] == last[0].ids[0]
        )
        if not ids:
            return []
        listed = Part(below, ids)
        parts = [*_halves(listed), replace(listed, rest=True)]
        return [replace(self, parts=(*self.parts, part)) for part in parts]


@dataclass(frozen=True)
class _Unfinished:
    """Why a job gave no rows, and whether the same one may give them if started again."""

    why: str
    again: bool


class ReportReader:
    """Reads reports of one account as jobs that run side by side, up to ten at once.

    Args:
        entities: the account's campaigns, ad sets and ads, as :meth:`Report.smaller` takes them.
        timeout: seconds after which jobs started together that have not ended are given up.
        sleep: how to wait, in seconds.
    """

    def __init__(
        self,
        graph: Graph,
        account_id: str,
        entities: Mapping[str, Sequence[Row]],
        *,
        timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._graph, self._account_id, self._entities = graph, account_id, entities
        self._timeout, self._sleep = timeout, sleep

    def read(self, reports: Sequence[Report]) -> dict[str, list[Row]]:
        """Every row by level, sorted by day and ids, however it had to be asked for.

        A job that ended as failed or skipped is started once more; one that does so again,
        hangs or is too large is replaced by smaller ones.

        Raises:
            SourceUnavailable: the smallest job has no end either; names it and the account.
        """
        by_level: dict[str, list[Row]] = {report.level: [] for report in reports}
        waiting = [(report, _TRIES) for report in reports]
        while waiting:
            now, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            outcomes = self._run([report for report, _ in now])
            # what replaces a job goes first: where nothing works, that shows after few jobs
            first: list[tuple[Report, int]] = []
            for (report, tries), outcome in zip(now, outcomes, strict=True):
                if isinstance(outcome, list):
                    by_level[report.level] += outcome
                elif outcome.again and tries > 1:
                    first.append((report, tries - 1))
                elif smaller := report.smaller(self._entities):
                    first += [(part, _TRIES) for part in smaller]
                else:
                    raise self._given_up(report, outcome)
            waiting = [*first, *waiting]
        for rows in by_level.values():
            rows.sort(key=lambda row: tuple(row.get(name, "") for name in _KEY))
        return by_level

    def _run(self, reports: Sequence[Report]) -> list[list[Row] | _Unfinished]:
        """What became of each report's job."""
        started = [self._tried(self._start, report) for report in reports]
        jobs = [job for job in started if isinstance(job, str)]
        ended = self._wait_for(jobs)
        return [
            job if isinstance(job, _Unfinished) else ended.get(job) or self._tried(self._rows, job)
            for job in started
        ]

    def _start(self, report: Report) -> str:
        return self._graph.start_report(self._account_id, report.params())

    def _rows(self, run_id: str) -> list[Row]:
        return self._graph.report_rows(self._account_id, run_id)

    @staticmethod
    def _tried(ask: Callable[[Any], Any], what: Any) -> Any:
        try:
            return ask(what)
        except TooMuchData as error:
            return _Unfinished(f"is too large: {error.message}", again=False)

    def _wait_for(self, jobs: Collection[str]) -> dict[str, _Unfinished]:
        """Wait until all have ended or the time is over; those without rows, and why."""
        unfinished: dict[str, _Unfinished] = {}
        pending = set(jobs)
        deadline, pause = time.monotonic() + self._timeout, _FIRST_POLL
        while True:
            for run_id in sorted(pending):
                job = self._graph.job(self._account_id, run_id)
                status = job.get("async_status")
                if status in ("Job Failed", "Job Skipped"):
                    unfinished[run_id] = _Unfinished(_ending(run_id, job), again=True)
                elif status != "Job Completed" or job.get("async_percent_completion") != 100:
                    continue
                pending.discard(run_id)
            if not pending:
                return unfinished
            if time.monotonic() + pause > deadline:
                why = f"had not completed after {self._timeout:g} s"
                late = {run_id: _Unfinished(f"{run_id} {why}", again=False) for run_id in pending}
                return {**unfinished, **late}
            self._sleep(pause)
            pause = min(pause * _POLL_GROWTH, _SLOWEST_POLL)

    def _given_up(self, report: Report, outcome: _Unfinished) -> SourceUnavailable:
        return SourceUnavailable(
            f"meta_ads account {self._account_id}: insights job {outcome.why} ({report}), and "
            "no smaller one can be asked for.",
            kept=KEPT,
            fix="Run again later; if it fails again, report the job's number to Meta.",
        )


def _halves(part: Part) -> list[Part]:
    half = (len(part.ids) + 1) // 2
    return [replace(part, ids=ids) for ids in (part.ids[:half], part.ids[half:]) if ids]


def _ending(run_id: str, job: Row) -> str:
    message = job.get("error_user_msg") or job.get("error_message")
    said = f" (code {job.get('error_code')}: {message})" if message else ""
    return f"{run_id} ended as '{job['async_status']}'{said}"
