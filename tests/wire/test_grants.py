"""What each platform says that a credential may do, over its own protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.errors import CredentialRefused, SourceUnavailable
from pipelines.sandbox.market.business import Business
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.google_ads.oauth import ADS_SCOPE, READER
from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer
from pipelines.sandbox.platforms.hubspot.server import HubspotServer
from pipelines.sandbox.platforms.linkedin_ads.server import LinkedinServer
from pipelines.sandbox.platforms.meta_ads.server import MetaServer
from pipelines.sandbox.platforms.salesforce.server import SalesforceServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.secret_settings import Secrets
from pipelines.source_settings import (
    GoogleAdsSettings,
    HubspotSettings,
    LinkedinAdsSettings,
    MetaAdsSettings,
    SalesforceSettings,
)
from pipelines.sources.base import Grant
from pipelines.sources.calls.retries import tried_once
from pipelines.sources.google_ads.source import GoogleAdsSource
from pipelines.sources.hubspot.source import HubspotSource
from pipelines.sources.linkedin_ads.grant import App
from pipelines.sources.linkedin_ads.source import LinkedinAdsSource
from pipelines.sources.meta_ads.source import MetaAdsSource
from pipelines.sources.salesforce.source import SalesforceSource

TODAY = date(2026, 7, 1)
GOOGLE, META = "1234567890", "act_100200300"


def google_source(google: GoogleAdsServer) -> GoogleAdsSource:
    settings = GoogleAdsSettings(
        accounts=(GOOGLE,),
        login_customer_id=google.login_customer_id,
        endpoint=google.endpoint,
        token_uri=google.oauth.url,
    )
    secrets = Secrets(
        google_ads_developer_token=google.developer_token,
        google_ads_client_id=google.oauth.client_id,
        google_ads_client_secret=google.oauth.client_secret,
        google_ads_refresh_token=google.oauth.refresh_token,
    )
    return GoogleAdsSource(settings, secrets, backoff=0)


@pytest.fixture
def roles(google: GoogleAdsServer) -> Iterator[dict[str, str]]:
    """The users of the Google accounts; what a test changes of them is undone."""
    before, scopes = dict(google.users), google.oauth.scopes
    yield google.users
    google.users.clear()
    google.users.update(before)
    google.oauth.scopes = scopes


def test_the_role_of_googles_user_is_found_by_the_address_that_the_token_names(
    google: GoogleAdsServer, roles: dict[str, str]
) -> None:
    grant = google_source(google).grant(GOOGLE)
    assert (grant.role, grant.may_change) == ("READ_ONLY", False)
    assert grant.scopes is not None
    assert ADS_SCOPE in grant.scopes
    roles[READER] = "STANDARD"
    grant = google_source(google).grant(GOOGLE)
    assert (grant.role, grant.may_change) == ("STANDARD", True)


def test_a_google_token_that_names_nobody_leaves_the_role_open(
    google: GoogleAdsServer, roles: dict[str, str]
) -> None:
    google.oauth.scopes = (ADS_SCOPE,)
    grant = google_source(google).grant(GOOGLE)
    assert (grant.role, grant.may_change) == (None, None)
    assert "1 of 2 users" in grant.note
    roles["buyer@canary.example"] = "READ_ONLY"
    assert google_source(google).grant(GOOGLE).may_change is False


@pytest.mark.parametrize("shows", [True, False])
def test_meta_says_a_tokens_permissions_whether_or_not_it_may_be_asked_about(
    market: Market, shows: bool
) -> None:
    with MetaServer(market, Clock(TODAY)) as meta:
        meta.shows_token = shows
        meta.scopes = ("ads_read", "ads_management")
        end = datetime(2027, 1, 2, tzinfo=UTC)
        meta.expires_at = int(end.timestamp())
        settings = MetaAdsSettings(accounts=(META,), graph_url=meta.url)
        source = MetaAdsSource(settings, meta.access_token, backoff=0)
        assert source.grant(META) == Grant(
            scopes=frozenset({"ads_read", "ads_management"}),
            expires_at=end if shows else None,
        )
        (quota,) = source.quotas
        assert quota.used == pytest.approx(0.12)
        assert abs(source.clock_offset or timedelta(days=1)) < timedelta(seconds=5)
        assert meta.mutations == []
        wrong = MetaAdsSource(settings, "not-the-token", backoff=0)
        with pytest.raises(CredentialRefused):
            wrong.grant(META)


@pytest.mark.parametrize(("role", "may_change"), [("VIEWER", False), ("CAMPAIGN_MANAGER", None)])
def test_linkedin_says_the_role_and_to_its_app_the_scopes(
    role: str, may_change: bool | None
) -> None:
    business = Business(1, date(2026, 1, 1), date(2026, 6, 30))
    with LinkedinServer(business, Clock(TODAY)) as linkedin:
        linkedin.role = role
        account = business.accounts[0].account_id
        settings = LinkedinAdsSettings(accounts=(account,), url=linkedin.url)
        grant = LinkedinAdsSource(settings, linkedin.access_token, backoff=0).grant(account)
        assert (grant.scopes, grant.role, grant.may_change) == (None, role, may_change)
        assert "ADCANARY_LINKEDIN_CLIENT_SECRET" in grant.note
        linkedin.scopes = ("r_ads", "rw_ads")
        app = App(linkedin.url, linkedin.client_id, linkedin.client_secret)
        source = LinkedinAdsSource(settings, linkedin.access_token, app=app, backoff=0)
        grant = source.grant(account)
        assert (grant.scopes, grant.role) == ({"r_ads", "rw_ads"}, role)
        assert grant.expires_at == datetime(2100, 1, 1, tzinfo=UTC)
        wrong = App(linkedin.url, linkedin.client_id, "another-secret")
        with pytest.raises(CredentialRefused):
            LinkedinAdsSource(settings, linkedin.access_token, app=wrong).grant(account)
        assert linkedin.mutations == []


def test_hubspot_and_salesforce_say_scopes_and_how_many_calls_are_used(market: Market) -> None:
    with HubspotServer(market, Clock(TODAY)) as hubspot:
        hubspot.daily_remaining = 50_000
        hubspot.scopes = ("crm.objects.deals.write",)
        settings = HubspotSettings(
            portal_id=hubspot.portal_id, time_zone=hubspot.time_zone, url=hubspot.url
        )
        source = HubspotSource(settings, hubspot.token, "salt", backoff=0)
        assert source.grant(hubspot.portal_id).scopes == {"crm.objects.deals.write"}
        assert [round(quota.used or 0, 2) for quota in source.quotas] == [0.8]
        assert hubspot.mutations == []
    with SalesforceServer(market, Clock(TODAY)) as salesforce:
        salesforce.api_usage = 90_000
        organisation = SalesforceSettings(
            org_id=salesforce.org_id, url=salesforce.url, time_zone=salesforce.time_zone
        )
        client = (salesforce.client_id, salesforce.client_secret)
        crm = SalesforceSource(organisation, *client, "salt", backoff=0)
        assert crm.grant(salesforce.org_id).scopes == {"api"}
        assert [quota.used for quota in crm.quotas] == [0.9]


def test_a_call_of_who_only_wants_to_know_is_tried_once(market: Market) -> None:
    with MetaServer(market, Clock(TODAY)) as meta:
        settings = MetaAdsSettings(accounts=(META,), graph_url=meta.url)
        meta.fail_next(2, times=2)
        source = MetaAdsSource(settings, meta.access_token, backoff=0)
        with tried_once(), pytest.raises(SourceUnavailable):
            source.account(META)
        assert source.account(META).account_id == META
    hubspot = HubspotSettings(portal_id="1", time_zone="UTC", url="http://127.0.0.1:9")
    began = time.monotonic()
    with tried_once(), pytest.raises(SourceUnavailable):
        HubspotSource(hubspot, "token", "salt").account("1")
    assert time.monotonic() - began < 0.5
