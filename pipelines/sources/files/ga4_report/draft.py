"""A draft of a mapping of a GA4 report."""

from __future__ import annotations

import json

from pipelines.sources.files.ga4_report.mapping import COUNTS, DIMENSIONS
from pipelines.sources.files.known import known_in
from pipelines.sources.files.look import TODO, Look, date_line, line, signs
from pipelines.sources.files.ready import drafted_from

_TOTAL = "total revenue"
_NUMBERS = (*COUNTS, "key_events", "purchase_revenue")


def drafted(look: Look) -> str:
    """The mapping's text: what was seen, and TODO where a person must say."""
    known = known_in(look.header, "ga4_daily_report")
    fields = [field for field in (*DIMENSIONS, "session_source_medium") if field in known]
    numbers = [field for field in _NUMBERS if field in known]
    day = json.dumps(known.get("date", TODO), ensure_ascii=False)
    blocks = {
        "account_id": [f"account_id: {{constant: {TODO}}}"],
        "time_zone": [f"time_zone: {TODO}"],
        "currency": [
            f"currency: {{constant: {TODO}}}",
            *signs(look, (known[field] for field in numbers)),
        ],
        "leave_out": [
            "leave_out:",
            f"  - {{column: {day}, empty: true}}",
            *(f"  - {{column: {day}, starts_with: {word}}}" for word in ("Total", "Grand total")),
        ],
        "date": [date_line(look, known)],
        "columns": ["columns:", *(f"  {line(f, known[f])}" for f in (*fields, *numbers))],
    }
    if "purchase_revenue" not in known and _TOTAL in map(str.lower, look.names):
        note = f"has subscriptions and advertising, too; without them: purchase_revenue: {_TOTAL}"
        blocks["columns"].append(f"  # {TODO} {_TOTAL} {note}")
    return drafted_from("ga4_report", look, blocks)
