"""The guardrails of a split of an ad group's spend among its ads. Shares are in percent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.proposals.evidence import Readiness
from pipelines.proposals.guardrails import Case
from pipelines.proposals.proposal import Constraint, Interval, Verdict

WHOLE = 100
_ROUNDING = 0.01


@dataclass(frozen=True)
class Share:
    """An ad's share of its ad group's spend.

    Args:
        before: of the last days.
        floor: the least that keeps the ad's result measurable.
        affordable: whether its cost per conversion is within the CAC ceiling at the pessimistic
            end.
    """

    before: float
    after: int
    floor: float
    affordable: bool


@dataclass(frozen=True)
class SplitCase(Case):
    """One ad group's split.

    Args:
        shares: by ad.
        exploration: percent of the spend that is spread evenly, whatever is known.
        gain: conversions for the same money, as a share of what there are; None if it isn't known.
        readiness: what fidelity says of the bandits' predictions.
    """

    shares: Mapping[str, Share]
    exploration: float
    gain: Interval | None
    readiness: Readiness | None


def shares_whole(case: SplitCase) -> Constraint:
    """The split spends what the ad group spends: no more, and no less."""
    value = float(sum(share.after for share in case.shares.values()))
    several = len(case.shares) > 1 and min(s.after for s in case.shares.values()) >= 0
    verdict: Verdict = "PASS" if several and value == WHOLE else "FAIL"
    message = f"{len(case.shares)} ads share {value:.0f}% of the ad group's spend."
    return Constraint("shares_whole", verdict, value, float(WHOLE), "percent", True, message)


def exploration_floor(case: SplitCase) -> Constraint:
    """Every ad keeps its part of the spend that is spread evenly: the exploration reserve."""
    name, unit = "exploration_floor", "percent of the ad group"
    bound = case.caps.exploration_reserve_percent
    if not case.shares:
        return Constraint(name, "NO_DATA", None, bound, unit, False, "No ad is known.")
    value = len(case.shares) * float(min(share.after for share in case.shares.values()))
    kept = all(share.after >= share.floor for share in case.shares.values())
    # the job writes shares to a few digits
    enough = min(value, case.exploration) >= bound - _ROUNDING
    verdict: Verdict = "PASS" if kept and enough else "FAIL"
    least = min(share.after for share in case.shares.values())
    message = (
        f"Every ad keeps {least}% or more; {case.exploration:.0f}% of the spend explores, at least "
        f"{bound:.0f}%."
    )
    return Constraint(name, verdict, value, bound, unit, value <= bound + 1, message)


def gainers_affordable(case: SplitCase) -> Constraint:
    """No ad gets more whose conversions may cost more than the CAC ceiling."""
    name, ceiling = "gainers_affordable", case.caps.cac_ceiling_micros
    if ceiling is None:
        message = "No CAC ceiling is set (guardrails.cac_ceiling_micros)."
        return Constraint(name, "NO_DATA", None, None, "ads", False, message)
    if not case.shares:
        return Constraint(name, "NO_DATA", None, 0.0, "ads", False, "No ad is known.")
    dear = [
        ad
        for ad, share in case.shares.items()
        if share.after > max(share.before, share.floor) and not share.affordable
    ]
    message = "Every ad that gets more is within the CAC ceiling at the pessimistic end."
    if dear:
        message = f"May cost more than the CAC ceiling, and would get more: {', '.join(dear)}."
    verdict: Verdict = "FAIL" if dear else "PASS"
    return Constraint(name, verdict, float(len(dear)), 0.0, "ads", False, message)


def split_gains(case: SplitCase) -> Constraint:
    """The same money brings more, at the pessimistic end of the interval."""
    name, unit = "split_gains", "percent more conversions"
    if case.gain is None:
        message = "What the ad group's own days say of these shares isn't known."
        return Constraint(name, "NO_DATA", None, 0.0, unit, False, message)
    value = case.gain.p10 * 100
    message = f"At the pessimistic end the same money brings {value:+.1f}% conversions."
    verdict: Verdict = "PASS" if value > 0 else "FAIL"
    return Constraint(name, verdict, value, 0.0, unit, False, message)
