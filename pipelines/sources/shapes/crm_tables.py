"""Leads and opportunities of any CRM in the shape of their contracts; no person's data in clear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipelines.errors import SourceRejected
from pipelines.sources.base import KEPT, Account, Window
from pipelines.sources.shapes.columns import schema_of, side_by_side, typed

Row = Mapping[str, Any]

LEADS, OPPORTUNITIES = "raw.crm_leads", "raw.crm_opportunities"
TABLES = (LEADS, OPPORTUNITIES)
MAX_WINDOW_DAYS = 366
# Changed days less than this apart are pulled as one window: a few pulls instead of hundreds.
_NEAR = timedelta(days=14)
_WITHHELD = "[withheld]"
_IDS = {LEADS: "lead_id", OPPORTUNITIES: "opportunity_id"}


def crm_table(
    table: str, crm: str, account: Account, columns: Mapping[str, Sequence[Any]]
) -> pa.Table:
    """Rows in the order of creation, typed by the contract, also when there is none.

    Args:
        table: LEADS or OPPORTUNITIES.
        crm: hubspot or salesforce.
        columns: one list a column, all as long as each other; account_id, crm, created_date and
            time_zone are added here. A column the contract doesn't know is text.
    """
    names, zone = schema_of(table).names, ZoneInfo(account.time_zone)
    rows = len(columns["created_at"])
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
    return side_by_side(known, pa.table(drift)).sort_by(order)


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


def parsed(
    where: str, rows: Sequence[Row], key: str, field: str, parse: Callable[[Any], Any]
) -> list[Any]:
    """One field of every row, read by ``parse``; None where it is empty.

    Raises:
        SourceRejected: a value can't be read; names the record and field, never the value.
    """
    values: list[Any] = []
    for row in rows:
        raw = row.get(field)
        try:
            values.append(None if raw in (None, "") else parse(raw))
        except (ValueError, TypeError, ArithmeticError):
            raise SourceRejected(
                f"{where}: the {field} of record {row[key]} can't be read.",
                kept=KEPT,
                fix=f"Correct the record's {field} in the CRM, or the type of the field.",
            ) from None
    return values


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
