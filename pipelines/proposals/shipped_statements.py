"""Writes what a list of proposals asks as DuckDB reads it: ``make statements``."""

from __future__ import annotations

import json

from pipelines.proposals.ledger import LISTED
from pipelines.warehouse.transpile import parsed_query


def shipped_statements() -> str:
    """pipelines/warehouse/shipped.json: DuckDB SQL by GoogleSQL."""
    return json.dumps({sql: parsed_query(sql) for sql in LISTED}, indent=2) + "\n"


if __name__ == "__main__":
    print(shipped_statements(), end="")
