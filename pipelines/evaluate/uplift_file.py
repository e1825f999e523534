"""Reads units in arms that a person brings, for uplift learners to be scored on.

A row is a unit: the arm it was in, its outcome, and what was known of it before. What else the file
has is taken for a covariate unless it says what came after the treatment, or who the unit is: each
column left out is listed with why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.errors import InputError, UsageError
from pipelines.evaluate.csv_file import MOST, line_of, listed, numbers_of, quoted, read_cells
from pipelines.jobs.uplift.analysis import MIN_ARM_ROWS
from pipelines.jobs.uplift.sample import MAX_LEVELS, Bools, Floats, Sample, halves_of

_KEPT = "nothing was fitted."
_RANGE = re.compile(r"(.*?)(\d+)\.\.\1(\d+)")
_UNIT_NAMES = frozenset(
    f"{who}{end}"
    for who in ("user", "customer", "client", "person", "visitor", "subject", "unit", "member")
    for end in ("", "_id", "id")
) | {"id", "uid", "uuid"}
# What simulations name their truth: no learner may see it.
_TRUTH_NAMES = re.compile(r"mu_?[01]|ite|cate|tau|true_effect|.*_?(counter|c)factual|y_?[01]")
_MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "?"})
_MOST_DISTINCT = 0.5
_FEW = 0.05


@dataclass(frozen=True)
class Columns:
    """Which columns of a file are what.

    Args:
        control: what ``treatment`` has in the control arm.
        arm: what it has in the other, where there are several.
        truth: columns with the outcome's true mean untreated and treated.
        names: of all columns, where the file has no header.
        covariates: the only ones to use; empty: all that were known before.
        unit: who the row is of.
        placebo: an outcome from before the treatment.
    """

    treatment: str
    control: str
    outcome: str
    arm: str | None = None
    truth: tuple[str, str] | None = None
    names: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    unit: str | None = None
    placebo: str | None = None


@dataclass(frozen=True)
class Brought:
    """What a file has.

    Args:
        effect: true, of each unit, if the file says so.
        left_out: column → why it isn't a covariate.
        arm: the arm that is compared with the control.
        notes: what was done to the file's values.
        rows: of each unit, if the file says who it is: all its cells.
    """

    sample: Sample
    halves: Bools
    arm: str
    effect: Floats | None = None
    placebo: tuple[str, Floats] | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: frozenset[str] = frozenset()


def read_units(path: Path, columns: Columns, like: Brought | None = None) -> Brought:
    """The units of a CSV file.

    Args:
        like: a file read before, whose covariates and arm are to be used.

    Raises:
        InputError: it can't be read, or no effect can be found in what it says.
    """
    table = _table(path, columns.names)
    wanted = [columns.treatment, columns.outcome, *(columns.truth or ()), *columns.covariates]
    wanted += [name for name in (columns.unit, columns.placebo) if name]
    if like is not None:
        wanted += [str(name) for name in like.sample.frame.columns]
    if absent := [name for name in wanted if name not in table.columns]:
        fix = "Correct the name of the column."
        if not columns.names and _are_numbers(map(str, table.columns)):
            fix = "Its first line has numbers: name its columns with --columns a,b,x1..x25."
        raise _refusal(path, f"has no column {absent[0]}; it has {listed(table.columns)}.", fix)
    roles = (columns.treatment, columns.outcome, *(columns.truth or ()))
    own = [*roles, *(name for name in (columns.unit, columns.placebo) if name)]
    if twice := next((name for name in own if own.count(name) > 1), None):
        raise UsageError(
            f"The column {twice} is named for two things.",
            kept=_KEPT,
            fix="Name one column each for the arm, the outcome, and what else there is.",
        )
    if later := [name for name in columns.covariates if name in roles]:
        raise UsageError(
            f"--covariates names {later[0]}, which says what came of the treatment.",
            kept=_KEPT,
            fix="Name columns that were known before it.",
        )
    if not len(table):
        raise _refusal(path, "has no rows.", "Bring a row a unit.")
    control, arm = _arms(path, table[columns.treatment], columns, like)
    texts = table[columns.treatment]
    table = table[(texts == control) | (texts == arm)]
    treated = np.asarray(table[columns.treatment] == arm)
    outcome = _numbers(path, table[columns.outcome])
    _refuse_arms(path, treated, outcome, columns, arm)
    unit = columns.unit or next((n for n in table.columns if n.lower() in _UNIT_NAMES), None)
    rows: frozenset[str] = frozenset()
    if unit:
        _refuse_duplicates(path, table[unit])
        rows = frozenset(map("\n".join, table[sorted(table.columns)].to_numpy()))
    # of ids that only count rows, some meet by chance
    if like is not None and (shared := len(rows & like.rows)) > len(rows) / 2:
        raise _refusal(
            path,
            f"has {shared:,} units that the data has, too: a ranking is judged on others.",
            "Leave them out of one of the files, or leave out --holdout.",
        )
    frame, left_out, notes = _covariates(
        path, table, columns, treated=treated, outcome=outcome, unit=unit, like=like
    )
    effect = None
    if columns.truth:
        without, with_ = (_numbers(path, table[name]) for name in columns.truth)
        effect = with_ - without
    halves = halves_of([str(u) for u in (table[unit] if unit else table.index)])
    placebo = None
    if columns.placebo:
        placebo = (columns.placebo, _numbers(path, table[columns.placebo]))
    sample = Sample(frame, treated, outcome)
    return Brought(sample, halves, arm, effect, placebo, left_out, tuple(notes), rows)


def names_of(text: str) -> tuple[str, ...]:
    """The names of a list such as ``y,x1..x25``.

    Raises:
        UsageError: a name is there twice.
    """
    names: list[str] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        if match := _RANGE.fullmatch(part):
            stem, first, last = match[1], int(match[2]), int(match[3])
            names += [f"{stem}{i}" for i in range(first, min(last, first + 10_000) + 1)]
        else:
            names.append(part)
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise UsageError(
            f"'{twice}' is named twice.", kept="nothing was read.", fix="Name each column once."
        )
    return tuple(names)


def _table(path: Path, names: Sequence[str]) -> pd.DataFrame:
    table = read_cells(path, _KEPT, has_header=not names).to_pandas()
    if names:
        if len(names) != len(table.columns):
            raise _refusal(
                path,
                f"has {len(table.columns)} columns, and {len(names)} are named.",
                "Name every column, in order.",
            )
        table.columns = pd.Index(names)
    table.index = pd.RangeIndex(1 if names else 2, len(table) + (1 if names else 2))
    return table.apply(lambda cells: cells.str.strip())


def _arms(path: Path, cells: pd.Series, columns: Columns, like: Brought | None) -> tuple[str, str]:
    """The cells of the control and of the other arm. Arms are texts: 0 and 0.0 are one arm only
    where nothing else is meant."""
    for record, cell in zip(cells.index, cells, strict=True):
        if cell.lower() in ("", "nan") and cell != columns.control:
            raise _refusal(
                path,
                f"line {line_of(path, record)}: {columns.treatment} is empty.",
                "Say which arm the unit was in, or leave it out.",
            )
    arms = sorted(set(cells))
    shown = listed(arms)
    control = _same(columns.control, arms)
    if control is None:
        raise _refusal(
            path,
            f"has no unit with {columns.treatment} = {columns.control}; there are {shown}.",
            "Pass as --control what the control arm is called.",
        )
    others = [arm for arm in arms if arm != control]
    if not others:
        raise _refusal(
            path,
            f"has one arm only, {control}: there is nothing to compare it with.",
            "Bring the units of both arms.",
        )
    named = columns.arm or (like.arm if like else None)
    if named is not None:
        arm = _same(named, others)
        if arm is None:
            raise _refusal(
                path,
                f"has no unit with {columns.treatment} = {named}; there are {shown}.",
                "Pass as --arm one of the arms other than the control.",
            )
        return control, arm
    if len(others) > 1:
        raise _refusal(
            path,
            f"has {len(others)} arms beside {control}: {listed(others)}.",
            "Pass with --arm which of them to compare with the control.",
        )
    return control, others[0]


def _same(label: str, arms: Sequence[str]) -> str | None:
    """The arm of that label: the same text, or else the same number."""
    label = label.strip()
    if label in arms:
        return label
    number, *numbers = numbers_of([label, *arms])
    same = [arm for arm, own in zip(arms, numbers, strict=True) if own == number]
    return same[0] if len(same) == 1 else None


def _refuse_arms(path: Path, treated: Bools, outcome: Floats, columns: Columns, arm: str) -> None:
    for name, rows in ((arm, treated), (columns.control, ~treated)):
        if rows.sum() < MIN_ARM_ROWS:
            raise _refusal(
                path,
                f"has {rows.sum()} units in the arm {name}: fewer than {MIN_ARM_ROWS} say nothing "
                "of whom a treatment helps.",
                f"Bring at least {MIN_ARM_ROWS} units an arm, better some thousand.",
            )
    if np.ptp(outcome) == 0:
        raise _refusal(
            path,
            f"has the same {columns.outcome} for every unit, {outcome[0]:g}.",
            "Bring an outcome that differs.",
        )


def _refuse_duplicates(path: Path, cells: pd.Series) -> None:
    again = cells.duplicated()
    if again.any():
        second = cells.index[again][0]
        first = cells.index[cells == cells[second]][0]
        raise _refusal(
            path,
            f"lines {line_of(path, first)} and {line_of(path, second)} are both of {cells.name} "
            f"{quoted(cells[second])}: units counted twice make intervals too narrow.",
            "Keep one row a unit (or name another column with --unit).",
        )


def _covariates(
    path: Path,
    table: pd.DataFrame,
    columns: Columns,
    *,
    treated: Bools,
    outcome: Floats,
    unit: str | None,
    like: Brought | None,
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """The covariates, why other columns are none, and what was done to them."""
    roles = {columns.treatment, columns.outcome, *(columns.truth or ())}
    if like is not None:
        chosen = {str(name): _cells(table[name]) for name in like.sample.frame.columns}
        return pd.DataFrame(chosen, index=table.index).reset_index(drop=True), {}, []
    left_out: dict[str, str] = {}
    kept: dict[str, pd.Series] = {}
    notes: list[str] = []
    for name in columns.covariates or [n for n in map(str, table.columns) if n not in roles]:
        if name != unit:
            _refuse_slips(path, table[name])
        cells = _cells(table[name])
        reason = None
        if not columns.covariates:
            reason = _no_covariate(name, cells, treated, outcome, unit)
        if cells.nunique(dropna=False) == 1:
            reason = "it is the same for every unit"
        if reason:
            left_out[name] = reason
            continue
        if missing := int(cells.isna().sum()):
            notes.append(f"{name} is missing in {missing:,} rows, which are kept")
        kept[name] = cells
    return pd.DataFrame(kept, index=table.index).reset_index(drop=True), left_out, notes


def _refuse_slips(path: Path, cells: pd.Series) -> None:
    """Refuse a column of numbers in which few cells are none: as texts, they would make all of its
    numbers categories, or none of it would be used."""
    missing = cells.str.lower().isin(_MISSING)
    wrong = np.isnan(numbers_of(cells)) & ~missing
    numbers = cells[~missing & ~wrong]
    if wrong.any() and wrong.sum() < _FEW * len(numbers) and numbers.nunique() > MAX_LEVELS:
        line = line_of(path, cells.index[int(np.argmax(wrong))])
        raise _refusal(
            path,
            f"line {line}: {cells.name} {quoted(cells[wrong].iloc[0])} is not a number, as "
            f"{len(numbers):,} others are.",
            "Correct it, or leave the cell empty; --covariates says which columns to use.",
        )


def _no_covariate(
    name: str, cells: pd.Series, treated: Bools, outcome: Floats, unit: str | None
) -> str | None:
    """Why a column can't be known before the treatment, if so."""
    if name in (unit, ""):
        return "it says who the unit is" if name else "it has no name"
    if _TRUTH_NAMES.fullmatch(name.lower()):
        return "its name says that it is a truth or another outcome"
    if not pd.api.types.is_numeric_dtype(cells):
        many = cells.nunique() > _MOST_DISTINCT * len(cells)
        return "nearly every unit has a text of its own" if many else None
    on = cells.fillna(0).to_numpy() != 0
    if 0 < on.mean() < 1:
        if not on[treated].any() or not on[~treated].any():
            return "only one arm has any of it: it comes after the treatment"
        came = outcome != 0
        if 0 < came.mean() < 0.9 and on.sum() >= 5 and _nested(on, came):
            return "it goes with the outcome without exception: it comes after the treatment"
    return None


def _nested(one: Bools, other: Bools) -> bool:
    """Whether one of two events never happens without the other, and hardly by chance."""
    few, many = (one, other) if one.sum() <= other.sum() else (other, one)
    by_chance = int(few.sum()) * float(np.log(many.mean()))
    return not (few & ~many).any() and by_chance < -7


def _cells(cells: pd.Series) -> pd.Series:
    """Numbers where every cell that has anything is one, else texts; what is missing is NaN."""
    missing = cells.str.lower().isin(_MISSING)
    numbers = pd.Series(numbers_of(cells), cells.index)
    if (numbers.isna() == missing).all() and not missing.all():
        return numbers
    return cells.where(~missing, "")


def _numbers(path: Path, cells: pd.Series) -> Floats:
    numbers = numbers_of(cells)
    if (wrong := np.isnan(numbers)).any():
        row = int(np.argmax(wrong))
        line = line_of(path, cells.index[row])
        raise _refusal(
            path,
            f"line {line}: {cells.name} {quoted(cells.iloc[row])} is not a number up to {MOST:g}.",
            "Correct it (1 and 0 for yes and no), or leave the unit out.",
        )
    return numbers


def _are_numbers(texts: Iterable[str]) -> bool:
    return not np.isnan(numbers_of(texts)).any()


def _refusal(path: Path, reason: str, fix: str) -> InputError:
    return InputError(f"{path} {reason}", kept=_KEPT, fix=fix)


def unused(brought: Brought) -> Iterator[str]:
    """What a person should know of how the file was read."""
    for name, reason in brought.left_out.items():
        yield f"{name} is no covariate: {reason}."
    yield from (f"{note}." for note in brought.notes)
