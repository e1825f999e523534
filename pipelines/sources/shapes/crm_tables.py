"""Leads and opportunities of any CRM in the shape of their contracts; no person's data in clear."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipelines.errors import SourceRejected
from pipelines.sources.base import KEPT, Account, Batch, Unreadable, Window
from pipelines.sources.shapes.columns import schema_of, side_by_side, typed

_log = logging.getLogger(__name__)

Row = Mapping[str, Any]
Columns = Mapping[str, Sequence[Any]]

LEADS, OPPORTUNITIES = "raw.crm_leads", "raw.crm_opportunities"
TABLES = (LEADS, OPPORTUNITIES)
MAX_WINDOW_DAYS = 366
# Changed days less than this apart are pulled as one window: a few pulls instead of hundreds.
_NEAR = timedelta(days=14)
_WITHHELD = "[withheld]"
_IDS = {LEADS: "lead_id", OPPORTUNITIES: "opportunity_id"}


def crm_batch(
    table: str,
    crm: str,
    account: Account,
    window: Window,
    *,
    pulled_at: datetime,
    records: Records,
    columns: Columns,
) -> Batch:
    """Rows in the order of creation, typed by the contract, also when there is none; records that
    have a fault are beside them.

    Args:
        table: LEADS or OPPORTUNITIES.
        crm: hubspot or salesforce.
        columns: one list a column, all as long as each other; account_id, crm, created_date and
            time_zone are added here. A column the contract doesn't know is text.
    """
    names, zone = schema_of(table).names, ZoneInfo(account.time_zone)
    unreadable = records.unreadable(_IDS[table], columns["created_at"], zone)
    good = [i for i in range(len(records.rows)) if i not in records.faults]
    columns = {name: [values[i] for i in good] for name, values in columns.items()}
    rows = len(good)
    whole = {
        "account_id": [account.account_id] * rows,
        "crm": [crm] * rows,
        "created_date": [at.astimezone(zone).date() for at in columns["created_at"]],
        "time_zone": [account.time_zone] * rows,
        **columns,
    }
    known = typed(table, {name: whole[name] for name in names})
    drift = {n: pa.array(v, pa.string()) for n, v in whole.items() if n not in names}
    order = [("created_at", "ascending"), (_IDS[table], "ascending")]
    return Batch(
        *(crm, table, account.account_id, None, window),
        side_by_side(known, pa.table(drift)).sort_by(order),
        pulled_at,
        unreadable=tuple(unreadable),
    )


def drift_columns(table: str, rows: Sequence[Row], known: Iterable[str]) -> dict[str, list[Any]]:
    """Fields that came without being asked for: their names, so that they are reported.

    Numbers and flags are kept. Text is not: in a CRM it may be a name, an address or a note.
    """
    expected = set(known)
    names = sorted({name for row in rows for name in row} - expected)
    taken = schema_of(table).names
    return {
        f"field_{name}" if name in taken else name: [_harmless(row.get(name)) for row in rows]
        for name in names
    }


class Records:
    """Records of a CRM, read a field at a time; what can't be read of one is its fault alone.

    Args:
        key: the field with a record's id.
    """

    def __init__(self, rows: Sequence[Row], key: str) -> None:
        self.rows, self.faults = rows, dict[int, str]()
        self._key = key

    def read(self, field: str, parse: Callable[[Any], Any], *, needed: bool = False) -> list[Any]:
        """One field of every record; None where it is empty, or can't be read.

        Args:
            needed: a record without it can't be used.
        """
        return self.made(f"the {field}", lambda row: row.get(field), parse, needed=needed)

    def made(
        self,
        what: str,
        take: Callable[[Row], Any],
        parse: Callable[[Any], Any],
        *,
        needed: bool = False,
    ) -> list[Any]:
        """As :meth:`read`, of what ``take`` finds in a record."""
        values: list[Any] = []
        for i, row in enumerate(self.rows):
            value = None
            try:
                raw = take(row)
                if raw not in (None, ""):
                    value = parse(raw)
                elif needed:
                    self.faults.setdefault(i, f"{what} of the record is missing")
            except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError):
                self.faults.setdefault(i, f"{what} of the record can't be read")
            values.append(value)
        return values

    def unreadable(
        self, id_column: str, created: Sequence[datetime | None], zone: ZoneInfo
    ) -> Iterator[Unreadable]:
        """The records that have a fault."""
        for i, why in sorted(self.faults.items()):
            id_, at = self.rows[i].get(self._key), created[i]
            day = at.astimezone(zone).date() if at else None
            yield Unreadable({id_column: str(id_ or "(without id)")}, why, day)


def text(value: Any) -> str:
    """A value as text."""
    return str(value)


def tag(value: Any) -> str | None:
    """A campaign tag; None for one that holds an e-mail address, as badly tagged links do."""
    return None if "@" in str(value) else str(value)


def flag(value: Any) -> bool:
    """True or false, also as the words ``true`` and ``false``; ValueError for others."""
    flags = {"true": True, "false": False}
    if (word := str(value).lower()) not in flags:
        raise ValueError("not a flag")
    return flags[word]


def instant(value: str) -> datetime:
    """An ISO 8601 instant with its offset, in UTC; ValueError without an offset."""
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return at.astimezone(UTC)


def midnight(day: date, zone: str) -> datetime:
    """The first instant of a day in a zone, UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def bounds(window: Window, zone: str) -> tuple[datetime, datetime]:
    """The window's first instant and the first one after it, UTC."""
    return midnight(window.start, zone), midnight(window.end + timedelta(days=1), zone)


def created_days(rows: Iterable[Row], field: str, before: datetime, zone: ZoneInfo) -> set[date]:
    """The days on which records were created before an instant; of one that doesn't say it, none:
    no day could be pulled again for it."""
    days = set()
    for row in rows:
        try:
            at = instant(row[field])
        except (LookupError, ValueError, TypeError):
            _log.warning("a record that changed has no %s that can be read", field)
            continue
        if at < before:
            days.add(at.astimezone(zone).date())
    return days


def day_windows(days: Iterable[date]) -> list[Window]:
    """Days as windows in order; days less than two weeks apart share one."""
    merged: list[Window] = []
    for day in sorted(set(days)):
        if merged and day - merged[-1].end < _NEAR:
            merged[-1] = Window(merged[-1].start, day)
        else:
            merged.append(Window(day, day))
    return [part for window in merged for part in window.split(MAX_WINDOW_DAYS)]


def no_such_field(crm: str, account_id: str, kind: str, names: Iterable[str]) -> SourceRejected:
    """What is raised for fields that a CRM no longer has, or hides from us."""
    missing = ", ".join(f"{kind}.{name}" for name in sorted(names))
    return SourceRejected(
        f"{crm} account {account_id}: there is no field {missing}: it was removed, "
        "or the app may not read it.",
        kept=KEPT,
        fix=f"Give the app of adcanary read access to it in {crm}, or restore it.",
    )


def _harmless(value: Any) -> str | None:
    if value is None:
        return None
    return str(value) if isinstance(value, bool | int | float | Decimal) else _WITHHELD
