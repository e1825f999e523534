"""Overspend and underspend: the last days against what is usual, by z and by percent.

On each day, the last 2 to ``window`` days on which the campaign ran are compared with what they
usually cost. An event opens when one of these windows is off by ``PERCENT`` or more *and* by
``z`` standard deviations of the campaign's own noise, with its last two days off in the same
direction. What is usual stays as it was before the event, and the event closes when its last days
are back within half of ``PERCENT``. The days are gone through from the oldest on, so the same rows
always give the same events, whichever runs came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from pipelines.jobs.pacing.usual import NEAR_ZERO, ODD, Floats, Usual

PERCENT = 0.2
HALF = 0.075
MIN_DAYS = 3
CLOSING_DAYS = 3
NEW_NORMAL_DAYS = 28
"""After so many days a lower level is usual."""


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


def drifts(usual: Usual, window: int, z: float) -> list[Drift]:
    """Every event, ascending."""
    if len(usual.days) < 2:
        return []
    percents, scores, starts = _windows(usual, window)
    events: list[Drift] = []
    spend, shaped = usual.spend, usual.shaped
    since, level, sign = -1, 0.0, 0
    for i in range(len(usual.days)):
        if since >= 0:
            begin = max(since, i - CLOSING_DAYS + 1)
            target = level * float(shaped[begin : i + 1].sum())
            recent = float(spend[begin : i + 1].sum()) / target - 1
            event = events[-1]
            grown_usual = sign < 0 and (usual.days[i] - event.first).days >= NEW_NORMAL_DAYS
            if sign * recent < PERCENT / 2 or grown_usual:
                since = -1
            else:
                events[-1] = Drift(**{**event.__dict__, "last": usual.days[i], "recent": recent})
                continue
        best = int(np.argmax(np.abs(scores[i])))
        score, percent = float(scores[i, best]), float(percents[i, best])
        if abs(score) < z:
            continue
        sign = 1 if score > 0 else -1
        since = int(starts[i, best])
        level = float(usual.level[since])
        events.append(
            Drift(
                "overspend" if sign > 0 else "underspend",
                usual.days[since],
                usual.days[i],
                usual.days[i],
                percent,
                score,
                percent,
            )
        )
    return events


def _windows(usual: Usual, window: int) -> tuple[Floats, Floats, npt.NDArray[np.int_]]:
    """By day and window: percent off, z (0 where the window doesn't count), and first index."""
    count = len(usual.days)
    logs = np.log(np.maximum(usual.spend / np.maximum(usual.shaped, 1.0), NEAR_ZERO))
    levels = np.log(usual.level)
    lengths = range(MIN_DAYS, window + 1)
    scores, percents = np.zeros((count, len(lengths))), np.zeros((count, len(lengths)))
    starts = np.arange(count)[:, None] - np.array(lengths)[None, :] + 1
    for column, length in enumerate(lengths):
        if length > count:
            break
        own = sliding_window_view(logs, length) - levels[: count - length + 1, None]
        own = np.clip(own, -ODD, ODD)
        mean = own.mean(axis=1)
        wide = sliding_window_view(usual.wide, length).sum(axis=1) / length**2
        score = mean / np.sqrt(usual.spread(length) ** 2 + wide)
        lowest, highest = own[:, -2:].min(axis=1), own[:, -2:].max(axis=1)
        same_way = np.where(mean > 0, lowest > HALF, highest < -HALF)
        percent = np.expm1(mean)
        counts = same_way & (np.abs(percent) >= PERCENT)
        percents[length - 1 :, column] = percent
        scores[length - 1 :, column] = np.where(counts, score, 0.0)
    return percents, scores, starts
