"""What a form does to the ledger, in turn with whoever else writes, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from pipelines.config import Settings
from pipelines.errors import (
    AdcanaryError,
    DecisionRefused,
    IntegrityError,
    Transient,
    UsageError,
)
from pipelines.proposals import decide, govern
from pipelines.proposals.anchor import broken
from pipelines.proposals.checkpoint import Memory, basis
from pipelines.proposals.events import Actor, make_event
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.people import same_person
from pipelines.proposals.review import beforehand
from pipelines.proposals.review.figures import instant, label
from pipelines.proposals.review.forms import Outcome
from pipelines.proposals.review.identity import Visitor
from pipelines.proposals.review.shelf import Shelf
from pipelines.proposals.roles import Role, role_of
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.terms import Terms
from pipelines.warehouse import open_warehouse

SHOWN_HASH = 12
MAX_COMMENT = 2_000
_WITH_REASON = {Action.REJECT, Action.REQUEST_CHANGES, Action.REVOKE}


@dataclass(frozen=True)
class Seen:
    """A revision that somebody has looked at, by the start of its content's hash."""

    proposal_id: str
    revision: int
    content_hash: str

    @classmethod
    def of(cls, stored: StoredProposal) -> Seen:
        return cls(stored.proposal_id, stored.revision, stored.content_hash[:SHOWN_HASH])

    def is_still(self, stored: StoredProposal) -> bool:
        """Whether the proposal is what it was when it was seen."""
        return stored.revision == self.revision and bool(
            self.content_hash and stored.content_hash.startswith(self.content_hash)
        )


class Decisions:
    """Decides for a person, and has the shelf read what came of it."""

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        self._settings = settings
        self._shelf = shelf
        self._memory = Memory()

    def begin(self) -> None:
        """Verify a large ledger before anybody decides."""
        if self._shelf.current().standing.trail.sequence >= beforehand.LARGE:
            beforehand.begin(self._settings, self._memory)

    def approve(
        self, visitor: Visitor, seen: Seen, comment: str, *, break_glass: bool = False
    ) -> Outcome:
        """Approve what was seen, and nothing else."""

        def work() -> Outcome:
            if refusal := self._changed(seen):
                return refusal
            ledger, terms = self._open()
            decision = decide.approve(
                ledger,
                terms,
                seen.proposal_id,
                Actor(visitor.name, "person"),
                comment=_comment(comment),
                seen_hash=seen.content_hash,
                break_glass=break_glass,
            )
            if decision.state == State.STALE:
                return Outcome(
                    "Not recorded: the market has moved.",
                    f"The proposal is stale now: {decision.why}.",
                    HTTPStatus.CONFLICT,
                    "Run `adcanary propose`: it makes a new revision if the evidence still holds.",
                )
            if decision.state == State.PENDING_REVIEW:
                return Outcome("Approved.", f"{_sentence(decision.why)} before it is recorded.")
            return Outcome(
                "Approved and recorded.",
                "It is in the shadow feed. Nothing was changed on the platform.",
            )

        return self._answered(work)

    def move(self, visitor: Visitor, seen: Seen, action: Action, comment: str) -> Outcome:
        """Reject, request changes on, withdraw or revoke what was seen."""

        def work() -> Outcome:
            if action in _WITH_REASON and not comment.strip():
                return _reason_needed()
            if refusal := self._changed(seen):
                return refusal
            ledger, terms = self._open()
            state = decide.decide(
                ledger,
                terms,
                seen.proposal_id,
                action,
                Actor(visitor.name, "person"),
                comment=_comment(comment),
                seen_hash=seen.content_hash,
            )
            why = "Your reason is in the record." if comment.strip() else ""
            return Outcome(f"{label(state)}.", why)

        return self._answered(work)

    def reject_all(
        self, visitor: Visitor, seen: Sequence[Seen], sequence: int, comment: str
    ) -> Outcome:
        """Reject many for one reason, in one append.

        What an event has touched since the one of ``sequence``, or is not what was seen, is left
        alone.
        """

        def work() -> Outcome:
            if not comment.strip():
                return _reason_needed()
            if not seen:
                return Outcome(
                    "Nothing was chosen.", "No proposal was rejected.", HTTPStatus.BAD_REQUEST
                )
            ledger, terms = self._open()
            actor = Actor(visitor.name, "person")
            book = basis(ledger).book()
            if role_of(book.policy, actor.name) == Role.VIEWER:
                return not_allowed()
            at = book.at(terms.moment)
            present = {p.proposal_id: p for p in book.proposals}
            touched = book.touched_since(sequence)
            rejectable = {State.PENDING_REVIEW, State.CHANGES_REQUESTED}
            chosen = [
                stored
                for each in seen
                if (stored := present.get(each.proposal_id))
                and each.is_still(stored)
                and each.proposal_id not in touched
                and stored.state in rejectable
            ]
            if not chosen:
                return Outcome(
                    "Nothing was rejected.",
                    "What you chose has changed since you saw it.",
                    HTTPStatus.CONFLICT,
                    "Look at the inbox again.",
                )
            reason = _comment(comment)
            events = [make_event(s, Action.REJECT, actor, at, comment=reason) for s in chosen]
            ledger.append(book, events, label="reject")
            left = len(seen) - len(chosen)
            more = ""
            if left:
                more = f" {left:,} were left alone: they had changed, or others had decided."
            return Outcome(f"{len(chosen):,} rejected.", f"One reason for all of them.{more}")

        return self._answered(work)

    def switch(self, visitor: Visitor, comment: str, *, on: bool) -> Outcome:
        """Turn the kill switch on or off."""

        def work() -> Outcome:
            ledger, terms = self._open()
            change = govern.stop if on else govern.resume
            change(ledger, terms.moment, Actor(visitor.name, "person"), comment.strip())
            if on:
                return Outcome(
                    "Stopped.", "Nothing is proposed or approved until an admin resumes."
                )
            return Outcome("Resumed.", "Proposals can be approved and recorded again.")

        return self._answered(work)

    def _changed(self, seen: Seen) -> Outcome | None:
        """The refusal of a proposal that isn't any more what was seen."""
        stored = self._shelf.refresh().standing.proposals.get(seen.proposal_id)
        if stored is not None and not stored.content_holds():
            raise broken(
                f"canary_proposals, {stored.proposal_id} revision {stored.revision}: what is shown "
                "of it doesn't match its content_hash; a value was changed"
            )
        if stored is not None and not seen.is_still(stored):
            return Outcome(
                "It has changed since you saw it.",
                f"You decided on revision {seen.revision}; this is revision {stored.revision}. "
                "Nothing was recorded.",
                HTTPStatus.CONFLICT,
                "Read it again, then decide.",
            )
        return None

    def _open(self) -> tuple[Ledger, Terms]:
        ledger = open_ledger(
            open_warehouse(self._settings, create=False), self._settings, self._memory
        )
        return ledger, Terms.of(self._settings, ledger.policy())

    def _answered(self, work: Callable[[], Outcome]) -> Outcome:
        try:
            return work()
        except AdcanaryError as error:
            kept = f" {error.kept[:1].upper()}{error.kept[1:]}" if error.kept else ""
            return Outcome(
                "Nothing was recorded.", f"{error.message}{kept}", _status(error), error.fix or ""
            )
        finally:
            self._shelf.refresh()


def hindrance(
    stored: StoredProposal, visitor: Visitor, now: datetime, *, stopped: bool
) -> str | None:
    """Why a visitor can't approve a proposal, as far as can be said before they try."""
    reasons = (
        (
            stored.state != State.PENDING_REVIEW,
            f"It can't be approved while it is {label(stored.state).lower()}.",
        ),
        (
            stored.expires_at <= now,
            f"It expired at {instant(stored.expires_at)}. `adcanary propose` makes a new one.",
        ),
        (
            same_person(stored.created_by, visitor.name),
            "You proposed it, so a colleague has to approve it.",
        ),
        (
            any(same_person(name, visitor.name) for name in stored.approvals),
            "You have approved it. Another person must, too.",
        ),
        (
            stored.verdict != "PASS",
            f"Its guardrail verdict is {stored.verdict}. Only PASS can be approved.",
        ),
        (stopped, "The kill switch is on."),
    )
    return next((why for applies, why in reasons if applies), None)


def not_allowed() -> Outcome:
    """The answer to a viewer."""
    return Outcome(
        "You are a viewer under the policy in force.",
        "Viewers may look, and decide on nothing. Nothing was recorded.",
        HTTPStatus.FORBIDDEN,
        "Ask an admin that `adcanary policy show` lists.",
    )


def _sentence(text: str | None) -> str:
    return f"{text[:1].upper()}{text[1:]}" if text else "Somebody else must approve it, too,"


def _comment(text: str) -> str | None:
    return text.strip()[:MAX_COMMENT] or None


def _reason_needed() -> Outcome:
    return Outcome(
        "Give a reason.",
        "It is kept with the decision, for whoever proposes next. Nothing was recorded.",
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )


def _status(error: AdcanaryError) -> HTTPStatus:
    if isinstance(error, Transient):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, DecisionRefused):
        return HTTPStatus.CONFLICT
    if isinstance(error, UsageError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, IntegrityError):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return HTTPStatus.CONFLICT
