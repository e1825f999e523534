"""Turns marts.mmm_input_weekly into the arrays that a model is fitted to, or refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.config import MmmSettings
from pipelines.jobs.base import Verdict
from pipelines.jobs.mmm.controls import Controls
from pipelines.jobs.mmm.panel import Panel

CURRENT_WEEKS = 4
ORDER_VALUE_WEEKS = 13
MAX_AGE_DAYS = 14
MIN_SPEND_VARIATION = 0.05
"""Below this coefficient of variation, a channel's effect can't be told from the baseline."""

MICRO = 1e6
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Weeks:
    """Consecutive complete weeks.

    Args:
        starts: Mondays, ascending.
        channels: channels with spend in these weeks, sorted.
        spend_micros: [week, channel].
        orders: [week].
        revenue_micros: [week], net of refunds.
    """

    starts: tuple[date, ...]
    channels: tuple[str, ...]
    spend_micros: npt.NDArray[np.int64]
    orders: npt.NDArray[np.int64]
    revenue_micros: npt.NDArray[np.int64]
    currency_code: str

    @property
    def end(self) -> date:
        """Last day of the last week."""
        return self.starts[-1] + timedelta(days=6)

    @property
    def current_micros(self) -> npt.NDArray[np.int64]:
        """Mean weekly spend of the last four weeks, [channel]."""
        mean = self.spend_micros[-CURRENT_WEEKS:].mean(axis=0)
        return np.rint(mean).astype(np.int64)

    def usual_micros(self, channel: int) -> int:
        """Mean spend of a channel's weeks with spend."""
        spend = self.spend_micros[:, channel]
        return round(float(spend[spend > 0].mean()))

    def typical_money(self, channel: int) -> float:
        """Current weekly spend of a channel, or its usual one if it has stopped, in money."""
        return (int(self.current_micros[channel]) or self.usual_micros(channel)) / MICRO

    @property
    def order_value_micros(self) -> int:
        """Net revenue per order over the last 13 weeks."""
        orders = int(self.orders[-ORDER_VALUE_WEEKS:].sum())
        return round(int(self.revenue_micros[-ORDER_VALUE_WEEKS:].sum()) / orders) if orders else 0

    @property
    def spend_variation(self) -> npt.NDArray[np.float64]:
        """Standard deviation of weekly spend over its mean, [channel]."""
        spend = self.spend_micros.astype(np.float64)
        variation: npt.NDArray[np.float64] = spend.std(axis=0) / spend.mean(axis=0)
        return variation


def panel_of(weeks: Weeks, controls: Controls) -> Panel:
    """The weeks as what an engine is fitted to: national, spend in money, orders as the outcome."""
    return Panel(
        starts=weeks.starts,
        geos=("all",),
        channels=weeks.channels,
        spend=weeks.spend_micros[None] / MICRO,
        outcome=weeks.orders[None].astype(np.float64),
        controls=controls.of(weeks.starts),
        control_names=controls.names,
    )


@dataclass(frozen=True)
class Refusal:
    """Why no model is fitted."""

    verdict: Verdict
    reason: str
    weeks: int


def prepare_weeks(
    table: pa.Table, settings: MmmSettings, as_of: date, late_accounts: pa.Table | None = None
) -> Weeks | Refusal:
    """The last unbroken run of complete weeks, or a refusal.

    Args:
        table: rows of input.sql, ordered by week and channel.
        late_accounts: rows of late_accounts.sql: whose data begins after the first weeks.
    """
    rows = table.to_pylist()
    if not rows:
        return Refusal(
            "NO_DATA",
            f"marts.mmm_input_weekly has no week that ended on or before {as_of}.",
            weeks=0,
        )
    usable, broken_by = _last_unbroken(rows)
    weekly_orders = {r["week_start"]: r["orders"] or 0 for r in rows}
    if not sum(weekly_orders.values()):
        return Refusal(
            "NO_DATA",
            f"There are no orders in the {len(weekly_orders)} weeks from {min(weekly_orders)}: "
            "the model explains orders by spend, so ingest orders first.",
            weeks=len(usable),
        )
    if len(usable) < settings.min_weeks:
        reason = _too_short(usable, broken_by, settings.min_weeks)
        late = late_accounts.to_pylist() if late_accounts else []
        reason += "".join(_late(r) for r in late if not broken_by or r["first_day"] > broken_by)
        return Refusal("NO_DATA", reason, len(usable))
    kept = [r for r in rows if r["week_start"] >= usable[0] and r["week_start"] <= usable[-1]]
    return _checked(kept, usable, as_of)


def _checked(
    rows: Sequence[dict[str, Any]], starts: Sequence[date], as_of: date
) -> Weeks | Refusal:
    channels = sorted({r["channel"] for r in rows if r["spend_micros"]})
    span = f"the {len(starts)} weeks from {starts[0]} to {starts[-1] + timedelta(days=6)}"
    if not channels:
        return Refusal("NO_DATA", f"No channel has spend in {span}.", len(starts))
    weeks = _weeks(rows, starts, channels)
    if not weeks.orders.sum():
        return Refusal("NO_DATA", f"There are no orders in {span}.", len(starts))
    if weeks.order_value_micros <= 0:
        return Refusal(
            "NO_DATA",
            f"There is no net revenue in the last {ORDER_VALUE_WEEKS} of {span}, so an order's "
            "value is unknown.",
            len(starts),
        )
    doubts = []
    currencies = sorted({r["currency_code"] for r in rows if r["spend_micros"]})
    if len(currencies) > 1:
        doubts.append(f"spend is in several currencies ({', '.join(currencies)})")
    age = (as_of - weeks.end).days
    if age > MAX_AGE_DAYS:
        doubts.append(
            f"the last complete week ended on {weeks.end}, {age} days before {as_of} "
            f"(at most {MAX_AGE_DAYS})"
        )
    doubts += [
        f"the weekly spend of {channel} hardly varies (its standard deviation is {v:.1%} of its "
        "mean), so its effect can't be told from the baseline"
        for channel, v in zip(channels, weeks.spend_variation, strict=True)
        if v < MIN_SPEND_VARIATION
    ]
    if doubts:
        return Refusal("INCONCLUSIVE", _sentence(doubts), len(starts))
    return weeks


def _weeks(rows: Sequence[dict[str, Any]], starts: Sequence[date], channels: list[str]) -> Weeks:
    week_at = {start: i for i, start in enumerate(starts)}
    channel_at = {channel: i for i, channel in enumerate(channels)}
    spend = np.zeros((len(starts), len(channels)), dtype=np.int64)
    orders = np.zeros(len(starts), dtype=np.int64)
    revenue = np.zeros(len(starts), dtype=np.int64)
    for row in rows:
        week = week_at[row["week_start"]]
        orders[week] = row["orders"] or 0
        revenue[week] = row["revenue_micros"] or 0
        if row["channel"] in channel_at:
            # += because a channel with two currencies has two rows per week; refused later
            spend[week, channel_at[row["channel"]]] += row["spend_micros"] or 0
    currency = next(r["currency_code"] for r in rows if r["spend_micros"])
    return Weeks(tuple(starts), tuple(channels), spend, orders, revenue, currency)


def _last_unbroken(rows: Sequence[dict[str, Any]]) -> tuple[list[date], date | None]:
    """The latest unbroken run of complete weeks, and the week that precedes and breaks it.

    Adstock carries from week to week, so a gap can't be skipped.
    """
    complete: dict[date, bool] = {}
    for row in rows:
        week = row["week_start"]
        complete[week] = complete.get(week, True) and bool(row["is_complete"])
    ends = [week for week, whole in complete.items() if whole]
    if not ends:
        return [], max(complete)
    run = [max(ends)]
    while complete.get(run[-1] - _WEEK, False):
        run.append(run[-1] - _WEEK)
    before = run[-1] - _WEEK
    return run[::-1], before if before >= min(complete) else None


def _too_short(usable: Sequence[date], broken_by: date | None, needed: int) -> str:
    if not usable:
        return (
            "No week is complete (with orders, every active ad account and every exchange rate); "
            f"the model needs {needed}."
        )
    broken = (
        f" The week of {broken_by} isn't complete: orders or an ad account don't cover it, or an "
        "exchange rate is missing."
        if broken_by
        else ""
    )
    return (
        f"There are only {len(usable)} consecutive complete weeks, from {usable[0]} to "
        f"{usable[-1] + timedelta(days=6)}; the model needs {needed}.{broken}"
    )


def _late(account: dict[str, Any]) -> str:
    name, day = f"{account['platform']}/{account['account_id']}", account["first_day"]
    return (
        f" {account['platform']} account {account['account_id']} ({account['channel']}) has no "
        f"data before {day}: ingest its earlier days or, if it spent nothing before, say so in "
        f"adcanary.yaml (jobs.mmm.launched: {{{name}: {day}}}) and build again."
    )


def _sentence(doubts: Sequence[str]) -> str:
    text = "; ".join(doubts)
    return f"{text[0].upper()}{text[1:]}."
