"""Reads a CSV file that a person brings to ``adcanary evaluate``, as it is written: every cell a
text, every row as long as the first."""

from __future__ import annotations

import csv as plain_csv
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pipelines.errors import InputError

Floats = npt.NDArray[np.float64]

MIN_YEAR, MAX_YEAR = 2000, 2100
"""Days outside are a spreadsheet's zero, or a slip."""

MOST = 1e15
"""Beyond it, a float no longer tells one from two, and sums of squares lose what matters."""

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_BLOCK = 2**24
"""Bytes that pyarrow parses at once: no line can be longer."""
_SHOWN, _LISTED = 80, 12
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_cells(path: Path, kept: str, *, has_header: bool = True) -> pa.Table:
    """All rows. The names of columns, and no cells, are stripped. One column may have no name, as
    pandas writes its index.

    Args:
        kept: what the refusal says is unchanged.
        has_header: whether the first line names the columns; they are f0, f1 … if not.

    Raises:
        InputError: there is no such file, it is no CSV in UTF-8, or a name is there twice.
    """

    def refusal(reason: str, fix: str) -> InputError:
        return InputError(f"{path} {reason}", kept=kept, fix=fix)

    # from open files: by its name's ending, pyarrow would unpack one
    numbered = csv.ReadOptions(autogenerate_column_names=True, block_size=_BLOCK)
    parsed = csv.ParseOptions(newlines_in_values=True)
    try:
        with path.open("rb") as file:
            columns = csv.open_csv(file, read_options=numbered, parse_options=parsed).schema.names
        texts = csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        )
        with path.open("rb") as file:
            table = csv.read_csv(file, numbered, parsed, texts)
    except FileNotFoundError:
        raise refusal("does not exist.", "Correct the path.") from None
    except (OSError, pa.ArrowInvalid) as error:
        reason, fix = _unreadable(path, error)
        raise refusal(f"can't be read as CSV: {reason}", fix) from error
    if (line := _open_quote(path, table)) is not None:
        raise refusal(f"line {line}: a quote is opened and never closed.", "Close it.")
    if not has_header:
        return table
    header, rows = table.slice(0, 1).to_pylist()[0], table.slice(1)
    names = [name.strip() for name in header.values()]
    if len(names) == 1:
        for separator, name in _SEPARATORS.items():
            if separator in names[0]:
                raise refusal(
                    f"separates its columns by {name}.",
                    "Save it with commas, and points in numbers.",
                )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice == "":
        raise refusal(
            f"has {names.count('')} columns without a name.", "Name them, or leave them out."
        )
    if twice:
        fix = "Keep one of them."
        if not np.isnan(numbers_of(names)).all():
            fix += " If the first line is a row of data, write the names of the columns above it."
        raise refusal(f"has the column {listed([twice])} twice.", fix)
    return rows.rename_columns(names)


def line_of(path: Path, record: int) -> int:
    """The line on which a record of a file begins: as an editor counts, with blank lines and those
    within quotes.

    Args:
        record: from 1, the header included and blank lines not.
    """
    line, _ = next(islice(_records(path), record - 1, None))
    return line


def numbers_of(cells: pa.Array | pa.ChunkedArray | Iterable[str]) -> Floats:
    """The cells as numbers, such as -12, 3.5 and 1e6; NaN for whatever else there is, be it a
    number in Python (1_000, inf) or elsewhere (1,000), and for what is larger than MOST."""
    if not isinstance(cells, pa.Array | pa.ChunkedArray):
        cells = pa.array(cells, pa.string())
    trimmed = pc.utf8_trim_whitespace(cells)
    plain = pc.match_substring_regex(trimmed, _NUMBER)
    numbers: Floats = pc.cast(pc.if_else(plain, trimmed, "nan"), pa.float64()).to_numpy(
        zero_copy_only=False
    )
    return np.where(np.abs(numbers) <= MOST, numbers, np.nan)


def is_number(cell: str) -> bool:
    """Whether a cell is written as ``numbers_of`` reads one."""
    return re.fullmatch(_NUMBER, cell.strip()) is not None


def quoted(cell: object) -> str:
    """A cell as a message shows it: cut, if it is long."""
    text = str(cell)
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}…' ({len(text):,} characters)"


def listed(names: Iterable[object]) -> str:
    """Names of columns or arms as a message shows them: the first dozen."""
    first = [text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…" for text in map(str, names)]
    return ", ".join(first[:_LISTED]) + (", …" if len(first) > _LISTED else "")


def _unreadable(path: Path, error: Exception) -> tuple[str, str]:
    """Why a file is no table, and what to do, as far as a second look can tell."""
    export = "Save it as CSV in UTF-8, with a header."
    if isinstance(error, IsADirectoryError):
        return "it is a folder.", "Name a file."
    if isinstance(error, OSError):
        return error.strerror or str(error), "Let this user read the file."
    with path.open("rb") as file:
        start = file.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start:
        return "it is in UTF-16.", export
    if "Empty CSV" in str(error):
        return "it is empty, or a header and nothing else.", "Bring a file with rows."
    reason = str(error)
    length = None
    try:
        for line, cells in _records(path):
            length = length or len(cells)
            if len(cells) != length:
                return (
                    f"line {line}: Expected {length} columns, got {len(cells)}: "
                    f"{quoted(','.join(cells))}",
                    "Give every row as many cells as the first; quote a cell with a comma in it.",
                )
            if any(len(cell) > _BLOCK // 4 for cell in cells):
                reason = f"line {line} is too long, or a quote isn't closed."
    except (UnicodeError, plain_csv.Error) as problem:
        reason = str(problem)
    return reason, export


def _open_quote(path: Path, table: pa.Table) -> int | None:
    """The line of the last record, if the file ends within a quote: it has swallowed the rows after
    it, and pyarrow says nothing of it."""
    if not table.num_rows or not re.search(r"[\r\n]", table.columns[-1][-1].as_py()):
        return None
    line = line_of(path, table.num_rows)
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            for _ in plain_csv.reader(islice(file, line - 1, None), strict=True):
                pass
        except plain_csv.Error:
            return line
    return None


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The records that aren't blank, each with the line on which it begins."""
    plain_csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = plain_csv.reader(file)
        line = 1
        for cells in rows:
            if cells:
                yield line, cells
            line = rows.line_num + 1
