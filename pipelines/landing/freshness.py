"""How fresh what was published is, by account; the doctor, monitors and metrics say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipelines.contracts import load_contracts
from pipelines.errors import MissingTableError
from pipelines.finding import Finding, fail, ok, warn
from pipelines.landing.slices import date_column
from pipelines.warehouse import Warehouse

# Yesterday's rows come with today's run: until then a day is missing, and that is no fault.
LATE, STALE = 1, 3
# A currency has no rate at weekends and on holidays.
_SPARE_DAYS = {"fx_rates": 4}
_NEWEST_DAYS = Path(__file__).with_name("newest_days.sql")


@dataclass(frozen=True)
class Freshness:
    """Of one account: the table that is furthest behind, and its newest published day."""

    source: str
    account_id: str
    table: str
    day: date


def freshness(warehouse: Warehouse) -> dict[tuple[str, str], Freshness]:
    """Every account of which something was published, by source and id; files have spans of their
    own, and aren't late."""
    try:
        rows = warehouse.query(_NEWEST_DAYS.read_text()).to_pylist()
    except MissingTableError:
        return {}
    furthest: dict[tuple[str, str], Freshness] = {}
    for row in rows:
        key = row["source"], row["account_id"]
        one = Freshness(*key, row["table_name"], _last_day(row))
        if key not in furthest or (one.day, one.table) < (furthest[key].day, furthest[key].table):
            furthest[key] = one
    return furthest


def late(source: str, account_id: str, known: Freshness | None, today: date) -> Finding:
    """How many days an account is behind yesterday.

    Args:
        known: None where nothing of it was ever published.
        today: the present day in the account's time zone.
    """
    name = f"freshness:{source}/{account_id}"
    if known is None:
        return never_published(name, source)
    behind = (today - timedelta(days=1) - known.day).days
    ago = f"{behind} days before yesterday" if behind > 0 else "as of yesterday"
    message = f"Published to {known.day}, {ago} ({known.table})."
    fix = f"Run `adcanary ingest {source}`, and see why the last run failed or didn't start."
    spare = _SPARE_DAYS.get(source, 0)
    if behind > STALE + spare:
        return fail(name, message, fix)
    if behind > LATE + spare:
        return warn(name, message, fix)
    return ok(name, message)


def never_published(name: str, source: str) -> Finding:
    """That nothing is there of a source, or of an account of it."""
    return warn(name, "Nothing of it was ever published.", f"Run `adcanary ingest {source}`.")


def _last_day(row: Mapping[str, Any]) -> date:
    """The newest day that is published; of a list, which has no days, that of its last pull."""
    contract = load_contracts()[row["table_name"]]
    day: date = row["window_end"] if date_column(contract) else row["pulled_at"].date()
    return day
