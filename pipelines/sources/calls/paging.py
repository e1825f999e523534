"""A paging that has an end: so many pages at most, and no page twice."""

from __future__ import annotations

from pipelines.errors import SourceRejected
from pipelines.source_settings import MAX_PAGES
from pipelines.sources.base import KEPT


class Pages:
    """Counts the pages of one reading.

    Args:
        where: source and account, as an error opens.
        what: what is read, such as ``campaigns``.
        most: ``sources.<source>.max_pages``.
    """

    def __init__(self, where: str, what: str, most: int = MAX_PAGES) -> None:
        self._where, self._what, self._most = where, what, most
        self._cursors: set[str] = set()

    def turn(self, cursor: object) -> None:
        """Note the cursor of the next page, before it is asked for.

        Raises:
            SourceRejected: the platform gave this cursor before, or one page too many.
        """
        count = len(self._cursors) + 1
        if str(cursor) in self._cursors:
            raise SourceRejected(
                f"{self._where}: after {count} pages of {self._what} the platform names a page "
                "that was read already as the next.",
                kept=KEPT,
                fix="Run again later; if it lasts, report it to the platform.",
            )
        if count >= self._most:
            raise self._too_many(f"has a page after the {self._most:,}th")
        self._cursors.add(str(cursor))

    def expect(self, count: int) -> None:
        """Refuse a reading whose number of pages, as the platform says, is too many."""
        if count > self._most:
            raise self._too_many(f"has {count:,} pages, as the platform says")

    def _too_many(self, said: str) -> SourceRejected:
        source = self._where.split()[0]
        return SourceRejected(
            f"{self._where}: {self._what} {said}; {self._most:,} are read at most.",
            kept=KEPT,
            fix=f"Ask for fewer days. If there really is so much, raise sources.{source}.max_pages "
            "in adcanary.yaml.",
        )
