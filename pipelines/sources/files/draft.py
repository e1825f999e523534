"""A mapping to correct, drafted from what an export looks like; nothing is ingested by it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipelines.errors import InputError, UsageError
from pipelines.platforms import full_name
from pipelines.sources.files.advice import DELIMITERS, HEAD_ROWS, total_word
from pipelines.sources.files.cells import KEPT, ExportFile
from pipelines.sources.files.layout import Layout, spelt
from pipelines.sources.files.mapping import PERIODS
from pipelines.sources.files.numerals import NotANumber, Numerals
from pipelines.sources.files.packing import unpacked
from pipelines.sources.files.text_file import guessed_encoding
from pipelines.sources.files.workbook_file import first_rows

_CHUNK = 2**20
_KNOWN = Path(__file__).with_name("known_columns.yaml")
_FORMATS = (
    *("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d"),
    *("%b %d, %Y", "%d.%m.%y", "%m/%d/%y", "%B %d, %Y", "%Y-%m-%d %H:%M:%S", "%B %Y", "%Y-%m"),
)
_SIGNS = ((None, None), (".", ","), (",", "."), (",", " "), (".", "'"))
_TODO = "TODO"
Cells = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Look:
    """What a file looks like: the keys of its layout, and its first rows, the header among them."""

    layout: dict[str, object]
    head: Cells
    header_row: int

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return [spelt("" if cell is None else cell) for cell in self.head[self.header_row - 1]]

    def cells(self, name: str) -> list[object]:
        """Those of a column, below the header, that say something."""
        place = self.names.index(name)
        rows = self.head[self.header_row :]
        cells = [row[place] for row in rows if place < len(row) and not any(map(total_word, row))]
        return [cell for cell in cells if cell not in (None, "", "-", "--", " --")]


def write_draft(path: Path, platform: str | None) -> Path:
    """Write a mapping for an export beside it.

    Args:
        platform: whose export it is, if that is known.

    Raises:
        InputError: the file can't be read.
        ConfigError: the platform isn't in platforms.yaml.
        UsageError: there is a mapping beside it already.
    """
    target = path.with_name(f"{path.name}.mapping.yaml")
    if target.exists():
        raise UsageError(
            f"There is a mapping beside the file already: {target}.",
            kept="nothing was read or written.",
            fix=f"Ingest with it (--mapping {target}), or move it away to have another drafted.",
        )
    text = drafted(look(path), full_name(platform) if platform else None)
    target.write_text(text, encoding="utf-8")
    return target


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
    lines = start.decode(codec, errors="replace").splitlines(keepends=True)[: HEAD_ROWS * 2]
    best: Cells = ()
    for delimiter in DELIMITERS:
        try:
            rows = list(islice(csv.reader(lines, delimiter=delimiter), HEAD_ROWS))
        except csv.Error:
            continue
        if not best or _known_in(rows) > _known_in(best):
            best, layout["delimiter"] = rows, "tab" if delimiter == "\t" else delimiter
    if layout.get("delimiter") == ",":
        del layout["delimiter"]
    return best


def _known_in(rows: Cells) -> tuple[int, int]:
    row = rows[_header_row(rows) - 1] if rows else ()
    return len(_known(row)), len(row)


def _header_row(head: Cells) -> int:
    """The row with most names that are known; else the first that fills as many cells as any."""
    scores = [
        (len(_known(row)), sum(cell not in (None, "") for cell in row), -i)
        for i, row in enumerate(head)
    ]
    return 1 - max(scores, default=(0, 0, 0))[2]


def _known(row: Sequence[object]) -> dict[str, str]:
    """The columns of a header that are known: field, and the column's name as the file has it."""
    names: dict[str, str] = {}
    for cell in row:
        name = spelt("" if cell is None else cell)
        # Meta writes the currency behind: Amount spent (EUR)
        names.setdefault(re.sub(r" \([A-Z]{3}\)$", "", name).lower(), name)
    columns: dict[str, str] = {}
    for field, synonyms in known_columns().items():
        column = next((names[synonym] for synonym in synonyms if synonym in names), None)
        if column is not None and column not in columns.values():
            columns[field] = column
    return columns


@cache
def known_columns() -> dict[str, list[str]]:
    """The names of columns in known_columns.yaml, by field."""
    columns: dict[str, list[str]] = yaml.safe_load(_KNOWN.read_text(encoding="utf-8"))
    return columns


def drafted(look: Look, platform: str | None) -> str:
    """The mapping's text: what was seen, and TODO where a person must say."""
    columns = _known(look.head[look.header_row - 1])
    ads = "ad_id" in columns and "adgroup_id" in columns
    lines = [
        "# A draft. Correct every line that says TODO and check the others: docs/files.md explains",
        f"# each key. The file's columns: {', '.join(name for name in look.names if name)}",
        _line("platform", platform or _TODO),
        _text("account_id", columns.get("account_id")),
        f"time_zone: {_TODO}  # the account's own, such as Europe/Berlin",
        _text("currency", columns.get("currency"), _currency(look)),
        f"level: {'ad' if ads else 'campaign'}  # what a row is: an ad or a campaign",
        *(_line(key, value) for key, value in look.layout.items()),
        *_signs(look, columns),
        *_totals(look),
        _date(look, columns),
        *_grain(columns),
        "complete: true  # false: what the file doesn't hold of its days stays as it is published",
        "columns:",
    ]
    ids = ("campaign_id", "adgroup_id", "ad_id") if ads else ("campaign_id",)
    for field in (*ids, "impressions", "clicks", "cost", "conversions"):
        lines.append(f"  {_line(field, columns.get(field, _TODO))}")
    lines.append(f"  {_line('conversion_value', columns.get('conversion_value', 'absent'))}")
    names = [f for f in ("campaign", "adgroup", "ad") if f"{f}_name" in columns]
    if names:
        lines += ["names:", *(f"  {_line(f, columns[f'{f}_name'])}" for f in names)]
    lines += ["status:", _status(look, columns.get("campaign_status"))]
    if ads:
        lines.append("  ad: {constant: ENABLED}")
    return "\n".join(lines) + "\n"


def _line(key: str, value: object) -> str:
    return f"{key}: {value if value == _TODO else json.dumps(value, ensure_ascii=False)}"


def _text(key: str, column: str | None, constant: str | None = None) -> str:
    if column is not None:
        return f"{key}: {{column: {json.dumps(column, ensure_ascii=False)}}}"
    return f"{key}: {{constant: {constant or _TODO}}}"


def _currency(look: Look) -> str | None:
    """The code that Meta writes behind the names of amounts."""
    codes = {m[1] for name in look.names if (m := re.search(r" \(([A-Z]{3})\)$", name))}
    return codes.pop() if len(codes) == 1 else None


def _signs(look: Look, columns: dict[str, str]) -> list[str]:
    """Decimal and thousands signs that read every number there is, where they show."""
    fields = ("impressions", "clicks", "cost", "conversions", "conversion_value")
    cells = (cell for f in fields if f in columns for cell in look.cells(columns[f]))
    texts = [cell for cell in cells if isinstance(cell, str)]
    around = {m for cell in texts for m in re.findall(r"^[^\d.,\s'-]+|[^\d.,\s'-]+$", cell.strip())}
    lines = [f"strip: {json.dumps(sorted(around), ensure_ascii=False)}"] if around else []
    for decimal, thousands in _SIGNS:
        try:
            numerals = Numerals(Layout(decimal=decimal, thousands=thousands, strip=tuple(around)))
            for cell in texts:
                numerals.number(cell)
        except (NotANumber, ValueError):
            continue
        if numerals.ambiguous:
            lines.append(f"decimal: {_TODO}  # '{numerals.ambiguous}': is its sign decimal, or …")
            return [*lines, f"thousands: {_TODO}  # … between thousands?"]
        if decimal:
            lines += [_line("decimal", decimal), _line("thousands", thousands)]
        return lines
    return [*lines, f"decimal: {_TODO}  # no one way of writing numbers reads them all"]


def _totals(look: Look) -> list[str]:
    for row in look.head[look.header_row :]:
        for name, cell in zip(look.names, row, strict=False):
            if name and (word := total_word(cell)):
                column = json.dumps(name, ensure_ascii=False)
                return ["leave_out:", f'  - {{column: {column}, starts_with: "{word}"}}']
    return []


def _date(look: Look, columns: dict[str, str]) -> str:
    if "date" not in columns:
        return f"date: {{column: {_TODO}, format: {_TODO}}}  # a row must be a day"
    cells = [cell for cell in look.cells(columns["date"]) if isinstance(cell, str)]
    formats = [f for f in _FORMATS if all(_is_day(cell, f) for cell in cells)]
    column = json.dumps(columns["date"], ensure_ascii=False)
    ends = f", ends: {json.dumps(columns['date_ends'])}" if "date_ends" in columns else ""
    format_ = json.dumps(formats[0]) if formats else _TODO
    other = f"  # TODO or is it {formats[1]}?" if len(formats) > 1 and cells else ""
    return f"date: {{column: {column}, format: {format_}{ends}}}{other}"


def _grain(columns: dict[str, str]) -> list[str]:
    """What a row is, where its date's name says that it is no day."""
    grain = PERIODS.get(columns.get("date", "").lower())
    if grain is None:
        return []
    return [f"grain: {grain}  # better: export by day", "spread: evenly  # among its days"]


def _is_day(cell: str, format_: str) -> bool:
    try:
        datetime.strptime(cell.strip(), format_)
    except ValueError:
        return False
    return True


def _status(look: Look, column: str | None) -> str:
    if column is None:
        return "  campaign: {constant: ENABLED}  # or a column with its values"
    values = sorted({str(cell) for cell in look.cells(column)})
    listed = ", ".join(f"{json.dumps(v, ensure_ascii=False)}: {_state(v)}" for v in values)
    name = json.dumps(column, ensure_ascii=False)
    return f"  campaign: {{column: {name}, values: {{{listed}}}}}"


def _state(value: str) -> str:
    known = {
        **dict.fromkeys(("enabled", "active", "aktiv", "aktiviert"), "ENABLED"),
        **dict.fromkeys(("paused", "pausiert", "inactive", "inaktiv"), "PAUSED"),
        **dict.fromkeys(("removed", "deleted", "archived", "entfernt", "gelöscht"), "REMOVED"),
    }
    return known.get(value.strip().lower(), _TODO)
