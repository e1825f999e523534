"""Writes the events that the simulated shop's own servers send, with TCF v2 consent strings."""

from __future__ import annotations

import gzip
import io
from base64 import urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import SHOP_TIME_ZONE
from pipelines.sandbox.market.shop import CLICK_IDS
from pipelines.sandbox.market.visitors import Sighting, Visitors
from pipelines.sandbox.market.visits import SITE
from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.whole_files import write_whole

SITE_ID = "canary-shop"
VENDOR_ID = 755
KEPT_DAYS = 40
# Orders of a day of which there are events; three events each.
ORDERS_A_DAY = 66
# who consents, and withdraws it on the last day, under the fault of that name
WITHDRAWN_USER_ID, WITHDRAWN_EMAIL = "C999999", "withdrawn.person@example.org"
WITHDRAWN_CLIENT_ID = "999999.1782000000"
FAULTS = {
    "no_consent": "events of the last day come without a consent string",
    "malformed_consent": "events of the last day have strings that are cut off, no base64, or v1",
    "consent_withdrawn": "a person who consented the day before refuses on the last day",
    "duplicate_event": "events are in the files twice, also in the file of the next day",
    "new_column": "events carry fields that nobody knows",
    "truncated_file": "the last day's Parquet file is cut off",
    "half_line": "the last day's file ends in the middle of a line",
    "missing_column": "a line of the last day has no event_id",
    "wrong_type": "a line of the last day has a word for its value",
}
BREAKING = frozenset({"truncated_file", "half_line", "missing_column", "wrong_type"})

_GRANTED = frozenset({1, 2, 7, 9, 10})
_EVENTS = (
    ("page_view", timedelta(minutes=10), "/p/12?utm_source=mail&email=reader%40example.org"),
    ("begin_checkout", timedelta(minutes=3), "/checkout#address"),
    ("purchase", timedelta(), "/thanks"),
)
_FIELDS = pa.schema(
    {
        **dict.fromkeys(("event_id", "event_name"), pa.string()),
        "occurred_at": pa.timestamp("us", "UTC"),
        **dict.fromkeys(("user_id", "email", "phone", "consent", "page_url"), pa.string()),
        **dict.fromkeys(("order_id", "currency", "client_id"), pa.string()),
        **dict.fromkeys(("ip", "user_agent", *CLICK_IDS), pa.string()),
        "value": pa.decimal128(12, 2),
    }
)
_Event = dict[str, Any]


class ServerEventsExport:
    """A folder with a file a day of the shop's time zone, up to ``today - 1``.

    Days take turns as ``YYYY-MM-DD.ndjson``, ``.ndjson.gz`` and ``.parquet``. An order's events
    are in the file of its own day, so that some lie just before that day. Any other visit is one
    page view, of those who consent to it.

    Args:
        folder: where the files go, made by :meth:`write`.
        kept_days: days before the market's end since when the servers send; no file is older.
    """

    def __init__(
        self, market: Market, clock: Clock, folder: Path, kept_days: int = KEPT_DAYS
    ) -> None:
        self.market, self._clock, self.folder = market, clock, folder
        self._visitors = Visitors(market)
        self.faults = Faults(FAULTS, BREAKING)
        self.first_day = max(market.end - timedelta(days=kept_days - 1), market.start)

    def write(self) -> list[Path]:
        """Bring the folder up to ``today - 1``, with the faults that are on.

        Returns:
            The files whose content is new.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        struck = {name for name in FAULTS if self.faults.strikes(name, SITE_ID)}
        written = []
        for day, events in self._files(struck).items():
            last = day == self._clock.today - timedelta(days=1)
            ending = (".ndjson", ".ndjson.gz", ".parquet")[day.toordinal() % 3]
            if struck:
                ending = ".parquet" if last and "truncated_file" in struck else ".ndjson"
            content = _CONTENT[ending](events)
            if last:
                content = _broken(content, struck)
            for stale in self.folder.glob(f"{day}.*"):
                if stale.name != f"{day}{ending}":
                    stale.unlink()
            path = self.folder / f"{day}{ending}"
            if write_whole(path, content):
                written.append(path)
        return written

    def books(self) -> pa.Table:
        """What a client must end with, whatever faults are on: every consented event once.

        Columns event_date, event_id, event_name and value_micros, sorted by them.
        """
        events = [e for e in self._known() if e["consent"] == tc_string(_GRANTED)]
        values = [None if e["value"] is None else int(e["value"] * 1_000_000) for e in events]
        table = pa.table(
            {
                "event_date": pa.array([_day(e["occurred_at"]) for e in events], pa.date32()),
                "event_id": [e["event_id"] for e in events],
                "event_name": [e["event_name"] for e in events],
                "value_micros": pa.array(values, pa.int64()),
            }
        )
        days = pa.scalar(self.first_day)
        kept = table.filter(pa.compute.greater_equal(table["event_date"], days))
        return kept.sort_by([(name, "ascending") for name in table.column_names])

    def refused(self) -> int:
        """Events that a client must drop and count: their visitors did not consent."""
        return sum(
            e["consent"] != tc_string(_GRANTED) and _day(e["occurred_at"]) >= self.first_day
            for e in self._known()
        )

    def _known(self) -> list[_Event]:
        return [
            e for day, events in self._by_day.items() if day < self._clock.today for e in events
        ]

    @cached_property
    def _by_day(self) -> dict[date, list[_Event]]:
        """The events of each day's orders and other visits, in order of time."""
        end = self.market.end
        orders = self.market.orders(self.first_day, end, end + timedelta(days=1)).to_pylist()
        days: dict[date, list[_Event]] = {
            day: [] for day in self.market.days if day >= self.first_day
        }
        sent = set()
        for order in orders:
            events = days[order["order_date"]]
            if not order["test"] and len(events) < ORDERS_A_DAY * len(_EVENTS):
                events += self._ordering(order)
                sent.add(self._visitors.position(order["order_id"]))
        for day, events in days.items():
            visits = [s for s in self._visitors.of_day(day) if s.order not in sent]
            events += [_page_view(visit, f"V-{day}-{n}") for n, visit in enumerate(visits)]
            events.sort(key=lambda e: (e["occurred_at"], e["event_id"]))
        return days

    def _ordering(self, order: dict[str, Any]) -> list[_Event]:
        """The events that end in an order; ids only of a person who consented."""
        position = self._visitors.position(order["order_id"])
        visit, consents = self._visitors.of_order(position), self._visitors.consents(position)
        ids = {
            "user_id": order["customer_id"],
            **{name: order[name] for name in ("email", "phone", *CLICK_IDS)},
            "client_id": visit.client_id,
        }
        shared: _Event = {
            **(ids if consents else dict.fromkeys(ids)),
            "consent": tc_string(_GRANTED if consents else frozenset()),
            "ip": visit.ip,
            "user_agent": visit.user_agent,
        }
        at = order["created_at"].astimezone(UTC)
        return [
            {
                **shared,
                "event_id": f"{order['order_id']}-{name}",
                "event_name": name,
                "occurred_at": at - earlier,
                "page_url": f"{SITE}{path}",
                "order_id": order["order_id"] if name == "purchase" else None,
                "value": Decimal(order["total_cents"]) / 100 if name == "purchase" else None,
                "currency": order["currency"] if name == "purchase" else None,
            }
            for name, earlier, path in _EVENTS
        ]

    def _files(self, struck: set[str]) -> dict[date, list[_Event]]:
        """What each day's file holds."""
        last = self._clock.today - timedelta(days=1)
        files = {day: list(events) for day, events in self._by_day.items() if day <= last}
        if "duplicate_event" in struck:
            for day, events in self._by_day.items():
                files.get(day, []).extend(events[:5])
                files.get(day + timedelta(days=1), []).extend(events[-5:])
        if not files.get(last):
            return files
        template = next(e for e in files[last] if e["consent"] == tc_string(_GRANTED))
        if "no_consent" in struck:
            files[last] += [_copy(template, f"mute-{i}", consent=None) for i in range(3)]
        if "malformed_consent" in struck:
            whole = tc_string(_GRANTED)
            for i, text in enumerate((whole[:12], whole[:30], "no consent!", "B" + whole[1:])):
                files[last].append(_copy(template, f"malformed-{i}", consent=text))
        if "consent_withdrawn" in struck:
            person = {
                **{"user_id": WITHDRAWN_USER_ID, "email": WITHDRAWN_EMAIL, "phone": None},
                "client_id": WITHDRAWN_CLIENT_ID,
            }
            before = template["occurred_at"] - timedelta(days=1)
            gave = _copy(template, "gave-consent", **person, occurred_at=before)
            files[last - timedelta(days=1)].append(gave)
            refusal = tc_string(frozenset())
            files[last].append(_copy(template, "withdrew", **person, consent=refusal))
        if "new_column" in struck:
            unknown = {"campaign_group": "spring", "first_name": "Ada", "cart": {"items": 2}}
            files = {day: [e | unknown for e in events] for day, events in files.items()}
        return files


@cache
def tc_string(purposes: frozenset[int], vendors: frozenset[int] = frozenset({VENDOR_ID})) -> str:
    """A TC string of TCF 2.3 that discloses vendors and, with any purposes, consents to both."""
    width = max(vendors, default=0)
    shown = "".join("01"[v in vendors] for v in range(1, width + 1))
    granted = (f"{width:016b}", "0", shown) if purposes else (f"{0:016b}", "0")
    updated = 17_800_000_000  # tenths of a second
    core = [
        *(f"{2:06b}", f"{updated:036b}", f"{updated:036b}"),
        *(f"{300:012b}", f"{1:012b}", f"{1:06b}", _letters("EN")),
        *(f"{150:012b}", f"{5:06b}", "1", "0", "0" * 12),
        "".join("1" if purpose in purposes else "0" for purpose in range(1, 25)),
        *("0" * 24, "0", _letters("DE")),
        *granted,
        *(f"{0:016b}", "0", f"{0:012b}"),
    ]
    disclosed = (f"{1:03b}", f"{width:016b}", "0", shown)
    return f"{_base64(''.join(core))}.{_base64(''.join(disclosed))}"


def _base64(bits: str) -> str:
    bits += "0" * (-len(bits) % 8)
    packed = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return urlsafe_b64encode(packed).decode().rstrip("=")


def _letters(text: str) -> str:
    return "".join(f"{ord(letter) - ord('A'):06b}" for letter in text)


def _page_view(visit: Sighting, event_id: str) -> _Event:
    """The event of a visit without an order."""
    unknown = dict.fromkeys(("email", "phone", "order_id", "value", "currency", *CLICK_IDS))
    return {
        **unknown,
        "event_id": event_id,
        "event_name": "page_view",
        "occurred_at": datetime.fromtimestamp(visit.at, UTC),
        "user_id": visit.user_id,
        "consent": tc_string(_GRANTED),
        "page_url": f"{SITE}/",
        "client_id": visit.client_id,
        "ip": visit.ip,
        "user_agent": visit.user_agent,
    }


def _copy(event: _Event, event_id: str, **changes: Any) -> _Event:
    return {**event, "event_id": event_id, **changes}


def _day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(SHOP_TIME_ZONE)).date()


def _lines(events: list[_Event]) -> bytes:
    return b"".join(orjson.dumps(e, default=float) + b"\n" for e in events)


def _zipped(events: list[_Event]) -> bytes:
    return gzip.compress(_lines(events), mtime=0)


def _parquet(events: list[_Event]) -> bytes:
    columns = {f.name: pa.array([e[f.name] for e in events], f.type) for f in _FIELDS}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


_CONTENT = {".ndjson": _lines, ".ndjson.gz": _zipped, ".parquet": _parquet}


def _broken(content: bytes, struck: set[str]) -> bytes:
    """A file's content with the faults that no client survives."""
    if "missing_column" in struck:
        content = content.replace(b'"event_id":', b'"id":', 1)
    if "wrong_type" in struck:
        content = content.replace(b'"value":null', b'"value":"much"', 1)
    if "half_line" in struck:
        content = content[:-40]
    return content[: len(content) // 2] if "truncated_file" in struck else content
