"""Turns of this process's threads with DuckDB files, and the open file that goes from one to the
next.

DuckDB refuses a second connection with other settings in a process, so threads take turns. Opening
a file takes as long as landing a small batch, so a thread leaves it open to one that waits, if
there is one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.errors import WarehouseLocked
from pipelines.warehouse import duckdb_file

# Other processes wait for the file meanwhile; then it is theirs for a moment.
_LONGEST_OPEN_SECONDS, _FREE_SECONDS = 0.5, 0.05


@dataclass(frozen=True)
class OpenFile:
    """A connection to a file, since when it is open (monotonic seconds), and what it may do."""

    path: Path
    connection: duckdb.DuckDBPyConnection
    inode: int
    read_only: bool
    since: float = field(default_factory=time.monotonic)

    def serves(self, path: Path, read_only: bool) -> bool:
        """Whether it can be used to read, or to write, a file as it is now."""
        may = read_only or not self.read_only
        return path == self.path and may and duckdb_file.is_current(path, self.inode)


_TURN = threading.RLock()
_waiting: list[int] = []  # the threads that wait for their turn
_left: list[OpenFile] = []  # one at most: what the last thread left open


@contextmanager
def turn(path: Path, patience: float) -> Iterator[None]:
    """This thread's turn with a file.

    Raises:
        WarehouseLocked: other threads had their turns for ``patience`` seconds.
    """
    _waiting.append(threading.get_ident())
    mine = False
    try:
        mine = _TURN.acquire(timeout=patience)
    finally:
        _waiting.remove(threading.get_ident())
        if not mine:
            _close_what_nobody_waits_for()
    if not mine:
        raise WarehouseLocked(
            f"{path} is still in use by this process, in another thread, after {patience:.0f} s.",
            kept="the file is unchanged.",
            fix="Run the command again once that work has ended.",
        )
    try:
        yield
    finally:
        _TURN.release()
        _close_what_nobody_waits_for()


def leave(file: OpenFile) -> bool:
    """Leave a file open to a thread that waits; False if it has to be closed: nobody waits, or
    it is open for long enough. Within a turn."""
    if not _waiting or _open_for_long(file):
        return False
    _left.append(file)
    return True


def make_room(closed: OpenFile) -> None:
    """Other processes' moment with a file that went from thread to thread for long enough."""
    if _waiting and _open_for_long(closed):
        time.sleep(_FREE_SECONDS)


def _open_for_long(file: OpenFile) -> bool:
    return time.monotonic() - file.since > _LONGEST_OPEN_SECONDS


def taken_over(path: Path, read_only: bool) -> OpenFile | None:
    """What the last thread left open, if it serves; closed if not. Within a turn."""
    while _left:
        file = _left.pop()
        if file.serves(path, read_only):
            return file
        file.connection.close()
    return None


def close_left() -> None:
    """Close what the last thread left open. Within a turn."""
    while _left:
        _left.pop().connection.close()


def _close_what_nobody_waits_for() -> None:
    """It was left to a thread that gave up at the same instant."""
    if _left and not _waiting and _TURN.acquire(blocking=False):
        try:
            close_left()
        finally:
            _TURN.release()
