"""Lands SKAdNetwork postbacks as the advertiser's endpoint received them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from pipelines.config import Secrets
from pipelines.errors import InputError, SourceRejected
from pipelines.source_settings import SkanSettings
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.calls.day_files import KEPT, DayFile, DayFolder, json_lines
from pipelines.sources.shapes.columns import side_by_side, typed
from pipelines.sources.skan.signature import is_signed, load_key, text

_log = logging.getLogger(__name__)

TABLE = "raw.skan_postbacks"
# A device that gets no 200 sends again, up to nine times in nine days.
RESENT_DAYS = 9
# Days after the first launch that a postback of version 4 covers, by its sequence index.
CONVERSION_WINDOWS = ((0, 2), (3, 7), (8, 35))
_SHOWN = 5
_INDEXES = {"0", "1", "2"}
_MULTIPLE = "4.0"
_COARSE = {"low", "medium", "high"}
_FINE = range(64)
# column → the postback's field, as text, whatever JSON type it has: a copy may have another
_TEXTS = {
    "version": "version",
    "ad_network_id": "ad-network-id",
    "campaign_id": "campaign-id",
    "source_identifier": "source-identifier",
    "app_id": "app-id",
    "source_app_id": "source-app-id",
    "source_domain": "source-domain",
    "coarse_conversion_value": "coarse-conversion-value",
}
_KNOWN = {
    *_TEXTS.values(),
    *("transaction-id", "postback-sequence-index", "fidelity-type", "redownload", "did-win"),
    *("conversion-value", "attribution-signature", "received_at"),
}


@dataclass(frozen=True)
class _Postback:
    """One reception. ``where`` is its file and line."""

    received_at: datetime
    where: str
    body: dict[str, Any]

    @property
    def received_date(self) -> date:
        return self.received_at.date()

    @property
    def key(self) -> tuple[str, int]:
        """What makes it one postback, however often it is sent."""
        return text(self.body.get("transaction-id")), _index(self.body)


class SkanSource:
    """Postbacks of one advertiser, by UTC day of reception.

    A line is ``{"received_at": instant, "body": postback}``, or the postback itself with
    ``received_at`` added. Anyone can post to the endpoint, so a body that Apple did not sign is
    dropped, counted in ``Batch.dropped_rows`` and logged by file and line, and stops nothing; a
    line without ``received_at`` is the receiver's own mistake, and is an error. The file of the day
    after the window may still grow.

    A postback is known by transaction id and sequence index. Of its receptions the earliest is
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
        self._key = load_key(settings.public_key)
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
            InputError: a file that is cut off, or a line that is no reception.
        """
        pulled_at = datetime.now(UTC)
        days, files = self._folder.covering(window, before=RESENT_DAYS + 1, after=1)
        if not files:
            return
        received = [
            _reception(line, f"{file.shown} line {number}")
            for file in files
            for number, line in self._lines(file, growing=file.day > days.end)
        ]
        received.sort(key=lambda postback: postback.received_at)
        kept, dropped = self._first_receptions(received, days)
        rows = _rows(account_id, kept)
        yield Batch(self.name, TABLE, account_id, None, days, rows, pulled_at, dropped)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: a postback is a fact of its day."""
        yield from ()

    def _lines(self, file: DayFile, growing: bool) -> Iterator[tuple[int, dict[str, Any]]]:
        content = self._folder.read(file, growing=growing)
        return json_lines(content, file.shown, growing=growing)

    def _first_receptions(
        self, received: list[_Postback], days: Window
    ) -> tuple[list[_Postback], int]:
        """Valid postbacks first received on ``days``, of receptions in order of time; and how
        many receptions of those days are not Apple's."""
        wanted = {p.key for p in received if days.start <= p.received_date <= days.end}
        seen: set[tuple[str, int]] = set()
        kept: list[_Postback] = []
        refused: dict[str, list[str]] = {}
        for postback in received:
            if postback.received_date > days.end or postback.key not in wanted:
                continue
            in_window = postback.received_date >= days.start
            problem = self._problem(postback.body)
            if problem and in_window:
                refused.setdefault(problem, []).append(postback.where)
            if problem or postback.key in seen:
                continue
            seen.add(postback.key)
            if in_window:
                kept.append(postback)
        for problem, places in refused.items():
            shown, more = ", ".join(places[:_SHOWN]), ", …" if len(places) > _SHOWN else ""
            warning = f"{len(places)} postbacks dropped: {problem} ({shown}{more})"
            _log.warning("%s, %s: %s", self._who, days, warning)
        return kept, sum(map(len, refused.values()))

    def _problem(self, body: dict[str, Any]) -> str | None:
        """Why a body is not a postback of Apple's; None for one that is."""
        if not is_signed(body, self._key):
            return "its attribution-signature is not Apple's"
        # not signed: a copy of a true postback may carry any value
        if not _is_one_of(body.get("conversion-value"), _FINE):
            return "its conversion value is none of 0 to 63"
        if not _is_one_of(body.get("coarse-conversion-value"), _COARSE):
            return "its coarse conversion value is none of low, medium, high"
        return None


def open_source(settings: SkanSettings, _: Secrets) -> SkanSource:
    """The advertiser's postbacks as configured; ConfigError where the key can't be used."""
    return SkanSource(settings)


def _reception(line: dict[str, Any], where: str) -> _Postback:
    body = line.get("body", line)
    try:
        received_at = datetime.fromisoformat(line["received_at"])
    except (KeyError, TypeError, ValueError):
        received_at = None
    if received_at is None or received_at.tzinfo is None:
        raise InputError(
            f"{where} has no received_at that is an instant (2026-07-01T12:00:00Z).",
            kept=KEPT,
            fix="Have the endpoint write the instant of every reception, with its offset.",
        )
    return _Postback(received_at.astimezone(UTC), where, body if isinstance(body, dict) else {})


def _index(body: dict[str, Any]) -> int:
    """The sequence index; 0 before version 4, which has one postback an install."""
    index = text(body.get("postback-sequence-index")) if _has_windows(body) else "0"
    return int(index) if index in _INDEXES else -1


def _has_windows(body: dict[str, Any]) -> bool:
    return text(body.get("version")) == _MULTIPLE


def _is_one_of(value: object, values: range | set[str]) -> bool:
    return value is None or (type(value) in (int, str) and value in values)


def _rows(account_id: str, postbacks: list[_Postback]) -> pa.Table:
    bodies = [p.body for p in postbacks]
    windows = [
        CONVERSION_WINDOWS[_index(body)] if _has_windows(body) else (None, None) for body in bodies
    ]
    columns = {
        "advertiser_id": [account_id] * len(bodies),
        "received_date": [p.received_date for p in postbacks],
        "received_at": [p.received_at for p in postbacks],
        "transaction_id": [p.key[0] for p in postbacks],
        "postback_sequence_index": [p.key[1] for p in postbacks],
        **{name: _texts(bodies, field) for name, field in _TEXTS.items()},
        "fidelity_type": _texts(bodies, "fidelity-type"),
        "redownload": _texts(bodies, "redownload"),
        # before version 3 only the winner was notified
        "did_win": _texts([{"did-win": True, **body} for body in bodies], "did-win"),
        "conversion_value": [body.get("conversion-value") for body in bodies],
        "conversion_day_first": [first for first, _ in windows],
        "conversion_day_last": [last for _, last in windows],
    }
    unknown = dict.fromkeys(field for body in bodies for field in body if field not in _KNOWN)
    extra = {field: _texts(bodies, field) for field in unknown}
    return side_by_side(pa.table(extra), typed(TABLE, columns))


def _texts(bodies: list[dict[str, Any]], field: str) -> pa.Array:
    values = (body.get(field) for body in bodies)
    return pa.array([None if value is None else text(value) for value in values], pa.string())
