"""Many processes decide on one proposal at once.

``python -m tests.faults.decide_at_once FOLDER N`` prints, for each, the state that its decision led
to, or ``refused``. They are forked once all is imported, and wait for each other to begin.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
from multiprocessing.synchronize import Barrier
from pathlib import Path

from pipelines.errors import DecisionRefused
from pipelines.proposals import decide
from tests.unit.ledgers import ANN, BOB, at, ids, terms

Outcomes = "multiprocessing.Queue[str]"


def attempt(folder: Path, number: int, gate: Barrier, outcomes: Outcomes) -> None:
    """One process's decision: by one of two people."""
    ledger = at(folder)
    ledger.warehouse.lock_timeout_seconds = 300.0  # type: ignore[attr-defined]
    gate.wait()
    try:
        actor = (ANN, BOB)[number % 2]
        done = decide.approve(ledger, terms(minutes=1), ids(ledger)["m1"], actor)
        outcomes.put(str(done.state))
    except DecisionRefused:
        outcomes.put("refused")


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as rehearsal:  # what is read and translated once, is shared
        shutil.copytree(folder, rehearsal, dirs_exist_ok=True)
        decide.approve(at(Path(rehearsal)), terms(minutes=1), ids(at(Path(rehearsal)))["m1"], ANN)
    context = multiprocessing.get_context("fork")
    gate, outcomes = context.Barrier(count), context.Queue()
    processes = [
        context.Process(target=attempt, args=(folder, number, gate, outcomes))
        for number in range(count)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        print(outcomes.get(timeout=500))
    for process in processes:
        process.join()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
