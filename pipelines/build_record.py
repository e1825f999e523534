"""The rows of contracts.builds: what a build read and made, so that the next knows what is new."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from pipelines.canonical import canonical_json
from pipelines.contracts import load_contract
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row
from pipelines.warehouse.results import rows_of

TABLE = "contracts.builds"
# Builds after which a build of all models is due, whatever the tables say: one may have left half
# of its work, or have been told to leave it.
DUE = "verdict != 'PASS' OR selection IS NOT NULL"
_LAST_PASSED = f"""SELECT finished_at, models, tests, warnings, inputs, outputs FROM {TABLE}
WHERE verdict = 'PASS' AND selection IS NULL
ORDER BY finished_at DESC, build_id LIMIT 1"""
_JSON = ("warnings", "inputs", "outputs")


def last_passed(warehouse: Warehouse) -> dict[str, Any] | None:
    """The last build of all models that passed, its JSON read; None where there is none."""
    for row in rows_of(warehouse.query(_LAST_PASSED)):
        return row | {column: orjson.loads(row[column]) for column in _JSON}
    return None


def begin(warehouse: Warehouse, inputs: Mapping[str, Any], selection: str | None) -> str:
    """Record that a build begins; returns its id."""
    build_id = uuid.uuid4().hex
    _insert(
        warehouse,
        {
            "build_id": build_id,
            "verdict": "RUNNING",
            "selection": selection,
            "started_at": datetime.now(UTC),
            "inputs": canonical_json(inputs),
        },
    )
    return build_id


def end(warehouse: Warehouse, build_id: str, verdict: str, **values: Value) -> None:
    """Record what came of a build.

    Args:
        values: further columns.
    """
    values |= {"verdict": verdict, "finished_at": datetime.now(UTC)}
    changes = ", ".join(f"{column} = @{column}" for column in values)
    update = Statement(
        f"UPDATE {TABLE} SET {changes} WHERE build_id = @build_id",
        {**values, "build_id": build_id},
        expect_rows=1,
    )
    warehouse.transaction([update], label="build")


def outdated(reason: str) -> Statement:
    """For the transaction of whoever changes data that models read, or models, without a batch:
    there is something new to build.

    Args:
        reason: what changed it, such as ``erasure``.
    """
    return insert_row(
        load_contract(TABLE),
        {
            "build_id": uuid.uuid4().hex,
            "verdict": "OUTDATED",
            "reason": reason,
            "started_at": datetime.now(UTC),
        },
    )


def _insert(warehouse: Warehouse, row: Mapping[str, Value]) -> None:
    warehouse.transaction([insert_row(load_contract(TABLE), row)], label="build")
