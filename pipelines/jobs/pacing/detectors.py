"""The faults that are open at ``as_of``: a detector each, so that a message can be specific.

- *overspend*, *underspend*: the last days against what the campaign usually spends
  (:mod:`pipelines.jobs.pacing.drift`). CRITICAL over ``critical`` in the month to date, or at a
  recent pace of 1.5 times the usual: a runaway, even while the month's average still hides it.
- *month_end*: no such event is open, but the interval of the month's forecast is outside of
  ``warning`` around what the month usually comes to: a slow drift.
- *hard_cap*: above what the platform allows itself, or a lifetime budget
  (:mod:`pipelines.jobs.pacing.limits`).
- *zero_delivery*: enabled, with a budget, and without spend on so many days in a row as are no
  chance by the campaign's own past. Of one that has spent every day before, the first is enough.
- *data_missing*: account-days of the month, over in the account's own time zone, that no published
  batch covers. Missing data is not zero spend.

What a person paused on purpose is no fault. The same rows always give the same alerts: an event's
first day and whether it is still open follow from the history alone, not from earlier runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pipelines.config import PacingSettings
from pipelines.jobs.pacing.drift import Drift, drifts
from pipelines.jobs.pacing.evidence import HISTORY_DAYS, STOPPED, CampaignHistory
from pipelines.jobs.pacing.limits import breaches
from pipelines.jobs.pacing.target import Month, recent_days
from pipelines.money import Money

Detector = Literal[
    "overspend", "underspend", "month_end", "hard_cap", "zero_delivery", "data_missing"
]
Severity = Literal["WARNING", "CRITICAL"]

RUNAWAY = 1.5
CHANCE = 0.02
"""Days without spend are no chance if they are less likely than this by the campaign's past."""
OFTEN = 0.6
"""A weekday that is without spend this often is one on which the campaign rests."""


@dataclass(frozen=True)
class Fault:
    """A fault open at ``as_of``; ``since`` is its first day.

    Args:
        z: of the days by which it was noticed, in the campaign's own noise; None for the others.
    """

    detector: Detector
    severity: Severity
    since: date
    message: str
    z: float | None = None


def open_faults(
    month: Month, as_of: date, due: date, pace: float | None, settings: PacingSettings
) -> Iterator[Fault]:
    """Open faults, at most one per detector.

    Zero delivery explains an underspend, and a drift the month's forecast: what is explained is
    left out. A paused or removed campaign has no spending left to be at fault.

    Args:
        due: the last day that should be published.
        pace: the month to date over its target.
    """
    history = month.history
    if missing := data_missing(history, month.days, due):
        yield missing
    if not history.has_budget or history.status in STOPPED:
        return
    if over := hard_cap(history, as_of):
        yield over
    zero = zero_delivery(history, as_of)
    if zero:
        yield zero
    event = open_drift(month, as_of, settings)
    if event is None:
        if not zero and (late := month_end(month, as_of, settings)):
            yield late
    elif not (zero and event.detector == "underspend"):
        yield off_usual(event, pace, settings)


def open_drift(month: Month, as_of: date, settings: PacingSettings) -> Drift | None:
    """The event that is open on the last published day, unless that is long ago."""
    days = month.usual.days
    if not days or (as_of - days[-1]).days >= settings.recent_days:
        return None
    events = drifts(month.usual, settings.window_days, settings.min_z, settings.min_z_under)
    return events[-1] if events and events[-1].last == days[-1] else None


def off_usual(event: Drift, pace: float | None, settings: PacingSettings) -> Fault:
    """An event of overspend or underspend as a fault."""
    runaway = event.recent >= RUNAWAY - 1
    critical = runaway or (
        pace is not None
        and abs(pace - 1) > settings.critical
        and (pace > 1) == (event.detector == "overspend")
    )
    sofar = "" if pace is None else f"The month to date is at {pace:.0%} of its target; "
    message = (
        f"{sofar}{'t' if sofar else 'T'}he last days at {1 + event.recent:.0%} of what the "
        f"campaign usually spends, since {event.first} (noticed on {event.opened}, "
        f"z {event.z:+.1f})."
    )
    severity: Severity = "CRITICAL" if critical else "WARNING"
    return Fault(event.detector, severity, event.first, message, event.z)


def month_end(month: Month, as_of: date, settings: PacingSettings) -> Fault | None:
    """The forecast misses what the month usually comes to by ``warning`` or more, and by so much
    more that ``min_z_under`` standard deviations of usual months don't explain it."""
    forecast, expected = month.forecast(as_of), month.usual_total()
    if forecast is None or forecast.surprise is None or expected <= 0:
        return None
    beyond = abs(forecast.micros - expected) - settings.warning * expected
    if month.history.first_date is None or beyond < settings.min_z_under * forecast.surprise:
        return None
    message = (
        f"The month is heading for {_money(forecast.micros, month.history)}, "
        f"{forecast.micros / expected:.0%} of the {_money(round(expected), month.history)} that "
        "its budget usually comes to; no single days stand out."
    )
    return Fault("month_end", "WARNING", as_of, message)


def hard_cap(history: CampaignHistory, as_of: date) -> Fault | None:
    """The longest breach of a limit that is open."""
    days = recent_days(history, as_of, HISTORY_DAYS // 2)
    recent = set(days[-2:])
    still = [b for b in breaches(history, days) if b.last in recent]
    if not still:
        return None
    first = min(still, key=lambda breach: breach.first)
    return Fault("hard_cap", "CRITICAL", first.first, " ".join(b.message for b in still))


def zero_delivery(history: CampaignHistory, as_of: date) -> Fault | None:
    """An enabled campaign with a budget that spent before and has stopped spending.

    A day that isn't published ends the search: missing data is not zero spend.
    """
    if history.status != "ENABLED" or history.budget(as_of) <= 0:
        return None
    last_spent = max((d for d, cost in history.costs.items() if cost and d <= as_of), default=None)
    published = recent_days(history, as_of, 2)
    if last_spent is None or not published or last_spent == published[-1]:
        return None
    empty, total = _zero_days_before(history, last_spent)
    zero_days: list[date] = []
    chance = 1.0
    day = published[-1]
    while history.cost(day) == 0 and day > last_spent:
        often = (empty[day.weekday()] + 0.01) / (total[day.weekday()] + 1)
        if often < OFTEN and history.budget(day) > 0:
            zero_days.append(day)
            chance *= often
        day -= timedelta(days=1)
    if not zero_days or chance > CHANCE:
        return None
    message = (
        f"Enabled with a daily budget of {_money(history.budget(as_of), history)}, but nothing "
        f"was spent on {len(zero_days)} published day(s) since {zero_days[-1]}; it last spent on "
        f"{last_spent}."
    )
    return Fault("zero_delivery", "CRITICAL", zero_days[-1], message)


def data_missing(history: CampaignHistory, month: Sequence[date], due: date) -> Fault | None:
    """Days of the month up to ``due`` that should be published and aren't.

    Days before the account's first published day don't count, if the history reaches back to it.
    """
    if not any(history.may_spend(day) for day in month if day <= due):
        return None
    opened = min(history.covered, default=month[0])
    missing = [d for d in month if d <= due and d >= opened and history.cost(d) is None]
    if not missing:
        return None
    message = (
        f"{len(missing)} day(s) of {history.platform} account {history.account_id} aren't "
        f"published, the first {missing[0]}: this is missing data, not zero spend. "
        "Ingest the account's days again."
    )
    return Fault("data_missing", "WARNING", missing[0], message)


def _zero_days_before(history: CampaignHistory, last: date) -> tuple[list[int], list[int]]:
    """By weekday, of the days up to ``last`` on which it could spend: those without, and all."""
    empty, total = [0] * 7, [0] * 7
    first = max(history.first_date or last, last - timedelta(days=HISTORY_DAYS))
    for age in range((last - first).days + 1):
        day = last - timedelta(days=age)
        cost = history.cost(day)
        if cost is not None and history.may_spend(day):
            total[day.weekday()] += 1
            empty[day.weekday()] += cost == 0
    return empty, total


def _money(micros: int, history: CampaignHistory) -> str:
    return str(Money(micros, history.currency_code))
