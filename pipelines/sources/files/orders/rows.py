"""A file's orders in the types of raw.orders: persons hashed, days the shop's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipelines.placeholders import Placeholders
from pipelines.privacy.hashing import hash_email, hash_phone
from pipelines.sources.files.aside import Aside, TypedRows, refuse_more_than_rows
from pipelines.sources.files.cells import Reading, Sheet
from pipelines.sources.files.formats import read_sheets
from pipelines.sources.files.ids import as_text
from pipelines.sources.files.mapping import ABSENT
from pipelines.sources.files.one_table import Landing, OneTableFile, refuse_duplicates
from pipelines.sources.files.orders.mapping import OrdersMapping
from pipelines.sources.files.possible import note_impossible
from pipelines.sources.files.rows import RowsFile
from pipelines.sources.shapes.columns import schema_of

_TABLE = "raw.orders"
_CLICK_IDS = ("gclid", "fbclid", "ttclid", "li_fat_id")
# An order without a person is its own: it counts as a new customer's, as the shop's API has it.
_SELECT = """
SELECT
  * EXCLUDE (_row),
  ROW_NUMBER() OVER (
    PARTITION BY COALESCE(email_hash, phone_hash, order_id) ORDER BY ordered_at, order_id
  ) = 1 AS is_new_customer
FROM rows
"""
_NOTE = "new customers are those without an earlier order in the file, which says no more"


@dataclass(frozen=True)
class Hashing:
    """What persons are hashed with, and which texts are nobody's."""

    salt: str = field(repr=False)
    nobodys: Placeholders


def orders_file(
    path: Path, mapping: OrdersMapping, hashing: Hashing, now: datetime
) -> OneTableFile:
    """An export of a shop's orders, read at an instant: none of them is later."""
    read = partial(typed_orders, Reading(path, mapping, now), hashing)
    landing = Landing(_TABLE, "order_date", ("order_id",), _SELECT, _NOTE)
    return OneTableFile(path, mapping, mapping.shop, landing, read)


def typed_orders(reading: Reading[OrdersMapping], hashing: Hashing) -> TypedRows:
    """A file's orders: columns of raw.orders but ``is_new_customer``, and ``_row``.

    Raises:
        InputError: a column that can't be used, more rows that can't than may be set aside, an
            order twice, or items without theirs.
    """
    rows, problems, columns = RowsFile(), reading.problems, reading.mapping.columns
    orders: set[str] = set()
    items: dict[str, int] = {}
    days: dict[int, date | None] = {}
    count = 0
    for sheet in read_sheets(reading):
        totals = sheet.columns[columns.total]
        further = [i for i, cell in enumerate(totals) if sheet.is_nothing(cell)]
        rest = sheet.only(further)
        for order, number in zip(rest.texts(columns.order_id), rest.row_numbers, strict=False):
            items.setdefault(order, number)
        skipped = set(further)
        first = sheet.only(i for i in range(len(sheet)) if i not in skipped)
        values = _typed(first, hashing)
        orders.update(values["order_id"])
        count += len(first)
        if not first.is_readable:
            days |= dict(zip(first.row_numbers, values["order_date"], strict=True))
            first = first.readable()
            values = _typed(first, hashing)
        if len(first) and not problems.of_file:
            rows.write(_table(values))
    for order, number in items.items():
        if order not in orders:
            problems.add(number, f": no row of order {order} has its {columns.total}")
    rows.close()
    count += len(problems.rows.keys() - days.keys())
    refuse_more_than_rows(reading, _TABLE, count)
    if not rows.is_written:
        raise reading.refusal("has no row that isn't left out.", "Correct leave_out.")
    refuse_duplicates(reading, rows, ("order_id",))
    reading.warn_of_left_out()
    # without cells: a person's stand beside the one that can't be read
    aside = (Aside(row, why, day=days.get(row)) for row, why in sorted(problems.rows.items()))
    return TypedRows(rows, aside=tuple(aside), count=count)


def _typed(sheet: Sheet[OrdersMapping], hashing: Hashing) -> dict[str, list[Any]]:
    mapping, columns, count = sheet.reading.mapping, sheet.reading.mapping.columns, len(sheet)
    zone, nobodys = ZoneInfo(mapping.time_zone), hashing.nobodys
    ordered = sheet.instants(columns.ordered_at, mapping.times)
    cancelled = _instants(sheet, columns.cancelled_at)
    changes = [sheet.instants_if_any(column, mapping.times) for column in columns.changes]
    states = sheet.translated(mapping.status.column, dict(mapping.status.values), "PENDING")
    tests = [mapping.test is not None and mapping.test.matches(c) for c in _tested(sheet)]
    refunded = [None] * count if columns.refunded == ABSENT else sheet.amounts(columns.refunded)
    clicks = [_click_ids(text, nobodys) for text in _persons(sheet, columns.attributes)]
    values: dict[str, list[Any]] = {
        "_row": sheet.row_numbers,
        "shop_id": [mapping.shop] * count,
        "order_id": sheet.texts(columns.order_id),
        "email_hash": [
            hash_email(text, hashing.salt, nobodys) for text in _persons(sheet, columns.email)
        ],
        "phone_hash": [
            hash_phone(text, hashing.salt, nobodys=nobodys)
            for text in _persons(sheet, columns.phone)
        ],
        **{name: [ids.get(name) for ids in clicks] for name in _CLICK_IDS},
        "revenue_micros": sheet.amounts(columns.total),
        "refunded_micros": [amount or 0 for amount in refunded],
        "currency_code": [code and code.upper() for code in sheet.texts(columns.currency)],
        "time_zone": [mapping.time_zone] * count,
        "test": [True if is_test else None for is_test in tests],
        "cancelled_at": cancelled,
    }
    values["order_date"] = [at and at.astimezone(zone).date() for at in ordered]
    note_impossible(sheet, columns.ordered_at, values["order_date"])
    if not sheet.is_readable:
        return values
    _check_zone(sheet, ordered, zone)
    values |= {
        "ordered_at": ordered,
        "status": list(map(_status, tests, cancelled, states)),
        "updated_at": [
            max(at for at in times if at is not None)
            for times in zip(ordered, cancelled, *changes, strict=True)
        ],
    }
    return values


def _check_zone(sheet: Sheet[OrdersMapping], ordered: list[datetime], zone: ZoneInfo) -> None:
    """Note orders of another zone than the mapping's: a shop writes its own, or UTC."""
    for number, at in zip(sheet.row_numbers, ordered, strict=True):
        own = at.astimezone(zone)
        if at.utcoffset() and at.utcoffset() != own.utcoffset():
            reason = f": its time is at {at:%z}, and {zone.key} has {own:%z} then"
            sheet.reading.problems.add(number, reason)
            sheet.reading.problems.advise("Say the shop's own time zone in the mapping: time_zone.")


def _instants(sheet: Sheet[OrdersMapping], column: str) -> list[datetime | None]:
    if column == ABSENT:
        return list[datetime | None]([None]) * len(sheet)
    return sheet.instants_if_any(column, sheet.reading.mapping.times)


def _tested(sheet: Sheet[OrdersMapping]) -> Sequence[object]:
    test = sheet.reading.mapping.test
    return sheet.columns[test.column] if test else [None] * len(sheet)


def _persons(sheet: Sheet[OrdersMapping], column: str) -> list[str | None]:
    """Texts that are not looked into: what doesn't look like a person's is hashed to nothing."""
    if column == ABSENT:
        return [None] * len(sheet)
    return [None if sheet.is_nothing(c) else as_text(str(c)) for c in sheet.columns[column]]


def _click_ids(attributes: str | None, nobodys: Placeholders) -> dict[str, str | None]:
    """The click ids among lines ``name: value``."""
    pairs = (line.partition(":") for line in (attributes or "").splitlines())
    kept = {name.strip().lower().lstrip("_"): value.strip() for name, _, value in pairs}
    return {name: nobodys.real(kept.get(name) or None) for name in _CLICK_IDS}


def _status(is_test: bool, cancelled_at: datetime | None, state: str) -> str:
    if is_test:
        return "TEST"
    return "CANCELLED" if cancelled_at else state


def _table(values: dict[str, list[Any]]) -> pa.Table:
    types = {f.name: f.type for f in schema_of(_TABLE)} | {"_row": pa.int64()}
    return pa.table({name: pa.array(cells, types[name]) for name, cells in values.items()})
