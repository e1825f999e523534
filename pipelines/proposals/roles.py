"""Who may do what, as the policy in force says."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pipelines.proposals.policy import Policy


class Role(StrEnum):
    VIEWER = "viewer"
    APPROVER = "approver"
    ADMIN = "admin"


def role_of(policy: Policy | None, name: str) -> Role:
    """A person's role; everybody whom the policy doesn't name is a viewer.

    A policy of an earlier version names nobody: under it, everybody is an approver.
    """
    if policy is None:
        return Role.VIEWER
    if is_one_of(name, policy.admins):
        return Role.ADMIN
    if not policy.names_people or is_one_of(name, policy.approvers):
        return Role.APPROVER
    return Role.VIEWER


def is_one_of(name: str, people: Iterable[str]) -> bool:
    """Whether a name is a listed one, exactly: a name that only looks like it gives no right."""
    return name in set(people)


def lacks(policy: Policy, group: str | None, names: Iterable[str]) -> bool:
    """Whether nobody of a group is among these people."""
    if group is None:
        return False
    return not set(names) & set(policy.group(group))
