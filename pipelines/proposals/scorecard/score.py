"""One proposal's line of the scorecard: what it predicted, and what came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.proposals.proposal import Change, Interval
from pipelines.proposals.scorecard.carried import (
    IN_PLACE,
    WITHIN,
    Outcome,
    Sighting,
    Trace,
    statuses,
    trace,
)
from pipelines.proposals.scorecard.effect import LEAST_CONTROLS, Realised
from pipelines.proposals.scorecard.measure import Measured, Window, measure, window_of
from pipelines.proposals.scorecard.prediction import PREDICTED_BY, held, run_ids
from pipelines.proposals.scorecard.read import Known, Run
from pipelines.proposals.scorecard.shadow import shadow
from pipelines.proposals.stored import StoredEffect, StoredProposal

BUDGET, STATUS = "daily_budget_micros", "status"
_DAYS = 7
Row = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """A proposal with the instants at which it was drafted and recorded, UTC."""

    stored: StoredProposal
    drafted_at: datetime
    recorded_at: datetime | None


@dataclass(frozen=True)
class Verdict:
    """What is said of a proposal, and the columns that say it."""

    verdict: str
    reason: str
    is_final: bool
    columns: Row = field(default_factory=dict)


def score(subject: Subject, known: Known) -> Row:
    """The line of a proposal as of the day up to which everything is known."""
    stored = subject.stored
    change = _change(stored)
    key = stored.target.key
    zone = ZoneInfo(known.places[key].time_zone if key in known.places else "UTC")
    drafted = subject.drafted_at.astimezone(zone).date()
    recorded = subject.recorded_at and subject.recorded_at.astimezone(zone).date()
    seen_to = min(max(known.published.get(key[:2], {date.min})), known.as_of)
    sightings = _sightings(stored, change, known)
    if isinstance(sightings, str):
        traced, why = Trace(Outcome.NO_DATA), sightings
    else:
        traced = trace(change, sightings, drafted_on=drafted, recorded_on=recorded, as_of=seen_to)
        why = f"no {change.field} of the campaign has been seen"
    is_over = seen_to >= (recorded or drafted) + WITHIN
    job, mix = _runs(stored, known)
    verdict = _verdict(stored, traced, why, mix, known, seen_to, is_over=is_over)
    by = PREDICTED_BY.get(job.job, job.job) if job else None
    predicted = stored.effect()
    orders = predicted.orders
    return {
        "proposal_id": stored.proposal_id,
        "revision": stored.revision,
        "as_of": known.as_of,
        "kind": stored.kind,
        "state": str(stored.state),
        "job": job and job.job,
        "predicted_by": by,
        "model_version": mix.model_version if mix and by == mix.job else job and job.model_version,
        "platform": key[0],
        "account_id": key[1],
        "campaign_id": key[2],
        "field": change.field,
        "from_value": change.from_value,
        "to_value": change.to_value,
        "currency_code": stored.currency,
        "recorded_on": recorded,
        "predicted_spend_micros": predicted.spend_micros,
        "predicted_orders_p10": orders and orders.p10,
        "predicted_orders_p50": orders and orders.p50,
        "predicted_orders_p90": orders and orders.p90,
        "outcome": str(traced.outcome),
        "effective_on": traced.effective_on,
        "until": traced.until,
        "share_carried_out": traced.share,
        "verdict": verdict.verdict,
        "is_final": verdict.is_final,
        "reason": verdict.reason,
        **verdict.columns,
    }


def _change(stored: StoredProposal) -> Change:
    return stored.rollback().inverse()


def _sightings(stored: StoredProposal, change: Change, known: Known) -> list[Sighting] | str:
    """The values of the field by day, or why they aren't known."""
    key = stored.target.key
    if change.field == BUDGET:
        budgets = known.budgets.get(key, ())
        if any(b.currency != stored.currency and b.day >= stored.as_of for b in budgets):
            return f"the account's budgets are no longer in {stored.currency}"
        return [Sighting(b.day, str(b.micros)) for b in budgets if b.currency == stored.currency]
    if change.field == STATUS:
        spend = {day: (d.cost, d.status) for day, d in known.days.get(key, {}).items()}
        place = known.places.get(key)
        published = known.published.get(key[:2], frozenset())
        return statuses(spend, published, place.status if place else None)
    return f"what a campaign's {change.field} was isn't kept by day"


def _runs(stored: StoredProposal, known: Known) -> tuple[Run | None, Run | None]:
    """The run that a proposal rests on, and the run of the media mix that it was told from."""
    runs = [known.runs[i] for i in run_ids(stored.row["evidence"]) if i in known.runs]
    mix = next((r for r in runs if r.job == "mmm"), None)
    # where it names several, the media mix only told the effect
    own = next((r for r in runs if r.job != "mmm"), mix)
    return own, mix or known.latest_mix(stored.as_of)


def _verdict(
    stored: StoredProposal,
    traced: Trace,
    why: str,
    mix: Run | None,
    known: Known,
    seen_to: date,
    *,
    is_over: bool,
) -> Verdict:
    if traced.outcome == Outcome.WAITING:
        return Verdict("WAITING", "Not carried out so far.", is_final=False)
    if traced.outcome == Outcome.NO_DATA:
        return Verdict("NO_DATA", f"It can't be seen what became of it: {why}.", is_over)
    if traced.outcome not in IN_PLACE:
        return _shadowed(stored, traced, known, is_over)
    window = window_of(stored.target.key, traced, known)
    assert window is not None
    columns: Row = {"window_start": window.start, "window_end": window.end}
    if seen_to < window.mature_on:
        reason = (
            f"In place since {traced.effective_on}; what came by {window.end} is complete on "
            f"{window.mature_on}, when conversions that come late are in."
        )
        return Verdict("WAITING", reason, is_final=False, columns=columns)
    measured = measure(stored.target.key, stored.currency, window, known)
    if isinstance(measured, str):
        return Verdict("INCONCLUSIVE", f"It can't be told: {measured}.", is_over, columns)
    return _judged(stored, traced, measured, window, mix, known, is_over)


def _shadowed(stored: StoredProposal, traced: Trace, known: Known, is_over: bool) -> Verdict:
    """Not carried out as proposed: what the newest curve says that it would have brought."""
    happened = {
        Outcome.BEFORE_DECISION: f"It was so on {traced.effective_on}, before the decision.",
        Outcome.OTHERWISE: f"Something else was done on {traced.effective_on}.",
    }.get(traced.outcome, f"Not carried out within {WITHIN.days} days.")
    place = known.places.get(stored.target.key)
    run = known.latest_mix(known.as_of)
    curve = run and place and known.curves.get((run.run_id, place.channel))
    estimate = shadow(curve, stored.delta * _DAYS, known.rates) if curve else None
    if not estimate or not run:
        reason = f"{happened} No curve says what it would have brought."
        return Verdict("SHADOW", reason, is_over)
    columns = {f"shadow_orders_{p}": getattr(estimate, p) for p in ("p10", "p50", "p90")}
    reason = (
        f"{happened} By the curve as of {run.as_of} it would have brought {estimate.p50:+.1f} "
        "orders a week: an estimate, not an outcome."
    )
    return Verdict("SHADOW", reason, is_over, {**columns, "shadow_run_id": run.run_id})


def _judged(
    stored: StoredProposal,
    traced: Trace,
    measured: Measured,
    window: Window,
    mix: Run | None,
    known: Known,
    is_over: bool,
) -> Verdict:
    columns: Row = {"window_start": window.start, "window_end": window.end}
    predicted, share = stored.effect(), traced.share or 0.0
    if measured.spend:
        columns |= _spend_columns(measured.spend)
    a_claim = _orders_a_claim(stored, measured, mix, known)
    if predicted.orders is None or a_claim is None or not measured.conversions:
        return Verdict(*_spend_verdict(predicted, share, measured, a_claim), is_over, columns)
    came = measured.conversions
    expected = predicted.orders.scaled(share)
    interval = held(expected, came.error * a_claim)
    detectable = came.detectable * a_claim
    columns |= {
        "controls": came.controls,
        "orders_a_claim": a_claim,
        "realised_orders": came.value * a_claim,
        "realised_orders_low": came.low * a_claim,
        "realised_orders_high": came.high * a_claim,
        "detectable_orders": detectable,
        "held_orders_low": interval.low,
        "held_orders_high": interval.high,
    }
    if detectable > abs(expected.p50):
        reason = (
            f"It can't be told: with {came.controls} untouched campaigns only an effect of "
            f"{detectable:.1f} orders a week would be seen, and {expected.p50:+.1f} were predicted."
        )
        return Verdict("INCONCLUSIVE", reason, is_over, columns)
    covers = interval.covers(came.value * a_claim)
    return Verdict(
        "TOLD", _told(came, a_claim, expected, covers), is_over, columns | {"is_covered": covers}
    )


def _told(came: Realised, a_claim: float, expected: Interval, covers: bool) -> str:
    return (
        f"{came.value * a_claim:+.1f} orders a week came "
        f"({came.low * a_claim:+.1f} to {came.high * a_claim:+.1f}); predicted were "
        f"{expected.p50:+.1f} ({expected.p10:+.1f} to {expected.p90:+.1f}), which "
        f"{'holds' if covers else 'misses'} it."
    )


def _spend_columns(spend: Realised) -> Row:
    return {
        "controls": spend.controls,
        "realised_spend_micros": round(spend.value),
        "realised_spend_low_micros": round(spend.low),
        "realised_spend_high_micros": round(spend.high),
    }


def _spend_verdict(
    predicted: StoredEffect, share: float, measured: Measured, a_claim: float | None
) -> tuple[str, str]:
    """The verdict where orders can't be compared: on what was spent alone."""
    if measured.spend is None and measured.conversions is None:
        return "INCONCLUSIVE", (
            f"It can't be told: fewer than {LEAST_CONTROLS} campaigns of its channel ran untouched."
        )
    if predicted.orders is not None:
        why = (
            "no curve says what a claimed conversion is worth"
            if a_claim is None
            else ("what the campaign claimed can't be compared")
        )
        return "INCONCLUSIVE", f"It can't be told what orders it brought: {why}."
    spend = measured.spend
    if spend is None or spend.detectable > abs(predicted.spend_micros * share):
        return "INCONCLUSIVE", "It can't be told: spend varies by more than was to be moved."
    return "TOLD", "Spend was compared; no model had predicted orders."


def _orders_a_claim(
    stored: StoredProposal, measured: Measured, mix: Run | None, known: Known
) -> float | None:
    """What a claimed conversion of the channel is worth in orders, by the curve that predicted."""
    place = known.places.get(stored.target.key)
    curve = mix and place and known.curves.get((mix.run_id, place.channel))
    if not curve or not measured.claims or curve.orders.p50 <= 0:
        return None
    return curve.orders.p50 / measured.claims
