"""Reads an export file in chunks of rows, whatever its format: CSV, Parquet or XLSX."""

from __future__ import annotations

import csv
import difflib
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import ParseError

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.utils.exceptions import InvalidFileException

from pipelines.errors import InputError
from pipelines.sources.files.cells import KEPT, Problems, Sheet
from pipelines.sources.files.mapping import Mapping

CHUNK_ROWS = 32_768
_FORMULA = re.compile(rb"<f[ >/]")
_EXACT = 10**15
# Not a workbook, cut off, or with parts missing.
_BROKEN_XLSX = (
    *(zipfile.BadZipFile, InvalidFileException, ParseError),
    *(KeyError, EOFError, OSError, ValueError),
)
_Row = tuple[int, Sequence[object]]


def read_sheets(path: Path, mapping: Mapping, problems: Problems) -> Iterator[Sheet]:
    """A file's rows, in order, in sheets of bounded size; its ending says what it is.

    Of a workbook the first worksheet is read: days as days, numbers as numbers, and of formulas
    the values that were saved with them.

    Raises:
        InputError: no file, not whole, without rows, or without a column that the mapping names.
    """
    readers = {".parquet": _parquet, ".xlsx": _xlsx}
    if not path.is_file():
        raise InputError(f"There is no file {path}.", kept=KEPT, fix="Check the path.")
    empty = True
    for sheet in readers.get(path.suffix.lower(), _csv)(path, mapping, problems):
        empty = False
        yield sheet
    if empty:
        raise InputError(
            f"{path} has a header and no rows.", kept=KEPT, fix="Export it again with its days."
        )


def _csv(path: Path, mapping: Mapping, problems: Problems) -> Iterator[Sheet]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=mapping.delimiter, strict=True)
            header = next(rows, [])
            numbered = ((i, row) for i, row in enumerate(rows, start=2) if row)
            yield from _sheets(path, header, numbered, mapping, problems)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(
            f"{path} can't be read as CSV in UTF-8: {error}", kept=KEPT, fix="Export it again."
        ) from error


def _parquet(path: Path, mapping: Mapping, problems: Problems) -> Iterator[Sheet]:
    try:
        with pq.ParquetFile(path) as file:
            header = file.schema_arrow.names
            _check_header(path, header, mapping)
            first = 1
            for chunk in file.iter_batches(CHUNK_ROWS):
                columns = {name: chunk[name].to_pylist() for name in header}
                numbers = list(range(first, first + len(chunk)))
                first += len(chunk)
                if numbers:
                    yield _sheet(columns, numbers, mapping, problems)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path} is not a whole Parquet file: {error}",
            kept=KEPT,
            fix="Export it again; a file that was cut off in copying looks like this.",
        ) from error


def _xlsx(path: Path, mapping: Mapping, problems: Problems) -> Iterator[Sheet]:
    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            rows = workbook.worksheets[0].iter_rows(values_only=True)
            header = [str(cell or "") for cell in next(rows, ())]
            while header and not header[-1].strip():
                header.pop()
            numbered = (
                (i, _padded(row, len(header)))
                for i, row in enumerate(_with_formulas(path, rows), start=2)
                if any(cell is not None for cell in row)
            )
            yield from _sheets(path, header, numbered, mapping, problems)
        finally:
            workbook.close()
    except _BROKEN_XLSX as error:
        raise InputError(
            f"{path} is not a whole workbook: {error}",
            kept=KEPT,
            fix="Export it again as XLSX; a file that was cut off in copying looks like this.",
        ) from error


def _with_formulas(path: Path, rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """Rows of values in which a formula without a saved value is that formula, not nothing."""
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.startswith("xl/worksheets/sheet")]
        if not any(_FORMULA.search(archive.read(name)) for name in names):
            yield from rows
            return
    workbook = openpyxl.load_workbook(path, read_only=True)
    try:
        formulas = islice(workbook.worksheets[0].iter_rows(values_only=True), 1, None)
        for row, written in zip(rows, formulas, strict=True):
            yield tuple(
                formula if value is None else value
                for value, formula in zip(row, written, strict=True)
            )
    finally:
        workbook.close()


def _padded(row: tuple[object, ...], width: int) -> list[object]:
    """A row as wide as the header, where it can be; ids keep the digits that Excel keeps."""
    cells = list(row)
    while len(cells) > width and cells[-1] is None:
        cells.pop()
    cells += [None] * (width - len(cells))
    # of a longer number Excel has zeros in the place of digits: a float says so
    return [float(c) if isinstance(c, int) and abs(c) >= _EXACT else c for c in cells]


def _sheets(
    path: Path,
    header: Sequence[str],
    rows: Iterator[_Row],
    mapping: Mapping,
    problems: Problems,
) -> Iterator[Sheet]:
    if not header:
        raise InputError(f"{path} is empty.", kept=KEPT, fix="Export it again.")
    names = [name.strip() for name in header]
    _check_header(path, names, mapping)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        whole = [(i, row) for i, row in chunk if len(row) == len(names)]
        for i, row in chunk:
            if len(row) != len(names):
                problems.add(i, f": {len(row)} cells, the header has {len(names)}")
        cells = zip(*(row for _, row in whole), strict=True)
        columns: dict[str, Sequence[object]] = dict.fromkeys(names, ())
        if whole:
            columns.update(zip(names, cells, strict=True))
        yield _sheet(columns, [i for i, _ in whole], mapping, problems)


def _sheet(
    columns: dict[str, Sequence[object]], numbers: list[int], mapping: Mapping, problems: Problems
) -> Sheet:
    used = mapping.used_columns()
    others = {name: cells for name, cells in columns.items() if name and name not in used}
    return Sheet({name: columns[name] for name in used}, others, numbers, mapping, problems)


def _check_header(path: Path, header: list[str], mapping: Mapping) -> None:
    missing = [name for name in mapping.used_columns() if name not in header]
    if missing:
        hints = []
        for name in missing:
            near = _nearest(name, header)
            hints.append(f"'{name}'" + (f" (is it '{near}'?)" if near else ""))
        raise InputError(
            f"{path} has no column {', '.join(hints)}. Its columns: {', '.join(header)}.",
            kept=KEPT,
            fix="Correct the mapping, or export the file with that column.",
        )
    twice = {name for name in mapping.used_columns() if header.count(name) > 1}
    if twice:
        raise InputError(
            f"{path} has several columns called {', '.join(sorted(twice))}.",
            kept=KEPT,
            fix="Export the file with each column once.",
        )


def _nearest(name: str, header: list[str]) -> str | None:
    """The column that was probably meant: one that contains the name, or is spelt alike."""
    lower = {column.lower(): column for column in header}
    holding = [c for low, c in lower.items() if name.lower() in low]
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return holding[0] if holding else lower[near[0]] if near else None
