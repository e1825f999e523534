"""The guardrails: every cap of DESIGN section 5 as one function from facts to a constraint.

Checked when proposing and again when recording. Anything unknown fails closed.
"""

from __future__ import annotations

from datetime import date

from pipelines.config import GuardrailSettings
from pipelines.proposals.facts import Campaign, JobEvidence
from pipelines.proposals.proposal import Constraint, Interval, Verdict

_BINDS_WITHIN = 0.01  # a constraint within 1% of its bound binds


def kill_switch(settings: GuardrailSettings) -> Constraint:
    on = settings.kill_switch
    return Constraint(
        "kill_switch",
        "FAIL" if on else "PASS",
        float(on),
        0.0,
        "switch",
        on,
        "The kill switch is on: nothing is approved." if on else "The kill switch is off.",
    )


def account_fresh(
    campaign: Campaign | None, as_of: date, settings: GuardrailSettings
) -> Constraint:
    """The account's own delivery was published up to a few days ago."""
    bound = float(settings.max_data_age_days)
    if campaign is None or campaign.data_to is None:
        message = "No delivery of the account was ever published."
        return Constraint("account_fresh", "NO_DATA", None, bound, "days", False, message)
    age = float((as_of - campaign.data_to).days)
    verdict: Verdict = "PASS" if age <= bound else "FAIL"
    message = f"The account's delivery is published to {campaign.data_to}, {age:.0f} day(s) ago."
    return Constraint("account_fresh", verdict, age, bound, "days", age == bound, message)


def evidence_fresh(
    job: JobEvidence | None, as_of: date, settings: GuardrailSettings, name: str = "evidence_fresh"
) -> Constraint:
    """The job passed, and recently enough."""
    bound = float(settings.max_evidence_age_days)
    if job is None:
        return Constraint(name, "NO_DATA", None, bound, "days", False, "The job has never run.")
    age = float((as_of - job.as_of).days)
    verdict: Verdict = "PASS" if 0 <= age <= bound else "FAIL"
    if verdict == "PASS" and job.verdict != "PASS":
        verdict = "INCONCLUSIVE"
    message = f"{job.job} run {job.run_id} is {age:.0f} day(s) old and {job.verdict}."
    return Constraint(name, verdict, age, bound, "days", age == bound, message)


def baseline_known(campaign: Campaign | None) -> Constraint:
    """The campaign runs, and its budget is known."""
    if campaign is None or campaign.daily_budget_micros is None:
        verdict: Verdict = "NO_DATA"
        message = "The campaign's present budget is not known."
    elif campaign.status != "ENABLED":
        verdict, message = "FAIL", f"The campaign is {campaign.status}."
    else:
        verdict = "PASS"
        message = f"ENABLED at {campaign.daily_budget_micros / 1e6:.2f} a day."
    return Constraint("baseline_known", verdict, None, None, "", False, message)


def max_change(delta_micros: int, current_micros: int, settings: GuardrailSettings) -> Constraint:
    """One change moves at most a few percent of the campaign's budget."""
    value = abs(delta_micros) / current_micros * 100
    return _at_most("max_change", value, settings.max_change_percent, "percent of the budget")


def max_daily_change(
    delta_micros: int, changed_today_micros: int, current_micros: int, settings: GuardrailSettings
) -> Constraint:
    """All changes of a day together move at most a tenth of the campaign's budget."""
    value = (abs(delta_micros) + changed_today_micros) / current_micros * 100
    bound = settings.max_daily_change_percent
    return _at_most("max_daily_change", value, bound, "percent of the budget a day")


def cac_ceiling(
    spend_micros: int, orders: Interval | None, settings: GuardrailSettings
) -> Constraint:
    """The cost of each further order, at the pessimistic end of its interval.

    A cut buys no orders and passes.
    """
    name, unit, ceiling = "cac_ceiling", "micros an order", settings.cac_ceiling_micros
    bound = float(ceiling) if ceiling else None
    if spend_micros <= 0:
        return Constraint(name, "PASS", None, bound, unit, False, "A cut buys no orders.")
    if ceiling is None:
        message = "No CAC ceiling is set (guardrails.cac_ceiling_micros)."
        return Constraint(name, "NO_DATA", None, None, unit, False, message)
    if orders is None:
        return Constraint(name, "NO_DATA", None, bound, unit, False, "The effect is not known.")
    if orders.p10 <= 0:
        message = "At the pessimistic end the money buys no further order."
        return Constraint(name, "FAIL", None, bound, unit, True, message)
    return _at_most(name, spend_micros / orders.p10, float(ceiling), unit)


def channel_floor(
    after_micros: int, before_micros: int, total_micros: int, settings: GuardrailSettings
) -> Constraint:
    """No cut takes a channel below a share of the total, so that it can still be learnt about.

    A channel that is below its floor already may grow.
    """
    value = after_micros / total_micros * 100
    bound = settings.channel_floor_percent
    return Constraint(
        "channel_floor",
        "PASS" if value >= bound or after_micros >= before_micros else "FAIL",
        value,
        bound,
        "percent of the total",
        abs(value - bound) <= bound * _BINDS_WITHIN,
        f"The channel has {value:.1f}% of the total afterwards; no cut below {bound:.1f}%.",
    )


def exploration_reserve(
    moved_micros: int, total_micros: int, settings: GuardrailSettings
) -> Constraint:
    """A share of the total is never moved by the optimiser."""
    value = 100 - moved_micros / total_micros * 100
    bound = settings.exploration_reserve_percent
    return Constraint(
        "exploration_reserve",
        "PASS" if value >= bound else "FAIL",
        value,
        bound,
        "percent of the total",
        abs(value - bound) <= bound * _BINDS_WITHIN,
        f"{value:.1f}% of the total stays where it is; at least {bound:.1f}%.",
    )


def budget_neutral(sum_of_deltas_micros: int, total_micros: int) -> Constraint:
    """The allocation's proposals together spend no more than today."""
    value = sum_of_deltas_micros / total_micros * 100
    verdict: Verdict = "PASS" if sum_of_deltas_micros <= 0 else "FAIL"
    message = f"All proposals of this allocation together change the total by {value:+.3f}%."
    return Constraint("budget_neutral", verdict, value, 0.0, "percent of the total", True, message)


def severity_is_critical(severity: str, since: date, as_of: date) -> Constraint:
    """An urgent pause needs a critical alert that has lasted for more than a day."""
    days = float((as_of - since).days + 1)
    verdict: Verdict = "PASS" if severity == "CRITICAL" and days >= 2 else "FAIL"
    message = f"The alert is {severity} and has lasted {days:.0f} day(s); at least 2."
    return Constraint("severity_is_critical", verdict, days, 2.0, "days", days == 2, message)


def _at_most(name: str, value: float, bound: float, unit: str) -> Constraint:
    return Constraint(
        name,
        "PASS" if value <= bound * (1 + 1e-9) else "FAIL",
        value,
        bound,
        unit,
        abs(value - bound) <= abs(bound) * _BINDS_WITHIN,
        _comparison(value, bound, unit),
    )


def _comparison(value: float, bound: float, unit: str) -> str:
    kind, _, of_what = unit.partition(" ")
    if kind == "micros":
        return f"{value / 1e6:.2f} {of_what}; at most {bound / 1e6:.2f}."
    return f"{value:.2f}% {of_what}; at most {bound:.2f}%."
