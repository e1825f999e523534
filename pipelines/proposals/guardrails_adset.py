"""Guardrails of ad sets: a change is held to the ad set's budget and to its account's total."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.money import Money, figure
from pipelines.proposals.guardrails import Case
from pipelines.proposals.proposal import Constraint, Verdict


@dataclass(frozen=True)
class AdSetCase(Case):
    """One ad set's part of its account's allocation, in the account's currency.

    Args:
        budget: the ad set's daily budget.
        sum_of_deltas: the change of all ad sets of the account together.
    """

    budget: Money
    sum_of_deltas: Money


def max_change(case: AdSetCase) -> Constraint:
    """One change moves at most a few percent of the ad set's budget."""
    value = abs(case.delta) / case.budget * 100
    least, most = case.caps.change_bounds(case.budget.micros)
    slack = 1e-9 * case.budget.micros
    kept = least - slack <= case.budget.micros + case.delta.micros <= most + slack
    bound = case.caps.max_change_percent
    message = f"{value:.2f} percent of the ad set's budget; at most {bound:.2f}."
    verdict: Verdict = "PASS" if kept else "FAIL"
    unit = "percent of the budget"
    return Constraint(
        "max_change", verdict, value, bound, unit, abs(value - bound) <= bound * 0.01, message
    )


def account_neutral(case: AdSetCase) -> Constraint:
    """The ad sets of an account spend no more together than before."""
    moved = case.sum_of_deltas
    verdict: Verdict = "PASS" if moved.micros <= 0 else "FAIL"
    message = (
        f"All changes of the account's ad sets together come to "
        f"{figure(moved.micros, moved.currency)} a day; not above 0."
    )
    value = float(moved.micros)
    return Constraint(
        "account_neutral", verdict, value, 0.0, "micros a day", not moved.micros, message
    )
