"""The metrics of an ad platform's report, by column; a bad one is refused by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

import pyarrow as pa

from pipelines.errors import SourceRejected


class Metrics:
    """Rows of a report, read a column at a time.

    Args:
        report: what the platform calls it, as errors open.
        refused: makes the error of what is wrong with it.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        report: str,
        refused: Callable[[str], SourceRejected],
    ) -> None:
        self._rows, self._report, self._refused = rows, report, refused

    def read(self, name: str, parse: Callable[[Any], Any]) -> list[Any]:
        """Every row's value.

        Raises:
            SourceRejected: a row has none, or one that ``parse`` refuses.
        """
        value: Any = None
        try:
            return [parse(value := row[name]) for row in self._rows]
        except KeyError:
            what = f"no {name}"
        except (ValueError, TypeError, ArithmeticError):
            what = f"{str(value)[:60]!r} for {name}"
        raise self._refused(f"{self._report} {what}")

    def with_drift(self, table: pa.Table, asked: Iterable[str]) -> pa.Table:
        """With the metrics that nobody asked for, as text."""
        unknown = {name for row in self._rows for name in row}
        for name in sorted(unknown - {*asked, *table.column_names}):
            values = (row.get(name) for row in self._rows)
            texts = [None if value is None else str(value) for value in values]
            table = table.append_column(name, pa.array(texts, pa.string()))
        return table


def spends(
    costs: Sequence[int | None],
    impressions: Sequence[int],
    clicks: Sequence[int],
    refused: Callable[[str], SourceRejected],
) -> list[int]:
    """Micros of each row; a row without spend and without delivery spent 0.

    Raises:
        SourceRejected: rows have delivery and no spend: it is missing, and not nothing.
    """
    unknown = [
        shown
        for cost, *shown in zip(costs, impressions, clicks, strict=True)
        if cost is None and any(shown)
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
