"""Google Ads: the real SDK over gRPC and TLS, against the sandbox's books."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pyarrow as pa
import pytest
from google.ads.googleads.client import GoogleAdsClient
from google.ads.googleads.errors import GoogleAdsException
from google.oauth2.credentials import Credentials
from pydantic import SecretStr

from pipelines.config import GoogleAdsSettings, Secrets
from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sandbox.google_ads_server import GoogleAdsServer
from pipelines.sandbox.market import Market
from pipelines.sources import google_ads
from pipelines.sources.base import Batch, Window
from pipelines.sources.google_ads import GoogleAdsSource
from pipelines.warehouse.contracts import load_contract

US, EU = "1234567890", "2345678901"
WINDOW = Window(date(2026, 4, 1), date(2026, 6, 30))
METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")


def source_of(google: GoogleAdsServer, **changes: Any) -> GoogleAdsSource:
    settings = {
        "accounts": (US, EU),
        "endpoint": google.endpoint,
        "login_customer_id": google.login_customer_id,
    }
    secrets = {
        "google_ads_developer_token": SecretStr(google.developer_token),
        "google_ads_access_token": SecretStr(google.access_token),
    }
    settings |= {k: v for k, v in changes.items() if k in settings}
    secrets |= {k: v for k, v in changes.items() if k not in settings}
    return GoogleAdsSource(GoogleAdsSettings(**settings), Secrets(**secrets), backoff=0.01)


@pytest.fixture
def source(google: GoogleAdsServer) -> GoogleAdsSource:
    return source_of(google)


def by_key(rows: pa.Table, *key: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = {
        tuple(r[k] for k in key): tuple(r[m] for m in (*METRICS, "status"))
        for r in rows.to_pylist()
    }
    assert len(found) == rows.num_rows
    return found


def pull(source: GoogleAdsSource, account_id: str = US, window: Window = WINDOW) -> list[Batch]:
    return list(source.pull(account_id, window))


@pytest.mark.parametrize("account_id", [US, EU])
def test_delivery_equals_the_books_to_the_micro(
    source: GoogleAdsSource, google: GoogleAdsServer, market: Market, account_id: str
) -> None:
    campaigns, ads = pull(source, account_id)
    days = (account_id, WINDOW.start, WINDOW.end, google.clock.today)
    assert campaigns.table == "raw.ads_campaign_performance"
    assert by_key(campaigns.rows, "date", "campaign_id") == by_key(
        market.campaign_days(*days), "date", "campaign_id"
    )
    key = ("date", "campaign_id", "adgroup_id", "ad_id")
    assert ads.table == "raw.ads_ad_performance"
    assert by_key(ads.rows, *key) == by_key(market.ad_days(*days), *key)
    assert campaigns.rows.num_rows > 150
    assert google.mutations == []


def test_performance_max_is_in_campaign_rows_and_not_in_ad_rows(
    source: GoogleAdsSource, market: Market
) -> None:
    campaigns, ads = pull(source)
    without_ads = {
        c.campaign_id for c in market.campaigns if c.advertising_type == "PERFORMANCE_MAX"
    }
    assert without_ads <= set(campaigns.rows["campaign_id"].to_pylist())
    assert not without_ads & set(ads.rows["campaign_id"].to_pylist())


def test_batches_have_the_columns_and_types_of_their_contracts(source: GoogleAdsSource) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    for batch in (*pull(source), *pull(source, US, empty), *source.snapshot(US, WINDOW.end)):
        contract = load_contract(batch.table).arrow_schema
        wanted = {f.name: f.type for f in contract if f.name != "_run_id"}
        assert {f.name: f.type for f in batch.rows.schema} == wanted


def test_snapshot_has_todays_budgets_and_every_entity(
    source: GoogleAdsSource, google: GoogleAdsServer, market: Market
) -> None:
    day = google.clock.today
    budgets, entities = source.snapshot(EU, day)
    campaigns = market.account_campaigns(EU)
    found = zip(
        budgets.rows["campaign_id"].to_pylist(),
        budgets.rows["daily_budget_micros"].to_pylist(),
        strict=True,
    )
    assert dict(found) == {
        c.campaign_id: market.daily_budget_micros(c.campaign_id, day) for c in campaigns
    }
    assert set(budgets.rows["effective_from"].to_pylist()) == {day}
    rows = {(r["entity_type"], r["entity_id"]): r for r in entities.rows.to_pylist()}
    expected = {("campaign", c.campaign_id): (None, c.name, c.status) for c in campaigns}
    for c in campaigns:
        for g in c.adgroups:
            expected["adgroup", g.adgroup_id] = (c.campaign_id, g.name, g.status)
            expected |= {("ad", a.ad_id): (g.adgroup_id, a.name, a.status) for a in g.ads}
    assert {k: (r["parent_id"], r["name"], r["status"]) for k, r in rows.items()} == expected
    kinds = {r["entity_id"]: r["advertising_type"] for r in rows.values()}
    assert all(kinds[c.campaign_id] == c.advertising_type for c in campaigns)


def test_rows_are_marked_with_the_accounts_currency_and_time_zone(source: GoogleAdsSource) -> None:
    account = source.account(EU)
    assert (account.currency_code, account.time_zone) == ("USD", "Europe/Berlin")
    for batch in pull(source, EU):
        assert set(batch.rows["time_zone"].to_pylist()) == {"Europe/Berlin"}
        assert set(batch.rows["attribution_window"].to_pylist()) == {"account_default"}


def test_days_from_today_on_have_no_rows_until_the_clock_advances(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    google.clock.today = date(2026, 6, 20)
    assert max(pull(source)[0].rows["date"].to_pylist()) == date(2026, 6, 19)
    google.clock.advance()
    assert max(pull(source)[0].rows["date"].to_pylist()) == date(2026, 6, 20)


def test_the_walk_under_the_login_customer_leaves_managers_out(source: GoogleAdsSource) -> None:
    assert [a.account_id for a in source.reachable_accounts()] == [US, EU]


def test_a_manager_account_is_rejected_because_it_has_no_delivery(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    with pytest.raises(SourceRejected, match="manager"):
        pull(source, google.login_customer_id)


def test_an_unknown_account_is_rejected_by_name(source: GoogleAdsSource) -> None:
    with pytest.raises(SourceRejected, match=r"9999999999.*USER_PERMISSION_DENIED") as refused:
        source.account("9999999999")
    assert "login_customer_id" in str(refused.value)
    assert "Kept:" in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"google_ads_access_token": SecretStr("stolen")}, "OAUTH_TOKEN_INVALID"),
        ({"google_ads_developer_token": SecretStr("wrong")}, "DEVELOPER_TOKEN_INVALID"),
    ],
)
def test_a_wrong_token_is_rejected_without_being_shown(
    google: GoogleAdsServer, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceRejected, match=words) as refused:
        source_of(google, **changes).account(US)
    assert "ADCANARY_GOOGLE_ADS" in str(refused.value)
    assert not any(v.get_secret_value() in str(refused.value) for v in changes.values())


def test_an_unreachable_platform_is_unavailable_and_named(google: GoogleAdsServer) -> None:
    source = source_of(google, endpoint="localhost:1")
    with pytest.raises(SourceUnavailable, match=f"google_ads account {US} at localhost:1"):
        source.account(US)


def test_an_unavailable_platform_is_asked_again(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    whole = pull(source)
    google.fail_next("UNAVAILABLE")
    google.fail_next("INTERNAL")
    assert [b.rows for b in pull(source)] == [b.rows for b in whole]


def test_a_stream_that_fails_half_way_leaves_no_row_twice(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    whole = pull(source)
    google.page_rows = 50
    google.fail_next("UNAVAILABLE", after_messages=2)
    assert [b.rows for b in pull(source)] == [b.rows for b in whole]


def test_a_platform_that_stays_down_is_given_up(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    google.fail_next("INTERNAL", times=5)
    with pytest.raises(SourceUnavailable, match="INTERNAL_ERROR"):
        source.account(US)


def test_a_quota_delay_of_hours_is_not_slept_through_but_said(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    google.fail_next("RESOURCE_EXHAUSTED", retry_seconds=3 * 3600)
    with pytest.raises(SourceUnavailable, match=r"out of quota until \d{4}-\d\d-\d\d \d\d:\d\d"):
        pull(source)


def test_a_short_quota_delay_is_waited_for(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    google.fail_next("RESOURCE_EXHAUSTED", retry_seconds=1)
    assert source.account(US).name == "Canary US"


@pytest.fixture
def refusing_token_endpoint(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"error": "invalid_grant"}).encode()
            self.send_response(400)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/token"
    monkeypatch.setattr(google_ads, "_TOKEN_URI", url)
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("refusing_token_endpoint")
def test_a_revoked_refresh_token_is_rejected_and_not_mistaken_for_an_outage(
    google: GoogleAdsServer,
) -> None:
    source = source_of(
        google,
        google_ads_access_token=None,
        google_ads_refresh_token=SecretStr("revoked"),
        google_ads_client_id=SecretStr("id"),
        google_ads_client_secret=SecretStr("secret"),
    )
    with pytest.raises(SourceRejected, match=r"invalid_grant[\s\S]*REFRESH_TOKEN"):
        source.account(US)


@pytest.fixture
def sdk(google: GoogleAdsServer) -> GoogleAdsClient:
    return GoogleAdsClient(
        Credentials(token=google.access_token),
        developer_token=google.developer_token,
        endpoint=google.endpoint,
        use_proto_plus=False,
    )


def test_search_gives_the_rows_of_search_stream_page_by_page(
    sdk: GoogleAdsClient, google: GoogleAdsServer
) -> None:
    google.page_rows = 7
    service = sdk.get_service("GoogleAdsService")
    query = "SELECT segments.date, metrics.cost_micros FROM campaign WHERE " + (
        "segments.date BETWEEN '2026-06-01' AND '2026-06-10' AND campaign.status = 'ENABLED'"
    )
    stream = [r for m in service.search_stream(customer_id=US, query=query) for r in m.results]
    assert list(service.search(customer_id=US, query=query)) == stream
    assert len(stream) == 30


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT campaign.favourite_colour FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaigns", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT segments.date FROM campaign", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id ~ 4", "BAD_SYMBOL"),
        ("campaign.id", "EXPECTED_SELECT"),
    ],
)
def test_a_bad_query_is_refused_as_the_service_refuses_it(
    sdk: GoogleAdsClient, query: str, code: str
) -> None:
    with pytest.raises(GoogleAdsException) as refused:
        list(sdk.get_service("GoogleAdsService").search_stream(customer_id=US, query=query))
    error = refused.value.failure.errors[0].error_code.query_error
    assert error.name == code


def _mutate_campaign(sdk: GoogleAdsClient) -> None:
    operation = sdk.get_type("CampaignOperation")
    operation.remove = f"customers/{US}/campaigns/1"
    sdk.get_service("CampaignService").mutate_campaigns(customer_id=US, operations=[operation])


def _mutate_anything(sdk: GoogleAdsClient) -> None:
    sdk.get_service("GoogleAdsService").mutate(customer_id=US, mutate_operations=[])


@pytest.mark.parametrize("change", [_mutate_campaign, _mutate_anything])
def test_a_mutating_call_is_recorded_and_refused(
    sdk: GoogleAdsClient, google: GoogleAdsServer, change: Callable[[GoogleAdsClient], None]
) -> None:
    with pytest.raises(GoogleAdsException) as refused:
        change(sdk)
    assert refused.value.error.code().name == "PERMISSION_DENIED"
    assert len(google.mutations) == 1
    assert "Mutate" in google.mutations[0].method


def test_consecutive_windows_cover_a_range_once(source: GoogleAdsSource) -> None:
    windows = list(Window(WINDOW.start, WINDOW.end).split(30))
    parts = pa.concat_tables([pull(source, US, w)[0].rows for w in windows])
    assert parts.num_rows == pull(source)[0].rows.num_rows
    assert windows[1].start - windows[0].end == timedelta(days=1)
