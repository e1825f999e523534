"""Whether an answer stands when a week of data comes in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from pipelines.jobs.mmm.calibration import Calibration
from pipelines.jobs.mmm.checks import Check, at_most
from pipelines.jobs.mmm.curves import marginal_orders, percentiles
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.forward import steady
from pipelines.jobs.mmm.weeks import MICRO, Weeks

MAX_SURPRISE = 2.5
"""Standard deviations by which a week may miss what was expected of it, before it explains why an
answer changed."""
_REVERSED = 0.2


@dataclass(frozen=True)
class Earlier:
    """What an earlier fit said of a channel: 10th, 50th and 90th percentiles.

    Args:
        money: weekly spend that it is said of.
        orders: weekly orders at this spend.
        marginal: orders for one more unit of money.
    """

    channel: str
    money: float
    orders: tuple[float, ...]
    marginal: tuple[float, ...]


def earlier_answers(fitted: Fitted, weeks: Weeks) -> list[Earlier]:
    """Of a fit to part of the weeks, of the channels that it knows, at their current spend."""
    said = []
    for i, channel in enumerate(weeks.channels):
        if channel not in fitted.panel.channels:
            continue
        own = fitted.panel.channels.index(channel)
        money = weeks.typical_money(i)
        orders = percentiles(steady(fitted, own, np.array([money])))[:, 0]
        marginal = percentiles(marginal_orders(fitted, own, money))
        said.append(Earlier(channel, money, tuple(orders), tuple(marginal)))
    return said


def stored_answers(rows: Sequence[Mapping[str, Any]]) -> list[Earlier]:
    """Of an earlier run, from rows of previous.sql."""
    return [
        Earlier(
            row["channel"],
            row["weekly_spend_micros"] / MICRO,
            tuple(row[f"orders_p{p}"] for p in (10, 50, 90)),
            tuple(row[f"marginal_orders_p{p}"] for p in (10, 50, 90)),
        )
        for row in rows
        if row["weekly_spend_micros"]
    ]


def stability(
    name: str, past: Sequence[Earlier], fitted: Fitted, since: str, explanation: str | None
) -> Iterator[Check]:
    """How far the answer has moved, by channel, and whether channels change places.

    Args:
        name: of the comparison.
        past: the earlier answer.
        since: how the earlier answer is called in a sentence.
        explanation: why it may well have moved, which makes a change no refusal.
    """
    kept = [a for a in past if a.channel in fitted.panel.channels]
    at = [fitted.panel.channels.index(a.channel) for a in kept]
    marginal = [marginal_orders(fitted, i, a.money) for i, a in zip(at, kept, strict=True)]
    for i, answer in zip(at, kept, strict=True):
        now = float(np.median(steady(fitted, i, np.array([answer.money]))))
        low, middle, high = answer.orders
        width = high - middle if now > middle else middle - low
        moved = abs(now - middle) / max(width, 1e-9)
        yield at_most(
            f"{name}_{answer.channel}",
            moved,
            1.0,
            f"{since}, {answer.channel} brought {middle:.0f} orders a week ({low:.0f} to "
            f"{high:.0f}), and now {now:.0f}{explanation or ''}",
            channel=answer.channel,
            refuses=explanation is None,
        )
    flipped = [
        (kept[i].channel, kept[j].channel)
        for i in range(len(kept))
        for j in range(len(kept))
        if kept[i].marginal[0] > kept[j].marginal[2]
        and float((marginal[i] > marginal[j]).mean()) < _REVERSED
    ]
    pairs = ", ".join(f"{first} and {second}" for first, second in flipped)
    yield at_most(
        f"{name}_flips",
        len(flipped),
        0,
        f"since {since}, {pairs} have changed places by what more spend brings{explanation or ''}",
        refuses=explanation is None,
    )


def measured_since(calibration: Calibration, day: date) -> str | None:
    """What explains a change: experiments that were counted after a day; None without any."""
    new = [c.experiment for c in calibration.comparisons if c.experiment.counted_to > day]
    if not new:
        return None
    names = ", ".join(one.experiment_id for one in new)
    return f": since then, experiment {names} was counted, which explains it"


def surprise(week: date, actual: float, expected: float, noise: float) -> str | None:
    """What explains a change: a week that nobody could expect; None if it was as expected."""
    if abs(actual - expected) <= MAX_SURPRISE * noise:
        return None
    return (
        f": the week of {week} had {actual:.0f} orders where {expected:.0f} were expected, "
        "which explains it"
    )
