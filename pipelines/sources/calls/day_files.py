"""Files named by their day, ``YYYY-MM-DD*``, in a folder or a bucket."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.fs

from pipelines.errors import InputError, SourceUnavailable
from pipelines.sources.base import Unreadable, Window

KEPT = "published data is unchanged."
NOT_JSON = "the line is not JSON"
_SHOWN = 5


@dataclass(frozen=True)
class DayFile:
    """A file of ``day``; ``shown`` is its address for a person to read, ``path`` the file
    system's."""

    day: date
    path: str
    shown: str

    def unreadable(
        self,
        line: int,
        why: str,
        *,
        row: Mapping[str, Any] | None = None,
        text: str | None = None,
    ) -> Unreadable:
        """A line of it that can't be read, of its day."""
        key = {"file": self.shown.rsplit("/", 1)[-1], "line": str(line)}
        return Unreadable(key, why, self.day, row, text)


class DayFolder:
    """The files of one place.

    Args:
        place: a folder, or the URI of one (``gs://bucket/events``, ``s3://…``).
        endings: of the files that count, such as ``.ndjson.gz``.
        who: source and account, for errors.
    """

    def __init__(self, place: str, endings: tuple[str, ...], who: str) -> None:
        self._place, self._who = place.rstrip("/"), who
        wanted = "|".join(re.escape(ending) for ending in endings)
        self._name = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})(\D.*)?({wanted})")

    def covering(self, window: Window, *, before: int, after: int) -> tuple[Window, list[DayFile]]:
        """The files of a window and, where there are any, of the days around it, in order.

        A window that begins before the first file is cut to begin with it: those days were
        before the collection began, or their files have been cleared away, and neither says
        that nothing happened. A day without a file, between others, is refused.

        Args:
            before, after: days of which the files are read too.

        Returns:
            The window as cut, and its files; no file where all of it is before the first.

        Raises:
            SourceUnavailable: no such place, no file in it, or a day of the window has none.
            InputError: a file is named by a day that doesn't exist, such as 2026-02-30.
        """
        files = self._list()
        days = {file.day for file in files}
        first = min(days)
        if window.end < first:
            return window, []
        cut = Window(max(window.start, first), window.end)
        missing = [day for day in _days(cut) if day not in days]
        if missing:
            shown = ", ".join(map(str, missing[:_SHOWN]))
            more = f" and {len(missing) - _SHOWN} more days" if len(missing) > _SHOWN else ""
            raise SourceUnavailable(
                f"{self._who}: {self._place} has no file for {shown}{more}.",
                kept=KEPT,
                fix="Wait for it, or ask for a window without that day; a file without lines "
                "says that nothing happened.",
            )
        reach = Window(cut.start - timedelta(days=before), cut.end + timedelta(days=after))
        return cut, [file for file in files if reach.start <= file.day <= reach.end]

    def read(self, file: DayFile, *, growing: bool = False) -> bytes:
        """A file's content, unzipped.

        Args:
            growing: it may still be written to, and end anywhere.

        Raises:
            SourceUnavailable: it can't be fetched.
            InputError: it is compressed and cut off.
        """
        try:
            filesystem, _ = self._open()
            with filesystem.open_input_stream(file.path, compression=None) as stream:
                content: bytes = stream.read()
        except (OSError, pa.ArrowException) as error:
            raise self._unreachable(error) from error
        if not file.path.endswith(".gz"):
            return content
        try:
            if growing:
                return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content)
            return gzip.decompress(content) if content else b""
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(
                f"{self._who}: {file.shown} is not a whole gzip file: {error}.",
                kept=KEPT,
                fix="Write the file again; one that was cut off in copying looks like this.",
            ) from error

    def _list(self) -> list[DayFile]:
        try:
            filesystem, base = self._open()
            entries = filesystem.get_file_info(pyarrow.fs.FileSelector(base))
        except (OSError, pa.ArrowException) as error:
            raise self._unreachable(error) from error
        files = []
        for info in entries:
            match = self._name.fullmatch(info.base_name)
            if not match or not info.is_file:
                continue
            shown = f"{self._place}/{info.base_name}"
            try:
                files.append(DayFile(date.fromisoformat(match[1]), info.path, shown))
            except ValueError:
                raise InputError(
                    f"{self._who}: {shown} is named by a day that doesn't exist.",
                    kept=KEPT,
                    fix="Correct the file's name.",
                ) from None
        if not files:
            raise SourceUnavailable(
                f"{self._who}: {self._place} has no file named by its day (YYYY-MM-DD…).",
                kept=KEPT,
                fix="Correct the path in adcanary.yaml, or wait for the first file.",
            )
        return sorted(files, key=lambda file: (file.day, file.path))

    def _open(self) -> tuple[pyarrow.fs.FileSystem, str]:
        if "://" in self._place:
            filesystem, base = pyarrow.fs.FileSystem.from_uri(self._place)
            return filesystem, base
        return pyarrow.fs.LocalFileSystem(), self._place

    def _unreachable(self, error: Exception) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self._who}: {self._place} can't be read: {error}",
            kept=KEPT,
            fix="Check the path in adcanary.yaml, that it can be reached, and who may read it.",
        )


def json_lines(
    content: bytes, file: DayFile, *, growing: bool = False
) -> Iterator[tuple[int, dict[str, Any] | Unreadable]]:
    """Newline JSON: the number of each line, from 1, and its object; blank lines are skipped.

    Args:
        growing: the last line may not be finished; it is left for later.

    Raises:
        InputError: the file is cut off: it ends within a line.
    """
    lines = content.split(b"\n")
    last = len(lines)
    if growing:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        value, why = object_of(line)
        if value is not None:
            yield number, value
            continue
        if why == NOT_JSON and number == last:
            raise InputError(
                f"{file.shown} line {number} is not JSON (the file ends in the middle of it).",
                kept=KEPT,
                fix="Write the file again; if it is still being written, wait for that.",
            )
        yield number, file.unreadable(number, why, text=line.decode(errors="replace"))


def object_of(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """The JSON object that a line is, or None and why it is none; the line isn't repeated."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None, NOT_JSON
    return (value, "") if isinstance(value, dict) else (None, "the line is not a JSON object")


def _days(window: Window) -> list[date]:
    count = (window.end - window.start).days + 1
    return [window.start + timedelta(days=i) for i in range(count)]
