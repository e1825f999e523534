"""Budgets that several campaigns spend together: paced once, as one history of them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pipelines.jobs.pacing.evidence import STOPPED, CampaignHistory, Key

SHARED_BUDGETS = "shared_budgets"
"""The input that names the days on which campaigns held a shared budget, if any did."""


@dataclass(frozen=True)
class _Spell:
    """Days from ``first`` to before ``end`` on which a campaign held a shared budget."""

    budget_id: str
    first: date
    end: date

    def covers(self, day: date) -> bool:
        return self.first <= day < self.end


def with_shared_budgets(
    histories: Sequence[CampaignHistory], rows: Iterable[Mapping[str, Any]], as_of: date
) -> list[CampaignHistory]:
    """The histories, those of campaigns that share a budget at ``as_of`` merged into the budget's.

    A budget's history has every campaign's spend of the days on which the campaign held it, also of
    one that has left it since. A campaign that left begins anew on the day after, and what it had
    before it joined is no longer paced: there is no budget left to pace it against.

    Args:
        rows: campaign, shared_budget_id, valid_from and valid_before of each period.
    """
    spells: defaultdict[Key, list[_Spell]] = defaultdict(list)
    for row in rows:
        key = row["platform"], row["account_id"], row["campaign_id"]
        spell = _Spell(row["shared_budget_id"], row["valid_from"], row["valid_before"])
        spells[key].append(spell)
    members: defaultdict[Key, list[tuple[CampaignHistory, tuple[_Spell, ...]]]] = defaultdict(list)
    own = []
    for history in histories:
        held = spells.get(_key(history), [])
        for budget_id in sorted({spell.budget_id for spell in held}):
            group = (history.platform, history.account_id, budget_id)
            members[group].append((history, tuple(s for s in held if s.budget_id == budget_id)))
        if not any(spell.covers(as_of) for spell in held):
            own.append(_since(history, max((s.end for s in held), default=None)))
    together = [
        _together(group[2], held, as_of)
        for group, held in members.items()
        if any(spell.covers(as_of) for _, of_one in held for spell in of_one)
    ]
    return sorted([*own, *together], key=_key)


def _together(
    budget_id: str, members: Sequence[tuple[CampaignHistory, tuple[_Spell, ...]]], as_of: date
) -> CampaignHistory:
    costs: defaultdict[date, int] = defaultdict(int)
    budgets: dict[date, int] = {}
    for history, spells in members:
        for day, cost in history.costs.items():
            if any(spell.covers(day) for spell in spells):
                costs[day] += cost
        for day, budget in history.budgets.items():
            if any(spell.covers(day) for spell in spells):
                budgets[day] = max(budget, budgets.get(day, 0))
    present = [h for h, spells in members if any(spell.covers(as_of) for spell in spells)]
    held_since = min(spell.first for _, spells in members for spell in spells)
    delivered = [h.first_date for h, _ in members if h.first_date is not None]
    known = [h.budget_micros for h in present if h.budget_micros is not None]
    seen = [h.budget_seen_since for h in present if h.budget_seen_since is not None]
    running = [h for h in present if h.status not in STOPPED]
    return replace(
        present[0],
        campaign_id=f"shared_budget:{budget_id}",
        status=(running or present)[0].status,
        budget_micros=max(known, default=None),
        first_date=max(held_since, min(delivered)) if delivered else None,
        covered=frozenset(d for h in present for d in h.covered if d >= held_since),
        costs=dict(costs),
        budgets=budgets,
        # its campaigns' days differ in what they buy
        delivery={},
        paused=frozenset(d for d in costs if all(h.was_paused(d) for h in present)),
        budget_seen_since=max(seen, default=None),
        shared_budget_id=budget_id,
        shared_by=tuple(sorted(h.campaign_id for h in present)),
    )


def _since(history: CampaignHistory, day: date | None) -> CampaignHistory:
    """The history from a day on, as of a campaign that is new on it."""
    if day is None:
        return history
    return replace(
        history,
        first_date=max(day, history.first_date) if history.first_date else None,
        covered=frozenset(d for d in history.covered if d >= day),
        costs={d: cost for d, cost in history.costs.items() if d >= day},
        budgets={d: budget for d, budget in history.budgets.items() if d >= day},
    )


def _key(history: CampaignHistory) -> Key:
    return history.platform, history.account_id, history.campaign_id
