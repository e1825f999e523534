"""A downloaded GA4 report in the types of raw.ga4_daily_report."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.sources.files.cells import Reading, Sheet
from pipelines.sources.files.ga4_report.mapping import COUNTS, DIMENSIONS, Ga4ReportMapping
from pipelines.sources.files.mapping import ABSENT
from pipelines.sources.files.one_table import Landing, OneTableFile, typed_rows
from pipelines.sources.files.possible import note_impossible

_TABLE = "raw.ga4_daily_report"
_NOT_EXPORTED, _OTHER = "(not exported)", "(other)"
# GA4 puts rows past a report's limit into one called (other): that it lost some shows there
_SELECT = f"""
SELECT
  * EXCLUDE (_row),
  BOOL_OR('{_OTHER}' IN ({", ".join(DIMENSIONS)})) OVER () AS data_loss_from_other_row
FROM rows
"""


def report_file(path: Path, mapping: Ga4ReportMapping, now: datetime) -> OneTableFile:
    """A report of a GA4 property."""
    landing = Landing(_TABLE, "date", ("date", *DIMENSIONS), _SELECT)
    read = partial(typed_rows, Reading(path, mapping, now), landing, _typed, mapping.date)
    return OneTableFile(path, mapping, mapping.property_id, landing, read)


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
    return values


def _parted(text: str) -> tuple[str, str]:
    """Source and medium; ``(not set)`` alone is both."""
    source, _, medium = text.rpartition(" / ")
    return (source, medium) if source else (text, text)
