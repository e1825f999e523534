"""Google Ads: campaign and ad delivery, budgets and entities, read with GAQL (queries/*.gaql).

Campaign delivery is read FROM campaign on its own: Performance Max has no ads to sum.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from string import Template
from typing import Any

from google.ads.googleads.client import GoogleAdsClient
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

from pipelines.config import GoogleAdsSettings, Secrets
from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sources.ads_tables import ads_table, name_hash
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.google_ads_errors import CALL_ERRORS, KEPT, read_failure, source_error

# the SDK logs every failed call as a warning; without a handler Python prints it to the terminal
logging.getLogger("google.ads.googleads").addHandler(logging.NullHandler())

_API_VERSION = "v26"
_QUERIES = Path(__file__).parent / "queries"
_TOKEN_URI = "https://oauth2.googleapis.com/token"
_ATTEMPTS = 5
# the account decides by conversion action how far back a click counts
_ATTRIBUTION_WINDOW = "account_default"


class GoogleAdsSource:
    """Google Ads accounts, as :class:`pipelines.sources.base.Source`.

    Args:
        settings: accounts, the manager to log in under, another endpoint.
        secrets: the developer token, and an access token or a refresh token with its client.
        timeout: seconds one query may take.
        backoff: seconds before the second try; doubled for each further one.
    """

    name = "google_ads"
    tables = ("raw.ads_campaign_performance", "raw.ads_ad_performance")
    span = None
    max_window_days = 92

    def __init__(
        self,
        settings: GoogleAdsSettings,
        secrets: Secrets,
        *,
        timeout: float = 300.0,
        backoff: float = 0.25,
    ) -> None:
        self.account_ids = settings.accounts
        self.lookback_days = settings.lookback_days
        self._settings = settings
        self._timeout = timeout
        self._backoff = backoff
        self._accounts: dict[str, Account] = {}
        self._credentials = _credentials(secrets)
        # raw protobufs: reading proto-plus rows takes several times as long
        self._client = GoogleAdsClient(
            self._credentials,
            developer_token=secrets.require("google_ads_developer_token"),
            endpoint=settings.endpoint,
            login_customer_id=settings.login_customer_id,
            use_proto_plus=False,
            version=_API_VERSION,
        )

    def account(self, account_id: str) -> Account:
        """Ask Google Ads about one account; asked once in the life of the source."""
        if account_id not in self._accounts:
            customer = self._rows(account_id, "customer")[0].customer
            if customer.manager:
                raise SourceRejected(
                    f"google_ads account {account_id} ({customer.descriptive_name}) is a manager "
                    "account, which has no delivery of its own.",
                    kept=KEPT,
                    fix="List its client accounts under sources.google_ads.accounts; name it "
                    "as login_customer_id.",
                )
            self._accounts[account_id] = _account(customer)
        return self._accounts[account_id]

    def reachable_accounts(self) -> tuple[Account, ...]:
        """Enabled accounts with delivery under the login customer, by id.

        Raises:
            SourceRejected: no login_customer_id is set, or it may not be read.
        """
        login = self._settings.login_customer_id
        if login is None:
            raise SourceRejected(
                "google_ads has no manager to walk down from.",
                fix="Set sources.google_ads.login_customer_id.",
            )
        clients = [row.customer_client for row in self._rows(login, "customer_clients")]
        return tuple(_account(c) for c in sorted(clients, key=lambda c: c.id) if not c.manager)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Campaign and ad delivery by day; nothing is yielded before all of it was read."""
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        days = {"start": window.start.isoformat(), "end": window.end.isoformat()}
        campaigns = self._rows(account_id, "campaign_performance", **days)
        ads = self._rows(account_id, "ad_performance", **days)
        same = {**_labels(account), "attribution_window": _ATTRIBUTION_WINDOW}
        campaign_columns = {
            **_delivery(campaigns),
            "name_hash": [name_hash(r.campaign.name) for r in campaigns],
            "status": [self._statuses[r.campaign.status] for r in campaigns],
        }
        ad_columns = {
            **_delivery(ads),
            "adgroup_id": [str(r.ad_group.id) for r in ads],
            "ad_id": [str(r.ad_group_ad.ad.id) for r in ads],
            "name_hash": [name_hash(r.ad_group_ad.ad.name) for r in ads],
            "status": [self._statuses[r.ad_group_ad.status] for r in ads],
        }
        for table, columns in (
            ("raw.ads_campaign_performance", campaign_columns),
            ("raw.ads_ad_performance", ad_columns),
        ):
            rows = ads_table(columns, same)
            yield Batch(self.name, table, account_id, self.name, window, rows, pulled_at)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Daily budgets in force on ``day`` and every campaign, ad group and ad.

        A budget that several campaigns share is given to each of them.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        budgets = self._rows(account_id, "campaign_budgets")
        entities = self._entities(account_id)
        budget_table = ads_table(
            {
                "campaign_id": [str(r.campaign.id) for r in budgets],
                "daily_budget_micros": [r.campaign_budget.amount_micros for r in budgets],
            },
            {**_labels(account), "effective_from": day},
        )
        entity_table = ads_table(entities, {"platform": self.name, "account_id": account_id})
        window = Window(day, day)
        for table, rows in (
            ("raw.ads_campaign_budgets", budget_table),
            ("raw.ads_entities", entity_table),
        ):
            yield Batch(self.name, table, account_id, self.name, window, rows, pulled_at)

    def _entities(self, account_id: str) -> dict[str, list[Any]]:
        campaigns = self._rows(account_id, "campaigns")
        groups = self._rows(account_id, "ad_groups")
        # one ad can sit in several ad groups: its entity is the one in the first of them
        placed = sorted(self._rows(account_id, "ads"), key=lambda r: -r.ad_group.id)
        ads = list({r.ad_group_ad.ad.id: r for r in placed}.values())
        types = self._client.enums.AdvertisingChannelTypeEnum.AdvertisingChannelType
        without = [None] * (len(groups) + len(ads))
        statuses = chain(
            (r.campaign.status for r in campaigns),
            (r.ad_group.status for r in groups),
            (r.ad_group_ad.status for r in ads),
        )
        return {
            "entity_type": ["campaign"] * len(campaigns)
            + ["adgroup"] * len(groups)
            + ["ad"] * len(ads),
            "entity_id": [str(r.campaign.id) for r in campaigns]
            + [str(r.ad_group.id) for r in groups]
            + [str(r.ad_group_ad.ad.id) for r in ads],
            "parent_id": [None] * len(campaigns)
            + [str(r.campaign.id) for r in groups]
            + [str(r.ad_group.id) for r in ads],
            "name": [r.campaign.name for r in campaigns]
            + [r.ad_group.name for r in groups]
            + [r.ad_group_ad.ad.name or None for r in ads],
            "status": [self._statuses[s] for s in statuses],
            "advertising_type": [
                *(types.Name(r.campaign.advertising_channel_type) for r in campaigns),
                *without,
            ],
            "labels": [[]] * (len(campaigns) + len(without)),
        }

    @cached_property
    def _statuses(self) -> dict[int, str]:
        """Number → name; campaigns, ad groups and ads number their statuses alike."""
        values = self._client.enums.CampaignStatusEnum.CampaignStatus.items()
        return {number: name for name, number in values}

    @cached_property
    def _service(self) -> Any:
        return self._client.get_service("GoogleAdsService")

    @property
    def _endpoint(self) -> str:
        return self._settings.endpoint or "googleads.googleapis.com"

    def _rows(self, account_id: str, query: str, **values: str) -> list[Any]:
        """All rows of queries/<query>.gaql, read to the end: a stream can fail half-way."""
        text = Template((_QUERIES / f"{query}.gaql").read_text()).substitute(values)
        backoff = self._backoff
        for attempt in range(1, _ATTEMPTS + 1):
            self._refresh(account_id)
            try:
                stream = self._service.search_stream(
                    customer_id=account_id, query=text, timeout=self._timeout, retry=None
                )
                return [row for message in stream for row in message.results]
            except CALL_ERRORS as error:
                failure = read_failure(error)
                wait = failure.wait(backoff)
                if wait is None or attempt == _ATTEMPTS:
                    raise source_error(failure, account_id, self._endpoint) from error
            time.sleep(wait)
            backoff *= 2
        raise AssertionError("the last attempt returns or raises")

    def _refresh(self, account_id: str) -> None:
        """Get an access token before the call: within it gRPC would hide a refusal as a
        connection that failed."""
        if self._credentials.valid:
            return
        try:
            self._credentials.refresh(Request())
        except TransportError as error:
            raise SourceUnavailable(
                f"google_ads account {account_id}: no token, {_TOKEN_URI} does not answer.",
                kept=KEPT,
                fix="Run again later; check the network.",
            ) from error
        except GoogleAuthError as error:
            raise SourceRejected(
                f"google_ads account {account_id}: Google refused the refresh token: {error}",
                kept=KEPT,
                fix="Grant access again and set ADCANARY_GOOGLE_ADS_REFRESH_TOKEN.",
            ) from error


def _credentials(secrets: Secrets) -> Credentials:
    if secrets.google_ads_access_token is not None:
        return Credentials(token=secrets.require("google_ads_access_token"))
    return Credentials(
        token=None,
        refresh_token=secrets.require("google_ads_refresh_token"),
        client_id=secrets.require("google_ads_client_id"),
        client_secret=secrets.require("google_ads_client_secret"),
        token_uri=_TOKEN_URI,
    )


def _account(customer: Any) -> Account:
    return Account(
        str(customer.id), customer.descriptive_name, customer.currency_code, customer.time_zone
    )


def _labels(account: Account) -> dict[str, str]:
    return {
        "platform": GoogleAdsSource.name,
        "account_id": account.account_id,
        "currency_code": account.currency_code,
        "time_zone": account.time_zone,
    }


def _delivery(rows: list[Any]) -> dict[str, list[Any]]:
    metrics = [row.metrics for row in rows]
    return {
        "date": [row.segments.date for row in rows],
        "campaign_id": [str(row.campaign.id) for row in rows],
        "impressions": [m.impressions for m in metrics],
        "clicks": [m.clicks for m in metrics],
        "cost_micros": [m.cost_micros for m in metrics],
        "conversions": [m.conversions for m in metrics],
        "conversion_value": [m.conversions_value for m in metrics],
    }
