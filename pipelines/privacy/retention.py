"""Expires event-level rows: what is older than the retention goes, stages included."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.build_record import outdated
from pipelines.errors import UsageError
from pipelines.privacy.declared import PersonTable, declared, person_tables
from pipelines.privacy.search import searchable
from pipelines.warehouse import Statement, Warehouse


def expire(warehouse: Warehouse, today: date, days: int) -> dict[str, int]:
    """Delete rows of event-level tables that are older than ``days`` full days.

    Which tables those are, and the column that says the day (in the account's own time zone),
    is declared in sql/privacy/person_columns.yaml.

    Args:
        today: the present day, in the reporting time zone.

    Returns:
        Rows deleted, by table; a stage that holds such rows is a table of its own.

    Raises:
        UsageError: ``days`` is less than one.
    """
    if days < 1:
        raise UsageError(f"A retention of {days} days would keep nothing.", fix="Use 1 or more.")
    before = today - timedelta(days=days)
    due = [
        (searched.table, table)
        for searched in searchable(warehouse)
        if (table := declared(searched.table)) and table.day
    ]
    counted = warehouse.query(
        " UNION ALL ".join(
            f"SELECT '{name}' AS expired_in, COUNT(*) AS n FROM {name} WHERE {_old(table)}"
            for name, table in due
        ),
        {"before": before},
    ).to_pylist()
    rows = {r["expired_in"]: r["n"] for r in sorted(counted, key=lambda r: r["expired_in"])}
    statements = [
        Statement(f"DELETE FROM {name} WHERE {_old(table)}", {"before": before})
        for name, table in due
        if rows[name]
    ]
    if statements:
        warehouse.transaction([*statements, outdated("retention")], label="expire")
    # a stage in which nothing expired is nobody's news
    return {name: n for name, n in rows.items() if n or name in person_tables()}


def _old(table: PersonTable) -> str:
    return f"{table.day} < @before"
