"""Finds a mapping's columns by their names, and leaves out the rows that it says."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

from pipelines.privacy.redaction import redacted
from pipelines.sources.files.advice import header_advice, nearest
from pipelines.sources.files.cells import CELLS_MISSING, M, Reading, Sheet
from pipelines.sources.files.layout import LeaveOut, spelt

_log = logging.getLogger(__name__)

CHUNK_ROWS = 32_768
Row = tuple[int, Sequence[object]]


@dataclass(frozen=True)
class Header:
    """Where the columns are: those that the mapping names, by its names, and all others, below
    the row of their names.

    ``leave_out`` has, for each of the mapping's rules, the column that it looks at.
    """

    row: int
    used: dict[str, int]
    others: dict[str, int]
    leave_out: tuple[tuple[LeaveOut, int], ...]
    width: int


def locate(
    reading: Reading[M],
    head: Sequence[Sequence[object]],
    header_row: int | Literal["find"],
) -> Header:
    """The header of a file, whose first rows are given.

    Raises:
        InputError: there is none, or a column that the mapping names is missing or doubled.
    """
    if not any(cell not in (None, "") for row in head for cell in row):
        raise reading.refusal("is empty.", "Export it again.")
    mapping = reading.mapping
    wanted = tuple(dict.fromkeys((*mapping.used_columns(), *(r.column for r in mapping.leave_out))))
    if header_row == "find":
        header_row = _most_like((*wanted, *chain(*mapping.also_called.values())), head)
    names = _names(head[header_row - 1]) if header_row <= len(head) else []
    while names and not names[-1]:
        names.pop()
    places = {name: _places(name, mapping.also_called.get(name, ()), names) for name in wanted}
    if missing := [name for name in wanted if not places[name]]:
        advice = header_advice(head, wanted, mapping.delimiter, header_row)
        if names:
            near = ((name, nearest(spelt(name), names)) for name in missing)
            hints = (
                # where it is known what is wrong, a name that is near is another thing
                f"'{name}'" + (f" (is it '{hint}'?)" if hint and not advice else "")
                for name, hint in near
            )
            reason = f"has no column {', '.join(hints)}."
            if mapping.quotes_cells:
                reason += f" Its columns: {', '.join(names)}."
        else:
            reason = f"has nothing in row {header_row}, where its columns' names should be."
        raise reading.refusal(
            reason, advice or "Correct the mapping, or export the file with that column."
        )
    if twice := sorted(name for name in wanted if len(places[name]) > 1):
        raise reading.refusal(
            f"has several columns called {', '.join(twice)}.",
            "Export the file with each column once.",
        )
    used = {name: places[name][0] for name in mapping.used_columns()}
    rules = tuple((rule, places[rule.column][0]) for rule in mapping.leave_out)
    taken = set(used.values())
    others = _distinct(reading, {i: n for i, n in enumerate(names) if n and i not in taken})
    return Header(header_row, used, others, rules, len(names))


def _places(name: str, also: Sequence[str], names: Sequence[str]) -> list[int]:
    """Where a column is: by its name, or else by the first that it is also called and is there."""
    for wanted in map(spelt, (name, *also)):
        if places := [i for i, there in enumerate(names) if there == wanted]:
            return places
    return []


def _most_like(wanted: Sequence[str], head: Sequence[Sequence[object]]) -> int:
    """The number of the first row that has the most of the columns."""
    texts = {spelt(name) for name in wanted}
    shared = [len(texts.intersection(_names(row))) for row in head]
    return shared.index(max(shared)) + 1


def _names(row: Sequence[object]) -> list[str]:
    return [spelt("" if cell is None else cell) for cell in row]


def _distinct(reading: Reading[M], names: dict[int, str]) -> dict[str, int]:
    """Columns by name; where one occurs again, by a second name, and logged."""
    columns: dict[str, int] = {}
    for place, name in names.items():
        again, other = 1, name
        while other in columns or (again > 1 and other in names.values()):
            again += 1
            other = f"{name} ({again})"
        if again > 1:
            _log.warning("%s: column %s occurs again; it is kept as %s", reading.path, name, other)
        columns[other] = place
    return columns


def sheets(reading: Reading[M], header: Header, rows: Iterator[Row]) -> Iterator[Sheet[M]]:
    """The rows below a header, in sheets of bounded size; rows with nothing in them are none."""
    while chunk := list(islice(rows, CHUNK_ROWS)):
        kept = [(i, cells) for i, row in chunk if (cells := _cells(reading, header, i, row))]
        columns = list(zip(*(cells for _, cells in kept), strict=True))
        yield Sheet(
            {name: columns[place] if kept else () for name, place in header.used.items()},
            {name: columns[place] if kept else () for name, place in header.others.items()},
            [i for i, _ in kept],
            reading,
        )


def _cells(
    reading: Reading[M], header: Header, number: int, row: Sequence[object]
) -> Sequence[object]:
    """A row as wide as the header; nothing where it is empty, left out or of another width."""
    filled = len(row)
    while filled and row[filled - 1] in (None, ""):
        filled -= 1
    if not filled:
        return ()
    reading.last_row = number
    for rule, place in header.leave_out:
        cell = row[place] if place < len(row) else None
        if rule.matches("" if cell is None else str(cell), reading.mapping.null_tokens):
            reading.left_out += 1
            total = reading.mapping.total_column
            if total and (cost := header.used[total]) < len(row):
                reading.totals.append((number, row[cost]))
            return ()
    width = header.width
    if filled > width or len(row) < width:
        fewer = "fewer" if len(row) < width else "more"
        why = None if filled == 1 else f"the row has {fewer} {CELLS_MISSING}"
        reading.problems.add(number, f": {len(row)} cells, the header has {width}", why=why)
        if number in reading.problems.rows:
            places = header.used.items()
            cells = {name: row[place] for name, place in places if place < len(row)}
            reading.problems.cells[number] = cells
        if filled == 1 and reading.mapping.quotes_cells:
            first = next(name for name, place in (header.used | header.others).items() if not place)
            reading.problems.advise(
                f"If row {number} is a note, leave it out: leave_out: "
                f'[{{column: "{first}", starts_with: "{redacted(str(row[0]))[:20]}"}}].'
            )
        return ()
    return row[:width]
