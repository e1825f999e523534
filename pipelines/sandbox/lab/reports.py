"""What the platform would have seen by a day: rows as the jobs read them, and the campaigns.

This is the door between the market and the platform: nothing of the truth goes through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.jobs.fidelity.drift import BEFORE, RECENT
from pipelines.jobs.fidelity.job import SETTLED
from pipelines.money import MICROS, Money, Rate, Rates
from pipelines.proposals.market import Campaign, Market
from pipelines.sandbox.lab.scenario import OUTAGE_SHARE
from pipelines.sandbox.lab.trials import measured
from pipelines.sandbox.lab.world import EUR, HISTORY_WEEKS, Books, Budgets, Trial, World
from pipelines.sandbox.market.market import ORDER_VALUE
from pipelines.sandbox.market.portfolio import CURRENCY
from pipelines.sandbox.market.truth import Floats

WATCHED_DAYS = RECENT + BEFORE + SETTLED.days
"""Days of channels and site that fidelity compares."""
_SESSIONS = 12.0
_CPM, _CTR = 14.0, 0.02

WEEKLY = pa.schema(
    [
        ("week_start", pa.date32()),
        ("channel", pa.string()),
        ("currency_code", pa.string()),
        ("spend_micros", pa.int64()),
        ("orders", pa.int64()),
        ("revenue_micros", pa.int64()),
        ("is_complete", pa.bool_()),
    ]
)
CHANNEL_DAYS = pa.schema(
    [
        ("date", pa.date32()),
        ("channel", pa.string()),
        ("cost_reporting_micros", pa.int64()),
        ("impressions", pa.int64()),
        ("clicks", pa.int64()),
        ("conversions", pa.float64()),
    ]
)
SITE_DAYS = pa.schema(
    [
        ("orders", pa.int64()),
        ("sessions", pa.int64()),
        ("purchases", pa.int64()),
        ("date", pa.date32()),
    ]
)


@dataclass(frozen=True)
class Reported:
    """What is known on a day.

    Args:
        as_of: the last day of evidence.
        weekly: as mmm's input.sql reads it.
        channel_days, site_days: as fidelity reads them.
        market: the campaigns with their present budgets, and the rates.
        experiments: as mmm's experiments.sql reads them.
    """

    as_of: date
    weekly: pa.Table
    channel_days: pa.Table
    site_days: pa.Table
    market: Market
    experiments: pa.Table

    @property
    def now(self) -> datetime:
        """When it is decided: in the morning after the last day of evidence."""
        return datetime.combine(self.as_of + timedelta(days=1), time(9), UTC)


def report(
    world: World, books: Books, budgets: Budgets, week: int, trials: Sequence[Trial] = ()
) -> Reported:
    """What is known when a week's decision is due.

    Args:
        books: of a run whose budgets, up to that day, are those that held.
        budgets: the present ones.
        trials: the tests so far.
    """
    as_of, recorded = world.as_of(week), _recorded(world, books)
    last = world.decided_on(week)
    days = range(max(last - WATCHED_DAYS, 0), last)
    return Reported(
        as_of,
        pa.Table.from_pylist(list(_weeks(world, books, recorded, week)), schema=WEEKLY),
        pa.Table.from_pylist(list(_channel_days(world, books, days)), schema=CHANNEL_DAYS),
        pa.Table.from_pylist(list(_site_days(world, books, recorded, days)), schema=SITE_DAYS),
        _market(world, budgets, as_of, last - 1),
        measured(world, books, trials, week),
    )


def _recorded(world: World, books: Books) -> Floats:
    """Orders that the shop's records have, [day]."""
    first, weeks = world.scenario.outage
    orders = books.orders.astype(np.float64)
    start = 7 * (HISTORY_WEEKS + first)
    lost = slice(start, start + 7 * weeks)
    orders[lost] = np.floor(orders[lost] * OUTAGE_SHARE)
    return orders


def _weeks(world: World, books: Books, recorded: Floats, week: int) -> Iterator[dict[str, Any]]:
    for index in range(HISTORY_WEEKS + week):
        days = slice(7 * index, 7 * index + 7)
        orders = int(recorded[days].sum())
        for c, channel in enumerate(world.channels):
            yield {
                "week_start": world.days[days.start],
                "channel": channel,
                "currency_code": CURRENCY,
                "spend_micros": round(float(books.spend[days, c].sum()) * MICROS),
                "orders": orders,
                "revenue_micros": orders * round(ORDER_VALUE * MICROS),
                "is_complete": _landed(world, index - HISTORY_WEEKS, week),
            }


def _landed(world: World, index: int, week: int) -> bool:
    """Whether a week, counted from the first decision, is complete when another's is due."""
    return not any(
        0 <= index - missing.first < missing.weeks
        and (missing.late is None or week <= index + missing.late)
        for missing in world.scenario.missing
    )


def _channel_days(world: World, books: Books, days: range) -> Iterator[dict[str, Any]]:
    for day in days:
        for c, channel in enumerate(world.channels):
            impressions = round(books.spend[day, c] / _CPM * 1000)
            yield {
                "date": world.days[day],
                "channel": channel,
                "cost_reporting_micros": round(float(books.spend[day, c]) * MICROS),
                "impressions": impressions,
                "clicks": round(impressions * _CTR),
                "conversions": float(books.claimed[day, c]),
            }


def _site_days(
    world: World, books: Books, recorded: Floats, days: range
) -> Iterator[dict[str, Any]]:
    for day in days:
        yield {
            "orders": int(recorded[day]),
            "sessions": round(float(books.orders[day]) * _SESSIONS),
            "purchases": int(recorded[day]),
            "date": world.days[day],
        }


def _market(world: World, budgets: Budgets, as_of: date, day: int) -> Market:
    campaigns = tuple(
        Campaign(
            platform=plan.campaign.platform,
            account_id=plan.campaign.account_id,
            campaign_id=plan.campaign.campaign_id,
            name=plan.campaign.name,
            status="ENABLED",
            daily_budget=Money(round(float(budgets[i]) * MICROS), world.currencies[i]),
            currency=world.currencies[i],
            data_to=as_of,
        )
        for i, plan in enumerate(world.plans)
    )
    quotes = {}
    if EUR in world.currencies:
        quotes[EUR] = Rate(EUR, CURRENCY, float(world.eur_rate[day]), as_of)
    return Market(as_of, Rates(CURRENCY, as_of, quotes), campaigns, {})
