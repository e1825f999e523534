"""Reads a table of weeks that a person brings, for media mix engines to be scored on.

Columns: ``date`` (the first day of a week, ISO), ``geo`` if there are several, ``x<i>_<channel>``
with spend, ``c<i>`` or ``c<i>_<name>`` with controls, and ``y``, the outcome. A column
``c<i>_effect`` is what a simulation says that a control did; no model may see it: it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import MOST, line_of, listed, numbers_of, quoted, read_cells
from pipelines.jobs.mmm.panel import Floats, Panel

NATIONAL = "all"
MIN_WEEKS = 52
# Below this coefficient of variation, spend says nothing: it is a part of the level.
MIN_VARIATION = 0.01
_CHANNEL, _CONTROL = re.compile(r"x\d+_(.+)"), re.compile(r"c\d+(_.+)?")
_LEAK = "_effect"
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)([T ]00:00(:00(\.0+)?)?)?", re.ASCII)
_KEPT = "nothing was fitted."


def read_panel(path: Path) -> Panel:
    """The weeks of a CSV file.

    Raises:
        InputError: the file can't be read, or no model can be fitted to what it says.
    """
    table = read_cells(path, _KEPT).to_pandas()
    names = [str(name) for name in table.columns]
    media = [name for name in names if _CHANNEL.fullmatch(name)]
    controls = [n for n in names if _CONTROL.fullmatch(n) and not n.endswith(_LEAK)]
    missing = [name for name in ("date", "y") if name not in names]
    if missing or not media:
        wanted = [*missing, *([] if media else ["x1_<channel>"])]
        raise _refusal(
            path,
            f"has no column {' and no column '.join(wanted)}; it has {listed(names)}.",
            "Name the columns date[, geo], x<i>_<channel>, c<i> and y.",
        )
    _refuse_currencies(path, table)
    days = _days(path, table["date"])
    geos = [NATIONAL] * len(table) if "geo" not in names else table["geo"].astype(str).tolist()
    starts = _weeks(path, days, geos)
    order = sorted(range(len(table)), key=lambda row: (geos[row], days[row]))
    shape = (len(set(geos)), len(starts))

    for name in media:
        _refuse_negative(path, table[name])

    def cube(columns: Sequence[str]) -> Floats:
        numbers = [_numbers(path, table[name]) for name in columns]
        both = np.array(numbers).T.reshape(len(table), len(columns))
        return both[order].reshape(*shape, len(columns))

    spend, outcome = cube(media), cube(["y"])[:, :, 0]
    _refuse_unusable(path, media, spend, outcome)
    return Panel(
        starts=starts,
        geos=tuple(sorted(set(geos))),
        channels=tuple(media),
        spend=spend,
        outcome=outcome,
        controls=cube(controls) if controls else np.empty((*shape, 0)),
        control_names=tuple(controls),
    )


def read_truth(path: Path, panel: Panel) -> Floats:
    """What each channel brought, from columns ``contribution_x<i>_<channel>``: as panel.spend.

    Raises:
        InputError: a channel or a week of the panel is not in it.
    """
    table = read_cells(path, _KEPT).to_pandas()
    wanted = [f"contribution_{channel}" for channel in panel.channels]
    if absent := [name for name in ("date", *wanted) if name not in table.columns]:
        raise _refusal(
            path,
            f"has no column {absent[0]}; it has {listed(table.columns)}.",
            "Bring a truth with a column contribution_<channel> for every channel of the data.",
        )
    days = _days(path, table["date"])
    geos = [NATIONAL] * len(table) if "geo" not in table else table["geo"].astype(str).tolist()
    if set(geos) != set(panel.geos) or _weeks(path, days, geos) != panel.starts:
        raise _refusal(
            path, "has other weeks or geos than the data.", "Bring the truth of the same rows."
        )
    order = sorted(range(len(table)), key=lambda row: (geos[row], days[row]))
    numbers = np.array([_numbers(path, table[name]) for name in wanted]).T
    return numbers[order].reshape(panel.spend.shape)


def _refuse_currencies(path: Path, table: pd.DataFrame) -> None:
    for name in table.columns:
        codes = sorted(set(table[name]))
        if "currency" in name.lower() and len(codes) > 1:
            raise _refusal(
                path,
                f"has amounts in several currencies ({', '.join(codes[:5])}).",
                "Convert them to one, at the rate of their week.",
            )


def _days(path: Path, cells: pd.Series[str]) -> list[date]:
    days = []
    for record, cell in enumerate(cells, start=2):
        match = _DAY.fullmatch(cell.strip())
        try:
            days.append(date.fromisoformat(match[1] if match else ""))
        except ValueError:
            line = line_of(path, record)
            raise _refusal(
                path, f"line {line}: date {quoted(cell)} is not a day.", "Write days as 2026-01-31."
            ) from None
    return days


def _weeks(path: Path, days: Sequence[date], geos: Sequence[str]) -> tuple[date, ...]:
    """The weeks, the same in each geo, seven days apart."""
    by_geo: dict[str, list[date]] = {}
    for day, geo in zip(days, geos, strict=True):
        by_geo.setdefault(geo, []).append(day)
    first: tuple[date, ...] | None = None
    for geo, own in sorted(by_geo.items()):
        where = "" if geo == NATIONAL else f" of {geo}"
        weeks = tuple(sorted(own))
        for one, after in pairwise(weeks):
            gap = (after - one).days
            if gap == 0:
                raise _refusal(
                    path,
                    f"has two rows{where} for {one}.",
                    "Keep one row a week (and geo); add up what belongs together.",
                )
            if gap % 7:
                raise _refusal(
                    path,
                    f"has rows{where} for {one:%A} {one} and {after:%A} {after}: a row must be a "
                    "week, and all weeks start on one weekday.",
                    "Sum it by week.",
                )
            if gap > 7:
                raise _refusal(
                    path,
                    f"has no row{where} for the week of {one + timedelta(days=7)}.",
                    "Add it, with 0 where nothing was spent: what media bring carries over from "
                    "week to week.",
                )
        if first is not None and weeks != first:
            raise _refusal(path, f"has other weeks{where} than of others.", "Bring the same ones.")
        first = weeks
    if first is None or len(first) < MIN_WEEKS:
        raise _refusal(
            path,
            f"has {len(first or ())} weeks; a model that tells seasons from media needs at least "
            f"{MIN_WEEKS}, better 104.",
            "Bring more history.",
        )
    return first


def _numbers(path: Path, cells: pd.Series[str]) -> Floats:
    numbers = numbers_of(cells)
    if (wrong := np.isnan(numbers)).any():
        row = int(np.argmax(wrong))
        line = line_of(path, row + 2)
        raise _refusal(
            path,
            f"line {line}: {cells.name} {quoted(cells.iloc[row])} is not a number up to {MOST:g}.",
            "Correct it; write 0 where nothing was spent.",
        )
    return numbers


def _refuse_negative(path: Path, cells: pd.Series[str]) -> None:
    negative = _numbers(path, cells) < 0
    if negative.any():
        row = int(np.argmax(negative))
        raise _refusal(
            path,
            f"has negative spend in {cells.name}: {quoted(cells.iloc[row])} on line "
            f"{line_of(path, row + 2)}.",
            "Correct it, or net credits.",
        )


def _refuse_unusable(path: Path, media: Sequence[str], spend: Floats, outcome: Floats) -> None:
    for i, name in enumerate(media):
        own = spend[:, :, i]
        if own.max() == 0:
            raise _refusal(
                path, f"has a channel that never spends, {name}.", "Leave the column out."
            )
        if (own.std(axis=1) <= MIN_VARIATION * own.mean(axis=1)).all():
            raise _refusal(
                path,
                f"has a channel that always spends the same, {name}: its effect can't be told from "
                "the level of y.",
                "Leave the column out, and vary its spend for some weeks to find out.",
            )
    if outcome.min() < 0 or outcome.std() <= 1e-9 * abs(outcome.mean()):
        what = "negative values" if outcome.min() < 0 else "the same value in every week"
        raise _refusal(path, f"has {what} in y.", "Bring an outcome that spend can change.")


def _refusal(path: Path, reason: str, fix: str) -> InputError:
    return InputError(f"{path} {reason}", kept=_KEPT, fix=fix)
