"""The mmm job: from complete weeks to curves, an allocation and the verdict on both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.config import AllocationCaps, MmmSettings, Settings
from pipelines.jobs.allocation.neutral import allocate_neutral, boxes
from pipelines.jobs.base import Outcome, Plot, Progress, significant
from pipelines.jobs.mmm.curves import curve_rows, flat_channels, percentiles, weekly_orders
from pipelines.jobs.mmm.fit import Fit, Floats, fit_hill_adstock
from pipelines.jobs.mmm.plots import plot_curves
from pipelines.jobs.mmm.weeks import (
    MAX_AGE_DAYS,
    MIN_SPEND_VARIATION,
    Refusal,
    Weeks,
    prepare_weeks,
)
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

CURVES = "contracts.mmm_curves"
ALLOCATIONS = "contracts.mmm_allocations"
DIAGNOSTICS = "contracts.mmm_diagnostics"
MAX_DIVERGENT_SHARE = 0.01
LATE_ACCOUNTS = "late_accounts"
FIRST_WEEKS = timedelta(weeks=4)
"""An account whose data begins later than this after the first week began late."""

Rows = list[dict[str, Any]]


class MmmJobSettings(Section):
    mmm: MmmSettings
    guardrails: AllocationCaps


class MmmJob:
    """Media mix model and allocation (see :class:`pipelines.jobs.base.Job`)."""

    name = "mmm"
    model_version = "hill-adstock-1"
    tables = (CURVES, ALLOCATIONS, DIAGNOSTICS)
    plot = Plot("response_curves", plot_curves)

    def settings(self, settings: Settings) -> MmmJobSettings:
        caps = settings.guardrails.model_dump(include=set(AllocationCaps.model_fields))
        return MmmJobSettings(mmm=settings.jobs.mmm, guardrails=AllocationCaps(**caps))

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        sql = (Path(__file__).parent / "input.sql").read_text()
        last_week_start = as_of - timedelta(days=6)
        weekly = warehouse.query(sql, {"last_week_start": last_week_start})
        if not weekly.num_rows:
            return {"mmm_input_weekly": weekly}
        after = min(weekly["week_start"].to_pylist()) + FIRST_WEEKS
        late = (Path(__file__).parent / "late_accounts.sql").read_text()
        accounts = warehouse.query(late, {"after": after, "as_of": as_of})
        # a run's id is made of what is read: where every account begins together, of nothing more
        further = {LATE_ACCOUNTS: accounts} if accounts.num_rows else {}
        return {"mmm_input_weekly": weekly, **further}

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: MmmJobSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        limits = settings.mmm
        weeks = prepare_weeks(inputs["mmm_input_weekly"], limits, as_of, inputs.get(LATE_ACCOUNTS))
        if isinstance(weeks, Refusal):
            checks = [_check("weeks", weeks.weeks, limits.min_weeks, at_least=True)]
            return Outcome(weeks.verdict, weeks.reason, _figures(checks), {DIAGNOSTICS: checks})
        fit = fit_hill_adstock(weeks, limits, progress)
        checks = _checks(fit, weeks, limits, as_of)
        doubts = _doubts(fit, weeks, limits)
        rows: dict[str, Rows] = {CURVES: list(curve_rows(fit, weeks, limits.curve_points))}
        if doubts:
            rows[DIAGNOSTICS] = checks
            reason = f"The fit can't be relied on: {'; '.join(doubts)}."
            return Outcome("INCONCLUSIVE", reason, _figures(checks), rows)
        progress("mmm: finding the best split of the budget under the caps")
        rows[ALLOCATIONS], gain = _allocation(fit, weeks, settings.guardrails)
        low, median, high = (significant(float(v)) for v in percentiles(gain))
        checks += [
            _inform("allocation_gain_p10", low),
            _inform("allocation_gain_p50", median),
            _inform("allocation_gain_p90", high),
        ]
        rows[DIAGNOSTICS] = checks
        reason = (
            f"{len(weeks.starts)} weeks to {weeks.end}, {len(weeks.channels)} channels: the chains "
            f"agree (R-hat {fit.max_rhat:.2f}), and the held-out weeks were predicted with a mean "
            f"error of {fit.holdout_mape:.1%}. The best split under the caps changes weekly "
            f"orders by {median:+.1f} (80% interval {low:+.1f} to {high:+.1f})."
        )
        return Outcome("PASS", reason, _figures(checks), rows)


def _allocation(fit: Fit, weeks: Weeks, caps: AllocationCaps) -> tuple[Rows, Floats]:
    """Rows of contracts.mmm_allocations and the total change in weekly orders, [draw].

    Channels without current spend have no baseline to change, and are left out.
    """
    active = [i for i, micros in enumerate(weeks.current_micros) if micros > 0]
    current = [int(weeks.current_micros[i]) for i in active]
    limits = boxes(current, caps)
    names = [weeks.channels[i] for i in active]
    allocation = allocate_neutral(
        names, current, limits, lambda i, spends: weekly_orders(fit, active[i], spends).mean(axis=0)
    )
    proposed = [allocation.spend[name] for name in names]
    gain: Floats = np.zeros(len(fit.coefficient))
    rows: Rows = []
    for i, now, then, box in zip(active, current, proposed, limits, strict=True):
        before, after = weekly_orders(fit, i, np.array([now, then], dtype=np.float64)).T
        change = after - before
        gain += change
        low, median, high = (significant(float(v)) for v in percentiles(change))
        rows.append(
            {
                "channel": weeks.channels[i],
                "current_weekly_micros": now,
                "proposed_weekly_micros": then,
                "lower_micros": box.lower,
                "upper_micros": box.upper,
                "binding": box.binding(then),
                "delta_orders_p10": low,
                "delta_orders_p50": median,
                "delta_orders_p90": high,
                "order_value_micros": weeks.order_value_micros,
                "currency_code": weeks.currency_code,
            }
        )
    return rows, gain


def _checks(fit: Fit, weeks: Weeks, limits: MmmSettings, as_of: date) -> Rows:
    """Rows of contracts.mmm_diagnostics: what the verdict rests on, then further figures."""
    draws = len(fit.coefficient)
    age = (as_of - weeks.end).days
    share = fit.contribution.sum(axis=0) / weeks.orders.sum()
    return [
        _check("weeks", len(weeks.starts), limits.min_weeks, at_least=True),
        _check("data_age_days", age, MAX_AGE_DAYS),
        _check(
            "min_spend_variation",
            float(weeks.spend_variation.min()),
            MIN_SPEND_VARIATION,
            at_least=True,
        ),
        _check("max_rhat", fit.max_rhat, limits.max_rhat),
        _check("min_ess", fit.min_ess, limits.min_effective_samples, at_least=True),
        _check("divergences", fit.divergences, MAX_DIVERGENT_SHARE * draws),
        _check("holdout_mape", fit.holdout_mape, limits.max_holdout_mape),
        _check("channels_without_band", len(flat_channels(fit, weeks)), 0),
        _inform("r2", fit.r2),
        _inform("draws", draws),
        _inform("channels", len(weeks.channels)),
        *(
            _inform(f"contribution_share_{channel}", float(value))
            for channel, value in zip(weeks.channels, share, strict=True)
        ),
    ]


def _doubts(fit: Fit, weeks: Weeks, limits: MmmSettings) -> list[str]:
    """The reasons not to believe the fit; the comparisons also catch figures that are NaN."""
    allowed = MAX_DIVERGENT_SHARE * len(fit.coefficient)
    doubts = []
    if not fit.max_rhat <= limits.max_rhat:
        doubts.append(f"the chains disagree (R-hat {fit.max_rhat:.2f}, at most {limits.max_rhat})")
    if not fit.min_ess >= limits.min_effective_samples:
        doubts.append(
            f"there are too few effective samples ({fit.min_ess:.0f}, "
            f"at least {limits.min_effective_samples:.0f})"
        )
    if fit.divergences > allowed:
        doubts.append(f"{fit.divergences} transitions diverged (at most {allowed:.0f})")
    if not fit.holdout_mape <= limits.max_holdout_mape:
        doubts.append(
            f"the prediction of the {limits.holdout_weeks} held-out weeks was off by "
            f"{fit.holdout_mape:.0%} (at most {limits.max_holdout_mape:.0%})"
        )
    if flat := flat_channels(fit, weeks):
        doubts.append(
            f"the estimated effect of {', '.join(flat)} has no uncertainty, which can't be right"
        )
    return doubts


def _check(name: str, value: float, bound: float, *, at_least: bool = False) -> dict[str, Any]:
    passed = value >= bound if at_least else value <= bound
    return {
        "name": name,
        "value": significant(float(value)),
        "bound": significant(float(bound)),
        "passed": bool(passed),
    }


def _inform(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "value": significant(float(value)), "bound": None, "passed": True}


def _figures(checks: Rows) -> dict[str, float | int | str | None]:
    return {row["name"]: row["value"] for row in checks}
