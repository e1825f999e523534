"""The forms: every one is a plain POST that works without JavaScript, and leads to a page."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pipelines.proposals.review import inbox
from pipelines.proposals.review.decisions import Seen
from pipelines.proposals.review.desk import AtDesk, Desk, with_newest
from pipelines.proposals.review.forms import Outcome
from pipelines.proposals.review.pages import inbox_page, proposal_page, switch_page
from pipelines.proposals.states import Action, State

router = APIRouter()
Token = Annotated[str, Form()]
Comment = Annotated[str, Form(max_length=4_000)]
_ACTIONS = {
    "reject": Action.REJECT,
    "request-changes": Action.REQUEST_CHANGES,
    "withdraw": Action.WITHDRAW,
    "revoke": Action.REVOKE,
}


@router.post("/proposals/{proposal_id}/decide")
def decide(
    desk: AtDesk,
    proposal_id: str,
    *,
    token: Token,
    decision: Annotated[str, Form()],
    revision: Annotated[int, Form()],
    content_hash: Annotated[str, Form()],
    comment: Comment = "",
) -> Response:
    """A person's decision on the revision that they saw."""
    once = desk.review.forms.check(desk.request, token, desk.access.visitor)
    seen = Seen(proposal_id, revision, content_hash)
    visitor, decisions = desk.access.visitor, desk.review.decisions

    def work() -> Outcome:
        if decision in {"approve", "break-glass"}:
            glass = decision == "break-glass"
            return decisions.approve(visitor, seen, comment, break_glass=glass)
        if decision in _ACTIONS:
            return decisions.move(visitor, seen, _ACTIONS[decision], comment)
        return Outcome("There is no such decision.", status=HTTPStatus.UNPROCESSABLE_ENTITY)

    outcome = desk.review.forms.take(visitor, once, work)
    address = f"/proposals/{quote(proposal_id, safe='')}?done={once}"
    return _answered(desk, outcome, address, lambda now: proposal_page(now, proposal_id, outcome))


@router.post("/inbox/reject")
def reject_many(
    desk: AtDesk,
    *,
    token: Token,
    seen: Annotated[list[str] | None, Form()] = None,
    every: Annotated[str, Form()] = "",
    sequence: Annotated[int, Form()] = 0,
    comment: Comment = "",
) -> Response:
    """One reason for many. ``every`` means all that the inbox's filters let through, as they were
    at the event that the page was made of."""
    once = desk.review.forms.check(desk.request, token, desk.access.visitor)
    filters = inbox.Filters.of(desk.request.query_params)

    def work() -> Outcome:
        chosen = _every(desk, filters) if every else _chosen(seen or [])
        return desk.review.decisions.reject_all(desk.access.visitor, chosen, sequence, comment)

    outcome = desk.review.forms.take(desk.access.visitor, once, work)
    address = filters.address()
    address = f"/inbox{address}{'&' if len(address) > 1 else ''}done={once}"
    return _answered(desk, outcome, address, lambda now: inbox_page(now, outcome))


@router.post("/kill-switch")
def switch(
    desk: AtDesk,
    *,
    token: Token,
    turn: Annotated[str, Form(pattern="^(on|off)$")],
    comment: Comment = "",
) -> Response:
    """Stop everything at once, or end a stop."""
    once = desk.review.forms.check(desk.request, token, desk.access.visitor)
    visitor, decisions = desk.access.visitor, desk.review.decisions
    outcome = desk.review.forms.take(
        visitor, once, lambda: decisions.switch(visitor, comment, on=turn == "on")
    )
    address = f"/kill-switch?done={once}"
    return _answered(desk, outcome, address, lambda now: switch_page(now, outcome))


@router.post("/audit/verify")
def verify(desk: AtDesk, token: Token) -> Response:
    """Verify the whole record, in the background."""
    desk.review.forms.check(desk.request, token, desk.access.visitor)
    desk.review.verification.start()
    return RedirectResponse("/audit", HTTPStatus.SEE_OTHER)


def _chosen(values: list[str]) -> list[Seen]:
    """What the boxes say: ``id revision hash``."""
    chosen = []
    for value in values:
        parts = value.split(" ")
        if len(parts) == 3 and parts[1].isdecimal():
            chosen.append(Seen(parts[0], int(parts[1]), parts[2]))
    return chosen


def _every(desk: Desk, filters: inbox.Filters) -> list[Seen]:
    """All that the filters let through."""
    standing = desk.snapshot.standing
    return [
        Seen.of(stored)
        for stored in inbox.matching(standing, filters).rows
        if stored.state in {State.PENDING_REVIEW, State.CHANGES_REQUESTED}
    ]


def _answered(
    desk: Desk, outcome: Outcome, address: str, page: Callable[[Desk], HTMLResponse]
) -> Response:
    """After what was done, another page, which can be loaded again; else this one, with why."""
    if outcome.done:
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)
    return page(with_newest(desk))
