"""The ab_experiments job: what each variation of an experiment has brought so far, day by day.

People and conversions are those of the uplift job, which says for whom a variation works; this one
has no covariates, and looks every day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import UpliftSettings
from pipelines.jobs.base import Outcome, Progress, Row, significant
from pipelines.jobs.uplift.analysis import MIN_ARM_ROWS, RATIO_P
from pipelines.jobs.uplift.checks import power_of, sample_ratio_p
from pipelines.jobs.uplift.comparisons import ripe
from pipelines.jobs.uplift.job import DAYS, UpliftJobSettings
from pipelines.jobs.uplift.sample import Sample
from pipelines.jobs.uplift.sequential import Rate, always_valid, fixed_horizon
from pipelines.jobs.uplift.weights import Weights
from pipelines.warehouse import Warehouse

EXPERIMENTS = "contracts.ab_experiments"
RUNNING_DAYS = 7
"""An experiment runs if somebody first saw it in so many last days."""

_COMPARED = (
    "difference",
    "difference_low",
    "difference_high",
    "fixed_horizon_low",
    "fixed_horizon_high",
    "sample_ratio_p",
    "verdict",
    "reason",
)


class ExperimentsJob:
    """Variations beside their control (see :class:`pipelines.jobs.base.Job`)."""

    name = "ab_experiments"
    model_version = "always-valid-1"
    tables = (EXPERIMENTS,)
    plots = ()

    def settings(self, settings: Settings) -> UpliftJobSettings:
        return UpliftJobSettings(uplift=settings.jobs.uplift)

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        end, room = _end(as_of), Path(__file__).parent
        days = {"start": end - timedelta(days=DAYS), "end": end}
        return {
            name: warehouse.query((room / f"{name}.sql").read_text(), days)
            for name in ("exposures", "outcomes")
        } | {"weights": warehouse.query((room / "weights.sql").read_text())}

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: UpliftJobSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        limits, end = settings.uplift, _end(as_of)
        everybody = inputs["exposures"].to_pandas()
        if everybody.empty:
            return Outcome(
                "NO_DATA",
                f"marts.experiment_exposures has nobody who first saw an experiment in the {DAYS} "
                f"days to {as_of}: the job needs events experiment_viewed with experiment_id and "
                "variation_id.",
            )
        window = timedelta(days=limits.window_days)
        people = ripe(inputs["exposures"], inputs["outcomes"], limits.outcome, window, end)
        rows: list[Row] = []
        weights = Weights(inputs["weights"])
        for experiment, exposed in everybody.groupby("experiment_id", sort=True):
            own = people[people["experiment_id"] == experiment]
            shared = {
                "experiment_id": str(experiment),
                "control_variation_id": limits.control,
                "outcome": limits.outcome,
                "first_exposed_at": exposed["exposed_at"].min().to_pydatetime(),
                "last_exposed_at": exposed["exposed_at"].max().to_pydatetime(),
                "is_running": bool(
                    exposed["exposed_at"].max() >= end - timedelta(days=RUNNING_DAYS)
                ),
                "saw_several_variations": int(exposed["variation_id"].isna().sum()),
            }
            share = partial(
                weights.share, experiment, control=limits.control, otherwise=limits.treated_share
            )
            rows += [shared | row for row in _variations(exposed, own, limits, share)]
        passed = [row for row in rows if row["verdict"] == "PASS"]
        compared = [row for row in rows if not row["is_control"]]
        figures: dict[str, float | int | str | None] = {
            "experiments": int(everybody["experiment_id"].nunique()),
            "variations_compared": len(compared),
            "variations_passed": len(passed),
            "people": len(people),
            "exposed_too_recently": len(everybody) - len(people),
        }
        progress(f"ab_experiments: {len(compared)} variations")
        if not compared:
            reason = f"Nobody saw any variation but the control, {limits.control}."
        else:
            first = passed[0] if passed else compared[0]
            reason = (
                f"{len(passed)} of {len(compared)} variations differ from their control. "
                f"{first['experiment_id']} ({first['variation_id']}): {first['reason']}"
            )
        return Outcome("PASS" if passed else "INCONCLUSIVE", reason, figures, {EXPERIMENTS: rows})


def _end(as_of: date) -> datetime:
    """When the day ended (UTC)."""
    return datetime.combine(as_of + timedelta(days=1), time(), UTC)


def _variations(
    exposed: pd.DataFrame,
    own: pd.DataFrame,
    limits: UpliftSettings,
    share: Callable[[str], float | None],
) -> Iterator[dict[str, Any]]:
    """A row a variation, of whom ``exposed`` saw it and of whom ``own`` had their whole window.

    Args:
        share: of a variation's and its control's people, those meant for the variation.
    """
    control = own[own["variation_id"] == limits.control]
    for variation in sorted(exposed["variation_id"].dropna().unique()):
        mine = own[own["variation_id"] == variation]
        is_control = bool(variation == limits.control)
        row: dict[str, Any] = {
            "variation_id": str(variation),
            "is_control": is_control,
            "people": len(mine),
            "exposed_too_recently": int((exposed["variation_id"] == variation).sum()) - len(mine),
            "conversions": int(mine["converted"].sum()),
            "rate": significant(float(mine["converted"].mean())) if len(mine) else None,
        }
        if is_control:
            yield row | dict.fromkeys(_COMPARED)
        else:
            yield row | _compared(mine, control, limits, share(variation))


def _compared(
    variation: pd.DataFrame,
    control: pd.DataFrame,
    limits: UpliftSettings,
    meant: float | None,
) -> dict[str, Any]:
    """The columns that compare a variation with its control, for which a share was ``meant``."""
    if min(len(variation), len(control)) < MIN_ARM_ROWS:
        reason = (
            f"{len(variation):,} people of the variation and {len(control):,} of the control "
            f"({limits.control}) saw it at least {limits.window_days} days ago, and {MIN_ARM_ROWS} "
            "of each are needed: wait, or name the control in jobs.uplift.control."
        )
        return dict.fromkeys(_COMPARED) | {"verdict": "NO_DATA", "reason": reason}
    treated, untreated = (Rate(len(of), int(of["converted"].sum())) for of in (variation, control))
    low, high = always_valid(treated, untreated)
    planned_low, planned_high = fixed_horizon(treated, untreated)
    ratio_p = None
    if meant is not None:
        ratio_p = sample_ratio_p(treated.people, untreated.people, meant)
    if meant is not None and ratio_p is not None and ratio_p < RATIO_P:
        verdict, reason = _broken(treated.people, untreated.people, meant, ratio_p)
    else:
        verdict, reason = _judged(treated, untreated, (low, high), limits)
    figures = {
        "difference": treated.value - untreated.value,
        "difference_low": low,
        "difference_high": high,
        "fixed_horizon_low": planned_low,
        "fixed_horizon_high": planned_high,
        "sample_ratio_p": ratio_p,
    }
    return {
        name: None if value is None else significant(value) for name, value in figures.items()
    } | {"verdict": verdict, "reason": reason}


def _broken(treated: int, untreated: int, meant: float, ratio_p: float) -> tuple[str, str]:
    return "INCONCLUSIVE", (
        f"{treated:,} of {treated + untreated:,} people saw the variation where {meant:.0%} should "
        f"have (p {ratio_p:.1g}): the assignment or its logging is broken."
    )


def _judged(
    treated: Rate, control: Rate, interval: tuple[float, float], limits: UpliftSettings
) -> tuple[str, str]:
    low, high = interval
    people = treated.people + control.people
    between = f"95% interval {low:+.2%} to {high:+.2%}, valid at every look"
    if low <= 0 <= high:
        outcome = np.repeat(
            [1.0, 0.0, 1.0, 0.0],
            [n for of in (treated, control) for n in (of.conversions, of.people - of.conversions)],
        )
        arm = np.arange(people) < treated.people
        power = power_of(Sample(pd.DataFrame(index=range(people)), arm, outcome), limits.detectable)
        enough = "would likely have shown" if power.have >= power.needed else "can't show yet: wait"
        return "INCONCLUSIVE", (
            f"no difference is shown ({between}): with {power.have:,} conversions, of about "
            f"{power.needed:,} that one planned look takes, a relative change of "
            f"{limits.detectable:.0%} {enough}."
        )
    return "PASS", (
        f"the share of people who do {limits.outcome} changes by "
        f"{treated.value - control.value:+.2%} ({between})."
    )
