"""What a visitor may do, by the role that the policy in force gives them."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.proposals.policy import Policy
from pipelines.proposals.review.identity import Visitor
from pipelines.proposals.roles import Role, role_of


@dataclass(frozen=True)
class Access:
    """A visitor's role. Everybody who is let in may look; the ledger holds what they do to it."""

    visitor: Visitor
    role: Role

    @property
    def may_decide(self) -> bool:
        return self.role != Role.VIEWER

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


def access_of(policy: Policy | None, visitor: Visitor) -> Access:
    return Access(visitor, role_of(policy, visitor.name))
