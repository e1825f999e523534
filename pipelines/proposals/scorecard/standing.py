"""Which jobs have lost their right to propose, because their intervals don't hold what comes."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipelines.errors import MissingTableError
from pipelines.proposals.scorecard.prediction import held
from pipelines.proposals.scorecard.sequential import ALPHA, HIGH, LOW, Standing
from pipelines.warehouse import Warehouse

STREAMS = 2
"""Outcomes of proposals, and forecasts: each has its part of the error rate."""


class _Forecast(NamedTuple):
    p10: float
    p50: float
    p90: float


@cache
def _query(name: str) -> str:
    return (Path(__file__).parent / "queries" / f"{name}.sql").read_text()


def barred_jobs(warehouse: Warehouse, as_of: date) -> dict[str, str]:
    """The jobs that may not propose as of a day, with why.

    A job is held to two records, each on its own: what came of its proposals that were carried out
    and can be told, and, of the media mix, its forecasts of the week ahead.
    """
    barred: dict[str, str] = {}
    for what, standings in (
        ("what came of its proposals", standings_of_proposals(warehouse, as_of)),
        ("the weeks that it forecast", {"mmm": standing_of_forecasts(warehouse, as_of)}),
    ):
        for job, standing in standings.items():
            if standing.barred_by:
                barred[job] = _why(what, standing)
    return barred


def standings_of_proposals(warehouse: Warehouse, as_of: date) -> dict[str, Standing]:
    """Each job's standing by its proposals; what nobody approved counts only while it is barred,
    when nothing of it can be approved."""
    standings: dict[str, Standing] = defaultdict(lambda: Standing(ALPHA / STREAMS))
    for row in warehouse.query(_query("covered"), {"as_of": as_of}).to_pylist():
        standing = standings[row["job"]]
        if standing.is_barred or not row["is_unrecorded"]:
            standing.add(row["covered"])
    return dict(standings)


def standing_of_forecasts(warehouse: Warehouse, as_of: date) -> Standing:
    """The media mix's standing by its forecasts of the week ahead, one a week."""
    params = {"as_of": as_of, "last_week_start": as_of - timedelta(days=6)}
    standing = Standing(ALPHA / STREAMS)
    try:
        rows = warehouse.query(_query("forecasts"), params).to_pylist()
    except MissingTableError:  # without the mart there is no run that reads it, either
        return standing
    for row in rows:
        predicted = _Forecast(row["orders_p10"], row["orders_p50"], row["orders_p90"])
        standing.add(held(predicted, 0.0).covers(row["orders"]))
    return standing


def _why(what: str, standing: Standing) -> str:
    bar = standing.barred_by
    assert bar is not None
    since = standing.tally
    return (
        f"its 90% intervals held {bar.coverage:.0%} of {what} ({bar.covered:.3g} of {bar.count}), "
        f"outside {LOW:.0%} to {HIGH:.0%}; since then {since.covered:.3g} of {since.count} "
        "(docs/scorecard.md says how it is let in again)"
    )
