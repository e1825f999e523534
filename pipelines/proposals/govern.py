"""What holds for all proposals, each put down as an event: the policy, and the kill switch."""

from __future__ import annotations

from pipelines.errors import DecisionRefused, UsageError
from pipelines.proposals.book import Book, no_policy
from pipelines.proposals.checkpoint import basis
from pipelines.proposals.events import Actor, Event, LoggedEvent, policy_event, switch_event
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.policy import Moment, Policy
from pipelines.proposals.roles import Role, role_of
from pipelines.proposals.states import Action
from pipelines.proposals.terms import Terms


def set_policy(
    ledger: Ledger, policy: Policy, moment: Moment, actor: Actor, *, comment: str | None
) -> tuple[str, ...]:
    """Put a policy in force; nothing happens if it is already.

    An admin of the policy before does that. The first is put in force by an admin that it names
    itself, as is one after a policy that names nobody. What was proposed under another policy can't
    be approved any more.

    Returns:
        Each setting that changed, as ``name before → after``; the first changes none.

    Raises:
        DecisionRefused: the actor is no admin, the clock runs backwards, or the anchor can't be
            written.
        UsageError: the policy names no admin: nobody could ever change it.
        IntegrityError: the ledger, or its anchor, is broken.
    """
    book = basis(ledger).book()
    if not policy.admins:
        raise UsageError(
            "The policy names no admin: once in force, nobody could change it.",
            kept="the policy in force is unchanged.",
            fix="Name at least one person under people.admins in the policy file.",
        )
    before = book.policy
    judge = before if before and before.admins else policy
    if role_of(judge, actor.name) != Role.ADMIN:
        raise DecisionRefused(
            f"{actor.name} is no admin: {', '.join(judge.admins)} may put a policy in force.",
            kept="the policy in force is unchanged.",
            fix="Ask one of them to run `adcanary policy set`.",
        )
    if before == policy:
        return ()
    at = Moment(moment.now, moment.clock, policy)
    ledger.append(book, [policy_event(policy, actor, at, comment)], label="policy")
    return policy.changes(before) if before else ()


def stop(ledger: Ledger, moment: Moment, actor: Actor, comment: str) -> None:
    """Turn the kill switch on: nothing is proposed or approved until an admin ends it.

    Raises:
        DecisionRefused: it is on, or the actor is only a viewer.
    """
    book = basis(ledger).book()
    if book.stopped:
        raise _switch("The kill switch is on already.", "Nothing more is needed.")
    if role_of(_policy(book), actor.name) == Role.VIEWER:
        raise _switch(f"{actor.name} is a viewer.", "Ask an approver or an admin.")
    _append(ledger, book, switch_event(Action.STOP, book.head, actor, book.at(moment), comment))


def resume(ledger: Ledger, moment: Moment, actor: Actor, comment: str) -> None:
    """Turn the kill switch off.

    Raises:
        DecisionRefused: it is off, or the actor is no admin.
    """
    book = basis(ledger).book()
    if book.stop is None:
        raise _switch("The kill switch is off already.", "Nothing more is needed.")
    policy = _policy(book)
    if role_of(policy, actor.name) != Role.ADMIN:
        admins = ", ".join(policy.admins) or "nobody"
        raise _switch(f"{actor.name} is no admin: {admins} may end a stop.", "Ask one of them.")
    _append(ledger, book, switch_event(Action.RESUME, book.head, actor, book.at(moment), comment))


def hold_policy(book: Book, terms: Terms) -> LoggedEvent:
    """The event that put the terms' policy in force.

    Raises:
        DecisionRefused: none is, or another one.
    """
    event, mine = book.policy_event, terms.policy
    if event is None or book.policy is None:
        raise no_policy()
    if book.policy != mine:
        changes = "; ".join(mine.changes(book.policy))
        raise DecisionRefused(
            f"This isn't the policy that event {event.sequence} ({event.actor}) put in force: "
            f"{changes}.",
            kept="nothing was recorded.",
            fix="Run the command again: somebody has changed the policy meanwhile.",
        )
    return event


def _policy(book: Book) -> Policy:
    if book.policy is None:
        raise no_policy()
    return book.policy


def _append(ledger: Ledger, book: Book, event: Event) -> None:
    if not (event.comment or "").strip():
        raise UsageError(
            "A stop, and its end, need a reason.",
            kept="the kill switch is unchanged.",
            fix="Say why, for the record.",
        )
    ledger.append(book, [event], label=str(event.action))


def _switch(what: str, fix: str) -> DecisionRefused:
    return DecisionRefused(what, kept="the kill switch is unchanged.", fix=fix)
