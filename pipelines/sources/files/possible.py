"""Days that can't be: one mistyped date is its row's fault, and mustn't stretch a file's days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pipelines.sources.files.cells import M, Sheet

# before it there was no platform to export from
_FIRST = date(2000, 1, 1)
_REASON = "is not a day that can be"


def note_impossible(
    sheet: Sheet[M],
    column: str,
    days: Sequence[date | None],
    ahead: timedelta = timedelta(),
) -> None:
    """Note the rows of a day before 2000, or later than the file's today.

    Args:
        days: of each row; None where it can't be read.
        ahead: how far from today a day may be, where plans have days, too.
    """
    problems, last = sheet.reading.problems, sheet.reading.today + ahead
    for row, day in zip(sheet.row_numbers, days, strict=True):
        if day is not None and not _FIRST <= day <= last:
            problems.add(
                row, f", column {column}: {day} {_REASON}", why=f"column {column} {_REASON}"
            )
            problems.advise("Correct the dates in the file, or the mapping's date format.")
