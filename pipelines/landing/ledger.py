"""The load ledger: what was published, for which account and days, from which pull."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipelines.contracts import Contract, load_contract
from pipelines.landing.spool import Spool
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Slice, Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row

_ACCOUNT_COLUMNS = ("account_id", "property_id", "shop_id", "site_id", "advertiser_id")
_SAME_ACCOUNT = (
    "table_name = @table_name AND account_id = @account_id "
    "AND COALESCE(platform, '') = COALESCE(@platform, '')"
)


@dataclass(frozen=True)
class Overlap:
    """What the ledger knows of the days a batch would replace.

    Args:
        version: of the table and account's head; a publish succeeds only if it is still the same.
        heads: rows the head has: one, but two where two processes made it at the same instant.
        newest_run_id: the batch that was published last over any of the days.
        newer: the days that a newer pull has already published.
    """

    version: int
    heads: int
    newest_run_id: str | None
    newer: frozenset[date]


def slice_of(batch: Batch, contract: Contract) -> Slice:
    """The rows a batch replaces: its account (and platform), and its days where it has days.

    A table without partitions holds the present state: it is replaced whatever the day.
    """
    account_column = next(c for c in _ACCOUNT_COLUMNS if c in contract.column_names)
    keys = {account_column: batch.account_id}
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


def overlap(warehouse: Warehouse, batch: Batch) -> Overlap:
    """Read what was published over a batch's days; makes the head where there is none yet."""
    identity = _identity(batch)
    condition = _SAME_ACCOUNT
    if date_column(load_contract(batch.table)) is not None:
        condition += " AND window_start <= @window_end AND window_end >= @window_start"
    heads = f"SELECT version FROM raw.load_heads WHERE {_SAME_ACCOUNT}"
    published = (
        "SELECT run_id, pulled_at, window_start, window_end, published_at "
        f"FROM raw.load_ledger WHERE {condition}"
    )
    rows = warehouse.query(
        f"WITH heads AS ({heads}), published AS ({published}) "
        "SELECT version, NULL AS run_id, NULL AS pulled_at, NULL AS window_start, "
        "NULL AS window_end, NULL AS published_at FROM heads "
        "UNION ALL SELECT NULL, run_id, pulled_at, window_start, window_end, published_at "
        "FROM published",
        identity,
    ).to_pylist()
    versions = [r["version"] for r in rows if r["version"] is not None]
    if not versions:
        _make_head(warehouse, identity)
        return overlap(warehouse, batch)
    loads = sorted((r for r in rows if r["run_id"]), key=lambda r: r["published_at"])
    newer = [_days_of(r["window_start"], r["window_end"]) for r in loads if _is_newer(r, batch)]
    own = _days_of(batch.window.start, batch.window.end)
    whole = date_column(load_contract(batch.table)) is None
    return Overlap(
        version=max(versions),
        heads=len(versions),
        newest_run_id=loads[-1]["run_id"] if loads else None,
        newer=frozenset(own if whole and newer else own.intersection(set().union(*newer))),
    )


def claim(batch: Batch, seen: Overlap, erased: int) -> Statement:
    """Moves the head, or refuses: something was published since ``seen`` was read, or somebody
    was erased since the rows were held against ``erased`` tombstones."""
    return Statement(
        f"UPDATE raw.load_heads SET version = @version + 1 WHERE {_SAME_ACCOUNT} "
        f"AND (SELECT MAX(version) FROM raw.load_heads WHERE {_SAME_ACCOUNT}) = @version "
        "AND (SELECT COUNT(*) FROM raw.privacy_tombstones) = @erased",
        {**_identity(batch), "version": seen.version, "erased": erased},
        expect_rows=seen.heads,
    )


def confirm(batch: Batch, run_id: str) -> Statement:
    """Notes that a newer pull found what is published: an older one may not replace it then."""
    return Statement(
        "UPDATE raw.load_ledger SET pulled_at = @pulled_at "
        f"WHERE {_SAME_ACCOUNT} AND run_id = @run_id AND pulled_at < @pulled_at",
        {**_identity(batch), "run_id": run_id, "pulled_at": batch.pulled_at},
    )


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


def entry(spool: Spool, restated: int, times: tuple[datetime, datetime]) -> Statement:
    """The ledger row of a batch. ``times``: when it was staged, and when published, UTC."""
    batch = spool.batch
    staged_at, published_at = times
    return insert_row(
        load_contract("raw.load_ledger"),
        {
            **_identity(batch),
            "run_id": spool.run_id,
            "source": batch.source,
            "row_count": spool.rows,
            "restated_rows": restated,
            "dropped_rows": spool.dropped_rows,
            "checksum": spool.checksum,
            "schema_hash": spool.schema_hash,
            "pulled_at": batch.pulled_at,
            "staged_at": staged_at,
            "published_at": published_at,
        },
    )


def count_restated(warehouse: Warehouse, contract: Contract, slice_: Slice, stage: str) -> int:
    """Rows published before in the slice that the stage changes or withdraws.

    Compares scalar columns only: BigQuery can't compare nested ones.
    """
    columns = ", ".join(c.name for c in contract.columns if c.is_scalar and c.name != "_run_id")
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


def runs_of_days(days: Iterable[date]) -> list[Window]:
    """Days as the fewest windows that cover them and nothing else."""
    windows: list[Window] = []
    for day in sorted(days):
        if windows and windows[-1].end + timedelta(days=1) == day:
            windows[-1] = Window(windows[-1].start, day)
        else:
            windows.append(Window(day, day))
    return windows


def _make_head(warehouse: Warehouse, identity: dict[str, Value]) -> None:
    warehouse.transaction(
        [
            Statement(
                "INSERT INTO raw.load_heads (table_name, account_id, platform, version) "
                "SELECT @table_name, @account_id, COALESCE(@platform, ''), 0 "
                "FROM (SELECT 1) AS one WHERE NOT EXISTS "
                f"(SELECT 1 FROM raw.load_heads WHERE {_SAME_ACCOUNT})",
                identity,
            )
        ],
        label="head",
    )


def _is_newer(load: dict[str, datetime], batch: Batch) -> bool:
    return load["pulled_at"] > batch.pulled_at


def _days(rows: Iterable[dict[str, date]]) -> set[date]:
    return set().union(*(_days_of(r["window_start"], r["window_end"]) for r in rows))


def _days_of(start: date, end: date) -> set[date]:
    return {start + timedelta(days=n) for n in range((end - start).days + 1)}


def _identity(batch: Batch) -> dict[str, Value]:
    return {
        "table_name": batch.table,
        "account_id": batch.account_id,
        "platform": batch.platform,
        "window_start": batch.window.start,
        "window_end": batch.window.end,
    }
