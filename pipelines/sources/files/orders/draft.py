"""A draft of a mapping of orders."""

from __future__ import annotations

from pipelines.sources.files.known import known_in
from pipelines.sources.files.look import TODO, Look, line
from pipelines.sources.files.ready import drafted_from

_FIELDS = (
    *("order_id", "ordered_at", "total", "currency"),
    *("refunded", "cancelled_at", "email", "phone", "attributes"),
)


def drafted(look: Look) -> str:
    """The mapping's text: what was seen, and TODO where a person must say."""
    known = known_in(look.header, "orders")
    columns = ["columns:"]
    for field in _FIELDS:
        if field in known or field == "currency":
            columns.append(f"  {line(field, known.get(field, TODO))}")
    changes = [known[field] for field in ("paid_at", "fulfilled_at") if field in known]
    if changes:
        columns.append(f"  {line('changes', changes)}")
    blocks = {
        "account_id": [f"account_id: {{constant: {TODO}}}"],
        "time_zone": [f"time_zone: {TODO}"],
        "columns": columns,
    }
    if "payment_method" not in known:
        blocks["test"] = []
    return drafted_from("shopify_orders", look, blocks)
