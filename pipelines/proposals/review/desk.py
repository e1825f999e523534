"""What every request has at hand: who is there, what they may do, and the newest snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from pipelines.config import Settings
from pipelines.proposals.review.access import Access, access_of
from pipelines.proposals.review.decisions import Decisions
from pipelines.proposals.review.forms import Forms, Outcome
from pipelines.proposals.review.identity import Identity
from pipelines.proposals.review.inbox import waiting
from pipelines.proposals.review.shelf import Shelf, Snapshot
from pipelines.proposals.review.verification import Verification


@dataclass(frozen=True)
class Review:
    """The parts of the running page."""

    settings: Settings
    identity: Identity
    shelf: Shelf
    forms: Forms
    decisions: Decisions
    verification: Verification
    templates: Environment


@dataclass(frozen=True)
class Desk:
    """One request. ``now`` is the ledger's clock, which a simulated world fixes."""

    request: Request
    review: Review
    access: Access
    snapshot: Snapshot
    now: datetime

    @property
    def is_partial(self) -> bool:
        """Whether HTMX asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def outcome(self) -> Outcome | None:
        """What the form did that led here."""
        once = self.request.query_params.get("done", "")
        return self.review.forms.outcome(self.access.visitor, once) if once else None

    def page(
        self, template: str, *, outcome: Outcome | None = None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page, with what all of them have."""
        outcome = outcome or self.outcome()
        standing = self.snapshot.standing
        text = self.review.templates.get_template(template).render(
            access=self.access,
            snapshot=self.snapshot,
            standing=standing,
            evidence=self.snapshot.evidence,
            currency=standing.currency,
            now=self.now,
            machine_now=datetime.now(UTC),
            path=self.request.url.path,
            outcome=outcome,
            waiting=len(waiting(standing).rows),
            stopped=standing.ledger.stopped,
            token=self.review.forms.token(self.access.visitor),
            **values,
        )
        return HTMLResponse(text, status)

    def missing(self, what: str) -> HTMLResponse:
        """The page of what isn't there."""
        return self.page("missing.html", status=HTTPStatus.NOT_FOUND, what=what)


def with_newest(desk: Desk) -> Desk:
    """The same request, with what came since it began."""
    return replace(desk, snapshot=desk.review.shelf.current())


def review_of(request: Request) -> Review:
    review: Review = request.app.state.review
    return review


def _desk(request: Request) -> Desk:
    review = review_of(request)
    visitor = review.identity.visitor(request)
    snapshot = review.shelf.current()
    access = access_of(snapshot.standing.ledger.policy, visitor)
    return Desk(request, review, access, snapshot, review.settings.clock())


AtDesk = Annotated[Desk, Depends(_desk)]
