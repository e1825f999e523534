"""The anchor in a bucket, for processes of several machines: every line is an object that is made
once and never changed, so that the bucket may forbid to change or delete anything.

A folder is an anchor, and the last one holds: ``000001/begun`` says its id and its warehouse,
``000001/announced/…`` what was about to be committed, ``000001/lines/…`` what was. An object's
name says all of a line, so that a listing reads them, and the latest are listed first. What was
announced and never committed stays, and is looked at until a later line is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from pipelines.config import Settings
from pipelines.errors import AdcanaryError, WarehouseUnavailable
from pipelines.proposals.anchor import (
    Anchor,
    Anchored,
    AnyAnchor,
    Header,
    Line,
    broken,
    named_after,
)
from pipelines.proposals.events import LoggedEvent

_FIRST_ONLY = 0
"""The generation of an object that isn't there: an upload with it makes one, or is refused."""
_SECONDS = 30.0
_TOP = 10**12 - 1
"""What events are counted down from in names: a listing is in the order of names, and only that."""


def open_anchor(settings: Settings) -> AnyAnchor:
    """The anchor that the settings name: in a bucket, else a file beside the configuration."""
    if settings.audit.anchor is None:
        return Anchor.beside(settings)
    name, warehouse = named_after(settings)
    return BucketAnchor(f"{settings.audit.anchor}/{name}", warehouse)


class BucketAnchor(AnyAnchor):
    """The objects of one ledger's anchors.

    Credentials are the environment's default ones. They need to make objects, to list and to read
    them, and no more.

    Args:
        place: their folder, as ``gs://bucket/folder``.
        warehouse: what they say that they are for.
    """

    def __init__(self, place: str, warehouse: str) -> None:
        super().__init__(place, warehouse)
        self._bucket, _, self._folder = place.removeprefix("gs://").partition("/")

    @cached_property
    def _client(self) -> Any:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage

        try:
            return storage.Client()
        except GoogleAuthError as error:
            raise self._unavailable(str(error)) from error

    def state(self) -> Sequence[bytes | None]:
        latest = self._latest()
        folder = f"{latest:06d}"
        newest = self._names(f"{folder}/lines/", most=1)
        last = self._line(newest[0]).sequence if newest else 0
        return [name.encode() for name in (folder, *newest, *self._announced(folder, last))]

    def read(self) -> Anchored | None:
        latest = self._latest()
        if latest == 0:
            return None
        folder = f"{latest:06d}"
        header = self.header(self._begun(folder))
        lines: list[Line] = []
        for name in reversed(self._names(f"{folder}/lines/")):
            line = self._line(name)
            if not (lines[-1].sequence if lines else 0) < line.first <= line.sequence:
                raise broken(f"{self.place}/{folder}/lines/{name} is out of order")
            lines.append(line)
        last = lines[-1].sequence if lines else 0
        pending = tuple(self._line(name) for name in self._announced(folder, last))
        return Anchored(f"{self.place}/{folder}", header.anchor, tuple(lines), pending)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nothing: two that append at once make different objects, and the ledger's comparison
        lets one of them commit."""
        yield

    def begin(self) -> str:
        header = Header(anchor=secrets.token_hex(8), warehouse=self.warehouse)
        self._make(f"{self._latest() + 1:06d}/begun", header.model_dump_json().encode() + b"\n")
        return header.anchor

    def settle(self, anchored: Anchored, events: Sequence[LoggedEvent]) -> None:
        for line in anchored.committed(events):
            self.confirm(line)

    def announce(self, line: Line) -> None:
        self._make(f"{self._latest():06d}/announced/{_name(line)}")

    def withdraw(self) -> None:
        """Nothing: what isn't in the chain was never committed."""

    def confirm(self, line: Line) -> None:
        with suppress(AdcanaryError):
            self._make(f"{self._latest():06d}/lines/{_name(line)}")

    def _latest(self) -> int:
        """The number of the anchor that holds; 0 for none."""
        with self._reading():
            listed = self._client.list_blobs(
                self._bucket, prefix=f"{self._folder}/", delimiter="/", **_patience()
            )
            for _ in listed.pages:
                pass
            numbers = [prefix.rstrip("/").rsplit("/", 1)[-1] for prefix in listed.prefixes]
        for number in numbers:
            if not number.isdigit():
                raise broken(f"{self.place}/{number} isn't one of adcanary's")
        return max(map(int, numbers), default=0)

    def _begun(self, folder: str) -> bytes:
        from google.api_core.exceptions import NotFound

        blob = self._client.bucket(self._bucket).blob(f"{self._folder}/{folder}/begun")
        with self._reading():
            try:
                content: bytes = blob.download_as_bytes(**_patience())
            except NotFound:
                raise broken(f"{self.place}/{folder}/begun is not there") from None
        return content

    def _announced(self, folder: str, last: int) -> list[str]:
        """What was announced for events after the last that has its line."""
        return self._names(f"{folder}/announced/", before=f"{_TOP - last:012d}")

    def _names(self, below: str, *, before: str = "", most: int | None = None) -> list[str]:
        """The names of the objects in a folder, the latest events first.

        Args:
            before: those before this name alone.
            most: so many.
        """
        prefix = f"{self._folder}/{below}"
        with self._reading():
            listed = self._client.list_blobs(
                self._bucket,
                prefix=prefix,
                end_offset=prefix + before if before else None,
                max_results=most,
                fields="items(name),nextPageToken",
                **_patience(),
            )
            return [blob.name.removeprefix(prefix) for blob in listed]

    def _line(self, name: str) -> Line:
        try:
            _, first, sequence, event_id = name.split("-")
            line = Line(first=int(first), sequence=int(sequence), event_id=event_id)
        except ValueError:
            raise broken(f"{self.place} has an object {name!a}, which isn't adcanary's") from None
        if _name(line) != name:
            raise broken(f"{self.place} has an object {name!a}, which isn't adcanary's")
        return line

    def _make(self, name: str, content: bytes = b"") -> None:
        """Make an object. One that is there with this name is the same, but for ``begun``."""
        from google.api_core.exceptions import GoogleAPIError, PreconditionFailed
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        blob = self._client.bucket(self._bucket).blob(f"{self._folder}/{name}")
        try:
            blob.upload_from_string(content, if_generation_match=_FIRST_ONLY, **_patience())
        except PreconditionFailed as error:
            if content:
                raise self._unwritable("another process began it at the same moment") from error
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise self._unwritable(str(error)) from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            yield
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise self._unavailable(str(error)) from error

    def _unavailable(self, why: str) -> WarehouseUnavailable:
        return WarehouseUnavailable(
            f"The audit anchor {self.place} can't be read: {why}",
            kept="nothing was recorded.",
            fix="Try again later. If it stays so, look whether the bucket is there and whether "
            "this process may list, read and make objects in it.",
        )


def _patience() -> dict[str, Any]:
    """For how long a call is tried again, which each of them is safe to be."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    return {"timeout": _SECONDS, "retry": DEFAULT_RETRY.with_timeout(_SECONDS)}


def _name(line: Line) -> str:
    return f"{_TOP - line.first:012d}-{line.first}-{line.sequence}-{line.event_id}"
