"""Reads a text file (CSV) in the encoding that its mapping names, and no other."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path

from pipelines.errors import InputError
from pipelines.sources.files.advice import HEAD_ROWS
from pipelines.sources.files.cells import M, Reading, Sheet
from pipelines.sources.files.header import locate, sheets

_CHUNK = 2**20
_AGAIN = "Export it again."
# Longest first: UTF-32's little-endian mark begins like UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, reading: Reading[M]) -> Iterator[Sheet[M]]:
    """The rows of a text file.

    Raises:
        InputError: it isn't in the mapping's encoding, or isn't CSV.
    """
    encoding, mapping = reading.mapping.encoding, reading.mapping
    _check_encoding(path, reading)
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        with path.open(encoding=codec, newline="") as file:
            rows = csv.reader(file, delimiter=mapping.delimiter, strict=True)
            head = list(islice(rows, max(HEAD_ROWS, mapping.last_header_row)))
            header = locate(reading, head, mapping.header_row)
            numbered = enumerate(chain(head, rows), start=1)
            yield from sheets(reading, header, islice(numbered, header.row, None))
    except UnicodeError as error:
        raise reading.refusal(
            f"is not in {encoding}: {error}.", _advice(error, encoding)
        ) from error
    except (csv.Error, OSError) as error:
        raise reading.refusal(f"can't be read as CSV in {encoding}: {error}.", _AGAIN) from error


def guessed_encoding(start: bytes, rest: Iterable[bytes] = ()) -> str:
    """The encoding that a file's bytes show: by its mark, by its zeros, or UTF-8 where it is that
    to its end; else Windows' for western Europe, which nothing shows.

    Args:
        start: its first bytes.
        rest: all that follow, in chunks; read only as far as they are needed.
    """
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if start[1:2] == b"\0":
        return "utf-16-le"
    if start[:1] == b"\0":
        return "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chain([start], rest):
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _check_encoding(path: Path, reading: Reading[M]) -> None:
    """Refuse what another encoding would read without an error, but wrongly."""
    with path.open("rb") as file:
        start = file.read(_CHUNK)
        shown = guessed_encoding(start, iter(partial(file.read, _CHUNK), b""))
        file.seek(0)
        # a file may hold a million rows before its first umlaut
        plain = all(c.isascii() and b"\0" not in c for c in iter(partial(file.read, _CHUNK), b""))
    said = reading.mapping.encoding
    if shown == "cp1252" or plain:
        return
    wide = ("utf-16", "utf-32")
    if (
        said == shown
        or (said.startswith(wide) and shown.startswith(said))
        or (shown in wide and said.startswith(shown))
    ):
        if said == "utf-16" and shown != "utf-16":
            raise _other(reading, shown, "has no byte order mark")
        return
    raise _other(reading, shown, f"is not in {said}: it is written in {shown}")


def _other(reading: Reading[M], shown: str, reason: str) -> InputError:
    return reading.refusal(f"{reason}.", f"Say encoding: {shown} in the mapping.")


def _advice(error: UnicodeError, encoding: str) -> str:
    if encoding != "utf-8" or not isinstance(error, UnicodeDecodeError):
        return "Correct 'encoding' in the mapping, or export the file in UTF-8."
    shown = error.object[error.start : error.end].decode("cp1252", errors="replace")
    return (
        "Say its encoding in the mapping, or export it in UTF-8. In encoding: cp1252 the character "
        f"that can't be read is '{shown}'."
    )
