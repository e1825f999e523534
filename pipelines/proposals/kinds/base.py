"""What a kind of proposal is: how it is drafted, checked against the present, and described."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Generic, TypeVar

from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.book import Book
from pipelines.proposals.guardrails import Case
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.operations import change_of_field, operation
from pipelines.proposals.proposal import (
    Baseline,
    Change,
    Constraint,
    Json,
    Proposal,
    StoredEvidence,
    Target,
    Urgency,
)
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse

E = TypeVar("E")
C = TypeVar("C", bound=Case)
Guardrail = Callable[[C], Constraint | None]


@dataclass(frozen=True)
class Stamp:
    """What all proposals of one run share. ``expires_at`` is UTC."""

    as_of: date
    expires_at: datetime
    created_by: str


@dataclass(frozen=True)
class Drafted:
    """The proposals that the evidence supports, and the reasons for what was refused."""

    proposals: tuple[Proposal, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True)
class Obstacle:
    """Why a proposal can't be recorded now, and what would make it possible."""

    why: str
    fix: str


@dataclass(frozen=True)
class Description:
    """A stored proposal as a person reads it: the change, the evidence by line, the rollback."""

    change: str
    evidence: tuple[str, ...]
    rollback: str


class Kind(ABC, Generic[E, C]):
    """One kind of proposal, with evidence of type ``E`` and guardrails over cases of type ``C``.

    A kind is a module in ``pipelines/proposals/kinds`` that has one as its ``KIND``; nothing else
    names it.
    """

    name: ClassVar[str]
    field: ClassVar[str]
    """The field of the campaign, or of its part, that it would change."""
    urgency: ClassVar[Urgency] = "ROUTINE"
    guardrails: tuple[Guardrail[C], ...]
    """Listed here and nowhere else, in the order of the certificate."""

    @abstractmethod
    def read(self, warehouse: Warehouse, as_of: date) -> E:
        """The evidence as of a day."""

    @abstractmethod
    def draft(self, market: Market, evidence: E, caps: GuardrailSettings, stamp: Stamp) -> Drafted:
        """Every proposal that the evidence supports: a function of its arguments alone."""

    @abstractmethod
    def describe(self, stored: StoredProposal) -> Description:
        """What a person reads about it."""

    def certificate(self, case: C) -> tuple[Constraint, ...]:
        """The verdict of every guardrail that applies to the case."""
        verdicts = (guardrail(case) for guardrail in self.guardrails)
        return tuple(constraint for constraint in verdicts if constraint)

    def proposal(
        self,
        case: C,
        stamp: Stamp,
        change: Change,
        *,
        delta_percent: float,
        finding: Json,
        evidence: StoredEvidence,
        part: str | None = None,
    ) -> Proposal:
        """The proposal of a case, held to every guardrail.

        Args:
            part: of the campaign, where the target isn't all of it.
        """
        target = Target(*case.campaign.key, case.campaign.name, part)
        currency, rollback = case.campaign.currency, self.rollback(change)
        return Proposal(
            kind=self.name,
            target=target,
            change=change,
            rollback=rollback,
            delta=case.delta,
            delta_percent=delta_percent,
            baseline=self.baseline(case.campaign),
            urgency=self.urgency,
            effect=case.effect,
            finding=finding,
            evidence=evidence,
            rates=case.market.rates.used(case.currencies),
            constraints=self.certificate(case),
            created_by=stamp.created_by,
            as_of=stamp.as_of,
            expires_at=stamp.expires_at,
            operation=operation(target, currency, self.steps(target, change, currency, evidence)),
            rollback_operation=operation(
                target, currency, self.steps(target, rollback, currency, evidence)
            ),
        )

    def steps(
        self, target: Target, change: Change, currency: str, evidence: StoredEvidence
    ) -> tuple[str, ...]:
        """What a person would change once they have the campaign before them."""
        del evidence
        return change_of_field(target, change, currency)

    def baseline(self, campaign: Campaign) -> Baseline:
        """What the proposal is made against."""
        return Baseline(campaign.budget, campaign.status)

    def drift(self, baseline: Baseline, present: Campaign | None) -> str | None:
        """How the campaign differs from the baseline, as text; None if it doesn't."""
        if present is None:
            return "the campaign is no longer there"
        if present.budget != baseline.daily_budget:
            return f"the budget was {baseline.daily_budget} and is {present.budget}"
        if present.status != baseline.status:
            return f"the status was {baseline.status} and is {present.status}"
        return None

    def change(self, stored: StoredProposal) -> Change:
        """What recording it writes to the shadow feed."""
        return Change(self.field, stored.current_value, stored.proposed_value)

    def rollback(self, change: Change) -> Change:
        """What undoes the change."""
        return change.inverse()

    def revocation_obstacle(
        self, stored: StoredProposal, book: Book, currency: str
    ) -> Obstacle | None:
        """Why it can't be revoked, given what else was recorded; by default nothing is in the way.

        Args:
            currency: the reporting currency, in which amounts are compared.
        """
        del stored, book, currency
        return None

    def obstacle(self, stored: StoredProposal, book: Book, currency: str) -> Obstacle | None:
        """Why it can't be recorded, given what else was; by default nothing stands in the way.

        Args:
            currency: the reporting currency, in which amounts are compared.
        """
        del stored, book, currency
        return None
