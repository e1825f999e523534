"""The inbox: which proposals wait, in the order in which they are worth a look."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args
from urllib.parse import urlencode

from pipelines.money import Money
from pipelines.proposals.review.standing import Standing
from pipelines.proposals.states import State
from pipelines.proposals.stored import StoredProposal

Order = Literal["money", "expiry", "newest"]
PAGE = 25
WAITING = "WAITING"
"""Every proposal that a person can still decide on."""
ANY = "ANY"
_UNDECIDED = {State.PENDING_REVIEW, State.CHANGES_REQUESTED}
_LONGEST_TEXT = 100
_MOST_LISTS = 50


@dataclass(frozen=True)
class Filters:
    """What of the inbox is shown; an empty one lets everything through."""

    state: str = WAITING
    kind: str = ""
    platform: str = ""
    verdict: str = ""
    text: str = ""
    order: Order = "money"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """The filters of an address. A value that there isn't lets nothing through."""
        order = query.get("order", "")
        return cls(
            state=query.get("state") or WAITING,
            kind=query.get("kind", ""),
            platform=query.get("platform", ""),
            verdict=query.get("verdict", ""),
            text=query.get("text", "").strip()[:_LONGEST_TEXT],
            order=cast(Order, order) if order in get_args(Order) else "money",
        )

    def address(self, page: int = 1) -> str:
        """The query of this view, without what is as by default."""
        plain = Filters()
        values = {k: v for k, v in vars(self).items() if v != getattr(plain, k)}
        if page > 1:
            values["page"] = str(page)
        return f"?{urlencode(values)}" if values else "?"

    def match(self, stored: StoredProposal, text: str) -> bool:
        """Whether a proposal is let through; ``text`` is what a search looks through."""
        if self.state == WAITING:
            in_state = stored.state in _UNDECIDED
        else:
            in_state = self.state in (ANY, stored.state)
        return (
            in_state
            and self.kind in ("", stored.kind)
            and self.platform in ("", stored.target.platform)
            and self.verdict in ("", stored.verdict)
            and self.text.casefold() in text
        )


@dataclass(frozen=True)
class Listing:
    """All that the filters let through, in their order, and what a page says of it as a whole.

    Args:
        stake: what the changes together move in a week.
        expiries: in order.
    """

    rows: Sequence[StoredProposal]
    stake: Money
    urgent: int
    expiries: Sequence[datetime]

    def expired_by(self, moment: datetime) -> int:
        """How many expire by then."""
        return bisect_right(self.expiries, moment)


@dataclass(frozen=True)
class View:
    """One page of the inbox; ``stake`` is what all its proposals move in a week."""

    filters: Filters
    rows: Sequence[StoredProposal]
    count: int
    stake: Money
    page: int

    @property
    def pages(self) -> int:
        return _pages(self.count)

    @property
    def first(self) -> int:
        return (self.page - 1) * PAGE + 1 if self.count else 0

    @property
    def last(self) -> int:
        return min(self.page * PAGE, self.count)


def matching(standing: Standing, filters: Filters) -> Listing:
    """Every proposal that the filters let through, in their order.

    By money: urgent ones first, then by what a week moves, then by what expires first. A list is
    made once for a standing: with ten thousand proposals, that takes longer than a page may.
    """
    listing: Listing | None = standing.lists.get(filters)
    if listing is None:
        rows = _ordered(standing, filters)
        listing = Listing(
            rows,
            stake_of(standing, rows),
            sum(stored.urgency == "URGENT" for stored in rows),
            sorted(stored.expires_at for stored in rows),
        )
        if len(standing.lists) < _MOST_LISTS:
            standing.lists[filters] = listing
    return listing


def _ordered(standing: Standing, filters: Filters) -> list[StoredProposal]:
    texts = standing.texts
    chosen = [p for id_, p in standing.proposals.items() if filters.match(p, texts[id_])]

    def by_money(stored: StoredProposal) -> tuple[bool, int, datetime, str]:
        stake = standing.stakes.get(stored.proposal_id)
        micros = -stake.micros if stake else 1
        return stored.urgency != "URGENT", micros, stored.expires_at, stored.proposal_id

    if filters.order == "expiry":
        return sorted(chosen, key=lambda p: (p.expires_at, *by_money(p)))
    if filters.order == "newest":
        return sorted(chosen, key=lambda p: (p.as_of, p.proposal_id), reverse=True)
    return sorted(chosen, key=by_money)


def view(standing: Standing, filters: Filters, page: int) -> View:
    """A page of what the filters let through; the last one for a number beyond it."""
    listing = matching(standing, filters)
    page = min(max(1, page), _pages(len(listing.rows)))
    shown = listing.rows[(page - 1) * PAGE : page * PAGE]
    return View(filters, shown, len(listing.rows), listing.stake, page)


def stake_of(standing: Standing, proposals: Iterable[StoredProposal]) -> Money:
    """What the changes together move in a week, as far as rates are known."""
    stakes = (standing.stakes.get(stored.proposal_id) for stored in proposals)
    return Money(sum(stake.micros for stake in stakes if stake), standing.currency)


def waiting(standing: Standing) -> Listing:
    """The proposals that a person can still decide on, in the inbox's order."""
    return matching(standing, Filters())


def _pages(count: int) -> int:
    return max(1, -(-count // PAGE))
