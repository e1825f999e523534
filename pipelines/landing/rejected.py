"""Rows that are set aside: kept in raw.rejected_rows with their reasons, without what is personal.

They belong to the slice of their batch, and are replaced with it, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts import Contract, load_contract
from pipelines.landing.expectations import READABLE, Failure
from pipelines.landing.slices import date_column, slice_of
from pipelines.landing.spool import Spool
from pipelines.privacy.declared import RECORDS, declared
from pipelines.privacy.masking import masked
from pipelines.privacy.redaction import cleaned
from pipelines.sources.base import Batch, Unreadable
from pipelines.warehouse import Statement
from pipelines.warehouse.base import Value

TABLE = "raw.rejected_rows"
_STAMPED = "rejected_at"
_SHOWN = 3
_SAME_ACCOUNT = (
    "table_name = @table_name AND account_id = @account_id "
    "AND COALESCE(platform, '') = COALESCE(@platform, '')"
)


@dataclass(frozen=True)
class Rejected:
    """The rows of a batch that were set aside.

    Args:
        path: a Parquet file in the columns of raw.rejected_rows, less ``rejected_at``.
        why: what they failed, each once, in words.
    """

    path: Path | None = None
    rows: int = 0
    why: tuple[str, ...] = ()


NONE = Rejected()


def set_aside(spool: Spool, failures: Sequence[Failure]) -> tuple[Spool, Rejected]:
    """Part a batch: the rows that are left, and those that failed, each in a file of its own.

    ``failures`` name every row that failed. The batch keeps its identity.
    """
    by_row: dict[int, list[Failure]] = {}
    for failure in failures:
        for row in failure.rows:
            by_row.setdefault(row, []).append(failure)
    places = np.fromiter(by_row, np.int64, len(by_row))
    kept, aside = (
        spool.path.with_name(f"{spool.path.stem}_{part}.parquet") for part in ("kept", "rejected")
    )
    schema = pa.schema([f for f in load_contract(TABLE).arrow_schema if f.name != _STAMPED])
    offset = 0
    with (
        pq.ParquetWriter(kept, pq.read_schema(spool.path), compression="zstd") as left,
        pq.ParquetWriter(aside, schema, compression="zstd", coerce_timestamps="us") as rejected,
    ):
        for chunk in spool.chunks():
            numbers = np.arange(offset, offset + chunk.num_rows)
            failed = np.isin(numbers, places)
            left.write_table(chunk.filter(pa.array(~failed)))
            rows = chunk.filter(pa.array(failed)).to_pylist()
            records = [
                _record(spool, row, int(number), by_row[int(number)])
                for row, number in zip(rows, numbers[failed], strict=True)
            ]
            rejected.write_table(pa.Table.from_pylist(records, schema))
            offset += chunk.num_rows
        unreadable = spool.batch.unreadable
        records = [_without_row(spool, one, offset + n) for n, one in enumerate(unreadable)]
        rejected.write_table(pa.Table.from_pylist(records, schema))
    why = tuple(dict.fromkeys(map(_in_words, failures)))
    left_rows = spool.left(kept, spool.rows - len(by_row))
    return left_rows, Rejected(aside, len(by_row) + len(unreadable), why)


def clearing(batch: Batch, within: str) -> Statement:
    """Deletes what was set aside of a batch's slice before.

    It goes before the batch's own rows are replaced: of a batch that isn't complete, it asks
    which earlier batches had its rows.

    Args:
        within: the condition on the rows that the batch replaces.
    """
    contract = load_contract(batch.table)
    params: dict[str, Value] = {
        "table_name": batch.table,
        "account_id": batch.account_id,
        "platform": batch.platform,
        "window_start": batch.window.start,
        "window_end": batch.window.end,
    }
    condition = _SAME_ACCOUNT
    if date_column(contract) is not None:
        condition += " AND day BETWEEN @window_start AND @window_end"
    if not batch.complete:
        mine, more = slice_of(batch, contract).predicate()
        condition += f" AND run_id IN (SELECT _run_id FROM {batch.table} WHERE {mine} AND {within})"
        params |= more
    return Statement(f"DELETE FROM {TABLE} WHERE {condition}", params)


def publishing(rejected: Rejected, stage: str, published_at: datetime) -> Statement:
    """Inserts what was set aside, from where it was staged."""
    columns = ", ".join(c for c in load_contract(TABLE).column_names if c != _STAMPED)
    return Statement(
        f"INSERT INTO {TABLE} ({columns}, {_STAMPED}) SELECT {columns}, @published_at FROM {stage}",
        {"published_at": published_at},
        expect_rows=rejected.rows,
    )


def where_to_look(table: str, account_id: str) -> str:
    """The command that shows what of a table was set aside."""
    return (
        'adcanary query "SELECT day, row_key, why, row_json FROM raw.rejected_rows '
        f"WHERE table_name = '{table}' AND account_id = '{account_id}'\""
    )


def _record(
    spool: Spool, row: dict[str, Any], number: int, failed: list[Failure]
) -> dict[str, Any]:
    contract = spool.contract
    shown = {name: row[name] for name in row if name not in _personal(contract)}
    return {
        **_of_batch(spool, number),
        "day": _day(row.get(date_column(contract) or ""), spool.batch),
        "row_key": _json({name: shown[name] for name in contract.primary_key if name in shown}),
        "expectation": "; ".join(f.expectation for f in failed),
        "why": "; ".join(f.why for f in failed),
        "row_json": _json(shown),
    }


def _in_words(failure: Failure) -> str:
    """What a row failed; of one that could not be read, also where it is."""
    if failure.expectation != READABLE:
        return failure.why
    shown = "; ".join(failure.such_as[:_SHOWN])
    return f"{failure.why}: {shown}{', …' if failure.count > _SHOWN else ''}"


def _without_row(spool: Spool, one: Unreadable, number: int) -> dict[str, Any]:
    """A row that could not be read, as far as its source shows it."""
    content: dict[str, Any] = dict(one.key)
    if one.row is not None:
        personal = _personal(spool.contract)
        content = {name: value for name, value in one.row.items() if name not in personal}
    elif one.text is not None:
        content = {"text": masked(one.text, spool.contract.column_names)}
    return {
        **_of_batch(spool, number),
        "day": _day(one.day, spool.batch),
        "row_key": _json(dict(one.key)),
        "expectation": READABLE,
        "why": one.why,
        "row_json": _json(content),
    }


def _of_batch(spool: Spool, number: int) -> dict[str, Any]:
    batch = spool.batch
    return {
        "source": batch.source,
        "table_name": batch.table,
        "account_id": batch.account_id,
        "platform": batch.platform,
        "row_number": number,
        "run_id": spool.run_id,
        "pulled_at": batch.pulled_at,
    }


def _personal(contract: Contract) -> frozenset[str]:
    """Columns that hold a person's ids, or texts with some; numbers of orders and deals stay."""
    table = declared(contract.table)
    if table is None:
        return frozenset()
    paths: Iterable[str] = (*(c.path for c in table.columns if c.kind not in RECORDS), *table.urls)
    return frozenset(path.split(".", 1)[0] for path in paths)


def _day(day: date | None, batch: Batch) -> date:
    if day is None:
        return batch.window.end
    return min(max(day, batch.window.start), batch.window.end)


def _json(values: dict[str, Any]) -> str:
    """Without what is a person's by the name of its field, or in a text."""
    stated = cleaned({name: value for name, value in values.items() if value is not None})
    return orjson.dumps(stated, default=str, option=orjson.OPT_SORT_KEYS).decode()
