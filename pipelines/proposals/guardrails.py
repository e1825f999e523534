"""The guardrails: every cap of DESIGN section 5, each a function from a case to a constraint.

They are checked when proposing and again when recording; each kind lists those that apply to it.
What is unknown fails closed. Amounts are compared in the reporting currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pipelines.money import Money, figure, total
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import JobEvidence, Readiness
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Constraint, Effect, Verdict

MAX_RATE_AGE_DAYS = 7
_BINDS_WITHIN = 0.01  # a constraint within 1% of its bound binds


@dataclass(frozen=True)
class Case:
    """One proposal before it has a verdict.

    Args:
        evidence: the latest run of the job that it comes from.
        delta: change of the daily budget, in the account's currency.
        currencies: of all the amounts that were added up for it.
    """

    market: Market
    caps: GuardrailSettings
    campaign: Campaign
    evidence: JobEvidence | None
    delta: Money
    effect: Effect
    currencies: frozenset[str]


@dataclass(frozen=True)
class ShiftCase(Case):
    """One campaign's part of an allocation; daily budgets in the reporting currency.

    Args:
        pacing: the latest run of pacing, which reports the campaigns with faults.
        readiness: what fidelity says of the media mix's predictions.
        total: the budgets of all campaigns.
        moved: what the allocation takes from some and gives to others.
        sum_of_deltas: the allocation's change of the total.
        channel_before, channel_after: the budget of the campaign's channel.
    """

    pacing: JobEvidence | None
    readiness: Readiness | None
    total: Money
    moved: Money
    sum_of_deltas: Money
    channel_before: Money
    channel_after: Money


@dataclass(frozen=True)
class PauseCase(Case):
    """A campaign with an open fault, its severity and its first day."""

    severity: str
    since: date


class Predicted(Protocol):
    """A case that rests on a job's predictions."""

    @property
    def market(self) -> Market: ...
    @property
    def caps(self) -> GuardrailSettings: ...
    @property
    def readiness(self) -> Readiness | None: ...


def kill_switch(case: Case) -> Constraint:
    on = case.market.standing.stopped
    return Constraint(
        "kill_switch",
        "FAIL" if on else "PASS",
        float(on),
        0.0,
        "switch",
        on,
        "The kill switch is on: nothing is approved." if on else "The kill switch is off.",
    )


def job_may_propose(case: Case) -> Constraint | None:
    """The policy, and its own record, let the job propose; what has no job isn't held to it."""
    if case.evidence is None:
        return None
    job, reason = case.evidence.job, case.market.standing.barred.get(case.evidence.job)
    message = f"{job} may not propose: {reason}." if reason else f"{job} may propose."
    return Constraint(
        "job_may_propose", "FAIL" if reason else "PASS", None, None, "", bool(reason), message
    )


def blackout(case: Case) -> Constraint | None:
    """No routine change on days that the policy keeps free of them; None without such days."""
    today, days = case.market.standing.today, case.market.standing.blackouts
    if not days:
        return None
    if today is None:
        return Constraint("blackout", "NO_DATA", None, None, "", False, "The day is not known.")
    held = next((b for b in days if b.first <= today <= b.last), None)
    if held:
        message = f"No routine change from {held.first} to {held.last}: {held.why}."
        left = float((held.last - today).days + 1)
        return Constraint("blackout", "FAIL", left, 0.0, "days left", True, message)
    coming = min((b.first for b in days if b.first > today), default=None)
    message = f"The next blackout begins on {coming}." if coming else "No blackout is ahead."
    return Constraint("blackout", "PASS", 0.0, 0.0, "days left", False, message)


def account_fresh(case: Case) -> Constraint:
    """The account's own delivery is published up to a few days ago."""
    bound, data_to = float(case.caps.max_data_age_days), case.campaign.data_to
    if data_to is None:
        message = "No delivery of the account was ever published."
        return Constraint("account_fresh", "NO_DATA", None, bound, "days", False, message)
    age = float((case.market.as_of - data_to).days)
    verdict: Verdict = "PASS" if age <= bound else "FAIL"
    message = f"The account's delivery is published to {data_to}, {age:.0f} day(s) ago."
    return Constraint("account_fresh", verdict, age, bound, "days", age == bound, message)


def evidence_fresh(case: Case) -> Constraint:
    """The job that it comes from passed, recently enough."""
    return _fresh("evidence_fresh", case.evidence, case)


def pacing_fresh(case: ShiftCase) -> Constraint:
    """Pacing, which reports the campaigns with faults, passed, recently enough."""
    return _fresh("pacing_fresh", case.pacing, case)


def predictions_hold(case: Predicted) -> Constraint:
    """What the job predicted came true, and nothing that it reads has vanished."""
    name, bound = "predictions_hold", float(case.caps.max_evidence_age_days)
    if (ready := case.readiness) is None:
        message = "No run of fidelity has held the job's predictions against what came."
        return Constraint(name, "NO_DATA", None, bound, "days", False, message)
    age = float((case.market.as_of - ready.as_of).days)
    by_verdict = {verdict: reason for verdict, reason in reversed(ready.verdicts)}
    failed = " ".join(reason for verdict, reason in ready.verdicts if verdict == "FAIL")
    if not 0 <= age <= bound:
        verdict: Verdict = "FAIL"
        message = f"Predictions were last held against what came {age:.0f} day(s) ago."
    elif failed:
        verdict, message = "FAIL", failed
    elif "PASS" in by_verdict:
        verdict, message = "PASS", by_verdict["PASS"]
    else:
        verdict, message = "NO_DATA", ready.verdicts[0][1]
    return Constraint(name, verdict, age, bound, "days", age == bound, message)


def baseline_known(case: Case) -> Constraint:
    """The campaign runs, and its budget is known."""
    campaign = case.campaign
    if campaign.daily_budget is None:
        verdict: Verdict = "NO_DATA"
        message = "The campaign's present budget is not known."
    elif campaign.status != "ENABLED":
        verdict, message = "FAIL", f"The campaign is {campaign.status}."
    else:
        verdict, message = (
            "PASS",
            f"ENABLED at {figure(campaign.budget.micros, campaign.currency)} a day.",
        )
    return Constraint("baseline_known", verdict, None, None, "", False, message)


def one_currency(case: Case) -> Constraint | None:
    """Every amount that was added up is in the reporting currency, or has a recent rate to it.

    A market in the reporting currency alone needs no rate, and so no constraint.
    """
    rates, bound = case.market.rates, float(MAX_RATE_AGE_DAYS)
    foreign = sorted(case.currencies - {rates.target})
    if not foreign:
        return None
    unknown = [currency for currency in foreign if not rates.knows(currency)]
    if unknown:
        message = f"No rate from {', '.join(unknown)} to {rates.target} is known."
        return Constraint("one_currency", "NO_DATA", None, bound, "days", False, message)
    used = [rates.rate(currency) for currency in foreign]
    age = float(max((case.market.as_of - rate.day).days for rate in used))
    quoted = "; ".join(f"1 {r.source} was {r.factor:.6g} {r.target} on {r.day}" for r in used)
    return Constraint(
        "one_currency",
        "PASS" if age <= bound else "FAIL",
        age,
        bound,
        "days",
        age == bound,
        f"{quoted}: {age:.0f} day(s) old, at most {bound:.0f}.",
    )


def max_change(case: Case) -> Constraint:
    """One change moves at most a few percent of the campaign's budget."""
    current = case.campaign.budget
    value = abs(case.delta) / current * 100
    least, most = case.caps.change_bounds(current.micros)
    slack = 1e-9 * current.micros
    allowed = least - slack <= current.micros + case.delta.micros <= most + slack
    bound = case.caps.max_change_percent
    return _bounded("max_change", value, bound, "percent of the budget", allowed)


def max_daily_change(case: Case) -> Constraint:
    """All the changes of one day together move at most a capped share of the budget."""
    current, name = case.campaign.budget, "max_daily_change"
    bound, unit = case.caps.max_daily_change_percent, "percent of the budget a day"
    today = case.market.changed_today.get(case.campaign.key, ())
    if any(change.currency != current.currency for change in today):
        message = f"Changes recorded today are not in {current.currency}, which the budget is in."
        return Constraint(name, "NO_DATA", None, bound, unit, False, message)
    value = total([abs(case.delta), *today], current.currency) / current * 100
    return _bounded(name, value, bound, unit, _at_most(value, bound))


def cac_ceiling(case: Case) -> Constraint:
    """The cost of each further order, at the pessimistic end of its interval.

    A cut buys no orders and passes.
    """
    name, currency = "cac_ceiling", case.market.rates.target
    own = currency == case.effect.spend.currency
    unit = "micros an order" if own else f"micros of {currency} an order"
    ceiling = case.caps.cac_ceiling_micros
    bound = float(ceiling) if ceiling else None
    if case.effect.spend.micros <= 0:
        return Constraint(name, "PASS", None, bound, unit, False, "A cut buys no orders.")
    if ceiling is None:
        message = "No CAC ceiling is set (guardrails.cac_ceiling_micros)."
        return Constraint(name, "NO_DATA", None, None, unit, False, message)
    if case.effect.orders is None:
        return Constraint(name, "NO_DATA", None, bound, unit, False, "The effect is not known.")
    if not case.market.rates.knows(case.effect.spend.currency):
        message = f"The cost is not known in {currency}, which the ceiling is in."
        return Constraint(name, "NO_DATA", None, bound, unit, False, message)
    if case.effect.orders.p10 <= 0:
        message = "At the pessimistic end the money buys no further order."
        return Constraint(name, "FAIL", None, bound, unit, True, message)
    value = case.market.rates.convert(case.effect.spend).micros / case.effect.orders.p10
    code = "" if own else f" {currency}"
    return Constraint(
        name,
        "PASS" if _at_most(value, ceiling) else "FAIL",
        value,
        bound,
        unit,
        _binds(value, ceiling),
        f"{figure(value, currency)}{code} an order; at most {figure(ceiling, currency)}{code}.",
    )


def roas_floor(case: Case) -> Constraint | None:
    """The revenue of each unit of further spend, at the pessimistic end of its interval.

    None without a floor. A cut spends nothing further and passes.
    """
    floor, spend = case.caps.roas_floor, case.effect.spend
    if floor is None:
        return None
    name, unit = "roas_floor", "revenue for each unit of spend"
    if spend.micros <= 0:
        message = "A cut spends nothing further."
        return Constraint(name, "PASS", None, floor, unit, False, message)
    revenue, rates = case.effect.revenue, case.market.rates
    if revenue is None:
        return Constraint(name, "NO_DATA", None, floor, unit, False, "The effect is not known.")
    if revenue.currency != rates.target or not rates.knows(spend.currency):
        message = f"Revenue in {revenue.currency} and spend in {spend.currency} have no common one."
        return Constraint(name, "NO_DATA", None, floor, unit, False, message)
    value = revenue.p10 / rates.convert(spend).micros
    verdict: Verdict = "PASS" if value >= floor * (1 - 1e-9) else "FAIL"
    message = f"{value:.2f} for each unit of spend, at the pessimistic end; at least {floor:.2f}."
    return Constraint(name, verdict, value, floor, unit, _binds(value, floor), message)


def channel_ceiling(case: ShiftCase) -> Constraint | None:
    """No increase takes a channel above a share of the total; None where there is no ceiling."""
    bound = case.caps.channel_ceiling_percent
    if bound >= 100:
        return None
    value = case.channel_after / case.total * 100
    kept = _at_most(value, bound) or case.channel_after <= case.channel_before
    return Constraint(
        "channel_ceiling",
        "PASS" if kept else "FAIL",
        value,
        bound,
        "percent of the total",
        _binds(value, bound),
        f"The channel has {value:.1f}% of the total afterwards; no increase above {bound:.1f}%.",
    )


def channel_floor(case: ShiftCase) -> Constraint:
    """No cut takes a channel below a share of the total, so that its effect stays measurable.

    A channel that is already below its floor may grow.
    """
    value = case.channel_after / case.total * 100
    bound = case.caps.channel_floor_percent
    kept = case.channel_after.micros >= case.caps.floor(case.total.micros)
    return Constraint(
        "channel_floor",
        "PASS" if kept or case.channel_after >= case.channel_before else "FAIL",
        value,
        bound,
        "percent of the total",
        _binds(value, bound),
        f"The channel has {value:.1f}% of the total afterwards; no cut below {bound:.1f}%.",
    )


def exploration_reserve(case: ShiftCase) -> Constraint:
    """The optimiser never moves a share of the total."""
    value = 100 - case.moved / case.total * 100
    bound = case.caps.exploration_reserve_percent
    kept = case.total - case.moved
    return Constraint(
        "exploration_reserve",
        "PASS" if kept.micros >= case.caps.reserve(case.total.micros) else "FAIL",
        value,
        bound,
        "percent of the total",
        _binds(value, bound),
        f"{value:.1f}% of the total stays where it is; at least {bound:.1f}%.",
    )


def budget_neutral(case: ShiftCase) -> Constraint:
    """The allocation's proposals together spend no more than the campaigns do today."""
    value = case.sum_of_deltas / case.total * 100
    verdict: Verdict = "PASS" if case.sum_of_deltas.micros <= 0 else "FAIL"
    message = f"All proposals of this allocation together change the total by {value:+.3f}%."
    return Constraint("budget_neutral", verdict, value, 0.0, "percent of the total", True, message)


def severity_is_critical(case: PauseCase) -> Constraint:
    """An urgent pause needs a critical alert that has lasted for more than a day."""
    last_day = case.evidence.as_of if case.evidence else case.market.as_of
    days = float((last_day - case.since).days + 1)
    verdict: Verdict = "PASS" if case.severity == "CRITICAL" and days >= 2 else "FAIL"
    message = f"The alert is {case.severity} and has lasted {days:.0f} day(s); at least 2."
    return Constraint("severity_is_critical", verdict, days, 2.0, "days", days == 2, message)


def _fresh(name: str, job: JobEvidence | None, case: Case) -> Constraint:
    bound = float(case.caps.max_evidence_age_days)
    if job is None:
        return Constraint(name, "NO_DATA", None, bound, "days", False, "The job has never run.")
    age = float((case.market.as_of - job.as_of).days)
    verdict: Verdict = "PASS" if 0 <= age <= bound else "FAIL"
    if verdict == "PASS" and job.verdict != "PASS":
        verdict = "INCONCLUSIVE"
    message = f"{job.job} run {job.run_id} is {age:.0f} day(s) old and {job.verdict}."
    return Constraint(name, verdict, age, bound, "days", age == bound, message)


def _bounded(name: str, value: float, bound: float, unit: str, allowed: bool) -> Constraint:
    _, _, of_what = unit.partition(" ")
    return Constraint(
        name,
        "PASS" if allowed else "FAIL",
        value,
        bound,
        unit,
        _binds(value, bound),
        f"{value:.2f}% {of_what}; at most {bound:.2f}%.",
    )


def _at_most(value: float, bound: float) -> bool:
    return value <= bound * (1 + 1e-9)


def _binds(value: float, bound: float) -> bool:
    return abs(value - bound) <= abs(bound) * _BINDS_WITHIN
