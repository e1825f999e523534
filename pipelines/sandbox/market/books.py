"""What the platforms charged, by the market: to reconcile what was loaded against."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from pipelines.sandbox.market.market import Market


def campaign_spend(market: Market, today: date) -> pa.Table:
    """Every account's spend by its own day, up to ``today - 1``.

    Columns platform, account_id, date, cost_micros (exact), in that order of sorting. Days
    without spend have no row.
    """
    tables = []
    for account in market.accounts:
        rows = market.campaign_days(account.account_id, market.start, market.end, today)
        daily = rows.group_by("date", use_threads=False).aggregate([("cost_micros", "sum")])
        tables.append(
            pa.table(
                {
                    "platform": pa.repeat(account.platform, len(daily)),
                    "account_id": pa.repeat(account.account_id, len(daily)),
                    "date": daily["date"],
                    "cost_micros": daily["cost_micros_sum"],
                }
            )
        )
    order = [(c, "ascending") for c in ("platform", "account_id", "date")]
    return pa.concat_tables(tables).sort_by(order)


def totals(market: Market, today: date) -> dict[str, int]:
    """Micros spent up to ``today - 1``, by platform."""
    spent = campaign_spend(market, today).group_by("platform", use_threads=False)
    summed = spent.aggregate([("cost_micros", "sum")]).to_pylist()
    return {row["platform"]: row["cost_micros_sum"] for row in summed}
