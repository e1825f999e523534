"""The bandits job: each ad group's spend shared among its ads, where its own log bears it."""

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
from pipelines.jobs.bandits.groups import AdGroup, arrivals, first_day, read_groups
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
    """Shares of spend by ad (see :class:`pipelines.jobs.base.Job`)."""

    name = "bandits"
    model_version = "thompson-wearout-1"
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
        groups = read_groups(rows, start, as_of)
        with_choice = [group for group in groups if group.running.sum() > 1]
        shown, delay = _maturity(inputs["lags"], start, as_of)
        problems = {group.key: problem_of(group, limits) for group in with_choice}
        decisions = [
            decide(group, shown, limits, settings.cac_ceiling_micros)
            for group in with_choice
            if problems[group.key] is None
        ]
        progress(f"bandits: {len(decisions)} ad groups")
        passed = [decision for decision in decisions if decision.verdict == "PASS"]
        figures: dict[str, float | int | str | None] = {
            "adgroups": len(groups),
            "adgroups_with_choice": len(with_choice),
            "adgroups_without_evidence": len(with_choice) - len(decisions),
            "adgroups_refused": len(decisions) - len(passed),
            "adgroups_passed": len(passed),
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
        return Outcome("INCONCLUSIVE", _refusal(with_choice, problems, decisions), figures, written)


def _maturity(lags: pa.Table, start: date, as_of: date) -> tuple[Floats, int | None]:
    """By day of the window, the share of its conversions to expect by now; and the median delay."""
    ages = np.arange((as_of - start).days + 1)[::-1]
    known = [row for row in lags.to_pylist() if row["date"] >= start]
    arrived = arrivals(known, start, as_of, MAX_DELAY)
    if arrived.sum() < MIN_DELAYED:
        return (ages >= MAX_DELAY).astype(np.float64), None
    within = delay_distribution(ages, arrived)
    return maturity(ages, within), int(np.searchsorted(within, 0.5))


def _summary(passed: list[Decision], decisions: list[Decision]) -> str:
    first = max(passed, key=lambda d: (float((d.share - d.current).max()), d.group.key))
    arm = int((first.share - first.current).argmax())
    return (
        f"{len(passed)} of {len(decisions)} ad groups may be shared anew. The largest change: ad "
        f"{first.group.ads[first.running[arm]]} of {'/'.join(first.group.key)} from "
        f"{first.current[arm]:.0%} to {first.share[arm]:.0%} of its ad group's spend (best with a "
        f"probability of {first.posterior.best[arm]:.0%})."
    )


def _refusal(
    with_choice: list[AdGroup],
    problems: Mapping[tuple[str, str, str, str], str | None],
    decisions: list[Decision],
) -> str:
    if not with_choice:
        return "No ad group has two ads that cost anything in the last week: there is no choice."
    if decisions:
        return (
            f"None of {len(decisions)} ad groups may be shared anew. "
            f"{'/'.join(decisions[0].group.key)}: {decisions[0].reason}"
        )
    group = with_choice[0]
    return (
        f"None of {len(with_choice)} ad groups has enough to decide on. "
        f"{'/'.join(group.key)}: {problems[group.key]}."
    )
