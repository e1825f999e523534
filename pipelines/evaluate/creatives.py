"""Scores the last run of the creatives job in a sandbox against what its ads truly are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, log2
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.errors import InputError
from pipelines.evaluate.identity import market_arguments
from pipelines.jobs.creatives.fatigue import HORIZON
from pipelines.sandbox.market.creatives import wear_truth
from pipelines.sandbox.market.designs import EFFECTS
from pipelines.sandbox.market.market import Market
from pipelines.warehouse import Warehouse

PLANTED = {"question": ("text_headline_question", "text_begins_with_question")}
"""Features that show a planted trait, by trait."""


@dataclass(frozen=True)
class CreativesScore:
    """The run against the truth.

    Args:
        judged: ads whose wear isn't UNKNOWN.
        freshness_held, days_left_held: of how many of them the 80% interval holds the truth.
        fatigued, truly_worn: ads called FATIGUED, and how many of those are below the worn rate.
        planted_found: traits that do something and were found, of ``planted``.
        others: traits that were recommended and neither do something nor come with one that does.
    """

    judged: int
    freshness_held: int
    days_left_held: int
    fatigued: int
    truly_worn: int
    planted: int
    planted_found: int
    others: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        return asdict(self)


def score_creatives(warehouse: Warehouse, settings: Settings) -> CreativesScore:
    """Score the job's last run.

    Raises:
        UsageError: the warehouse is not a sandbox's.
        InputError: the job has no run.
    """
    market = Market(**market_arguments(settings, "creatives"))
    folder = Path(__file__).parent
    last = (folder / "last_run.sql").read_text()
    runs = warehouse.query(last, {"job": "creatives"}).to_pylist()
    if not runs:
        raise InputError(
            "The creatives job has no run to score.",
            kept="nothing was scored.",
            fix="Run `adcanary job creatives`, and read its verdict.",
        )
    asked = {"run_id": runs[0]["run_id"]}
    ads = warehouse.query((folder / "creative_wear.sql").read_text(), asked).to_pylist()
    traits = warehouse.query((folder / "creative_traits.sql").read_text(), asked).to_pylist()
    truth, worn = wear_truth(market), settings.jobs.creatives.worn
    judged = [_against(row, truth, worn) for row in ads]
    known = [score for score in judged if score is not None]
    good = [t for t in traits if t["verdict"] != "NONE"]
    doing = {feature for features in PLANTED.values() for feature in features}
    return CreativesScore(
        judged=len(known),
        freshness_held=sum(score[0] for score in known),
        days_left_held=sum(score[1] for score in known),
        fatigued=sum(score[2] for score in known),
        truly_worn=sum(score[2] and score[3] for score in known),
        planted=len(EFFECTS),
        planted_found=sum(_found(PLANTED[trait], good) for trait in EFFECTS),
        others=tuple(t["trait"] for t in good if not _comes_with(t, doing)),
    )


def _against(
    row: Mapping[str, Any], wear: Mapping[str, tuple[float, float]], worn: float
) -> tuple[bool, bool, bool, bool] | None:
    """Whether both intervals hold the truth, whether it is called worn out, and whether it is."""
    truth = wear.get(row["ad_id"])
    if truth is None or row["verdict"] == "UNKNOWN":
        return None
    left, half_life = truth
    age = row["age_days"]
    freshness = left + (1 - left) * 0.5 ** (age / half_life)
    until = half_life * log2((1 - left) / (worn - left)) if left < worn else inf
    days = min(max(until - age, 0), HORIZON)
    return (
        row["freshness_low"] <= freshness <= row["freshness_high"],
        row["days_left_low"] <= days <= row["days_left_high"],
        row["verdict"] == "FATIGUED",
        freshness < worn,
    )


def _found(features: Sequence[str], good: Sequence[Mapping[str, Any]]) -> bool:
    return any(t["feature"] in features and t["verdict"] == "TRY" for t in good)


def _comes_with(trait: Mapping[str, Any], doing: set[str]) -> bool:
    together = (other.split(" ")[0] for other in trait["together_with"].split("\n"))
    return trait["feature"] in doing or any(other in doing for other in together)
