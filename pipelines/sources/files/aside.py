"""Rows of an export that can't be read: they are set aside, unless they are too many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines.contracts import load_contract
from pipelines.privacy.redaction import redacted
from pipelines.sources.base import Unreadable, Window
from pipelines.sources.files.cells import CELLS_MISSING, M, Reading
from pipelines.sources.files.rows import RowsFile
from pipelines.suites import suite_of


@dataclass(frozen=True)
class Aside:
    """A row that can't be read, and whose it is, where that can be. Its ``cells`` are by column;
    None where they may be about a person."""

    row: int
    why: str
    account_id: str | None = None
    day: date | None = None
    cells: dict[str, object] | None = None

    def unreadable(self, path: Path) -> Unreadable:
        """As the batch tells of it."""
        key = {"file": path.name, "row": str(self.row)}
        return Unreadable(key, redacted(self.why), self.day, self.cells)


@dataclass(frozen=True)
class TypedRows:
    """A file's rows, in the columns of their contract and those of their room.

    ``drift`` is what the columns ``_drift_0``, … are called in the file; ``count`` how many rows it
    has, those that are set aside too.
    """

    rows: RowsFile
    drift: tuple[str, ...] = ()
    aside: tuple[Aside, ...] = ()
    count: int = 0


def within(asides: Iterable[Aside], span: Window, days: Window) -> list[Aside]:
    """Those of some of a file's days; one without a day, or outside of ``span``, is of the
    nearest, or the last."""
    return [
        aside
        for aside in asides
        if days.start <= min(max(aside.day or span.end, span.start), span.end) <= days.end
    ]


def refuse_more_than_rows(reading: Reading[M], table: str, count: int) -> None:
    """Refuse a file of which more is wrong than some rows: it is cut off, its numbers are written
    otherwise than its mapping says, or there are more of them than the share of the table's suite.

    Args:
        count: how many rows the file has.

    Raises:
        InputError: it is so.
    """
    problems = reading.problems
    if problems.rows.get(reading.last_row, "").endswith(CELLS_MISSING):
        problems.of_file = True
        problems.advise("If it was cut off in copying, copy it again.")
    problems.of_file |= reading.numerals.are_otherwise
    problems.refuse(suite_of(load_contract(table)).most_rejected(count))
