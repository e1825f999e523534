"""Verifies a large ledger before anybody decides, in a process of its own: it takes minutes, and
gigabytes of memory, with a million events. Decisions go on from there."""

from __future__ import annotations

import logging
import os
import threading
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection

from pipelines.config import Settings
from pipelines.errors import AdcanaryError
from pipelines.proposals.checkpoint import Checkpoint, Memory
from pipelines.proposals.ledger import open_ledger
from pipelines.warehouse import open_warehouse

LARGE = 50_000
"""With fewer events, the first decision verifies them in seconds."""
_log = logging.getLogger(__name__)


def begin(settings: Settings, memory: Memory) -> threading.Thread:
    """Begin to fill the memory, in the background."""
    thread = threading.Thread(
        target=memory.fill,
        args=(lambda: _from_a_process(settings),),
        name="beforehand",
        daemon=True,
    )
    thread.start()
    return thread


def _from_a_process(settings: Settings) -> Checkpoint | None:
    """What another process verified; None if it couldn't: the first decision then says why."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(there, settings), daemon=True)
    process.start()
    there.close()
    try:
        checkpoint: Checkpoint | None = here.recv()
    except EOFError:
        _log.warning("The ledger wasn't verified beforehand: process %s ended.", process.pid)
        checkpoint = None
    process.join()
    return checkpoint


def _send(to: Connection, settings: Settings) -> None:
    threading.Thread(target=_end_with_the_page, daemon=True).start()
    os.nice(10)  # pages come first
    memory = Memory()
    try:
        memory.basis(open_ledger(open_warehouse(settings, create=False), settings, memory))
    except AdcanaryError as error:
        _log.warning("%s", error)
    to.send(memory.checkpoint)


def _end_with_the_page() -> None:
    """However the page ends: nobody is left to read what is verified."""
    page = parent_process()
    if page:
        page.join()
        os._exit(1)
