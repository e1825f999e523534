"""Google Ads: delivery at every level, conversion actions, clicks, budgets and entities.

Each level is asked for on its own (queries/*.gaql): Performance Max has no ads to sum, and a
segment in a query drops rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from google.ads.googleads.v26.enums.types.customer_status import CustomerStatusEnum

from pipelines.errors import SourceRejected
from pipelines.secret_settings import Secrets
from pipelines.source_settings import GoogleAdsSettings
from pipelines.sources.base import KEPT, Account, Batch, Grant, Window
from pipelines.sources.google_ads.api import Columns, GoogleAdsApi
from pipelines.sources.google_ads.errors import DayForgotten
from pipelines.sources.google_ads.grant import read_grant
from pipelines.sources.google_ads.tables import (
    NAME,
    account_rows,
    ad_rows,
    adgroup_rows,
    budget_rows,
    campaign_rows,
    click_rows,
    conversion_rows,
    entity_rows,
)
from pipelines.sources.shapes.ads_tables import spend_by_day

_STATUSES = {s.value: s.name for s in CustomerStatusEnum.CustomerStatus}
# a suspended account spends nothing more, but what it spent can be read
_SHUT = {"CANCELED", "CLOSED"}


@dataclass(frozen=True)
class _Customer:
    account: Account
    manager: bool
    status: str


class GoogleAdsSource:
    """Google Ads accounts, as :class:`pipelines.sources.base.Source`.

    :meth:`pull` also gives raw.ads_clicks. It is not in ``tables``: older days than 90 can't be
    had, and would never count as covered.

    Args:
        settings: accounts, the manager to log in under, another endpoint.
        secrets: the developer token, and an access token or a refresh token with its client.
        backoff: seconds before the second try; doubled for each further one.
    """

    name = NAME
    tables = (
        "raw.ads_campaign_performance",
        "raw.ads_ad_performance",
        "raw.ads_account_performance",
        "raw.ads_adgroup_performance",
        "raw.ads_conversion_action_stats",
    )
    span = None
    max_window_days = 184

    def __init__(
        self,
        settings: GoogleAdsSettings,
        secrets: Secrets,
        *,
        backoff: float = 0.25,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account_ids = settings.accounts
        self.lookback_days = settings.lookback_days
        self._login = settings.login_customer_id
        self._api = GoogleAdsApi(settings, secrets, backoff=backoff, sleep=sleep)
        self._known: dict[str, _Customer] = {}
        self._grants: dict[str, Grant] = {}

    def account(self, account_id: str) -> Account:
        """One account, looked up under the login customer; asked once in the life of the source.

        Raises:
            SourceRejected: it is not under the login customer, is closed, or is a manager.
        """
        if account_id not in self._known:
            self._known |= self._customers(account_id)
        customer = self._known.get(account_id)
        if customer is None:
            raise SourceRejected(
                f"google_ads account {account_id} is not under {self._login}, the login customer.",
                kept=KEPT,
                fix="Check the account id under sources.google_ads.accounts, and that "
                "login_customer_id is the manager it is under.",
            )
        named = f"google_ads account {account_id} ({customer.account.name})"
        if customer.manager:
            raise SourceRejected(
                f"{named} is a manager account, which has no delivery of its own.",
                kept=KEPT,
                fix="List its client accounts under sources.google_ads.accounts; name it "
                "as login_customer_id.",
            )
        if customer.status in _SHUT:
            raise SourceRejected(
                f"{named} is {customer.status}: Google gives nothing of it any more.",
                kept=KEPT,
                fix="Open it again in Google Ads, or remove it from sources.google_ads.accounts.",
            )
        return customer.account

    def grant(self, account_id: str) -> Grant:
        """The token's scopes, and the role of its user, as far as Google says who that is; asked
        once for an account that is logged in under."""
        login = self._login or account_id
        if login not in self._grants:
            self._grants[login] = read_grant(self._api, account_id, login)
        return self._grants[login]

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._api.clock_offset

    def reachable_accounts(self) -> tuple[Account, ...]:
        """Open accounts with delivery under the login customer, by id.

        Raises:
            SourceRejected: no login_customer_id is set, or it may not be read.
        """
        if self._login is None:
            raise SourceRejected(
                "google_ads has no manager to walk down from.",
                fix="Set sources.google_ads.login_customer_id.",
            )
        walked = sorted(self._customers(self._login).items())
        return tuple(c.account for _, c in walked if not c.manager and c.status not in _SHUT)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Delivery by day at every level, conversion actions and clicks.

        Nothing is yielded before all of it was read. Clicks have the part of the window that
        Google still has, and no batch where that is nothing.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        spend = account_rows(account, self._ask(account_id, "account_performance", window))
        campaigns = self._ask(account_id, "campaign_performance", window)
        ads = self._ask(account_id, "ad_performance", window)
        groups = self._ask(account_id, "adgroup_performance", window)
        asset_groups = self._ask(account_id, "asset_group_performance", window)
        actions = self._ask(account_id, "conversion_actions", window)
        clicks = self._clicks(account_id, window)
        batch = partial(
            Batch, source=self.name, account_id=account_id, platform=self.name, pulled_at=pulled_at
        )
        yield batch(
            table="raw.ads_campaign_performance",
            window=window,
            rows=campaign_rows(account, campaigns),
            account_spend=spend_by_day(spend),
        )
        for table, rows in (
            ("raw.ads_ad_performance", ad_rows(account, ads)),
            ("raw.ads_account_performance", spend),
            ("raw.ads_adgroup_performance", adgroup_rows(account, groups, asset_groups)),
            ("raw.ads_conversion_action_stats", conversion_rows(account, actions)),
        ):
            yield batch(table=table, window=window, rows=rows)
        if clicks:
            kept, views = clicks
            yield batch(table="raw.ads_clicks", window=kept, rows=click_rows(account, views))

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Daily budgets in force on ``day`` and every campaign, ad and asset group, and ad.

        A budget that several campaigns share stands with each of them, under its one id.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        ask = partial(self._api.ask, account_id)
        budgets = budget_rows(account, ask("campaign_budgets"), day)
        entities = entity_rows(
            account, *map(ask, ("campaigns", "ad_groups", "asset_groups", "ads"))
        )
        window = Window(day, day)
        for table, rows in (
            ("raw.ads_campaign_budgets", budgets),
            ("raw.ads_entities", entities),
        ):
            yield Batch(self.name, table, account_id, self.name, window, rows, pulled_at)

    def _ask(self, account_id: str, query: str, window: Window) -> Columns:
        start, end = window.start.isoformat(), window.end.isoformat()
        return self._api.ask(account_id, query, start=start, end=end)

    def _clicks(self, account_id: str, window: Window) -> tuple[Window, Columns] | None:
        """The window's clicks from its last day back to the first that Google still has.

        Google gives one day a query, and knows best what the account's today is, from which it
        counts 90 days back.
        """
        days: list[Columns] = []
        day = window.end
        while day >= window.start:
            try:
                days.append(self._api.ask(account_id, "clicks", day=day.isoformat()))
            except DayForgotten:
                break
            day -= timedelta(days=1)
        if not days:
            return None
        merged = {field: [v for part in days for v in part[field]] for field in days[0]}
        return Window(day + timedelta(days=1), window.end), merged

    def _customers(self, account_id: str) -> dict[str, _Customer]:
        """Every account under the login customer, by id; without one, the account alone."""
        if self._login is None:
            return _customers("customer", self._api.ask(account_id, "customer"))
        walked = self._api.ask(account_id, "customer_clients", customer_id=self._login)
        return _customers("customer_client", walked)


def open_source(settings: GoogleAdsSettings, secrets: Secrets) -> GoogleAdsSource:
    """Google Ads as configured; ConfigError where a secret is missing."""
    return GoogleAdsSource(settings, secrets)


def _customers(resource: str, columns: Columns) -> dict[str, _Customer]:
    fields = ("id", "descriptive_name", "currency_code", "time_zone", "manager", "status")
    listed = zip(*(columns[f"{resource}.{field}"] for field in fields), strict=True)
    return {
        str(number): _Customer(
            Account(str(number), name, currency, zone), manager, _STATUSES.get(status, "UNKNOWN")
        )
        for number, name, currency, zone, manager, status in listed
    }
