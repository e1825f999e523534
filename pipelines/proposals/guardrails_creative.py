"""The guardrails of what is done to ads: one is surely worn out, or the test of a trait tells."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.proposals.guardrails import Case
from pipelines.proposals.guardrails_audience import MAX_WEEKS
from pipelines.proposals.proposal import Constraint, Interval, Verdict

SURELY = 0.9
FALSE_DISCOVERIES = 0.025


@dataclass(frozen=True)
class RotateCase(Case):
    """One ad that is to be paused.

    Args:
        worn_chance: how likely it is worn out.
        others: ads of its ad group that run besides, and get its money.
        gain: what its money brings more there, over what money brings in the campaign; None where
            there are no others.
    """

    worn_chance: float
    others: int
    gain: Interval | None


@dataclass(frozen=True)
class TraitCase(Case):
    """One trait, in one campaign.

    Args:
        q_value: of no difference, after control of false discoveries.
        ratio_low: the lower end of the 95% interval of its return over that without it.
        weeks: how long a test takes that finds the ratio with 80% power; None if it can't be told.
    """

    q_value: float
    ratio_low: float
    weeks: float | None


def surely_worn(case: RotateCase) -> Constraint:
    """The ad is worn out with all but certainty."""
    value, bound = case.worn_chance * 100, SURELY * 100
    verdict: Verdict = "PASS" if value >= bound else "FAIL"
    message = f"It is worn out with a probability of {value:.0f}%, at least {bound:.0f}%."
    return Constraint("surely_worn", verdict, value, bound, "percent", False, message)


def others_remain(case: RotateCase) -> Constraint:
    """Its ad group goes on with other ads."""
    verdict: Verdict = "PASS" if case.others else "FAIL"
    message = f"{case.others} other ad(s) of its ad group run."
    return Constraint(
        "others_remain", verdict, float(case.others), 1.0, "ads", case.others == 1, message
    )


def rotation_gains(case: RotateCase) -> Constraint:
    """The others do more with its money, at the pessimistic end of the interval."""
    name, unit = "rotation_gains", "percent of what its money brings"
    if case.gain is None:
        return Constraint(name, "NO_DATA", None, 0.0, unit, False, "Nobody would get its money.")
    value = case.gain.p10 * 100
    verdict: Verdict = "PASS" if value > 0 else "FAIL"
    message = f"At the pessimistic end its money brings {value:+.0f}% of the campaign's average."
    return Constraint(name, verdict, value, 0.0, unit, False, message)


def trait_significant(case: TraitCase) -> Constraint:
    """Ads with the trait do better, and that it was one of many looked at is counted."""
    held = case.q_value <= FALSE_DISCOVERIES and case.ratio_low > 1
    verdict: Verdict = "PASS" if held else "FAIL"
    message = (
        f"Ads with it brought at least {case.ratio_low:.2f} times as much (95%), with "
        f"{case.q_value:.1%} false discoveries."
    )
    return Constraint("trait_significant", verdict, case.ratio_low, 1.0, "times", False, message)


def trait_test_tells(case: TraitCase) -> Constraint:
    """The test would find the difference that is expected, within a few weeks."""
    name, unit = "test_tells", "weeks"
    if case.weeks is None:
        message = "How long the test takes can't be told."
        return Constraint(name, "NO_DATA", None, MAX_WEEKS, unit, False, message)
    verdict: Verdict = "PASS" if case.weeks <= MAX_WEEKS else "FAIL"
    message = (
        f"{case.weeks:.1f} week(s) find a difference like this with 80% power; at most "
        f"{MAX_WEEKS:.0f}."
    )
    return Constraint(name, verdict, case.weeks, MAX_WEEKS, unit, False, message)
