"""Meta ads: the real SDK over HTTP, against the sandbox's books."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pyarrow as pa
import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.meta_ads.server import MetaServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import MetaAdsSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.meta_ads.api import Graph
from pipelines.sources.meta_ads.entities import daily_budgets
from pipelines.sources.meta_ads.source import MetaAdsSource
from pipelines.sources.meta_ads.tables import purchases
from tests.wire.contract_shape import assert_fits

US, EU = "act_100200300", "act_400500600"
WINDOW = Window(date(2026, 4, 1), date(2026, 6, 30))
METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")


def source_of(
    url: str,
    token: str,
    *,
    report_timeout_seconds: float = 1800.0,
    **options: Any,
) -> MetaAdsSource:
    settings = MetaAdsSettings(
        accounts=(US, EU),
        graph_url=url,
        report_timeout_seconds=report_timeout_seconds,
    )
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


def pull(source: MetaAdsSource, account_id: str = US, window: Window = WINDOW) -> dict[str, Batch]:
    """A batch by level, and "actions"."""
    batches = list(source.pull(account_id, window))
    assert tuple(b.table for b in batches) == source.tables
    return dict(zip(("campaign", "account", "adgroup", "ad", "actions"), batches, strict=True))


@pytest.mark.parametrize("account_id", [US, EU])
def test_delivery_equals_the_books_to_the_micro(
    source: MetaAdsSource, meta: MetaServer, market: Market, account_id: str
) -> None:
    found = pull(source, account_id)
    days = (account_id, WINDOW.start, WINDOW.end, meta.clock.today)
    campaigns, ads = found["campaign"].rows, found["ad"].rows
    assert by_key(campaigns, "date", "campaign_id") == by_key(
        market.campaign_days(*days), "date", "campaign_id"
    )
    key = ("date", "campaign_id", "adgroup_id", "ad_id")
    assert by_key(ads, *key) == by_key(market.ad_days(*days), *key)
    assert campaigns.num_rows > 150
    assert sum(campaigns["conversions"].to_pylist()) > 0
    assert meta.mutations == []


def test_every_level_sums_to_the_accounts_own_spend(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    found = pull(source)
    spent = {d: m for d, m in meta.spend_by_day(US).items() if WINDOW.start <= d <= WINDOW.end}
    assert found["campaign"].account_spend == spent
    assert len(spent) == 91
    for level in ("account", "campaign", "adgroup", "ad"):
        rows = found[level].rows
        summed = rows.group_by("date").aggregate([("cost_micros", "sum")])
        assert dict(zip(*summed.to_pydict().values(), strict=True)) == spent
    assert {found[level].account_spend for level in ("account", "adgroup", "ad")} == {None}


def test_each_attribution_window_has_a_column_and_seven_days_of_a_click_are_the_conversions(
    source: MetaAdsSource,
) -> None:
    found = pull(source)
    for level in ("campaign", "adgroup", "ad"):
        rows = found[level].rows
        week = rows["conversions_7d_click"].to_pylist()
        assert rows["conversions"].to_pylist() == week
        for window, share in (("1d_click", 0.75), ("28d_click", 1.25), ("1d_view", 0.25)):
            assert rows[f"conversions_{window}"].to_pylist() == [share * n for n in week]
        assert set(rows["attribution_window"].to_pylist()) == {"7d_click"}
        clicks = rows["clicks"].to_pylist()
        assert rows["video_views"].to_pylist() == [3 * n for n in clicks]
        assert rows["video_completions"].to_pylist() == clicks


def test_an_action_type_is_counted_by_campaign_and_day(source: MetaAdsSource) -> None:
    found = pull(source)
    rows = found["actions"].rows.to_pylist()
    campaigns = {(r["date"], r["campaign_id"]): r for r in found["campaign"].rows.to_pylist()}
    assert {(r["conversion_action"], r["category"]) for r in rows} == {
        ("link_click", None),
        ("omni_purchase", "PURCHASE"),
        ("purchase", "PURCHASE"),
    }
    bought = [r for r in rows if r["conversion_action"] == "omni_purchase"]
    assert len(bought) > 100
    for row in bought:
        of = campaigns[row["date"], row["campaign_id"]]
        assert row["conversions"] == of["conversions"]
        assert row["conversion_value"] == of["conversion_value"]
        assert row["all_conversions"] == 1.25 * of["conversions"]


def test_batches_have_the_columns_and_types_of_their_contracts(source: MetaAdsSource) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    batches = [*pull(source).values(), *pull(source, US, empty).values()]
    for batch in (*batches, *source.snapshot(US, WINDOW.end)):
        assert_fits(batch)


def test_snapshot_has_todays_budgets_and_every_entity(
    source: MetaAdsSource, meta: MetaServer, market: Market
) -> None:
    day = meta.clock.today
    campaigns = market.account_campaigns(US)
    budgets, _, entities, *_ = source.snapshot(US, day)
    found = zip(
        budgets.rows["campaign_id"].to_pylist(),
        budgets.rows["daily_budget_micros"].to_pylist(),
        strict=True,
    )
    assert dict(found) == {
        c.campaign_id: market.daily_budget_micros(c.campaign_id, day) for c in campaigns
    }
    rows = {(r["entity_type"], r["entity_id"]): r for r in entities.rows.to_pylist()}
    expected: dict[tuple[str, str], tuple[str | None, str, str]]
    expected = {("campaign", c.campaign_id): (None, c.name, c.status) for c in campaigns}
    for c in campaigns:
        for g in c.adgroups:
            expected["adgroup", g.adgroup_id] = (c.campaign_id, g.name, g.status)
            expected |= {("ad", a.ad_id): (g.adgroup_id, a.name, a.status) for a in g.ads}
    assert {k: (r["parent_id"], r["name"], r["status"]) for k, r in rows.items()} == expected
    assert rows["campaign", campaigns[0].campaign_id]["advertising_type"] == "OUTCOME_SALES"


def test_the_sandbox_has_budgets_on_campaigns_and_on_ad_sets(source: MetaAdsSource) -> None:
    campaigns = source._edge(US, "campaign", "daily_budget")
    sets = source._edge(US, "adset", "daily_budget")
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
        budgets, *_ = source.snapshot(US, WINDOW.end)
    for level in ("campaign", "adgroup", "ad", "actions"):
        ids = batches[level].rows["campaign_id"].to_pylist()
        assert ids.count(gone.campaign_id) > 80
    of_campaign = by_key(batches["campaign"].rows, "date", "campaign_id")
    statuses = {key[1]: values[-1] for key, values in of_campaign.items()}
    assert statuses[gone.campaign_id] == "REMOVED"
    assert gone.campaign_id not in budgets.rows["campaign_id"].to_pylist()


def test_days_from_today_on_have_no_rows_until_the_clock_advances(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    meta.clock.today = date(2026, 6, 20)
    assert max(pull(source)["account"].rows["date"].to_pylist()) == date(2026, 6, 19)
    meta.clock.advance()
    assert max(pull(source)["account"].rows["date"].to_pylist()) == date(2026, 6, 20)


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


def test_budgets_count_in_hundredths_except_where_a_currency_has_none() -> None:
    campaign = [{"id": "1", "status": "ACTIVE", "daily_budget": "5000"}]
    assert daily_budgets(campaign, [], "USD") == {"1": 50_000_000}
    assert daily_budgets(campaign, [], "JPY") == {"1": 5_000_000_000}


def test_conversions_are_omni_purchases_within_seven_days_of_a_click() -> None:
    purchase = {"action_type": "purchase", "value": "9", "7d_click": "4"}
    omni = {"action_type": "omni_purchase", "value": "12", "7d_click": "6", "1d_view": "6"}
    assert purchases([purchase, omni]) == 6
    assert purchases([purchase]) == 4
    assert purchases([{"action_type": "omni_purchase", "value": "1"}]) == 0
    assert purchases([{"action_type": "link_click", "7d_click": "3"}]) == 0


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
