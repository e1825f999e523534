"""The series of a campaign and of the campaigns that it can be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pipelines.proposals.market import Key
from pipelines.proposals.scorecard.carried import Trace
from pipelines.proposals.scorecard.effect import Floats, Realised, realised
from pipelines.proposals.scorecard.read import Day, Known

BEFORE, LEAST_BEFORE = 56, 28
AFTER, LEAST_AFTER = 28, 14
"""Days before and after a change that are compared."""
MATURE = timedelta(days=14)
"""Conversions are still being claimed for so long (as the fidelity job waits)."""
_UNSURE = timedelta(days=1)
"""A budget is seen when it is pulled: it may have changed the day before."""
_DELIVERS = 0.9
"""Share of the days on which a control must have spent."""
MOST_CONTROLS = 30


@dataclass(frozen=True)
class Window:
    """The days that are compared; those from ``gone`` to ``begun`` belong to neither side."""

    start: date
    gone: date
    begun: date
    end: date

    @property
    def days(self) -> list[date]:
        return [self.start + timedelta(days=i) for i in range((self.end - self.start).days + 1)]

    @property
    def before(self) -> int:
        return (self.gone - self.start).days

    @property
    def after(self) -> int:
        return (self.end - self.begun).days + 1

    @property
    def mature_on(self) -> date:
        return self.end + MATURE


@dataclass(frozen=True)
class Measured:
    """The effect of a week on a campaign's spend, in micros, and on its claimed conversions; None
    where it can't be told. ``claims`` is what its whole channel claimed in a week before."""

    spend: Realised | None
    conversions: Realised | None
    claims: float


def window_of(key: Key, traced: Trace, known: Known) -> Window | None:
    """The days to compare; None while the change isn't seen.

    They begin after the campaign's last change before this one, and end where the value was
    another one again.
    """
    if traced.effective_on is None:
        return None
    seen = traced.effective_on
    gone = seen - _UNSURE
    start = gone - timedelta(days=BEFORE)
    own = [b.day for b in known.budgets.get(key, ()) if b.changed and start < b.day < seen]
    end = seen + timedelta(days=AFTER)
    if traced.until:
        end = min(end, traced.until - _UNSURE - timedelta(days=1))
    return Window(max([start, *(d + timedelta(days=1) for d in own)]), gone, seen + _UNSURE, end)


def measure(key: Key, currency: str, window: Window, known: Known) -> Measured | str:
    """The effect of a change within its window, or why it can't be told."""
    if window.after < LEAST_AFTER:
        return f"it held for {max(window.after, 0)} days that can be compared, of {LEAST_AFTER}"
    if window.before < LEAST_BEFORE:
        return (
            f"the campaign had been changed before: {max(window.before, 0)} days are left to "
            f"compare with, of {LEAST_BEFORE}"
        )
    own = known.days.get(key, {})
    if other := {d.currency for day, d in own.items() if window.start <= day <= window.end} - {
        currency
    }:
        return f"its account spent {', '.join(sorted(other))} meanwhile, not {currency}"
    cost, claims = _series(key, window, known)
    if np.isnan(cost).mean() > 1 - _DELIVERS:
        return "too many of the days weren't published"
    if not np.nansum(cost[: window.before]):
        return "the campaign spent nothing before, so that there is no level to compare with"
    untouched = controls(key, window, known)
    spends, claimed = {}, {}
    for other_key in untouched:
        spends["/".join(other_key)], claimed["/".join(other_key)] = _series(
            other_key, window, known
        )
    return Measured(
        realised(cost, spends, window.before),
        realised(claims, claimed, window.before),
        _claims_a_week(key, window, known),
    )


def controls(key: Key, window: Window, known: Known) -> list[Key]:
    """Campaigns of the same channel that ran throughout and that nobody changed, those that spent
    most first; of the same account, and of the platform's others where these are too few."""
    channel = known.places[key].channel if key in known.places else key[0]
    shared = {b.shared for b in known.budgets.get(key, ()) if b.shared}
    peers = [
        other
        for other, place in known.places.items()
        if other != key
        and other[0] == key[0]
        and place.channel == channel
        and _is_untouched(other, shared, window, known)
    ]
    return sorted(peers, key=lambda k: (k[1] != key[1], -_spent(k, window, known), k))[
        :MOST_CONTROLS
    ]


def _is_untouched(key: Key, shared: set[str], window: Window, known: Known) -> bool:
    budgets = known.budgets.get(key, ())
    if any(b.changed and window.start <= b.day <= window.end + _UNSURE for b in budgets):
        return False
    if shared & {b.shared for b in budgets if b.shared}:
        return False
    published = known.published.get(key[:2], frozenset())
    days = known.days.get(key, {})
    for first, last in ((window.start, window.gone), (window.begun, window.end)):
        side = [d for d in window.days if first <= d <= last and d in published]
        running = sum(1 for d in side if d in days and days[d].cost > 0)
        if not side or running < _DELIVERS * len(side):
            return False
    return len({days[d].currency for d in window.days if d in days}) == 1


def _series(key: Key, window: Window, known: Known) -> tuple[Floats, Floats]:
    """Cost and claimed conversions by day; NaN where they aren't known, or on neither side."""
    published = known.published.get(key[:2], frozenset())
    days = known.days.get(key, {})
    cost = np.full(len(window.days), np.nan)
    claims = cost.copy()
    for i, day in enumerate(window.days):
        if day not in published or window.gone <= day < window.begun:
            continue
        row = days.get(day)
        cost[i] = row.cost if row else 0
        if row is None:
            claims[i] = 0
        elif row.claims is not None:
            claims[i] = row.claims
    return cost, claims


def _spent(key: Key, window: Window, known: Known) -> int:
    return sum(row.cost for row in _before(known.days.get(key, {}), window))


def _claims_a_week(key: Key, window: Window, known: Known) -> float:
    channel = known.places[key].channel if key in known.places else key[0]
    peers = (k for k, place in known.places.items() if place.channel == channel)
    claims = sum(row.claims or 0.0 for k in peers for row in _before(known.days.get(k, {}), window))
    return claims / window.before * 7


def _before(days: Mapping[date, Day], window: Window) -> Iterable[Day]:
    return (row for day, row in days.items() if window.start <= day < window.gone)
