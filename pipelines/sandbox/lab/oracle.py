"""The best allocations that know the truth: under the caps that proposals are held to, and without.

An oracle multiplies each channel's budgets by a factor a week. Adstock is linear, so the orders of
a path of factors, and their slope, are known in closed form; SLSQP climbs from several starts,
because the curves are S-shaped. It knows the days' noise, too: what it brings is the most that the
caps allow, up to the tolerance of the climb.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import LinearConstraint, minimize

from pipelines.policy_settings import AllocationCaps
from pipelines.sandbox.lab.world import Budgets, World
from pipelines.sandbox.market.truth import Floats

_STEP = 1e-4
"""Of the largest spend: how far apart two spends are whose difference is the slope."""
_GRID = 40


class _Orders:
    """Orders to expect of factors, [week, channel], from the first decision on."""

    def __init__(self, world: World) -> None:
        self.world = world
        base = world.run([world.present]).spend
        self._base: list[Floats] = []
        self._parts: list[Floats] = []
        week = (np.arange(len(world.days)) - world.first) // 7
        for c in range(len(world.channels)):
            adstock = world.truth(c, 0).adstock
            self._base.append(adstock(np.where(week < 0, base[:, c], 0.0))[world.first :])
            parts = [
                adstock(np.where(week == i, base[:, c], 0.0))[world.first :]
                for i in range(world.weeks)
            ]
            self._parts.append(np.array(parts).T)

    def __call__(self, factors: Floats) -> float:
        return float(sum(self._brought(c, factors[:, c])[0] for c in self._range))

    def slope(self, factors: Floats) -> Floats:
        return np.array([self._brought(c, factors[:, c])[1] for c in self._range]).T

    @property
    def _range(self) -> range:
        return range(len(self._base))

    def _brought(self, channel: int, factors: Floats) -> tuple[float, Floats]:
        parts = self._parts[channel]
        worked = self._base[channel] + parts @ factors
        step = _STEP * max(float(worked.max()), 1.0)
        total, slopes = 0.0, np.empty(len(worked))
        day = self.world.decided_on(self.world.scenario.break_week) - self.world.first
        spans = (slice(None, day), slice(day, None))
        for span, at in zip(spans, (0, len(self.world.days)), strict=True):
            saturation = self.world.truth(channel, at).saturation
            here = np.maximum(worked[span], 0.0)
            now = saturation(here)
            total += float(now.sum())
            slopes[span] = (saturation(here + step) - now) / step
        return total, slopes @ parts


def best_path(world: World, caps: AllocationCaps | None) -> list[Budgets]:
    """The budgets of each week that bring the most.

    Args:
        caps: those that a proposal is held to; None for none but that the total doesn't grow.
    """
    orders = _Orders(world)
    shape = (world.weeks, len(world.channels))
    prices = _prices(world)
    scale = orders(np.ones(shape))
    constraints = _constraints(prices, caps)
    # without caps, a factor may be anything that the budget pays for
    most = prices.sum(axis=1).max() / prices.min()
    best, best_value = np.ones(shape), scale
    for start in _starts(world, prices, caps):
        climbed = minimize(
            lambda x: -orders(x.reshape(shape)) / scale,
            start.ravel(),
            jac=lambda x: -orders.slope(x.reshape(shape)).ravel() / scale,
            method="SLSQP",
            bounds=[(0.0, most)] * start.size,
            constraints=constraints,
            options={"maxiter": 100, "ftol": 1e-9},
        )
        for factors in (start, climbed.x.reshape(shape)):
            if _feasible(factors, constraints) and (value := orders(factors)) > best_value:
                best, best_value = factors, value
    return [world.present * row[world.channel_of] for row in np.maximum(best, 0.0)]


def _prices(world: World) -> Floats:
    """What a channel's present budgets cost a day, at the rates of each week's decision, [week,
    channel]."""
    days = [world.decided_on(week) - 1 for week in range(world.weeks)]
    return np.array([world.spent_daily(world.present, day) for day in days])


def _constraints(prices: Floats, caps: AllocationCaps | None) -> list[LinearConstraint]:
    """Rows over all factors: the total never grows, and each step is within the caps."""
    weeks, channels = prices.shape
    rows: list[Floats] = []
    bounds: list[float] = []

    def row(*entries: tuple[int, int, float], most: float) -> None:
        made = np.zeros((weeks, channels))
        for week, channel, value in entries:
            made[week, channel] += value
        rows.append(made.ravel())
        bounds.append(most)

    for week in range(weeks):
        own = prices[week] / prices[week].sum()
        before = () if not week else tuple((week - 1, c, -own[c]) for c in range(channels))
        paid = tuple((week, c, own[c]) for c in range(channels))
        row(*paid, *before, most=0.0 if week else 1.0)
        if caps is None:
            continue
        low, high = caps.change_bounds(1.0)
        floor = caps.floor(1.0)
        for c in range(channels):
            past = week - 1
            for sign, bound in ((1.0, high), (-1.0, low)):
                if week:
                    row((week, c, sign), (past, c, -sign * bound), most=0.0)
                else:
                    row((week, c, sign), most=sign * bound)
            if own[c] >= floor:
                row(
                    *((week, j, floor * own[j] - own[c] * (j == c)) for j in range(channels)),
                    most=0,
                )
    return [LinearConstraint(np.array(rows), -np.inf, np.array(bounds))]


def _feasible(factors: Floats, constraints: list[LinearConstraint]) -> bool:
    return all((c.A @ factors.ravel() <= np.asarray(c.ub) + 1e-6).all() for c in constraints)


def _starts(world: World, prices: Floats, caps: AllocationCaps | None) -> Iterator[Floats]:
    """Towards the best steady split of each side of a break, as fast as the caps allow."""
    days = (world.decided_on(0), world.decided_on(world.weeks) - 1)
    goals = [_best_steady(world, prices[0], day) for day in days]
    for early, late in ((goals[0], goals[0]), (goals[1], goals[1]), (goals[0], goals[1])):
        path, now = [], np.ones(prices.shape[1])
        for week in range(world.weeks):
            goal = early if week < world.scenario.break_week else late
            now = goal if caps is None else _towards(now, goal, prices[week], caps)
            if caps is None:
                now = now * min(1.0, prices[week].sum() / (prices[week] @ now))
            path.append(now)
        yield np.array(path)


def _towards(now: Floats, goal: Floats, prices: Floats, caps: AllocationCaps) -> Floats:
    """One step, that costs no more than before."""
    low, high = caps.change_bounds(1.0)
    change = (np.clip(goal, now * low, now * high) - now) * prices
    up, down = change[change > 0].sum(), -change[change < 0].sum()
    funded = min(up, down)
    if not funded:
        return now
    return now + np.where(change > 0, change * funded / up, change * funded / down) / prices


def _best_steady(world: World, prices: Floats, day: int) -> Floats:
    """The factors of the best constant split, on a grid."""
    shares = np.arange(_GRID + 1) / _GRID
    total = prices.sum()
    steady = np.array(
        [[world.steady(c, day, s * total) for s in shares] for c in range(len(prices))]
    )
    best, chosen = -np.inf, np.ones(len(prices))
    for split in _splits(len(prices), _GRID):
        value = sum(steady[c, part] for c, part in enumerate(split))
        if value > best:
            best, chosen = value, np.array(split) / _GRID * total / prices
    return chosen


def _splits(parts: int, units: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (units,)
        return
    for own in range(units + 1):
        for rest in _splits(parts - 1, units - own):
            yield (own, *rest)
