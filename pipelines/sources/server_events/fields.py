"""The fields of server events: read from files, checked, and made coarse where they must be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import InputError
from pipelines.money import micros
from pipelines.sources.base import Unreadable
from pipelines.sources.calls.day_files import KEPT, DayFile, json_lines

REQUIRED = ("event_id", "event_name", "occurred_at")
CLICK_IDS = ("gclid", "gbraid", "wbraid", "dclid", "fbclid", "ttclid", "li_fat_id")
KNOWN = (
    *REQUIRED,
    *("user_id", "email", "phone", "consent", "page_url", "order_id", "value", "currency"),
    *("client_id", "ip", "user_agent", *CLICK_IDS),
)
# of a line that can't be read, what may be shown
_SHOWN = ("event_id", "event_name", "occurred_at", "order_id", "value", "currency")
# In this order: most browsers also claim to be those after them.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/|\bOpera\b")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(Chrome|CriOS)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
# In this order: iPhones say Mac OS X, and Android and ChromeOS are Linux.
_SYSTEMS = (
    ("iOS", re.compile(r"\b(iPhone|iPad|iPod)\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\b(Macintosh|Mac OS X)\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)
_IPV4_PREFIX, _IPV6_PREFIX = 24, 48
_DEVICE = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass
class Events:
    """Events of several files as column lists of one length; ``places`` are file and line.

    ``faults`` are the reasons why events, by position, can't be read: what can is there all the
    same. ``no_events`` are lines that aren't events at all.
    """

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in KNOWN})
    places: list[tuple[DayFile, int]] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    no_events: list[Unreadable] = field(default_factory=list)
    _given: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    def add_lines(self, content: bytes, file: DayFile, *, growing: bool) -> None:
        """Add newline JSON.

        Raises:
            InputError: the file is cut off.
        """
        for number, event in json_lines(content, file, growing=growing):
            if isinstance(event, Unreadable):
                self.no_events.append(event)
                continue
            for name in event.keys() - self.columns.keys():
                self.columns[name] = [None] * len(self)
            for name, values in self.columns.items():
                values.append(event.get(name))
            self.places.append((file, number))

    def add_parquet(self, content: bytes, file: DayFile) -> None:
        """Add a Parquet file; its rows count from 1.

        Raises:
            InputError: it is not a whole Parquet file.
        """
        try:
            table = pq.read_table(pa.BufferReader(content))
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{file.shown} is not a whole Parquet file: {error}",
                kept=KEPT,
                fix="Write the file again; one that was cut off in copying looks like this.",
            ) from error
        for name in dict.fromkeys([*self.columns, *table.column_names]):
            values = self.columns.setdefault(name, [None] * len(self))
            known = name in table.column_names
            values += table[name].to_pylist() if known else [None] * len(table)
        self.places += [(file, row) for row in range(1, len(table) + 1)]

    def read(self) -> None:
        """Turn every known column into what it holds, None where it is empty or can't be read.

        An event that can't be read is taken for one of the end of its file's day.
        """
        self._given = {name: self.columns[name] for name in _SHOWN}
        for name in KNOWN:
            parse, wanted = _FORMS.get(name, (_text, "a text"))
            self.columns[name] = self._parsed(name, parse, wanted)
        for i, amount in enumerate(self.columns["value"]):
            if amount is not None and self.columns["currency"][i] is None:
                self.faults.setdefault(i, "the line has a value and no currency")
        for i, at in enumerate(self.columns["occurred_at"]):
            if at is None:
                end = datetime.combine(self.places[i][0].day, time.max, UTC)
                self.columns["occurred_at"][i] = end

    def unreadable(self, i: int, *, shown: bool) -> Unreadable:
        """An event that can't be read.

        Args:
            shown: its person consented, so that something of it may be kept.
        """
        file, line = self.places[i]
        row = {name: values[i] for name, values in self._given.items()} if shown else None
        return file.unreadable(line, self.faults[i], row=row)

    def _parsed(self, name: str, parse: Callable[[Any], Any], wanted: str) -> list[Any]:
        values: list[Any] = []
        for i, raw in enumerate(self.columns[name]):
            value = None
            if not _is_empty(raw) or name in REQUIRED:
                try:
                    value = parse(raw)
                except (ValueError, TypeError, ArithmeticError):
                    why = f"no {name}" if _is_empty(raw) else f"{name} is not {wanted}"
                    self.faults.setdefault(i, why)
            values.append(value)
        return values

    def drift(self, positions: list[int]) -> dict[str, pa.Array]:
        """The columns nobody described, at some positions, as scalars or JSON texts."""
        return {
            name: _plain([values[i] for i in positions])
            for name, values in self.columns.items()
            if name not in KNOWN
        }


def instant(value: Any) -> datetime:
    """An instant, UTC, of ISO 8601 text or a time that says its offset."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("no offset")
    return at.astimezone(UTC)


def _consent(value: Any) -> str | None:
    """What is no text is no consent either."""
    return value if isinstance(value, str) else None


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def device(client_id: str | None) -> str | None:
    """The id of a first-party cookie; None for what is none, such as an e-mail address."""
    return client_id if client_id and _DEVICE.fullmatch(client_id) else None


@lru_cache(maxsize=65_536)
def ip_prefix(address: str | None) -> str | None:
    """An address's /24 (IPv4) or /48 (IPv6) network; None for what is no address."""
    try:
        ip = ipaddress.ip_address((address or "").strip())
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    prefix = _IPV4_PREFIX if ip.version == 4 else _IPV6_PREFIX
    return str(ipaddress.ip_network((ip, prefix), strict=False))


@lru_cache(maxsize=65_536)
def browser(user_agent: str | None) -> str | None:
    """The browser's family, Other for one that is not known; None for none."""
    if not user_agent:
        return None
    return next((name for name, sign in _BROWSERS if sign.search(user_agent)), "Other")


@lru_cache(maxsize=65_536)
def operating_system(user_agent: str | None) -> str | None:
    """The operating system's family, Other for one that is not known; None for none."""
    if not user_agent:
        return None
    return next((name for name, sign in _SYSTEMS if sign.search(user_agent)), "Other")


@lru_cache(maxsize=65_536)
def page(url: str | None) -> str | None:
    """A page's address without user, query and fragment."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    return (f"{parts.scheme}://{host}{parts.path}" if host else parts.path) or None


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise TypeError("no text")
    return str(value)


def _plain(values: list[Any]) -> pa.Array:
    """An array of what it is given; of JSON texts where that is nested or mixed."""
    scalars = [type(v) for v in values if v is not None]
    if len(set(scalars)) <= 1 and set(scalars) <= {int, float, bool}:
        return pa.array(values)
    return pa.array([_written(v) for v in values], pa.string())


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, default=_listed, option=orjson.OPT_SORT_KEYS).decode()


def _listed(value: Any) -> Any:
    """What JSON has no type for, as Parquet may hold it."""
    return list(value) if isinstance(value, Iterable) else str(value)


_FORMS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "occurred_at": (instant, "an instant with its offset"),
    "value": (micros, "a decimal amount"),
    "consent": (_consent, "a text"),
}
