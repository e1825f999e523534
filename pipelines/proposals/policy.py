"""The policy: the settings that proposals and decisions are held to, as the ledger records them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.canonical import canonical_json, sha256
from pipelines.errors import IntegrityError
from pipelines.money import Money
from pipelines.policy_settings import AllocationCaps, GuardrailSettings, PolicySettings
from pipelines.proposals.people import person_name

if TYPE_CHECKING:  # they import the terms, and so this
    from pipelines.proposals.proposal import Change
    from pipelines.proposals.stored import StoredProposal

Clock = Literal["machine", "fixed"]
"""The machine's, or one that the configuration fixes (``now``), for a simulated world."""

_DAYS = 7


class _Threshold(BaseModel):
    over_micros: int
    people: int
    group: str | None = None


class _People(BaseModel):
    admins: tuple[str, ...] = ()
    approvers: dict[str, tuple[str, ...]] = {}


class _Held(BaseModel):
    """What is held again when verifying; any other setting is only recorded.

    What an earlier version recorded has a kill switch and one amount, and names nobody.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    reporting_currency: str
    max_change_percent: float
    kill_switch: bool = False
    approvers_over_micros: int | None = None
    approvals: tuple[_Threshold, ...] = ()
    people: _People | None = None


@dataclass(frozen=True)
class Need:
    """How many people must approve, and a group that one of them must be of."""

    people: int
    group: str | None = None


@dataclass(frozen=True)
class Policy:
    """A policy file's settings, the reporting currency and time zone: canonical JSON.

    Settings are read by name, so that a policy that an earlier version recorded can be read too.
    """

    text: str

    @classmethod
    def of(cls, settings: PolicySettings, currency: str, time_zone: str) -> Policy:
        """A policy with everybody's name in its one spelling.

        Raises:
            UsageError, DecisionRefused: a name that it gives isn't a person's.
        """
        content = settings.model_dump(mode="json", by_alias=True)
        people = settings.people
        content["people"] = {
            "admins": _spelled(people.admins),
            "approvers": {group: _spelled(names) for group, names in people.approvers.items()},
        }
        caps = content.pop("guardrails")
        return cls(
            canonical_json(
                {**content, **caps, "reporting_currency": currency, "time_zone": time_zone}
            )
        )

    @property
    def hash(self) -> str:
        return sha256(self.text)

    @property
    def kill_switch(self) -> bool:
        """Of an earlier version: now a stop is an event of its own."""
        return self._held.kill_switch

    @property
    def currency(self) -> str:
        return self._held.reporting_currency

    @property
    def time_zone(self) -> str:
        return str(self._all.get("time_zone", "UTC"))

    @cached_property
    def settings(self) -> PolicySettings:
        """The settings, with defaults for what an earlier version didn't record.

        Raises:
            IntegrityError: they can't be read.
        """
        caps = {k: v for k, v in self._all.items() if k in GuardrailSettings.model_fields}
        other = set(PolicySettings.model_fields) - {"guardrails"}
        rest = {k: v for k, v in self._all.items() if k in other}
        try:
            return PolicySettings.model_validate({**rest, "guardrails": caps})
        except ValidationError as error:
            raise _unreadable(error) from error

    @property
    def admins(self) -> tuple[str, ...]:
        """Who may put a policy in force after this one; nobody in a policy of an earlier version,
        which anybody may."""
        people = self._held.people
        return people.admins if people else ()

    def group(self, name: str) -> tuple[str, ...]:
        """The people of a group of approvers."""
        people = self._held.people
        return people.approvers.get(name, ()) if people else ()

    @property
    def names_people(self) -> bool:
        """Whether it says who may decide; a policy of an earlier version lets everybody."""
        return self._held.people is not None

    @property
    def approvers(self) -> tuple[str, ...]:
        """Everybody who may approve."""
        people = self._held.people or _People()
        members = (name for group in people.approvers.values() for name in group)
        return tuple(dict.fromkeys((*people.admins, *members)))

    def need(self, weekly: Money) -> Need:
        """Who must approve a change that moves an amount a week: the sternest of the thresholds
        that it is over."""
        held = self._held
        thresholds = held.approvals
        if held.approvers_over_micros is not None:
            thresholds = (_Threshold(over_micros=held.approvers_over_micros, people=2),)
        over = [t for t in thresholds if weekly > Money(t.over_micros, self.currency)]
        if not over:
            return Need(1)
        sternest = max(over, key=lambda t: (t.people, t.over_micros))
        group = max((t for t in over if t.group), key=lambda t: t.over_micros, default=sternest)
        return Need(sternest.people, group.group)

    def exceeded(self, change: Change) -> str | None:
        """How a change breaks the cap on one change of a budget, as text; None if it doesn't."""
        if change.field != "daily_budget_micros":
            return None
        before, after = int(change.from_value), int(change.to_value)
        percent = self._held.max_change_percent
        least, most = AllocationCaps(max_change_percent=percent).change_bounds(before)
        slack = 1e-9 * before
        if least - slack <= after <= most + slack:
            return None
        return f"it changes a budget of {before} micros to {after}: more than {percent}%"

    def changes(self, before: Policy) -> tuple[str, ...]:
        """Every setting that differs from an earlier policy, as ``name before → after``."""
        old, new = before._held.model_dump(), self._held.model_dump()
        return tuple(
            f"{name} {json.dumps(old.get(name))} → {json.dumps(new.get(name))}"
            for name in sorted(old.keys() | new.keys())
            if old.get(name) != new.get(name)
        )

    @cached_property
    def _held(self) -> _Held:
        try:
            return _Held.model_validate_json(self.text)
        except ValidationError as error:
            raise _unreadable(error) from error

    @cached_property
    def _all(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.text)
        return content


@dataclass(frozen=True)
class Moment:
    """When something happened (UTC), by which clock, and under which policy (None: not known)."""

    now: datetime
    clock: Clock
    policy: Policy | None


def approvals_needed(stored: StoredProposal, policy: Policy) -> Need:
    """Who must approve a proposal, by what a week of its change moves.

    Raises:
        RateUnknown: the change can't be converted to the reporting currency, which the policy's
            amounts are in.
    """
    return policy.need(abs(stored.delta_in(policy.currency)) * _DAYS)


def approvals_if_known(stored: StoredProposal, policy: Policy | None) -> Need | None:
    """:func:`approvals_needed`; None where the policy or the rate isn't known."""
    if policy is None or not stored.tells_delta_in(policy.currency):
        return None
    return approvals_needed(stored, policy)


def _spelled(names: Iterable[str]) -> list[str]:
    return sorted({person_name(name) for name in names})


def _unreadable(error: ValidationError) -> IntegrityError:
    return IntegrityError(
        f"A policy in canary_events can't be read: {error.errors()[0]['msg']}.",
        kept="nothing was recorded.",
        fix="Run `adcanary audit verify`, and make no decisions until this is explained.",
    )
