"""The states of a proposal and the moves between them (DESIGN section 5)."""

from __future__ import annotations

from enum import StrEnum

from pipelines.errors import DecisionRefused


class State(StrEnum):
    NONE = "NONE"
    DRAFT = "DRAFT"
    PENDING_REVIEW = "PENDING_REVIEW"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    SUPERSEDED = "SUPERSEDED"
    EXPIRED = "EXPIRED"
    APPROVED = "APPROVED"
    SHADOW_RECORDED = "SHADOW_RECORDED"
    STALE = "STALE"
    REVOKED = "REVOKED"


class Action(StrEnum):
    DRAFT = "draft"
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_CHANGES = "request_changes"
    WITHDRAW = "withdraw"
    SUPERSEDE = "supersede"
    EXPIRE = "expire"
    RECORD = "record"
    MARK_STALE = "mark_stale"
    REVOKE = "revoke"
    BREAK_GLASS = "break_glass"
    # about the ledger itself, not about a proposal
    SET_POLICY = "set_policy"
    ANCHOR = "anchor"
    STOP = "stop"
    RESUME = "resume"


ABOUT_LEDGER = {Action.SET_POLICY, Action.ANCHOR, Action.STOP, Action.RESUME}
APPROVING = {Action.APPROVE, Action.BREAK_GLASS}


# A proposal in one of these may still become a change: a new one for its target supersedes it.
OPEN = {State.DRAFT, State.PENDING_REVIEW, State.CHANGES_REQUESTED, State.APPROVED}

_MOVES: dict[Action, tuple[set[State], State]] = {
    Action.DRAFT: ({State.NONE}, State.DRAFT),
    Action.SUBMIT: ({State.DRAFT}, State.PENDING_REVIEW),
    Action.APPROVE: ({State.PENDING_REVIEW}, State.APPROVED),
    Action.REJECT: ({State.PENDING_REVIEW, State.CHANGES_REQUESTED}, State.REJECTED),
    Action.REQUEST_CHANGES: ({State.PENDING_REVIEW}, State.CHANGES_REQUESTED),
    Action.WITHDRAW: (
        {State.DRAFT, State.PENDING_REVIEW, State.CHANGES_REQUESTED},
        State.WITHDRAWN,
    ),
    Action.SUPERSEDE: (OPEN, State.SUPERSEDED),
    Action.EXPIRE: (OPEN, State.EXPIRED),
    Action.RECORD: ({State.APPROVED}, State.SHADOW_RECORDED),
    Action.MARK_STALE: ({State.APPROVED}, State.STALE),
    Action.REVOKE: ({State.APPROVED, State.SHADOW_RECORDED}, State.REVOKED),
    Action.BREAK_GLASS: ({State.PENDING_REVIEW}, State.APPROVED),
}


def move(state: State, action: Action) -> State:
    """The state that ``action`` leads to from ``state``.

    Raises:
        DecisionRefused: that state doesn't allow the action.
    """
    allowed, to_state = _MOVES[action]
    if state not in allowed:
        raise DecisionRefused(
            f"A proposal that is {state} does not allow '{action}'.",
            kept="the proposal is unchanged.",
            fix="`adcanary proposals list` shows the state of every proposal.",
        )
    return to_state
