"""The guardrails of a resume: it was paused, nothing stops it now, and its reason holds."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.money import figure
from pipelines.proposals.guardrails import Case
from pipelines.proposals.proposal import Constraint, Verdict


@dataclass(frozen=True)
class ResumeCase(Case):
    """A paused campaign that may run again.

    Args:
        reason: why it may, as text.
        stops: what still stops it: critical faults, and plan lines that it has overspent.
        untold: plan lines of which it can't be told whether it has.
    """

    reason: str
    stops: tuple[str, ...]
    untold: tuple[str, ...]


def is_paused(case: ResumeCase) -> Constraint:
    """The campaign is paused, and the budget that it would run on is known."""
    campaign = case.campaign
    verdict: Verdict = "PASS"
    if campaign.daily_budget is None:
        verdict, message = "NO_DATA", "The campaign's present budget is not known."
    elif campaign.status != "PAUSED":
        verdict, message = "FAIL", f"The campaign is {campaign.status}."
    else:
        message = f"PAUSED, with {figure(campaign.budget.micros, campaign.currency)} a day."
    return Constraint("is_paused", verdict, None, None, "", False, message)


def fault_over(case: ResumeCase) -> Constraint:
    """No critical fault of the campaign is open, and no line of a media plan is overspent."""
    count = float(len(case.stops))
    verdict: Verdict = "PASS"
    message = case.reason
    if case.stops:
        verdict, message = "FAIL", " ".join(case.stops)
    elif case.untold:
        verdict, message = "NO_DATA", " ".join(case.untold)
    return Constraint("fault_over", verdict, count, 0.0, "open faults", False, message)
