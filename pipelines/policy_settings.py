"""What a policy file may set: the caps, who may do what, and when nothing is proposed.

The file is a request. What holds is the policy that an admin put in force in the ledger
(``adcanary policy set``): a person's own file can't loosen it.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from pipelines.source_settings import Section

GroupName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
PersonName = Annotated[str, Field(min_length=1, max_length=100)]


class AllocationCaps(Section):
    """The caps that bound the optimiser and that the guardrails hold its proposals to, defined once
    for both. Amounts may be in any unit, if all those in one call are in the same."""

    max_change_percent: float = Field(5.0, gt=0, le=100)
    channel_floor_percent: float = Field(5.0, ge=0, le=50)
    exploration_reserve_percent: float = Field(10.0, ge=0, le=50)

    def change_bounds(self, current: float) -> tuple[float, float]:
        """The least and the most that one change may make of an amount."""
        share = self.max_change_percent / 100
        return current * (1 - share), current * (1 + share)

    def floor(self, total: float) -> float:
        """The least that a cut may leave a channel, given the total of all channels."""
        return self.channel_floor_percent / 100 * total

    def reserve(self, amount: float) -> float:
        """The part of an amount that the optimiser never moves."""
        return amount * (self.exploration_reserve_percent / 100)


class GuardrailSettings(AllocationCaps):
    """The caps that every proposal is held to (DESIGN section 5). Amounts are in micros of the
    reporting currency; other currencies are converted at the day's rate before comparison.

    ``max_daily_change_percent`` is of one campaign's budget, ``max_total_daily_change_percent`` of
    all budgets: all open proposals and what was recorded on the day count together. ``roas_floor``
    is revenue for each unit of further spend, at the pessimistic end.
    """

    max_daily_change_percent: float = Field(10.0, gt=0, le=100)
    max_total_daily_change_percent: float = Field(10.0, gt=0, le=100)
    channel_ceiling_percent: float = Field(100.0, gt=0, le=100)
    cac_ceiling_micros: int | None = Field(None, gt=0)
    roas_floor: float | None = Field(None, gt=0)
    min_change_percent: float = Field(1.0, ge=0)
    max_evidence_age_days: int = Field(8, ge=1)
    max_data_age_days: int = Field(3, ge=1)
    expires_after_days: int = Field(7, ge=1)


class People(Section):
    """Who may do what, by the names that they act under. Everybody else is a viewer. Admins put
    policies in force and end a stop; approvers, in groups, decide on proposals; admins may, too."""

    admins: tuple[PersonName, ...] = ()
    approvers: dict[GroupName, tuple[PersonName, ...]] = Field({})


class Threshold(Section):
    """From this amount up, moved in a week, so many people must approve, one of them of ``group``.
    Micros of the reporting currency."""

    over_micros: int = Field(ge=0)
    people: int = Field(ge=1, le=5)
    group: GroupName | None = None


class Blackout(Section):
    """Days, both included, in the reporting time zone, on which only urgent proposals pass."""

    model_config = ConfigDict(populate_by_name=True)

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    why: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("it ends before it begins")
        return self


class QuietHours(Section):
    """From one time of day to another, in the reporting time zone, perhaps over midnight: no
    message is sent then but for urgent proposals."""

    model_config = ConfigDict(populate_by_name=True)

    first: time = Field(alias="from")
    last: time = Field(alias="to")

    def hold(self, moment: time) -> bool:
        """Whether a time of day is quiet."""
        if self.first <= self.last:
            return self.first <= moment < self.last
        return moment >= self.first or moment < self.last


class ProposingJobs(Section):
    """Whether proposals may rest on a job's results."""

    mmm: bool = True
    pacing: bool = True
    bandits: bool = True
    uplift: bool = True
    clustering: bool = True
    creatives: bool = True
    rules: bool = True


class PolicySettings(Section):
    """A policy file; its amounts are in the reporting currency."""

    version: Literal[1] = 1
    guardrails: GuardrailSettings = GuardrailSettings()
    people: People = People()
    approvals: tuple[Threshold, ...] = (Threshold(over_micros=1_000_000_000, people=2),)
    max_open_proposals: int = Field(50, ge=1, le=10_000)
    blackouts: tuple[Blackout, ...] = ()
    quiet_hours: QuietHours | None = None
    jobs: ProposingJobs = ProposingJobs()

    @model_validator(mode="after")
    def _groups_exist(self) -> Self:
        asked = {t.group for t in self.approvals if t.group}
        if unknown := sorted(asked - self.people.approvers.keys()):
            raise ValueError(
                f"approvals name the group {', '.join(unknown)}, which people.approvers doesn't"
            )
        for group, members in self.people.approvers.items():
            if not members:
                raise ValueError(f"people.approvers: the group {group} has nobody in it")
        return self
