"""How results look: tables for people in a terminal; JSON, CSV and TSV for programs."""

from __future__ import annotations

import base64
import csv
import ctypes
import io
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import IO, Any, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.errors import AdcanaryError
from pipelines.plain_text import one_line, visible

_log = logging.getLogger(__name__)
_STDOUT, _STDERR = 1, 2
_PIPED_WIDTH = 100  # without a terminal to ask: a page's width, for logs and files
# no emoji: ":x:" in a name stays as it is
out = Console(emoji=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
err = Console(emoji=False, stderr=True, width=None if sys.stderr.isatty() else _PIPED_WIDTH)


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


def logs_as_json() -> None:
    """Write what would be read by people on standard error as lines of the log, if the log is JSON
    (:mod:`pipelines.json_logs`)."""
    if "ADCANARY_LOG_FORMAT" not in os.environ:
        return
    from pipelines.json_logs import log_as_configured

    if log_as_configured():
        err.file = cast(IO[str], _Lines())


class _Lines(io.TextIOBase):
    """Takes text, and logs each line of it."""

    def __init__(self) -> None:
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, lines):
            _log.warning("%s", line)
        return len(text)


# a spreadsheet takes a cell that begins so for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@contextmanager
def native_output_aside() -> Iterator[None]:
    """What native libraries write to standard output meanwhile goes to standard error: HiGHS prints
    a line, whatever it is told, and whoever reads JSON from this process can't use it."""
    sys.stdout.flush()
    _flush_native()
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        _flush_native()  # C keeps what it writes to a pipe until its buffer is full
        os.dup2(kept, _STDOUT)
        os.close(kept)


def _flush_native() -> None:
    ctypes.CDLL(None).fflush(None)


def of_rows(chosen: Format | None) -> Format:
    """The format of rows: the one that was chosen, or a table, or TSV where they are piped."""
    return chosen or (Format.TABLE if sys.stdout.isatty() else Format.TSV)


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    format_: Format,
    title: str = "",
    *,
    columns: Sequence[str] | None = None,
    spreadsheet: bool = False,
) -> None:
    """Print rows in a format; JSON is one list, with instants in ISO 8601.

    Args:
        columns: their names, which no rows don't tell.
        spreadsheet: in CSV, put an apostrophe before texts that would be formulas.
    """
    if format_ is Format.JSON:
        sys.stdout.write(json.dumps([dict(r) for r in rows], default=_plain, indent=1) + "\n")
        return
    columns = columns or (list(rows[0]) if rows else [])
    if format_ is Format.CSV:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        for row in ([*columns], *([_csv_cell(r[c]) for c in columns] for r in rows)):
            writer.writerow([_as_text(cell) for cell in row] if spreadsheet else row)
        sys.stdout.write(buffer.getvalue())
        return
    if format_ is Format.TSV:
        for row in ([*columns], *([r[c] for c in columns] for r in rows)):
            sys.stdout.write("\t".join("" if c is None else one_line(_cell(c)) for c in row) + "\n")
        return
    print_table(columns, ([_cell(r[c]) for c in columns] for r in rows), title)
    if not rows:
        out.print("no rows")


def print_tables(tables: Sequence[Sequence[Mapping[str, Any]]], format_: Format) -> None:
    """Print tables for people, or the first of them for programs: two, one after the other, are no
    CSV. Standard error says where the others are."""
    for rows in tables if format_ is Format.TABLE else tables[:1]:
        print_rows(rows, format_)
    if format_ is not Format.TABLE and any(tables[1:]):
        err.print("This is the first table; --format json has all figures.", highlight=False)


def print_object(value: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    sys.stdout.write(json.dumps(value, default=_plain, indent=1) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table for people; columns of numbers align right."""
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    body = [list(row) for row in rows]
    for index, name in enumerate(columns):
        numeric = bool(body) and all(_is_number(row[index]) for row in body)
        table.add_column(
            Text(one_line(name)), justify="right" if numeric else "left", overflow="fold"
        )
    for row in body:
        table.add_row(*(Text(one_line(cell)) for cell in row))  # never read as markup
    if columns:
        out.print(table)


def print_plainly(*parts: str) -> None:
    """Print a line as it is: no markup, never wrapped at a width; what would act on the terminal
    is shown as an escape."""
    text = " ".join(visible(part) for part in parts)
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def print_error(error: AdcanaryError, of: str | None = None) -> None:
    """Print what was wrong, what was kept and what to do next, on standard error, unwrapped.

    Args:
        of: what failed, such as ``google_ads/1234567890``, when the command covers several.
    """
    if isinstance(err.file, _Lines):
        said = {"error": type(error).__name__, "of": of, "kept": error.kept, "next": error.fix}
        _log.error("%s", error.message, extra={k: v for k, v in said.items() if v})
        return
    if of:
        err.print(visible(f"{of} failed."), markup=False, highlight=False, soft_wrap=True)
    err.print(f"[bold red]{type(error).__name__}[/]: ", end="")
    err.print(error.message, markup=False, highlight=False, soft_wrap=True)
    for label, text in (("Kept", error.kept), ("Next", error.fix)):
        if text:
            err.print(f"[bold]{label}[/]: ", end="")
            err.print(visible(text), markup=False, highlight=False, soft_wrap=True)


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, dict | list):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return _plain(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _csv_cell(value: Any) -> Any:
    return _cell(value) if isinstance(value, dict | list | Decimal | bool | bytes) else value


def _as_text(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").lstrip("+-").isdigit() or text in ("NULL", "?")


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return repr(value)


def rounded(value: float | None, digits: int = 3) -> float | None:
    """For a table; None stays None."""
    return None if value is None else round(value, digits)
