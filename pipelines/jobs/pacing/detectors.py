"""The faults that may be open at ``as_of``: a detector each, so that a message can be specific.

Thresholds (a daily ± threshold would be noise: platforms may spend twice a day's budget):

- *overspend*, *underspend*: month to date off target by ``warning`` or more, and the last
  ``recent_days`` off in the same direction by as much, and by ``min_z`` standard deviations of the
  campaign's own day-to-day noise. Over ``critical`` it is CRITICAL. A recent pace of 1.5 times the
  target is a runaway: CRITICAL even while the month's average still hides it.
- *hard_cap*: a day above what the platform allows itself (``daily_cap`` in platforms.yaml), on one
  of the last two published days.
- *zero_delivery*: enabled, with a budget, at least two published days in a row without spend.
- *data_missing*: account-days of the month, over in the account's own time zone, that no published
  batch covers.

Hysteresis is kept simple: a fault is open while its entry condition holds at ``as_of``, and the
five-day window (two days for hard_cap) keeps it from flapping. There is no lower exit level and no
memory of earlier runs, so the same evidence always gives the same alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Literal

from pipelines.config import PacingSettings
from pipelines.jobs.pacing.evidence import HISTORY_DAYS, CampaignHistory
from pipelines.jobs.pacing.target import Target, recent_days
from pipelines.money import Money
from pipelines.platforms import daily_cap

Detector = Literal["overspend", "underspend", "hard_cap", "zero_delivery", "data_missing"]
Severity = Literal["WARNING", "CRITICAL"]

RUNAWAY = 1.5
RUNAWAY_DAYS = 2
ZERO_DAYS = 2
HARD_CAP_DAYS = 2
MIN_NOISE = 0.02
"""Least noise, as a share of a day's target: even a campaign that spends evenly has some."""


@dataclass(frozen=True)
class Fault:
    """A fault open at ``as_of``; ``since`` is its first day."""

    detector: Detector
    severity: Severity
    since: date
    message: str


@dataclass(frozen=True)
class Recent:
    """The last few published days against their target; ``z`` is None without a noise estimate."""

    days: tuple[date, ...]
    ratio: float | None
    z: float | None
    mean_micros: int | None


def recent_window(history: CampaignHistory, target: Target, as_of: date, count: int) -> Recent:
    """The last ``count`` published days.

    Noise is the campaign's own: 1.4826 times the median absolute deviation of daily spend over
    target, in the published days of the eight weeks before the window.
    """
    days = recent_days(history, as_of, count)
    if not days:
        return Recent((), None, None, None)
    spent = sum(history.cost(day) or 0 for day in days)
    expected = target.over(days)
    mean = round(spent / len(days))
    if expected <= 0:
        return Recent(tuple(days), None, None, mean)
    ratio = spent / expected
    noise = _daily_noise(history, target, days[0])
    z = None if noise is None else (ratio - 1) * len(days) ** 0.5 / max(noise, MIN_NOISE)
    return Recent(tuple(days), ratio, z, mean)


def off_target(
    history: CampaignHistory,
    target: Target,
    recent: Recent,
    pace: float | None,
    settings: PacingSettings,
) -> Fault | None:
    """Overspend or underspend (see the module's docstring).

    A campaign too young for a noise estimate can only be reported as a runaway.
    """
    if pace is None or recent.ratio is None:
        return None
    drift = recent.ratio - 1
    noisy = recent.z is not None and abs(recent.z) < settings.min_z
    if noisy or abs(drift) < settings.warning:
        return None
    runaway = recent.ratio >= RUNAWAY and len(recent.days) >= RUNAWAY_DAYS
    same_way = (pace - 1) * drift > 0 and abs(pace - 1) >= settings.warning
    if not (runaway or (same_way and recent.z is not None)):
        return None
    critical = runaway or abs(pace - 1) > settings.critical
    detector: Detector = "overspend" if drift > 0 else "underspend"
    since = _drift_since(history, target, recent.days[-1], drift, settings)
    message = (
        f"The month to date is at {pace:.0%} of its target, the last {len(recent.days)} published "
        f"days at {recent.ratio:.0%} of theirs; off target since {since}."
    )
    return Fault(detector, "CRITICAL" if critical else "WARNING", since, message)


def hard_cap(history: CampaignHistory, as_of: date) -> Fault | None:
    """A day above the platform's own daily limit. The day before counts for the budget too: after
    a change, the limit follows the highest budget of the day."""
    breaches = [
        day for day in recent_days(history, as_of, HISTORY_DAYS // 2) if over_cap(history, day)
    ]
    last = recent_days(history, as_of, HARD_CAP_DAYS)
    if not set(breaches) & set(last):
        return None
    since = breaches[-1]
    for day in reversed(breaches[:-1]):
        if (since - day).days > HARD_CAP_DAYS:
            break
        since = day
    worst = breaches[-1]
    cost, budget = history.cost(worst) or 0, history.budget(worst)
    message = (
        f"{worst} cost {_money(cost, history)}, {cost / budget if budget else 0:.1f} times its "
        f"daily budget of {_money(budget, history)}; {history.platform} may spend "
        f"{daily_cap(history.platform, worst):g} times on a day. First on {since}."
    )
    return Fault("hard_cap", "CRITICAL", since, message)


def zero_delivery(history: CampaignHistory, target: Target, as_of: date) -> Fault | None:
    """An enabled campaign with a budget that spent before and has stopped spending.

    Weekdays on which it never spends don't count, and a day that isn't published ends the search:
    missing data is not zero spend.
    """
    if history.status != "ENABLED" or history.budget(as_of) <= 0:
        return None
    last_spent = max((d for d, cost in history.costs.items() if cost and d <= as_of), default=None)
    published = recent_days(history, as_of, ZERO_DAYS)
    if last_spent is None or not published:
        return None
    zero_days: list[date] = []
    day = published[-1]
    while history.cost(day) == 0 and day > last_spent:
        if target.shape[day.weekday()] > 0 and not history.was_paused(day):
            zero_days.append(day)
        day -= timedelta(days=1)
    if len(zero_days) < ZERO_DAYS:
        return None
    message = (
        f"Enabled with a daily budget of {_money(history.budget(as_of), history)}, but nothing "
        f"was spent on {len(zero_days)} published days since {zero_days[-1]}; it last spent on "
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


def over_cap(history: CampaignHistory, day: date) -> bool:
    """Whether a day cost more than the platform allows itself."""
    return (history.cost(day) or 0) > _most(history, day) > 0


def _daily_noise(history: CampaignHistory, target: Target, before: date) -> float | None:
    if history.first_date is None:
        return None
    ratios = []
    for age in range(1, HISTORY_DAYS + 1):
        day = before - timedelta(days=age)
        cost, expected = history.cost(day), target.daily.get(day, 0.0)
        if cost is not None and expected > 0:
            ratios.append(cost / expected)
    if len(ratios) < 14:
        return None
    centre = median(ratios)
    return 1.4826 * median(abs(ratio - centre) for ratio in ratios)


def _drift_since(
    history: CampaignHistory,
    target: Target,
    as_of: date,
    drift: float,
    settings: PacingSettings,
) -> date:
    """First day of the unbroken run in which the recent window, then single days, were off."""

    def off(days: Sequence[date]) -> bool:
        expected = target.over(days)
        spent = sum(history.cost(day) or 0 for day in days)
        if not days or expected <= 0:
            return False
        return (spent / expected - 1) * (1 if drift > 0 else -1) >= settings.warning

    published = recent_days(history, as_of, HISTORY_DAYS // 2)
    at = len(published) - 1
    while at > 0 and off(published[max(0, at - settings.recent_days) : at]):
        at -= 1
    # the window passes its threshold late after a small drift, and early after a large one
    while at > 0 and off(published[at - 1 : at]):
        at -= 1
    while at < len(published) - 1 and not off(published[at : at + 1]):
        at += 1
    return published[at]


def _most(history: CampaignHistory, day: date) -> float:
    budget = max(history.budget(day), history.budget(day - timedelta(days=1)))
    return budget * daily_cap(history.platform, day)


def _money(micros: int, history: CampaignHistory) -> str:
    return str(Money(micros, history.currency_code))
