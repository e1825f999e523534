"""The pacing job: every campaign's month so far, its classification by day, and its open faults."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.canonical import canonical_json, sha256
from pipelines.config import PacingSettings, Settings
from pipelines.jobs.base import Outcome, Plot, Progress, significant
from pipelines.jobs.pacing import detectors
from pipelines.jobs.pacing.calendar import public_holidays
from pipelines.jobs.pacing.causes import explain
from pipelines.jobs.pacing.evidence import (
    FIRST_BUDGETS,
    HISTORY_DAYS,
    OTHER_CURRENCIES,
    PAUSED_DAYS,
    CampaignHistory,
    is_paced,
    last_due_day,
    month_days,
    read_histories,
)
from pipelines.jobs.pacing.limits import over_daily_cap
from pipelines.jobs.pacing.plan import LINES, pace_plan, read_plan
from pipelines.jobs.pacing.plan_matrix import summary
from pipelines.jobs.pacing.plots import plot_pacing
from pipelines.jobs.pacing.sharing import SHARED_BUDGETS, with_shared_budgets
from pipelines.jobs.pacing.target import Month, recent_days
from pipelines.platforms import platform_table
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

DAILY = "contracts.pacing_daily"
ALERTS = "contracts.pacing_alerts"
PLAN = "contracts.media_plan_pacing"

_LAST_DAY = "SELECT MAX(date) AS last_day FROM marts.ads_account_days WHERE date <= @as_of"

INTERVAL_Z = 1.96
"""Of the forecast's 95% interval."""

Rows = list[dict[str, Any]]


# SHA-256 of the daily caps that this model version came with. Others are part of a run's settings,
# so that a changed platforms.yaml never finds a run of before.
CAPS_OF_VERSION = "7109b88d0b9bf5fffc152aaa936d27ab71609878c638b6138bfc3df74c652bfc"


class PacingJobSettings(Section):
    """``daily_caps`` are those of platforms.yaml: by platform, from which day, how many times a
    daily budget, and those of a week and of a month. None where they are those that the model
    version came with."""

    pacing: PacingSettings
    reporting_time_zone: str
    daily_caps: (
        dict[str, tuple[tuple[date | None, float, float | None, float | None], ...]] | None
    ) = None


class PacingJob:
    """Month-to-date pacing (see :class:`pipelines.jobs.base.Job`)."""

    name = "pacing"
    model_version = "usual-drift-3"
    tables = (DAILY, ALERTS, PLAN)
    plots = (Plot("pacing", plot_pacing),)

    def settings(self, settings: Settings) -> PacingJobSettings:
        caps = {
            name: tuple((c.since, c.times, c.week, c.month) for c in platform.daily_cap)
            for name, platform in sorted(platform_table().platforms.items())
        }
        known = sha256(canonical_json(caps)) == CAPS_OF_VERSION
        return PacingJobSettings(
            pacing=settings.jobs.pacing,
            reporting_time_zone=settings.reporting_time_zone,
            daily_caps=None if known else caps,
        )

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        month_first = month_days(as_of)[0]
        start = month_first - timedelta(days=HISTORY_DAYS)
        params = {"start": start, "as_of": as_of}
        folder = Path(__file__).parent
        inputs = {
            "last_day": warehouse.query(_LAST_DAY, {"as_of": as_of}),
            "campaigns": warehouse.query((folder / "campaigns.sql").read_text()),
            "campaign_days": warehouse.query((folder / "campaign_days.sql").read_text(), params),
            "account_days": warehouse.query((folder / "account_days.sql").read_text(), params),
        }
        exceptions = {
            name: warehouse.query((folder / f"{name}.sql").read_text(), params)
            for name in (OTHER_CURRENCIES, SHARED_BUDGETS, PAUSED_DAYS, FIRST_BUDGETS)
        }
        # a run's id is made of what is read: where there is none of these, of nothing more
        inputs |= {name: rows for name, rows in exceptions.items() if rows.num_rows}
        return inputs | read_plan(warehouse, as_of, month_first, start)

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: PacingJobSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        limits = settings.pacing
        last_day = inputs["last_day"].to_pylist()[0]["last_day"]
        if refusal := _too_old(last_day, as_of, limits):
            return refusal
        histories = read_histories(inputs, as_of)
        if SHARED_BUDGETS in inputs:
            rows = inputs[SHARED_BUDGETS].to_pylist()
            histories = with_shared_budgets(histories, rows, as_of)
        histories = [h for h in histories if is_paced(h, as_of)]
        progress(f"pacing: {len(histories)} campaigns in the month of {as_of}")
        daily: Rows = []
        alerts: Rows = []
        holidays = holidays_around(as_of, limits)
        months = [Month.of(history, as_of, holidays) for history in histories]
        accounts: defaultdict[tuple[str, str], list[Month]] = defaultdict(list)
        for paced in months:
            accounts[paced.history.platform, paced.history.account_id].append(paced)
        for paced in months:
            history = paced.history
            due = last_due_day(history, as_of, settings.reporting_time_zone)
            days = list(_days(paced, _reported(history, paced.days, as_of, due), limits))
            daily += days
            beside = accounts[history.platform, history.account_id]
            alerts += _alerts(paced, days[-1], due, limits, [m for m in beside if m is not paced])
        zone = settings.reporting_time_zone
        plan = list(pace_plan(inputs, as_of, limits, holidays, zone)) if LINES in inputs else []
        return _outcome(histories, daily, alerts, plan, last_day)


def _too_old(last_day: date | None, as_of: date, limits: PacingSettings) -> Outcome | None:
    if last_day is None:
        return Outcome(
            "NO_DATA",
            f"No ad account has a published day up to {as_of}: ingest a platform first.",
        )
    age = (as_of - last_day).days
    if age <= limits.max_data_age_days:
        return None
    return Outcome(
        "NO_DATA",
        f"The last published day is {last_day}, {age} days before {as_of} (at most "
        f"{limits.max_data_age_days}). Ingest newer days, or look at that period with "
        f"`adcanary job pacing --as-of {last_day}`.",
        {"last_day": last_day.isoformat(), "data_age_days": age},
    )


def _outcome(
    histories: Sequence[CampaignHistory], daily: Rows, alerts: Rows, plan: Rows, last_day: date
) -> Outcome:
    detected = Counter(alert["detector"] for alert in alerts)
    without_budget = sum(not h.has_budget for h in histories)
    diagnostics = {
        "last_day": last_day.isoformat(),
        "campaigns": len(histories),
        "campaigns_without_budget": without_budget,
        "critical_alerts": sum(alert["severity"] == "CRITICAL" for alert in alerts),
        **{f"alerts_{name}": count for name, count in sorted(detected.items())},
        **{f"plan_{name.lower()}": n for name, n in Counter(r["action"] for r in plan).items()},
    }
    rows = {DAILY: daily, ALERTS: alerts, PLAN: plan}
    if not histories:
        reason = "No campaign spent this month, and no running one has a budget."
        return Outcome("NO_DATA", reason + summary(plan), diagnostics, {PLAN: plan})
    if without_budget == len(histories):
        return Outcome(
            "INCONCLUSIVE",
            f"None of the {len(histories)} campaigns has a known budget, so there is no target to "
            "pace against; spend and month-end forecasts are reported." + summary(plan),
            diagnostics,
            rows,
        )
    faults = ", ".join(f"{count} {name}" for name, count in sorted(detected.items()))
    shared = sum(h.shared_budget_id is not None for h in histories)
    budgets = f" and {shared} shared budget(s)" if shared else ""
    paced = f"{len(histories) - shared} campaigns{budgets} paced to {last_day}"
    reason = f"{paced}; open faults: {faults or 'none'}." + (
        f" {without_budget} have no known budget." if without_budget else ""
    )
    return Outcome("PASS", reason + summary(plan), diagnostics, rows)


def holidays_around(as_of: date, limits: PacingSettings) -> frozenset[date]:
    """The public holidays of the configured country, of this year and the last."""
    if limits.holidays is None:
        return frozenset()
    return public_holidays(limits.holidays, (as_of.year - 1, as_of.year))


def _days(
    paced: Month, reported: Sequence[date], limits: PacingSettings
) -> Iterator[dict[str, Any]]:
    """Rows of contracts.pacing_daily of one campaign, or shared budget, for the ``reported`` days,
    without what every row of a run carries.

    Days that aren't published count neither as spend nor in the month-to-date target, so that
    pace compares like with like.
    """
    history = paced.history
    spent, expected = 0, 0.0
    for day in reported:
        cost = history.cost(day)
        if cost is not None:
            spent += cost
            expected += paced.target.get(day, 0.0)
        pace = spent / expected if expected > 0 else None
        known = history.has_budget
        forecast = paced.forecast(day)
        yield {
            "platform": history.platform,
            "account_id": history.account_id,
            "campaign_id": history.campaign_id,
            "date": day,
            "cost_micros": cost,
            "mtd_cost_micros": spent,
            "mtd_target_micros": round(expected) if known else None,
            "month_target_micros": round(paced.total()) if known else None,
            "month_forecast_micros": forecast.micros if forecast else None,
            "month_forecast_low_micros": forecast.bound(-INTERVAL_Z) if forecast else None,
            "month_forecast_high_micros": forecast.bound(INTERVAL_Z) if forecast else None,
            "pace": None if pace is None else significant(pace),
            "classification": _classify(paced, day, pace, limits),
            "currency_code": history.currency_code,
            "shared_budget_id": history.shared_budget_id,
        }


def _reported(
    history: CampaignHistory, month: Sequence[date], as_of: date, due: date
) -> list[date]:
    """The month's days up to ``as_of``, at least the first; one that isn't over in the account's
    time zone and has no data yet is left for later."""
    days = [day for day in month if day <= as_of]
    while len(days) > 1 and days[-1] > due and history.cost(days[-1]) is None:
        days.pop()
    return days


def _classify(paced: Month, day: date, pace: float | None, limits: PacingSettings) -> str:
    """A classification of contracts.pacing_daily. A stopped campaign owes nothing: HEALTHY."""
    history = paced.history
    if not history.has_budget:
        return "NO_BUDGET"
    if history.cost(day) is None:
        return "NO_DATA"
    if history.is_stopped(day):
        return "HEALTHY"
    if detectors.zero_delivery(history, day):
        return "CRITICAL"
    deviation = 0.0 if pace is None else _deviation(paced, day, pace, limits)
    if deviation > limits.critical:
        return "CRITICAL"
    return "WARNING" if deviation >= limits.warning else "HEALTHY"


def _deviation(paced: Month, day: date, pace: float, limits: PacingSettings) -> float:
    """How far the month is off its target, as a share of it.

    The first days of a month are a month to date of their own only where the platform broke its
    daily cap: a platform may spend up to that on a day and even it out over the month. Else they
    count together with the days before the month, and where there are none, for a WARNING at most.
    """
    history = paced.history
    published = recent_days(history, day, limits.recent_days)
    own = [d for d in published if d >= day.replace(day=1)]
    if len(own) >= limits.recent_days or any(over_daily_cap(history, d) for d in own):
        return abs(pace - 1)
    expected = sum(history.budget(d) * paced.usual.shape(d) for d in published)
    drift = sum(history.cost(d) or 0 for d in published) / expected - 1 if expected > 0 else 0.0
    if drift * (pace - 1) <= 0:
        return 0.0
    deviation = min(abs(pace - 1), abs(drift))
    return deviation if len(published) >= limits.recent_days else min(deviation, limits.critical)


def _alerts(
    paced: Month,
    last: Mapping[str, Any],
    due: date,
    limits: PacingSettings,
    others: Sequence[Month],
) -> Iterator[dict[str, Any]]:
    """Rows of contracts.pacing_alerts, one per open fault; ``last`` is the last reported row,
    ``others`` the account's other campaigns."""
    history, as_of = paced.history, last["date"]
    recent = recent_days(history, as_of, limits.recent_days)
    for fault in detectors.open_faults(paced, as_of, due, last["pace"], limits):
        note = explain(paced, fault, as_of, others)
        yield {
            "platform": history.platform,
            "account_id": history.account_id,
            "campaign_id": history.campaign_id,
            "detector": fault.detector,
            "severity": fault.severity,
            "since": fault.since,
            "pace": last["pace"],
            "z": None if fault.z is None else significant(fault.z),
            "message": _of_whom(history) + fault.message,
            "cause": note.cause or None,
            "mitigation": note.mitigation,
            "mtd_cost_micros": last["mtd_cost_micros"],
            "mtd_target_micros": last["mtd_target_micros"],
            "daily_budget_micros": history.budget(as_of) if history.has_budget else None,
            "recent_daily_micros": (
                round(sum(history.cost(d) or 0 for d in recent) / len(recent)) if recent else None
            ),
            "currency_code": history.currency_code,
            "shared_budget_id": history.shared_budget_id,
        }


def _of_whom(history: CampaignHistory) -> str:
    if history.shared_budget_id is None:
        return ""
    sharers = ", ".join(history.shared_by)
    return f"Shared budget {history.shared_budget_id} of campaigns {sharers}: "
