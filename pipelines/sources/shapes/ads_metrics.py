"""The metrics of an ad platform's report, by column; a row with a bad one is set aside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

import pyarrow as pa

from pipelines.errors import SourceRejected
from pipelines.sources.base import Unreadable

_UNREADABLE = (
    LookupError,
    ValueError,
    TypeError,
    ArithmeticError,
    AttributeError,
    pa.ArrowException,
)
# a name of a campaign or ad is stored as its hash
_NAMES = ("campaign_name", "adgroup_name", "ad_name")


class Metrics:
    """Rows of a report, read a column at a time.

    Args:
        report: what the platform calls it, as errors open.
        refused: makes the error of what is wrong with it.
        keys: the fields that name a row.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        report: str,
        refused: Callable[[str], SourceRejected],
        keys: Sequence[str] = (),
    ) -> None:
        self._rows, self._report, self._refused = rows, report, refused
        self._keys, self.faults = keys, dict[int, str]()

    def read(self, name: str, parse: Callable[[Any], Any]) -> list[Any]:
        """Every row's value; None of one that has none, or one that ``parse`` refuses.

        Raises:
            SourceRejected: that is so in every row.
        """
        values, bad, what = list[Any](), 0, ""
        for i, row in enumerate(self._rows):
            value = None
            try:
                value = parse(row[name])
            except _UNREADABLE:
                is_there = name in row
                what = f"{str(row[name])[:60]!r} for {name}" if is_there else f"no {name}"
                self.faults.setdefault(i, f"{name} can't be read" if is_there else what)
                bad += 1
            values.append(value)
        if bad and bad == len(self._rows):
            raise self._refused(f"{self._report} {what}")
        return values

    def unreadable(self, days: Sequence[str | None]) -> tuple[Unreadable, ...]:
        """The rows that can't be read, of which ``days`` has each one's."""
        return tuple(
            Unreadable(
                {name: str(self._rows[i].get(name)) for name in self._keys},
                why,
                _day_or_none(days[i]),
                {name: value for name, value in self._rows[i].items() if name not in _NAMES},
            )
            for i, why in sorted(self.faults.items())
        )

    def read_whole(self, table: pa.Table) -> pa.Table:
        """The rows of a table that have no fault."""
        if not self.faults:
            return table
        return table.filter(pa.array(i not in self.faults for i in range(len(table))))

    def with_drift(self, table: pa.Table, asked: Iterable[str]) -> pa.Table:
        """With the metrics that nobody asked for, as text; without the rows that have a fault."""
        unknown = {name for row in self._rows for name in row}
        for name in sorted(unknown - {*asked, *table.column_names}):
            values = (row.get(name) for row in self._rows)
            texts = [None if value is None else str(value) for value in values]
            table = table.append_column(name, pa.array(texts, pa.string()))
        return self.read_whole(table)


def parted(
    rows: Sequence[Mapping[str, Any]],
    build: Callable[[list[Any]], object],
    keys: Sequence[str],
    day: str,
) -> tuple[list[Any], tuple[Unreadable, ...]]:
    """The rows that ``build`` can make a table of, and those that it can't.

    Args:
        keys: the fields that name a row.
        day: the field with its day.
    """
    try:
        build(list(rows))
        return list(rows), ()
    except _UNREADABLE:
        pass
    whole, unreadable = list[Any](), list[Unreadable]()
    for row in rows:
        try:
            build([row])
            whole.append(row)
        except _UNREADABLE as error:
            # a KeyError's message is a field's name; any other's may be a value
            what = f"no {error}" if isinstance(error, KeyError) else type(error).__name__
            named = {name: str(row[name]) for name in keys if name in row}
            why = f"the row can't be read ({what})"
            unreadable.append(Unreadable(named, why, _day_or_none(row.get(day))))
    return whole, tuple(unreadable)


def _day_or_none(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def spends(
    costs: Sequence[int | None],
    impressions: Sequence[int],
    clicks: Sequence[int],
    refused: Callable[[str], SourceRejected],
    faulty: Collection[int] = (),
) -> list[int]:
    """Micros of each row; a row without spend and without delivery spent 0.

    Args:
        faulty: rows that are set aside, whatever they spent.

    Raises:
        SourceRejected: rows have delivery and no spend: it is missing, and not nothing.
    """
    unknown = [
        shown
        for i, (cost, *shown) in enumerate(zip(costs, impressions, clicks, strict=True))
        if cost is None and any(shown) and i not in faulty
    ]
    if unknown:
        shown, clicked = unknown[0]
        raise refused(
            f"{len(unknown)} of {len(costs)} rows have no spend and were delivered, such as one "
            f"of {shown} impressions and {clicked} clicks"
        )
    return [cost or 0 for cost in costs]


def count(value: Any) -> int:
    """A whole number, also as text; ValueError for any other."""
    number = Decimal(str(value))
    if number != int(number):
        raise ValueError(value)
    return int(number)


def number(value: Any) -> float:
    """A finite number, also as text; ValueError for any other."""
    finite = float(value)
    if not isfinite(finite):
        raise ValueError(value)
    return finite
