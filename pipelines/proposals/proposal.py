"""A proposal: one immutable revision, and the canonical form that its hashes are taken of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from pipelines.canonical import canonical_json, sha256

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE", "NO_DATA"]


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

    def whole(self) -> Interval:
        """The interval in whole micros."""
        return Interval(round(self.p10), round(self.p50), round(self.p90))


@dataclass(frozen=True)
class Effect:
    """What a week with the change brings, against a week without it.

    ``orders`` and ``revenue_micros`` are None where no model could say; ``note`` then says why.
    ``cac_micros`` is the spend of each further order; None for a cut.
    """

    spend_micros: int
    orders: Interval | None
    revenue_micros: Interval | None
    cac_micros: Interval | None
    note: str


@dataclass(frozen=True)
class Constraint:
    """One line of the feasibility certificate: a guardrail, its bound and its value."""

    name: str
    verdict: Verdict
    value: float | None
    bound: float | None
    unit: str
    binds: bool
    message: str


@dataclass(frozen=True)
class Target:
    """The campaign a proposal is about."""

    platform: str
    account_id: str
    campaign_id: str
    name: str | None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.platform, self.account_id, self.campaign_id

    def __str__(self) -> str:
        return f"{self.platform} · {self.name or self.campaign_id}"


@dataclass(frozen=True)
class Proposal:
    """One revision, immutable.

    ``current_value`` and ``proposed_value`` are daily budgets in micros for ``budget_shift``,
    statuses for ``pause``. ``finding`` is what makes it the same proposal when it is found again
    (a fault and its first day; a week and a direction). ``expires_at`` is UTC.
    """

    kind: Literal["budget_shift", "pause"]
    target: Target
    current_value: str
    proposed_value: str
    delta_micros: int | None
    delta_percent: float | None
    baseline_budget_micros: int
    baseline_status: str
    currency_code: str
    urgency: Literal["ROUTINE", "URGENT"]
    effect: Effect
    finding: dict[str, Any]
    evidence: dict[str, Any]
    constraints: tuple[Constraint, ...]
    created_by: str
    as_of: date
    expires_at: datetime
    revision: int = 1
    verdict: Verdict = field(init=False)
    proposal_id: str = field(init=False)
    content_hash: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", overall(self.constraints))
        # not of the proposed value: a figure that moves by a cent is the same finding
        subject = [self.kind, *self.target.key, self.current_value]
        identity = canonical_json([*subject, self.finding])
        object.__setattr__(self, "proposal_id", f"p-{sha256(identity)[:12]}")
        object.__setattr__(self, "content_hash", hash_row(self._content()))

    def row(self) -> dict[str, Any]:
        """The proposal as a row of canary.canary_proposals."""
        return {**self._content(), "content_hash": self.content_hash}

    def _content(self) -> dict[str, Any]:
        return {
            "proposal_id": self.proposal_id,
            "revision": self.revision,
            "kind": self.kind,
            "platform": self.target.platform,
            "account_id": self.target.account_id,
            "campaign_id": self.target.campaign_id,
            "target_name": self.target.name,
            "current_value": self.current_value,
            "proposed_value": self.proposed_value,
            "delta_micros": self.delta_micros,
            "delta_percent": self.delta_percent,
            "currency_code": self.currency_code,
            "urgency": self.urgency,
            "expected_effect": canonical_json(asdict(self.effect)),
            "evidence": canonical_json(self.evidence),
            "guardrails": canonical_json({c.name: c.verdict for c in self.constraints}),
            "verdict": self.verdict,
            "certificate": canonical_json([asdict(c) for c in self.constraints]),
            "rollback": canonical_json(
                {
                    "field": "status" if self.kind == "pause" else "daily_budget_micros",
                    "from": self.proposed_value,
                    "to": self.current_value,
                }
            ),
            "created_by": self.created_by,
            "as_of": self.as_of,
            "expires_at": self.expires_at,
        }


def overall(constraints: tuple[Constraint, ...]) -> Verdict:
    """The worst verdict: what is unknown can't pass, and a failure outranks what is unknown."""
    worst_first: tuple[Verdict, ...] = ("FAIL", "NO_DATA", "INCONCLUSIVE")
    for verdict in worst_first:
        if any(c.verdict == verdict for c in constraints):
            return verdict
    return "PASS"


def hash_row(row: dict[str, Any]) -> str:
    """SHA-256 over a row's canonical JSON, hex."""
    return sha256(canonical_json(row))
