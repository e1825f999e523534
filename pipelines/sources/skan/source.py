"""Lands Apple's postbacks, SKAdNetwork's and AdAttributionKit's, as the endpoint received them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from pipelines.errors import SourceRejected
from pipelines.secret_settings import Secrets
from pipelines.source_settings import SkanSettings
from pipelines.sources.base import Account, Batch, Unreadable, Window
from pipelines.sources.calls.day_files import KEPT, DayFile, DayFolder, json_lines
from pipelines.sources.shapes.columns import schema_of, side_by_side, typed
from pipelines.sources.skan.postback import Postback
from pipelines.sources.skan.signature import load_key

_log = logging.getLogger(__name__)

TABLE = "raw.skan_postbacks"
# A device that gets no 200 sends again, up to nine times in nine days.
RESENT_DAYS = 9
_SHOWN = 5


class SkanSource:
    """Postbacks of one advertiser, by UTC day of reception.

    A line is ``{"received_at": instant, "body": postback}``, or the postback itself with
    ``received_at`` added. Anyone can post to the endpoint, so a body that Apple did not sign is
    refused, counted in ``Batch.refused_rows`` and logged by file and line, and stops nothing; a
    value that can't be (conversion values aren't signed) is NULL, counted in ``Batch.note`` and
    logged. A line that is no JSON object, or without ``received_at``, is the receiver's own
    mistake, and is set aside. The file of the day after the window may still grow.

    A postback is known by its id (SKAdNetwork's transaction id, AdAttributionKit's postback
    identifier) and sequence index. Of its receptions the earliest is
    kept, in the slice of its day: ten days before the window are read too, so that what is
    sent again in the window, but came first before it, is not landed a second time. A line is
    also found in the file of the next day.

    Args:
        settings: the advertiser, its folder, and a key in place of Apple's.

    Raises:
        ConfigError: the key can't be used.
    """

    name = "skan"
    tables = (TABLE,)
    span = None
    max_window_days = 31

    def __init__(self, settings: SkanSettings) -> None:
        self.account_ids = (settings.advertiser_id,)
        self.lookback_days = settings.lookback_days
        self._key, self._is_apples = load_key(settings.public_key), settings.public_key is None
        self._who = f"skan, account {settings.advertiser_id}"
        self._folder = DayFolder(str(settings.path), (".ndjson", ".ndjson.gz"), self._who)

    def account(self, account_id: str) -> Account:
        """The advertiser as configured; postbacks name no currency, their days are UTC.

        Raises:
            SourceRejected: another advertiser was asked for.
        """
        if account_id not in self.account_ids:
            raise SourceRejected(
                f"skan: no account {account_id}; adcanary.yaml has {self.account_ids[0]}.",
                kept=KEPT,
                fix="Set sources.skan.advertiser_id.",
            )
        return Account(account_id, f"Advertiser {account_id}", "XXX", "UTC")

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Postbacks first received in the window; nothing where it ends before the first file.

        Raises:
            SourceUnavailable: a day has no file.
            InputError: a file that is cut off.
        """
        pulled_at = datetime.now(UTC)
        days, files = self._folder.covering(window, before=RESENT_DAYS + 1, after=1)
        if not files:
            return
        read = [
            line if isinstance(line, Unreadable) else _reception(line, file, number)
            for file in files
            for number, line in self._lines(file, growing=file.day > days.end)
        ]
        received = [one for one in read if isinstance(one, Postback)]
        unreadable = [
            one
            for one in read
            if isinstance(one, Unreadable) and one.day and days.start <= one.day <= days.end
        ]
        received.sort(key=lambda postback: postback.received_at)
        kept, refused = self._first_receptions(received, days)
        rows, note = self._rows(account_id, kept, days)
        yield Batch(
            *(self.name, TABLE, account_id, None, days, rows, pulled_at),
            refused_rows=refused,
            note=note,
            unreadable=tuple(unreadable),
            rows_read=len(kept) + refused + len(unreadable),
        )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: a postback is a fact of its day."""
        yield from ()

    def _lines(
        self, file: DayFile, growing: bool
    ) -> Iterator[tuple[int, dict[str, Any] | Unreadable]]:
        content = self._folder.read(file, growing=growing)
        return json_lines(content, file, growing=growing)

    def _first_receptions(
        self, received: list[Postback], days: Window
    ) -> tuple[list[Postback], int]:
        """Valid postbacks first received on ``days``, of receptions in order of time; and how
        many receptions of those days are not Apple's."""
        wanted = {p.key for p in received if days.start <= p.received_date <= days.end}
        seen: set[tuple[str, str, int]] = set()
        kept: list[Postback] = []
        refused: dict[str, list[str]] = {}
        for postback in received:
            if postback.received_date > days.end or postback.key not in wanted:
                continue
            in_window = postback.received_date >= days.start
            problem = postback.problem(self._key, any_key_id=not self._is_apples)
            if problem and in_window:
                refused.setdefault(problem, []).append(postback.where)
            if problem or postback.key in seen:
                continue
            seen.add(postback.key)
            if in_window:
                kept.append(postback)
        for problem, places in refused.items():
            self._warn(days, f"refused: {problem}", places)
        return kept, sum(map(len, refused.values()))

    def _rows(self, account_id: str, postbacks: list[Postback], days: Window) -> tuple[Any, str]:
        """Rows of the table, and what a person should know of them."""
        read = [postback.columns() for postback in postbacks]
        impossible: dict[str, list[str]] = {}
        for postback, (_, problems) in zip(postbacks, read, strict=True):
            for problem in problems:
                impossible.setdefault(problem, []).append(postback.where)
        for problem, places in impossible.items():
            self._warn(days, f"landed with NULL for {problem}", places)
        columns: dict[str, Any] = {
            name: _array([values.get(name) for values, _ in read])
            for name in schema_of(TABLE).names
        }
        columns |= {
            "advertiser_id": [account_id] * len(read),
            "received_date": [p.received_date for p in postbacks],
            "received_at": [p.received_at for p in postbacks],
        }
        unknown = [postback.unknown() for postback in postbacks]
        extra = {
            field: pa.array([fields.get(field) for fields in unknown], pa.string())
            for field in dict.fromkeys(field for fields in unknown for field in fields)
        }
        count = sum(map(len, impossible.values()))
        values = "1 value" if count == 1 else f"{count} values"
        note = f"{values} that Apple doesn't send: NULL (see the log)" if count else ""
        return side_by_side(pa.table(extra), typed(TABLE, columns)), note

    def _warn(self, days: Window, what: str, places: list[str]) -> None:
        shown, more = ", ".join(places[:_SHOWN]), ", …" if len(places) > _SHOWN else ""
        count = "1 postback" if len(places) == 1 else f"{len(places)} postbacks"
        _log.warning("%s, %s: %s %s (%s%s)", self._who, days, count, what, shown, more)


def open_source(settings: SkanSettings, _: Secrets) -> SkanSource:
    """The advertiser's postbacks as configured; ConfigError where the key can't be used."""
    return SkanSource(settings)


def _reception(line: dict[str, Any], file: DayFile, number: int) -> Postback | Unreadable:
    body = line.get("body", line)
    try:
        received_at = datetime.fromisoformat(line["received_at"])
        if received_at.tzinfo is None or abs((received_at.date() - file.day).days) > 2:
            raise ValueError
        received_at = received_at.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        why = "received_at is not an instant (2026-07-01T12:00:00Z) of about the file's day"
        return file.unreadable(number, why, row={"received_at": line.get("received_at")})
    where = f"{file.shown} line {number}"
    if isinstance(body, str):  # kept as the text that was posted
        with suppress(json.JSONDecodeError):
            body = json.loads(body)
    return Postback(received_at, where, body if isinstance(body, dict) else {})


def _array(values: list[Any]) -> pa.Array | list[Any]:
    """Texts as an array, which is cast to flags and numbers."""
    is_text = any(isinstance(value, str) for value in values)
    return pa.array(values, pa.string()) if is_text else values
