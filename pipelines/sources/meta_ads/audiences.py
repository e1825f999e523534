"""Meta's custom audiences: what they are, how long they keep people, how large they are.

Neither their rules nor their members are asked for.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.sources.base import Account
from pipelines.sources.meta_ads.api import Row
from pipelines.sources.meta_ads.tables import NAME
from pipelines.sources.shapes.ads_tables import ads_table

FIELDS = (
    *("id", "name", "subtype", "retention_days", "delivery_status"),
    *("approximate_count_lower_bound", "approximate_count_upper_bound"),
)
_READY = 200


def audience_rows(account: Account, audiences: list[Row]) -> pa.Table:
    """raw.ads_audiences: what Meta leaves out, or tells as -1, is NULL."""
    ready = [(row.get("delivery_status") or {}).get("code") for row in audiences]
    columns: dict[str, list[Any]] = {
        "audience_id": [row["id"] for row in audiences],
        "name": [row.get("name") for row in audiences],
        "kind": [row.get("subtype") for row in audiences],
        "retention_days": [row.get("retention_days") or None for row in audiences],
        "people_at_least": [_count(row, "approximate_count_lower_bound") for row in audiences],
        "people_at_most": [_count(row, "approximate_count_upper_bound") for row in audiences],
        "is_usable": [None if code is None else code == _READY for code in ready],
    }
    return ads_table(
        "raw.ads_audiences", columns, {"platform": NAME, "account_id": account.account_id}
    )


def _count(row: Row, field: str) -> int | None:
    count = row.get(field)
    return None if count is None or count < 0 else int(count)
