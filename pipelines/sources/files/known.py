"""What exports call their columns, by the table they land in: known_columns.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from pipelines.sources.files.layout import spelt

_FILE = Path(__file__).with_name("known_columns.yaml")
ADS = "ads"
# What no export of another table has.
_PROOFS = {
    "orders": {"order_id", "ordered_at", "total", "financial_status"},
    "ga4_daily_report": {"sessions"},
    "experiments": {"experiment_id", "effect"},
    "calendar_events": {"event_id", "start_date"},
    "media_plans": {"line_id", "planned_spend"},
}


def known_in(row: Sequence[object], table: str) -> dict[str, str]:
    """The columns of a header that are known: field, and the column's name as the file has it."""
    names: dict[str, str] = {}
    for cell in row:
        name = spelt("" if cell is None else cell)
        # Meta writes the currency behind: Amount spent (EUR)
        names.setdefault(re.sub(r" \([A-Z]{3}\)$", "", name).lower(), name)
    columns: dict[str, str] = {}
    for field, synonyms in known_columns()[table].items():
        column = next((names[synonym] for synonym in synonyms if synonym in names), None)
        if column is not None and column not in columns.values():
            columns[field] = column
    return columns


def table_of(row: Sequence[object]) -> str:
    """The table that a header's file lands in, as a mapping's ``table`` says it."""
    proven = [t for t, proofs in _PROOFS.items() if proofs <= set(known_in(row, t))]
    return max([ADS, *proven], key=lambda table: len(known_in(row, table)))


@cache
def known_columns() -> dict[str, dict[str, list[str]]]:
    """The names of columns in known_columns.yaml, by table and field."""
    columns: dict[str, dict[str, list[str]]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return columns
