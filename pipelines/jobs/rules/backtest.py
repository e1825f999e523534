"""What rules would have earned on past weeks, had budgets been theirs.

A budget that wasn't tried has no outcome. It is taken to earn what the one that was tried earned,
on a concave curve through it: ``value × (spend / tried spend) ** elasticity``. The further a budget
is from the tried one, the more the answer is the curve's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.jobs.rules.allocate import Allocator, Unit
from pipelines.jobs.rules.features import comparable
from pipelines.jobs.rules.units import Account, accounts_of
from pipelines.money import MICROS
from pipelines.warehouse import Warehouse

Floats = NDArray[np.float64]
Row = Mapping[str, Any]

EMBARGO_DAYS = 21
"""Between the weeks that tune and those that judge: the week after a decision, and two more in
which its conversions come in."""
ELASTICITY = 0.7
_UNUSED = 0.8  # below this share of its budget, more budget isn't spent


@dataclass(frozen=True)
class Episode:
    """An account on a decision day, and what its units did in the week after.

    ``spend`` and ``value`` (of the order book) are in units of currency, by unit.
    """

    day: date
    units: tuple[Unit, ...]
    spend: Floats
    value: Floats
    clicks: Floats
    impressions: Floats

    @property
    def budgets(self) -> Floats:
        return np.array([unit.budget for unit in self.units])


@dataclass(frozen=True)
class Score:
    """By week, what budgets come to; each array has a row an episode.

    ``value`` is what the budgets would earn for what was spent in all, ``ctr`` clicks for an
    impression, ``moved`` the mean absolute step, ``used`` spend for a budget.
    """

    value: Floats
    ctr: Floats
    moved: Floats
    used: Floats

    @property
    def objectives(self) -> tuple[float, float, float, float]:
        """Value, CTR, stability and utilisation: more is better of each."""
        return (
            float(self.value.mean()),
            float(self.ctr.mean()),
            float(-self.moved.mean()),
            float(self.used.mean()),
        )


def read_episodes(warehouse: Warehouse, start: date, as_of: date) -> list[Episode]:
    """A decision a week from ``start`` on, the last two weeks before ``as_of``."""
    sql = (Path(__file__).parent / "history.sql").read_text()
    rows = comparable(warehouse.query(sql, {"start": start, "as_of": as_of}))
    return episodes_of(rows.to_pylist())


def episodes_of(rows: Iterable[Row]) -> list[Episode]:
    """Episodes in the order of their days.

    Args:
        rows: of history.sql, ordered by day and account. A unit whose week after isn't known, or
            in which it spent nothing, is left out, and an account with fewer than two others.
    """
    return [
        episode
        for _, own in groupby(rows, key=lambda r: (r["date"], r["platform"], r["account_id"]))
        for account_rows in [list(own)]
        for account in accounts_of(account_rows)
        for episode in [_episode(account, account_rows)]
        if len(episode.units) > 1 and episode.value.sum() > 0
    ]


def _episode(account: Account, rows: Sequence[Row]) -> Episode:
    later = {(row["campaign_id"], row["adgroup_id"]): row for row in rows}
    known = [
        (unit, row)
        for unit in account.units
        for row in [later[unit.campaign_id, unit.adgroup_id]]
        if row["next_cost_micros"] and row["next_value_micros"] is not None
    ]
    columns = ("next_cost_micros", "next_value_micros", "next_clicks", "next_impressions")
    numbers = np.array([[float(row[c]) for c in columns] for _, row in known]).reshape(-1, 4)
    numbers[:, :2] = np.maximum(numbers[:, :2], 0) / MICROS
    return Episode(account.as_of, tuple(unit for unit, _ in known), *numbers.T)


def replay(
    episodes: Sequence[Episode], allocator: Allocator, elasticity: float = ELASTICITY
) -> Score:
    """What an allocator's budgets would have come to."""
    return _scored(
        episodes,
        [
            np.array([trace.budget for trace in allocator.allocate(episode.units, None, 7)])
            for episode in episodes
        ],
        elasticity,
    )


def equal_split(episodes: Sequence[Episode], elasticity: float = ELASTICITY) -> Score:
    """What the same budget for all units of an account would have come to."""
    even = [np.full(len(e.units), e.budgets.mean()) for e in episodes]
    return _scored(episodes, even, elasticity)


def _scored(episodes: Sequence[Episode], budgets: Sequence[Floats], elasticity: float) -> Score:
    weeks = [_week(*each, elasticity) for each in zip(episodes, budgets, strict=True)]
    return Score(*np.array(weeks).reshape(-1, 4).T)


def _week(episode: Episode, budgets: Floats, elasticity: float) -> tuple[float, ...]:
    """Value for the money relative to what it was, CTR likewise, mean step and utilisation."""
    steps = budgets / episode.budgets
    unused = episode.spend < _UNUSED * 7 * episode.budgets
    ratio = np.where(unused & (steps > 1), 1.0, steps)
    spend = episode.spend * ratio
    value = float((episode.value * ratio**elasticity).sum() / spend.sum())
    was = float(episode.value.sum() / episode.spend.sum())
    impressions = episode.impressions * ratio
    ctr = float((episode.clicks * ratio).sum() / max(impressions.sum(), 1))
    ctr_was = float(episode.clicks.sum() / max(episode.impressions.sum(), 1))
    return (
        value / was,
        ctr / ctr_was if ctr_was else 1.0,
        float(np.abs(steps - 1).mean()),
        float(spend.sum() / (7 * budgets.sum())),
    )
