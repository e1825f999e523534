"""The simulated sales team: leads and opportunities of two CRMs, as they were at any instant."""

from __future__ import annotations

import string
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.shop import click_id

_LEADS_A_DAY = 1.1
_SHOP_DAYS = timedelta(days=13)  # the orders whose customers are leads as well
_CHANNELS = (None, "google", "facebook", "linkedin", "tiktok")
_CLICK_COLUMN = {
    "google": "gclid",
    "facebook": "fbclid",
    "linkedin": "li_fat_id",
    "tiktok": "ttclid",
}
_LETTERS_AND_DIGITS = string.ascii_uppercase + "012345"


def salesforce_id(base: str) -> str:
    """A 15-character id with the three characters that check its upper and lower case."""
    fives = (base[i : i + 5] for i in range(0, 15, 5))
    return base + "".join(
        _LETTERS_AND_DIGITS[sum(1 << i for i, c in enumerate(five) if c in string.ascii_uppercase)]
        for five in fives
    )


@dataclass(frozen=True)
class Crm:
    """An account of a CRM; its days are days in ``time_zone``."""

    name: str
    account_id: str
    time_zone: str
    currency: str
    lead_prefix: str
    opportunity_prefix: str
    phone_prefix: str

    def lead_id(self, number: int) -> str:
        """The CRM's id of a lead by its number."""
        return self._id(self.lead_prefix, number)

    def opportunity_id(self, number: int) -> str:
        """The CRM's id of an opportunity by the number of its lead."""
        return self._id(self.opportunity_prefix, number)

    def _id(self, prefix: str, number: int) -> str:
        if self.name == "hubspot":
            return str(int(prefix) + number)
        return salesforce_id(f"{prefix}5g00000z{number:04d}")

    def midnight(self, day: date) -> datetime:
        """The first instant of a day of the account, UTC."""
        return datetime.combine(day, time(), ZoneInfo(self.time_zone)).astimezone(UTC)

    def day(self, at: datetime) -> date:
        """The account's day of an instant."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()


HUBSPOT = Crm(
    "hubspot", "8800123", "America/New_York", "USD", "51000000000", "9000000000", "+1 (212) 555-"
)
SALESFORCE = Crm(
    "salesforce",
    salesforce_id("00D5g0001Canary"),
    "Europe/Berlin",
    "EUR",
    "00Q",
    "006",
    "+49 30 5550",
)

Steps = tuple[tuple[datetime, str], ...]


@dataclass(frozen=True)
class Record:
    """A lead or an opportunity: the steps it takes, and when it is deleted, if ever.

    ``steps`` begin with its creation. Steps of a lead are NEW, WORKING, QUALIFIED, CONVERTED
    and DISQUALIFIED; of an opportunity OPEN, PROPOSAL, WON and LOST.
    """

    number: int
    steps: Steps
    deleted_at: datetime | None

    @property
    def created_at(self) -> datetime:
        return self.steps[0][0]

    def step(self, now: datetime) -> str:
        """The last step it has taken."""
        return [word for at, word in self.steps if at < now][-1]

    def is_deleted(self, now: datetime) -> bool:
        """Whether it has been deleted."""
        return self.deleted_at is not None and self.deleted_at < now

    def changes(self, now: datetime) -> list[datetime]:
        """When it changed so far."""
        deleted = [self.deleted_at] if self.deleted_at and self.is_deleted(now) else []
        return [at for at, _ in self.steps if at < now] + deleted


@dataclass(frozen=True)
class Opportunity(Record):
    """What a converted lead became; amounts are in hundredths."""

    amount_cents: int


@dataclass(frozen=True)
class Lead(Record):
    """A person who asked for an offer; ``clicks`` by column (gclid, fbclid, …)."""

    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    channel: str | None
    campaign: str | None
    clicks: dict[str, str]
    opportunity: Opportunity | None


class LeadBook:
    """Every lead of one CRM's account, drawn once; the same market gives the same leads."""

    def __init__(self, market: Market, crm: Crm) -> None:
        self.crm = crm
        rng = np.random.default_rng([market.seed, 71, crm.name == "salesforce"])
        shop = market.orders(market.start, market.start + _SHOP_DAYS, market.end)
        customers = sorted(set(shop["email"].to_pylist()))
        counts = rng.poisson(_LEADS_A_DAY, len(market.days))
        days = [day for day, count in zip(market.days, counts, strict=True) for _ in range(count)]
        self.leads = [self._draw(rng, n, day, customers) for n, day in enumerate(days, start=1)]

    def known(self, now: datetime) -> list[Lead]:
        """Leads created before an instant, deleted ones too."""
        return [lead for lead in self.leads if lead.created_at < now]

    def _draw(self, rng: np.random.Generator, number: int, day: date, customers: list[str]) -> Lead:
        created = self.crm.midnight(day) + timedelta(seconds=float(rng.integers(0, 82_800)))
        channel = _CHANNELS[rng.choice(5, p=[0.35, 0.3, 0.15, 0.12, 0.08])]
        address = (
            customers[rng.integers(len(customers))]
            if rng.random() < 0.2
            else f"Lead{number}@{self.crm.name}-buyer.example"
        )
        steps, opportunity = self._story(rng, number, created)
        return Lead(
            number=number,
            steps=steps,
            deleted_at=_deleted(rng, steps[-1][0], 0.05),
            email=address if rng.random() < 0.9 else None,
            phone=f"{self.crm.phone_prefix}{number:04d}" if rng.random() < 0.7 else None,
            channel=channel,
            campaign=f"{channel}_{day.year}q{(day.month + 2) // 3}" if channel else None,
            clicks=_clicks(rng, channel),
            opportunity=opportunity,
        )

    def _story(
        self, rng: np.random.Generator, number: int, created: datetime
    ) -> tuple[Steps, Opportunity | None]:
        """A lead's steps, and the opportunity it becomes in the end, if it does."""
        steps = [(created, "NEW")]
        if rng.random() < 0.8:
            steps.append((_later(rng, steps, 1, 5), "WORKING"))
            if rng.random() < 0.7:
                steps.append((_later(rng, steps, 2, 15), "QUALIFIED"))
        if steps[-1][1] != "QUALIFIED" or rng.random() < 0.3:
            if rng.random() < 0.5:
                steps.append((_later(rng, steps, 5, 40), "DISQUALIFIED"))
            return tuple(steps), None
        steps.append((_later(rng, steps, 1, 20), "CONVERTED"))
        deal = [(steps[-1][0], "OPEN")]
        if rng.random() < 0.8:
            deal.append((_later(rng, deal, 5, 20), "PROPOSAL"))
            deal.append((_later(rng, deal, 10, 60), "WON" if rng.random() < 0.45 else "LOST"))
        cents = int(rng.lognormal(np.log(250_000), 0.8))
        deleted_at = _deleted(rng, deal[-1][0], 0.05)
        return tuple(steps), Opportunity(number, tuple(deal), deleted_at, cents)


def _later(
    rng: np.random.Generator, steps: list[tuple[datetime, str]], low: int, high: int
) -> datetime:
    """An instant some days after the last step."""
    return steps[-1][0] + timedelta(seconds=float(rng.integers(low * 86_400, high * 86_400)))


def _deleted(rng: np.random.Generator, after: datetime, chance: float) -> datetime | None:
    """When a record is deleted, once it is done; None for never."""
    gone = after + timedelta(seconds=float(rng.integers(86_400, 60 * 86_400)))
    return gone if rng.random() < chance else None


def _clicks(rng: np.random.Generator, channel: str | None) -> dict[str, str]:
    number = int(rng.integers(36**9, 36**10))
    if channel is None or rng.random() < 0.2:
        return {}
    column = _CLICK_COLUMN[channel]
    name = str(uuid.UUID(int=number)) if column == "li_fat_id" else click_id(column, number)
    return {column: name}
