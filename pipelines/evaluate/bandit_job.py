"""Scores the last decisions of the bandits job in a sandbox against its arms' true rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.errors import InputError
from pipelines.evaluate.identity import market_arguments
from pipelines.jobs.bandits.groups import IDS, LEVELS, Level
from pipelines.sandbox.market.creatives import creative_truth
from pipelines.sandbox.market.market import Market
from pipelines.warehouse import Warehouse

_ARM = {level.arm_kind: IDS[level.depth] for level in LEVELS}
"""Column that names the arm."""


@dataclass(frozen=True)
class GroupScore:
    """One group's decision; gains are of its conversions for the same money.

    Args:
        gain: of the proposed shares over the current ones, by the arms' true rates on that day.
        best_gain: of giving all to the truly best arm.
    """

    arm_kind: str
    group: str
    verdict: str
    arms: int
    share_of_best: float
    gain: float
    best_gain: float


@dataclass(frozen=True)
class DecisionsScore:
    """All groups that were decided on."""

    groups: tuple[GroupScore, ...]

    def figures(self) -> dict[str, Any]:
        """As one JSON object: by kind of arm, means over its groups, those of PASS alone where it
        says so; and every group."""
        return {
            **{level.arm_kind: self._of_kind(level.arm_kind) for level in LEVELS},
            "by_group": [asdict(group) for group in self.groups],
        }

    def _of_kind(self, arm_kind: str) -> dict[str, Any]:
        groups = [group for group in self.groups if group.arm_kind == arm_kind]
        passed = [group for group in groups if group.verdict == "PASS"]
        return {
            "groups": len(groups),
            "passed": len(passed),
            "gain_passed": _mean([group.gain for group in passed]),
            "best_gain_passed": _mean([group.best_gain for group in passed]),
            "gain_all": _mean([group.gain for group in groups]),
        }


def score_decisions(warehouse: Warehouse, settings: Settings) -> DecisionsScore:
    """Score the job's last run.

    Raises:
        UsageError: the warehouse is not a sandbox's.
        InputError: the job has decided nothing.
    """
    market = Market(**market_arguments(settings, "decisions"))
    rows = warehouse.query((Path(__file__).parent / "bandit_decisions.sql").read_text()).to_pylist()
    if not rows:
        raise InputError(
            "The bandits job has no decisions to score.",
            kept="nothing was scored.",
            fix="Run `adcanary job bandits`, and read its verdict.",
        )
    day = min((rows[0]["date"] - market.start).days, len(market.days) - 1)
    rates = _true_rates(market, rows, day)
    known = [row for row in rows if row[_ARM[row["arm_kind"]]] in rates]
    scores = []
    for level in LEVELS:
        of_kind = [row for row in known if row["arm_kind"] == level.arm_kind]
        for key, own in groupby(of_kind, key=lambda row: tuple(row[i] for i in IDS[: level.depth])):
            scores.append(_score(level, "/".join(key), list(own), rates))
    return DecisionsScore(tuple(scores))


def _true_rates(market: Market, rows: Sequence[Mapping[str, Any]], day: int) -> dict[str, float]:
    """Conversions for the money on a day, by id of an ad or ad group. An ad group's is that of its
    ads as they share its spend of late: alike, where that wasn't for the job to decide."""
    rates = {ad: float(by_day[day]) for ad, by_day in creative_truth(market).items()}
    shares = {row["ad_id"]: row["current_share"] for row in rows if row["arm_kind"] == "creative"}
    for account in market.accounts:
        for campaign in market.account_campaigns(account.account_id):
            for group in campaign.adgroups:
                ads = [ad.ad_id for ad in group.ads]
                parts = [shares.get(ad, 0.0) for ad in ads]
                parts = parts if any(parts) else [1.0] * len(ads)
                weighed = sum(part * rates[ad] for part, ad in zip(parts, ads, strict=True))
                rates[group.adgroup_id] = weighed / sum(parts)
    return rates


def _score(
    level: Level, name: str, arms: Sequence[Mapping[str, Any]], rates: Mapping[str, float]
) -> GroupScore:
    own = [rates[row[_ARM[level.arm_kind]]] for row in arms]
    current = sum(row["current_share"] * rate for row, rate in zip(arms, own, strict=True))
    proposed = sum(row["propensity"] * rate for row, rate in zip(arms, own, strict=True))
    return GroupScore(
        arm_kind=level.arm_kind,
        group=name,
        verdict=arms[0]["verdict"],
        arms=len(arms),
        share_of_best=arms[own.index(max(own))]["propensity"],
        gain=proposed / current - 1,
        best_gain=max(own) / current - 1,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
