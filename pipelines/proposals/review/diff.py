"""What differs between two revisions of a proposal, in words."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.proposals.kinds import kind_of
from pipelines.proposals.proposal import Interval
from pipelines.proposals.review.figures import instant, money, number, rounded
from pipelines.proposals.stored import StoredProposal


@dataclass(frozen=True)
class Difference:
    """A line that differs; None where a revision doesn't have it."""

    name: str
    before: str | None
    after: str | None


def differences(before: StoredProposal, after: StoredProposal) -> list[Difference]:
    """Every line of two revisions that isn't the same, in the order of the page."""
    old, new = _lines(before), _lines(after)
    names = [*new, *(name for name in old if name not in new)]
    return [
        Difference(name, old.get(name), new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    ]


def _lines(stored: StoredProposal) -> dict[str, str]:
    described, effect = kind_of(stored.kind).describe(stored), stored.effect()
    lines = {
        "Change": described.change,
        "Daily budget": money(stored.delta, signed=True),
        "Urgency": stored.urgency.lower(),
        "Orders a week": _interval(effect.orders, ""),
        "Revenue a week": _interval(effect.revenue_micros, effect.value_currency),
        "Cost of an order": _interval(effect.cac_micros, effect.value_currency),
        "How it was estimated": effect.note,
        "Rollback": described.rollback,
        "Evidence of": f"{stored.as_of}",
        "Expires": instant(stored.expires_at),
        "Proposed by": stored.created_by,
    }
    for place, line in enumerate(described.evidence, start=1):
        lines[f"Evidence {place}"] = line
    for guardrail in stored.certificate():
        lines[f"Guardrail {guardrail.name}"] = f"{guardrail.verdict}: {guardrail.message}"
    return lines


def _interval(interval: Interval | None, currency: str) -> str:
    if interval is None:
        return "not estimated"
    low, middle, high = (
        rounded(value, currency) if currency else number(value, signed=True)
        for value in (interval.p10, interval.p50, interval.p90)
    )
    return f"{middle} ({low} to {high})"
