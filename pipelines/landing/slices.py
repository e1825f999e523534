"""What a slice is: the rows of one account and window that a batch replaces, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from pipelines.contracts import RUN_ID_COLUMN, Contract
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Slice, Statement, Warehouse


def slice_of(batch: Batch, contract: Contract) -> Slice:
    """The rows a batch replaces: its account (and platform), and its days where it has days.

    A table without partitions holds the present state: it is replaced whatever the day is.
    """
    keys = {contract.account_column: batch.account_id}
    if "platform" in contract.column_names:
        keys["platform"] = batch.platform or ""
    day = date_column(contract)
    if day is None:
        return Slice(batch.table, keys)
    return Slice(batch.table, keys, day, batch.window.start, batch.window.end)


def date_column(contract: Contract) -> str | None:
    """The DATE column that a batch's window is about."""
    if contract.partition_by is None and "effective_from" in contract.column_names:
        return "effective_from"
    return contract.partition_by


def moved(contract: Contract, slice_: Slice, stage: str) -> list[Statement]:
    """Deletes rows of the account that stand on a day outside of the slice and in the stage.

    Where a key has no day in it (an order, a lead), a row whose day changed would stand twice.
    """
    if slice_.date_column is None or slice_.date_column in contract.primary_key:
        return []
    keys = [k for k in contract.primary_key if k not in slice_.keys]
    key = "CONCAT(" + ", '|', ".join(f"CAST({k} AS STRING)" for k in keys) + ")"
    same = " AND ".join(f"{column} = @slice_{column}" for column in slice_.keys)
    return [
        Statement(
            f"DELETE FROM {contract.table} WHERE {same} "
            f"AND {slice_.date_column} NOT BETWEEN @slice_start AND @slice_end "
            f"AND {key} IN (SELECT {key} FROM {stage})",
            slice_.predicate()[1],
        )
    ]


def count_restated(warehouse: Warehouse, contract: Contract, slice_: Slice, stage: str) -> int:
    """Rows published before in the slice that the stage changes or withdraws.

    Compares scalar columns only: BigQuery can't compare nested ones.
    """
    compared = [c.name for c in contract.columns if c.is_scalar and c.name != RUN_ID_COLUMN]
    columns = ", ".join(compared)
    content = f"SELECT FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({columns}))) AS content"
    condition, params = slice_.predicate()
    result = warehouse.query(
        f"WITH published AS ({content} FROM {contract.table} WHERE {condition}), "
        f"staged AS ({content} FROM {stage}) "
        "SELECT COUNT(*) AS restated FROM published WHERE NOT EXISTS "
        "(SELECT 1 FROM staged WHERE staged.content = published.content)",
        params,
    )
    return int(result["restated"][0].as_py())


def runs_of_days(days: Iterable[date]) -> list[Window]:
    """Days as the fewest windows that cover them and nothing else."""
    windows: list[Window] = []
    for day in sorted(days):
        if windows and windows[-1].end + timedelta(days=1) == day:
            windows[-1] = Window(windows[-1].start, day)
        else:
            windows.append(Window(day, day))
    return windows
