"""The load ledger: what was published, for which account and days, from which pull."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipelines.contracts import load_contract
from pipelines.landing.slices import Change, date_column
from pipelines.landing.spool import Spool
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row

_SAME_ACCOUNT = (
    "table_name = @table_name AND account_id = @account_id "
    "AND COALESCE(platform, '') = COALESCE(@platform, '')"
)


@dataclass(frozen=True)
class Load:
    """A batch that was published: its rows, and those of it that were set aside."""

    run_id: str
    row_count: int
    rejected_rows: int


@dataclass(frozen=True)
class Overlap:
    """What the ledger knows of the days a batch would replace.

    Args:
        version: of the table and account's head; a publish succeeds only if it is still the same.
        heads: rows the head has: one, but two where two processes made it at the same instant.
        newest: the batch that was published last over any of the days.
        loads: every batch that was published over any of the days, by its run id.
        newer: the days that a newer pull has already published.
    """

    version: int
    heads: int
    newest: Load | None
    loads: Mapping[str, Load]
    newer: frozenset[date]

    @property
    def rejects(self) -> bool:
        """Whether rows of any of the days were set aside."""
        return any(load.rejected_rows for load in self.loads.values())


def overlap(warehouse: Warehouse, batch: Batch) -> Overlap:
    """Read what was published over a batch's days; makes the head where there is none yet."""
    identity = _identity(batch)
    condition = _SAME_ACCOUNT
    if date_column(load_contract(batch.table)) is not None:
        condition += " AND window_start <= @window_end AND window_end >= @window_start"
    heads = f"SELECT version FROM raw.load_heads WHERE {_SAME_ACCOUNT}"
    columns = (
        "run_id, pulled_at, window_start, window_end, published_at, row_count, rejected_rows, "
        "complete"
    )
    published = f"SELECT {columns} FROM raw.load_ledger WHERE {condition}"
    nothing = ", ".join(f"NULL AS {column}" for column in columns.split(", "))
    rows = warehouse.query(
        f"WITH heads AS ({heads}), published AS ({published}) "
        f"SELECT version, {nothing} FROM heads UNION ALL SELECT NULL, {columns} FROM published",
        identity,
    ).to_pylist()
    versions = [r["version"] for r in rows if r["version"] is not None]
    if not versions:
        _make_head(warehouse, identity)
        return overlap(warehouse, batch)
    loads = sorted((r for r in rows if r["run_id"]), key=lambda r: r["published_at"])
    newer = [_days_of(r) for r in loads if _is_newer(r, batch)]
    known = [Load(r["run_id"], r["row_count"], r["rejected_rows"] or 0) for r in loads]
    own = set(batch.window.days())
    whole = date_column(load_contract(batch.table)) is None
    return Overlap(
        version=max(versions),
        heads=len(versions),
        newest=known[-1] if known else None,
        loads={load.run_id: load for load in known},
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


def entry(
    spool: Spool, changed: Change, rejected: int, times: tuple[datetime, datetime]
) -> Statement:
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
            "restated_rows": changed.restated,
            "dropped_rows": spool.dropped_rows + spool.batch.refused_rows,
            "withdrawn_rows": changed.withdrawn,
            "rejected_rows": rejected,
            "complete": batch.complete,
            "checksum": spool.checksum,
            "schema_hash": spool.schema_hash,
            "pulled_at": batch.pulled_at,
            "staged_at": staged_at,
            "published_at": published_at,
        },
    )


def missing_windows(
    warehouse: Warehouse,
    source: str,
    account_id: str,
    tables: Iterable[str],
    windows: Iterable[Window],
) -> list[Window]:
    """The windows of which some day of some table has never been published."""
    covered = covered_days(warehouse, source, account_id, tables)
    return [w for w in windows if not set(w.days()) <= covered]


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


def _is_newer(load: dict[str, Any], batch: Batch) -> bool:
    """A batch of some campaigns is replaced by what is complete, not by one of other campaigns."""
    other = not batch.complete and load["complete"] is False
    return bool(load["pulled_at"] > batch.pulled_at) and not other


def _days(rows: Iterable[dict[str, date]]) -> set[date]:
    return set().union(*(_days_of(r) for r in rows))


def _days_of(load: dict[str, date]) -> set[date]:
    return set(Window(load["window_start"], load["window_end"]).days())


def _identity(batch: Batch) -> dict[str, Value]:
    return {
        "table_name": batch.table,
        "account_id": batch.account_id,
        "platform": batch.platform,
        "window_start": batch.window.start,
        "window_end": batch.window.end,
    }
