"""The anchor: a file outside the warehouse that says how far the chain had come.

A line is written for every append, after the event is committed; before that, the same line is in
a file beside it (``.pending``), which settles what a process that was killed in between had done.
In a bucket, it is :mod:`pipelines.proposals.bucket_anchor`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.canonical import sha256
from pipelines.config import Settings
from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.proposals.events import LoggedEvent
from pipelines.proposals.states import Action

_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.02
ACCEPT = "adcanary audit anchor --accept"


class Header(BaseModel):
    """What an anchor begins with: its id, and the warehouse that it is for."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    anchor: str
    warehouse: str


class Line(BaseModel):
    """One append: the sequences of its first and last event, and the last one's event_id."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    first: int
    sequence: int
    event_id: str

    def text(self) -> bytes:
        return self.model_dump_json().encode() + b"\n"


@dataclass(frozen=True)
class Anchored:
    """What the anchor says. ``pending`` are appends that may or may not have been committed."""

    place: str
    anchor_id: str
    lines: tuple[Line, ...]
    pending: tuple[Line, ...]

    def hold(self, events: Sequence[LoggedEvent]) -> None:
        """Hold the chain to the anchor: it must extend every head that was anchored, and every
        event that was made with this anchor must be in it.

        Raises:
            IntegrityError: they differ; names the row.
        """
        links = [e.event_id for e in events]
        for line in self.lines:
            if line.sequence > len(links) or links[line.sequence - 1] != line.event_id:
                raise broken(
                    f"canary_events, row with sequence {line.sequence}: {self.place} records "
                    f"{line.event_id[:12]} for it; the chain was rewritten or cut, or an older "
                    "copy of the warehouse was put back",
                )
        lines = [*self.lines, *self.committed(events)]
        covered = {n for line in lines for n in range(line.first, line.sequence + 1)}
        own = [e for e in events if e.anchor == self.anchor_id]
        for event in own:
            if event.sequence not in covered:
                raise broken(
                    f"canary_events, row with sequence {event.sequence}: it isn't in "
                    f"{self.place}; the file was cut, or the row was added by other means",
                )
        introduced = own and (own[0].sequence == 1 or own[0].action == Action.ANCHOR)
        if events and not introduced:
            raise broken(f"{self.place} is of no event in canary_events: it is another ledger's")

    def is_continued_from(self, before: Anchored) -> bool:
        """Whether it is the same anchor, with every line that it had before."""
        lines = self.lines[: len(before.lines)]
        mine, theirs = (self.place, self.anchor_id), (before.place, before.anchor_id)
        return mine == theirs and lines == before.lines

    def hold_later(self, before: Anchored | None, head: str, events: Sequence[LoggedEvent]) -> None:
        """Hold the events after a head, to which both were held before, to the lines since."""
        lines = self.lines[len(before.lines) if before else 0 :]
        links = {event.sequence: event.event_id for event in events}
        uncovered = {event.sequence for event in events if event.anchor == self.anchor_id}
        for line in lines:
            if links.get(line.sequence) != line.event_id:
                raise broken(f"{self.place} has a line of event {line.sequence}, which differs")
            uncovered -= set(range(line.first, line.sequence + 1))
        if uncovered:
            raise broken(f"event {min(uncovered)} isn't in {self.place}")

    def committed(self, events: Sequence[LoggedEvent]) -> list[Line]:
        """Those of the pending appends that the chain has."""
        return [
            line
            for line in self.pending
            if line.sequence <= len(events) and events[line.sequence - 1].event_id == line.event_id
        ]


def named_after(settings: Settings) -> tuple[str, str]:
    """An anchor's name, and the warehouse that it is for."""
    which, folder = settings.warehouse, settings.path.parent.resolve()
    if which.kind == "bigquery":
        name, place = str(which.project), f"{which.project} {which.api_endpoint or ''}".strip()
    else:
        # relative, so that a folder that moves with its warehouse keeps its anchor
        name, place = which.path.stem, os.path.relpath(which.path.resolve(), folder)
    return f"audit-anchor-{which.kind}-{name}-{sha256(place)[:8]}", f"{which.kind} {place}"


class AnyAnchor(ABC):
    """Where heads are anchored.

    Args:
        place: where that is, for people.
        warehouse: what it says that it is for.
    """

    def __init__(self, place: str, warehouse: str) -> None:
        self.place = place
        self.warehouse = warehouse

    @abstractmethod
    def state(self) -> Sequence[bytes | None]:
        """Something that differs whenever the anchor has changed."""

    @abstractmethod
    def read(self) -> Anchored | None:
        """What the anchor says; None if there is none.

        Raises:
            IntegrityError: a line can't be read, or is another warehouse's; says which.
        """

    @abstractmethod
    def lock(self) -> AbstractContextManager[None]:
        """Keeps others from appending as far as that can be; the ledger compares and sets.

        Raises:
            DecisionRefused: it can't be written, or another process holds it too long.
        """

    @abstractmethod
    def begin(self) -> str:
        """Begin a new anchor; one that is there is kept beside it. Returns its id."""

    @abstractmethod
    def settle(self, anchored: Anchored, events: Sequence[LoggedEvent]) -> None:
        """Finish what a process that was killed had begun: its event is in the chain, or isn't."""

    @abstractmethod
    def announce(self, line: Line) -> None:
        """Write down what is about to be committed.

        Raises:
            DecisionRefused: it can't be written, or the anchor itself couldn't be.
        """

    @abstractmethod
    def withdraw(self) -> None:
        """What was announced wasn't committed."""

    @abstractmethod
    def confirm(self, line: Line) -> None:
        """Write the line of what was committed. If that fails, the next append does it: what was
        announced is still there."""

    def missing(self) -> IntegrityError:
        """The error that there are events, and no anchor."""
        return broken(
            f"canary_events has events, and {self.place}, which holds their heads, is not there",
            fix=f"Bring it back. If there never was one, {_accept()}",
        )

    def header(self, row: bytes) -> Header:
        """What an anchor begins with.

        Raises:
            IntegrityError: it can't be read, or is another warehouse's.
        """
        try:
            header = Header.model_validate_json(row)
        except ValidationError:
            raise self._unreadable(1, "it isn't one of adcanary's") from None
        if header.warehouse != self.warehouse:
            raise self._unreadable(
                1, f"it is of the warehouse {header.warehouse!a}, not {self.warehouse}"
            )
        return header

    def _unreadable(self, number: int, why: str) -> IntegrityError:
        return broken(
            f"{self.place}, line {number}: {why}",
            fix=f"Bring back a copy of it. If there is none, {_accept()}",
        )

    def _unwritable(self, why: str) -> DecisionRefused:
        return DecisionRefused(
            f"The audit anchor {self.place} can't be written: {why}.",
            kept="nothing was recorded.",
            fix="Make it writable, with space left, then run it again.",
        )


class Anchor(AnyAnchor):
    """The anchor's file, for processes of one machine.

    Args:
        path: where it is.
        warehouse: what its first line says it is for.
    """

    def __init__(self, path: Path, warehouse: str) -> None:
        super().__init__(str(path), warehouse)
        self.path = path
        self._pending = path.with_name(f"{path.name}.pending")

    @classmethod
    def beside(cls, settings: Settings) -> Anchor:
        """The anchor beside the configuration, named after its warehouse."""
        name, warehouse = named_after(settings)
        return cls(settings.path.parent.resolve() / ".adcanary" / f"{name}.jsonl", warehouse)

    def state(self) -> Sequence[bytes | None]:
        return [_bytes(self.path), _bytes(self._pending)]

    def read(self) -> Anchored | None:
        kept = _bytes(self.path)
        if kept is None:
            return None
        pending = self._read_pending()
        *rows, tail = kept.split(b"\n")
        if tail and not (pending and pending.text().startswith(tail)):
            raise self._unreadable(len(rows) + 1, "it was cut off")
        if not rows:
            raise self._unreadable(1, "the file is empty" if not kept else "it was cut off")
        header = self.header(rows[0])
        lines: list[Line] = []
        for number, row in enumerate(rows[1:], start=2):
            try:
                line = Line.model_validate_json(row)
            except ValidationError:
                raise self._unreadable(number, "it isn't one of adcanary's") from None
            if not (lines[-1].sequence if lines else 0) < line.first <= line.sequence:
                raise self._unreadable(number, "it is out of order")
            lines.append(line)
        if pending and lines and lines[-1] == pending:
            pending = None  # it was written; only the file beside it is still there
        return Anchored(self.place, header.anchor, tuple(lines), (pending,) if pending else ())

    @contextmanager
    def lock(self) -> Iterator[None]:
        with self._writing():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.with_name(f"{self.path.name}.lock").open("ab")
        with file:
            deadline = time.monotonic() + _WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() >= deadline:
                        raise self._unwritable("another process holds it") from error
                time.sleep(_POLL_SECONDS)
            yield

    def begin(self) -> str:
        header = Header(anchor=secrets.token_hex(8), warehouse=self.warehouse)
        with self._writing():
            if self.path.exists():
                number = 1 + len([*self.path.parent.glob(f"{self.path.name}.replaced-*")])
                os.replace(self.path, self.path.with_name(f"{self.path.name}.replaced-{number}"))
            self._pending.unlink(missing_ok=True)
            _replace(self.path, header.model_dump_json().encode() + b"\n")
        return header.anchor

    def settle(self, anchored: Anchored, events: Sequence[LoggedEvent]) -> None:
        committed = anchored.committed(events)
        for line in committed:
            self.confirm(line)
        if not committed:
            with self._writing():
                self._pending.unlink(missing_ok=True)

    def announce(self, line: Line) -> None:
        with self._writing():
            self.path.open("r+b").close()
            _replace(self._pending, line.text())

    def withdraw(self) -> None:
        with suppress(OSError):  # the next append settles it
            self._pending.unlink(missing_ok=True)

    def confirm(self, line: Line) -> None:
        with suppress(OSError):
            with self.path.open("r+b") as file:
                kept = file.read()
                file.seek(kept.rfind(b"\n") + 1)
                file.truncate()  # of a line that was begun
                if not kept.endswith(line.text()):
                    file.write(line.text())
                file.flush()
                os.fsync(file.fileno())
            self._pending.unlink(missing_ok=True)

    def _read_pending(self) -> Line | None:
        kept = _bytes(self._pending)
        if kept is None:
            return None
        try:
            return Line.model_validate_json(kept)
        except ValidationError:
            raise broken(
                f"{self._pending} isn't one of adcanary's", fix=f"Look at it, then {_accept()}"
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error


def broken(what: str, *, fix: str | None = None) -> IntegrityError:
    """The error of a ledger that isn't as it was written."""
    return IntegrityError(
        f"The audit log is broken: {what}.",
        kept="nothing was recorded.",
        fix=fix
        or "Compare the row with a backup and with the anchor file, and make no decisions until "
        f"this is explained. If it is, and the anchor is what is wrong, {_accept()}",
    )


def _accept() -> str:
    return f"`{ACCEPT}` begins a new one and records who did."


def _bytes(path: Path) -> bytes | None:
    """A file's content; None if it isn't there.

    Raises:
        IntegrityError: it can't be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise broken(f"{path} can't be read: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
