"""Reads a log of decisions that a person brings, for a policy to be evaluated on.

Columns: ``timestamp``, ``item_id``, ``position``, ``click`` (0 or 1) and ``propensity_score``, the
probability with which the item was chosen. Others are kept out of the estimate; a policy may have
them as its context.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import line_of, listed, numbers_of, quoted, read_cells
from pipelines.jobs.bandits.off_policy import Floats, Ints

COLUMNS = ("timestamp", "item_id", "position", "click", "propensity_score")
MIN_ROWS = 100
MIN_PROPENSITY = 1e-12  # the square of a weight beyond it says nothing
KEPT = "nothing was evaluated."


@dataclass(frozen=True)
class Decisions:
    """Rows of a log: the place of each row's item among ``items``, its click and propensity, its
    timestamp as it is written, and its ``others``, the columns that are none of these."""

    items: tuple[str, ...]
    chosen: Ints
    clicks: Floats
    propensities: Floats
    timestamps: pd.Series[str]
    others: pd.DataFrame


def read_decisions(path: Path) -> Decisions:
    """The decisions of a CSV file.

    Raises:
        InputError: it can't be read, or no policy can be evaluated on what it says.
    """
    table = read_cells(path, KEPT).to_pandas()
    _refuse_absent(path, table, COLUMNS)
    if len(table) < MIN_ROWS:
        raise _refusal(
            path,
            f"has {len(table)} rows; at least {MIN_ROWS} decisions are needed, and thousands "
            "where clicks are rare.",
            "Bring a longer log.",
        )
    _refuse_repeated(path, table)
    clicks = _clicks(path, table["click"])
    propensities = _numbers(
        path,
        table["propensity_score"],
        lambda numbers: (numbers >= MIN_PROPENSITY) & (numbers <= 1),
        "is not a probability over 0 and at most 1: an item that was shown was chosen with one",
        "Log the probability with which the item was chosen, of all that could have been.",
    )
    items, chosen = np.unique(_items(path, table["item_id"]), return_inverse=True)
    if len(items) < 2:
        raise _refusal(
            path,
            f"has one item only ({quoted(items[0])}): there is no choice to evaluate.",
            "Bring a log in which several items were chosen.",
        )
    return Decisions(
        tuple(str(item) for item in items),
        chosen.astype(np.int64),
        clicks,
        propensities,
        table["timestamp"],
        table.drop(columns=list(COLUMNS)),
    )


def read_clicks(path: Path) -> Floats:
    """The clicks of a log, of which only that column is read.

    Raises:
        InputError: it can't be read, or has no clicks or other ones than 0 and 1.
    """
    table = read_cells(path, KEPT).to_pandas()
    _refuse_absent(path, table, ("click",))
    if not len(table):
        raise _refusal(path, "has no rows.", "Bring the log of the policy that is evaluated.")
    return _clicks(path, table["click"])


def _refuse_absent(path: Path, table: pd.DataFrame, wanted: tuple[str, ...]) -> None:
    if absent := [name for name in wanted if name not in table.columns]:
        raise _refusal(
            path,
            f"has no column {' and no column '.join(absent)}; it has {listed(table.columns)}.",
            f"Name the columns {', '.join(COLUMNS)}.",
        )


def _refuse_repeated(path: Path, table: pd.DataFrame) -> None:
    if (repeated := table.duplicated()).any():
        row = int(np.argmax(repeated.to_numpy()))
        earlier = (table.iloc[:row] == table.iloc[row]).all(axis=1)
        raise _refusal(
            path,
            f"line {line_of(path, row + 2)} repeats line "
            f"{line_of(path, int(np.argmax(earlier.to_numpy())) + 2)}; "
            f"{int(repeated.sum())} rows are repeated.",
            "Keep each decision once. If they are decisions of their own, add a column that tells "
            "them apart, such as an id.",
        )


def _items(path: Path, cells: pd.Series[str]) -> list[str]:
    items = [cell.strip() for cell in cells]
    if "" in items:
        line = line_of(path, items.index("") + 2)
        raise _refusal(path, f"line {line}: item_id is empty.", "Name the item.")
    return items


def _clicks(path: Path, cells: pd.Series[str]) -> Floats:
    return _numbers(
        path,
        cells,
        lambda numbers: (numbers == 0) | (numbers == 1),
        "is neither 0 nor 1",
        "Write 1 where the item was clicked and 0 where it was not.",
    )


def _numbers(
    path: Path, cells: pd.Series[str], valid: Callable[[Floats], np.ndarray], problem: str, fix: str
) -> Floats:
    numbers = numbers_of(cells)
    if not (right := valid(numbers)).all():
        row = int(np.argmin(right))
        line = line_of(path, row + 2)
        raise _refusal(path, f"line {line}: {cells.name} {quoted(cells.iloc[row])} {problem}.", fix)
    return numbers


def _refusal(path: Path, reason: str, fix: str) -> InputError:
    return InputError(f"{path} {reason}", kept=KEPT, fix=fix)
