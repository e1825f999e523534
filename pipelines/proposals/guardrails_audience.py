"""The guardrails of a test of an audience: its uplift is believed, and the test will tell."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.proposals.guardrails import Case
from pipelines.proposals.proposal import Constraint, Verdict

LEAST_HOLDOUT = 10.0
MAX_WEEKS = 8.0


@dataclass(frozen=True)
class AudienceCase(Case):
    """One segment of people, in one campaign.

    Args:
        discovery: whether the segment's uplift survives the control of false discoveries.
        uplift_low: lower end of its 95% interval, as a share of people; None if it isn't known.
        holdout: percent of the segment's people that see no ad of the campaign.
        weeks: how long the test takes to find the uplift with 80% power; None if it can't be told.
        tilt: percent that the other people's bids are raised by.
    """

    discovery: bool
    uplift_low: float | None
    holdout: float
    weeks: float | None
    tilt: float


def uplift_significant(case: AudienceCase) -> Constraint:
    """Ads move the segment's people, and that it was one of several looked at is counted."""
    name, unit = "uplift_significant", "points, lower end"
    if case.uplift_low is None:
        return Constraint(name, "NO_DATA", None, 0.0, unit, False, "Its uplift is not known.")
    value = case.uplift_low * 100
    held = case.discovery and value > 0
    verdict: Verdict = "PASS" if held else "FAIL"
    message = f"The uplift is at least {value:+.2f} points (95%), and " + (
        "a discovery among the segments."
        if case.discovery
        else "no discovery among the segments: one in so many may look so by chance."
    )
    return Constraint(name, verdict, value, 0.0, unit, False, message)


def holdout_kept(case: AudienceCase) -> Constraint:
    """Part of the segment sees no ad, or nothing would be learnt."""
    value = case.holdout
    verdict: Verdict = "PASS" if LEAST_HOLDOUT <= value <= 50 else "FAIL"
    message = f"{value:.0f}% of the segment's people see no ad; at least {LEAST_HOLDOUT:.0f}%."
    return Constraint(
        "holdout_kept",
        verdict,
        value,
        LEAST_HOLDOUT,
        "percent of people",
        value == LEAST_HOLDOUT,
        message,
    )


def power_suffices(case: AudienceCase) -> Constraint:
    """The test would find the uplift that is expected, within a few weeks."""
    name, unit = "power_suffices", "weeks"
    if case.weeks is None:
        message = "How long the test takes can't be told."
        return Constraint(name, "NO_DATA", None, MAX_WEEKS, unit, False, message)
    verdict: Verdict = "PASS" if case.weeks <= MAX_WEEKS else "FAIL"
    message = (
        f"{case.weeks:.1f} week(s) find an uplift like this with 80% power; at most "
        f"{MAX_WEEKS:.0f}."
    )
    return Constraint(name, verdict, case.weeks, MAX_WEEKS, unit, False, message)


def tilt_within_cap(case: AudienceCase) -> Constraint:
    """The tilt is no larger than one change of a budget may be."""
    bound = case.caps.max_change_percent
    verdict: Verdict = "PASS" if 0 < case.tilt <= bound * (1 + 1e-9) else "FAIL"
    message = f"Bids for the segment rise by {case.tilt:.1f}%; at most {bound:.1f}%."
    return Constraint("tilt_within_cap", verdict, case.tilt, bound, "percent", True, message)
