"""The terms of proposing and deciding: the policy, the clock, the last day of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pipelines.config import Settings
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.policy import Clock, Moment, Policy


@dataclass(frozen=True)
class Terms:
    """The terms of one run of propose, or of one decision.

    Args:
        policy: the one that is held to; it must be the one in force.
        now: the present instant, UTC.
        as_of: last day of evidence.
        day_began: first instant, UTC, of the present day: changes recorded since then count
            towards the daily caps.
        clock: where ``now`` is from.
    """

    policy: Policy
    now: datetime
    as_of: date
    day_began: datetime
    clock: Clock = "machine"

    @classmethod
    def of(cls, settings: Settings, policy: Policy, as_of: date | None = None) -> Terms:
        """The terms under a policy, as of a day (by default yesterday)."""
        return cls(
            policy=policy,
            now=settings.clock(),
            as_of=as_of or settings.yesterday(),
            day_began=settings.day_began(),
            clock="fixed" if settings.now else "machine",
        )

    @property
    def caps(self) -> GuardrailSettings:
        """The guardrails' settings; their amounts are in :attr:`currency`."""
        return self.policy.settings.guardrails

    @property
    def currency(self) -> str:
        """The reporting currency, ISO 4217."""
        return self.policy.currency

    @property
    def today(self) -> date:
        """The present day in the reporting time zone."""
        return self.now.astimezone(ZoneInfo(self.policy.time_zone)).date()

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.clock, self.policy)


def file_policy(settings: Settings) -> Policy:
    """The policy that the configuration's file asks for.

    Raises:
        UsageError, DecisionRefused: a name in it isn't a person's.
    """
    return Policy.of(settings.policy, settings.reporting_currency, settings.reporting_time_zone)


def unlike_file(policy: Policy, settings: Settings) -> str | None:
    """How the policy file differs from the policy in force, as a sentence; None if it doesn't."""
    changes = file_policy(settings).changes(policy)
    if not changes:
        return None
    return (
        f"The policy file asks for what isn't in force: {'; '.join(changes)}. "
        "An admin puts it in force: `adcanary policy set`."
    )
