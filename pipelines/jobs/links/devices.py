"""Devices as the model compares them: where and when they were seen, and what kind they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa

MAX_NETWORK_DEVICES = 40
"""A network with more devices (a carrier, an office, a campus) says nothing about who is who, and
its pairs grow with the square of their number."""

WINDOW_DAYS = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOURS_A_PART = 4


class _Signal(NamedTuple):
    client_key: str
    ip_prefix: str
    window_start: datetime
    browser: str
    operating_system: str


@dataclass(frozen=True)
class Device:
    """A device seen in the period.

    Args:
        person_id: its known owner, or None.
        meetings: the networks it was in, by window, each as one text: the network's size, the
            network, the window's number. Windows are two weeks long and overlap by one week, so
            that two sightings within a week always share one.
        days: the networks it was in, by UTC day; like the meetings, without crowded networks.
        places: all the networks it was in, crowded ones included.
        parts: the four-hour parts of the UTC day in which it was seen, 0 to 5.
    """

    client_key: str
    person_id: str | None
    browser: str
    operating_system: str
    meetings: tuple[str, ...]
    days: tuple[str, ...]
    places: tuple[str, ...]
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Devices:
    """Devices by key; ``crowded`` is how many networks were over the limit and left out."""

    by_key: Mapping[str, Device]
    sizes: Mapping[str, int]
    crowded: int

    def table(self) -> pa.Table:
        """The devices as rows for Splink, ordered by key."""
        rows = [
            {
                "client_key": device.client_key,
                "browser": device.browser,
                "operating_system": device.operating_system,
                "meetings": list(device.meetings),
                "days": list(device.days),
                "places": list(device.places),
                "parts": list(device.parts),
            }
            for device in self.by_key.values()
        ]
        return pa.Table.from_pylist(rows, schema=_SCHEMA)


_SCHEMA = pa.schema(
    [
        ("client_key", pa.string()),
        ("browser", pa.string()),
        ("operating_system", pa.string()),
        ("meetings", pa.list_(pa.string())),
        ("days", pa.list_(pa.string())),
        ("places", pa.list_(pa.string())),
        ("parts", pa.list_(pa.int64())),
    ]
)


def read_devices(signals: pa.Table, persons: Mapping[str, str]) -> Devices:
    """The devices of ``signals``.

    Args:
        signals: client_key, ip_prefix, window_start (UTC), browser, operating_system.
        persons: client_key → the person known to own the device.
    """
    rows = [_Signal(**row) for row in signals.to_pylist()]
    inside: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        inside[row.ip_prefix].add(row.client_key)
    sizes = {network: len(keys) for network, keys in sorted(inside.items())}
    by_device: dict[str, list[_Signal]] = defaultdict(list)
    for row in rows:
        by_device[row.client_key].append(row)
    devices = {
        key: _device(key, by_device[key], sizes, persons.get(key)) for key in sorted(by_device)
    }
    crowded = sum(size > MAX_NETWORK_DEVICES for size in sizes.values())
    return Devices(devices, sizes, crowded)


def _device(
    key: str, rows: list[_Signal], sizes: Mapping[str, int], person_id: str | None
) -> Device:
    meetings, days, parts = set(), set(), set()
    for row in rows:
        network, since = row.ip_prefix, row.window_start - _EPOCH
        parts.add(since.seconds // 3_600 // _HOURS_A_PART)
        if sizes[network] > MAX_NETWORK_DEVICES:
            continue
        days.add(f"{since.days}|{network}")
        week = since.days // WINDOW_DAYS
        for window in (week, week + 1):
            meetings.add(f"{sizes[network]:06d}|{network}|{window}")
    return Device(
        key,
        person_id,
        _usual(row.browser for row in rows),
        _usual(row.operating_system for row in rows),
        tuple(sorted(meetings)),
        tuple(sorted(days)),
        tuple(sorted({row.ip_prefix for row in rows})),
        tuple(sorted(parts)),
    )


def _usual(values: Iterable[str]) -> str:
    """The most frequent value; of equally frequent ones, the first alphabetically."""
    counted = Counter(values)
    return min(counted, key=lambda value: (-counted[value], value))
