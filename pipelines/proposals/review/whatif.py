"""What an approver asks first: what if I do nothing, what if I do half? From the response curve
that the proposal rests on, where its kind has one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.money import Money
from pipelines.proposals.proposal import Interval
from pipelines.proposals.review.evidence import Curve, Evidence
from pipelines.proposals.stored import StoredEffect, StoredProposal


@dataclass(frozen=True)
class Answer:
    """What a week brings compared with a week without the change, if so much of it is done."""

    title: str
    share: float
    spend: Money
    orders: Interval
    revenue: Interval | None
    revenue_currency: str
    note: str


@dataclass(frozen=True)
class Response:
    """The proposal on its channel's curve.

    Args:
        now: the channel's present weekly spend, in micros of the curve's currency.
        then: its spend if every change of the allocation is made.
    """

    curve: Curve
    now: float
    then: float
    effect: StoredEffect
    orders: Interval

    def share_of_effect(self, share: float) -> float | None:
        """The part of the whole effect that a part of the change has, along the curve."""
        start, end = self.curve.at(self.now), self.curve.at(self.then)
        part = self.curve.at(self.now + share * (self.then - self.now))
        if start is None or end is None or part is None or end.middle == start.middle:
            return None
        return (part.middle - start.middle) / (end.middle - start.middle)


@dataclass(frozen=True)
class WhatIf:
    """The answers; ``why_none`` says why there are none."""

    answers: tuple[Answer, ...]
    response: Response | None
    why_none: str | None


def what_if(stored: StoredProposal, evidence: Evidence) -> WhatIf:
    """The answers for a proposal, from the curve of the run that it rests on."""
    effect = stored.effect()
    kept = json.loads(stored.row["evidence"])
    response = _response(kept, effect, evidence)
    if isinstance(response, str):
        return WhatIf((), None, response)
    answers = tuple(
        answer
        for title, share, note in (
            ("Do nothing", 0.0, _nothing(response)),
            ("Do half", 0.5, _half(response)),
            ("Do it all", 1.0, "As proposed."),
        )
        if (answer := _answer(title, share, note, stored, response))
    )
    return WhatIf(answers, response, None)


def _response(kept: Mapping[str, Any], effect: StoredEffect, evidence: Evidence) -> Response | str:
    run, channel, spends = (
        kept.get(key) for key in ("mmm_run_id", "channel", "channel_weekly_micros")
    )
    if not run or not channel or not spends:
        return (
            "A proposal of this kind rests on no response curve, so what half of it would bring "
            "can't be computed. Doing nothing leaves things as its evidence says."
        )
    curve = evidence.curves.get((str(run), str(channel)))
    if curve is None:
        return f"The response curve of {channel} in run {run} is not in the warehouse any more."
    if effect.orders is None:
        return f"The effect is not estimated: {effect.note}."
    return Response(curve, float(spends[0]), float(spends[1]), effect, effect.orders)


def _nothing(response: Response) -> str:
    now = response.curve.at(response.now)
    if now is None:
        return "Everything stays as it is."
    return (
        f"The channel goes on bringing about {now.middle:,.0f} orders a week "
        f"(80% interval {now.low:,.0f} to {now.high:,.0f})."
    )


def _half(response: Response) -> str:
    part = response.share_of_effect(0.5)
    if part is None:
        return "The curve doesn't reach that far."
    return f"Along the channel's curve, half of it is {part:.0%} of the effect."


def _answer(
    title: str, share: float, note: str, stored: StoredProposal, response: Response
) -> Answer | None:
    part = response.share_of_effect(share)
    if part is None:
        return None
    effect = response.effect
    revenue = effect.revenue_micros
    return Answer(
        title,
        share,
        Money(round(effect.spend_micros * share), stored.currency),
        response.orders.scaled(part),
        revenue.scaled(part) if revenue else None,
        effect.value_currency,
        note,
    )
