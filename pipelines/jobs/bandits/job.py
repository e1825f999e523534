"""The bandits job: spend shared among ads of an ad group, and ad groups of a campaign, where their
own log bears it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import BanditSettings
from pipelines.jobs.bandits.decide import Decision, decide, decision_rows, problem_of
from pipelines.jobs.bandits.delay import MAX_DELAY, delay_distribution, maturity
from pipelines.jobs.bandits.groups import LEVELS, Group, arrivals, first_day, read_groups
from pipelines.jobs.bandits.off_policy import Floats
from pipelines.jobs.base import Outcome, Progress
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

DECISIONS = "contracts.bandit_decisions"
MAX_WINDOW_DAYS = 180
MIN_DELAYED = 50
"""Conversions from which delays are estimated; with fewer, young days are left out."""


class BanditsJobSettings(Section):
    bandits: BanditSettings
    cac_ceiling_micros: int | None


class BanditsJob:
    """Shares of spend by arm (see :class:`pipelines.jobs.base.Job`)."""

    name = "bandits"
    model_version = "thompson-wearout-3"
    tables = (DECISIONS,)
    plots = ()

    def settings(self, settings: Settings) -> BanditsJobSettings:
        return BanditsJobSettings(
            bandits=settings.jobs.bandits,
            cac_ceiling_micros=settings.guardrails.cac_ceiling_micros,
        )

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        days = {"start": first_day(as_of, MAX_WINDOW_DAYS), "as_of": as_of}
        room = Path(__file__).parent
        return {
            "ads": warehouse.query((room / "ads.sql").read_text(), days),
            "lags": warehouse.query((room / "lags.sql").read_text(), days),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: BanditsJobSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        limits = settings.bandits
        start = first_day(as_of, limits.window_days)
        rows = [row for row in inputs["ads"].to_pylist() if row["date"] >= start]
        if not rows:
            return Outcome(
                "NO_DATA",
                f"marts.fct_ad_spend_by_ad_daily has no ad with spend from {start} to {as_of}. "
                "Ingest a platform's ads and build.",
            )
        groups = [group for level in LEVELS for group in read_groups(rows, level, start, as_of)]
        with_choice = [group for group in groups if group.running.sum() > 1]
        shown, delay = _maturity(inputs["lags"], start, as_of)
        problems: list[tuple[Group, str]] = []
        decisions: list[Decision] = []
        for group in with_choice:
            if problem := problem_of(group, limits):
                problems.append((group, problem))
            else:
                decisions.append(decide(group, shown, limits, settings.cac_ceiling_micros))
        progress(f"bandits: {len(decisions)} groups")
        passed = [decision for decision in decisions if decision.verdict == "PASS"]
        figures: dict[str, float | int | str | None] = {
            "groups": len(groups),
            "groups_with_choice": len(with_choice),
            "groups_without_evidence": len(problems),
            "groups_refused": len(decisions) - len(passed),
            "groups_passed": len(passed),
            **{
                f"{level.arm_kind}_groups_passed": sum(d.group.level is level for d in passed)
                for level in LEVELS
            },
            "median_delay_days": delay,
            "policy": limits.policy,
        }
        written = {
            DECISIONS: [
                row for decision in decisions for row in decision_rows(decision, limits, as_of)
            ]
        }
        if passed:
            return Outcome("PASS", _summary(passed, decisions), figures, written)
        return Outcome("INCONCLUSIVE", _refusal(problems, decisions), figures, written)


def _maturity(lags: pa.Table, start: date, as_of: date) -> tuple[Floats, int | None]:
    """By day of the window, the share of its conversions to expect by now; and the median delay.

    GA4 may be behind the platforms: its days are as old as the last of its own conversions makes
    them, or the delays that it hasn't told of yet would look as if they didn't happen.
    """
    ages = np.arange((as_of - start).days + 1)[::-1]
    known = [row for row in lags.to_pylist() if row["date"] >= start]
    arrived = arrivals(known, start, as_of, MAX_DELAY)
    if arrived.sum() < MIN_DELAYED:
        return (ages >= MAX_DELAY).astype(np.float64), None
    days, delays = np.nonzero(arrived)
    behind = len(ages) - 1 - int((days + delays).max())
    within = delay_distribution(ages - behind, arrived)
    return maturity(ages, within), int(np.searchsorted(within, 0.5))


def _summary(passed: list[Decision], decisions: list[Decision]) -> str:
    first = max(passed, key=lambda d: (float((d.share - d.current).max()), d.group.key))
    arm = int((first.share - first.current).argmax())
    group = first.group
    return (
        f"{len(passed)} of {len(decisions)} ad groups and campaigns may be shared anew. The "
        f"largest change: {group.level.arm} {group.arms[first.running[arm]]} of {group.name} from "
        f"{first.current[arm]:.0%} to {first.share[arm]:.0%} of its {group.level.group}'s spend "
        f"(best with a probability of {first.posterior.best[arm]:.0%})."
    )


def _refusal(problems: list[tuple[Group, str]], decisions: list[Decision]) -> str:
    if decisions:
        first = decisions[0]
        return (
            f"None of {len(decisions)} ad groups and campaigns may be shared anew. "
            f"{first.group.name}: {first.reason}"
        )
    if problems:
        group, problem = problems[0]
        return (
            f"None of {len(problems)} ad groups and campaigns has enough to decide on. "
            f"{group.name}: {problem}."
        )
    return (
        "No ad group has two ads that cost anything in the last week, and no campaign two such ad "
        "groups: there is no choice."
    )
