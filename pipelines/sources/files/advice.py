"""What a mapping should say where a file's header isn't where it looks, and its hints on totals."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Sequence

from pipelines.sources.files.layout import spelt

DELIMITERS = (",", ";", "\t", "|")
HEAD_ROWS = 40
# The first word of a total, in the languages that the platforms export in.
_TOTALS = re.compile(
    r"(grand total|totals?|gesamt|gesamtsumme|summe|insgesamt|ergebnis|totale|totaal|total(?:t|es)"
    r"|somme|suma|somma|razem|celkem|spolu|összesen|yhteensä|i alt|toplam|итого|всего|合計|总计"
    r"|합계)"
    r"(?![\w-])",
    re.IGNORECASE,
)


def total_word(cell: object) -> str | None:
    """The word by which a cell calls its row a total."""
    match = _TOTALS.match(spelt(cell)) if isinstance(cell, str) else None
    return match[0] if match else None


def header_advice(
    head: Sequence[Sequence[object]], wanted: Sequence[str], delimiter: str, header_row: int
) -> str | None:
    """The keys of a mapping with which a file has its columns; None where none has more of them.

    Args:
        head: its first rows.
        wanted: the columns.
        delimiter: by which the rows were cut, and
        header_row: the row that was taken for their header.
    """
    names = {spelt(name) for name in wanted}
    best = 0
    if header_row <= len(head):
        best = len(names & _names(head[header_row - 1]))
    advice = None
    for number, row in enumerate(head, start=1):
        for sign in DELIMITERS:
            cells = row if sign == delimiter else _cut_anew(row, delimiter, sign)
            there = len(names & _names(cells))
            if there <= max(best, len(names) // 2):
                continue
            best, keys = there, []
            if number != header_row:
                keys.append(f"header_row: {number}")
            if sign != delimiter:
                keys.append("delimiter: tab" if sign == "\t" else f'delimiter: "{sign}"')
            advice = f"Row {number} names them: say {' and '.join(keys)} in the mapping."
    return advice


def nearest(name: str, header: Sequence[str]) -> str | None:
    """The column that was probably meant: one that contains the name, or is spelt alike."""
    lower = {column.lower(): column for column in header}
    holding = [c for low, c in lower.items() if name.lower() in low]
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return holding[0] if holding else lower[near[0]] if near else None


def _names(row: Sequence[object]) -> set[str]:
    return {spelt(cell) for cell in row if cell is not None}


def _cut_anew(row: Sequence[object], delimiter: str, sign: str) -> Sequence[object]:
    """A line's cells by another delimiter."""
    line = delimiter.join("" if cell is None else str(cell) for cell in row)
    if sign not in line:
        return ()
    try:
        return next(csv.reader([line], delimiter=sign), [])
    except csv.Error:
        return ()
