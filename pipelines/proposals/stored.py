"""A proposal as read from the ledger: the stored row with types, its state and approvals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipelines.errors import IntegrityError, RateUnknown
from pipelines.money import Money, Rate
from pipelines.proposals.proposal import (
    Change,
    Constraint,
    Interval,
    Proposal,
    StoredEvidence,
    Target,
    as_written,
    hash_row,
)
from pipelines.proposals.states import State

S = TypeVar("S", bound=StoredEvidence)
_AMOUNTS = (
    "current_value",
    "proposed_value",
    "delta_micros",
    "delta_percent",
    "currency_code",
    "rollback",
)


class _Quote(BaseModel):
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    factor: float = Field(alias="rate")
    day: date = Field(alias="date")


class _Rates(BaseModel):
    rates: tuple[_Quote, ...] = ()


class _Rollback(BaseModel):
    field: str
    from_value: str = Field(alias="from")
    to_value: str = Field(alias="to")


class StoredEffect(BaseModel):
    """The expected effect of a week. Spend is in the proposal's currency; revenue and the cost of
    an order are in ``value_currency``. Amounts are in micros."""

    model_config = ConfigDict(frozen=True)

    spend_micros: int
    orders: Interval | None
    revenue_micros: Interval | None
    cac_micros: Interval | None
    note: str
    value_currency: str = Field("", alias="value_currency_code")


@dataclass(frozen=True)
class StoredProposal:
    """One revision as canary.canary_proposals has it.

    ``row`` is the row verbatim: what is hashed, and what a listing prints. ``approvals`` are those
    given to exactly this content; ``policy_since`` is the sequence of the event that had put the
    policy in force under which it was made.

    JSON columns are parsed on demand; each reader raises IntegrityError if the text no longer has
    the shape that was stored.
    """

    proposal_id: str
    revision: int
    kind: str
    target: Target
    current_value: str
    proposed_value: str
    delta: Money
    delta_percent: float
    urgency: str
    verdict: str
    created_by: str
    as_of: date
    expires_at: datetime
    content_hash: str
    state: State
    approvals: tuple[str, ...]
    row: Mapping[str, Any]
    policy_since: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any], state: State, approvals: tuple[str, ...]) -> StoredProposal:
        """A row of canary.canary_proposals, with what the events say about it."""
        return cls(
            proposal_id=row["proposal_id"],
            revision=row["revision"],
            kind=row["kind"],
            target=Target(
                row["platform"],
                row["account_id"],
                row["campaign_id"],
                row["target_name"],
                row.get("target_part"),
            ),
            current_value=row["current_value"],
            proposed_value=row["proposed_value"],
            delta=Money(row["delta_micros"] or 0, row["currency_code"]),
            delta_percent=row["delta_percent"] or 0.0,
            urgency=row["urgency"],
            verdict=row["verdict"],
            created_by=row["created_by"],
            as_of=row["as_of"],
            expires_at=row["expires_at"],
            content_hash=row["content_hash"],
            state=state,
            approvals=approvals,
            row=row,
        )

    @classmethod
    def fresh(cls, proposal: Proposal) -> StoredProposal:
        """A proposal that is about to be stored."""
        return cls.of(proposal.row(), State.NONE, ())

    @property
    def currency(self) -> str:
        """The account's currency: of the change, the baseline and the spend."""
        return self.delta.currency

    def content_holds(self) -> bool:
        """Whether the row still matches its content_hash."""
        content = {k: v for k, v in self.row.items() if k != "content_hash"}
        return hash_row(as_written(content)) == self.content_hash

    def same_amounts(self, proposal: Proposal) -> bool:
        """Whether a proposal states exactly these values, amounts and rollback."""
        other = proposal.row()
        return all(self.row[column] == other[column] for column in _AMOUNTS)

    @property
    def operation(self) -> str | None:
        """What a person would do on the platform; None in a row of an earlier version."""
        return self.row.get("operation")

    @property
    def rollback_operation(self) -> str | None:
        """What undoes it there."""
        return self.row.get("rollback_operation")

    def money(self, micros: str) -> Money:
        """The value before or after a budget change, as stored."""
        return Money(int(micros), self.currency)

    def evidence(self, kept: type[S]) -> S:
        """The evidence, as its kind keeps it."""
        return self._read("evidence", kept)

    def effect(self) -> StoredEffect:
        effect = self._read("expected_effect", StoredEffect)
        return effect.model_copy(update={"value_currency": effect.value_currency or self.currency})

    def certificate(self) -> tuple[Constraint, ...]:
        return self._read("certificate", tuple[Constraint, ...])

    def guardrails(self) -> dict[str, str]:
        """The verdict of each guardrail, by name."""
        return self._read("guardrails", dict[str, str])

    def rollback(self) -> Change:
        rollback = self._read("rollback", _Rollback)
        return Change(rollback.field, rollback.from_value, rollback.to_value)

    def rates(self) -> tuple[Rate, ...]:
        """The exchange rates that its figures rest on; none in a market with one currency."""
        quotes = self._read("evidence", _Rates).rates
        return tuple(Rate(q.source, q.target, q.factor, q.day) for q in quotes)

    def delta_in(self, currency: str) -> Money:
        """The change of the daily budget in the reporting currency, at the proposal's own rate.

        Raises:
            RateUnknown: it was proposed in another reporting currency, or has no rate.
        """
        if self.currency == currency:
            return self.delta
        for rate in self.rates():
            if (rate.source, rate.target) == (self.currency, currency):
                return rate.convert(self.delta)
        raise RateUnknown(
            f"Proposal {self.proposal_id} revision {self.revision} has no exchange rate from "
            f"{self.currency} to {currency}.",
            kept="the proposal is unchanged.",
            fix="Run `adcanary propose`, then decide on the new revision.",
        )

    def tells_delta_in(self, currency: str) -> bool:
        """Whether :meth:`delta_in` of a currency is known."""
        named = {(rate.source, rate.target) for rate in self.rates()}
        return self.currency == currency or (self.currency, currency) in named

    def _read(self, column: str, kept: Any) -> Any:
        try:
            return _adapter(kept).validate_json(self.row[column])
        except ValidationError as error:
            raise IntegrityError(
                f"Proposal {self.proposal_id} revision {self.revision}: {column} can't be read: "
                f"{error.errors()[0]['msg']}.",
                kept="nothing was recorded.",
                fix="Run `adcanary audit verify`, and make no decisions until this is explained.",
            ) from error


@cache
def _adapter(kept: Any) -> TypeAdapter[Any]:
    """Made once a type: that takes a hundred times as long as reading with it."""
    return TypeAdapter(kept)
