"""Reads a file of texts that anyone brings: columns ``person``, ``text`` and, if the interests are
known, ``label``. A person has as many rows as texts; a row that comes twice was seen twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import line_of, listed, quoted, read_cells

PERSON, TEXT, LABEL = "person", "text", "label"
MIN_PEOPLE, MIN_TEXTS = 50, 20
_KEPT = "nothing was clustered."


@dataclass(frozen=True)
class TextsFile:
    """Rows of (person, text), and each person's true interest where the file says it."""

    persons: pa.Array
    texts: pa.Array
    labels: Mapping[str, str] | None


def read_texts(path: Path) -> TextsFile:
    """The rows of a CSV file.

    Raises:
        InputError: it can't be read, or nothing can be clustered by it; says why.
    """
    table = _table(path)
    names = table.column_names
    if missing := [name for name in (PERSON, TEXT) if name not in names]:
        raise _refusal(
            path,
            f"has no column {' and no column '.join(missing)}; it has {listed(names)}.",
            f"Name the columns {PERSON}, {TEXT}[, {LABEL}], a row for each text that a person saw.",
        )
    columns = {name: pc.utf8_trim_whitespace(table[name].combine_chunks()) for name in names}
    persons, texts = columns[PERSON], columns[TEXT]
    _refuse_empty(path, PERSON, persons)
    _refuse_addresses(path, persons)
    if (people := len(persons.unique())) < MIN_PEOPLE:
        raise _refusal(
            path,
            f"has {len(table)} rows of {people} people; to find interests that people share takes "
            f"{MIN_PEOPLE} people.",
            "Bring more people.",
        )
    spoken = pc.match_substring_regex(texts, r"\p{L}")
    if (distinct := len(texts.filter(spoken).unique())) < MIN_TEXTS:
        said = "all the same text" if distinct == 1 else f"{distinct} different texts with letters"
        raise _refusal(
            path,
            f"has {said} in {TEXT}; to tell interests apart takes {MIN_TEXTS}.",
            "Bring titles, names of items or searches, as people saw or typed them.",
        )
    return TextsFile(persons, texts, _labels(path, columns) if LABEL in names else None)


def _labels(path: Path, columns: Mapping[str, pa.Array]) -> dict[str, str]:
    cells, persons = columns[LABEL], columns[PERSON]
    _refuse_empty(path, LABEL, cells)
    numeric = pc.match_substring_regex(cells, r"^[-+]?[\d.,]+(?:[eE][-+]?\d+)?%?$")
    if pc.any(numeric).as_py():
        row = pc.index(numeric, pa.scalar(True)).as_py()
        raise _refusal(
            path,
            f"line {line_of(path, row + 2)}: the {LABEL} {quoted(cells[row])} is a number.",
            f"Write the names of interests into {LABEL}, or leave the column out.",
        )
    labels: dict[str, str] = {}
    for row, (person, label) in enumerate(
        zip(persons.to_pylist(), cells.to_pylist(), strict=True), start=2
    ):
        if labels.setdefault(person, label) != label:
            raise _refusal(
                path,
                f"line {line_of(path, row)}: the person {quoted(person)} is {quoted(label)} here "
                f"and {quoted(labels[person])} before: the id is doubled, or there are two labels.",
                f"Give every person an id of their own in {PERSON}, and one {LABEL}.",
            )
    if len(set(labels.values())) < 2:
        raise _refusal(
            path,
            f"has one {LABEL} for everybody: agreement with it says nothing.",
            "Bring at least two, or leave the column out.",
        )
    return labels


def _table(path: Path) -> pa.Table:
    table = read_cells(path, _KEPT)
    table = table.rename_columns([name.lower() for name in table.column_names])
    for name in (PERSON, TEXT, LABEL):
        if table.column_names.count(name) > 1:
            raise _refusal(path, f"has the column {name} twice.", "Keep one of them.")
    if not table.num_rows:
        raise _refusal(path, "has no rows.", f"Bring texts of at least {MIN_PEOPLE} people.")
    return table


def _refuse_empty(path: Path, name: str, cells: pa.Array) -> None:
    empty = pc.equal(cells, "")
    if pc.any(empty).as_py():
        row = pc.index(empty, pa.scalar(True)).as_py()
        line = line_of(path, row + 2)
        raise _refusal(
            path, f"line {line}: {name} is empty.", f"Fill in {name}, or leave the row out."
        )


def _refuse_addresses(path: Path, persons: pa.Array) -> None:
    named = pc.match_substring(persons, "@")
    if pc.any(named).as_py():
        row = pc.index(named, pa.scalar(True)).as_py()
        raise _refusal(
            path,
            f"line {line_of(path, row + 2)}: the {PERSON} looks like an e-mail address: only "
            "pseudonymous ids are clustered.",
            "Put a hash or a number in its place.",
        )


def _refusal(path: Path, reason: str, fix: str) -> InputError:
    return InputError(f"{path} {reason}", kept=_KEPT, fix=fix)
