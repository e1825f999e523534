"""What an export looks like to one who knows nothing of it, for a mapping to be drafted."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import InputError
from pipelines.sources.files.advice import DELIMITERS, HEAD_ROWS, total_word
from pipelines.sources.files.cells import KEPT, ExportFile
from pipelines.sources.files.known import known_in, table_of
from pipelines.sources.files.layout import Layout, spelt
from pipelines.sources.files.numerals import NotANumber, Numerals
from pipelines.sources.files.packing import unpacked
from pipelines.sources.files.text_file import guessed_encoding
from pipelines.sources.files.workbook_file import first_rows

_CHUNK = 2**20
_FORMATS = (
    *("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d"),
    *("%b %d, %Y", "%d.%m.%y", "%m/%d/%y", "%B %d, %Y", "%Y-%m-%d %H:%M:%S", "%B %Y", "%Y-%m"),
)
_SIGNS = ((None, None), (".", ","), (",", "."), (",", " "), (".", "'"))
TODO = "TODO"
# GA4 writes a chart above its table
_ROWS = 500
Cells = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Look:
    """What a file looks like: the keys of its layout, and its first rows, the header among them."""

    layout: dict[str, object]
    head: Cells
    header_row: int

    @property
    def header(self) -> Sequence[object]:
        """The row of the columns' names."""
        return self.head[self.header_row - 1]

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return [spelt("" if cell is None else cell) for cell in self.header]

    def cells(self, name: str) -> list[object]:
        """Those of a column, below the header, that say something."""
        place = self.names.index(name)
        rows = self.head[self.header_row :]
        cells = [row[place] for row in rows if place < len(row) and not any(map(total_word, row))]
        return [cell for cell in cells if cell not in (None, "", "-", "--", " --")]


def look(path: Path) -> Look:
    """Open a file and see what it is: nothing is kept of it.

    Raises:
        InputError: it can't be read.
    """
    export = ExportFile(path, Layout())
    layout: dict[str, object] = {}
    with unpacked(export) as (inner, format_):
        if format_ == "parquet":
            try:
                with pq.ParquetFile(inner) as file:
                    names = file.schema_arrow.names
                    chunk = next(file.iter_batches(HEAD_ROWS), None)
            except (pa.ArrowException, OSError) as error:
                raise export.refusal(
                    f"is not a whole Parquet file: {error}.", "Export it again."
                ) from error
            columns = [column.to_pylist() for column in chunk.columns] if chunk else []
            head: Cells = [names, *zip(*columns, strict=True)]
        elif format_ == "workbook":
            sheet, head = first_rows(inner, export)
            layout["sheet"] = sheet
        else:
            head = _text_rows(inner, layout)
    if not any(cell not in (None, "") for row in head for cell in row):
        raise InputError(f"{path} is empty.", kept=KEPT, fix="Export it again.")
    header_row = _header_row(head)
    if header_row > 1:
        layout["header_row"] = header_row
    return Look(layout, head, header_row)


def _text_rows(path: Path, layout: dict[str, object]) -> Cells:
    """The first rows of a text, cut by the delimiter that makes most columns known."""
    with path.open("rb") as file:
        start = file.read(_CHUNK)
        encoding = guessed_encoding(start, iter(partial(file.read, _CHUNK), b""))
    if encoding != "utf-8":
        layout["encoding"] = encoding
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    # the last character may be cut in two
    lines = start.decode(codec, errors="replace").splitlines(keepends=True)[: _ROWS * 2]
    best: Cells = ()
    for delimiter in DELIMITERS:
        try:
            rows = list(islice(csv.reader(lines, delimiter=delimiter), _ROWS))
        except csv.Error:
            continue
        if not best or _known_in(rows) > _known_in(best):
            best, layout["delimiter"] = rows, "tab" if delimiter == "\t" else delimiter
    if layout.get("delimiter") == ",":
        del layout["delimiter"]
    return best


def _known_in(rows: Cells) -> tuple[int, int]:
    row = rows[_header_row(rows) - 1] if rows else ()
    return len(known_in(row, table_of(row))), len(row)


def _header_row(head: Cells) -> int:
    """The row with most names that are known; else the first that fills as many cells as any."""
    scores = [
        (len(known_in(row, table_of(row))), sum(cell not in (None, "") for cell in row), -i)
        for i, row in enumerate(head)
    ]
    return 1 - max(scores, default=(0, 0, 0))[2]


def line(key: str, value: object) -> str:
    """A line of a mapping."""
    return f"{key}: {value if value == TODO else json.dumps(value, ensure_ascii=False)}"


def signs(look: Look, columns: Iterable[str]) -> list[str]:
    """Lines with the decimal and thousands signs that read every number of some columns, where
    they show."""
    cells = (cell for column in columns for cell in look.cells(column))
    texts = [cell for cell in cells if isinstance(cell, str)]
    around = {m for cell in texts for m in re.findall(r"^[^\d.,\s'-]+|[^\d.,\s'-]+$", cell.strip())}
    lines = [f"strip: {json.dumps(sorted(around), ensure_ascii=False)}"] if around else []
    for decimal, thousands in _SIGNS:
        try:
            numerals = Numerals(Layout(decimal=decimal, thousands=thousands, strip=tuple(around)))
            for cell in texts:
                numerals.number(cell, signed=True)
        except (NotANumber, ValueError):
            continue
        if numerals.ambiguous:
            lines.append(f"decimal: {TODO}  # '{numerals.ambiguous}': is its sign decimal, or …")
            return [*lines, f"thousands: {TODO}  # … between thousands?"]
        if decimal:
            lines += [line("decimal", decimal), line("thousands", thousands)]
        return lines
    return [*lines, f"decimal: {TODO}  # no one way of writing numbers reads them all"]


def date_line(look: Look, columns: dict[str, str]) -> str:
    """The line with the column of days and the format that reads all of them."""
    if "date" not in columns:
        return f"date: {{column: {TODO}, format: {TODO}}}  # a row must be a day"
    formats = day_formats(look, columns["date"])
    column = json.dumps(columns["date"], ensure_ascii=False)
    ends = f", ends: {json.dumps(columns['date_ends'])}" if "date_ends" in columns else ""
    format_ = json.dumps(formats[0]) if formats else TODO
    other = f"  # TODO or is it {formats[1]}?" if 1 < len(formats) < len(_FORMATS) else ""
    return f"date: {{column: {column}, format: {format_}{ends}}}{other}"


def day_formats(look: Look, name: str) -> list[str]:
    """The formats that read every text of a column, the likeliest first."""
    cells = [cell for cell in look.cells(name) if isinstance(cell, str)]
    return [f for f in _FORMATS if all(_is_day(cell, f) for cell in cells)]


def _is_day(cell: str, format_: str) -> bool:
    try:
        datetime.strptime(cell.strip(), format_)
    except ValueError:
        return False
    return True
