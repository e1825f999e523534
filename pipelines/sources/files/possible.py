"""Days that can't be: one mistyped date is its row's fault, and mustn't stretch a file's days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.sources.files.cells import M, Sheet

# before it there was no platform to export from
_FIRST = date(2000, 1, 1)
_REASON = "is not a day that can be"


def note_impossible(
    sheet: Sheet[M],
    column: str,
    days: Sequence[date | None],
    ahead: timedelta = timedelta(days=1),
) -> None:
    """Note the rows of a day before 2000, or later than tomorrow in the mapping's time zone.

    While no row of the file has a day that can be, none is noted: the dates of all are read
    wrongly, or the clock is, and the file's days are refused as a whole.

    Args:
        days: of each row; None where it can't be read.
        ahead: how far from today a day may be, where plans have days, too.
    """
    reading = sheet.reading
    last = datetime.now(ZoneInfo(reading.mapping.time_zone)).date() + ahead
    impossible = [day is not None and not _FIRST <= day <= last for day in days]
    reading.has_days |= any(
        day is not None and not bad for day, bad in zip(days, impossible, strict=True)
    )
    if not reading.has_days:
        return
    for row, day, bad in zip(sheet.row_numbers, days, impossible, strict=True):
        if bad:
            reading.problems.add(
                row, f", column {column}: {day} {_REASON}", why=f"column {column} {_REASON}"
            )
