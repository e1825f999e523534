"""Images of ads by the hash of their bytes, in a folder or a bucket.

What is kept stays as it is: ``ab/abcd…`` holds the bytes of that SHA-256, and ``names/…`` says
which hash a platform's own name of an image stands for, so that an image is fetched once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from secrets import token_hex

from pyarrow import fs

from pipelines.errors import AdcanaryError, InputError


class ImageStore:
    """The images of one place.

    Args:
        place: a folder, or the URI of one (``gs://bucket/images``).
    """

    def __init__(self, place: str | Path) -> None:
        self.place = str(place).rstrip("/")

    def sha256_of(self, platform: str, name: str) -> str | None:
        """The hash of the image that a platform calls so; None where it isn't kept."""
        kept = self._read(f"names/{platform}/{_plain(name)}")
        return None if kept is None else kept.decode()

    def keep(self, platform: str, name: str, image: bytes) -> str:
        """Keep an image's bytes, and return their SHA-256."""
        sha256 = hashlib.sha256(image).hexdigest()
        self._write(f"{sha256[:2]}/{sha256}", image)
        self._write(f"names/{platform}/{_plain(name)}", sha256.encode())
        return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes of an image.

        Raises:
            InputError: it isn't there, or isn't what it was.
        """
        image = self._read(f"{sha256[:2]}/{sha256}")
        if image is None or hashlib.sha256(image).hexdigest() != sha256:
            why = "isn't there" if image is None else "is not what was kept"
            raise InputError(
                f"The image {sha256} {why} in {self.place}.",
                kept="the other images.",
                fix="Bring the folder back from a backup, or delete its names/ and ingest again.",
            )
        return image

    def _read(self, path: str) -> bytes | None:
        filesystem, root = self._open()
        try:
            with filesystem.open_input_stream(f"{root}/{path}", compression=None) as stream:
                data: bytes = stream.read()
                return data
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable(error) from error

    def _write(self, path: str, data: bytes) -> None:
        filesystem, root = self._open()
        whole = f"{root}/{path}"
        try:
            filesystem.create_dir(whole.rsplit("/", 1)[0], recursive=True)
            if not isinstance(filesystem, fs.LocalFileSystem):
                with filesystem.open_output_stream(whole, compression=None) as stream:
                    stream.write(data)
                return
            # a process that is killed leaves no half an image, and two that keep one don't meet
            part = f"{whole}.{token_hex(4)}.part"
            with filesystem.open_output_stream(part, compression=None) as stream:
                stream.write(data)
            filesystem.move(part, whole)
        except OSError as error:
            raise self._unavailable(error) from error

    def _open(self) -> tuple[fs.FileSystem, str]:
        if "://" in self.place:
            filesystem, root = fs.FileSystem.from_uri(self.place)
            return filesystem, root
        return fs.LocalFileSystem(), str(Path(self.place).absolute())

    def _unavailable(self, error: OSError) -> AdcanaryError:
        return AdcanaryError(
            f"Images can't be read from or kept in {self.place}: {error}",
            kept="what was there.",
            fix="Look whether the folder may be written to, and whether there is room.",
        )


def _plain(name: str) -> str:
    """A platform's name as a file's: it may hold anything."""
    return hashlib.sha256(name.encode()).hexdigest()
