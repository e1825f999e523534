"""Verifies the ledger on request, in a process of its own: pages stay quick meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context

from pipelines.config import Settings
from pipelines.errors import AdcanaryError
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.verify import verify
from pipelines.warehouse import open_warehouse


@dataclass(frozen=True)
class Result:
    """What the last verification said; ``finished_at`` is None while it runs."""

    started_at: datetime
    finished_at: datetime | None = None
    holds: bool = False
    text: str = ""


class Verification:
    """One verification at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self.result: Result | None = None

    def start(self) -> None:
        """Begin, unless one is running."""
        with self._lock:
            if self.result and self.result.finished_at is None:
                return
            self.result = Result(datetime.now(UTC))
        threading.Thread(target=self._run, name="verification", daemon=True).start()

    def _run(self) -> None:
        started = self.result.started_at if self.result else datetime.now(UTC)
        holds, text = False, "The verification was cut short."
        try:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                holds, text = pool.submit(_verified, self._settings).result()
        finally:
            self.result = Result(started, datetime.now(UTC), holds, text)


def _verified(settings: Settings) -> tuple[bool, str]:
    try:
        ledger = open_ledger(open_warehouse(settings, create=False), settings)
        return True, verify(ledger, settings.clock())
    except AdcanaryError as error:
        return False, str(error)
