"""The load ledger: what was published, for which account and days, from which pull."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipelines.landing.conform import Conformed
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Contract, Slice, Statement, Warehouse
from pipelines.warehouse.base import Value

# Tables that hold the present state: replaced by account, whatever the day.
SNAPSHOT_TABLES = {"raw.ads_entities"}
_DATE_COLUMNS = {"raw.ads_campaign_budgets": "effective_from"}
_ACCOUNT_COLUMNS = ("account_id", "property_id", "shop_id")

_SAME_ACCOUNT = (
    "table_name = @table_name AND account_id = @account_id "
    "AND COALESCE(platform, '') = COALESCE(@platform, '')"
)


@dataclass(frozen=True)
class Overlap:
    """What the ledger knows of the days a batch would replace."""

    newest_run_id: str | None
    newer_pull: str | None


def slice_of(batch: Batch, contract: Contract) -> Slice:
    """The rows a batch replaces: its account (and platform), and its days where it has days."""
    account_column = next(c for c in _ACCOUNT_COLUMNS if c in contract.column_names)
    keys = {account_column: batch.account_id}
    if "platform" in contract.column_names:
        keys["platform"] = batch.platform or ""
    if batch.table in SNAPSHOT_TABLES:
        return Slice(batch.table, keys)
    date_column = _DATE_COLUMNS.get(batch.table, contract.partition_by)
    return Slice(batch.table, keys, date_column, batch.window.start, batch.window.end)


def overlap(warehouse: Warehouse, batch: Batch) -> Overlap:
    """The last batch published over any of these days, and a pull newer than this one, if any."""
    rows = warehouse.query(
        "SELECT run_id, pulled_at FROM raw.load_ledger "
        f"WHERE {_overlap(batch.table)} ORDER BY published_at DESC",
        _identity(batch),
    ).to_pylist()
    newer = max((r["pulled_at"] for r in rows), default=None)
    return Overlap(
        newest_run_id=rows[0]["run_id"] if rows else None,
        newer_pull=f"{newer:%Y-%m-%d %H:%M:%S} UTC" if newer and newer > batch.pulled_at else None,
    )


def entry(
    batch: Batch, conformed: Conformed, restated: int, times: tuple[datetime, datetime]
) -> Statement:
    """The ledger row as the statement that refuses to be second.

    It inserts nothing when a newer pull was published over these days in the meantime; the
    transaction then rolls back, because one row is expected.
    """
    staged_at, published_at = times
    values: dict[str, Value] = {
        "run_id": conformed.run_id,
        "source": batch.source,
        "table_name": batch.table,
        "account_id": batch.account_id,
        "platform": batch.platform,
        "window_start": batch.window.start,
        "window_end": batch.window.end,
        "row_count": conformed.rows.num_rows,
        "restated_rows": restated,
        "dropped_rows": batch.dropped_rows,
        "checksum": conformed.checksum,
        "schema_hash": conformed.schema_hash,
        "pulled_at": batch.pulled_at,
        "staged_at": staged_at,
        "published_at": published_at,
    }
    columns = ", ".join(values)
    selected = ", ".join(f"@{name}" for name in values)
    return Statement(
        f"INSERT INTO raw.load_ledger ({columns}) SELECT {selected} FROM (SELECT 1) AS one "
        f"WHERE NOT EXISTS (SELECT 1 FROM raw.load_ledger "
        f"WHERE {_overlap(batch.table)} AND pulled_at > @pulled_at)",
        values,
        expect_rows=1,
    )


def count_restated(warehouse: Warehouse, contract: Contract, slice_: Slice, stage: str) -> int:
    """Rows published before in the slice that the stage changes or withdraws.

    Compares scalar columns only: BigQuery can't compare nested ones.
    """
    columns = ", ".join(c.name for c in contract.columns if c.is_scalar and c.name != "_run_id")
    condition, params = slice_.predicate()
    result = warehouse.query(
        f"SELECT COUNT(*) AS restated FROM (SELECT {columns} FROM {contract.table} "
        f"WHERE {condition} EXCEPT DISTINCT SELECT {columns} FROM {stage}) AS gone",
        params,
    )
    return int(result["restated"][0].as_py())


def missing_windows(
    warehouse: Warehouse,
    source: str,
    account_id: str,
    tables: Iterable[str],
    windows: Iterable[Window],
) -> list[Window]:
    """The windows of which some day of some table has never been published."""
    covered = covered_days(warehouse, source, account_id, tables)
    return [w for w in windows if not _days_of(w.start, w.end) <= covered]


def covered_days(
    warehouse: Warehouse, source: str, account_id: str, tables: Iterable[str]
) -> set[date]:
    """The days that were published for every one of the tables."""
    rows = warehouse.query(
        "SELECT table_name, window_start, window_end FROM raw.load_ledger "
        "WHERE source = @source AND account_id = @account_id",
        {"source": source, "account_id": account_id},
    ).to_pylist()
    by_table = [_days(r for r in rows if r["table_name"] == t) for t in tables]
    return set.intersection(*by_table)


def _days(rows: Iterable[dict[str, date]]) -> set[date]:
    return set().union(*(_days_of(r["window_start"], r["window_end"]) for r in rows))


def _days_of(start: date, end: date) -> set[date]:
    return {start + timedelta(days=n) for n in range((end - start).days + 1)}


def _overlap(table: str) -> str:
    if table in SNAPSHOT_TABLES:
        return _SAME_ACCOUNT
    return f"{_SAME_ACCOUNT} AND window_start <= @window_end AND window_end >= @window_start"


def _identity(batch: Batch) -> dict[str, Value]:
    return {
        "table_name": batch.table,
        "account_id": batch.account_id,
        "platform": batch.platform,
        "window_start": batch.window.start,
        "window_end": batch.window.end,
    }
