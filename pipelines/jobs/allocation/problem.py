"""What is allocated: response curves, limits on spend, targets, and what is to be the most.

Amounts are whole numbers of one unit of money (micros of one currency, elsewhere in adcanary). A
curve is linear between its knots, draw by draw: what is proven later is proven of these curves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipelines.errors import UsageError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Sense = Literal["<=", ">="]
Measure = Literal["conversions", "revenue", "margin", "least spend", "most spend"]
Risk = Literal["mean", "p10", "cvar"]

_LARGEST = 2**53
"""Whole numbers up to here are exact as floats."""
_EXACT = 1e-12
"""What floats can say of a target."""


@dataclass(frozen=True)
class Curve:
    """The incremental outcome of a channel by its spend.

    Args:
        spend: increasing whole amounts, [knot].
        outcome: posterior draws, [draw, knot]; the same draws in every channel.
    """

    channel: str
    spend: Ints
    outcome: Floats


@dataclass(frozen=True)
class Limit:
    """The spend of some channels together is at most, or at least, ``bound``.

    Args:
        fixed: nobody may loosen it, so it is no remedy of a conflict.
    """

    name: str
    channels: tuple[str, ...]
    sense: Sense
    bound: int
    fixed: bool = False

    def slack(self, spend: Mapping[str, int]) -> int:
        """How far the bound is off; negative where it is broken."""
        value = sum(spend[channel] for channel in self.channels)
        return self.bound - value if self.sense == "<=" else value - self.bound


@dataclass(frozen=True)
class Target:
    """Spend for a unit of outcome at most (``cac``), or value for a unit of spend at least
    (``roas``), of some channels together; their outcome is taken at the goal's risk level."""

    name: str
    channels: tuple[str, ...]
    kind: Literal["cac", "roas"]
    bound: float


@dataclass(frozen=True)
class Goal:
    """What is to be the most: outcome, its value, its value less what is spent, or spend alone.

    Args:
        unit_value: value of a unit of outcome, in the unit of money.
        risk: over draws: their mean; the 10th percentile (the least draw that at least ``tail`` of
            the draws don't exceed); or the mean of the lowest ``tail`` of them.
        channels: whose outcome and spend count; all, if empty.
    """

    measure: Measure = "conversions"
    unit_value: float = 1.0
    risk: Risk = "mean"
    tail: float = 0.1
    channels: tuple[str, ...] = ()

    @property
    def factor(self) -> float:
        """Of outcome in the objective."""
        if self.measure in ("least spend", "most spend"):
            return 0.0
        return 1.0 if self.measure == "conversions" else self.unit_value

    @property
    def spend_factor(self) -> int:
        """Of what is spent, which the objective loses."""
        return {"margin": 1, "least spend": 1, "most spend": -1}.get(self.measure, 0)

    @property
    def share(self) -> float:
        """Of the draws that count: the mean is the mean of the lowest of all."""
        return 1.0 if self.risk == "mean" else self.tail

    def objective(self, outcome: Floats, spent: int) -> float:
        """Of the outcome of the goal's channels together, [draw]."""
        return self.factor * self.level(outcome) - self.spend_factor * spent

    def level(self, outcome: Floats) -> float:
        """Draws at the risk level."""
        ordered = np.sort(outcome)
        if self.risk == "p10":
            return float(ordered[self.rank(len(ordered)) - 1])
        return math.fsum(ordered * tail_weights(len(ordered), self.share))

    def rank(self, draws: int) -> int:
        """The 10th percentile is the draw of this rank, from 1."""
        return max(1, math.ceil(self.tail * draws - 1e-9))

    def cost(self, target: Target) -> float:
        """The most that may be spent for a unit of outcome."""
        return target.bound if target.kind == "cac" else self.unit_value / target.bound


def plainly(amount: float, _: Sense) -> str:
    """An amount in its unit."""
    return f"{amount:,}" if isinstance(amount, int) else f"{amount:,.6g}"


@dataclass(frozen=True)
class Problem:
    """Curves in the order of their names, so that no other order can matter.

    Args:
        written: how conflicts write an amount of money, rounded to where it is looser.

    Raises:
        UsageError: it contradicts itself, in a way that no split could mend.
    """

    curves: tuple[Curve, ...]
    limits: tuple[Limit, ...] = ()
    targets: tuple[Target, ...] = ()
    goal: Goal = Goal()
    written: Callable[[float, Sense], str] = plainly

    def __post_init__(self) -> None:
        object.__setattr__(self, "curves", tuple(sorted(self.curves, key=lambda c: c.channel)))
        if reason := self._wrong():
            raise UsageError(
                f"This can't be allocated: {reason}.",
                kept="nothing was allocated.",
                fix="Mend the curves, limits or targets that were handed over.",
            )

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(curve.channel for curve in self.curves)

    @property
    def counted(self) -> tuple[str, ...]:
        """Channels whose outcome and spend the objective has."""
        return self.goal.channels or self.channels

    @property
    def all_limits(self) -> tuple[Limit, ...]:
        """Those of the curves' own range first: nothing is known beyond it."""
        ranges = []
        for curve in self.curves:
            name, least, most = curve.channel, int(curve.spend[0]), int(curve.spend[-1])
            ranges.append(Limit(f"curve of {name} begins", (name,), ">=", least))
            ranges.append(Limit(f"curve of {name} ends", (name,), "<=", most))
        return (*ranges, *self.limits)

    @property
    def draws(self) -> int:
        return int(self.curves[0].outcome.shape[0])

    @property
    def constraints(self) -> tuple[Limit | Target, ...]:
        """Those that were asked for."""
        return (*self.limits, *self.targets)

    def outcomes(self, spend: Mapping[str, int]) -> dict[str, Floats]:
        """Of each channel, [draw]."""
        return {c.channel: at(c, np.array([spend[c.channel]]))[:, 0] for c in self.curves}

    def objective(self, spend: Mapping[str, int]) -> float:
        outcomes = self.outcomes(spend)
        outcome = np.sum([outcomes[c] for c in self.counted], axis=0)
        return self.goal.objective(outcome, sum(spend[c] for c in self.counted))

    def target_level(self, target: Target, spend: Mapping[str, int]) -> float:
        """Outcome of the target's channels at the risk level."""
        outcomes = self.outcomes(spend)
        return self.goal.level(np.sum([outcomes[c] for c in target.channels], axis=0))

    def broken(self, spend: Mapping[str, int]) -> list[str]:
        """Names of the limits and targets that a split doesn't hold."""
        names = [limit.name for limit in self.all_limits if limit.slack(spend) < 0]
        for target in self.targets:
            spent = sum(spend[c] for c in target.channels)
            allowed = self.goal.cost(target) * self.target_level(target, spend)
            if spent - allowed > _EXACT * abs(allowed):
                names.append(target.name)
        return names

    def _wrong(self) -> str | None:
        names = [curve.channel for curve in self.curves]
        constraints = [*(c.name for c in self.all_limits), *(c.name for c in self.targets)]
        if not names or len(set(names)) < len(names):
            return "every channel needs one curve"
        if len(set(constraints)) < len(constraints):
            return "two of its constraints have one name"
        for constraint in self.constraints:
            members = constraint.channels
            if not members or len(set(members)) < len(members) or not set(members) <= set(names):
                return f"'{constraint.name}' doesn't name channels that have curves, each once"
        if not set(self.goal.channels) <= set(names):
            return "the goal names channels that have no curve"
        return self._wrong_numbers()

    def _wrong_numbers(self) -> str | None:
        draws = self.curves[0].outcome.shape[0]
        for curve in self.curves:
            shape = (draws, len(curve.spend))
            if not draws or not len(curve.spend) or curve.outcome.shape != shape:
                return f"the curve of {curve.channel} isn't [{draws} draws, knots]"
            if (
                curve.spend[0] < 0
                or curve.spend[-1] > _LARGEST
                or (np.diff(curve.spend) <= 0).any()
            ):
                return f"the spend of {curve.channel} isn't increasing from 0 or more"
            if not np.isfinite(curve.outcome).all():
                return f"the outcome of {curve.channel} isn't finite"
        if any(not isinstance(limit.bound, int) for limit in self.limits):
            return "a limit isn't a whole amount"
        goal = self.goal
        bounds = [goal.unit_value, *(target.bound for target in self.targets)]
        if not all(math.isfinite(b) and b > 0 for b in bounds) or not 0 < goal.tail <= 1:
            return "targets and the value of a unit are over 0, and the tail is a share"
        return None


def at(curve: Curve, spend: Ints) -> Floats:
    """Outcome between the knots, [draw, spend]; the spends are within the curve's range."""
    if len(curve.spend) == 1:
        return np.repeat(curve.outcome, len(spend), axis=1)
    right = np.clip(np.searchsorted(curve.spend, spend), 1, len(curve.spend) - 1)
    left = right - 1
    part = (spend - curve.spend[left]) / (curve.spend[right] - curve.spend[left])
    value: Floats = curve.outcome[:, left] * (1 - part) + curve.outcome[:, right] * part
    return value


def tail_weights(draws: int, tail: float) -> Floats:
    """Weights of the ascending draws whose weighted sum is the mean of the lowest ``tail``."""
    size = max(1.0, tail * draws)
    return np.clip(size - np.arange(draws), 0, 1) / size


def total(channels: Sequence[str], least: int | None, most: int | None) -> tuple[Limit, ...]:
    """The whole budget."""
    return group("budget", channels, least, most)


def group(
    name: str, channels: Sequence[str], least: int | None, most: int | None
) -> tuple[Limit, ...]:
    """Some channels together; a channel alone has its floor and ceiling so."""
    limits = []
    if least is not None:
        limits.append(Limit(f"{name} at least", tuple(channels), ">=", least))
    if most is not None:
        limits.append(Limit(f"{name} at most", tuple(channels), "<=", most))
    return tuple(limits)


def step(
    channel: str, current: int, share: float | None = None, amount: int | None = None
) -> tuple[Limit, ...]:
    """A channel moves by at most a share of what it has, and by at most an amount."""
    limits: list[Limit] = []
    if share is not None:
        least, most = math.ceil(current * (1 - share)), math.floor(current * (1 + share))
        limits += group(f"relative step of {channel}", (channel,), max(0, least), most)
    if amount is not None:
        least, most = max(0, current - amount), current + amount
        limits += group(f"absolute step of {channel}", (channel,), least, most)
    return tuple(limits)
