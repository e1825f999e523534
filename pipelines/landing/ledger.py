"""The load ledger: what was published, for which account and days, from which pull."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipelines.contracts import load_contract
from pipelines.landing.slices import date_column
from pipelines.landing.spool import Spool
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import Answered, Question, Refusal, Value, insert_row

_OWN = "account_id = @account_id AND COALESCE(platform, '') = COALESCE(@platform, '')"
_SAME_ACCOUNT = f"table_name = @table_name AND {_OWN}"


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
    return overlaps(warehouse, [batch])[0]


def overlaps(warehouse: Warehouse, batches: Sequence[Batch]) -> list[Overlap]:
    """What was published over the days of each batch of an account and platform, in one look-up.

    Makes the heads that there aren't yet, in one transaction. Who makes one at the same instant
    is noticed when the head is claimed.
    """
    rows = warehouse.query(*_look_up(batches)).to_pylist()
    versions: dict[str, list[int]] = {}
    for row in rows:
        if row["version"] is not None:
            versions.setdefault(row["table_name"], []).append(row["version"])
    unheaded = {b.table: b for b in batches if b.table not in versions}
    if unheaded:
        make = [_head(_identity(batch)) for batch in unheaded.values()]
        warehouse.transaction(make, label="head")
    return [_overlap(batch, versions.get(batch.table, [0]), rows) for batch in batches]


def _look_up(batches: Sequence[Batch]) -> tuple[str, dict[str, Value]]:
    """The query of :func:`overlaps`, with its parameters: heads, and loads of any of the days."""
    params: dict[str, Value] = {
        "account_id": batches[0].account_id,
        "platform": batches[0].platform,
    }
    conditions = []
    for number, table in enumerate(dict.fromkeys(batch.table for batch in batches)):
        params[f"table_{number}"] = table
        condition = f"table_name = @table_{number}"
        if date_column(load_contract(table)) is not None:
            windows = [batch.window for batch in batches if batch.table == table]
            params[f"start_{number}"] = min(window.start for window in windows)
            params[f"end_{number}"] = max(window.end for window in windows)
            condition += f" AND window_start <= @end_{number} AND window_end >= @start_{number}"
        conditions.append(f"({condition})")
    columns = (
        "run_id, pulled_at, window_start, window_end, published_at, row_count, rejected_rows, "
        "complete"
    )
    nothing = ", ".join(f"NULL AS {column}" for column in columns.split(", "))
    heads = f"SELECT table_name, version FROM raw.load_heads WHERE {_OWN}"
    either = " OR ".join(conditions)
    published = f"SELECT table_name, {columns} FROM raw.load_ledger WHERE {_OWN} AND ({either})"
    return (
        f"WITH heads AS ({heads}), published AS ({published}) "
        f"SELECT table_name, version, {nothing} FROM heads "
        f"UNION ALL SELECT table_name, NULL, {columns} FROM published",
        params,
    )


def _overlap(batch: Batch, versions: list[int], rows: list[dict[str, Any]]) -> Overlap:
    """What the rows of a look-up say of one batch."""
    whole = date_column(load_contract(batch.table)) is None
    first, last = batch.window.start, batch.window.end
    own_rows = [
        r
        for r in rows
        if r["run_id"]
        and r["table_name"] == batch.table
        and (whole or (r["window_start"] <= last and r["window_end"] >= first))
    ]
    loads = sorted(own_rows, key=lambda r: r["published_at"])
    newer = [_days_of(r) for r in loads if _is_newer(r, batch)]
    known = [Load(r["run_id"], r["row_count"], r["rejected_rows"] or 0) for r in loads]
    own = set(batch.window.days())
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


@dataclass(frozen=True)
class Confirmation:
    """A batch that found its content published as ``run_id``, when the ledger was ``seen``."""

    batch: Batch
    run_id: str
    seen: Overlap


def confirm(warehouse: Warehouse, unchanged: Sequence[Confirmation]) -> bool:
    """Notes that newer pulls of an account and platform found what is published: an older one may
    not replace it then. In one transaction.

    Returns:
        Whether it was noted: not where anything was published to their tables since.
    """
    batch = unchanged[0].batch
    params: dict[str, Value] = {"account_id": batch.account_id, "platform": batch.platform}
    # versions only grow, so their sum is the same where each is
    seen = {one.batch.table: one.seen.version * one.seen.heads for one in unchanged}
    tables = {f"table_{n}": table for n, table in enumerate(seen)}
    statements = []
    for pulled_at in {one.batch.pulled_at for one in unchanged}:
        ids = [one.run_id for one in unchanged if one.batch.pulled_at == pulled_at]
        runs = {f"run_{n}": run_id for n, run_id in enumerate(ids)}
        statements.append(
            Statement(
                f"UPDATE raw.load_ledger SET pulled_at = @pulled_at WHERE {_OWN} "
                f"AND run_id IN ({_named(runs)}) AND pulled_at < @pulled_at",
                {**params, **runs, "pulled_at": pulled_at},
            )
        )
    first = Question(
        f"SELECT COALESCE(SUM(version), 0) AS versions FROM raw.load_heads WHERE {_OWN} "
        f"AND table_name IN ({_named(tables)})",
        ("versions",),
        {**params, **tables, "seen": sum(seen.values())},
        refused="versions != @seen",
    )
    try:
        warehouse.transaction(statements, label="confirm", first=first)
    except Refusal:
        return False
    return True


def entry(spool: Spool, rejected: int, at: datetime) -> Statement:
    """The ledger row of a batch that is published now, ``at``, UTC; what it changed is the answer
    to :func:`pipelines.landing.slices.change`."""
    batch = spool.batch
    return insert_row(
        load_contract("raw.load_ledger"),
        {
            **_identity(batch),
            "run_id": spool.run_id,
            "source": batch.source,
            "row_count": spool.rows,
            "restated_rows": Answered("restated"),
            "dropped_rows": spool.dropped_rows + spool.batch.refused_rows,
            "withdrawn_rows": Answered("withdrawn"),
            "rejected_rows": rejected,
            "complete": batch.complete,
            "checksum": spool.checksum,
            "schema_hash": spool.schema_hash,
            "pulled_at": batch.pulled_at,
            "staged_at": at,
            "published_at": at,
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


def _named(params: Iterable[str]) -> str:
    return ", ".join(f"@{name}" for name in params)


def _head(identity: dict[str, Value]) -> Statement:
    return Statement(
        "INSERT INTO raw.load_heads (table_name, account_id, platform, version) "
        "SELECT @table_name, @account_id, COALESCE(@platform, ''), 0 "
        "FROM (SELECT 1) AS one WHERE NOT EXISTS "
        f"(SELECT 1 FROM raw.load_heads WHERE {_SAME_ACCOUNT})",
        identity,
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
