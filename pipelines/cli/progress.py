"""The progress of a long pull, as a bar in the terminal."""

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
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    quiet = not out.is_terminal
    with Progress(
        *columns, TimeElapsedColumn(), console=out, transient=True, disable=quiet
    ) as progress:
        bar = progress.add_task(label, total=None)

        def show(now: Progressed) -> None:
            description = f"{label} {now.landed.table} {now.landed.window}"
            progress.update(bar, completed=now.done, total=now.pulls, description=description)

        yield show
