"""What a file is, by its content and not by its name, and how it is unpacked within bounds."""

from __future__ import annotations

import gzip
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from pipelines.errors import InputError
from pipelines.scratch import scratch_folder
from pipelines.sources.files.cells import KEPT, ExportFile
from pipelines.sources.files.text_file import guessed_encoding

Format = Literal["text", "parquet", "workbook"]
_MIB, _CHUNK = 2**20, 2**20
_NO_BOUND_UNTIL = 16 * _MIB  # small enough to be read, whatever it was packed to
# What a file may be that isn't read, by its first bytes: what it is called, and what to do.
_SAVE = "open it in a spreadsheet program and save it as XLSX or CSV"
_FOREIGN: dict[bytes, tuple[str, str]] = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": (
        "an old Excel workbook (.xls), or one with a password",
        f"Export it as CSV or XLSX, or {_SAVE}.",
    ),
    b"%PDF": ("a PDF", "Export it as CSV or XLSX."),
    b"BZh": ("packed with bzip2", "Unpack it, or pack it with gzip."),
    b"\xfd7zXZ": ("packed with xz", "Unpack it, or pack it with gzip."),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it."),
    b"Rar!": ("a RAR archive", "Unpack it."),
    b"\x28\xb5\x2f\xfd": ("packed with zstandard", "Unpack it, or pack it with gzip."),
}
_WORKBOOKS = (".xlsx", ".xlsm")
_AGAIN = "Export it again; a file that was cut off in copying looks like this."
_MARKUP = (b"<html", b"<!doctype html", b"<table", b"<head", b"<meta", b"<style")
_JSON = re.compile(rb"""\{\s*["}]|\[\s*[\[{]""")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BROKEN = (zipfile.BadZipFile, EOFError, OSError, zlib.error, NotImplementedError, RuntimeError)


@contextmanager
def unpacked(file: ExportFile) -> Iterator[tuple[Path, Format]]:
    """A file to read and what it is; unpacked in a folder of its own for the time of ``with``.

    Raises:
        InputError: it is of another format, not whole, or unpacks to too much.
    """
    path = file.path
    if not path.is_file():
        raise InputError(f"There is no file {path}.", kept=KEPT, fix="Check the path.")
    packing = _packing(file, path)
    said = file.layout.compression
    if said is not None and said != (packing or "none"):
        raise file.refusal(
            f"is {'not packed' if packing is None else f'packed with {packing}'}, and the mapping "
            f"says compression: {said}.",
            "Leave 'compression' out, or correct it.",
        )
    if packing is None:
        yield path, _format(file, path)
        return
    with scratch_folder() as folder:
        inner = Path(folder) / "unpacked"
        try:
            (_gunzip if packing == "gzip" else _unzip)(file, inner)
        except _BROKEN as error:
            full = isinstance(error, OSError) and error.errno
            raise file.refusal(
                f"can't be unpacked ({packing}): {error}.",
                "Free some disk space, or point TMPDIR at a disk that has some."
                if full
                else "Copy or download it again; what has a password must be unpacked by hand.",
            ) from error
        if _packing(file, inner):
            raise file.refusal("holds a packed file.", "Unpack it once by hand.")
        yield inner, _format(file, inner)


def _packing(file: ExportFile, path: Path) -> Literal["gzip", "zip"] | None:
    """How a file is packed; a workbook, though it is an archive, isn't."""
    start = _start(path)
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if not start.startswith(b"PK") or path.suffix.lower() in _WORKBOOKS:
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except _BROKEN as error:
        raise file.refusal(f"is not a whole zip archive: {error}.", _AGAIN) from error
    return None if "[Content_Types].xml" in names or "mimetype" in names else "zip"


def _format(file: ExportFile, path: Path) -> Format:
    start = _start(path)
    for magic, (what, fix) in _FOREIGN.items():
        if start.startswith(magic):
            raise file.refusal(f"is {what}, which isn't read.", fix)
    if _is_tar(start):
        raise file.refusal(
            "is a tar archive, which isn't read.", "Unpack it, and ingest each file by itself."
        )
    if start.startswith(b"PK"):
        _check_workbook(file, path)
        return "workbook"
    if start.startswith(b"PAR1"):
        return "parquet"
    ending = file.path.suffix.lower()
    if start and (ending == ".parquet" or ending in _WORKBOOKS):
        what = "Parquet file" if ending == ".parquet" else "workbook"
        raise file.refusal(f"is not a whole {what}: it doesn't begin like one.", _AGAIN)
    text = (
        start.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip(b"\xff\xfe \t\r\n").lower()
    )
    if text.startswith(_MARKUP) or (text.startswith(b"<?xml") and b"spreadsheet" in text):
        raise file.refusal(
            "is a web page (HTML) or XML that only has a spreadsheet's name.",
            f"Export it as CSV or XLSX, or {_SAVE}.",
        )
    if _JSON.match(text):
        raise file.refusal("is JSON, which isn't read.", "Export it as CSV or XLSX.")
    if file.layout.encoding == "utf-8" and _is_binary(start):
        raise file.refusal("is binary, and no text.", "Export it as CSV or XLSX.")
    return "text"


def _is_binary(start: bytes) -> bool:
    """Whether a file begins with more control characters than any text in an encoding has."""
    encoding = guessed_encoding(start)
    if encoding.startswith("utf-16-") and start.count(0) * 20 < len(start):
        return True  # UTF-16 by its first zero alone
    text = start.decode(encoding, errors="replace")
    return len(_CONTROLS.findall(text)) * 100 > len(text)


def _is_tar(start: bytes) -> bool:
    """Whether a file begins as an archive does: by its checksum, since old ones have no mark."""
    try:
        tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _check_workbook(file: ExportFile, path: Path) -> None:
    """Refuse an archive that isn't a workbook of Excel's, or unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            names, size = set(archive.namelist()), sum(e.file_size for e in archive.infolist())
    except _BROKEN as error:
        raise file.refusal(f"is not a whole workbook: {error}.", _AGAIN) from error
    if "xl/workbook.bin" in names or "mimetype" in names:
        what = "an OpenDocument file" if "mimetype" in names else "a binary workbook (.xlsb)"
        raise file.refusal(f"is {what}, which isn't read.", f"To have it read, {_SAVE}.")
    _check_size(file, size, path.stat().st_size)


def _gunzip(file: ExportFile, target: Path) -> None:
    with gzip.open(file.path) as source, target.open("wb") as unpacked_file:
        _copy(file, source, unpacked_file)


def _unzip(file: ExportFile, target: Path) -> None:
    with zipfile.ZipFile(file.path) as archive:
        entries = [
            entry
            for entry in archive.infolist()
            if not entry.is_dir()
            and not entry.filename.startswith("__MACOSX/")
            and not Path(entry.filename).name.startswith(".")
        ]
        if len(entries) != 1:
            listed = ", ".join(entry.filename for entry in entries[:10]) or "none"
            raise file.refusal(
                f"holds {len(entries)} files: {listed}.",
                "Unpack it, and ingest each file by itself.",
            )
        _check_size(file, entries[0].file_size, file.path.stat().st_size)
        with archive.open(entries[0]) as source, target.open("wb") as unpacked_file:
            _copy(file, source, unpacked_file)


def _copy(file: ExportFile, source: IO[bytes] | gzip.GzipFile, target: IO[bytes]) -> None:
    """Bytes from a packed file, until they are too many."""
    size, packed = 0, file.path.stat().st_size
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        _check_size(file, size, packed)
        target.write(chunk)


def _check_size(file: ExportFile, size: int, packed: int) -> None:
    layout = file.layout
    if size > layout.max_unpacked_mib * _MIB:
        key, most = "max_unpacked_mib", f"{layout.max_unpacked_mib} MiB"
    elif size > max(layout.max_unpacked_times * packed, _NO_BOUND_UNTIL):
        key, most = "max_unpacked_times", f"{layout.max_unpacked_times} times its size"
    else:
        return
    raise file.refusal(
        f"unpacks to more than {most}.",
        f"If it is what you exported, raise {key} in the mapping; or export fewer days.",
    )


def _start(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(1_024)
