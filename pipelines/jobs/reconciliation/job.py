"""The reconciliation job: what the media mix model credits to a channel, by campaign and day.

It reads contracts of other jobs, where the others read marts only: what it splits is a posterior,
which no mart holds and which would cost the whole fit to compute again (docs/adr/0019).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.jobs.base import Outcome, Progress, significant
from pipelines.jobs.reconciliation.split import (
    NONE,
    group_factors,
    monday,
    read_weights,
    split_rows,
    split_week,
)
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

RECONCILED = "contracts.attribution_reconciled_daily"
WEEKS = 13
MAX_AGE_DAYS = 14


class ReconciliationSettings(Section):
    """What a run's id depends on. None of it is configurable: it changes with the method.

    ``min_credit``: conversions of a channel's week below which its spend says more of it.
    """

    seed: int = 20260101
    draws: int = 400
    min_credit: float = 10.0


class ReconciliationJob:
    """Campaigns' shares of the media mix (see :class:`pipelines.jobs.base.Job`)."""

    name = "attribution_reconciled"
    model_version = "credit-or-spend-1"
    tables = (RECONCILED,)
    plots = ()

    def settings(self, settings: Settings) -> ReconciliationSettings:
        return ReconciliationSettings()

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        """The latest runs that passed, whose ids are among the rows, and what to split them by."""
        start = monday(as_of) - timedelta(weeks=WEEKS)
        folder = Path(__file__).parent
        window = {"start": start, "as_of": as_of}
        return {
            "contributions": warehouse.query((folder / "contributions.sql").read_text(), window),
            "groups": warehouse.query((folder / "groups.sql").read_text(), {"as_of": as_of}),
            "campaign_days": warehouse.query((folder / "campaign_days.sql").read_text(), window),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: ReconciliationSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        contributions = inputs["contributions"].to_pylist()
        if refusal := _no_data(contributions, as_of):
            return refusal
        groups = inputs["groups"].to_pylist()
        weights = read_weights(inputs["campaign_days"].to_pylist(), group_factors(groups))
        run = {"attribution_run_id": groups[0]["run_id"] if groups else None}
        rows: list[dict[str, Any]] = []
        for contribution in contributions:
            week_start = contribution["week_start"]
            split = split_week(
                week_start,
                weights.get((contribution["channel"], week_start)),
                is_weighed=bool(groups),
                min_credit=settings.min_credit,
            )
            for row in split_rows(contribution, split, settings.seed, settings.draws):
                rows.append(row | run)
        progress(f"attribution_reconciled: {len(contributions)} channel weeks")
        return _outcome(contributions, rows)


def _no_data(contributions: list[dict[str, Any]], as_of: date) -> Outcome | None:
    if not contributions:
        return Outcome(
            "NO_DATA",
            f"No mmm run that passed up to {as_of} has contributions of the last {WEEKS} weeks in "
            "contracts.mmm_contributions_weekly. Run `adcanary job mmm` first; where it refuses, "
            "there is nothing to split.",
        )
    age = (as_of - contributions[0]["as_of"]).days
    if age <= MAX_AGE_DAYS:
        return None
    return Outcome(
        "NO_DATA",
        f"The last mmm run that passed is of {contributions[0]['as_of']}, {age} days before "
        f"{as_of} (at most {MAX_AGE_DAYS}). Run `adcanary job mmm` again, and see what it refuses.",
        {"mmm_age_days": age},
    )


def _outcome(contributions: list[dict[str, Any]], rows: list[dict[str, Any]]) -> Outcome:
    by_basis: dict[str, float] = defaultdict(float)
    for row in rows:
        by_basis[row["basis"]] += abs(row["orders_mean"])
    whole = sum(by_basis.values()) or 1.0
    shares = {basis: orders / whole for basis, orders in sorted(by_basis.items())}
    known = {(r["platform"], r["account_id"], r["campaign_id"]) for r in rows}
    campaigns = sum(campaign_id != NONE for _, _, campaign_id in known)
    unknown = sum(abs(r["orders_mean"]) for r in rows if r["campaign_id"] == NONE) / whole
    channels = {row["channel"] for row in contributions}
    figures: dict[str, float | int | str | None] = {
        "mmm_run_id": contributions[0]["run_id"],
        "attribution_run_id": rows[0]["attribution_run_id"],
        "channels": len(channels),
        "campaigns": campaigns,
        "share_without_campaign": significant(unknown),
        **{f"share_by_{basis}": significant(share) for basis, share in shares.items()},
    }
    if not campaigns:
        return Outcome(
            "INCONCLUSIVE",
            f"No campaign of {', '.join(sorted(channels))} is known by its spend or by a journey, "
            "so that nothing can be split.",
            figures,
            {RECONCILED: rows},
        )
    names = {"markov": "journeys' credit", "linear": "journeys' credit", "spend": "spend"}
    bases = ", ".join(
        f"{share:.0%} by {names[basis]} ({basis})"
        for basis, share in shares.items()
        if basis in names
    )
    return Outcome(
        "PASS",
        f"{len(channels)} channels to the week of {contributions[-1]['week_start']} split over "
        f"{campaigns} campaigns: {bases}; {unknown:.0%} of the orders are no known campaign's.",
        figures,
        {RECONCILED: rows},
    )
