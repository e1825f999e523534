"""What is measured of tests, in which a channel's spend is raised in one half of the regions, and
lowered as much in the other.

The halves are drawn for each channel, so that several may be tested at once, and the total stays
what it is. What is counted is the difference of both halves' orders, less what it was before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.money import MICROS
from pipelines.sandbox.lab.world import Books, Trial, World
from pipelines.sandbox.market.portfolio import CURRENCY

BEFORE_WEEKS = 26
"""That tell how the halves differ by themselves."""
COUNTED_DAYS = 5
"""After a test, to the end of the week."""

EXPERIMENTS = pa.schema(
    [
        ("account_id", pa.string()),
        ("experiment_id", pa.string()),
        ("channel", pa.string()),
        ("start_date", pa.date32()),
        ("end_date", pa.date32()),
        ("counted_to", pa.date32()),
        ("spend_test_micros", pa.int64()),
        ("spend_baseline_micros", pa.int64()),
        ("spend_delta_micros", pa.int64()),
        ("outcome", pa.string()),
        ("effect", pa.float64()),
        ("standard_error", pa.float64()),
        ("population_share", pa.float64()),
        ("geos", pa.string()),
        ("currency_code", pa.string()),
    ]
)


def measured(world: World, books: Books, trials: Sequence[Trial], week: int) -> pa.Table:
    """What is known of tests when a week's decision is due, as experiments.sql reads it."""
    done = [t for t in trials if _counted_to(world, t) <= world.as_of(week)]
    rows = [_row(world, books, trial) for trial in done]
    return pa.Table.from_pylist(rows, schema=EXPERIMENTS)


def _counted_to(world: World, trial: Trial) -> date:
    begins = world.days[world.days_of(trial).start]  # it may end after the run
    return begins + timedelta(days=7 * trial.weeks + COUNTED_DAYS - 1)


def _row(world: World, books: Books, trial: Trial) -> dict[str, Any]:
    days = world.days_of(trial)
    counted = slice(days.start, days.stop + COUNTED_DAYS)
    before = slice(world.first - 7 * BEFORE_WEEKS, world.first)
    share = (counted.stop - counted.start) / (7 * BEFORE_WEEKS)
    difference = _difference(world, books, trial, counted)
    difference -= share * _difference(world, books, trial, before)
    variance = books.orders[counted].sum() + share**2 * books.orders[before].sum()
    half = float(books.spend[days, world.channels.index(trial.channel)].sum()) / 2
    more, less = (round(half * (1 + side * trial.change) * MICROS) for side in (1, -1))
    return {
        "account_id": "lab",
        "experiment_id": f"{trial.channel}-{trial.week}",
        "channel": trial.channel,
        "start_date": world.days[days.start],
        "end_date": world.days[days.stop - 1],
        "counted_to": _counted_to(world, trial),
        "spend_test_micros": more,
        "spend_baseline_micros": less,
        "spend_delta_micros": more - less,
        "outcome": "orders",
        "effect": float(difference),
        "standard_error": float(np.sqrt(variance)),
        "population_share": 0.5,
        "geos": None,
        "currency_code": CURRENCY,
    }


def _difference(world: World, books: Books, trial: Trial, days: slice) -> float:
    """Orders of the channel's first half of the regions less those of its second.

    Every combination of halves is a group of regions. Given the orders of a day, which group each
    is of is multinomial, since they are Poisson.
    """
    channels = len(world.channels)
    groups = np.array(list(product((0, 1), repeat=channels)))
    nothing = books.expected[days, 0].sum()
    halves = books.halves[:, days].sum(axis=1)
    expected = nothing + halves[groups, np.arange(channels)].sum(axis=1)
    random = np.random.default_rng([world.seed, 86, days.start, days.stop])
    orders = random.multinomial(int(books.orders[days].sum()), expected / expected.sum())
    side = 1 - 2 * groups[:, world.channels.index(trial.channel)]
    return float((side * orders).sum())
