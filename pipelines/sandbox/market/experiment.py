"""An experiment on the simulated site: a banner that brings sign-ups, whom it helps being known.

Every consenting device that visits in its eight weeks sees the banner or not, at random, and may
sign up in its first visit there. Its draws are hashes of the device: nothing else moves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

EXPERIMENT, CONTROL, BANNER = "signup-banner", "0", "1"
OUTCOME = "sign_up"
WEEKS = 8
_ENDS_BEFORE = timedelta(days=13)
_BASE = 0.15
_EFFECTS = {
    ("mobile", True): 0.15,
    ("mobile", False): 0.08,
    ("desktop", True): 0.0,
    ("desktop", False): 0.0,
}
"""Change of the chance to sign up, by device category and whether the visit is its first."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """A device's first visit in the experiment: when it began (microseconds, UTC), and what the
    banner changes for it."""

    at: str
    variation: str
    effect: float


class SiteExperiment:
    """The experiment of one market.

    Args:
        last: the market's last day; the experiment is over two weeks before.
        events_of: the site's own events of a day, when all have come in.
    """

    def __init__(self, seed: int, last: date, events_of: Callable[[date], list[Event]]) -> None:
        self.last_day = last - _ENDS_BEFORE
        self.first_day = self.last_day - timedelta(weeks=WEEKS) + timedelta(days=1)
        self._seed, self._events_of = seed, events_of

    @cached_property
    def shown(self) -> Mapping[str, Shown]:
        """Each device that saw the experiment, by its id (``user_pseudo_id``)."""
        devices: dict[str, Shown] = {}
        for i in range(WEEKS * 7):
            starts = sorted(
                _starts(self._events_of(self.first_day + timedelta(days=i))),
                key=lambda event: int(event["event_timestamp"]),
            )
            for start in starts:
                device = start["user_pseudo_id"]
                if device not in devices:
                    kind = (start["device"]["category"], _session_number(start) == 1)
                    variation = BANNER if self._draw(device, "arm") < 0.5 else CONTROL
                    devices[device] = Shown(start["event_timestamp"], variation, _EFFECTS[kind])
        return devices

    def events(self, day: date, rows: list[Event]) -> list[Event]:
        """What it adds to the site's events of a day: a view a session, and sign-ups."""
        if not self.first_day <= day <= self.last_day:
            return []
        added: list[Event] = []
        seen: set[tuple[str, str]] = set()
        for start in _starts(rows):
            device, at = start["user_pseudo_id"], start["event_timestamp"]
            if (device, at) in seen:
                continue
            seen.add((device, at))
            shown = self.shown[device]
            params = [
                {"key": "experiment_id", "value": {"string_value": EXPERIMENT}},
                {"key": "variation_id", "value": {"string_value": shown.variation}},
            ]
            added.append(_event(start, "experiment_viewed", 1, params))
            chance = _BASE + shown.effect * (shown.variation == BANNER)
            if at == shown.at and self._draw(device, OUTCOME) < chance:
                added.append(_event(start, OUTCOME, 20, []))
        return added

    def _draw(self, device: str, what: str) -> float:
        """A uniform number of a device."""
        named = f"{self._seed}/{EXPERIMENT}/{what}/{device}".encode()
        return int.from_bytes(hashlib.sha256(named).digest()[:6]) / 2**48


def _starts(rows: list[Event]) -> Iterator[Event]:
    """The first events of sessions of known devices."""
    for row in rows:
        if row["event_name"] == "session_start" and "user_pseudo_id" in row:
            yield row


def _session_number(start: Event) -> int:
    for param in start["event_params"]:
        if param["key"] == "ga_session_number":
            return int(param["value"]["int_value"])
    return 0


def _event(start: Event, name: str, seconds: int, params: list[Event]) -> Event:
    """An event of the session, some seconds after its start."""
    own = [p for p in start["event_params"] if p["key"].startswith(("ga_session", "page_location"))]
    return {
        **start,
        "event_timestamp": str(int(start["event_timestamp"]) + seconds * 1_000_000),
        "event_name": name,
        "event_params": [*own, *params],
        "batch_ordering_id": str(int(start["batch_ordering_id"]) + 90 + seconds),
    }
