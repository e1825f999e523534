"""Reads an export file in chunks of rows, whatever its format: CSV, Parquet or a workbook."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.sources.files.cells import M, Reading, Sheet
from pipelines.sources.files.packing import unpacked
from pipelines.sources.files.parquet_file import read_parquet
from pipelines.sources.files.text_file import read_text
from pipelines.sources.files.workbook_file import read_workbook

_READERS = {"text": read_text, "parquet": read_parquet, "workbook": read_workbook}


def read_sheets(reading: Reading[M]) -> Iterator[Sheet[M]]:
    """A file's rows, in order, in sheets of bounded size; its content says what it is.

    Raises:
        InputError: no file, not whole, without rows, or without a column that the mapping names.
    """
    empty = True
    with unpacked(reading.file) as (path, format_):
        for sheet in _READERS[format_](path, reading):
            empty = empty and not len(sheet) and not reading.problems.count
            yield sheet
    if empty:
        raise reading.refusal("has a header and no rows.", "Export it again with its days.")
