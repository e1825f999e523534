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
from pipelines.proposals.scorecard.measure import Measured, measure, window_of
from pipelines.proposals.scorecard.prediction import PREDICTED_BY, held, run_ids
from pipelines.proposals.scorecard.read import Known, Run
from pipelines.proposals.scorecard.shadow import Curve, shadow
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
    verdict = _Case(stored, traced, mix, known, seen_to, is_over).verdict(why)
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
    if stored.target.part and change.field == BUDGET:
        return "the scorecard follows budgets of campaigns, not of their parts"
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
    named = run_ids(stored.row["evidence"]).items()
    runs = [known.runs[key] for key in sorted(named) if key in known.runs]
    mix = next((r for r in runs if r.job == "mmm"), None)
    # where it names several, the media mix only told the effect
    own = next((r for r in runs if r.job != "mmm"), mix)
    return own, mix or known.latest_mix(stored.as_of)


@dataclass(frozen=True)
class _Case:
    """A proposal and what became of its change.

    Args:
        mix: the run of the media mix that its effect was told from.
        seen_to: last day that is known of its account.
        is_over: whether it is too late for it to be carried out, or carried out further.
    """

    stored: StoredProposal
    traced: Trace
    mix: Run | None
    known: Known
    seen_to: date
    is_over: bool

    def verdict(self, why: str) -> Verdict:
        """What is said of it; ``why`` is the reason where nothing can be seen."""
        if self.traced.outcome == Outcome.WAITING:
            return Verdict("WAITING", "Not carried out so far.", is_final=False)
        if self.traced.outcome == Outcome.NO_DATA:
            return self._verdict("NO_DATA", f"It can't be seen what became of it: {why}.")
        window = window_of(self.stored.target.key, self.traced, self.known)
        if self.traced.outcome not in IN_PLACE or window is None:
            return self._shadowed()
        columns: Row = {"window_start": window.start, "window_end": window.end}
        if self.seen_to < window.mature_on:
            reason = (
                f"In place since {self.traced.effective_on}; what came by {window.end} is complete "
                f"on {window.mature_on}, when conversions that come late are in."
            )
            return Verdict("WAITING", reason, is_final=False, columns=columns)
        measured = measure(self.stored.target.key, self.stored.currency, window, self.known)
        if isinstance(measured, str):
            return self._verdict("INCONCLUSIVE", f"It can't be told: {measured}.", columns)
        return self._judged(measured, columns)

    def _verdict(self, verdict: str, reason: str, columns: Row | None = None) -> Verdict:
        return Verdict(verdict, reason, self.is_over, columns or {})

    def _shadowed(self) -> Verdict:
        """Not carried out as proposed: what the newest curve says that it would have brought."""
        happened = {
            Outcome.BEFORE_DECISION: f"It was so on {self.traced.effective_on}, before the "
            "decision.",
            Outcome.OTHERWISE: f"Something else was done on {self.traced.effective_on}.",
        }.get(self.traced.outcome, f"Not carried out within {WITHIN.days} days.")
        run = self.known.latest_mix(self.known.as_of)
        curve = self._curve(run)
        weekly = self.stored.delta * _DAYS
        estimate = shadow(curve, weekly, self.known.rates) if curve else None
        if not estimate or not run:
            return self._verdict("SHADOW", f"{happened} No curve says what it would have brought.")
        columns = {f"shadow_orders_{p}": getattr(estimate, p) for p in ("p10", "p50", "p90")}
        reason = (
            f"{happened} By the curve as of {run.as_of} it would have brought {estimate.p50:+.1f} "
            "orders a week: an estimate, not an outcome."
        )
        return self._verdict("SHADOW", reason, {**columns, "shadow_run_id": run.run_id})

    def _judged(self, measured: Measured, columns: Row) -> Verdict:
        predicted, share = self.stored.effect(), self.traced.share or 0.0
        if measured.spend:
            columns = columns | _spend_columns(measured.spend)
        a_claim = self._orders_a_claim(measured)
        if predicted.orders is None or a_claim is None or not measured.conversions:
            return self._verdict(*_spend_verdict(predicted, share, measured, a_claim), columns)
        came = measured.conversions.scaled(a_claim)
        expected = predicted.orders.scaled(share)
        interval = held(expected, came.error)
        columns = columns | {
            "controls": came.controls,
            "orders_a_claim": a_claim,
            "realised_orders": came.value,
            "realised_orders_low": came.low,
            "realised_orders_high": came.high,
            "detectable_orders": came.detectable,
            "held_orders_low": interval.low,
            "held_orders_high": interval.high,
        }
        if came.detectable > abs(expected.p50):
            reason = (
                f"It can't be told: beside {came.controls} untouched campaigns only an effect of "
                f"{came.detectable:.1f} orders a week would be seen, and {expected.p50:+.1f} were "
                "predicted."
            )
            return self._verdict("INCONCLUSIVE", reason, columns)
        covers = interval.covers(came.value)
        columns = columns | {"is_covered": covers}
        return self._verdict("TOLD", _told(came, expected, covers), columns)

    def _orders_a_claim(self, measured: Measured) -> float | None:
        """What a claimed conversion of the channel is worth in orders, by the curve that predicted;
        None without one."""
        curve = self._curve(self.mix)
        if not curve or not measured.claims or curve.orders.p50 <= 0:
            return None
        return curve.orders.p50 / measured.claims

    def _curve(self, run: Run | None) -> Curve | None:
        place = self.known.places.get(self.stored.target.key)
        return self.known.curves.get((run.run_id, place.channel)) if run and place else None


def _told(came: Realised, expected: Interval, covers: bool) -> str:
    return (
        f"{came.value:+.1f} orders a week came ({came.low:+.1f} to {came.high:+.1f}); predicted "
        f"were {expected.p50:+.1f} ({expected.p10:+.1f} to {expected.p90:+.1f}), which "
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
