"""What the pages show, kept in memory and brought up to date in the background.

No page waits for the warehouse: where another process holds DuckDB's file, pages show what was read
last, and say of when. Nothing is read while the file stays as it is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.config import Settings
from pipelines.errors import AdcanaryError, MissingTableError
from pipelines.proposals.review.evidence import Evidence, read_evidence
from pipelines.proposals.review.inbox import waiting
from pipelines.proposals.review.standing import Standing, read
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse, open_warehouse
from pipelines.warehouse.duckdb_file import log_of

_LOCK_SECONDS = 0.3  # a page never waits for this; whoever holds the file isn't pressed
_GLANCE_SECONDS = 0.5
_PATIENCE_SECONDS = 0.05
_EVIDENCE_SECONDS = 20.0
_log = logging.getLogger(__name__)

Mark = tuple[tuple[int, int, int] | None, ...]
"""Of DuckDB's file and of its log: inode, size, instant of the last change."""


@dataclass(frozen=True)
class Snapshot:
    """The ledger and the evidence as they were read at ``read_at`` (UTC, the machine's clock).

    Args:
        problem: why what is newer can't be read; None if nothing is.
    """

    standing: Standing
    evidence: Evidence
    read_at: datetime | None = None
    state: Mark | None = None
    problem: str | None = None


class Shelf:
    """The newest snapshot.

    Args:
        on_new: is called after each reading with the one before and the new one.
    """

    def __init__(
        self, settings: Settings, on_new: Callable[[Snapshot, Snapshot], None] | None = None
    ) -> None:
        self.settings = settings
        self.on_new = on_new
        self._warehouse = _opened(settings, _LOCK_SECONDS)
        self._impatient = _opened(settings, _PATIENCE_SECONDS)
        self._snapshot = Snapshot(Standing(settings.reporting_currency), Evidence())
        self._evidence_at = self._read_at = 0.0
        self._evidence_state: Mark | None = None
        self._reading = threading.Lock()
        self._fresh = threading.Condition()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="shelf", daemon=True)

    def start(self) -> None:
        """Read for the first time, then keep reading in the background."""
        self.refresh()
        self._thread.start()

    def stop(self) -> None:
        """End the background's reading."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def current(self) -> Snapshot:
        """The newest snapshot; waits a moment if there is something newer that can be read."""
        snapshot = self._snapshot
        if snapshot.problem is None and self._state() != snapshot.state:
            with self._fresh:
                self._wake.set()
                self._fresh.wait(_PATIENCE_SECONDS)
        return self._snapshot

    def revisions(self, proposal_id: str, first: int, last: int) -> list[StoredProposal]:
        """Some revisions of a proposal, as the warehouse has them.

        Raises:
            WarehouseLocked: the file can't be had at once.
        """
        rows = read(
            self._impatient, "revisions", proposal_id=proposal_id, first=first, last=last
        ).to_pylist()
        return [StoredProposal.of(row, State.NONE, ()) for row in rows]

    def refresh(self) -> Snapshot:
        """Read now whatever is newer, if the file can be had."""
        with self._reading:
            before, state = self._snapshot, self._state()
            try:
                after = self._next(before, state)
            except AdcanaryError as error:
                after = replace(before, problem=error.message.splitlines()[0])
            self._snapshot = after
        with self._fresh:
            self._fresh.notify_all()
        if self.on_new and after.read_at != before.read_at:
            try:
                self.on_new(before, after)
            except AdcanaryError as error:
                _log.warning("%s", error)
        return after

    def _next(self, before: Snapshot, state: Mark) -> Snapshot:
        try:
            standing = before.standing.next(self._warehouse)
        except MissingTableError:
            standing = Standing(self.settings.reporting_currency)  # nothing was ever proposed
        waiting(standing)  # nobody who opens a page waits for it
        evidence, now = before.evidence, time.monotonic()
        if before.read_at is None or self._evidence_is_due(state):
            evidence = read_evidence(self._warehouse)
            self._evidence_at, self._evidence_state = now, state
        self._read_at = now
        return Snapshot(standing, evidence, datetime.now(UTC), state)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_GLANCE_SECONDS)
            self._wake.clear()
            try:
                if not self._stop.is_set() and self._is_due():
                    self.refresh()
            except Exception:  # noqa: BLE001 the pages go on with what was read last
                _log.exception("reading the ledger failed; the next attempt follows")

    def _is_due(self) -> bool:
        now, snapshot = time.monotonic(), self._snapshot
        if self._warehouse.kind != "duckdb":
            return now - self._read_at >= self.settings.review.poll_seconds
        state = self._state()
        return bool(snapshot.problem) or state != snapshot.state or self._evidence_is_due(state)

    def _evidence_is_due(self, state: Mark) -> bool:
        """The jobs' tables are larger than the ledger's head: they are read now and then."""
        if self._warehouse.kind == "duckdb" and state == self._evidence_state:
            return False
        return time.monotonic() - self._evidence_at >= _EVIDENCE_SECONDS

    def _state(self) -> Mark:
        path = self.settings.warehouse.path
        if self._warehouse.kind != "duckdb":
            return ()
        return tuple(_mark(p) for p in (path, log_of(path)))


def _opened(settings: Settings, seconds: float) -> Warehouse:
    """The warehouse, for whoever waits at most so long for its file."""
    quick = settings.warehouse.model_copy(update={"lock_timeout_seconds": seconds})
    return open_warehouse(settings.model_copy(update={"warehouse": quick}), create=False)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
