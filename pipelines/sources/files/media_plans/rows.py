"""A media plan in the types of raw.media_plans."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.sources.files.cells import Reading, Sheet
from pipelines.sources.files.list_mapping import if_any, note_faults, said
from pipelines.sources.files.media_plans.mapping import MediaPlanMapping, platform_names
from pipelines.sources.files.one_table import Landing, OneTableFile, typed_rows
from pipelines.sources.files.possible import note_impossible

_TABLE = "raw.media_plans"
_AHEAD = timedelta(days=1_100)
Values = dict[str, list[Any]]


def media_plan_file(path: Path, mapping: MediaPlanMapping, now: datetime) -> OneTableFile:
    """A media plan."""
    landing = Landing(_TABLE, "start_date", ("plan_id", "line_id"))
    typed = partial(typed_rows, Reading(path, mapping, now), landing, _typed)
    return OneTableFile(path, mapping, mapping.account_id.constant, landing, typed)


def _typed(sheet: Sheet[MediaPlanMapping]) -> Values:
    mapping, columns, count = sheet.reading.mapping, sheet.reading.mapping.columns, len(sheet)

    def day(column: str) -> list[Any]:
        days = sheet.days(column, mapping.day(column))
        note_impossible(sheet, column, days, ahead=_AHEAD)
        return days

    values: Values = {
        "_row": sheet.row_numbers,
        "account_id": [mapping.account_id.constant] * count,
        "plan_id": said(sheet, mapping.plan_id),
        "line_id": sheet.texts(columns.line_id),
        "ad_platform": mapping.ad_platform.of(sheet, platform_names()),
        "campaign_name": sheet.texts(columns.campaign_name),
        "market": if_any(sheet, columns.market, sheet.texts_if_any),
        "product": if_any(sheet, columns.product, sheet.texts_if_any),
        "start_date": day(columns.start_date),
        "end_date": day(columns.end_date),
        "planned_spend_micros": sheet.amounts(columns.planned_spend),
        "currency_code": said(sheet, mapping.currency),
        "updated_at": if_any(
            sheet, columns.updated_at, lambda column: sheet.instants_if_any(column, mapping.times)
        ),
        "time_zone": [mapping.time_zone] * count,
    }
    note_faults(sheet, values, _faults)
    return values


def _faults(row: dict[str, Any]) -> Iterator[str]:
    """Why a line can't be used."""
    if row["end_date"] < row["start_date"]:
        yield "it ends before it starts"
    if row["planned_spend_micros"] is None:
        yield "it says nothing of what may be spent"
