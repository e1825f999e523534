"""The policy: the settings that proposals and decisions are held to, as the ledger records them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.canonical import canonical_json, sha256
from pipelines.config import AllocationCaps, GuardrailSettings
from pipelines.errors import IntegrityError
from pipelines.money import Money

if TYPE_CHECKING:  # they import the terms, and so this
    from pipelines.proposals.proposal import Change
    from pipelines.proposals.stored import StoredProposal

Clock = Literal["machine", "fixed"]
"""The machine's, or one that the configuration fixes (``now``), for a simulated world."""

_DAYS = 7


class _Held(BaseModel):
    """What is held again when verifying; any other setting is only recorded."""

    model_config = ConfigDict(extra="allow", strict=True)

    kill_switch: bool
    reporting_currency: str
    approvers_over_micros: int
    max_change_percent: float


@dataclass(frozen=True)
class Policy:
    """The guardrails' settings, the reporting currency and time zone: canonical JSON.

    Settings are read by name, so that a policy that an earlier version recorded can be read too.
    """

    text: str

    @classmethod
    def of(cls, caps: GuardrailSettings, currency: str, time_zone: str) -> Policy:
        settings = caps.model_dump(mode="json")
        return cls(
            canonical_json({**settings, "reporting_currency": currency, "time_zone": time_zone})
        )

    @property
    def hash(self) -> str:
        return sha256(self.text)

    @property
    def kill_switch(self) -> bool:
        return self._held.kill_switch

    @property
    def currency(self) -> str:
        return self._held.reporting_currency

    @property
    def approvers_over(self) -> Money:
        """A week of a change that moves more needs two people."""
        return Money(self._held.approvers_over_micros, self.currency)

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
            raise IntegrityError(
                f"A policy in canary_events can't be read: {error.errors()[0]['msg']}.",
                kept="nothing was recorded.",
                fix="Run `adcanary audit verify`, and make no decisions until this is explained.",
            ) from error


@dataclass(frozen=True)
class Moment:
    """When something happened (UTC), by which clock, and under which policy (None: not known)."""

    now: datetime
    clock: Clock
    policy: Policy | None


def approvals_needed(stored: StoredProposal, policy: Policy) -> int:
    """One person; two when a week of the change moves more than the policy's amount.

    Raises:
        RateUnknown: the change can't be converted to the reporting currency, which that amount
            is in.
    """
    weekly = abs(stored.delta_in(policy.currency)) * _DAYS
    return 2 if weekly > policy.approvers_over else 1


def approvals_if_known(stored: StoredProposal, policy: Policy | None) -> int | None:
    """:func:`approvals_needed`; None where the policy or the rate isn't known."""
    if policy is None or not stored.tells_delta_in(policy.currency):
        return None
    return approvals_needed(stored, policy)
