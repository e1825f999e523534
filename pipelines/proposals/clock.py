"""The ledger's clock: it never runs backwards, unless a person says, in an event, it was ahead.

Whoever sets it back accepts a new anchor with a reason, and puts the policy in force again: what
was proposed before can't be approved any more, so no expiry is got round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipelines.errors import DecisionRefused
from pipelines.proposals.events import LoggedEvent
from pipelines.proposals.policy import Clock, Moment
from pipelines.proposals.states import Action


def check_clock(events: Sequence[LoggedEvent], moment: Moment) -> None:
    """Time never runs backwards, and real time isn't continued by a clock that was set.

    Raises:
        DecisionRefused: the moment is before the newest event, or its clock is fixed and an
            earlier event's wasn't.
    """
    check_kind(events, moment)
    if is_before(events, moment):
        newest = events[-1]
        raise DecisionRefused(
            f"It is {_instant(moment.now)} by this clock, and the newest event, "
            f"{newest.sequence} ('{newest.action}' by {newest.actor}), was recorded at "
            f"{_instant(newest.occurred_at)}: time can't run backwards.",
            kept="nothing was recorded.",
            fix="Set this machine's clock right, or `now` in adcanary.yaml if that fixes it. If it "
            "is right and the other one was ahead: `adcanary audit anchor --accept --comment WHY` "
            "records that as an event, and what was proposed before must be proposed again.",
        )


def check_kind(events: Sequence[LoggedEvent], moment: Moment) -> None:
    """Real time isn't continued by a clock that was set.

    Raises:
        DecisionRefused: the moment's clock is fixed, and an earlier event's wasn't.
    """
    machine: Clock = "machine"
    if moment.clock != machine and any(e.clock == machine for e in events):
        raise DecisionRefused(
            f"The clock is fixed (now: {_instant(moment.now)}), but this ledger runs by the "
            "machine's clock.",
            kept="nothing was recorded.",
            fix="Remove `now` from adcanary.yaml, and ADCANARY_NOW.",
        )


def is_before(events: Sequence[LoggedEvent], moment: Moment) -> bool:
    """Whether a moment is before the newest event."""
    return bool(events) and moment.now < events[-1].occurred_at


def sets_back(event: LoggedEvent, before: LoggedEvent | None) -> bool:
    """Whether an event says that the clock of the one before it was ahead."""
    return (
        before is not None
        and event.action == Action.ANCHOR
        and event.occurred_at < before.occurred_at
    )


def of_the_future(events: Sequence[LoggedEvent], now: datetime) -> list[str]:
    """A line that names the events later than ``now``, if there are any."""
    later = [e for e in events if e.occurred_at > now]
    if not later:
        return []
    first, last = later[0], later[-1]
    until = "" if first is last else f" to {last.sequence}, {_instant(last.occurred_at)}"
    return [
        f"Later than now, {_instant(now)}: event {first.sequence} ('{first.action}' by "
        f"{first.actor}), {_instant(first.occurred_at)}{until}. A clock was ahead, or this one is "
        "behind."
    ]


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
