"""Which recorded changes an import file can hold: those that the platform still shows undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.money import Money
from pipelines.plain_text import one_line
from pipelines.proposals.ledger import Records
from pipelines.proposals.market import Campaign, Key

BUDGET, STATUS = "daily_budget_micros", "status"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet runs."""


@dataclass(frozen=True)
class Recorded:
    """A recorded change, or its rollback: ``value`` is what the field would become."""

    proposal_id: str
    key: Key
    part: str | None
    field: str
    before: str
    value: str
    operation: str | None
    currency: str


@dataclass(frozen=True)
class Edit:
    """What a file sets of a campaign; None is left as it is."""

    campaign: Campaign
    proposals: tuple[str, ...]
    budget: Money | None = None
    status: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A recorded change that no file holds, and why; ``operation`` is how to do it by hand."""

    proposal_id: str
    why: str
    operation: str | None


@dataclass(frozen=True)
class Selection:
    """The edits of each account, and what was left out."""

    accounts: Mapping[str, tuple[Edit, ...]]
    left_out: tuple[LeftOut, ...]


def recorded(
    records: Records, platform: str, *, rollback: bool, since: datetime | None
) -> tuple[Recorded, ...]:
    """A platform's recorded changes, the oldest first.

    Args:
        records: the verified ledger.
        rollback: what undoes them instead.
        since: leave out what was recorded before this instant.
    """
    currencies = {(p["proposal_id"], p["revision"]): p["currency_code"] for p in records.proposals}
    rows = [
        row
        for row in records.changes
        if row["platform"] == platform and (since is None or row["recorded_at"] >= since)
    ]
    rows.sort(key=lambda row: (row["recorded_at"], row["proposal_id"], row["revision"]))
    return tuple(
        _recorded(row, currencies[row["proposal_id"], row["revision"]], rollback) for row in rows
    )


def _recorded(row: Mapping[str, Any], currency: str, rollback: bool) -> Recorded:
    ends = row["from_value"], row["to_value"]
    before, value = reversed(ends) if rollback else ends
    return Recorded(
        proposal_id=row["proposal_id"],
        key=(row["platform"], row["account_id"], row["campaign_id"]),
        part=row.get("target_part"),
        field=row["field"],
        before=before,
        value=value,
        operation=row.get("rollback_operation" if rollback else "operation"),
        currency=currency,
    )


def select(
    changes: Iterable[Recorded], campaigns: Iterable[Campaign], *, by_name: bool
) -> Selection:
    """What of recorded changes files can hold, given the campaigns as landing last saw them.

    A change that shows as done is left out, and so is one whose campaign has neither the value
    before nor the value after: somebody has changed it since.

    Args:
        by_name: the format tells campaigns apart by their names alone.
    """
    present = {c.key: c for c in campaigns}
    edits: dict[Key, Edit] = {}
    left_out = []
    for change in changes:
        campaign = present.get(change.key)
        if (why := _problem(change, campaign, present.values(), by_name)) or campaign is None:
            left_out.append(LeftOut(change.proposal_id, why or "", change.operation))
            continue
        edits[change.key] = _with(edits.get(change.key, Edit(campaign, ())), change)
    accounts: dict[str, list[Edit]] = {}
    for key in sorted(edits):
        accounts.setdefault(key[1], []).append(edits[key])
    return Selection({a: tuple(own) for a, own in accounts.items()}, tuple(left_out))


def _with(edit: Edit, change: Recorded) -> Edit:
    proposals = (*edit.proposals, change.proposal_id)
    if change.field == BUDGET:
        budget = Money(int(change.value), change.currency)
        return Edit(edit.campaign, proposals, budget, edit.status)
    return Edit(edit.campaign, proposals, edit.budget, change.value)


def _problem(
    change: Recorded, campaign: Campaign | None, others: Iterable[Campaign], by_name: bool
) -> str | None:
    """Why no file can hold a change, as text; None if one can."""
    if change.part or change.field not in {BUDGET, STATUS}:
        return f"the format has no column for {change.field} of {change.part or 'a campaign'}"
    if campaign is None:
        return "the campaign is no longer there"
    if change.field == BUDGET and (why := _budget_problem(change, campaign)):
        return why
    budget = campaign.daily_budget
    now = campaign.status if change.field == STATUS else str(budget.micros if budget else None)
    if now == change.value:
        return "the platform shows it so already"
    if now != change.before:
        return f"the campaign's {change.field} is {now} now, neither {change.before} nor " + (
            change.value
        )
    return _name_problem(campaign, others, by_name)


def _budget_problem(change: Recorded, campaign: Campaign) -> str | None:
    """Why a budget can't be set by its campaign, as text."""
    if campaign.currency != change.currency:
        return f"the change is in {change.currency}, and the account in {campaign.currency} now"
    if campaign.shared_budget:
        return (
            f"the campaign shares budget {campaign.shared_budget} now: a change would be one for "
            "all of its campaigns"
        )
    if int(change.value) <= 0:
        return "a budget of nothing can't be imported"
    return None


def _name_problem(campaign: Campaign, others: Iterable[Campaign], by_name: bool) -> str | None:
    """A file needs the exact name: with an apostrophe before it, against formulas, it would be the
    name of another campaign. So one that a spreadsheet would run isn't written at all."""
    name = campaign.name or ""
    if name.startswith(_FORMULA):
        return f"its name begins with {one_line(name[0])!r}, which a spreadsheet would run"
    if not by_name:
        return None
    if not name:
        return "its name isn't known, and the format tells campaigns apart by nothing else"
    account = (campaign.platform, campaign.account_id)
    alike = [
        c.campaign_id
        for c in others
        if (c.platform, c.account_id) == account and c.name == name and c.status != "REMOVED"
    ]
    if len(alike) > 1:
        return f"campaigns {', '.join(sorted(alike))} of its account have its name"
    return None
