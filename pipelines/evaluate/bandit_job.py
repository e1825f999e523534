"""Scores the last decisions of the bandits job in a sandbox against its ads' true rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.errors import InputError
from pipelines.evaluate.identity import market_arguments
from pipelines.sandbox.market.creatives import creative_truth
from pipelines.sandbox.market.market import Market
from pipelines.warehouse import Warehouse

_GROUP = ("platform", "account_id", "campaign_id", "adgroup_id")


@dataclass(frozen=True)
class GroupScore:
    """One ad group's decision; gains are of its conversions for the same money.

    Args:
        gain: of the proposed shares over the current ones, by the ads' true rates on that day.
        best_gain: of giving all to the truly best ad.
    """

    adgroup: str
    verdict: str
    ads: int
    share_of_best: float
    gain: float
    best_gain: float


@dataclass(frozen=True)
class DecisionsScore:
    """All ad groups that were decided on, and their means; those of PASS alone where it says so."""

    groups: tuple[GroupScore, ...]

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        passed = [group for group in self.groups if group.verdict == "PASS"]
        return {
            "adgroups": len(self.groups),
            "passed": len(passed),
            "gain_passed": _mean([group.gain for group in passed]),
            "best_gain_passed": _mean([group.best_gain for group in passed]),
            "gain_all": _mean([group.gain for group in self.groups]),
            "by_adgroup": [asdict(group) for group in self.groups],
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
    truth = creative_truth(market)
    scores = []
    for key, own in groupby(rows, key=lambda row: tuple(row[name] for name in _GROUP)):
        ads = [row for row in own if row["ad_id"] in truth]
        if ads:
            day = min((ads[0]["date"] - market.start).days, len(market.days) - 1)
            rates = {row["ad_id"]: float(truth[row["ad_id"]][day]) for row in ads}
            scores.append(_score("/".join(key), ads, rates))
    return DecisionsScore(tuple(scores))


def _score(name: str, ads: Sequence[Mapping[str, Any]], rates: Mapping[str, float]) -> GroupScore:
    best = max(ads, key=lambda row: rates[row["ad_id"]])
    current = sum(row["current_share"] * rates[row["ad_id"]] for row in ads)
    proposed = sum(row["propensity"] * rates[row["ad_id"]] for row in ads)
    return GroupScore(
        adgroup=name,
        verdict=ads[0]["verdict"],
        ads=len(ads),
        share_of_best=best["propensity"],
        gain=proposed / current - 1,
        best_gain=rates[best["ad_id"]] / current - 1,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
