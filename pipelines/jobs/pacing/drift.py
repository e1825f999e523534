"""Overspend and underspend: the last days against what is usual, by z and by percent.

On each day, the last 3 to ``window`` days on which the campaign ran are compared with what they
usually cost. An event opens when one of these windows is off by ``PERCENT`` or more *and* by
``z`` standard deviations of the campaign's own noise, with its last two days off in the same
direction; no day counts for more than its clipped residual. What is usual stays as it was before
the event, and the event closes when its last days are back within half of ``PERCENT`` of it. The
days are gone through from the oldest on, so the same rows always give the same events, whichever
runs came before.

Budgets of before the first pull aren't known: a raise of then looks like an event. Until the level
is of budgets that were seen, days within half of ``PERCENT`` of the budget are no fault, however
unusual they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipelines.jobs.pacing.usual import Floats, Usual

PERCENT = 0.25
HALF = 0.1
"""In logs: what each of the last two days has to be off by."""
MIN_DAYS = 3
"""One odd day, or two, are no event."""
CLOSING_DAYS = 3
NEW_NORMAL_DAYS = 28
"""After so many days a lower level is usual, and a higher one within the budget."""


@dataclass(frozen=True)
class Drift:
    """An event; ``first`` is its first day, ``percent`` and ``z`` are of its window when it opened.

    Args:
        last: the last of the days on which it is open.
        recent: percent of the last days up to ``last``.
    """

    detector: Literal["overspend", "underspend"]
    first: date
    opened: date
    last: date
    percent: float
    z: float
    recent: float


def drifts(usual: Usual, window: int, z_over: float, z_under: float) -> list[Drift]:
    """Every event, ascending; each direction has its own z."""
    if len(usual.days) < 2:
        return []
    percents, scores, starts = _windows(usual, window)
    best = np.argmax(np.abs(scores), axis=1)
    by_day = np.arange(len(best))
    score, percent = scores[by_day, best].tolist(), percents[by_day, best].tolist()
    logs = (usual.residual + np.log(usual.level)).tolist()
    of_budget = _of_budget(usual)
    unsure = [usual.sure_since is not None and day < usual.sure_since for day in usual.days]
    events: list[Drift] = []
    since, level, sign = -1, 0.0, 0
    for i, day in enumerate(usual.days):
        if since >= 0:
            event = events[-1]
            recent = _recent(usual, max(since, i - CLOSING_DAYS + 1), i, level)
            is_planned = sign * of_budget[i] < PERCENT / 2
            is_old = (day - event.first).days >= NEW_NORMAL_DAYS
            is_usual_now = is_old and (sign < 0 or is_planned)
            is_off = sign * recent >= PERCENT / 2 and not (unsure[i] and is_planned)
            if is_off and not is_usual_now:
                events[-1] = replace(event, last=day, recent=recent)
                continue
            since = -1
        if -z_under < score[i] < z_over:
            continue
        sign = 1 if score[i] > 0 else -1
        if unsure[i] and sign * of_budget[i] < PERCENT / 2:
            continue
        since = int(starts[i, best[i]])
        level = float(usual.level[since])
        # the window may have begun before the event
        while since < i - 1 and sign * (logs[since] - math.log(level)) < HALF:
            since += 1
        events.append(
            Drift(
                "overspend" if sign > 0 else "underspend",
                first=usual.days[since],
                opened=day,
                last=day,
                percent=percent[i],
                z=score[i],
                recent=_recent(usual, since, i, level),
            )
        )
    return events


def _of_budget(usual: Usual) -> list[float]:
    """By day, what its last days spent, over the budget of such days, less 1."""
    spend, shaped = (np.r_[0.0, np.cumsum(values)] for values in (usual.spend, usual.shaped))
    last = np.arange(1, len(usual.days) + 1)
    first = np.maximum(last - CLOSING_DAYS, 0)
    planned = np.maximum(shaped[last] - shaped[first], 1.0)
    ratio: list[float] = ((spend[last] - spend[first]) / planned - 1).tolist()
    return ratio


def _recent(usual: Usual, first: int, last: int, level: float) -> float:
    """What some days spent, over what they usually would, less 1."""
    usually = level * float(usual.shaped[first : last + 1].sum())
    return float(usual.spend[first : last + 1].sum()) / usually - 1 if usually > 0 else 0.0


def _windows(usual: Usual, window: int) -> tuple[Floats, Floats, npt.NDArray[np.int_]]:
    """By day and window: percent off, z (0 where the window doesn't count), and first index.

    A window's days are against the level that was usual before it, each clipped as the residuals
    are.
    """
    count = len(usual.days)
    levels = np.log(usual.level)
    logs = usual.residual + levels
    lengths = np.arange(MIN_DAYS, window + 1)
    ends = np.arange(count)[:, None]
    starts = ends - lengths + 1
    valid, begin = starts >= 0, np.maximum(starts, 0)
    level = levels[begin]
    sums = np.r_[0.0, np.cumsum(logs)]
    mean = (sums[ends + 1] - sums[begin]) / lengths - level
    wide = np.r_[0.0, np.cumsum(usual.wide)]
    spread = np.array([usual.window_spread(int(length)) ** 2 for length in lengths])
    score = mean / np.sqrt(spread + (wide[ends + 1] - wide[begin]) / lengths**2)
    today, yesterday = logs[:, None] - level, np.r_[logs[:1], logs[:-1]][:, None] - level
    same_way = np.where(
        mean > 0,
        np.minimum(today, yesterday) > HALF,
        np.maximum(today, yesterday) < -HALF,
    )
    percent = np.expm1(mean)
    counts = valid & same_way & (np.abs(mean) >= PERCENT)
    return percent, np.where(counts, score, 0.0), starts
