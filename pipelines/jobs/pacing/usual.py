"""What a campaign usually spends: its weekdays, holidays, level and noise, learnt with shrinkage.

A day is read as budget × level × shape of the day, with noise. Each part is a robust estimate from
the weeks before the month, drawn towards what is true of no campaign in particular by as much as
the data are few (empirical Bayes, as James and Stein): a young campaign gets flat weekdays and
wide noise. The level is followed from day to day by an average with clipped steps, so that a
fault doesn't become usual before it is noticed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np
import numpy.typing as npt

from pipelines.jobs.pacing.evidence import HISTORY_DAYS, CampaignHistory

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int_]
Bools = npt.NDArray[np.bool_]

# Priors, and after how many days of its own a campaign's data weigh as much as they do.
NOISE, NOISE_DAYS = 0.2, 8.0
LEVEL, LEVEL_DAYS = 0.95, 3.0
HOLIDAY_SD = 0.3
CORRELATION_DAYS = 20.0
WINDOWS = 1.0
"""After so many windows of its own that don't overlap, they weigh as much as the model of them."""
LEVEL_STEP = 0.05
"""Weight of a day in the level: half of it is of the last two weeks."""
ODD = 0.45
"""Most that one day may count for, in logs: an odd day is no event."""
NEAR_ZERO = 1e-3
MAX_LEVEL = 1.05
"""Spending above the budget never becomes usual."""
_LOWEST, _HIGHEST = math.log(0.05), math.log(MAX_LEVEL)
FIRST_DAYS = 14
UNSURE_DAYS = 42
"""So long after a budget was first seen, the level may still be of an earlier one."""
CLIP = 2.5


@dataclass(frozen=True)
class Usual:
    """A campaign's days, arranged for detectors.

    Args:
        days: published days on which it had a budget and ran, ascending, history and month.
        spend, shaped: of these, micros spent, and its budget times the shape of the day.
        level: of these, the share of ``shaped`` that it usually spends, as known before the day.
        residual: of these, log of the spend over its usual, clipped at ODD.
        wide: variance of the day's shape, as a share of it squared: of holidays.
        weekdays: shape of Monday to Sunday; their mean is 1.
        holiday: factor of a public holiday, on a mix of its weekday and a Sunday.
        noise: standard deviation of a day around its usual spend, as a share of it.
        correlation: of the noise with that of the day before.
        last_level: the level as known after the last day.
        past: how many of the days are before the month.
        sure_since: from this day on, the level is of budgets that were seen; None for all days.
    """

    days: tuple[date, ...]
    spend: Floats
    shaped: Floats
    level: Floats
    residual: Floats
    wide: Floats
    weekdays: tuple[float, ...]
    holiday: float
    noise: float
    correlation: float
    last_level: float
    holidays: frozenset[date]
    past: int = 0
    sure_since: date | None = None

    def shape(self, day: date) -> float:
        """A day's spend as a multiple of a mean day's."""
        weekday = self.weekdays[day.weekday()]
        if day not in self.holidays:
            return weekday
        return _on_holiday(weekday, self.weekdays[6]) * self.holiday

    def spread(self, count: int) -> float:
        """Standard deviation of the mean residual of ``count`` days in a row, its noise being a
        first-order autoregression, with that of the level before them."""
        rho = self.correlation
        lags = 0.0
        if rho:
            lags = 2 * rho / (1 - rho) * (1 - (1 - rho**count) / (count * (1 - rho)))
        of_level = LEVEL_STEP / (2 - LEVEL_STEP)
        return float(self.noise * (max(1 + lags, 0.3) / count + of_level) ** 0.5)

    def window_spread(self, count: int) -> float:
        """As :meth:`spread`, and no less than the campaign's own windows of so many days have
        shown: what lasts longer than from one day to the next is in them, too."""
        modelled = self.spread(count)
        steady = self.residual[FIRST_DAYS // 2 : self.past]
        steady = steady[self.wide[FIRST_DAYS // 2 : self.past] == 0]
        if len(steady) < 2 * count:
            return modelled
        sums = np.r_[0.0, np.cumsum(steady)]
        own = robust_sd((sums[count:] - sums[:-count]) / count)
        weight = len(steady) / count
        shrunk = (weight * own**2 + WINDOWS * modelled**2) / (weight + WINDOWS)
        return float(max(modelled, shrunk**0.5))


def learn(
    history: CampaignHistory,
    month_first: date,
    as_of: date,
    holidays: frozenset[date] = frozenset(),
) -> Usual:
    """What is usual, from the days before ``month_first``; with all days up to ``as_of``."""
    days, spend, budget = _running_days(history, month_first, as_of)
    ratio = spend / budget
    weekday = np.array([day.weekday() for day in days], dtype=int)
    off = np.array([day in holidays for day in days], dtype=bool)
    past = int(np.searchsorted(np.array(days, dtype="datetime64[D]"), np.datetime64(month_first)))
    shape = _weekday_shape(ratio[:past], weekday[:past], off[:past])
    of_day = np.where(off, (shape[weekday] + min(shape[6], 1.0)) / 2, shape[weekday])
    factor, wide = _holiday(ratio[:past] / np.maximum(of_day[:past], 0.05), off[:past])
    of_day = np.where(off, of_day * factor, of_day)
    skipped = off | (of_day < 0.05)
    level, last, residual = _follow(ratio / np.maximum(of_day, 0.05), skipped)
    began = FIRST_DAYS // 2
    noise, correlation = _noise(residual[began:past][~skipped[began:past]])
    return Usual(
        days=days,
        spend=spend,
        shaped=budget * of_day,
        level=level,
        residual=residual,
        wide=np.where(off, wide, 0.0),
        weekdays=tuple(float(value) for value in shape),
        holiday=factor,
        noise=noise,
        correlation=correlation,
        last_level=last,
        holidays=holidays,
        past=past,
        sure_since=(
            history.budget_seen_since + timedelta(days=UNSURE_DAYS)
            if history.budget_seen_since
            else None
        ),
    )


def _running_days(
    history: CampaignHistory, month_first: date, as_of: date
) -> tuple[tuple[date, ...], Floats, Floats]:
    first = month_first - timedelta(days=HISTORY_DAYS)
    if history.first_date is None:
        return (), np.empty(0), np.empty(0)
    first = max(first, history.first_date)
    rows = []
    # without a budget, weekdays can still be learnt: any level does
    level = sum(history.costs.values()) / max(len(history.costs), 1)
    for age in range((as_of - first).days + 1):
        day = first + timedelta(days=age)
        cost = history.cost(day)
        budget = history.budget(day) if history.has_budget else level * history.may_spend(day)
        if cost is not None and budget > 0:
            rows.append((day, float(cost), float(budget)))
    if not rows:
        return (), np.empty(0), np.empty(0)
    days, spend, budgets = zip(*rows, strict=True)
    return days, np.array(spend), _taken_up(np.array(spend), np.array(budgets))


def _taken_up(spend: Floats, budget: Floats) -> Floats:
    """The budget that a day is judged by: for two days after a change, whichever between the old
    and the new one the day's spend is nearest to, as platforms take a change up in their time."""
    judged = budget.copy()
    for at in np.flatnonzero(budget[1:] != budget[:-1]) + 1:
        low, high = sorted((budget[at - 1], budget[at]))
        for day in range(int(at), min(int(at) + 2, len(budget))):
            judged[day] = min(max(spend[day], low), high)
    return judged


def _weekday_shape(ratio: Floats, weekday: Ints, off: Bools) -> Floats:
    """Means of the weekdays over their mean, drawn towards 1 by how uncertain they are."""
    groups: list[list[float]] = [[] for _ in range(7)]
    for value, day, skip in zip(ratio.tolist(), weekday.tolist(), off.tolist(), strict=True):
        if not skip:
            groups[day].append(value)
    if min(map(len, groups)) < 2:
        return np.ones(7)
    means = np.array([_robust_mean(group) for group in groups])
    if means.mean() <= 0:
        return np.ones(7)
    raw = means / means.mean()
    within = [
        value / means.mean() - of_day
        for group, of_day in zip(groups, raw.tolist(), strict=True)
        for value in group
    ]
    error = robust_sd(np.array(within)) ** 2 * 7 / len(within)
    between = max(float(np.var(raw, ddof=1)) - error, 0.0)
    kept = between / (between + error) if between + error > 0 else 1.0
    shape: Floats = 1 + (raw - 1) * kept
    return shape


def _holiday(relative: Floats, off: Bools) -> tuple[float, float]:
    """Factor of a holiday and its variance: a normal prior of 1 ± HOLIDAY_SD and those seen."""
    usual = np.median(relative[~off]) if (~off).any() else 0.0
    if not off.any() or usual <= 0:
        return 1.0, HOLIDAY_SD**2
    seen = relative[off] / usual
    between = HOLIDAY_SD**2
    # holidays differ among themselves about as much as the prior is wide
    precision = 1 / between + len(seen) / between
    return float((1 + seen.sum()) / (1 + len(seen))), 1 / precision + between / 2


def _follow(relative: Floats, skipped: Bools) -> tuple[Floats, float, Floats]:
    """The level before each day, after the last, and each day's log residual, clipped."""
    logs = np.log(np.maximum(relative, NEAR_ZERO)).tolist()
    skips = skipped.tolist()
    start = [v for v, skip in zip(logs[:FIRST_DAYS], skips[:FIRST_DAYS], strict=True) if not skip]
    of_prior = LEVEL_DAYS / (len(start) + LEVEL_DAYS)
    level = of_prior * math.log(LEVEL) + (1 - of_prior) * (median(start) if start else 0.0)
    levels, residuals = [], []
    for value, skip in zip(logs, skips, strict=True):
        level = min(max(level, _LOWEST), _HIGHEST)
        levels.append(level)
        residuals.append(min(max(value - level, -ODD), ODD))
        if not skip:
            level += LEVEL_STEP * residuals[-1]
    last = math.exp(min(max(level, _LOWEST), _HIGHEST))
    return np.exp(np.array(levels)), last, np.array(residuals)


def _noise(residual: Floats) -> tuple[float, float]:
    """Standard deviation and first autocorrelation, each drawn towards its prior."""
    count = len(residual)
    if count < 3:
        return NOISE, 0.0
    scale = robust_sd(residual)
    noise = ((NOISE_DAYS * NOISE**2 + count * scale**2) / (NOISE_DAYS + count)) ** 0.5
    centred = np.clip(residual - np.median(residual), -CLIP * scale, CLIP * scale)
    total = float(np.sum(centred**2))
    if total <= 0:
        return float(noise), 0.0
    rho = float(np.sum(centred[1:] * centred[:-1])) / total * count / (count + CORRELATION_DAYS)
    return float(noise), min(max(rho, -0.3), 0.7)


def robust_sd(values: Floats) -> float:
    """Standard deviation, of values clipped at CLIP robust deviations from their median."""
    if not len(values):
        return 0.0
    centre = np.median(values)
    deviation = 1.4826 * float(np.median(np.abs(values - centre)))
    # 1.03: what clipping takes off a normal's standard deviation
    return 1.03 * float(
        np.std(np.clip(values, centre - CLIP * deviation, centre + CLIP * deviation))
    )


def _robust_mean(values: list[float]) -> float:
    """Of values clipped as there; in plain Python, which is faster for a dozen."""
    centre = median(values)
    reach = CLIP * 1.4826 * median([abs(value - centre) for value in values])
    return sum(min(max(value, centre - reach), centre + reach) for value in values) / len(values)


def _on_holiday(weekday: float, sunday: float) -> float:
    """A holiday is taken to be between its weekday and a Sunday, before its own factor."""
    return (weekday + min(sunday, 1.0)) / 2
