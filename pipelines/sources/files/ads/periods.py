"""Rows that are weeks or months: told from days by their dates, and spread over their days.

Each day of a period gets the same share. Whole numbers (micros, impressions, clicks) are shared so
that the days sum to the row's number exactly: the first n days get n/N of it, rounded down.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import fsum
from typing import Any

from pipelines.sources.files.ads.mapping import AdsMapping
from pipelines.sources.files.cells import Reading, Sheet, day_of
from pipelines.sources.files.layout import spelt

SPREAD = "spread_from"
_WEEK, _A_DAY = 7, timedelta(days=1)
# Columns that end a row's period, by the names that the platforms' exports have.
_ENDS = {
    *("reporting ends", "date stop", "date_stop", "end date", "end_date", "week ending", "to"),
    *("period end", "period_end", "date to", "end time", "berichtsende", "enddatum", "bis"),
    *("auswertungsende", "fin du rapport", "fin del informe", "fine reportistica"),
}


def check_ends(sheet: Sheet[AdsMapping], days: Sequence[date]) -> None:
    """Note rows that end on another day than their own: they aren't days."""
    mapping = sheet.reading.mapping
    if mapping.grain != "day" or mapping.sparse:
        return
    columns = dict(sheet.others)
    if mapping.date.ends:
        columns = {mapping.date.ends: sheet.columns[mapping.date.ends]}
    else:
        columns = {
            name: cells
            for name, cells in columns.items()
            if spelt(name).lower() in _ENDS
            or _end_periods([day_of(cell, mapping.date) for cell in cells], days)
        }
    for name, cells in columns.items():
        for i, (cell, day) in enumerate(zip(cells, days, strict=True)):
            end = day_of(cell, mapping.date)
            if end is not None and end != day:
                sheet.reading.problems.add(
                    sheet.row_numbers[i],
                    f": it is from {day} to {end} (column {name}), and a row must be a day",
                )
                sheet.reading.problems.advise(_export_by_day(_named(day, end)))


def _end_periods(ends: Sequence[date | None], days: Sequence[date]) -> bool:
    """Whether a column, whatever it is called, ends each row's period: in every row a week later,
    or at the month's end. The day after may close a period, or be the next one's first."""
    spans = {(day, end) for day, end in zip(days, ends, strict=True) if end is not None}
    if not spans or None in ends:
        return False
    weeks = {(end - day).days for day, end in spans} in ({_WEEK - 1}, {_WEEK})
    months = all(
        day.day == 1 and end in (closing := day.replace(day=_month_end(day)), closing + _A_DAY)
        for day, end in spans
    )
    return weeks or months


def refuse_far_apart(reading: Reading[AdsMapping], dates: Iterable[Sequence[date]]) -> None:
    """Refuse rows that are weeks or months by the days between them.

    Args:
        dates: the distinct days of each campaign or ad, and of each account, in order.

    Raises:
        InputError: no two of them are less than a week apart, and they look like periods. The
            first and the last period of an export may be cut short.
    """
    if reading.mapping.grain != "day" or reading.mapping.sparse:
        return
    pairs = [pair for days in dates for pair in _whole_periods(list(pairwise(days)))]
    gaps = [(later - earlier).days for earlier, later in pairs]
    if not gaps or min(gaps) < _WEEK:
        return
    weeks = all(gap % _WEEK == 0 for gap in gaps)
    months = all(_months_apart(*pair) for pair in pairs)
    halves = all(_halves_of_months(*pair) for pair in pairs)
    if weeks or months or halves or len(set(pairs)) > 1:
        grain = "week" if weeks else "month"
        raise reading.refusal(
            f"has days that lie {_WEEK} or more apart, such as {pairs[0][0]} and {pairs[0][1]}: "
            f"a row seems to be a {grain if weeks or months else 'longer period'}, and must be "
            "a day.",
            f"{_export_by_day(grain)} If they are days: sparse: true.",
        )


def _whole_periods(pairs: list[tuple[date, date]]) -> list[tuple[date, date]]:
    """Pairs of days without the first and the last, where there are others."""
    return pairs[1:-1] if len(pairs) > 2 else pairs


def period(day: date, end: date | None, mapping: AdsMapping) -> tuple[date, date] | None:
    """First and last day of a row's period; None where they are of no such period."""
    if mapping.grain == "week":
        first, last = day, day + timedelta(days=_WEEK - 1)
        if mapping.date.marks == "last":
            first, last = day - timedelta(days=_WEEK - 1), day
    else:
        first, last = day, day.replace(day=_month_end(day))
        if mapping.date.marks == "last":
            first, last = day.replace(day=1), day
        if end is None and (first.day != 1 or last.day != _month_end(last)):
            return None
    if end is not None:
        if not first <= end <= last:
            return None
        last = end
    return first, last


def spread(
    values: dict[str, list[Any]], periods: Sequence[tuple[date, date]], grain: str
) -> dict[str, list[Any]]:
    """A row for each day of each row's period; budgets, which are of a day, stay as they are."""
    lengths = [(last - first).days + 1 for first, last in periods]
    shared: dict[str, Callable[[Any, int], list[Any]]] = {
        "impressions": _whole,
        "clicks": _whole,
        "cost_micros": _whole,
        "conversions": _parts,
        "conversion_value": _parts,
    }
    days = {
        name: [
            part
            for cell, n in zip(cells, lengths, strict=True)
            for part in (shared[name](cell, n) if name in shared else [cell] * n)
        ]
        for name, cells in values.items()
    }
    days["date"] = [
        first + timedelta(days=i)
        for (first, _), n in zip(periods, lengths, strict=True)
        for i in range(n)
    ]
    days[SPREAD] = [grain] * len(days["date"])
    return days


def _whole(number: int, days: int) -> list[int]:
    return [number * (i + 1) // days - number * i // days for i in range(days)]


def _parts(number: float, days: int) -> list[float]:
    parts = [number / days] * (days - 1)
    return [*parts, max(number - fsum(parts), 0.0)]


def _months_apart(earlier: date, later: date) -> bool:
    ends = all(day.day == _month_end(day) for day in (earlier, later))
    return earlier.day == later.day or ends


def _halves_of_months(*days: date) -> bool:
    """Whether each day begins a half of its month, or each ends one."""
    begin = all(day.day in (1, 16) for day in days)
    return begin or all(day.day in (15, _month_end(day)) for day in days)


def _month_end(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _named(first: date, last: date) -> str:
    return "week" if (last - first).days < _WEEK else "month"


def _export_by_day(grain: str) -> str:
    return (
        f"Export it by day; or say grain: {grain} and spread: evenly in the mapping, and each row "
        "is divided among its days."
    )
