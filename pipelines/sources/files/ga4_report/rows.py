"""A downloaded GA4 report in the types of raw.ga4_daily_report."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.privacy.field_names import is_personal
from pipelines.sources.files.aside import Aside, TypedRows, refuse_more_than_rows
from pipelines.sources.files.cells import Reading, Sheet
from pipelines.sources.files.drift import names_beside
from pipelines.sources.files.formats import read_sheets
from pipelines.sources.files.ga4_report.mapping import COUNTS, DIMENSIONS, Ga4ReportMapping
from pipelines.sources.files.mapping import ABSENT
from pipelines.sources.files.one_table import Landing, OneTableFile, refuse_duplicates
from pipelines.sources.files.possible import note_impossible
from pipelines.sources.files.rows import RowsFile
from pipelines.sources.shapes.columns import schema_of

_log = logging.getLogger(__name__)

_TABLE = "raw.ga4_daily_report"
_NOT_EXPORTED, _OTHER = "(not exported)", "(other)"
# GA4 puts rows past a report's limit into one called (other): that it lost some shows there
_SELECT = f"""
SELECT
  * EXCLUDE (_row),
  BOOL_OR('{_OTHER}' IN ({", ".join(DIMENSIONS)})) OVER () AS data_loss_from_other_row
FROM rows
"""


def report_file(path: Path, mapping: Ga4ReportMapping) -> OneTableFile:
    """A report of a GA4 property."""
    read = partial(typed_report, Reading(path, mapping))
    return OneTableFile(path, mapping, mapping.property_id, Landing(_TABLE, "date", _SELECT), read)


def typed_report(reading: Reading[Ga4ReportMapping]) -> TypedRows:
    """A report's rows: columns of the table, ``_row``, and those that the mapping does not name.

    Raises:
        InputError: a column that can't be used, more rows that can't than may be set aside, or a
            row twice.
    """
    rows, count = RowsFile(), 0
    days: dict[int, Any] = {}
    personal: set[str] = set()
    for whole in read_sheets(reading):
        personal |= {name for name in whole.others if is_personal(name)}
        count += len(whole)
        values = _typed(whole)
        if not whole.is_readable:
            days |= dict(zip(whole.row_numbers, values["date"], strict=True))
            values = _typed(whole.readable())
        if values["_row"] and not reading.problems.of_file:
            rows.write(_table(values))
    rows.close()
    bad = reading.problems.rows
    count += len(bad.keys() - days.keys())
    refuse_more_than_rows(reading, _TABLE, count)
    if not rows.is_written:
        raise reading.refusal("has no row that isn't left out.", "Correct leave_out.")
    if number := reading.numerals.ambiguous:
        raise reading.refusal(
            f"has no number that shows what '{reading.mapping.decimal_sign}' is: '{number}' is a "
            "fraction, or thousands.",
            "Say both signs in the mapping: decimal: and thousands: ('' for none).",
        )
    refuse_duplicates(reading, rows, ("date", *DIMENSIONS))
    if personal:
        warning = "columns that may be about a person are not taken"
        _log.warning("%s: %s: %s", reading.path, warning, ", ".join(sorted(personal)))
    if reading.left_out:
        _log.warning("%s: left out, as the mapping says: %d row(s)", reading.path, reading.left_out)
    dates, problems = reading.mapping.date, reading.problems
    aside = tuple(
        Aside(row, why, day=days.get(row) or problems.day(row, dates.column, dates))
        for row, why in sorted(bad.items())
    )
    return TypedRows(rows, aside=aside, count=count)


def _typed(sheet: Sheet[Ga4ReportMapping]) -> dict[str, list[Any]]:
    mapping, count = sheet.reading.mapping, len(sheet)
    column = mapping.columns.model_dump()
    values: dict[str, list[Any]] = {
        "_row": sheet.row_numbers,
        "property_id": [mapping.property_id] * count,
        "date": sheet.days(mapping.date.column, mapping.date),
        "currency_code": [mapping.currency.constant] * count,
        "time_zone": [mapping.time_zone] * count,
    }
    note_impossible(sheet, mapping.date.column, values["date"])
    for name in DIMENSIONS:
        if column[name] != ABSENT:
            values[name] = sheet.texts(column[name])
        else:
            values[name] = [_NOT_EXPORTED] * count
    if column["session_source_medium"] != ABSENT:
        both = [_parted(text or "") for text in sheet.texts(column["session_source_medium"])]
        values["session_source"] = [source for source, _ in both]
        values["session_medium"] = [medium for _, medium in both]
    for name in COUNTS:
        if column[name] != ABSENT:
            values[name] = sheet.counts(column[name])
    if column["key_events"] != ABSENT:
        values["key_events"] = sheet.numbers(column["key_events"])
    if column["purchase_revenue"] != ABSENT:
        amounts = sheet.amounts(column["purchase_revenue"], signed=True)
        values["purchase_revenue_micros"] = [amount or 0 for amount in amounts]
    kept = [name for name in sheet.others if not is_personal(name)]
    for name, beside in zip(kept, names_beside(_TABLE, kept, "_row"), strict=True):
        values[_apart(beside, values)] = sheet.drift(name)
    return values


def _parted(text: str) -> tuple[str, str]:
    """Source and medium; ``(not set)`` alone is both."""
    source, _, medium = text.rpartition(" / ")
    return (source, medium) if source else (text, text)


def _apart(name: str, others: dict[str, list[Any]]) -> str:
    """A name that is another in small letters, too: DuckDB doesn't tell them apart."""
    while name.lower() in map(str.lower, others):
        name += "_"
    return name


def _table(values: dict[str, list[Any]]) -> pa.Table:
    types = {f.name: f.type for f in schema_of(_TABLE)} | {"_row": pa.int64()}
    text = pa.string()
    return pa.table({name: pa.array(v, types.get(name, text)) for name, v in values.items()})
