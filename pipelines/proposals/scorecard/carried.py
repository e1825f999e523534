"""Whether a change was carried out outside adcanary, by reading budgets and statuses back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from pipelines.proposals.proposal import Change

WITHIN = timedelta(days=28)
"""A change that comes later than so long after its decision isn't taken for this one."""
TOLERANCE = 0.10
"""Of the proposed change: what is nearer to the proposed value has reached it."""
PARTLY = 0.25
"""Of the proposed change: from here on it was carried out in part."""
STOPPED = {"PAUSED", "REMOVED"}


class Outcome(StrEnum):
    CARRIED_OUT = "CARRIED_OUT"
    PARTLY = "PARTLY"
    REVERTED = "REVERTED"
    BEFORE_DECISION = "BEFORE_DECISION"
    UNRECORDED = "UNRECORDED"
    OTHERWISE = "OTHERWISE"
    NOT_CARRIED_OUT = "NOT_CARRIED_OUT"
    WAITING = "WAITING"
    NO_DATA = "NO_DATA"


IN_PLACE = {Outcome.CARRIED_OUT, Outcome.PARTLY, Outcome.REVERTED, Outcome.UNRECORDED}
"""Of these, an effect can be measured."""


@dataclass(frozen=True)
class Sighting:
    """A value from a day, in the account's time zone, until the next sighting: a daily budget in
    micros, or a status."""

    day: date
    value: str


@dataclass(frozen=True)
class Trace:
    """What became of a change.

    Args:
        effective_on: day on which the value was first seen.
        until: day on which it was seen to be another one again; None while it holds.
        share: of the proposed change that was carried out.
    """

    outcome: Outcome
    effective_on: date | None = None
    until: date | None = None
    share: float | None = None


def trace(
    change: Change,
    sightings: Sequence[Sighting],
    *,
    drafted_on: date,
    recorded_on: date | None,
    as_of: date,
) -> Trace:
    """What became of a change up to a day.

    What is seen on the day of the decision counts as after it: the baseline was read again when it
    was recorded. Of several values, the first that reaches the proposed one counts, else the first
    that goes part of the way.

    Args:
        sightings: of the field, ordered by day.
        recorded_on: None where nobody approved it.
    """
    if not sightings:
        return Trace(Outcome.NO_DATA)
    decided = recorded_on or drafted_on
    moves = [
        (s.day, share)
        for s in sightings
        if drafted_on <= s.day <= min(as_of, decided + WITHIN)
        and (share := _share(change, s.value)) is not None
        and not -TOLERANCE < share < PARTLY
    ]
    if recorded_on and (before := _reached((d, s) for d, s in moves if d < recorded_on)):
        return Trace(Outcome.BEFORE_DECISION, before[0], None, before[1])
    moves = [(day, share) for day, share in moves if day >= decided]
    start = _reached(moves) or next(((d, s) for d, s in moves if PARTLY <= s < 1), None)
    if start is None and moves:
        return Trace(Outcome.OTHERWISE, moves[0][0], None, moves[0][1])
    if start is None:
        waits = as_of < decided + WITHIN
        return Trace(Outcome.WAITING if waits else Outcome.NOT_CARRIED_OUT)
    return _follow(change, sightings, start, as_of, recorded=recorded_on is not None)


def _follow(
    change: Change,
    sightings: Sequence[Sighting],
    start: tuple[date, float],
    as_of: date,
    *,
    recorded: bool,
) -> Trace:
    """How long a value held that was reached, and whether it was taken back."""
    day, share = start
    outcome = Outcome.CARRIED_OUT if _is_whole(share) else Outcome.PARTLY
    until = None
    for sighting in sightings:
        if not day < sighting.day <= as_of:
            continue
        now = _share(change, sighting.value)
        if now is None or abs(now - share) > TOLERANCE:
            until = sighting.day
            if now is not None and abs(now) < PARTLY:
                outcome = Outcome.REVERTED
            break
    return Trace(outcome if recorded else Outcome.UNRECORDED, day, until, share)


def _reached(moves: Iterable[tuple[date, float]]) -> tuple[date, float] | None:
    return next(((day, share) for day, share in moves if _is_whole(share)), None)


def _is_whole(share: float) -> bool:
    return abs(share - 1) <= TOLERANCE


def _share(change: Change, value: str) -> float | None:
    """How far a value is from the one before to the proposed one; None if that can't be said."""
    if change.field == "status":
        if value in STOPPED:
            value = "PAUSED"
        return {change.to_value: 1.0, change.from_value: 0.0}.get(value)
    before, proposed = int(change.from_value), int(change.to_value)
    if before == proposed:
        return None
    return (int(value) - before) / (proposed - before)


def statuses(
    spend: Mapping[date, tuple[int, str | None]], published: Iterable[date], present: str | None
) -> list[Sighting]:
    """When a campaign ran and when it didn't.

    A day with spend ran. One without was stopped where the platform says so, or where the campaign
    is stopped now and hasn't spent since: platforms tell a status of now, not of the day.

    Args:
        spend: day → cost and the status that came with it; days without a row spent nothing.
        published: days of the account that are known.
        present: the campaign's status now.
    """
    last = max((day for day, (cost, _) in spend.items() if cost > 0), default=date.min)
    sightings: list[Sighting] = []
    for day in sorted(published):
        cost, status = spend.get(day, (0, None))
        if cost > 0:
            value = "ENABLED"
        elif status in STOPPED or (day > last and present in STOPPED):
            value = "PAUSED"
        else:
            continue
        if not sightings or sightings[-1].value != value:
            sightings.append(Sighting(day, value))
    return sightings
