"""What a day costs on BigQuery, against what a day usually costs."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from pipelines.finding import Finding, ok, skip, warn
from pipelines.monitors.held import Held

_DAYS, _LEAST_DAYS = 28, 7
_TIMES, _LEAST_BYTES = 2, 1024**3
_GIB = 1024**3


def cost(held: Held) -> Iterator[Finding]:
    """The bytes that jobs and builds were billed for, on the last day with any."""
    if held.settings.warehouse.kind != "bigquery":
        yield skip("cost", "DuckDB bills nothing.")
        return
    rows = held.rows("billed_days", since=held.days_ago(_DAYS))
    last, before = rows[:1], [row["bytes_billed"] for row in rows[1:]]
    if len(before) < _LEAST_DAYS:
        yield skip("cost", f"Only {len(rows)} days with a bill are known.")
        return
    day, billed, usual = last[0]["day"], last[0]["bytes_billed"], median(before)
    message = f"{billed / _GIB:,.1f} GiB were billed on {day}, usually {usual / _GIB:,.1f}."
    if billed > _TIMES * usual and billed - usual > _LEAST_BYTES:
        yield warn(
            "cost",
            message,
            "See which job or build it is in contracts.job_runs and contracts.builds.",
        )
    else:
        yield ok("cost", message)
