"""A proposal as the inbox and its own page tell it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.errors import AdcanaryError
from pipelines.money import Money
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.kinds.base import Description
from pipelines.proposals.proposal import Constraint
from pipelines.proposals.review.evidence import Evidence, Row
from pipelines.proposals.stored import StoredEffect, StoredProposal

_VERBS = {"pause": "Pause", "resume": "Resume"}


@dataclass(frozen=True)
class Card:
    """A proposal with what is parsed of it; ``stake`` is what a week of it moves."""

    stored: StoredProposal
    title: str
    described: Description
    effect: StoredEffect
    guardrails: tuple[Constraint, ...]
    stake: Money | None

    @property
    def holding(self) -> int:
        return sum(1 for constraint in self.guardrails if constraint.verdict == "PASS")

    @property
    def binding(self) -> Sequence[Constraint]:
        return [c for c in self.guardrails if c.binds or c.verdict != "PASS"]


@dataclass(frozen=True)
class Unreadable:
    """A proposal that can't be told, and why; nobody can decide on it here."""

    stored: StoredProposal
    title: str
    why: str
    stake: Money | None


def card(stored: StoredProposal, stake: Money | None) -> Card | Unreadable:
    """A proposal as a person reads it."""
    name = stored.target.name or stored.target.campaign_id
    try:
        return Card(
            stored,
            f"{_verb(stored)} {name}",
            kind_of(stored.kind).describe(stored),
            stored.effect(),
            stored.certificate(),
            stake,
        )
    except AdcanaryError as error:
        return Unreadable(stored, name, error.message, stake)


def runs_of(stored: StoredProposal, evidence: Evidence) -> list[tuple[str, str, Row | None]]:
    """The job, the id and, if it is still kept, the row of each run that a proposal rests on."""
    kept = json.loads(stored.row["evidence"])
    named = [
        (key.removesuffix("run_id").rstrip("_") or "run", value)
        for key, value in sorted(kept.items())
        if key.endswith("run_id") and isinstance(value, str)
    ]
    return [(job, run_id, evidence.runs.get(run_id)) for job, run_id in named]


def _verb(stored: StoredProposal) -> str:
    if stored.kind in _VERBS:
        return _VERBS[stored.kind]
    if stored.delta.micros:
        return "Raise" if stored.delta.micros > 0 else "Cut"
    return stored.kind.replace("_", " ").capitalize() + ":"
