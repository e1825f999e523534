"""Scores pacing by event on simulated months with planted faults, beside a random alerter.

A fault counts as noticed on the first day, while it lasts, whose run has an alert of its detector
open. What a run may know is what was published by then: days that are restated later are read as
they were first reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from pipelines.config import PacingSettings
from pipelines.errors import UsageError
from pipelines.evaluate.pacing_file import Brought, read_months
from pipelines.evaluate.pacing_months import (
    COUNTRY,
    FAULTS,
    CampaignMonth,
    FaultName,
    market_months,
)
from pipelines.evaluate.pacing_platforms import platform_months
from pipelines.jobs.pacing.calendar import public_holidays
from pipelines.jobs.pacing.detectors import open_faults
from pipelines.jobs.pacing.evidence import CampaignHistory, is_paced
from pipelines.jobs.pacing.target import Month

SIMULATORS: Mapping[str, Callable[[int, int], Iterator[CampaignMonth]]] = {
    "market": market_months,
    "platform": platform_months,
}
MAX_MONTHS = 20_000
ACCEPTED: Mapping[str, frozenset[str]] = {
    name: frozenset({name}) | ({"hard_cap"} if name == "overspend" else set()) for name in FAULTS
}
"""Detectors that notice a fault; a large overspend may break the daily cap first."""
EXPLAINED: Mapping[str, frozenset[str]] = {
    "underspend": frozenset({"underspend", "month_end"}),
    "overspend": frozenset({"overspend", "hard_cap", "month_end"}),
    "zero_delivery": frozenset({"zero_delivery", "underspend", "month_end"}),
    "hard_cap": frozenset({"hard_cap", "overspend", "month_end"}),
    "data_missing": frozenset({"data_missing"}),
}
"""Detectors whose alerts a fault explains: they are right, whichever noticed it first."""

Rule = Callable[[CampaignHistory, Sequence[date], date], frozenset[str]]
"""From a history, the days of the month and as_of to the names of what is at fault."""


@dataclass(frozen=True)
class EventScore:
    """How events of one kind were noticed; what rests on an event is None without one.

    Args:
        precision: share of the detector's own events that a fault explains.
        delay_median, delay_p90: days from the first of a fault to the day it was noticed on; one
            that never was counts as later than all.
        misspent: mean of what was spent beside the usual before that, in daily budgets, and
            ``misspent_amount`` in currency units.
    """

    events: int
    recall: float | None
    precision: float | None
    delay_median: float | None
    delay_p90: float | None
    misspent: float | None
    misspent_amount: float | None

    def figures(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class PacingScore:
    """A rule's score. ``alerted`` is the share of healthy campaign-months with any alert,
    ``alert_days`` on how many days of one an alert is open."""

    months: int
    healthy_months: int
    alerted: float
    alert_days: float
    by_fault: Mapping[FaultName, EventScore]

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        own = {k: v for k, v in self.__dict__.items() if k != "by_fault"}
        return own | {"faults": {name: s.figures() for name, s in self.by_fault.items()}}


@dataclass(frozen=True)
class _Watched:
    """A month's open faults by day."""

    month: CampaignMonth
    alerts: Mapping[date, frozenset[str]]


def score_pacing(months: int, simulator: str, seed: int) -> dict[str, dict[str, PacingScore]]:
    """By simulator, the score of pacing and of a random alerter of the same rate.

    Args:
        months: campaign-months a simulator.
        simulator: one of SIMULATORS, or all.

    Raises:
        UsageError: there is no such simulator, or too many months.
    """
    if simulator not in ("all", *SIMULATORS):
        raise UsageError(
            f"There is no simulator '{simulator}'.",
            kept="nothing was simulated.",
            fix=f"Use one of {', '.join(('all', *SIMULATORS))}.",
        )
    if not 1 <= months <= MAX_MONTHS:
        raise UsageError(
            f"{months} months can't be simulated.",
            kept="nothing was simulated.",
            fix=f"Use 1 to {MAX_MONTHS:,}; 500 take about a minute.",
        )
    names = SIMULATORS if simulator == "all" else (simulator,)
    return {name: score_rules(SIMULATORS[name](months, seed), seed=seed) for name in names}


def score_file(
    path: Path, holidays: str | None, seed: int
) -> tuple[Brought, dict[str, PacingScore], list[dict[str, Any]]]:
    """What a file has, the scores of pacing and of a random alerter of the same rate, and pacing's
    events: campaign, detector, and the first and last day of each unbroken run of alerts.

    Args:
        holidays: the country whose public holidays shape the target, ``US`` or ``DE-BY``.

    Raises:
        InputError: pacing can't be scored on it.
        UsageError: there are no holidays of that country.
    """
    brought = read_months(path)
    try:
        settings = PacingSettings(holidays=holidays)
    except ValidationError:
        raise UsageError(
            f"No public holidays of '{holidays}' are known.",
            kept="nothing was scored.",
            fix="Use a country, or a part of one: US, or DE-BY.",
        ) from None
    watched = _watch(brought.months, pacing_rule(settings))
    scores = {"pacing": _score(watched), "random": _score(_random(watched, seed))}
    return brought, scores, [event for each in watched for event in _events(each)]


def score_rules(
    months: Iterable[CampaignMonth], rules: Mapping[str, Rule] | None = None, seed: int = 1
) -> dict[str, PacingScore]:
    """The score of pacing, of other rules, and of a random alerter, in the same months."""
    sides = {"pacing": pacing_rule(PacingSettings(holidays=COUNTRY)), **(rules or {})}
    watched: dict[str, list[_Watched]] = {name: [] for name in sides}
    for month in months:
        days = {day: month.seen(day) for day in month.month}
        for name, rule in sides.items():
            alerts = {day: rule(seen, month.month, day) for day, seen in days.items()}
            watched[name].append(_Watched(month, alerts))
    scores = {name: _score(each) for name, each in watched.items()}
    return scores | {"random": _score(_random(watched["pacing"], seed))}


def _watch(months: Iterable[CampaignMonth], rule: Rule) -> list[_Watched]:
    return [
        _Watched(month, {day: rule(month.seen(day), month.month, day) for day in month.month})
        for month in months
    ]


def _events(each: _Watched) -> Iterator[dict[str, Any]]:
    for name in sorted(set().union(*each.alerts.values())):
        first = last = None
        for day, alerts in each.alerts.items():
            if name in alerts:
                first, last = first or day, day
            elif first:
                yield _event(each, name, first, last or first)
                first = None
        if first:
            yield _event(each, name, first, last or first)


def _event(each: _Watched, name: str, first: date, last: date) -> dict[str, Any]:
    campaign = each.month.campaigns[0].campaign_id
    return {"campaign": campaign, "detector": name, "first": first, "last": last}


def pacing_rule(settings: PacingSettings) -> Rule:
    """What the pacing job would have open."""
    years = range(2015, 2036)
    holidays = public_holidays(settings.holidays, years) if settings.holidays else frozenset()

    def rule(history: CampaignHistory, month: Sequence[date], day: date) -> frozenset[str]:
        if not is_paced(history, day):
            return frozenset()
        paced = Month.of(history, day, holidays)
        target = sum(paced.target.get(d, 0.0) for d in month if history.cost(d) is not None)
        spent = sum(history.cost(d) or 0 for d in month)
        pace = spent / target if target > 0 else None
        faults = open_faults(paced, day, day, pace, settings)
        return frozenset(fault.detector for fault in faults)

    return rule


def _random(watched: Sequence[_Watched], seed: int) -> list[_Watched]:
    """Alerts on days drawn by chance, each detector's as often a day as pacing's are open."""
    rng = np.random.default_rng([seed, 803])
    days = sum(len(each.alerts) for each in watched)
    rates = {
        name: sum(name in alerts for each in watched for alerts in each.alerts.values()) / days
        for name in FAULTS
    }
    return [
        _Watched(
            each.month,
            {
                day: frozenset(name for name in FAULTS if rng.random() < rates[name])
                for day in each.alerts
            },
        )
        for each in watched
    ]


def _score(watched: Sequence[_Watched]) -> PacingScore:
    healthy = [each for each in watched if each.month.fault is None]
    open_days = [sum(map(bool, each.alerts.values())) for each in healthy]
    right, wrong = _precision(watched)
    by_fault = {}
    for name in FAULTS:
        hits = [_noticed(each) for each in watched if _has(each, name)]
        delays = [np.inf if hit is None else hit[0] for hit in hits]
        lost = [_misspent(each) for each in watched if _has(each, name)]
        shown = right[name] + wrong[name]
        by_fault[name] = EventScore(
            events=len(hits),
            recall=float(np.mean(np.isfinite(delays))) if hits else None,
            precision=right[name] / shown if shown else None,
            delay_median=_quantile(delays, 0.5),
            delay_p90=_quantile(delays, 0.9),
            misspent=float(np.mean([days for days, _ in lost])) if lost else None,
            misspent_amount=float(np.mean([amount for _, amount in lost])) if lost else None,
        )
    return PacingScore(
        months=len(watched),
        healthy_months=len(healthy),
        alerted=float(np.mean([days > 0 for days in open_days])) if healthy else 0.0,
        alert_days=float(np.mean(open_days)) if healthy else 0.0,
        by_fault=by_fault,
    )


def _has(each: _Watched, name: str) -> bool:
    return each.month.fault is not None and each.month.fault.name == name


def _noticed(each: _Watched) -> tuple[int, date] | None:
    """After how many days, and on which, the fault was noticed while it lasted."""
    fault = each.month.fault
    if fault is None:
        return None
    for day, alerts in each.alerts.items():
        if fault.first <= day <= fault.last and alerts & ACCEPTED[fault.name]:
            return (day - fault.first).days, day
    return None


def _misspent(each: _Watched) -> tuple[float, float]:
    """What was spent beside the usual until the fault was noticed, or over: in daily budgets, and
    in currency units."""
    fault, hit = each.month.fault, _noticed(each)
    if fault is None or fault.name == "data_missing":
        return 0.0, 0.0
    until = hit[1] if hit else fault.last
    days = [day for day in each.month.month if fault.first <= day <= until]
    amount = sum(abs(each.month.spent(day) - each.month.usual[day]) for day in days)
    budget = each.month.campaigns[0].budget(fault.first) or max(each.month.usual[fault.first], 1.0)
    return amount / budget, amount / 1e6


def _precision(
    watched: Sequence[_Watched],
) -> tuple[dict[FaultName, int], dict[FaultName, int]]:
    """Events of each detector, unbroken runs of days with its alert open, that a fault explains
    (it lasts then, or did up to five days before), and those that none does."""
    right, wrong = dict.fromkeys(FAULTS, 0), dict.fromkeys(FAULTS, 0)
    for each in watched:
        fault = each.month.fault
        for name in FAULTS:
            before = False
            for day, alerts in each.alerts.items():
                now = name in alerts
                if now and not before:
                    explained = (
                        fault is not None
                        and name in EXPLAINED[fault.name]
                        and fault.first <= day
                        and (day - fault.last).days <= 5
                    )
                    (right if explained else wrong)[name] += 1
                before = now
    return right, wrong


def _quantile(delays: Sequence[float], share: float) -> float | None:
    """Of days, the later of two; None where it is never."""
    if not delays:
        return None
    value = float(np.quantile(delays, share, method="higher"))
    return value if np.isfinite(value) else None
