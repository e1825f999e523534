"""The loop: every week the platform advises, the approver decides, and the market goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from pipelines.config import JobsSettings, MmmSettings, Settings
from pipelines.jobs.mmm.engines import remembered
from pipelines.money import MICROS
from pipelines.policy_settings import GuardrailSettings, PolicySettings
from pipelines.proposals.proposal import Proposal
from pipelines.sandbox.lab.approver import Design, approve, asked_for, begun, taken_back
from pipelines.sandbox.lab.oracle import best_path
from pipelines.sandbox.lab.platform import Advice, Platform
from pipelines.sandbox.lab.reports import Reported, report
from pipelines.sandbox.lab.rules import buyers_rule, equal_split, status_quo
from pipelines.sandbox.lab.scenario import Scenario
from pipelines.sandbox.lab.world import Budgets, Trial, World

ADCANARY, STATUS_QUO, EQUAL, BUYER = "adcanary", "status quo", "equal split", "buyer's rule"
CAPPED, UNCAPPED = "best under the caps", "best without caps"
Progress = Callable[[str], None]

SETTINGS = Settings(
    jobs=JobsSettings(mmm=MmmSettings(engines=("ensemble",), horizons=(4,), curve_points=11)),
    policy=PolicySettings(guardrails=GuardrailSettings(cac_ceiling_micros=80_000_000)),
)
"""The sandbox's, with the leading engine alone and fewer points of curves."""


@dataclass(frozen=True)
class Week:
    """One decision.

    Args:
        reported: what was known.
        before, after: the budgets, [campaign].
        trials: tests that begin.
    """

    week: int
    reported: Reported
    advice: Advice
    approved: tuple[Proposal, ...]
    before: Budgets
    after: Budgets
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Run:
    """One seed: the budgets that each arm decided on, week by week, and the platform's decisions.

    Args:
        seconds: that the platform's weeks took.
    """

    world: World
    settings: Settings
    arms: Mapping[str, Sequence[Budgets]]
    weeks: tuple[Week, ...]
    seconds: float

    def trials(self, arm: str) -> tuple[Trial, ...]:
        """The tests of an arm: only adcanary's approver runs any."""
        return tuple(t for week in self.weeks for t in week.trials) if arm == ADCANARY else ()


def run_seed(
    scenario: Scenario,
    seed: int,
    weeks: int,
    progress: Progress,
    settings: Settings = SETTINGS,
) -> Run:
    """Run every arm on one seed; the same arguments give the same decisions."""
    world, caps = World(scenario, seed, weeks), settings.guardrails
    began = perf_counter()
    decided = run_platform(world, settings, progress)
    seconds = perf_counter() - began
    progress("the best allocations")
    return Run(
        world,
        settings,
        {
            ADCANARY: [week.after for week in decided],
            STATUS_QUO: status_quo(world),
            EQUAL: equal_split(world),
            BUYER: buyers_rule(world, caps),
            CAPPED: best_path(world, caps),
            UNCAPPED: best_path(world, None),
        },
        tuple(decided),
        seconds,
    )


def run_platform(world: World, settings: Settings, progress: Progress) -> list[Week]:
    """The platform's weeks: what it says of what was reported is approved and carried out."""
    platform, decided, budgets = Platform(settings), list[Week](), world.present
    with remembered():
        for week in range(world.weeks):
            progress(f"week {week + 1} of {world.weeks}")
            trials = [t for w in decided for t in w.trials]
            books = world.run([*(w.after for w in decided), budgets], trials)
            reported = report(world, books, budgets, week, trials)
            advice = platform.advise(reported)
            approved = approve(advice.drafted.proposals, reported.market.rates)
            after = carried_out(world, budgets, approved)
            if not approved:
                after = taken_back(world, budgets, advice, settings.guardrails)
            known = [world.present, *(w.after for w in decided), after]
            asked = asked_for(advice, reported.market.rates, settings.guardrails)
            designs = Design.all(advice)
            tests = tuple(begun(world, week, asked, trials, known, designs=designs))
            decided.append(Week(week, reported, advice, approved, budgets, after, tests))
            budgets = after
    return decided


def carried_out(world: World, budgets: Budgets, approved: Sequence[Proposal]) -> Budgets:
    """The budgets after what was approved is carried out: each is what its proposal proposes."""
    at = {plan.campaign.campaign_id: i for i, plan in enumerate(world.plans)}
    after = np.array(budgets)
    for proposal in approved:
        proposed = int(proposal.change.to_value)
        after[at[proposal.target.campaign_id]] = proposed / MICROS
    return after
