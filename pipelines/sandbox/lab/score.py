"""The scores of a run: what each arm brought, and whether what was claimed came true.

Orders are scored as expected by the truth, so that no arm wins by luck; what was claimed of a
proposal is held against the steady response of the day on which it took effect, as it is claimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.money import MICROS
from pipelines.proposals.proposal import Interval
from pipelines.sandbox.lab.hints import Hint, hints, logged
from pipelines.sandbox.lab.loop import ADCANARY, CAPPED, STATUS_QUO, Run, Week
from pipelines.sandbox.lab.world import Books, World
from pipelines.sandbox.market.truth import Floats

LEFT = 0.9
"""Money has left a channel whose budgets are at most this share of what they were."""


@dataclass(frozen=True)
class ArmScore:
    """What one arm brought in the weeks of the run.

    Args:
        conversions: orders to expect, unpaid ones among them.
        orders: those that came, in these random numbers.
        cac: spend over the orders to expect of media, in the reporting currency.
        cac_violations: weeks in which that is over the ceiling.
        weekly: orders to expect, [week].
        ending: orders to expect over the status quo's, in the last four weeks, as a share.
    """

    conversions: float
    orders: int
    spend: float
    cac: float
    cac_violations: int
    weekly: Floats
    ending: float


@dataclass(frozen=True)
class Claim:
    """What one proposal claimed of a week's orders, and what is true."""

    week: int
    claimed: Interval
    true: float

    @property
    def held(self) -> bool:
        """Within the interval that the proposal states, of its 10th to 90th percentile."""
        return self.claimed.p10 <= self.true <= self.claimed.p90


@dataclass(frozen=True)
class SeedScore:
    """One seed.

    Args:
        claims: of approved proposals.
        increases_over: weeks with an approved increase that, in truth, costs more an order than
            the ceiling.
        broken: guardrails that what was carried out breaks, counted anew from the budgets.
        refused: why nothing, or less, was approved, by how often.
        tests: that the approver began.
        useless: budgets of the chasing channel at the end, as a share of those at the beginning;
            None where there is none.
        hints: what other caps would have brought, by the log alone.
    """

    seed: int
    arms: Mapping[str, ArmScore]
    claims: tuple[Claim, ...]
    increases_over: int
    broken: Mapping[str, int]
    refused: Mapping[str, int]
    proposals: int
    approved: int
    tests: int
    useless: float | None
    hints: tuple[Hint, ...]
    seconds: float

    def gain(self, arm: str) -> float:
        """Orders over the status quo's."""
        return self.arms[arm].conversions - self.arms[STATUS_QUO].conversions

    @property
    def captured_gain(self) -> float | None:
        """The platform's share of the gain of the best under the caps; None if that is nothing."""
        most = self.gain(CAPPED)
        return self.gain(ADCANARY) / most if most > 0 else None

    def regret(self, arm: str) -> Floats:
        """Orders that the best under the caps brings more, [week]."""
        return self.arms[CAPPED].weekly - self.arms[arm].weekly


def score(run: Run) -> SeedScore:
    """Score every arm, and what the platform claimed."""
    world, caps = run.world, run.settings.guardrails
    ceiling = caps.cac_ceiling_micros
    books = {name: world.run(list(decided), run.trials(name)) for name, decided in run.arms.items()}
    usual = _weekly(world, books[STATUS_QUO].expected.sum(axis=1))
    most = ceiling / MICROS if ceiling else np.inf
    proposals = [p for week in run.weeks for p in week.advice.drafted.proposals]
    return SeedScore(
        seed=world.seed,
        arms={name: _arm(world, book, usual, most) for name, book in books.items()},
        claims=tuple(claim for week in run.weeks for claim in claims(world, week)),
        increases_over=sum(_over(world, week, most) for week in run.weeks),
        broken=Counter(name for week in run.weeks for name in broken(run, week)),
        refused=Counter(reason for week in run.weeks for reason in _reasons(week)),
        proposals=len(proposals),
        approved=sum(len(week.approved) for week in run.weeks),
        tests=len(run.trials(ADCANARY)),
        useless=_useless(run),
        hints=tuple(hints(logged(run), caps.max_change_percent, run.weeks[-1].reported.as_of)),
        seconds=run.seconds,
    )


def coverage(claims: Sequence[Claim]) -> float | None:
    """Share of claims that came true; None without any."""
    return sum(claim.held for claim in claims) / len(claims) if claims else None


def _weekly(world: World, daily: Floats) -> Floats:
    weekly: Floats = daily[world.first :].reshape(world.weeks, 7).sum(axis=1)
    return weekly


def _arm(world: World, books: Books, usual: Floats, ceiling: float) -> ArmScore:
    weekly = _weekly(world, books.expected.sum(axis=1))
    paid = _weekly(world, books.expected[:, 1:].sum(axis=1))
    spend = _weekly(world, books.spend.sum(axis=1))
    return ArmScore(
        conversions=float(weekly.sum()),
        orders=int(books.orders[world.first :].sum()),
        spend=float(spend.sum()),
        cac=float(spend.sum() / paid.sum()),
        cac_violations=int((spend > ceiling * paid).sum()),
        weekly=weekly,
        ending=float(weekly[-4:].sum() / usual[-4:].sum()),
    )


def claims(world: World, week: Week) -> Iterator[Claim]:
    """What each approved proposal claimed, and its part of what its channel's change brings.

    The change is that of all the channel's proposals, approved or not: a proposal claims its part
    of it.
    """
    day = world.decided_on(week.week)
    now = world.spent_daily(week.before, day - 1)
    rates = week.reported.market.rates
    planned: dict[str, float] = {}
    for proposal in week.advice.drafted.proposals:
        channel = proposal.target.platform
        amount = rates.convert(proposal.delta).micros / MICROS
        planned[channel] = planned.get(channel, 0.0) + amount
    for proposal in week.approved:
        if proposal.effect.orders is None:
            continue
        own = rates.convert(proposal.delta).micros / MICROS
        c = world.channels.index(proposal.target.platform)
        whole = planned[proposal.target.platform]
        brought = world.steady(c, day, now[c] + whole) - world.steady(c, day, now[c])
        yield Claim(week.week, proposal.effect.orders, brought * own / whole)


def broken(run: Run, week: Week) -> Iterator[str]:
    """The caps that a week's change of budgets breaks, from the budgets alone."""
    caps, world = run.settings.guardrails, run.world
    changed = np.abs(week.after - week.before)
    bound = caps.max_change_percent / 100 * week.before
    if (changed > bound * (1 + 1e-9)).any():
        yield "max_change"
    day = world.decided_on(week.week) - 1
    before, after = (world.spent_daily(b, day) for b in (week.before, week.after))
    if after.sum() > before.sum() + 1e-6:
        yield "budget_neutral"
    if ((after < caps.floor(after.sum())) & (after < before)).any():
        yield "channel_floor"
    if np.abs(after - before).sum() / 2 > before.sum() - caps.reserve(before.sum()):
        yield "exploration_reserve"


def _over(world: World, week: Week, ceiling: float) -> bool:
    """Whether an increase was approved of a channel whose further orders cost more than the
    ceiling, in truth."""
    if not week.approved:
        return False
    day = world.decided_on(week.week)
    before, after = (world.spent_daily(b, day - 1) for b in (week.before, week.after))
    for c, (low, high) in enumerate(zip(before, after, strict=True)):
        if high > low * (1 + 1e-9):
            more = world.steady(c, day, high) - world.steady(c, day, low)
            if 7 * (high - low) > ceiling * more:
                return True
    return False


def _reasons(week: Week) -> Iterator[str]:
    """Why less was approved than could have been."""
    advice = week.advice
    if advice.mmm.verdict != "PASS":
        for name in advice.doubts or ("no weeks to fit",):
            yield f"mmm {advice.mmm.verdict}: {name}"
    elif not advice.drafted.proposals:
        worth = any("recommends no shift" in reason for reason in advice.drafted.refused)
        yield "the best split may gain nothing" if worth else "no change is large enough"
    approved = {p.proposal_id for p in week.approved}
    for proposal in advice.drafted.proposals:
        if failed := [c.name for c in proposal.constraints if c.verdict != "PASS"]:
            yield from (f"guardrail: {name}" for name in failed)
        elif proposal.proposal_id not in approved:
            cut = proposal.delta.micros < 0
            yield "a cut that no increase needs" if cut else "no cut pays for it"


def _useless(run: Run) -> float | None:
    if run.world.scenario.chaser is None:
        return None
    own = run.world.channel_of == run.world.channels.index(run.world.scenario.chaser)
    return float(run.arms[ADCANARY][-1][own].sum() / run.world.present[own].sum())


def figures(scores: Sequence[SeedScore]) -> dict[str, Any]:
    """All seeds together: shares are of sums, so that a seed with little to gain weighs little."""
    gained = sum(s.gain(ADCANARY) for s in scores)
    most = sum(s.gain(CAPPED) for s in scores)
    claimed = [claim for s in scores for claim in s.claims]
    useless = [s.useless for s in scores if s.useless is not None]
    ours = [s.arms[ADCANARY] for s in scores]
    return {
        "captured_gain": gained / most if most > 0 else None,
        "cac_violations": sum(arm.cac_violations for arm in ours),
        "coverage": coverage(claimed),
        "claims": len(claimed),
        "increases_over_ceiling": sum(s.increases_over for s in scores),
        "guardrail_violations": dict(sum((Counter(s.broken) for s in scores), Counter())),
        "refused": dict(sum((Counter(s.refused) for s in scores), Counter()).most_common()),
        "proposals": sum(s.proposals for s in scores),
        "approved": sum(s.approved for s in scores),
        "tests": sum(s.tests for s in scores),
        "worse_than_status_quo": max(
            1 - a.conversions / s.arms[STATUS_QUO].conversions
            for a, s in zip(ours, scores, strict=True)
        ),
        "left_useless": sum(share <= LEFT for share in useless) if useless else None,
        "seconds": sum(s.seconds for s in scores),
    }
