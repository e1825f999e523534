"""What the data show beside a fault, and what a person may do about it.

A note says what coincides; it proves no cause. The days of the fault are compared with the two
weeks before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.jobs.pacing.detectors import Fault
from pipelines.jobs.pacing.evidence import CampaignHistory, Delivery
from pipelines.jobs.pacing.target import Month

BEFORE = 14
NEAR = 3
"""Days before a fault in which a change may have led to it."""
CHANGED = 0.25
"""A rate that moved by so much is noted."""
EXPECTED_CONVERSIONS = 5.0
"""None of so many that were expected is no chance."""

MITIGATIONS = {
    "overspend": "Check the latest changes to budget and bids; lower the budget, or pause.",
    "underspend": "Check policy status, bids and audience sizes; raise the bid or widen the "
    "audience, or move the budget.",
    "month_end": "Adjust the daily budget for the days that remain.",
    "hard_cap": "Pause the campaign, and claim the excess from the platform.",
    "zero_delivery": "Check policy status, payment, end date and bids, or pause it.",
    "data_missing": "Ingest the days again; spend is not known until then.",
}


@dataclass(frozen=True)
class Note:
    """What coincides with a fault, in sentences (empty where nothing does), and what to do."""

    cause: str
    mitigation: str


def explain(month: Month, fault: Fault, as_of: date, others: Sequence[Month]) -> Note:
    """Notes on a fault; ``others`` are the months of the account's other campaigns."""
    if fault.detector == "data_missing":
        return Note("", MITIGATIONS[fault.detector])
    history = month.history
    notes = [
        *_budget_changes(history, fault.since),
        *_pauses(history, fault.since),
        *_holidays(month, fault.since),
        *_others(fault, as_of, others),
        *_delivery(history, fault.since, as_of),
    ]
    return Note(" ".join(notes), MITIGATIONS[fault.detector])


def _budget_changes(history: CampaignHistory, since: date) -> list[str]:
    for age in range(NEAR + 1):
        day = since - timedelta(days=age)
        now, before = history.budget(day), history.budget(day - timedelta(days=1))
        if now and before and now != before:
            return [f"The budget was changed by {now / before - 1:+.0%} on {day}."]
    return []


def _pauses(history: CampaignHistory, since: date) -> list[str]:
    days = (since - timedelta(days=age) for age in range(1, NEAR + 1))
    paused = [day for day in days if history.was_paused(day)]
    return [f"It was paused until {paused[0]}."] if paused else []


def _holidays(month: Month, since: date) -> list[str]:
    days = [since + timedelta(days=i) for i in range(-1, 2)]
    off = [day for day in days if day in month.usual.holidays]
    return [f"{off[0]} is a public holiday."] if off else []


def _others(fault: Fault, as_of: date, others: Sequence[Month]) -> list[str]:
    """What the account's other campaigns did in the days of the fault."""
    moved = [change for month in others if (change := _change(month, fault.since, as_of))]
    if not moved:
        return []
    sign = 1 if fault.detector in ("overspend", "hard_cap") else -1
    alike = sum(sign * change > CHANGED for _, change in moved)
    if alike * 2 > len(moved):
        return [f"{alike} of {len(moved)} other campaigns of the account moved the same way."]
    opposite = [(-sign * change, name) for name, change in moved if -sign * change > CHANGED]
    if not opposite:
        return []
    size, name = max(opposite)
    verb = "more" if sign < 0 else "less"
    return [f"Campaign {name} of the account spent {size:.0%} {verb}: they may overlap."]


def _change(month: Month, since: date, as_of: date) -> tuple[str, float] | None:
    """The campaign, and how far its spend in the days of a fault was off its usual."""
    usual = month.usual
    at = [i for i, day in enumerate(usual.days) if since <= day <= as_of]
    if not at:
        return None
    expected = float(usual.level[at[0]]) * float(usual.shaped[at].sum())
    if expected <= 0:
        return None
    return month.history.campaign_id, float(usual.spend[at].sum()) / expected - 1


def _delivery(history: CampaignHistory, since: date, as_of: date) -> list[str]:
    """What a thousand impressions and a click cost, and whether conversions are still told."""
    earlier = [since - timedelta(days=age) for age in range(1, BEFORE + 1)]
    days = [since + timedelta(days=i) for i in range((as_of - since).days + 1)]
    notes = []
    kinds: tuple[tuple[str, Callable[[Delivery], float | None]], ...] = (
        ("A thousand impressions cost", lambda bought: bought.impressions),
        ("A click costs", lambda bought: bought.clicks),
    )
    for name, of in kinds:
        before, now = _price(history, earlier, of), _price(history, days, of)
        if before and now and abs(now / before - 1) > CHANGED:
            notes.append(f"{name} {now / before - 1:+.0%}: bids or the auction changed.")
    spent = sum(history.cost(day) or 0 for day in earlier)
    rate = _sum(history, earlier, lambda bought: bought.conversions) / spent if spent else 0.0
    expected = rate * sum(history.cost(day) or 0 for day in days)
    if expected >= EXPECTED_CONVERSIONS and not _sum(history, days, lambda b: b.conversions):
        notes.append(f"No conversion where {expected:.0f} were expected: check the tracking.")
    if not _sum(history, days, lambda b: b.impressions) and _sum(
        history, earlier, lambda b: b.impressions
    ):
        notes.append("No impressions either: ads may be disapproved, or the account stopped.")
    return notes


def _price(
    history: CampaignHistory, days: Sequence[date], of: Callable[[Delivery], float | None]
) -> float | None:
    bought = _sum(history, days, of)
    return sum(history.cost(day) or 0 for day in days) / bought if bought else None


def _sum(
    history: CampaignHistory, days: Sequence[date], of: Callable[[Delivery], float | None]
) -> float:
    return sum(of(history.delivery[day]) or 0.0 for day in days if day in history.delivery)
