"""Meta ads: the real SDK over HTTP, against the sandbox's books."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pyarrow as pa
import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from pipelines.config import MetaAdsSettings
from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sandbox.clock import Clock
from pipelines.sandbox.market import Market
from pipelines.sandbox.meta_server import MetaServer
from pipelines.sources import meta_ads
from pipelines.sources.base import Batch, Window
from pipelines.sources.meta_ads import MetaAdsSource
from pipelines.sources.meta_graph import Graph
from pipelines.sources.meta_usage import read_usage
from pipelines.warehouse.contracts import load_contract

US, EU = "act_100200300", "act_400500600"
WINDOW = Window(date(2026, 4, 1), date(2026, 6, 30))
METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")


def source_of(url: str, token: str, **options: Any) -> MetaAdsSource:
    settings = MetaAdsSettings(accounts=(US, EU), graph_url=url)
    return MetaAdsSource(settings, token, **{"backoff": 0.01, **options})


@pytest.fixture
def source(meta: MetaServer) -> MetaAdsSource:
    return source_of(meta.url, meta.access_token)


def by_key(rows: pa.Table, *key: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = {
        tuple(r[k] for k in key): tuple(r[m] for m in (*METRICS, "status"))
        for r in rows.to_pylist()
    }
    assert len(found) == rows.num_rows
    return found


def pull(source: MetaAdsSource, account_id: str = US, window: Window = WINDOW) -> list[Batch]:
    return list(source.pull(account_id, window))


@pytest.mark.parametrize("account_id", [US, EU])
def test_delivery_equals_the_books_to_the_micro(
    source: MetaAdsSource, meta: MetaServer, market: Market, account_id: str
) -> None:
    campaigns, ads = pull(source, account_id)
    days = (account_id, WINDOW.start, WINDOW.end, meta.clock.today)
    assert campaigns.table == "raw.ads_campaign_performance"
    assert by_key(campaigns.rows, "date", "campaign_id") == by_key(
        market.campaign_days(*days), "date", "campaign_id"
    )
    key = ("date", "campaign_id", "adgroup_id", "ad_id")
    assert ads.table == "raw.ads_ad_performance"
    assert by_key(ads.rows, *key) == by_key(market.ad_days(*days), *key)
    assert campaigns.rows.num_rows > 150
    assert sum(campaigns.rows["conversions"].to_pylist()) > 0
    assert meta.mutations == []


def test_batches_have_the_columns_and_types_of_their_contracts(source: MetaAdsSource) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    for batch in (*pull(source), *pull(source, US, empty), *source.snapshot(US, WINDOW.end)):
        contract = load_contract(batch.table).arrow_schema
        wanted = {f.name: f.type for f in contract if f.name != "_run_id"}
        assert {f.name: f.type for f in batch.rows.schema} == wanted


def test_snapshot_has_todays_budgets_and_every_entity(
    source: MetaAdsSource, meta: MetaServer, market: Market
) -> None:
    day = meta.clock.today
    campaigns = market.account_campaigns(US)
    budgets, entities = source.snapshot(US, day)
    found = zip(
        budgets.rows["campaign_id"].to_pylist(),
        budgets.rows["daily_budget_micros"].to_pylist(),
        strict=True,
    )
    assert dict(found) == {
        c.campaign_id: market.daily_budget_micros(c.campaign_id, day) for c in campaigns
    }
    rows = {(r["entity_type"], r["entity_id"]): r for r in entities.rows.to_pylist()}
    expected = {("campaign", c.campaign_id): (None, c.name, c.status) for c in campaigns}
    for c in campaigns:
        for g in c.adgroups:
            expected["adgroup", g.adgroup_id] = (c.campaign_id, g.name, g.status)
            expected |= {("ad", a.ad_id): (g.adgroup_id, a.name, a.status) for a in g.ads}
    assert {k: (r["parent_id"], r["name"], r["status"]) for k, r in rows.items()} == expected
    assert rows["campaign", campaigns[0].campaign_id]["advertising_type"] == "OUTCOME_SALES"


def test_the_sandbox_has_budgets_on_campaigns_and_on_ad_sets(source: MetaAdsSource) -> None:
    campaigns = source._edge(US, "campaigns", "id", "daily_budget")
    sets = source._edge(US, "adsets", "id", "daily_budget")
    assert {"daily_budget" in row for row in campaigns} == {True, False}
    assert {"daily_budget" in row for row in sets} == {True, False}


def test_a_deleted_campaign_keeps_its_delivery(market: Market) -> None:
    deleted = copy.copy(market)
    gone = market.account_campaigns(US)[0]
    deleted.campaigns = tuple(
        replace(c, status="REMOVED") if c is gone else c for c in market.campaigns
    )
    with MetaServer(deleted, Clock(date(2026, 7, 1))) as server:
        source = source_of(server.url, server.access_token)
        batches = pull(source)
        budgets, _ = source.snapshot(US, WINDOW.end)
    for batch in batches:
        rows = batch.rows.filter(pa.compute.equal(batch.rows["campaign_id"], gone.campaign_id))
        assert rows.num_rows > 80
    of_campaign = by_key(batches[0].rows, "date", "campaign_id")
    statuses = {key[1]: values[-1] for key, values in of_campaign.items()}
    assert statuses[gone.campaign_id] == "REMOVED"
    assert gone.campaign_id not in budgets.rows["campaign_id"].to_pylist()


def test_an_empty_page_that_has_a_next_is_followed(source: MetaAdsSource, meta: MetaServer) -> None:
    whole = pull(source)
    meta.page_rows = 100
    run_id = source._graph.start_report(US, meta_ads._report("ad", WINDOW))
    assert len(source._graph.reports(US, [run_id])[run_id]) == whole[1].rows.num_rows
    url = f"{meta.url}/{FacebookAdsApi.API_VERSION}/{run_id}/insights"
    params = {"access_token": meta.access_token, "limit": "100"}
    first = httpx.get(url, params=params).json()
    second = httpx.get(first["paging"]["next"]).json()
    assert (len(first["data"]), second["data"]) == (100, [])
    assert "next" in second["paging"]
    assert [b.rows for b in pull(source)] == [b.rows for b in whole]


def test_days_from_today_on_have_no_rows_until_the_clock_advances(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    meta.clock.today = date(2026, 6, 20)
    assert max(pull(source)[0].rows["date"].to_pylist()) == date(2026, 6, 19)
    meta.clock.advance()
    assert max(pull(source)[0].rows["date"].to_pylist()) == date(2026, 6, 20)


def test_an_unknown_account_is_rejected_by_name(source: MetaAdsSource) -> None:
    with pytest.raises(SourceRejected, match=r"act_999.*does not exist") as refused:
        source.account("act_999")
    assert "sources.meta_ads.accounts" in str(refused.value)
    assert "Kept:" in str(refused.value)


def test_a_bad_token_is_rejected_and_not_tried_again(meta: MetaServer) -> None:
    source = source_of(meta.url, "stolen-token", backoff=60)
    with pytest.raises(SourceRejected, match="code 190") as refused:
        source.account(US)
    assert "ADCANARY_META_ACCESS_TOKEN" in str(refused.value)
    assert "stolen-token" not in str(refused.value)


def test_an_unreachable_platform_is_unavailable_and_the_token_stays_out_of_the_error() -> None:
    source = source_of("http://127.0.0.1:1", "secret-token")
    with pytest.raises(SourceUnavailable, match=rf"{US}: http://127.0.0.1:1") as refused:
        source.account(US)
    assert "secret-token" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("code", [1, 2, 4, 17, 80000])
def test_a_transient_code_is_asked_again(
    source: MetaAdsSource, meta: MetaServer, code: int
) -> None:
    meta.fail_next(code, times=2)
    assert source.account(US).name == "Canary US"


def test_a_server_error_is_asked_again_and_given_up_in_the_end(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    meta.fail_next(-1, times=5, status=503)
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        source.account(US)
    assert source.account(US).name == "Canary US"


def test_a_rate_limit_of_hours_is_not_slept_through_but_said(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    meta.fail_next(17, regain_minutes=120)
    with pytest.raises(SourceUnavailable, match=r"rate-limited until \d{4}-\d\d-\d\d \d\d:\d\d"):
        pull(source)


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    params = {"limit": 1000}
    meta.fail_next(1, times=2, message="Please reduce the amount of data you're asking for")
    source._graph._call(US, "GET", (US, "campaigns"), params)
    assert params["limit"] == 250


@pytest.mark.parametrize("status", ["Job Failed", "Job Skipped"])
def test_a_job_that_fails_ends_the_pull(
    source: MetaAdsSource, meta: MetaServer, status: str
) -> None:
    meta.end_next_job(status)
    with pytest.raises(SourceUnavailable, match=rf"{US}: insights job \d+ ended as '{status}'"):
        pull(source)


def test_a_job_that_hangs_is_given_up_after_a_bounded_wait(meta: MetaServer) -> None:
    meta.end_next_job("Job Running")
    source = source_of(meta.url, meta.access_token, report_timeout=0.3)
    with pytest.raises(SourceUnavailable, match=r"had not completed after 0\.3 s"):
        pull(source)


@pytest.fixture
def proxy_page() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<html>502 Bad Gateway</html>"
            self.send_response(502)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_proxys_error_page_is_an_outage_and_not_an_answer(proxy_page: str) -> None:
    with pytest.raises(SourceUnavailable, match="HTTP 502 without JSON"):
        source_of(proxy_page, "token").account(US)


def test_an_unknown_field_is_rejected(meta: MetaServer) -> None:
    graph = Graph(meta.access_token, meta.url)
    with pytest.raises(SourceRejected, match=r"#100.*favourite_colour"):
        graph.node(US, ("favourite_colour",))


def test_amounts_become_micros_exactly() -> None:
    assert [meta_ads._micros(a) for a in ("12.34", "0.000001", "90071992547.409931", "7")] == [
        12_340_000,
        1,
        90_071_992_547_409_931,
        7_000_000,
    ]


def test_budgets_count_in_hundredths_except_where_a_currency_has_none() -> None:
    campaign = [{"id": "1", "status": "ACTIVE", "daily_budget": "5000"}]
    assert meta_ads._budgets(campaign, [], "USD") == {"1": 50_000_000}
    assert meta_ads._budgets(campaign, [], "JPY") == {"1": 5_000_000_000}


def test_conversions_are_omni_purchases_within_seven_days_of_a_click() -> None:
    purchase = {"action_type": "purchase", "value": "9", "7d_click": "4"}
    omni = {"action_type": "omni_purchase", "value": "12", "7d_click": "6", "1d_view": "6"}
    assert meta_ads._purchases([purchase, omni]) == 6
    assert meta_ads._purchases([purchase]) == 4
    assert meta_ads._purchases([{"action_type": "omni_purchase", "value": "1"}]) == 0
    assert meta_ads._purchases([{"action_type": "link_click", "7d_click": "3"}]) == 0


def test_the_pull_slows_down_before_the_limit() -> None:
    usage = '{"1":[{"call_count":%d,"total_time":3,"estimated_time_to_regain_access":0}]}'
    pauses = [
        read_usage({"x-business-use-case-usage": usage % percent}).pause_seconds
        for percent in (10, 75, 90, 100, 140)
    ]
    assert pauses == [0, 0, 18, 30, 30]
    assert read_usage({"x-fb-ads-insights-throttle": '{"acc_id_util_pct":80.5}'}).percent == 80.5
    assert read_usage({"x-app-usage": "gibberish"}).pause_seconds == 0


def test_a_reply_near_the_limit_is_followed_by_a_pause(
    source: MetaAdsSource, meta: MetaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("pipelines.sources.meta_graph.time.sleep", slept.append)
    meta.usage_percent = 90
    source.account(US)
    assert slept == [18]


def test_the_global_api_of_the_sdk_is_never_set(source: MetaAdsSource) -> None:
    source.account(US)
    assert FacebookAdsApi.get_default_api() is None


def test_a_mutating_call_is_recorded_and_refused(source: MetaAdsSource, meta: MetaServer) -> None:
    api = source._graph._api
    with pytest.raises(FacebookRequestError, match="read-only"):
        Campaign("1", api=api).api_update(params={"status": "PAUSED"})
    with pytest.raises(FacebookRequestError, match="read-only"):
        AdAccount(US, api=api).create_campaign(params={"name": "new"})
    with pytest.raises(FacebookRequestError, match="read-only"):
        Campaign("1", api=api).api_delete()
    assert [(m.method, m.path) for m in meta.mutations] == [
        ("POST", "1"),
        ("POST", f"{US}/campaigns"),
        ("DELETE", "1"),
    ]
