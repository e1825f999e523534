"""Lands first-party events from files, each with the consent that it was sent under."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError, SourceRejected
from pipelines.placeholders import placeholders
from pipelines.privacy.consent import Consent, Judgement, judge
from pipelines.privacy.hashing import hash_email, hash_phone, hash_user_id
from pipelines.secret_settings import Secrets
from pipelines.source_settings import ServerEventsSettings
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.calls.day_files import KEPT, DayFile, DayFolder
from pipelines.sources.server_events.fields import (
    CLICK_IDS,
    Events,
    browser,
    device,
    ip_prefix,
    operating_system,
    page,
)
from pipelines.sources.shapes.columns import side_by_side, typed

_log = logging.getLogger(__name__)

TABLE = "raw.server_events"
_HASHES: dict[str, Callable[..., str | None]] = {
    "user_id": hash_user_id,
    "email": hash_email,
    "phone": hash_phone,
}


@dataclass(frozen=True)
class _Read:
    """Checked events as lists of one length; ``days`` are days of the site. ``people`` are the ids
    that a consent is of, by field; all but the device's are hashes. Events that can't be read are
    here too, on their file's day: a consent that is withdrawn by one is withdrawn."""

    events: Events
    event_ids: list[str | None]
    at: list[datetime]
    days: list[date]
    consents: list[Judgement]
    people: dict[str, list[str | None]]


class ServerEventsSource:
    """Events of one site, by day in the site's time zone.

    A file's own day is a hint: an event belongs to the day it occurred on, also where it sits in
    the file of the day before or after, and those files are read too. One that is further off
    is in no window's reach, and is set aside, as is a line that can't be read; of a person who
    didn't consent nothing but its place and the reason are kept then.

    An event lands where its consent string allows the configured purposes (and vendor). Others
    are dropped and counted in ``Batch.dropped_rows``, as are all events of a person whose last
    readable consent in the window is a refusal: their ids are in ``Batch.withdrawn``. A person is
    known by each of user id, e-mail and phone, which are hashed before anything else, and by the
    device: a cookie's id, as GA4's export has it.
    An event sent twice is one, of the earliest instant, and is dropped if one copy lacks
    consent.

    Args:
        settings: the site, the place of its files, its time zone and what must be consented to.
        salt: of the hashes.
    """

    name = "server_events"
    tables = (TABLE,)
    span = None
    # A week in memory at a time.
    max_window_days = 7

    def __init__(self, settings: ServerEventsSettings, salt: str) -> None:
        self.account_ids = (settings.site_id,)
        self.lookback_days = settings.lookback_days
        self._settings, self._salt = settings, salt
        self._nobodys = placeholders(settings.placeholders)
        self._who = f"server_events, account {settings.site_id}"
        endings = (".ndjson", ".ndjson.gz", ".parquet")
        self._folder = DayFolder(settings.path, endings, self._who)

    def account(self, account_id: str) -> Account:
        """The site as configured; every event with a value names its currency.

        Raises:
            SourceRejected: another site was asked for.
        """
        if account_id not in self.account_ids:
            raise SourceRejected(
                f"server_events: no account {account_id}; adcanary.yaml has "
                f"{self._settings.site_id}.",
                kept=KEPT,
                fix="Set sources.server_events.site_id.",
            )
        return Account(account_id, f"Site {account_id}", "XXX", self._settings.time_zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Events of the window that may be kept; nothing where it ends before the first file.

        Raises:
            SourceUnavailable: a day has no file, or the bucket can't be reached.
            InputError: a file that is cut off, or can't be read as a whole.
        """
        pulled_at = datetime.now(UTC)
        days, files = self._folder.covering(window, before=1, after=1)
        if not files:
            return
        read = self._read(files, days)
        inside = {i for i, day in enumerate(read.days) if days.start <= day <= days.end}
        withdrawn = _withdrawn(read, inside)
        faulty = sorted(inside & read.events.faults.keys())
        mine = [i for i in _first_copies(read) if i in inside]
        denied = {
            event_id
            for event_id, consent in zip(read.event_ids, read.consents, strict=True)
            if event_id is not None and consent.consent is not Consent.GRANTED
        }
        kept = [
            i
            for i in mine
            if read.event_ids[i] not in denied
            and not any(ids[i] in withdrawn for ids in read.people.values())
        ]
        self._log_reasons(read, mine, days)
        rows = self._rows(account_id, read, kept)
        unreadable = [one for one in read.events.no_events if _is_within(one.day, days)]
        for i in faulty:
            consented = read.consents[i].consent is Consent.GRANTED and not any(
                ids[i] in withdrawn for ids in read.people.values()
            )
            unreadable.append(read.events.unreadable(i, shown=consented))
        yield Batch(
            *(self.name, TABLE, account_id, None, days, rows, pulled_at),
            dropped_rows=len(mine) - len(kept),
            withdrawn=tuple(sorted(withdrawn)),
            unreadable=tuple(unreadable),
            rows_read=len(mine) + len(unreadable),
        )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: events are facts of their day."""
        yield from ()

    def _read(self, files: list[DayFile], window: Window) -> _Read:
        events = Events()
        for file in files:
            self._add(events, file, growing=file.day > window.end)
        events.read()
        at = events.columns["occurred_at"]
        days = _local_days(at, self._settings.time_zone)
        for i, (file, _) in enumerate(events.places):
            if abs((days[i] - file.day).days) > 1:
                events.faults.setdefault(i, "occurred_at is two days or more from the file's day")
            if i in events.faults:
                days[i] = file.day
        purposes, vendor = self._settings.purposes, self._settings.vendor_id
        return _Read(
            events,
            events.columns["event_id"],
            at,
            days,
            [judge(consent, purposes, vendor) for consent in events.columns["consent"]],
            {
                **{name: self._hashed(events, name) for name in _HASHES},
                "client_id": [device(self._nobodys.real(t)) for t in events.columns["client_id"]],
            },
        )

    def _log_reasons(self, read: _Read, mine: list[int], days: Window) -> None:
        """Why consent strings can't be taken: an endpoint or a banner may have to be mended."""
        reasons = Counter(
            read.consents[i].why for i in mine if read.consents[i].consent is Consent.UNKNOWN
        )
        for why, count in reasons.most_common():
            events = "1 event" if count == 1 else f"{count} events"
            _log.warning("%s, %s: %s dropped: %s", self._who, days, events, why)

    def _add(self, events: Events, file: DayFile, growing: bool) -> None:
        content = self._folder.read(file, growing=growing)
        if not file.path.endswith(".parquet"):
            events.add_lines(content, file, growing=growing)
            return
        try:
            events.add_parquet(content, file)
        except InputError:
            if not growing:  # else its footer is not written yet
                raise

    def _hashed(self, events: Events, name: str) -> list[str | None]:
        values = events.columns[name]
        make = partial(_HASHES[name], salt=self._salt, nobodys=self._nobodys)
        hashes = {value: make(value) for value in set(values)}
        return [hashes[value] for value in values]

    def _rows(self, account_id: str, read: _Read, kept: list[int]) -> pa.Table:
        events = read.events

        def chosen(values: list[Any]) -> list[Any]:
            return [values[i] for i in kept]

        def coarse(name: str, make: Callable[[str | None], str | None]) -> list[str | None]:
            return [make(text) for text in chosen(events.columns[name])]

        ids = ("order_id", *CLICK_IDS)
        columns = {
            "site_id": [account_id] * len(kept),
            "event_id": chosen(read.event_ids),
            "event_date": chosen(read.days),
            "occurred_at": chosen(read.at),
            "user_id": chosen(read.people["user_id"]),
            "email_hash": chosen(read.people["email"]),
            "phone_hash": chosen(read.people["phone"]),
            "client_id": chosen(read.people["client_id"]),
            "event_name": chosen(events.columns["event_name"]),
            **{name: [self._nobodys.real(t) for t in chosen(events.columns[name])] for name in ids},
            "page_url": coarse("page_url", page),
            "value_micros": chosen(events.columns["value"]),
            "currency_code": chosen(events.columns["currency"]),
            "ip_prefix": coarse("ip", ip_prefix),
            "browser": coarse("user_agent", browser),
            "operating_system": coarse("user_agent", operating_system),
            "time_zone": [self._settings.time_zone] * len(kept),
        }
        return side_by_side(pa.table(events.drift(kept)), typed(TABLE, columns))


def open_source(settings: ServerEventsSettings, secrets: Secrets) -> ServerEventsSource:
    """The site's events as configured; ConfigError where the salt is missing."""
    return ServerEventsSource(settings, secrets.require("hash_salt"))


def _local_days(at: list[datetime], time_zone: str) -> list[date]:
    """The days of a site, of 23 to 25 hours, on which instants fall."""
    instants = pa.array(at, pa.timestamp("us", "UTC")).cast(pa.timestamp("us", time_zone))
    days: list[date] = pc.local_timestamp(instants).cast(pa.date32(), safe=False).to_pylist()
    return days


def _is_within(day: date | None, days: Window) -> bool:
    return day is None or days.start <= day <= days.end


def _first_copies(read: _Read) -> list[int]:
    """The position of each event's earliest copy, in order of time; of those that were read."""
    first: dict[str, int] = {}
    whole = (i for i in range(len(read.at)) if i not in read.events.faults)
    for i in sorted(whole, key=lambda i: (read.at[i], i)):
        first.setdefault(str(read.event_ids[i]), i)
    return list(first.values())


def _withdrawn(read: _Read, inside: set[int]) -> set[str]:
    """Ids of which the last readable consent is a refusal; of two at once, that one."""
    order = sorted(inside, key=lambda i: (read.at[i], read.consents[i].consent is Consent.REFUSED))
    last: dict[str, Consent] = {}
    for i in order:
        consent = read.consents[i].consent
        if consent is Consent.UNKNOWN:
            continue
        for ids in read.people.values():
            if (person := ids[i]) is not None:
                last[person] = consent
    return {person for person, consent in last.items() if consent is Consent.REFUSED}
