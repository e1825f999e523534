"""Credits the channels of a file of paths by rules, by Markov chain and by Shapley value.

Columns: ``path`` with steps joined by `` > ``, ``total_conversions`` and, if there are any,
``total_conversion_value`` and ``total_null``, the journeys on the path that did not convert.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import MOST, line_of, listed, numbers_of, quoted, read_cells
from pipelines.jobs.attribution.markov import MAX_STATES, TooManyStates, markov_credit
from pipelines.jobs.attribution.paths import (
    SEPARATOR,
    Floats,
    Paths,
    linear_credit,
    split_paths,
    summed,
)
from pipelines.jobs.attribution.shapley import shapley_credit

PATH, CONVERSIONS, VALUE, NULLS = (
    "path",
    "total_conversions",
    "total_conversion_value",
    "total_null",
)
MAX_STEPS = 1_000
_LONE_SIGN = re.compile(r"(?<!>)>(?!>)")
_KEPT = "nothing was credited."

Credit = dict[str, dict[str, float]]


def credit_paths(path: Path, order: int = 1) -> tuple[Credit, Credit | None]:
    """Conversions credited to each channel, by model, and value where the file has some.

    Args:
        order: how many steps the Markov chain remembers, 1 to 3.

    Raises:
        InputError: the file can't be read, or there is nothing in it to credit.
    """
    paths, has_value = read_paths(path)
    try:
        markov = markov_credit(paths, order)
    except TooManyStates as error:
        raise _refusal(
            path,
            f"has {len(paths.channels)} channels: a chain that remembers {order} step(s) of them "
            f"has {error.states} states, and {MAX_STATES} can be solved.",
            "Pass a lower --order, or group the channels.",
        ) from None
    by_model = {
        "markov": markov,
        "shapley": shapley_credit(paths),
        **{name: tuple(credit) for name, credit in _by_rule(paths)},
    }
    conversions = {name: _named(paths, both[0]) for name, both in by_model.items()}
    if not has_value:
        return conversions, None
    return conversions, {name: _named(paths, both[1]) for name, both in by_model.items()}


def read_paths(path: Path) -> tuple[Paths, bool]:
    """The paths of a CSV file, and whether it says what their conversions are worth.

    Raises:
        InputError: it can't be read, or a row of it makes no sense; says which.
    """
    table = _table(path)
    names = table.column_names
    if missing := [name for name in (PATH, CONVERSIONS) if name not in names]:
        raise _refusal(
            path,
            f"has no column {' and no column '.join(missing)}; it has {listed(names)}.",
            f"Name the columns {PATH}, {CONVERSIONS}[, {VALUE}][, {NULLS}].",
        )
    texts = table[PATH].combine_chunks()
    conversions = _counts(path, table, CONVERSIONS)
    if not conversions.sum():
        raise _refusal(
            path, "has no conversions: there is nothing to credit.", f"Fill in {CONVERSIONS}."
        )
    paths = split_paths(
        texts, conversions, _counts(path, table, NULLS), _counts(path, table, VALUE)
    )
    _refuse_steps(path, texts, paths)
    return paths, VALUE in names


def _by_rule(paths: Paths) -> Iterator[tuple[str, list[Floats]]]:
    size = len(paths.channels)
    whole = (paths.conversions, paths.value)
    for name, at in (("first", paths.first[:-1]), ("last", paths.first[1:] - 1)):
        yield name, [summed(paths.steps[at], each, size) for each in whole]
    yield "linear", [linear_credit(paths, each) for each in whole]


def _named(paths: Paths, credit: Floats) -> dict[str, float]:
    return dict(zip(paths.channels, credit.tolist(), strict=True))


def _table(path: Path) -> pa.Table:
    table = read_cells(path, _KEPT)
    if not table.num_rows:
        raise _refusal(path, "has no rows.", "Bring at least one path.")
    return table


def _counts(path: Path, table: pa.Table, name: str) -> Floats:
    """A column of numbers from 0 up; all 0 where the file hasn't the column."""
    if name not in table.column_names:
        return np.zeros(table.num_rows)
    numbers = numbers_of(table[name])
    wrong = np.flatnonzero(~(numbers >= 0))
    if len(wrong):
        row = int(wrong[0])
        problem = "is negative" if numbers[row] < 0 else f"is not a number up to {MOST:g}"
        raise _refusal(
            path,
            f"line {line_of(path, row + 2)}: {name} {quoted(table[name][row])} {problem}.",
            "Correct it; write 0 where there were none.",
        )
    return numbers


def _refuse_steps(path: Path, texts: pa.Array, paths: Paths) -> None:
    for name, problem in (
        (re.compile(r"^$"), "has an empty step"),
        (_LONE_SIGN, f"has a '>' that doesn't stand between two steps as '{SEPARATOR}'"),
    ):
        wrong = np.array([bool(name.search(channel)) for channel in paths.channels])[paths.steps]
        if wrong.any():
            row = int(paths.path_of_step[int(np.argmax(wrong))])
            raise _refusal(
                path,
                f"line {line_of(path, row + 2)}: the path {quoted(texts[row])} {problem}.",
                f"Join the names of channels by '{SEPARATOR}', and double a '>' inside of a name.",
            )
    longest = int(np.argmax(paths.lengths))
    if paths.lengths[longest] > MAX_STEPS:
        raise _refusal(
            path,
            f"line {line_of(path, longest + 2)}: the path has {paths.lengths[longest]} steps, more "
            f"than {MAX_STEPS}: no journey of a person is that long.",
            "Cut it to the steps within the look-back.",
        )


def _refusal(path: Path, reason: str, fix: str) -> InputError:
    return InputError(f"{path} {reason}", kept=_KEPT, fix=fix)
