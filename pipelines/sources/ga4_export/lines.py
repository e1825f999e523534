"""Reads a day's file of the GA4 export: at once where every line is in order, else line by line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.json

from pipelines.errors import InputError
from pipelines.sources.base import Unreadable
from pipelines.sources.calls.day_files import NOT_JSON, object_of
from pipelines.sources.ga4_export.events import SHOWN, one_below_another, unusable
from pipelines.sources.ga4_export.schema import KEPT, export_schema, fitted

_CHUNK_LINES, _BLOCK = 4_096, 8 << 20
# Not JSON, JSON of another shape or another type of value.
_UNREADABLE = (pa.ArrowException, orjson.JSONDecodeError, UnicodeDecodeError, InputError)
_CUT = (EOFError, gzip.BadGzipFile, zlib.error)
_CUT_OFF = "Export the day again; a file that was cut off in copying looks like this."

Line = tuple[int, bytes]


@dataclass(frozen=True)
class Exported:
    """A file's events, as :func:`~pipelines.sources.ga4_export.schema.fitted` gives them.

    ``places`` are the numbers of their lines, from 1; None where none of them needs one.
    """

    events: pa.Table
    places: list[int] | None = None
    unreadable: tuple[Unreadable, ...] = ()


def read_export(path: Path, day: date) -> Exported:
    """One day's file.

    Raises:
        InputError: it was cut off, or no line of it is an event of the export.
        OSError: it is gone, or the disk failed.
    """
    try:
        form: InputError | None = None
        try:
            events = _at_once(path)
            if not unusable(events, day):
                return Exported(events)
        except InputError as error:
            form = error
        except _UNREADABLE:
            pass
        return _by_line(path, day, form)
    except _CUT as error:
        raise InputError(
            f"{path} is not the GA4 export as newline-delimited JSON: {error}",
            kept=KEPT,
            fix=_CUT_OFF,
        ) from error


def _at_once(path: Path) -> pa.Table:
    with _opened(path) as file:
        first = file.readline()
        if not first.strip():
            if file.read(1):
                raise pa.ArrowInvalid("a blank line comes first")
            return fitted(export_schema().empty_table(), str(path))
        value, why = object_of(first)
        if value is None:
            raise pa.ArrowInvalid(why)
        file.seek(0)
        return fitted(_parsed(file, textual=_is_textual(value)), str(path))


def _by_line(path: Path, day: date, form: InputError | None) -> Exported:
    lines = _Lines(path, day)
    with _opened(path) as file:
        for chunk in _chunks(file):
            lines.add(chunk)
    if lines.unreadable and not lines.places and form is not None:
        raise form
    if lines.unreadable and not lines.places:
        first = lines.unreadable[0]
        raise InputError(
            f"{path} is not the GA4 export as newline-delimited JSON: none of its "
            f"{len(lines.unreadable)} lines can be read; line {first.key['line']}: {first.why}.",
            kept=KEPT,
            fix="Export the day again in the GA4 export's own schema; a file that was cut off in "
            "copying looks like this, too.",
        )
    tables = lines.tables or [fitted(export_schema().empty_table(), str(path))]
    return Exported(one_below_another(tables), lines.places, tuple(lines.unreadable))


@dataclass
class _Lines:
    """What was read of a file line by line; those that hinder the others are found by halves."""

    path: Path
    day: date
    tables: list[pa.Table] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    _textual: bool | None = None

    def add(self, lines: list[Line]) -> None:
        """Add some lines.

        Raises:
            InputError: the last one is cut off.
        """
        objects: list[tuple[Line, dict[str, Any]]] = []
        for number, line in lines:
            value, why = object_of(line)
            if value is not None:
                objects.append(((number, line), value))
                continue
            if why == NOT_JSON and not line.endswith(b"\n"):
                raise InputError(
                    f"{self.path} line {number} is not JSON (the file ends in the middle of it).",
                    kept=KEPT,
                    fix=_CUT_OFF,
                )
            self._set_aside(number, why, text=line.decode(errors="replace").strip())
        if objects and self._textual is None:
            self._textual = _is_textual(objects[0][1])
        self._add(objects)

    def _add(self, objects: list[tuple[Line, dict[str, Any]]]) -> None:
        if not objects:
            return
        try:
            table = self._table(objects, bool(self._textual))
        except _UNREADABLE:
            if len(objects) > 1:
                middle = len(objects) // 2
                self._add(objects[:middle])
                self._add(objects[middle:])
                return
            try:  # it may write its numbers otherwise than the first line
                table = self._table(objects, not self._textual)
            except _UNREADABLE:
                (((number, _), value),) = objects
                self._set_aside(number, _fault(value), row=value)
                return
        self.tables.append(table)
        self.places += [number for (number, _), _ in objects]

    def _table(self, objects: list[tuple[Line, dict[str, Any]]], textual: bool) -> pa.Table:
        content = b"\n".join(line.strip() for (_, line), _ in objects) + b"\n"
        table = fitted(_parsed(io.BytesIO(content), textual=textual), str(self.path))
        if len(table) != len(objects):
            raise pa.ArrowInvalid("another number of events than of lines")
        table.validate(full=True)
        return table

    def _set_aside(
        self, number: int, why: str, *, row: dict[str, Any] | None = None, text: str | None = None
    ) -> None:
        shown = {name: row[name] for name in SHOWN if name in row} if row is not None else None
        key = {"file": self.path.name, "line": str(number)}
        self.unreadable.append(Unreadable(key, why, self.day, shown, text))


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _chunks(file: Any) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for number, line in enumerate(file, start=1):
        if line.strip():
            chunk.append((number, line))
        if len(chunk) == _CHUNK_LINES:
            yield chunk
            chunk = []
    yield chunk


def _is_textual(event: dict[str, Any]) -> bool:
    """Whether an export writes INT64 as BigQuery's JSON does, as texts."""
    return isinstance(event.get("event_timestamp"), str)


def _parsed(file: Any, *, textual: bool) -> pa.Table:
    return pyarrow.json.read_json(
        file,
        pyarrow.json.ReadOptions(block_size=_BLOCK),
        pyarrow.json.ParseOptions(
            explicit_schema=export_schema(pa.string() if textual else None),
            # a column that the export gets one day is kept, as drift
            unexpected_field_behavior="infer",
        ),
    )


def _fault(event: dict[str, Any]) -> str:
    """Why an object is no event: the first field that is of another type."""
    for column in export_schema():
        if event.get(column.name) is None:
            continue
        line = orjson.dumps({column.name: event[column.name]}) + b"\n"
        for textual in (False, True):
            try:
                fitted(_parsed(io.BytesIO(line), textual=textual), "")
                break
            except _UNREADABLE:
                continue
        else:
            return f"{column.name} is of another type than in the GA4 export"
    return "the line is not an event of the GA4 export"
