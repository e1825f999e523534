"""What decisions on the review page cost, with many proposals and events.

``python -m tests.bench.review_decisions``: makes the world (or takes the one in ``--folder``, which
it changes), and decides as the page does: once, which verifies everything, then again, then on many
at once. docs/benchmarks.md has the results.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.cli.console import Format, print_rows
from pipelines.config import Settings, load_settings
from pipelines.proposals.decide import accept_anchor
from pipelines.proposals.events import Actor
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.review.decisions import Decisions, Seen
from pipelines.proposals.review.forms import Outcome
from pipelines.proposals.review.identity import Visitor
from pipelines.proposals.review.shelf import Shelf
from pipelines.proposals.states import Action, State
from pipelines.proposals.terms import Terms
from pipelines.warehouse import open_warehouse
from tests.bench.review_world import build

_ANN = Visitor("ann", "bench")
_AGAIN = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, help="a world that was made before")
    parser.add_argument("--proposals", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--reject", type=int, default=1_739, help="so many at once")
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="adcanary-bench-") as folder:
        world = args.folder or Path(folder)
        if not args.folder:
            build(world, args.proposals, args.events)
        settings = load_settings(world / "adcanary.yaml")
        _anchor(settings)
        rows = _decide(settings, args.reject)
    print_rows(rows, args.format, "Decisions on the page, one after the other")


def _anchor(settings: Settings) -> None:
    """The world is made without an anchor: somebody takes it as it is."""
    ledger = open_ledger(open_warehouse(settings, create=False), settings)
    if ledger.anchor and ledger.anchor.read() is None:
        terms = Terms.of(settings, ledger.policy())
        accept_anchor(ledger, terms, Actor(_ANN.name, "person"), comment="made for a benchmark")


def _decide(settings: Settings, count: int) -> list[dict[str, Any]]:
    shelf = Shelf(settings)
    standing = shelf.refresh().standing
    decisions = Decisions(settings, shelf)
    waiting = [Seen.of(p) for p in standing.proposals.values() if p.state == State.PENDING_REVIEW]
    rows = [
        _measured(name, lambda: decisions.move(_ANN, waiting.pop(), Action.REJECT, "no"))
        for name in ("the first decision", *["another"] * _AGAIN)
    ]
    sequence = shelf.refresh().standing.trail.sequence
    chosen = waiting[:count]
    name = f"{len(chosen):,} at once"
    rows.append(_measured(name, lambda: decisions.reject_all(_ANN, chosen, sequence, "no")))
    return rows


def _measured(name: str, work: Callable[[], Outcome]) -> dict[str, Any]:
    cpu, wall = time.process_time(), time.perf_counter()
    outcome = work()
    assert outcome.done, outcome
    return {
        "what": name,
        "CPU s": round(time.process_time() - cpu, 2),
        "wall s": round(time.perf_counter() - wall, 2),
        "peak MB so far": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
