"""Everything the warehouse holds of a person, as one JSON document."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from pipelines.errors import UsageError
from pipelines.privacy.linkage import Person
from pipelines.privacy.requests import Request
from pipelines.privacy.search import Search, searchable
from pipelines.warehouse import Warehouse


def export(warehouse: Warehouse, person: Person, request: Request) -> dict[str, Any]:
    """Every row that holds one of the person's own ids, by table; the request is recorded.

    Returns:
        ``request_id``, ``exported_at``, ``ids`` and ``shared_ids`` (counts by kind) and
        ``tables``: table → rows as the warehouse has them. What others share stays theirs.
    """
    search = Search(person.ids)
    tables = {s.table: s for s in searchable(warehouse)}
    rows = {}
    for table in search.count(warehouse, list(tables.values())):
        matches = warehouse.query(
            f"SELECT TO_JSON_STRING(t) AS held FROM {table} AS t WHERE {search.hit(tables[table])}",
            search.params,
        )
        rows[table] = [orjson.loads(row) for row in matches["held"].to_pylist()]
    counts = {table: len(held) for table, held in rows.items()}
    warehouse.transaction([request.record(person, counts)], label="export")
    return {
        "request_id": request.request_id,
        "exported_at": request.requested_at.isoformat(),
        "ids": Counter(str(i.kind) for i in person.ids),
        "shared_ids": Counter(str(i.kind) for i in person.shared),
        "tables": rows,
    }


def as_json(document: dict[str, Any]) -> bytes:
    """The document as UTF-8, indented."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write(document: dict[str, Any], path: Path) -> None:
    """Write it to a new file that only its owner can read.

    Raises:
        UsageError: the file exists, or can't be made.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror}.",
            kept="whatever was there is unchanged.",
            fix="Name a file that doesn't exist, in a folder that does.",
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(as_json(document))
