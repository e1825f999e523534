"""The record of backfills: who loaded history again, why, and how many rows there were."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.contracts import load_contract
from pipelines.errors import AdcanaryError
from pipelines.landing.slices import slice_of
from pipelines.sources.base import Batch, Source, Window
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import insert_row


@dataclass(frozen=True)
class Backfill:
    """Who wants history loaded again, and why."""

    requested_by: str
    reason: str


@contextmanager
def recorded(
    warehouse: Warehouse, backfill: Backfill, source: Source, account_id: str, window: Window
) -> Iterator[None]:
    """Write that a backfill started and how it ended, with the rows of its days each time.

    One that was killed has a STARTED and no end; the next one goes on where it stopped.
    """
    backfill_id = uuid.uuid4().hex

    def write(event: str, error: str | None = None) -> None:
        rows: list[Statement] = []
        for table in source.tables:
            rows.append(
                insert_row(
                    load_contract("raw.backfills"),
                    {
                        "backfill_id": backfill_id,
                        "event": event,
                        "table_name": table,
                        "source": source.name,
                        "account_id": account_id,
                        "window_start": window.start,
                        "window_end": window.end,
                        "requested_by": backfill.requested_by,
                        "reason": backfill.reason,
                        "row_count": _rows(warehouse, source, account_id, table, window),
                        "error": error,
                        "occurred_at": datetime.now(UTC),
                    },
                )
            )
        warehouse.transaction(rows, label="backfill")

    write("STARTED")
    try:
        yield
    except AdcanaryError as error:
        write("FAILED", error.message)
        raise
    except BaseException as error:
        write("FAILED", type(error).__name__)
        raise
    write("FINISHED")


def _rows(warehouse: Warehouse, source: Source, account_id: str, table: str, window: Window) -> int:
    contract = load_contract(table)
    platform = (
        getattr(source, "platform", source.name) if "platform" in contract.column_names else None
    )
    empty = contract.arrow_schema.empty_table()
    batch = Batch(source.name, table, account_id, platform, window, empty, datetime.now(UTC))
    condition, params = slice_of(batch, contract).predicate()
    counted = warehouse.query(f"SELECT COUNT(*) AS n FROM {table} WHERE {condition}", params)
    return int(counted["n"][0].as_py())
