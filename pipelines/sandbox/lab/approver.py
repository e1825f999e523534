"""The scripted approver: approves what passes, cuts no more than what passes can use, and runs the
tests that mmm asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from pipelines.jobs.mmm.assumptions import FOLLOWS
from pipelines.jobs.mmm.experiment import LEVEL, POWER
from pipelines.jobs.mmm.panel import Floats
from pipelines.money import MICROS, Money, Rates, total
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.proposal import Proposal
from pipelines.sandbox.lab.platform import Advice
from pipelines.sandbox.lab.trials import BEFORE_WEEKS
from pipelines.sandbox.lab.world import Budgets, Trial, World
from pipelines.sandbox.market.portfolio import PLATFORMS

CHANGE, WEEKS = 0.4, 4
APART_WEEKS = 8
"""From a test of a channel to its next."""
MOVED = 0.05
"""Of all money: how much more a channel may spend than when it was last tested."""


def approve(proposals: Sequence[Proposal], rates: Rates) -> tuple[Proposal, ...]:
    """The proposals that are approved.

    Cuts come first, the largest at the head, until they pay for the increases that pass. Then an
    increase is approved if the cuts so far leave enough for it, as the ledger asks.
    """
    passing = [p for p in proposals if p.verdict == "PASS"]
    worth = {p.proposal_id: rates.convert(p.delta) for p in passing}

    def size(proposal: Proposal) -> tuple[int, str]:
        return -abs(worth[proposal.proposal_id].micros), proposal.proposal_id

    increases = sorted((p for p in passing if p.delta.micros > 0), key=size)
    wanted = total((worth[p.proposal_id] for p in increases), rates.target)
    left, approved = Money(0, rates.target), []
    for cut in sorted((p for p in passing if p.delta.micros < 0), key=size):
        if left < wanted:
            approved.append(cut)
            left = left - worth[cut.proposal_id]
    for increase in increases:
        if worth[increase.proposal_id] <= left:
            approved.append(increase)
            left = left - worth[increase.proposal_id]
    return tuple(approved)


def asked_for(advice: Advice, rates: Rates, caps: GuardrailSettings) -> frozenset[str]:
    """The channels of which more must be known: those whose spend follows demand, as a refusal of
    mmm says; those that moved, as fidelity says; and, where no increase passes, the one with the
    cheapest of those that fail the CAC ceiling at the pessimistic end of their claim, and not in
    its middle."""
    if any(FOLLOWS in doubt for doubt in advice.doubts):
        return frozenset(channel for channel in PLATFORMS if channel in advice.mmm.reason)
    if moved := {channel for channel in PLATFORMS if any(channel in why for why in advice.stops)}:
        return frozenset(moved)
    ceiling = caps.cac_ceiling_micros
    rising = [p for p in advice.drafted.proposals if p.delta.micros > 0 and p.effect.orders]
    if not ceiling or any(p.verdict == "PASS" for p in rising):
        return frozenset()
    middle = {
        p.target.platform: rates.convert(p.effect.spend).micros / p.effect.orders.p50
        for p in rising
        if p.effect.orders
        and p.effect.orders.p50 > 0
        and any(c.name == "cac_ceiling" and c.verdict != "PASS" for c in p.constraints)
    }
    cheapest = min(middle, key=lambda channel: middle[channel], default=None)
    return frozenset({cheapest} if cheapest and middle[cheapest] < ceiling else ())


def taken_back(world: World, budgets: Budgets, advice: Advice, caps: GuardrailSettings) -> Budgets:
    """The budgets after a step back, while shifts are stopped: what was added to channels whose
    claims a click fell goes to those that were cut, within the cap on one change."""
    fell = [c for c, name in enumerate(world.channels) if _fell(name, advice.stops)]
    cap, start = caps.max_change_percent / 100, world.present
    added = np.isin(world.channel_of, fell) & (budgets > start)
    rate = world.rate(world.decided_on(0) - 1)
    less = np.where(added, np.minimum(budgets - start, cap * budgets), 0.0)
    lost = np.where(added, 0.0, np.clip(start - budgets, 0.0, cap * budgets))
    if not less.any() or not lost.any():
        return budgets
    # whole cents, and no more is given than goes
    less = _cents(less * min(float((lost * rate).sum() / (less * rate).sum()), 1.0))
    more = _cents(lost * min(float((less * rate).sum() / (lost * rate).sum()), 1.0))
    return budgets - less + more


def _cents(amounts: Budgets) -> Budgets:
    rounded: Budgets = np.floor(amounts * 100) / 100
    return rounded


def _fell(channel: str, stops: Sequence[str]) -> bool:
    return any(channel in why and re.search(r"\(-\d+%\)", why) for why in stops)


@dataclass(frozen=True)
class Design:
    """What a test of a channel would be like, as the channel's curve has it.

    Args:
        spends, orders: the curve, a week.
        now: present weekly spend.
        error: standard error of what it measures, in orders.
    """

    spends: Floats
    orders: Floats
    now: float
    error: float

    @classmethod
    def all(cls, advice: Advice) -> dict[str, Design]:
        """By channel; none where the platform says nothing of the weeks to come."""
        if not advice.expected:
            return {}
        weekly = float(np.mean(list(advice.expected.values())))
        error = float(np.sqrt(WEEKS * weekly * (1 + WEEKS / BEFORE_WEEKS)))
        return {
            channel: cls(
                np.array([row["weekly_spend_micros"] / MICROS for row in rows]),
                np.array([row["orders_p50"] for row in rows]),
                next(row["weekly_spend_micros"] / MICROS for row in rows if row["is_current"]),
                error,
            )
            for channel, rows in advice.steady_curves.items()
        }

    def brings(self, spend: float) -> float:
        return float(np.interp(spend, self.spends, self.orders))

    @property
    def tells(self) -> bool:
        """Whether it tells what the curve claims from nothing."""
        more, less = (self.brings(self.now * (1 + side * CHANGE)) for side in (1, -1))
        sure = float(norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER))
        return WEEKS * (more - less) / 2 > sure * self.error

    def is_cheap(self, grown: float) -> bool:
        """Whether it costs at most half of what a growth of the weekly spend is said to bring."""
        halves = [self.brings(self.now * (1 + side * CHANGE)) for side in (1, -1)]
        cost = self.brings(self.now) - sum(halves) / 2
        return cost <= (self.brings(self.now) - self.brings(self.now - grown)) / 2


def begun(
    world: World,
    week: int,
    asked: Set[str],
    trials: Sequence[Trial],
    budgets: Sequence[Budgets],
    *,
    designs: Mapping[str, Design],
) -> Iterator[Trial]:
    """The tests that the approver begins in a week: of channels of which more must be known; of
    those that never were tested, if a test tells; and of those that have grown by a twentieth of
    all money since their last, or since the first week, if it tells or is cheap.

    Args:
        designs: of tests, by channel.
        budgets: of the first week and of each since, up to those that are decided on now.
    """
    day = world.decided_on(week) - 1
    spent = np.array([world.spent_daily(b, day) for b in budgets])
    for c, channel in enumerate(world.channels):
        own = [t.week for t in trials if t.channel == channel]
        if own and week - own[-1] < APART_WEEKS:
            continue
        grown = spent[-1, c] - spent[own[-1] + 1 if own else 0, c]
        design = designs.get(channel)
        tells = design is not None and design.tells
        checked = tells or (design is not None and design.is_cheap(7 * grown))
        due = (tells and not own) or (checked and grown > MOVED * spent[-1].sum())
        if channel in asked or due:
            yield Trial(channel, week, WEEKS, CHANGE)
