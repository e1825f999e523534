"""Splits a channel's week over campaigns and days, so that the parts sum to it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.jobs.base import significant

Floats = npt.NDArray[np.float64]
Cell = tuple[date, str, str, str]
"""Day, platform, account and campaign."""

NONE = "(none)"
MICROS = 1_000_000
PERCENTILES = (10, 50, 90)
_Z90 = 1.2815515655446004


@dataclass
class Weights:
    """What is known of a channel's week, by cell.

    Args:
        counted: conversions that the linear rule credits, from journeys.
        weighed: the same, each channel group weighed as the Markov chain weighs it.
        spend: in micros of the reporting currency.
    """

    counted: dict[Cell, float] = field(default_factory=lambda: defaultdict(float))
    weighed: dict[Cell, float] = field(default_factory=lambda: defaultdict(float))
    spend: dict[Cell, float] = field(default_factory=lambda: defaultdict(float))


@dataclass(frozen=True)
class Split:
    """A week's cells with their shares.

    Args:
        basis: what the shares are by: markov, linear, spend or none.
        cells: in order.
        shares: they sum to 1, [cell].
        counted: conversions behind each share, [cell]; None where the shares are not a sample's.
    """

    basis: str
    cells: tuple[Cell, ...]
    shares: Floats
    counted: Floats | None


def monday(day: date) -> date:
    """First day of its week."""
    return day - timedelta(days=day.weekday())


def group_factors(groups: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How much more the Markov chain credits each channel group than the linear rule does."""
    return {
        row["channel"]: row["markov_micros"] / row["linear_micros"]
        for row in groups
        if row["linear_micros"]
    }


def read_weights(
    days: Sequence[Mapping[str, Any]], factors: Mapping[str, float]
) -> dict[tuple[str, date], Weights]:
    """Rows of campaign_days.sql by the media mix model's channel and week.

    A campaign is of the channel that its last spend was of; what has none is of its platform.
    """
    channel_of = {
        (row["platform"], row["account_id"], row["campaign_id"]): row["channel"]
        for row in days
        if row["channel"] is not None
    }
    by_week: dict[tuple[str, date], Weights] = defaultdict(Weights)
    for row in days:
        key = (row["platform"], row["account_id"], row["campaign_id"])
        weights = by_week[channel_of.get(key, row["platform"]), monday(row["date"])]
        cell = (row["date"], *key)
        if row["linear_micros"]:
            counted = row["linear_micros"] / MICROS
            weights.counted[cell] += counted
            weights.weighed[cell] += counted * factors.get(row["default_channel_group"], 1.0)
        if row["spend_micros"]:
            weights.spend[cell] += row["spend_micros"]
    return by_week


def split_week(
    week_start: date, weights: Weights | None, *, is_weighed: bool, min_credit: float
) -> Split:
    """How a channel's week is shared: by credit where journeys saw enough, else by spend.

    A week of which neither is known, such as one that only lives on the spend of before, is no
    campaign's: it is spread over its days.
    """
    weights = weights or Weights()
    credit, spend = sum(weights.weighed.values()), sum(weights.spend.values())
    if credit > 0 and (sum(weights.counted.values()) >= min_credit or spend == 0):
        cells = tuple(sorted(weights.weighed))
        shares = np.array([weights.weighed[cell] for cell in cells]) / credit
        counted = np.array([weights.counted[cell] for cell in cells])
        return Split("markov" if is_weighed else "linear", cells, shares, counted)
    if spend > 0:
        cells = tuple(sorted(weights.spend))
        shares = np.array([weights.spend[cell] for cell in cells]) / spend
        return Split("spend", cells, shares, None)
    cells = tuple((week_start + timedelta(days=i), NONE, NONE, NONE) for i in range(7))
    return Split("none", cells, np.full(7, 1 / 7), None)


def split_rows(
    contribution: Mapping[str, Any], split: Split, seed: int, draws: int
) -> list[dict[str, Any]]:
    """Rows of contracts.attribution_reconciled_daily of one channel and week.

    The interval is of the product of two things drawn apart: the channel's orders, from a normal
    distribution with two widths that has the model's percentiles, and the share, as if the
    conversions behind it were drawn again (a Bayesian bootstrap: gamma variates). A share by
    spend is not drawn: that spend brings alike is an assumption, and no sample tells its error.
    """
    channel, week_start = contribution["channel"], contribution["week_start"]
    total = contribution["orders_mean"]
    means = [significant(float(total * share)) for share in split.shares]
    largest = int(np.argmax(np.abs(split.shares)))
    means[largest] = total - sum(m for i, m in enumerate(means) if i != largest)
    name = int.from_bytes(hashlib.sha256(channel.encode()).digest()[:4])
    random = np.random.default_rng([seed, week_start.toordinal(), name])
    drawn = _orders(contribution, random.standard_normal(draws))[:, None] * _shares(
        split, random, draws
    )
    intervals = np.percentile(drawn, PERCENTILES, axis=0).T
    rows = []
    for (day, platform, account_id, campaign_id), mean, interval in zip(
        split.cells, means, intervals, strict=True
    ):
        low, median, high = (significant(float(value)) for value in interval)
        rows.append(
            {
                "channel": channel,
                "week_start": week_start,
                "date": day,
                "platform": platform,
                "account_id": account_id,
                "campaign_id": campaign_id,
                "basis": split.basis,
                "orders_mean": mean,
                "orders_p10": low,
                "orders_p50": median,
                "orders_p90": high,
                "mmm_run_id": contribution["run_id"],
            }
        )
    return rows


def _orders(contribution: Mapping[str, Any], normal: Floats) -> Floats:
    low, median, high = (contribution[f"orders_p{p}"] for p in PERCENTILES)
    width = np.where(normal < 0, median - low, high - median) / _Z90
    return median + normal * width


def _shares(split: Split, random: np.random.Generator, draws: int) -> Floats:
    if split.counted is None:
        return np.broadcast_to(split.shares, (draws, len(split.shares)))
    weight = random.gamma(split.counted, size=(draws, len(split.counted)))
    weight *= split.shares / split.counted
    whole: Floats = weight.sum(axis=1, keepdims=True)
    return weight / whole
