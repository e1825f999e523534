"""Scores the last run of the audiences job in a sandbox against the mistakes that are planted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.errors import InputError
from pipelines.evaluate.identity import market_arguments
from pipelines.sandbox.market.adsets import MISTAKES
from pipelines.warehouse import Warehouse


@dataclass(frozen=True)
class MistakeScore:
    """One kind of mistake: ad sets that have it, that were said to have it, and both."""

    mistake: str
    planted: int
    said: int
    both: int

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        return asdict(self)


def score_audiences(warehouse: Warehouse, settings: Settings) -> list[MistakeScore]:
    """Score the job's last run, a row a mistake that is planted or was said.

    Raises:
        UsageError: the warehouse is not a sandbox's.
        InputError: the job has no run.
    """
    market_arguments(settings, "audiences")
    folder = Path(__file__).parent
    last = (folder / "last_run.sql").read_text()
    runs = warehouse.query(last, {"job": "audiences"}).to_pylist()
    if not runs:
        raise InputError(
            "The audiences job has no run to score.",
            kept="nothing was scored.",
            fix="Run `adcanary job audiences`, and read its verdict.",
        )
    sql = (folder / "audiences.sql").read_text()
    rows = warehouse.query(sql, {"run_id": runs[0]["run_id"]}).to_pylist()
    said = {(row["finding"], ad_set) for row in rows for ad_set in row["adgroup_ids"].split("\n")}
    planted = {(name, ad_set) for ad_set, names in MISTAKES.items() for name in names}
    return [
        MistakeScore(
            name,
            sum(mistake == name for mistake, _ in planted),
            sum(mistake == name for mistake, _ in said),
            sum(mistake == name for mistake, _ in planted & said),
        )
        for name in sorted({mistake for mistake, _ in planted | said})
    ]
