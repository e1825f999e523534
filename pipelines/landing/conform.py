"""Fits a batch to its table's contract before it is staged, and says what doesn't fit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pyarrow as pa

from pipelines.canonical import sha256
from pipelines.errors import AuditError
from pipelines.sources.base import Batch
from pipelines.warehouse import Contract

RUN_ID_COLUMN = "_run_id"


@dataclass(frozen=True)
class Conformed:
    """A batch in its contract's schema, ordered by the grain.

    ``drift`` names columns the source sent that the contract doesn't know; they were left out.
    """

    rows: pa.Table
    run_id: str
    checksum: str
    schema_hash: str
    drift: tuple[str, ...]


def conform(batch: Batch, contract: Contract) -> Conformed:
    """Cast a batch to its contract and derive its run id from source, account, window, content.

    Raises:
        AuditError: a column is missing or has values of another type; names it.
    """
    columns = {}
    for column in contract.columns:
        if column.name == RUN_ID_COLUMN:
            continue
        if column.name not in batch.rows.column_names:
            if not column.nullable:
                raise _refused(batch, f"column {column.name} is missing")
            columns[column.name] = pa.nulls(batch.rows.num_rows, column.arrow_type)
            continue
        values = batch.rows[column.name]
        try:
            columns[column.name] = values.cast(column.arrow_type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise _refused(
                batch, f"column {column.name} is {values.type}, not {column.type}: {error}"
            ) from error
    rows = pa.table(columns).combine_chunks()
    rows = rows.sort_by([(key, "ascending") for key in contract.primary_key])
    checksum = _checksum(rows)
    identity = (batch.source, batch.table, batch.platform, batch.account_id, batch.window, checksum)
    run_id = sha256("|".join(map(str, identity)))[:32]
    schema = "|".join(f"{f.name}:{f.type}" for f in batch.rows.schema)
    return Conformed(
        rows=rows.append_column(RUN_ID_COLUMN, pa.array([run_id] * len(rows), pa.string())),
        run_id=run_id,
        checksum=checksum,
        schema_hash=sha256(schema),
        drift=tuple(sorted(set(batch.rows.column_names) - set(contract.column_names))),
    )


def _checksum(rows: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _refused(batch: Batch, what: str) -> AuditError:
    return AuditError(
        f"{batch.source}, account {batch.account_id}, {batch.window}: {what} (for {batch.table}).",
        kept="what was published before is as it was; nothing of this batch was staged.",
        fix="The platform changed its report or the mapping is wrong: correct the source's query "
        "or mapping, then ingest the window again.",
    )
