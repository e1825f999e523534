"""The terms of proposing and deciding: the caps, the currency, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipelines.config import GuardrailSettings, Settings
from pipelines.proposals.policy import Clock, Moment, Policy


@dataclass(frozen=True)
class Terms:
    """The terms of one run of propose, or of one decision.

    Args:
        caps: the guardrails' settings; their amounts are in ``currency``.
        currency: the reporting currency, ISO 4217.
        now: the present instant, UTC.
        as_of: last day of evidence.
        day_began: first instant, UTC, of the present day: changes recorded since then count
            towards the daily cap.
        time_zone: the one that days are of.
        clock: where ``now`` is from.
    """

    caps: GuardrailSettings
    currency: str
    now: datetime
    as_of: date
    day_began: datetime
    time_zone: str = "UTC"
    clock: Clock = "machine"

    @classmethod
    def of(cls, settings: Settings, as_of: date | None = None) -> Terms:
        """The terms that the configuration sets, as of a day (by default yesterday)."""
        return cls(
            caps=settings.guardrails,
            currency=settings.reporting_currency,
            now=settings.clock(),
            as_of=as_of or settings.yesterday(),
            day_began=settings.day_began(),
            time_zone=settings.reporting_time_zone,
            clock="fixed" if settings.now else "machine",
        )

    @property
    def policy(self) -> Policy:
        return Policy.of(self.caps, self.currency, self.time_zone)

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.clock, self.policy)
