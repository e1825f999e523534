"""What both CRMs must land: the rows of their books, also after records changed or went."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.sandbox.serving.crm_server import CrmServer
from pipelines.sources.base import Batch, Source, TracksChanges, Window

TODAY, SALT = date(2026, 7, 1), "a-salt"
SPRING = Window(date(2026, 4, 1), date(2026, 6, 30))
ALL = Window(date(2026, 1, 1), date(2026, 6, 30))
_KEYS = ("lead_id", "opportunity_id")


def pull(source: Source, window: Window = SPRING) -> list[Batch]:
    return list(source.pull(source.account_ids[0], window))


def rows_of(batches: list[Batch]) -> tuple[list[Any], list[Any]]:
    """Leads and opportunities."""
    leads, opportunities = (batch.rows.to_pylist() for batch in batches)
    return leads, opportunities


def assert_books(
    crm: CrmServer, rows: tuple[list[Any], list[Any]], window: Window = SPRING
) -> None:
    """Leads and opportunities are what the CRM's books say, to the cent and second."""
    for key, found, book in zip(_KEYS, rows, (crm.lead_rows, crm.opportunity_rows), strict=True):
        expected = {row[key]: row for row in book(window.start, window.end, SALT)}
        assert len(found) == len(expected) > 10
        for row in found:
            assert {name: row[name] for name in expected[row[key]]} == expected[row[key]]


def assert_changes_are_followed(crm: CrmServer, source: Source) -> None:
    """What was pulled up to May, with the windows that changed in June, is what the books say."""
    assert isinstance(source, TracksChanges)
    crm.clock.today = since = date(2026, 6, 1)
    published = [
        {row[key]: row for row in rows}
        for key, rows in _keyed(pull(source, Window(ALL.start, date(2026, 5, 31))))
    ]
    crm.clock.today = TODAY
    changed = source.changed_windows(source.account_ids[0], since)
    assert changed
    assert all(window.end < since for window in changed)
    for window in (*changed, Window(since, ALL.end)):
        for table, (key, rows) in zip(published, _keyed(pull(source, window)), strict=True):
            for old in [k for k, r in table.items() if r["created_date"] in window.days()]:
                del table[old]
            table |= {row[key]: row for row in rows}
    leads, opportunities = (list(table.values()) for table in published)
    assert_books(crm, (leads, opportunities), ALL)


def _keyed(batches: list[Batch]) -> list[tuple[str, list[Any]]]:
    return list(zip(_KEYS, rows_of(batches), strict=True))
