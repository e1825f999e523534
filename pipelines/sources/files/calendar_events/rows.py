"""A calendar in the types of raw.calendar_events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.sources.files.calendar_events.mapping import (
    KINDS,
    STOCK_OUT,
    YES_NO,
    CalendarMapping,
)
from pipelines.sources.files.cells import Reading, Sheet
from pipelines.sources.files.list_mapping import if_any, note_faults
from pipelines.sources.files.mapping import ABSENT
from pipelines.sources.files.one_table import Landing, OneTableFile, typed_rows
from pipelines.sources.files.possible import note_impossible

_TABLE = "raw.calendar_events"
# calendars of holidays go on for years
_AHEAD = timedelta(days=3_660)
_NO_CURRENCY = "''"
Values = dict[str, list[Any]]


def calendar_file(path: Path, mapping: CalendarMapping, now: datetime) -> OneTableFile:
    """A calendar."""
    landing = Landing(_TABLE, "start_date", ("event_id",), currency=_NO_CURRENCY)
    typed = partial(typed_rows, Reading(path, mapping, now), landing, _typed)
    return OneTableFile(path, mapping, mapping.account_id.constant, landing, typed)


def _typed(sheet: Sheet[CalendarMapping]) -> Values:
    mapping, columns, count = sheet.reading.mapping, sheet.reading.mapping.columns, len(sheet)

    names, kinds = sheet.texts(columns.name), mapping.kind.of(sheet, KINDS)
    starts = sheet.days(columns.start_date, mapping.day(columns.start_date))
    note_impossible(sheet, columns.start_date, starts, ahead=_AHEAD)
    ends: list[Any] = [None] * count
    if columns.end_date != ABSENT:
        ends = sheet.days_if_any(columns.end_date, mapping.day(columns.end_date))
        note_impossible(sheet, columns.end_date, ends, ahead=_AHEAD)
    if mapping.known_in_advance is None:
        known = [kind != STOCK_OUT for kind in kinds]
    else:
        known = [word == "true" for word in mapping.known_in_advance.of(sheet, YES_NO)]
    values: Values = {
        "_row": sheet.row_numbers,
        "account_id": [mapping.account_id.constant] * count,
        "name": names,
        "kind": kinds,
        "start_date": starts,
        "end_date": [end or start for start, end in zip(starts, ends, strict=True)],
        "market": if_any(sheet, columns.market, sheet.texts_if_any),
        "population_share": if_any(sheet, columns.population_share, sheet.numbers_if_any),
        "intensity": if_any(sheet, columns.intensity, sheet.numbers_if_any),
        "expected_sign": if_any(sheet, columns.expected_sign, sheet.numbers_if_any),
        "known_in_advance": known,
        "time_zone": [mapping.time_zone] * count,
    }
    if columns.event_id == ABSENT:
        parts = zip(names, values["market"], starts, strict=True)
        values["event_id"] = [" ".join(str(p) for p in of_one if p) for of_one in parts]
    else:
        values["event_id"] = sheet.texts(columns.event_id)
    note_faults(sheet, values, _faults)
    return values


def _faults(row: dict[str, Any]) -> Iterator[str]:
    """Why an event can't be used."""
    if row["end_date"] < row["start_date"]:
        yield "it ends before it starts"
    share, sign = row["population_share"], row["expected_sign"]
    if share is not None and not 0 < share <= 1:
        yield "its population share isn't one: up to 1, above 0"
    if sign is not None and sign not in (-1, 0, 1):
        yield "its expected sign is none of 1, 0 and -1"
