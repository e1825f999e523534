"""A proposal: one immutable revision, and the canonical form that is hashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pipelines.canonical import canonical_json, sha256
from pipelines.money import Money, Rate
from pipelines.proposals.market import Key

# Columns that an earlier version didn't have: left out of what is hashed where they are NULL.
_LATER = {"target_part", "operation", "rollback_operation"}
Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE", "NO_DATA"]
Urgency = Literal["ROUTINE", "URGENT"]
Json = Mapping[str, "JsonValue"]
JsonValue = str | int | float | bool | date | None | Sequence["JsonValue"] | Json


class StoredEvidence(BaseModel):
    """What a proposal keeps of its evidence: run ids, and the figures that a person reads. Each
    kind has its own; dates are ISO 8601 in the row."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Interval:
    """10th, 50th and 90th percentile."""

    p10: float
    p50: float
    p90: float

    def scaled(self, factor: float) -> Interval:
        """The interval times ``factor``; a negative one swaps its ends."""
        ends = sorted((self.p10 * factor, self.p90 * factor))
        return Interval(ends[0], self.p50 * factor, ends[1])


@dataclass(frozen=True)
class MoneyInterval:
    """10th, 50th and 90th percentile of an amount, in whole micros of one currency."""

    p10: int
    p50: int
    p90: int
    currency: str

    @classmethod
    def of(cls, interval: Interval, currency: str) -> MoneyInterval:
        """An interval of micros, rounded to whole ones."""
        return cls(round(interval.p10), round(interval.p50), round(interval.p90), currency)

    def micros(self) -> dict[str, int]:
        return {"p10": self.p10, "p50": self.p50, "p90": self.p90}


@dataclass(frozen=True)
class Effect:
    """What a week with the change brings, compared with a week without it.

    ``spend`` is in the account's currency; ``revenue`` and ``cac`` are in the reporting one.
    ``orders`` and ``revenue`` are None if no model can estimate them; ``note`` then says why.
    ``cac`` is the spend per additional order; None for a cut.
    """

    spend: Money
    orders: Interval | None
    revenue: MoneyInterval | None
    cac: MoneyInterval | None
    note: str

    def content(self) -> dict[str, Any]:
        """As stored: amounts in micros of the proposal's currency; if revenue and cac are in
        another, ``value_currency_code`` names it."""
        content = {
            "spend_micros": self.spend.micros,
            "orders": self.orders and asdict(self.orders),
            "revenue_micros": self.revenue and self.revenue.micros(),
            "cac_micros": self.cac and self.cac.micros(),
            "note": self.note,
        }
        if self.revenue and self.revenue.currency != self.spend.currency:
            content["value_currency_code"] = self.revenue.currency
        return content


@dataclass(frozen=True)
class Constraint:
    """One line of the feasibility certificate: a guardrail, its bound and its value.

    An amount in ``message`` that names no currency is in the proposal's own.
    """

    name: str
    verdict: Verdict
    value: float | None
    bound: float | None
    unit: str
    binds: bool
    message: str


@dataclass(frozen=True)
class Target:
    """What a proposal is about: a campaign, or ``part`` of it (``ad_group:123``)."""

    platform: str
    account_id: str
    campaign_id: str
    name: str | None
    part: str | None = None

    @property
    def key(self) -> Key:
        """Its campaign."""
        return self.platform, self.account_id, self.campaign_id

    @property
    def identity(self) -> tuple[str, str, str, str | None]:
        """What one proposal at most is open for: a part is a target beside its campaign."""
        return *self.key, self.part


@dataclass(frozen=True)
class Change:
    """One field of the target, from one value to another. Daily budgets are in micros of the
    account's currency."""

    field: str
    from_value: str
    to_value: str

    def inverse(self) -> Change:
        return Change(self.field, self.to_value, self.from_value)


@dataclass(frozen=True)
class Baseline:
    """The campaign's budget and status when the proposal was made."""

    daily_budget: Money
    status: str


@dataclass(frozen=True)
class Proposal:
    """One revision, immutable.

    ``change`` is what would be applied, ``rollback`` what undoes it; ``delta`` is the change of
    the daily budget, in the account's currency like the baseline. ``finding`` is what identifies
    the proposal when it is drafted again (a fault and its first day; a week and a direction).
    ``rates`` are the exchange rates that any of its figures rests on. ``operation`` is what a
    person would do on the platform, in lines; ``rollback_operation`` undoes it.
    ``expires_at`` is UTC.
    """

    kind: str
    target: Target
    change: Change
    rollback: Change
    delta: Money
    delta_percent: float
    baseline: Baseline
    urgency: Urgency
    effect: Effect
    finding: Json
    evidence: StoredEvidence
    rates: tuple[Rate, ...]
    constraints: tuple[Constraint, ...]
    created_by: str
    as_of: date
    expires_at: datetime
    operation: str | None = None
    rollback_operation: str | None = None
    revision: int = 1
    verdict: Verdict = field(init=False)
    proposal_id: str = field(init=False)
    content_hash: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", overall(self.constraints))
        # the proposed value is left out: if it moves by a cent, the finding is the same
        parts = [self.target.part] if self.target.part else []
        subject = [self.kind, *self.target.key, *parts, self.change.from_value]
        identity = canonical_json([*subject, self.finding])
        object.__setattr__(self, "proposal_id", f"p-{sha256(identity)[:12]}")
        object.__setattr__(self, "content_hash", hash_row(self._content()))

    @property
    def currency(self) -> str:
        """The account's currency."""
        return self.baseline.daily_budget.currency

    def as_revision(self, revision: int) -> Proposal:
        """The same content as a later revision."""
        return replace(self, revision=revision)

    def row(self) -> dict[str, Any]:
        """The proposal as a row of canary.canary_proposals."""
        return {**self._content(), "content_hash": self.content_hash}

    def _content(self) -> dict[str, Any]:
        evidence = self.evidence.model_dump(mode="json")
        if self.rates:
            evidence["rates"] = [
                {"from": r.source, "to": r.target, "rate": r.factor, "date": r.day}
                for r in self.rates
            ]
        content = {
            "proposal_id": self.proposal_id,
            "revision": self.revision,
            "kind": self.kind,
            "platform": self.target.platform,
            "account_id": self.target.account_id,
            "campaign_id": self.target.campaign_id,
            "target_part": self.target.part,
            "target_name": self.target.name,
            "current_value": self.change.from_value,
            "proposed_value": self.change.to_value,
            "delta_micros": self.delta.micros,
            "delta_percent": self.delta_percent,
            "currency_code": self.currency,
            "urgency": self.urgency,
            "expected_effect": canonical_json(self.effect.content()),
            "evidence": canonical_json(evidence),
            "guardrails": canonical_json({c.name: c.verdict for c in self.constraints}),
            "verdict": self.verdict,
            "certificate": canonical_json([asdict(c) for c in self.constraints]),
            "rollback": canonical_json(
                {
                    "field": self.rollback.field,
                    "from": self.rollback.from_value,
                    "to": self.rollback.to_value,
                }
            ),
            "operation": self.operation,
            "rollback_operation": self.rollback_operation,
            "created_by": self.created_by,
            "as_of": self.as_of,
            "expires_at": self.expires_at,
        }
        return as_written(content)


def overall(constraints: tuple[Constraint, ...]) -> Verdict:
    """The worst verdict: what is unknown can't pass, and a failure outranks what is unknown."""
    worst_first: tuple[Verdict, ...] = ("FAIL", "NO_DATA", "INCONCLUSIVE")
    for verdict in worst_first:
        if any(c.verdict == verdict for c in constraints):
            return verdict
    return "PASS"


def as_written(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without those later columns that it has no value in: as an earlier version wrote it."""
    return {k: v for k, v in row.items() if not (k in _LATER and v is None)}


def hash_row(row: Mapping[str, Any]) -> str:
    """SHA-256 of a row's canonical JSON, in hex."""
    return sha256(canonical_json(row))
