"""The market that proposals are about: campaigns, exchange rates, today's changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

from pipelines.errors import IntegrityError, StatementError
from pipelines.money import Money, Rate, Rates
from pipelines.policy_settings import Blackout
from pipelines.proposals.scorecard.standing import barred_jobs
from pipelines.proposals.terms import Terms
from pipelines.warehouse import Warehouse

Key = tuple[str, str, str]
"""Platform, account, campaign."""

_QUERIES = Path(__file__).parent / "queries"


@cache
def query_text(name: str) -> str:
    """The GoogleSQL of ``queries/<name>.sql``."""
    return (_QUERIES / f"{name}.sql").read_text()


@dataclass(frozen=True)
class Campaign:
    """A campaign as landing last published it. ``currency`` is its account's; ``shared_budget`` the
    id of a budget that further campaigns of the account spend, too; ``segment`` its channel of the
    media mix where that isn't its platform's."""

    platform: str
    account_id: str
    campaign_id: str
    name: str | None
    status: str
    daily_budget: Money | None
    currency: str
    data_to: date | None  # last day that landing published for its account
    shared_budget: str | None = None
    segment: str | None = None

    @property
    def key(self) -> Key:
        return self.platform, self.account_id, self.campaign_id

    @property
    def channel(self) -> str:
        return self.segment or self.platform

    @property
    def budget(self) -> Money:
        """Its daily budget; zero if none is known."""
        return self.daily_budget or Money(0, self.currency)


@dataclass(frozen=True)
class Standing:
    """What the policy and the ledger say of every proposal, whatever its evidence.

    Args:
        stopped: the kill switch is on.
        today: the present day in the reporting time zone.
        blackouts: days on which only urgent proposals pass.
        barred: jobs that proposals may not rest on, with why.
    """

    stopped: bool = False
    today: date | None = None
    blackouts: tuple[Blackout, ...] = ()
    barred: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Market:
    """What proposals of every kind share.

    ``changed_today`` is the absolute changes of the daily budget recorded today, by campaign.
    """

    as_of: date
    rates: Rates
    campaigns: tuple[Campaign, ...]
    changed_today: Mapping[Key, tuple[Money, ...]]
    standing: Standing = Standing()

    def campaign(self, key: Key) -> Campaign | None:
        return next((c for c in self.campaigns if c.key == key), None)


def budgets_once(campaigns: Iterable[Campaign]) -> tuple[Campaign, ...]:
    """The campaigns without those whose budget an earlier one has brought in already: what adds
    budgets up goes over these."""
    once = {
        (c.platform, c.account_id, c.shared_budget) if c.shared_budget else c.key: c
        for c in reversed(tuple(campaigns))
    }
    return tuple(reversed(once.values()))


def read_market(warehouse: Warehouse, terms: Terms, *, stopped: bool) -> Market:
    """The market as of the terms' day.

    Args:
        stopped: whether the kill switch is on.

    Raises:
        StatementError: the marts are not built yet.
        IntegrityError: a recorded change belongs to no proposal.
    """
    return Market(
        as_of=terms.as_of,
        rates=_read_rates(warehouse, terms),
        campaigns=read_campaigns(warehouse),
        changed_today=_changed_since(warehouse, terms),
        standing=Standing(
            stopped=stopped,
            today=terms.today,
            blackouts=terms.policy.settings.blackouts,
            barred=_barred(warehouse, terms),
        ),
    )


def _barred(warehouse: Warehouse, terms: Terms) -> dict[str, str]:
    """The jobs that the policy bars, and those that their own record does."""
    allowed = terms.policy.settings.jobs.model_dump()
    by_policy = {job: "the policy doesn't let it" for job, may in allowed.items() if not may}
    return barred_jobs(warehouse, terms.as_of) | by_policy


def read_campaigns(warehouse: Warehouse) -> tuple[Campaign, ...]:
    """Every campaign with its present budget and status: the baseline of all proposals."""
    try:
        rows = warehouse.query(query_text("campaigns")).to_pylist()
    except StatementError as error:
        raise StatementError(
            f"The campaigns can't be read: {error.message}",
            kept="proposals are unchanged.",
            fix=error.fix or "Run `adcanary build` to build the marts.",
        ) from error
    return tuple(
        Campaign(
            platform=row["platform"],
            account_id=row["account_id"],
            campaign_id=row["campaign_id"],
            name=row["campaign_name"],
            status=row["campaign_status"],
            daily_budget=money(row["daily_budget_micros"], row["currency_code"]),
            currency=row["currency_code"],
            data_to=row["data_to"],
            shared_budget=row["shared_budget_id"],
            segment=row["mmm_channel"],
        )
        for row in rows
    )


def money(micros: int | None, currency: str) -> Money | None:
    """A nullable amount from a row."""
    return None if micros is None else Money(micros, currency)


def _read_rates(warehouse: Warehouse, terms: Terms) -> Rates:
    rows = warehouse.query(query_text("rates"), {"as_of": terms.as_of}).to_pylist()
    quotes = {
        row["currency_code"]: Rate(
            row["currency_code"], row["reporting_currency_code"], row["fx_rate"], row["fx_date"]
        )
        for row in rows
        # rates to an earlier reporting currency are no use for the present one
        if row["reporting_currency_code"] == terms.currency
    }
    return Rates(terms.currency, terms.as_of, quotes)


def _changed_since(warehouse: Warehouse, terms: Terms) -> dict[Key, tuple[Money, ...]]:
    changed: dict[Key, tuple[Money, ...]] = {}
    rows = warehouse.query(query_text("changed_today"), {"since": terms.day_began}).to_pylist()
    for row in rows:
        if row["currency_code"] is None:
            raise IntegrityError(
                f"canary_changes has a change of {row['proposal_id']} revision {row['revision']}, "
                "which is not in canary_proposals.",
                kept="nothing was proposed or recorded.",
                fix="Run `adcanary audit verify`, and make no decisions until this is explained.",
            )
        key = (row["platform"], row["account_id"], row["campaign_id"])
        moved = Money(abs(int(row["to_value"]) - int(row["from_value"])), row["currency_code"])
        changed[key] = (*changed.get(key, ()), moved)
    return changed
