"""Reads a worksheet: its rows as they stand in the file, whatever size the file says it has."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._reader import WorkSheetParser

from pipelines.sources.files.advice import HEAD_ROWS
from pipelines.sources.files.cells import ExportFile, M, Reading, Sheet
from pipelines.sources.files.header import Row, locate, sheets

_FORMULA, _LONGEST_TAG = re.compile(rb"<(?:\w{1,20}:)?f[ >/]"), 24
_EXACT = 10**15
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384  # Excel's own
_AGAIN = "Export it again as XLSX; a file that was cut off in copying looks like this."
# Not a workbook, cut off, or with parts missing.
_BROKEN = (
    *(zipfile.BadZipFile, InvalidFileException, ParseError),
    *(KeyError, IndexError, AttributeError, TypeError, EOFError, OSError, ValueError),
)


def read_workbook(path: Path, reading: Reading[M]) -> Iterator[Sheet[M]]:
    """The rows of a worksheet: days as days, numbers as numbers, of formulas the saved values.

    Raises:
        InputError: the workbook isn't whole, or it isn't certain which worksheet is meant.
    """
    most = HEAD_ROWS + reading.mapping.last_header_row
    try:
        # openpyxl's reader of rows skips what is out of order and trusts <dimension>; its parser
        # of cells does neither
        with path.open("rb") as file:
            workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
            worksheet = _chosen(reading.file, workbook)
            rows = _rows(reading.file, worksheet)
            head = list(islice(rows, most))
            header = locate(reading, _head(head, most), reading.mapping.header_row)
            below = ((i, row) for i, row in chain(head, rows) if i > header.row)
            yield from sheets(reading, header, ((i, _padded(r, header.width)) for i, r in below))
    except _BROKEN as error:
        raise reading.refusal(
            f"is not a whole workbook: {error}",
            _AGAIN,
        ) from error


def first_rows(path: Path, file: ExportFile) -> tuple[str, list[Sequence[object]]]:
    """The worksheet that has rows, by its name, and its first rows.

    Raises:
        InputError: as :func:`read_workbook`.
    """
    try:
        with path.open("rb") as opened:
            workbook = openpyxl.load_workbook(opened, read_only=True, data_only=True)
            worksheet = _chosen(file, workbook)
            return worksheet.title, _head(islice(_rows(file, worksheet), HEAD_ROWS), HEAD_ROWS)
    except _BROKEN as error:
        raise file.refusal(f"is not a whole workbook: {error}", _AGAIN) from error


def _head(rows: Iterable[Row], until: int) -> list[Sequence[object]]:
    """The first rows, with empty ones for those that the file leaves out."""
    numbered = dict(rows)
    return [numbered.get(i, ()) for i in range(1, min(max(numbered, default=0), until) + 1)]


def _chosen(file: ExportFile, workbook: Any) -> Any:
    """The worksheet that the mapping names, or the only visible one that has rows."""
    worksheets, name = workbook.worksheets, file.layout.sheet
    listed = ", ".join(
        sheet.title + ("" if sheet.sheet_state == "visible" else " (hidden)")
        for sheet in worksheets
    )
    if name is not None:
        named = [sheet for sheet in worksheets if sheet.title == name]
        if not named:
            raise file.refusal(
                f"has no worksheet '{name}'; it has {listed}.", "Correct 'sheet' in the mapping."
            )
        return named[0]
    visible = [sheet for sheet in worksheets if sheet.sheet_state == "visible"]
    filled = [s for s in visible if any(any(c is not None for c in r) for _, r in _parsed(s))]
    if len(filled) == 1:
        return filled[0]
    if not visible or (not filled and len(worksheets) > 1):
        raise file.refusal(
            f"has no visible worksheet with rows; its worksheets: {listed}.",
            "Say which one it is in the mapping: sheet: NAME.",
        )
    if not filled:
        raise file.refusal("is empty.", "Export it again.")
    raise file.refusal(
        f"has several worksheets with rows: {listed}.",
        "Say which one it is in the mapping: sheet: NAME.",
    )


def _rows(file: ExportFile, worksheet: Any) -> Iterator[Row]:
    """Rows by their numbers; a formula without a saved value is that formula, not nothing."""
    before = 0
    for number, row in _with_formulas(worksheet):
        if not before < number <= _LAST_ROW or len(row) > _LAST_COLUMN:
            raise file.refusal(
                f"has row {number} after row {before}: not as a worksheet is written.",
                "Open it in a spreadsheet program and save it anew, or export it as CSV.",
            )
        before = number
        # of a longer number Excel has zeros in the place of digits: a float says so
        yield (
            number,
            [float(c) if isinstance(c, int) and abs(c) >= _EXACT else c for c in row],
        )


def _with_formulas(worksheet: Any) -> Iterator[Row]:
    """Rows, read a second time where there are formulas: values and formulas come apart."""
    if not _has_formulas(worksheet):
        yield from _parsed(worksheet)
        return
    written = _parsed(worksheet, formulas=True)
    for (number, row), (_, formulas) in zip(_parsed(worksheet), written, strict=True):
        cells = zip(row, formulas, strict=True)
        yield number, [formula if value is None else value for value, formula in cells]


def _has_formulas(worksheet: Any) -> bool:
    end = b""
    with worksheet._get_source() as source:
        while chunk := source.read(2**20):
            if _FORMULA.search(end + chunk):
                return True
            end = chunk[-_LONGEST_TAG:]
    return False


def _parsed(worksheet: Any, *, formulas: bool = False) -> Iterator[tuple[int, Sequence[object]]]:
    book = worksheet.parent
    with worksheet._get_source() as source:
        parser = WorkSheetParser(
            source,
            worksheet._shared_strings,
            data_only=not formulas,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, cells in parser.parse():
            width = max((cell["column"] for cell in cells), default=0)
            row: list[object] = [None] * min(width, _LAST_COLUMN + 1)
            for cell in cells:
                if cell["column"] <= len(row):
                    row[cell["column"] - 1] = cell["value"]
            yield number, row


def _padded(row: Sequence[object], width: int) -> Sequence[object]:
    """A row as wide as the header, where it can be."""
    return [*row, *[None] * (width - len(row))]
