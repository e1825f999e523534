"""The split of the present budget: the best under the guardrails' caps and what a plan asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np

from pipelines.allocation_settings import (
    AllocationSettings,
    ChannelSettings,
    EfficiencySettings,
    SpendSettings,
)
from pipelines.errors import ConstraintsConflict
from pipelines.jobs.allocation.certificate import curves_json
from pipelines.jobs.allocation.neutral import Asked, Box, boxes, neutral_problem
from pipelines.jobs.allocation.problem import Goal, Limit, Sense, Target, group
from pipelines.jobs.allocation.solve import Allocation, allocate
from pipelines.jobs.base import significant
from pipelines.jobs.mmm.curves import percentiles
from pipelines.jobs.mmm.decision import STRETCH, claimed, worth
from pipelines.jobs.mmm.engine import Fitted
from pipelines.jobs.mmm.forward import steady
from pipelines.jobs.mmm.panel import Floats
from pipelines.jobs.mmm.weeks import CURRENT_WEEKS, MICRO, Weeks
from pipelines.money import figure, micros, minor_unit
from pipelines.policy_settings import AllocationCaps

DRAWS = 100
"""Where the risk isn't the mean, at most so many draws are decided on: a certificate holds them."""
SETTINGS = "jobs.mmm.allocation"


@dataclass(frozen=True)
class Split:
    """What is recommended.

    Args:
        rows: of contracts.mmm_allocations.
        recommended: whether it is worth it (:func:`.decision.worth`), or the present split
            breaks a plan's limits or targets.
        certificate: a row of contracts.mmm_certificates, if there is anything to split.
        gain: draws of the change in weekly orders, as claimed, [draw].
    """

    rows: list[dict[str, Any]]
    certificate: dict[str, Any] | None
    recommended: bool
    gain: Floats


@dataclass(frozen=True)
class NoSplit:
    """Why there is none that holds what is asked for, and what to loosen."""

    reason: str


def split_budget(
    fitted: Fitted, weeks: Weeks, caps: AllocationCaps, plan: AllocationSettings | None
) -> Split | NoSplit:
    """The best split, with its rows and certificate.

    Channels without current spend have no baseline to change, and are left out; one that the plan
    names stays at 0. What the choice of the best split flatters the changes by (:mod:`.decision`)
    is taken off.

    Raises:
        IntegrityError: the solver proved nothing.
    """
    plan = plan or AllocationSettings()
    if problem := plan.unknown(weeks.channels):
        return NoSplit(f"{SETTINGS}: {problem} in these weeks. Correct the name, or take it out.")
    current = weeks.current_micros
    if not current.any():
        return Split([], None, False, np.zeros(1))
    kept = [i for i, now in enumerate(current) if now or weeks.channels[i] in set(plan.named)]
    names = [weeks.channels[i] for i in kept]
    spent = [int(current[i]) for i in kept]
    bounds = _boxes(spent, caps)
    try:
        allocation = allocate(
            neutral_problem(
                names,
                spent,
                bounds,
                lambda i, spends: _decided(steady(fitted, kept[i], spends / MICRO), plan),
                _asked(plan, dict(zip(names, spent, strict=True)), weeks),
            )
        )
    except ConstraintsConflict as conflict:
        stopped = [c for c, now in zip(names, spent, strict=True) if not now]
        return NoSplit(
            f"No allocation holds what {SETTINGS} asks for, within the guardrails' caps and the "
            f"present budget. {conflict.message} {conflict.fix}"
            + "".join(
                f" {name} spent nothing in the last {CURRENT_WEEKS} weeks, so its spend stays at 0."
                for name in stopped
                if f"caps of {name} at most" in conflict.names
            )
        )
    return _split(fitted, weeks, allocation)


def _boxes(spent: Sequence[int], caps: AllocationCaps) -> list[Box]:
    """The guardrails', of channels that spend; a channel that doesn't stays at 0."""
    active = iter(boxes([now for now in spent if now], caps))
    return [next(active) if now else Box(0, 0) for now in spent]


def _decided(drawn: Floats, plan: AllocationSettings) -> Floats:
    """What is decided on of a channel's draws, [draw, spend]: their mean or, for another risk, as
    many of them as a certificate may hold, as far apart as what is claimed."""
    mean = drawn.mean(axis=0)
    if plan.risk == "mean":
        return mean
    picked = np.linspace(0, len(drawn) - 1, min(DRAWS, len(drawn))).round().astype(np.int64)
    stretched: Floats = mean + STRETCH * (drawn[picked] - mean)
    return stretched


def _asked(plan: AllocationSettings, spent: Mapping[str, int], weeks: Weeks) -> Asked:
    limits: list[Limit] = []
    targets: list[Target] = []
    for name, channel in sorted(plan.channels.items()):
        limits += _limits(name, (name,), channel)
        targets += _targets(name, (name,), channel)
        limits += _step(name, channel, spent[name])
    for name, members in sorted(plan.groups.items()):
        limits += _limits(f"group {name}", members.channels, members)
        targets += _targets(f"group {name}", members.channels, members)
    targets += _targets("all channels", tuple(sorted(spent)), plan)
    return Asked(
        tuple(limits),
        tuple(targets),
        Goal(unit_value=float(weeks.order_value_micros), risk=plan.risk, tail=plan.level),
        partial(_written, weeks.currency_code),
    )


def _limits(name: str, channels: tuple[str, ...], asked: SpendSettings) -> Iterator[Limit]:
    if asked.floor is not None:
        yield Limit(f"floor of {name}", channels, ">=", micros(asked.floor))
    if asked.ceiling is not None:
        yield Limit(f"ceiling of {name}", channels, "<=", micros(asked.ceiling))


def _step(name: str, asked: ChannelSettings, spent: int) -> tuple[Limit, ...]:
    if asked.max_step_percent is None:
        return ()
    share = Decimal(str(asked.max_step_percent)) / 100
    most = int(spent * share)
    return group(f"step of {name}", (name,), spent - most, spent + most)


def _targets(name: str, channels: tuple[str, ...], asked: EfficiencySettings) -> Iterator[Target]:
    if asked.cac_ceiling is not None:
        yield Target(
            f"cost of an order of {name}", channels, "cac", float(micros(asked.cac_ceiling))
        )
    if asked.roas_floor is not None:
        yield Target(f"return of {name}", channels, "roas", asked.roas_floor)


def _written(currency: str, amount: float, sense: Sense) -> str:
    """An amount of micros in what can be paid, rounded to where the bound is looser."""
    unit = minor_unit(currency)
    whole = -(-amount // unit) if sense == "<=" else amount // unit
    return f"{figure(whole * unit, currency, ',')} {currency}"


def _split(fitted: Fitted, weeks: Weeks, allocation: Allocation) -> Split:
    """The rows of the channels that spend, and the change of all together."""
    rows: list[dict[str, Any]] = []
    changes: list[Floats] = []
    for i, channel in enumerate(weeks.channels):
        if not (now := int(weeks.current_micros[i])):
            continue
        then = allocation.spend[channel]
        change = np.diff(steady(fitted, i, np.array([now, then]) / MICRO))[:, 0]
        changes.append(change)
        low, median, high = (significant(float(v)) for v in percentiles(claimed(change)))
        box = _tightest(channel, allocation)
        rows.append(
            {
                "channel": channel,
                "current_weekly_micros": now,
                "proposed_weekly_micros": then,
                "lower_micros": box.lower,
                "upper_micros": box.upper,
                "binding": box.binding(then),
                "delta_orders_p10": low,
                "delta_orders_p50": median,
                "delta_orders_p90": high,
                "order_value_micros": weeks.order_value_micros,
                "currency_code": weeks.currency_code,
            }
        )
    proof = allocation.certificate
    certificate = {
        "certificate": proof.text,
        "curves": curves_json(allocation.problem),
        "gap": significant(proof.gap),
    }
    gain = np.sum(changes, axis=0)
    recommended = worth(gain) or not _allowed(weeks, allocation)
    return Split(
        [r | {"is_recommended": recommended} for r in rows], certificate, recommended, claimed(gain)
    )


def _allowed(weeks: Weeks, allocation: Allocation) -> bool:
    """Whether the present split holds what the plan asks for."""
    present = dict.fromkeys(allocation.problem.channels, 0)
    spent = zip(weeks.channels, weeks.current_micros, strict=True)
    present |= {channel: int(now) for channel, now in spent if channel in present}
    return not allocation.problem.broken(present)


def _tightest(channel: str, allocation: Allocation) -> Box:
    """What the caps and the plan leave a channel by itself."""
    alone = [x for x in allocation.problem.limits if x.channels == (channel,)]
    return Box(
        max(x.bound for x in alone if x.sense == ">="),
        min(x.bound for x in alone if x.sense == "<="),
    )
