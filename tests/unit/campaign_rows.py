"""Batches of campaign rows for what landing makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from pipelines.landing.publish import Landed
from pipelines.landing.publish import land as land_all
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Warehouse

TABLE = "raw.ads_campaign_performance"
PULLED = datetime(2026, 7, 1, 6, tzinfo=UTC)
JUNE = Window(date(2026, 6, 1), date(2026, 6, 30))


def campaigns(ids: Iterable[str], days: int = 1, window: Window = JUNE, **given: Any) -> Batch:
    """A row a campaign and day, the first ``days`` of June; ``given`` are values of a column: one
    for all rows, or a list."""
    keys = [(campaign, date(2026, 6, d)) for d in range(1, days + 1) for campaign in ids]
    of_batch = {k: given.pop(k) for k in list(given) if k in Batch.__dataclass_fields__}
    values: dict[str, Any] = {
        # its ids may be any letters and digits
        "platform": "reddit_ads",
        "account_id": "1",
        "date": [day for _, day in keys],
        "campaign_id": [campaign for campaign, _ in keys],
        "impressions": 10,
        "clicks": 1,
        "cost_micros": 1_000_000,
        "conversions": 0.5,
        "conversion_value": 1.0,
        "currency_code": "USD",
        "time_zone": "UTC",
        "attribution_window": "account_default",
        "status": "ENABLED",
        **given,
    }
    rows = {n: v if isinstance(v, list) else [v] * len(keys) for n, v in values.items()}
    of_batch = {"pulled_at": PULLED, **of_batch}
    table = pa.table(rows)
    return Batch(
        source="google_ads",
        table=TABLE,
        account_id="1",
        platform="reddit_ads",
        window=window,
        rows=table,
        **of_batch,
    )


def land(warehouse: Warehouse, batch: Batch, **how: Any) -> Landed:
    (landed,) = land_all(warehouse, batch, **how)
    return landed


def spent(warehouse: Warehouse) -> dict[str, int]:
    """Micros by campaign, as published."""
    sql = f"SELECT campaign_id, SUM(cost_micros) AS cost FROM {TABLE} GROUP BY campaign_id"
    return {r["campaign_id"]: r["cost"] for r in warehouse.query(sql).to_pylist()}
