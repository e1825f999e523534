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

    def texts(column: str) -> list[Any]:
        return [None] * count if column == ABSENT else sheet.texts_if_any(column)

    def numbers(column: str) -> list[Any]:
        return [None] * count if column == ABSENT else sheet.numbers_if_any(column)

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
        "market": texts(columns.market),
        "population_share": numbers(columns.population_share),
        "intensity": numbers(columns.intensity),
        "expected_sign": numbers(columns.expected_sign),
        "known_in_advance": known,
        "time_zone": [mapping.time_zone] * count,
    }
    if columns.event_id == ABSENT:
        parts = zip(names, values["market"], starts, strict=True)
        values["event_id"] = [" ".join(str(p) for p in of_one if p) for of_one in parts]
    else:
        values["event_id"] = sheet.texts(columns.event_id)
    problems = sheet.reading.problems
    for i, number in enumerate(sheet.row_numbers):
        if number not in problems.rows:  # of what can't be read, nothing more is said
            for reason in _faults({name: cells[i] for name, cells in values.items()}):
                problems.add(number, f": {reason}", why=reason)
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
