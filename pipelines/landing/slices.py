"""What a slice is: the rows of one account and window that a batch replaces, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.contracts import RUN_ID_COLUMN, Contract
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Slice, Statement, Warehouse
from pipelines.warehouse.base import Question


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


def replaced(contract: Contract, batch: Batch, stage: str) -> str:
    """The condition on the rows of a slice that a staged batch replaces: all of them, or for one
    that isn't complete, those of the campaigns that it holds (without campaigns: its own rows)."""
    if batch.complete:
        return "TRUE"
    by = ("campaign_id",) if "campaign_id" in contract.column_names else _own_key(contract, batch)
    return f"{_joined(by)} IN (SELECT {_joined(by)} FROM {stage})"


def moved(contract: Contract, slice_: Slice, stage: str) -> list[Statement]:
    """Deletes rows of the account that stand on a day outside of the slice and in the stage.

    Where a key has no day in it (an order, a lead), a row whose day changed would stand twice.
    """
    if slice_.date_column is None or slice_.date_column in contract.primary_key:
        return []
    key = _joined(tuple(k for k in contract.primary_key if k not in slice_.keys))
    same = " AND ".join(f"{column} = @slice_{column}" for column in slice_.keys)
    return [
        Statement(
            f"DELETE FROM {contract.table} WHERE {same} "
            f"AND {slice_.date_column} NOT BETWEEN @slice_start AND @slice_end "
            f"AND {key} IN (SELECT {key} FROM {stage})",
            slice_.predicate()[1],
        )
    ]


@dataclass(frozen=True)
class Change:
    """What publishing a stage makes of the rows that are published in its slice.

    Args:
        published: how many there are.
        restated: how many come back with other values.
        withdrawn: how many are gone.
        campaigns: how many campaigns the withdrawn ones are of; None in a table without.
        spent: micros that the published rows spent, and those of the stage; None in a table
            without spend.
    """

    published: int = 0
    restated: int = 0
    withdrawn: int = 0
    campaigns: int | None = None
    spent: tuple[int, int] | None = None

    @classmethod
    def of(cls, answer: Mapping[str, int], contract: Contract) -> Change:
        """What the question of :func:`change` was answered."""
        names = contract.column_names
        return cls(
            published=answer["published"],
            restated=answer["restated"],
            withdrawn=answer["withdrawn"],
            campaigns=answer["campaigns"] if "campaign_id" in names else None,
            spent=(answer["spent"], answer["spends"]) if "cost_micros" in names else None,
        )


def change(contract: Contract, slice_: Slice, stage: str, within: str = "TRUE") -> Question:
    """Asks what a stage changes; of nested columns, which BigQuery can't compare, nothing is told.

    Args:
        within: the condition of :func:`replaced`.
    """
    names = contract.column_names
    compared = ", ".join(
        c.name for c in contract.columns if c.is_scalar and c.name != RUN_ID_COLUMN
    )
    key = ", ".join(contract.primary_key)
    campaign = "campaign_id" if "campaign_id" in names else "CAST(NULL AS STRING)"
    cost = "cost_micros" if "cost_micros" in names else "CAST(NULL AS INT64)"
    columns = (
        f"FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({key}))) AS row_key, "
        f"FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({compared}))) AS content, "
        f"{campaign} AS campaign, {cost} AS cost"
    )
    condition, params = slice_.predicate()
    return Question(
        f"WITH published AS (SELECT {columns} FROM {contract.table} "
        f"WHERE {condition} AND {within}), staged AS (SELECT {columns} FROM {stage}), "
        "compared AS (SELECT published.campaign, published.cost, "
        "staged.row_key IS NULL AS is_gone, staged.content != published.content AS is_other "
        "FROM published LEFT JOIN staged ON staged.row_key = published.row_key) "
        "SELECT COUNT(*) AS published, COUNT(CASE WHEN is_other THEN 1 END) AS restated, "
        "COUNT(CASE WHEN is_gone THEN 1 END) AS withdrawn, "
        "COUNT(DISTINCT CASE WHEN is_gone THEN campaign END) AS campaigns, "
        "CAST(COALESCE(SUM(cost), 0) AS INT64) AS spent, "
        "(SELECT CAST(COALESCE(SUM(cost), 0) AS INT64) FROM staged) AS spends FROM compared",
        ("published", "restated", "withdrawn", "campaigns", "spent", "spends"),
        params,
    )


def standing(warehouse: Warehouse, contract: Contract, slice_: Slice, run_id: str) -> int:
    """How many rows of a slice are published under a run's id."""
    condition, params = slice_.predicate()
    rows = warehouse.query(
        f"SELECT COUNT(*) AS n FROM {contract.table} WHERE {condition} "
        f"AND {RUN_ID_COLUMN} = @run_id",
        {**params, "run_id": run_id},
    )
    return int(rows["n"][0].as_py())


def _own_key(contract: Contract, batch: Batch) -> tuple[str, ...]:
    return tuple(k for k in contract.primary_key if k not in slice_of(batch, contract).keys)


def _joined(columns: tuple[str, ...]) -> str:
    return "CONCAT(" + ", '|', ".join(f"CAST({c} AS STRING)" for c in columns) + ")"


def runs_of_days(days: Iterable[date]) -> list[Window]:
    """Days as the fewest windows that cover them and nothing else."""
    windows: list[Window] = []
    for day in sorted(days):
        if windows and windows[-1].end + timedelta(days=1) == day:
            windows[-1] = Window(windows[-1].start, day)
        else:
            windows.append(Window(day, day))
    return windows
