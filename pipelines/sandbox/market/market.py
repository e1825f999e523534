"""The simulated market: one seeded world that every sandbox server reads, without its truth."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.market import delivery, portfolio
from pipelines.sandbox.market.experiment import SiteExperiment
from pipelines.sandbox.market.portfolio import (
    ACCOUNTS,
    PLANS,
    Ad,
    AdAccount,
    AdGroup,
    Budget,
    Campaign,
)
from pipelines.sandbox.market.shop import OrderBook, take_orders
from pipelines.sandbox.market.truth import Floats, Ints, draw_orders
from pipelines.sandbox.market.visits import Visits, visit_the_site

__all__ = ["Ad", "AdAccount", "AdGroup", "Campaign", "Market"]

ORDER_VALUE = 80.0


class Market:
    """Eighteen months of ads, visits and orders; the same arguments give the same bytes.

    Args:
        seed: of every random draw.
        start, end: first and last day there is data for.
        scale: share of the GA4 sessions kept (1 gives about 555 events a day).
    """

    def __init__(
        self,
        seed: int = 7,
        start: date = date(2025, 1, 1),
        end: date = date(2026, 6, 30),
        scale: float = 1.0,
    ) -> None:
        if (end - start).days < 70:
            raise ValueError("a market needs ten weeks: its faults are in the last two")
        self.seed, self.start, self.end, self.scale = seed, start, end, scale
        self.accounts: tuple[AdAccount, ...] = ACCOUNTS
        self.campaigns: tuple[Campaign, ...] = tuple(p.campaign for p in PLANS)
        self.days = [start + timedelta(days=i) for i in range((end - start).days + 1)]
        self._budgets = portfolio.budget_history(seed, start, end)
        self._cost, self._channel_spend = delivery.spend(seed, self.days, self._budgets)
        self._truth = draw_orders(seed, self.days, self._channel_spend)

    @cached_property
    def _delivery(self) -> dict[str, delivery.CampaignDelivery]:
        return delivery.deliver(self.seed, self._cost, self._truth, ORDER_VALUE)

    @cached_property
    def _book(self) -> OrderBook:
        return take_orders(self.seed, self._truth, ORDER_VALUE)

    @cached_property
    def _visits(self) -> Visits:
        cost = np.stack([self._cost[c.campaign_id] / 1e6 for c in self.campaigns])
        chances = [self._delivery[c.campaign_id].ad_chances for c in self.campaigns]
        return visit_the_site(self.seed, self.scale, self.days, self._book, cost, chances)

    @cached_property
    def experiment(self) -> SiteExperiment:
        """The experiment on the site, its truth included."""
        whole = timedelta(days=4)  # by then, all of a day's events have come in
        return SiteExperiment(self.seed, self.end, lambda d: self._visits.events(d, d + whole))

    def account_ids(self, platform: str) -> list[str]:
        """The accounts of one ad platform."""
        return [a.account_id for a in self.accounts if a.platform == platform]

    def account_campaigns(self, account_id: str) -> tuple[Campaign, ...]:
        """Campaigns of one account.

        Raises:
            KeyError: there is no such account.
        """
        if account_id not in {a.account_id for a in self.accounts}:
            raise KeyError(account_id)
        return tuple(c for c in self.campaigns if c.account_id == account_id)

    def daily_budget_micros(self, campaign_id: str, day: date) -> int:
        """The campaign's average daily budget in force on ``day``, in micros.

        Raises:
            KeyError: there is no such campaign.
        """
        holding = [b for b in self._budgets[campaign_id] if b.effective_from <= day]
        return (holding[-1] if holding else self._budgets[campaign_id][0]).daily_budget_micros

    def budget_history(self, campaign_id: str) -> tuple[Budget, ...]:
        """Every budget the campaign had, in order of time."""
        return self._budgets[campaign_id]

    def campaign_days(self, account_id: str, start: date, end: date, today: date) -> pa.Table:
        """Delivery of an account's campaigns on days up to ``min(end, today - 1)``.

        Columns date, campaign_id, impressions, clicks, cost_micros, conversions,
        conversion_value (dollars) and status (at present); no all-zero rows. Conversions
        mature: rows of recent days grow as ``today`` advances.
        """
        chosen, matured = self._window(start, end, today)
        tables = [self._rows(c, chosen, matured) for c in self.account_campaigns(account_id)]
        return _without_zero_rows(tables)

    def ad_days(self, account_id: str, start: date, end: date, today: date) -> pa.Table:
        """As :meth:`campaign_days`, by ad: further columns adgroup_id and ad_id.

        A campaign's ads sum to its row exactly. Campaigns without ads have no rows.
        """
        chosen, matured = self._window(start, end, today)
        tables = [
            self._ad_rows(c, chosen, matured)
            for c in self.account_campaigns(account_id)
            if c.adgroups
        ]
        return _without_zero_rows(tables)

    def orders(self, start: date, end: date, today: date) -> pa.Table:
        """Orders placed on shop days up to ``min(end, today - 1)``; see shop.OrderBook.table."""
        return self._book.table(start, end, today)

    def ga4_events(self, day: date, today: date) -> list[dict[str, Any]]:
        """The GA4 export's rows of a day, as known on ``today``; see visits.Visits.events."""
        rows = self._visits.events(day, today)
        return rows + self.experiment.events(day, rows)

    def _window(self, start: date, end: date, today: date) -> tuple[slice, Floats]:
        last = min(end, today - timedelta(days=1), self.end)
        first = max((start - self.start).days, 0)
        chosen = slice(first, max((last - self.start).days + 1, first))
        age = np.array([(today - d).days for d in self.days[chosen]], dtype=np.int64)
        return chosen, delivery.maturity(age)

    def _rows(self, campaign: Campaign, chosen: slice, matured: Floats) -> pa.Table:
        delivered = self._delivery[campaign.campaign_id]
        conversions, value = _matured(delivered, chosen, matured)
        days = self.days[chosen]
        return pa.table(
            {
                "date": pa.array(days, pa.date32()),
                "campaign_id": pa.repeat(campaign.campaign_id, len(days)),
                "impressions": delivered.impressions[chosen],
                "clicks": delivered.clicks[chosen],
                "cost_micros": delivered.cost_micros[chosen],
                "conversions": conversions / delivery.QUARTERS,
                "conversion_value": value / delivery.QUARTERS,
                "status": pa.repeat(campaign.status, len(days)),
            }
        )

    def _ad_rows(self, campaign: Campaign, chosen: slice, matured: Floats) -> pa.Table:
        delivered = self._delivery[campaign.campaign_id]
        shares = delivered.ad_shares[chosen]
        conversions, value = _matured(delivered, chosen, matured)
        ads = [(g.adgroup_id, a) for g in campaign.adgroups for a in g.ads]
        days = self.days[chosen]

        def flat(totals: Ints, unit: int = 1) -> Ints:
            return delivery.split(totals, shares, unit).ravel()

        unit = delivered.conversion_unit
        counted = delivered.claimed_ads.counted(
            range(chosen.start, chosen.start + len(days)), conversions // unit
        )
        of_conversions = counted.cumsum(axis=1) / np.maximum(counted.sum(axis=1), 1)[:, None]
        return pa.table(
            {
                "date": pa.array(np.repeat(np.array(days, dtype="datetime64[D]"), len(ads))),
                "campaign_id": pa.repeat(campaign.campaign_id, len(days) * len(ads)),
                "adgroup_id": pa.array([g for g, _ in ads] * len(days), pa.string()),
                "ad_id": pa.array([a.ad_id for _, a in ads] * len(days), pa.string()),
                "impressions": flat(delivered.impressions[chosen]),
                "clicks": flat(delivered.clicks[chosen]),
                "cost_micros": flat(delivered.cost_micros[chosen], delivery.cost_unit(campaign)),
                "conversions": counted.ravel() * unit / delivery.QUARTERS,
                "conversion_value": delivery.split(value, of_conversions).ravel()
                / delivery.QUARTERS,
                "status": pa.array([a.status for _, a in ads] * len(days), pa.string()),
            }
        )


def _matured(
    delivered: delivery.CampaignDelivery, chosen: slice, share: Floats
) -> tuple[Ints, Ints]:
    """Conversions and value (quarters) that the platform reports so far."""
    final, value = delivered.conversion_quarters[chosen], delivered.value_quarters[chosen]
    whole = delivered.conversion_unit
    conversions = np.floor(final / whole * share).astype(np.int64) * whole
    reported = conversions / np.maximum(final, 1)
    return conversions, np.floor(value * reported).astype(np.int64)


def _without_zero_rows(tables: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables)
    shown = pc.or_(
        pc.greater(table["impressions"], 0),
        pc.or_(pc.greater(table["clicks"], 0), pc.greater(table["cost_micros"], 0)),
    )
    order = [(c, "ascending") for c in ("date", "campaign_id", "ad_id") if c in table.column_names]
    return table.filter(shown).sort_by(order)
