"""The arms that don't learn: the status quo, the equal split, and what a buyer would do."""

from __future__ import annotations

import numpy as np

from pipelines.policy_settings import AllocationCaps
from pipelines.sandbox.lab.world import Books, Budgets, World
from pipelines.sandbox.market.truth import Floats

CLAIMED_DAYS = 28
"""The days whose claimed conversions a buyer looks at."""


def status_quo(world: World) -> list[Budgets]:
    """Nothing is ever changed."""
    return [world.present] * world.weeks


def equal_split(world: World) -> list[Budgets]:
    """Every channel gets as much as any other, from the first week on."""
    day = world.decided_on(0) - 1
    spent = world.spent_daily(world.present, day)
    return [world.present * (spent.mean() / spent)[world.channel_of]] * world.weeks


def buyers_rule(world: World, caps: AllocationCaps) -> list[Budgets]:
    """Every week 5% of the budget of the channel that claims the least for its money goes to the
    one that claims the most, within the caps."""
    decided: list[Budgets] = []
    budgets = world.present
    for week in range(world.weeks):
        books = world.run([*decided, budgets])
        budgets = budgets * _moved(world, week, budgets, books, caps)[world.channel_of]
        decided.append(budgets)
    return decided


def _moved(world: World, week: int, budgets: Budgets, books: Books, caps: AllocationCaps) -> Floats:
    day = world.decided_on(week)
    seen = slice(day - CLAIMED_DAYS, day)
    claimed = books.claimed[seen].sum(axis=0) / books.spend[seen].sum(axis=0)
    worst, best = int(claimed.argmin()), int(claimed.argmax())
    spent = world.spent_daily(budgets, day - 1)
    share = caps.max_change_percent / 100
    amount = share * min(spent[worst], spent[best])
    factors = np.ones(len(spent))
    if spent[worst] - amount >= caps.floor(spent.sum()):
        factors[worst] -= amount / spent[worst]
        factors[best] += amount / spent[best]
    return factors
