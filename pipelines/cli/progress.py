"""The progress of long work, as a bar in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.cli.console import out

if TYPE_CHECKING:
    from pipelines.landing.ingest import Progressed


@contextmanager
def shown(label: str) -> Iterator[Callable[[Progressed], None]]:
    """A bar for one account's pulls; yields what moves it. Silent without a terminal."""
    with _bars() as progress:
        bar = progress.add_task(label, total=None)

        def show(now: Progressed) -> None:
            description = f"{label} {now.landed.table} {now.landed.window}"
            progress.update(bar, completed=now.done, total=now.pulls, description=description)

        yield show


@contextmanager
def counted(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for steps; yields what moves it, given how many are done and of how many."""
    with _bars() as progress:
        bar = progress.add_task(label, total=None)
        yield lambda done, of: progress.update(bar, completed=done, total=of)


def _bars() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    quiet = not out.is_terminal
    return Progress(*columns, TimeElapsedColumn(), console=out, transient=True, disable=quiet)
