"""Reads campaign-months that a person brings, for pacing to be scored on.

A row is a campaign's day: what it cost and its daily budget then, and, where the truth is known,
the fault of the day. A month is scored if four weeks of the campaign go before it. Of a campaign, a
day without a row cost nothing if another campaign of the file has it, and is missing else, as is
one whose cost is empty.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import (
    MAX_YEAR,
    MIN_YEAR,
    is_number,
    line_of,
    listed,
    quoted,
    read_cells,
)
from pipelines.evaluate.pacing_months import FAULTS, CampaignMonth, FaultName, Planted
from pipelines.jobs.pacing.evidence import HISTORY_DAYS, CampaignHistory, month_days
from pipelines.money import micros
from pipelines.platforms import full_name

MIN_BEFORE = 28
"""Days with which a campaign is known well enough to be judged."""
MAX_MONTHS = 20_000
PLATFORM = "google_ads"
"""Whose spending limits hold where the file doesn't say."""
_NEEDED = ("campaign", "date", "cost", "budget")
_COLUMNS = (*_NEEDED, "platform", "currency", "fault")
_WEEKS = 4
_CODE = re.compile(r"[A-Z]{3}")
_KEPT = "nothing was scored."


@dataclass(frozen=True)
class Brought:
    """What a file has.

    Args:
        has_truth: whether it says which days are at fault.
        currency: of all amounts, if it says so.
        notes: what was left out, and why.
    """

    months: tuple[CampaignMonth, ...]
    has_truth: bool
    currency: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Days:
    """A campaign's days; amounts in micros."""

    campaign: str
    platform: str
    costs: Mapping[date, int]
    budgets: Mapping[date, int]
    missing: frozenset[date]
    faults: Mapping[date, FaultName]


def read_months(path: Path) -> Brought:
    """The campaign-months of a CSV file.

    Raises:
        InputError: it can't be read, or pacing can't be scored on what it says.
    """
    table = _table(path)
    _refuse_duplicates(path, table)
    currency = _currency(path, table)
    campaigns = [
        _days(path, str(name), rows) for name, rows in table.groupby("campaign", sort=True)
    ]
    if not any(cost for days in campaigns for cost in days.costs.values()):
        raise _refusal(path, "has no spend.", "Bring what each day cost.")
    covered = frozenset(day for days in campaigns for day in days.costs)
    months: list[CampaignMonth] = []
    young = continued = 0
    for days in campaigns:
        known = covered - days.missing
        for first in _month_starts(days):
            history = _history(days, known, first)
            if history is None or _known_before(history, first) < MIN_BEFORE:
                young += 1
                continue
            month = tuple(day for day in month_days(first) if day <= max(covered))
            fault = _fault(path, days, month)
            if fault is not None and fault.first == first and _went_on(days, first):
                continued += 1
                continue
            months.append(
                CampaignMonth((history,), month, fault, _usual(history, days.faults, month))
            )
    if not months:
        raise _refusal(
            path,
            f"has no campaign-month that follows on {MIN_BEFORE} days with spend of its campaign, "
            "by which pacing learns what is usual.",
            "Bring more days: at least two months of a campaign, better four.",
        )
    if len(months) > MAX_MONTHS:
        raise _refusal(
            path,
            f"has {len(months):,} campaign-months; at most {MAX_MONTHS:,} are scored.",
            "Bring a sample of the campaigns.",
        )
    notes = []
    if young:
        notes.append(f"{young} campaign-month(s) with less than {MIN_BEFORE} days before them")
    if continued:
        notes.append(f"{continued} campaign-month(s) that began within a fault")
    notes += [f"the column {name}" for name in table.columns if name not in _COLUMNS]
    return Brought(tuple(months), "fault" in table.columns, currency, tuple(notes))


def _table(path: Path) -> pd.DataFrame:
    table = read_cells(path, _KEPT).to_pandas()
    if absent := [name for name in _NEEDED if name not in table.columns]:
        raise _refusal(
            path,
            f"has no column {absent[0]}; it has {listed(table.columns)}.",
            f"It needs {', '.join(_NEEDED)}, and may have platform, currency and fault.",
        )
    if not len(table):
        raise _refusal(path, "has no rows.", "Bring a row a campaign and day.")
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table.apply(lambda cells: cells.str.strip())


def _refuse_duplicates(path: Path, table: pd.DataFrame) -> None:
    again = table.duplicated(["campaign", "date"])
    if again.any():
        row, line = table[again].iloc[0], line_of(path, table.index[again][0])
        raise _refusal(
            path,
            f"line {line}: campaign {row['campaign']} has {row['date']} twice.",
            "Bring one row a campaign and day.",
        )


def _currency(path: Path, table: pd.DataFrame) -> str | None:
    """The one currency of all amounts, if the file says so."""
    if "currency" not in table.columns:
        return None
    for record, code in zip(table.index, table["currency"], strict=True):
        if not _CODE.fullmatch(code):
            raise _refusal(
                path,
                f"line {line_of(path, record)}: currency {quoted(code)} is no code.",
                "Write currencies as USD.",
            )
    codes = sorted(set(table["currency"]))
    if len(codes) > 1:
        raise _refusal(
            path,
            f"has amounts in {len(codes)} currencies ({listed(codes)}): what was misspent in them "
            "can't be added up.",
            "Convert them to one, or bring a file a currency.",
        )
    return str(codes[0])


def _days(path: Path, campaign: str, rows: pd.DataFrame) -> _Days:
    costs: dict[date, int] = {}
    budgets: dict[date, int] = {}
    faults: dict[date, FaultName] = {}
    missing = set()
    for record, row in zip(rows.index, rows.to_dict("records"), strict=True):
        if not campaign:
            line = line_of(path, record)
            raise _refusal(path, f"line {line}: campaign is empty.", "Say whose day it is.")
        day = _day(path, record, row["date"])
        if row["cost"]:
            costs[day] = _amount(path, record, "cost", row["cost"])
        else:
            missing.add(day)
        if row["budget"]:
            budgets[day] = _amount(path, record, "budget", row["budget"])
        if fault := row.get("fault"):
            faults[day] = _fault_name(path, record, fault)
    if not any(budgets.values()):
        raise _refusal(
            path,
            f"campaign {campaign} has no budget on any day: there is nothing to pace it against.",
            "Bring its daily budgets, or leave it out.",
        )
    named = {name for name in rows["platform"] if name} if "platform" in rows.columns else set()
    if len(named) > 1:
        raise _refusal(
            path, f"campaign {campaign} is of {len(named)} platforms.", "Give each its own name."
        )
    platform = full_name(named.pop()) if named else PLATFORM
    return _Days(campaign, platform, costs, budgets, frozenset(missing), faults)


def _day(path: Path, record: int, cell: str) -> date:
    # of several ways to write a day, one: a day written in two would not be seen to be there twice
    with suppress(ValueError):
        day = date.fromisoformat(cell)
        if day.isoformat() == cell and MIN_YEAR <= day.year < MAX_YEAR:
            return day
    raise _refusal(
        path,
        f"line {line_of(path, record)}: date {quoted(cell)} is no day of {MIN_YEAR} to "
        f"{MAX_YEAR - 1}, year first.",
        "Write days as 2026-06-30.",
    )


def _amount(path: Path, record: int, column: str, cell: str) -> int:
    amount = None
    if is_number(cell):
        with suppress(ValueError):
            amount = micros(cell)
    if amount is None or amount < 0:
        problem = "is no amount" if amount is None else "is below 0"
        raise _refusal(
            path,
            f"line {line_of(path, record)}: {column} {quoted(cell)} {problem}.",
            "Write amounts from 0 up, as 1234.50.",
        )
    return amount


def _fault_name(path: Path, record: int, cell: str) -> FaultName:
    for name in get_args(FaultName):
        if cell == name:
            return name
    raise _refusal(
        path,
        f"line {line_of(path, record)}: there is no fault {quoted(cell)}.",
        f"Use {', '.join(FAULTS)}, and nothing for a day without one.",
    )


def _month_starts(days: _Days) -> list[date]:
    known = {*days.costs, *days.missing}
    return sorted({day.replace(day=1) for day in known})


def _history(days: _Days, covered: frozenset[date], first: date) -> CampaignHistory | None:
    """The campaign from twelve weeks before a month to its end; None if it spent nothing."""
    start, end = first - timedelta(days=HISTORY_DAYS), month_days(first)[-1]
    spent = [day for day, cost in days.costs.items() if cost and day <= end]
    if not spent:
        return None

    def within(amounts: Mapping[date, int]) -> dict[date, int]:
        return {day: amount for day, amount in amounts.items() if start <= day <= end}

    budgets = within(days.budgets)
    earlier = [day for day in days.budgets if day <= end]
    return CampaignHistory(
        platform=days.platform,
        account_id="file",
        campaign_id=days.campaign,
        status="ENABLED",
        time_zone="UTC",
        budget_micros=days.budgets[max(earlier)] if earlier else None,
        currency_code="XXX",
        first_date=max(min(spent), start),
        covered=frozenset(day for day in covered if start <= day <= end),
        costs=within(days.costs),
        budgets=budgets,
    )


def _known_before(history: CampaignHistory, first: date) -> int:
    since = history.first_date
    return sum(since is not None and since <= day < first for day in history.covered)


def _fault(path: Path, days: _Days, month: tuple[date, ...]) -> Planted | None:
    """The one fault of a month."""
    at = [day for day in month if day in days.faults]
    if not at:
        return None
    names = {days.faults[day] for day in at}
    if len(names) > 1 or (at[-1] - at[0]).days + 1 > len(at):
        raise _refusal(
            path,
            f"campaign {days.campaign} has several faults in {month[0]:%B %Y}.",
            "Leave one fault a campaign and month, on days that follow one another.",
        )
    return Planted(names.pop(), at[0], at[-1])


def _went_on(days: _Days, first: date) -> bool:
    return first - timedelta(days=1) in days.faults


def _usual(
    history: CampaignHistory, faults: Mapping[date, FaultName], month: tuple[date, ...]
) -> dict[date, float]:
    """What each day would have cost: of a day at fault, the mean of its weekdays of the four weeks
    before the fault, in micros."""
    usual = {day: float(history.cost(day) or 0) for day in month}
    began = min((day for day in month if day in faults), default=None)
    if began is None:
        return usual
    by_weekday: defaultdict[int, list[float]] = defaultdict(list)
    for age in range(1, 7 * _WEEKS + 1):
        day = began - timedelta(days=age)
        if (cost := history.cost(day)) is not None:
            by_weekday[day.weekday()].append(float(cost))
    means = {weekday: float(np.mean(costs)) for weekday, costs in by_weekday.items()}
    return usual | {day: means.get(day.weekday(), 0.0) for day in month if day in faults}


def unused(brought: Brought) -> Iterator[str]:
    """What a person should know of how the file was read."""
    yield from (f"Not scored: {note}." for note in brought.notes)
    if not brought.has_truth:
        yield "The file has no column fault: what is alerted can't be told to be right or wrong."


def _refusal(path: Path, reason: str, fix: str) -> InputError:
    return InputError(f"{path} {reason}", kept=_KEPT, fix=fix)
