"""Whether an account's last day has about as many rows as such days had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from math import log, sqrt
from operator import itemgetter
from statistics import median
from typing import Any

from pipelines.contracts import Contract, load_contracts
from pipelines.errors import MissingTableError
from pipelines.finding import Finding, fail, ok, skip, warn
from pipelines.monitors.held import Held

WEEKS = 4
"""What a day is compared with; a new level is the usual one after half of them."""
DAYS_BEFORE = 7 * WEEKS + 6
# Rows a day from which something can be told; rows and ratios that are never odd; least noise.
_LEAST, _FEW, _CHANGE, _NOISE = 5, 3, 1.35, 0.05
_BOUND = 4.0
_LEFT = 0.1
# Freshness tells of what is later.
_CURRENT_DAYS = 7
_SHOWN = 8
_NORMAL_90 = 1.645


@dataclass(frozen=True)
class Usual:
    """What a day may be expected to have.

    Args:
        rows: the median of the same weekdays before.
        spread: of a day around its weekday's median, as a standard deviation of logarithms.
    """

    rows: float
    spread: float

    @classmethod
    def of(cls, counts: Mapping[date, int], day: date) -> Usual | None:
        """By the weeks before a day; None where there are too few rows to tell anything.

        The spread is pooled over all weekdays: the four of one are too few. It is the wider of
        what the middle and the tail (the 90th percentile) of the deviations say, so that a day
        that went wrong once neither hides the next nor makes an odd one of every other.
        """
        medians, deviations = [], []
        for offset in range(7):
            before = [counts.get(day - timedelta(days=7 * w + offset), 0) for w in _WEEKS_AGO]
            medians.append(median(before))
            deviations += [abs(log((n + 0.5) / (medians[-1] + 0.5))) for n in before]
        if medians[0] < _LEAST:
            return None
        deviations.sort()
        middle = 1.4826 * median(deviations) * sqrt(WEEKS / (WEEKS - 1))
        tail = deviations[int(0.9 * len(deviations))] / _NORMAL_90
        return cls(medians[0], max(middle, tail, _NOISE))

    def is_odd(self, rows: int) -> bool:
        """Whether so many rows are neither near what is usual nor within what is chance."""
        off = abs(log((rows + 0.5) / (self.rows + 0.5)))
        far = abs(rows - self.rows) >= _FEW
        return far and off > max(_BOUND * self.spread, log(_CHANGE))


_WEEKS_AGO = range(1, WEEKS + 1)


@dataclass(frozen=True)
class _Day:
    """An account's last day, and what such days had."""

    account_id: str
    day: date
    rows: int
    usual: Usual

    @property
    def is_odd(self) -> bool:
        return self.usual.is_odd(self.rows)

    def __str__(self) -> str:
        return (
            f"account {self.account_id} has {self.rows:,} rows of {self.day:%Y-%m-%d, a %A}, "
            f"usually {self.usual.rows:,.0f}"
        )


def volume(held: Held) -> Iterator[Finding]:
    """The rows of each account's last published day, by source and table.

    Counting five weeks of events is dear on BigQuery: it holds until more is published.
    """
    since = held.days_ago(_CURRENT_DAYS)
    rows = held.rows("published_days", since=since, yesterday=held.yesterday)
    yield from held.once("volume", rows, lambda: _compared(held, rows))


def _compared(held: Held, rows: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    compared = 0
    for table, of_table in groupby(rows, key=itemgetter("table_name")):
        contract = load_contracts().get(table)
        if contract is None or contract.partition_by is None:  # a list, or a present state
            continue
        # a new account has nothing to compare with yet
        known = [r for r in of_table if (r["last_day"] - r["first_day"]).days >= DAYS_BEFORE]
        counts = _counts(held, contract, [row["last_day"] for row in known])
        for source, of_source in groupby(known, key=itemgetter("source")):
            days = [*_days(of_source, counts)]
            compared += len(days)
            if any(day.is_odd for day in days):
                yield _finding(source, table, days)
    if compared:
        yield ok("volume", f"{compared} last days of an account and table were compared.")
    else:
        yield skip("volume", f"No account has {DAYS_BEFORE + 1} days with enough rows a day yet.")


def _days(
    rows: Iterable[Mapping[str, Any]], counts: Mapping[str, Mapping[date, int]]
) -> Iterator[_Day]:
    for row in rows:
        own, day = counts.get(row["account_id"], {}), row["last_day"]
        if usual := Usual.of(own, day):
            yield _Day(row["account_id"], day, own.get(day, 0), usual)


def _finding(source: str, table: str, days: Sequence[_Day]) -> Finding:
    """Of the odd days among a source's; it fails where hardly any row of all its accounts is left:
    one account may have been paused."""
    name, odd = f"volume:{source}/{table}", [day for day in days if day.is_odd]
    shown = "; ".join(map(str, odd[:_SHOWN]))
    more = f"; and {len(odd) - _SHOWN} accounts more" if len(odd) > _SHOWN else ""
    message = f"{shown[:1].upper()}{shown[1:]}{more}."
    fix = "See at the platform whether the day was such; if it wasn't, pull it again"
    say = warn
    if sum(day.rows for day in days) <= _LEFT * sum(day.usual.rows for day in days):
        say = fail
    return say(name, message, f"{fix}: `adcanary ingest {source}`.")


def _counts(held: Held, contract: Contract, days: Sequence[date]) -> dict[str, dict[date, int]]:
    """Rows by account and day, of the days that are compared."""
    if not days:
        return {}
    column = contract.partition_by
    sql = (
        f"SELECT {contract.account_column} AS account_id, {column} AS day, COUNT(*) AS row_count "
        f"FROM {contract.table} WHERE {column} BETWEEN @start AND @end GROUP BY 1, 2"
    )
    params = {"start": min(days) - timedelta(days=DAYS_BEFORE), "end": max(days)}
    try:
        rows = held.warehouse.query(sql, params).to_pylist()
    except MissingTableError:
        return {}
    counts: dict[str, dict[date, int]] = {}
    for row in rows:
        counts.setdefault(row["account_id"], {})[row["day"]] = row["row_count"]
    return counts
