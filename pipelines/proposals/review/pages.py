"""The pages that are only looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse

from pipelines.errors import AdcanaryError
from pipelines.money import Money
from pipelines.proposals.policy import approvals_if_known
from pipelines.proposals.review import inbox
from pipelines.proposals.review.card import Unreadable, card, runs_of
from pipelines.proposals.review.charts import curve_chart, effect_chart, sparkline
from pipelines.proposals.review.decisions import Seen, hindrance
from pipelines.proposals.review.desk import AtDesk, Desk
from pipelines.proposals.review.diff import differences
from pipelines.proposals.review.figures import SOON
from pipelines.proposals.review.forms import Outcome
from pipelines.proposals.review.whatif import what_if
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal

router = APIRouter()
_TRAIL_PAGE = 50
_REVISIONS = 5
_HISTORY = 100
_FIRST_LOOK = 6
_WEEK = 7
_LONGEST_NUMBER = 9
_SWITCHES = {Action.STOP, Action.RESUME}
_SEVERITIES = {"CRITICAL": 0, "WARNING": 1}


@router.get("/")
def overview(desk: AtDesk) -> HTMLResponse:
    """What an approver looks at first."""
    standing, evidence = desk.snapshot.standing, desk.snapshot.evidence
    waiting = inbox.waiting(standing)
    return desk.page(
        "overview.html",
        cards=[_card(desk, stored) for stored in waiting.rows[:_FIRST_LOOK]],
        count=len(waiting.rows),
        stake=waiting.stake,
        urgent=waiting.urgent,
        soon=waiting.expired_by(desk.now + SOON),
        alerts=sorted(evidence.alerts, key=lambda a: _SEVERITIES.get(a["severity"], 9)),
        spend=_spend(desk),
        curves=[(c, curve_chart(c, width=300)) for c in evidence.channels()],
    )


@router.get("/inbox")
def show_inbox(desk: AtDesk) -> HTMLResponse:
    """Every proposal, filtered and in order."""
    return inbox_page(desk)


def inbox_page(desk: Desk, outcome: Outcome | None = None) -> HTMLResponse:
    """The inbox as the address asks for it, after what a form did."""
    query = desk.request.query_params
    filters = inbox.Filters.of(query)
    standing = desk.snapshot.standing
    view = inbox.view(standing, filters, _number(query.get("page"), 1))
    return desk.page(
        "inbox.html",
        outcome=outcome,
        status=outcome.status if outcome else 200,
        view=view,
        cards=[_card(desk, stored) for stored in view.rows],
        seen={p.proposal_id: Seen.of(p) for p in view.rows},
        states=[inbox.WAITING, inbox.ANY, *(s for s in State if s != State.NONE)],
        kinds=standing.kinds,
        platforms=standing.platforms,
        rejectable={State.PENDING_REVIEW, State.CHANGES_REQUESTED},
    )


@router.get("/proposals/{proposal_id}")
def show_proposal(desk: AtDesk, proposal_id: str) -> HTMLResponse:
    """One proposal, to be decided on."""
    return proposal_page(desk, proposal_id)


def proposal_page(desk: Desk, proposal_id: str, outcome: Outcome | None = None) -> HTMLResponse:
    """A proposal's page, after what a form did."""
    standing, evidence = desk.snapshot.standing, desk.snapshot.evidence
    stored = standing.proposals.get(proposal_id)
    if stored is None:
        return desk.missing(f"There is no proposal {proposal_id[:60]}.")
    status = outcome.status if outcome else 200
    shown = _card(desk, stored)
    count, entries = standing.trail.select(0, _HISTORY, proposal_id=proposal_id)
    if isinstance(shown, Unreadable):
        return desk.page(
            "unreadable.html", outcome=outcome, status=status, card=shown, entries=entries
        )
    answers = what_if(stored, evidence)
    response = answers.response
    hindered = hindrance(stored, desk.access.visitor, desk.now, stopped=standing.ledger.stopped)
    effect = shown.effect
    return desk.page(
        "proposal.html",
        outcome=outcome,
        status=status,
        card=shown,
        seen=Seen.of(stored),
        decidable=stored.state in {State.PENDING_REVIEW, State.CHANGES_REQUESTED},
        hindrance=hindered,
        blocked=hindered is not None,
        needed=approvals_if_known(stored, standing.ledger.policy),
        answers=answers,
        effect_chart=response and effect_chart(response, effect.spend_micros, stored.currency),
        curve_chart=response and curve_chart(response.curve, response.then),
        runs=runs_of(stored, evidence),
        entries=entries,
        entry_count=count,
    )


@router.get("/proposals/{proposal_id}/revisions")
def show_revisions(desk: AtDesk, proposal_id: str) -> HTMLResponse:
    """What each revision changed, a few at a time. The latest few are in memory; earlier ones are
    read from the warehouse, if its file is free."""
    standing = desk.snapshot.standing
    latest = standing.proposals.get(proposal_id)
    if latest is None:
        return desk.missing(f"There is no proposal {proposal_id[:60]}.")
    last = min(_number(desk.request.query_params.get("to"), latest.revision), latest.revision)
    first = max(1, last - _REVISIONS)
    revisions, problem = standing.revisions(proposal_id, first, last), None
    if revisions is None:
        revisions, problem = [], desk.snapshot.problem
        if problem is None:
            try:
                revisions = desk.review.shelf.revisions(proposal_id, first, last)
            except AdcanaryError as error:
                problem = error.message
    steps = [(a, b, differences(a, b)) for a, b in pairwise(revisions)]
    return desk.page(
        "revisions.html",
        card=_card(desk, latest),
        steps=list(reversed(steps)),
        first=first,
        problem=problem,
    )


@router.get("/runs/{run_id}")
def show_run(desk: AtDesk, run_id: str) -> HTMLResponse:
    """A run of a job, which proposals rest on."""
    run = desk.snapshot.evidence.runs.get(run_id)
    if run is None:
        return desk.missing(f"Run {run_id[:60]} is not among the latest of its job.")
    curves = [
        (curve, curve_chart(curve, width=300))
        for (of, _), curve in desk.snapshot.evidence.curves.items()
        if of == run_id
    ]
    return desk.page("run.html", run=run, curves=curves)


@router.get("/audit")
def show_trail(desk: AtDesk) -> HTMLResponse:
    """The record of decisions, newest first."""
    query, trail = desk.request.query_params, desk.snapshot.standing.trail
    chosen = {name: query[name] for name in ("proposal_id", "action", "actor") if query.get(name)}
    number = _number(query.get("page"), 1)
    count, entries = trail.select((number - 1) * _TRAIL_PAGE, _TRAIL_PAGE, **chosen)
    pages = max(1, -(-count // _TRAIL_PAGE))
    if number > pages:
        number = pages
        count, entries = trail.select((number - 1) * _TRAIL_PAGE, _TRAIL_PAGE, **chosen)
    return desk.page(
        "audit.html",
        entries=entries,
        count=count,
        page=number,
        pages=pages,
        chosen=chosen,
        actions=trail.values("action"),
        actors=trail.values("actor")[:200],
        verification=desk.review.verification.result,
    )


@router.get("/scorecard")
def show_scorecard(desk: AtDesk) -> HTMLResponse:
    """What was predicted, and what came."""
    evidence = desk.snapshot.evidence
    return desk.page("scorecard.html", rows=evidence.scorecard, months=evidence.scorecard_months)


@router.get("/kill-switch")
def show_switch(desk: AtDesk) -> HTMLResponse:
    """Whether anything may be approved at all, and who said so."""
    return switch_page(desk)


def switch_page(desk: Desk, outcome: Outcome | None = None) -> HTMLResponse:
    """The kill switch, after what a form did."""
    ledger = desk.snapshot.standing.ledger
    return desk.page(
        "switch.html",
        outcome=outcome,
        status=outcome.status if outcome else 200,
        stop=ledger.stop,
        switches=[e for e in reversed(ledger.events) if e.action in _SWITCHES],
        policy=ledger.policy,
    )


@router.get("/healthz")
def healthy() -> PlainTextResponse:
    """For a load balancer: this process answers."""
    return PlainTextResponse("ok\n")


def _number(text: str | None, otherwise: int) -> int:
    """A page's or a revision's number in an address; from 1."""
    if text and text.isdecimal() and len(text) < _LONGEST_NUMBER:
        return max(1, int(text))
    return otherwise


def _card(desk: Desk, stored: StoredProposal) -> Any:
    return card(stored, desk.snapshot.standing.stakes.get(stored.proposal_id))


def _spend(desk: Desk) -> list[Mapping[str, Any]]:
    """By platform: the last week's spend, the week before, and a line of eight weeks."""
    days: dict[tuple[str, str], dict[date, int]] = {}
    for row in desk.snapshot.evidence.spend:
        if row["cost_micros"] is not None:
            key = (row["platform"], row["currency_code"])
            days.setdefault(key, {})[row["date"]] = row["cost_micros"]
    last = max((day for spent in days.values() for day in spent), default=None)
    rows = []
    for (name, currency), spent in days.items():
        assert last is not None
        line = [spent.get(date.fromordinal(last.toordinal() - n), 0) for n in range(56)][::-1]
        week, before = sum(line[-_WEEK:]), sum(line[-2 * _WEEK : -_WEEK])
        rows.append(
            {
                "platform": name,
                "week": Money(week, currency),
                "change": (week / before - 1) * 100 if before else None,
                "line": sparkline(line),
                "to": last,
            }
        )
    return sorted(rows, key=lambda row: -row["week"].micros)
