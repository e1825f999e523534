"""Google Ads: the real SDK over gRPC and TLS, against the sandbox's books."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.google_ads.accounts import CLOSED_ID, REGIONAL_MANAGER_ID
from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer
from pipelines.secret_settings import Secrets
from pipelines.source_settings import GoogleAdsSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.google_ads.source import GoogleAdsSource
from tests.wire.contract_shape import assert_fits

US, EU = "1234567890", "2345678901"
# Google has no clicks of it any more; of the other it has
QUARTER = Window(date(2026, 1, 1), date(2026, 3, 31))
WEEK = Window(date(2026, 6, 24), date(2026, 6, 30))
METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")
CAMPAIGN, AD = "raw.ads_campaign_performance", "raw.ads_ad_performance"
ACCOUNT, ADGROUP = "raw.ads_account_performance", "raw.ads_adgroup_performance"
ACTIONS, CLICKS = "raw.ads_conversion_action_stats", "raw.ads_clicks"


def source_of(google: GoogleAdsServer, **changes: Any) -> GoogleAdsSource:
    """The source with other settings, secrets or arguments."""
    settings = {
        "accounts": (US, EU),
        "endpoint": google.endpoint,
        "login_customer_id": google.login_customer_id,
        "token_uri": google.oauth.url,
        "timeout_seconds": 300.0,
    }
    secrets = {
        "google_ads_developer_token": google.developer_token,
        "google_ads_access_token": google.access_token,
    }
    arguments: dict[str, Any] = {"backoff": 0.01}
    settings |= {k: v for k, v in changes.items() if k in settings}
    secrets |= {k: v for k, v in changes.items() if k.startswith("google_ads_")}
    arguments |= {k: v for k, v in changes.items() if k not in {**settings, **secrets}}
    hidden = {k: v and SecretStr(v) for k, v in secrets.items()}
    return GoogleAdsSource(GoogleAdsSettings(**settings), Secrets(**hidden), **arguments)


@pytest.fixture
def source(google: GoogleAdsServer) -> GoogleAdsSource:
    return source_of(google)


def pull(source: GoogleAdsSource, account_id: str = US, window: Window = WEEK) -> dict[str, Batch]:
    """A pull's batches, by table."""
    batches = list(source.pull(account_id, window))
    found = {b.table: b for b in batches}
    assert len(found) == len(batches)
    return found


def by_key(rows: pa.Table, *key: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = {
        tuple(r[k] for k in key): tuple(r[m] for m in (*METRICS, "status"))
        for r in rows.to_pylist()
    }
    assert len(found) == rows.num_rows
    return found


def summed(rows: pa.Table, *key: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows.to_pylist():
        at = tuple(row[k] for k in key)
        before = found.get(at, (0,) * len(METRICS))
        found[at] = tuple(a + row[m] for a, m in zip(before, METRICS, strict=True))
    return found


@pytest.mark.parametrize("account_id", [US, EU])
@pytest.mark.parametrize("window", [QUARTER, WEEK])
def test_delivery_equals_the_books_to_the_micro(
    source: GoogleAdsSource,
    google: GoogleAdsServer,
    market: Market,
    account_id: str,
    window: Window,
) -> None:
    batches = pull(source, account_id, window)
    days = (account_id, window.start, window.end, google.clock.today)
    key = ("date", "campaign_id")
    campaigns = by_key(batches[CAMPAIGN].rows, *key)
    assert campaigns == by_key(market.campaign_days(*days), *key)
    key = ("date", "campaign_id", "adgroup_id", "ad_id")
    assert by_key(batches[AD].rows, *key) == by_key(market.ad_days(*days), *key)
    assert len(campaigns) >= 7
    assert google.mutations == []


def test_account_spend_is_asked_for_and_equals_the_books_and_the_campaigns(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    batches = pull(source, US, QUARTER)
    spent = {
        day: micros
        for day, micros in google.spend_by_day(US).items()
        if QUARTER.start <= day <= QUARTER.end
    }
    assert batches[CAMPAIGN].account_spend == spent
    accounts = {r["date"]: r["cost_micros"] for r in batches[ACCOUNT].rows.to_pylist()}
    assert accounts == spent
    assert {d: v[2] for (d,), v in summed(batches[CAMPAIGN].rows, "date").items()} == spent
    assert [t for t, b in batches.items() if b.account_spend is not None] == [CAMPAIGN]


def test_performance_max_is_in_campaign_rows_and_not_in_ad_rows(
    source: GoogleAdsSource, market: Market
) -> None:
    batches = pull(source, US, QUARTER)
    without_ads = {
        c.campaign_id for c in market.campaigns if c.advertising_type == "PERFORMANCE_MAX"
    }
    assert without_ads <= set(batches[CAMPAIGN].rows["campaign_id"].to_pylist())
    assert not without_ads & set(batches[AD].rows["campaign_id"].to_pylist())


def test_ad_groups_and_asset_groups_sum_to_every_campaign(source: GoogleAdsSource) -> None:
    batches = pull(source, US, QUARTER)
    key = ("date", "campaign_id")
    assert summed(batches[ADGROUP].rows, *key) == summed(batches[CAMPAIGN].rows, *key)
    ads = summed(batches[AD].rows, *key, "adgroup_id")
    groups = summed(batches[ADGROUP].rows, *key, "adgroup_id")
    assert ads.items() <= groups.items()
    assert len({k[2] for k in groups.keys() - ads.keys()}) == 2


def test_videos_are_counted_where_google_counts_them(
    source: GoogleAdsSource, market: Market
) -> None:
    batches = pull(source)
    (max_id,) = [
        c.campaign_id
        for c in market.account_campaigns(US)
        if c.advertising_type == "PERFORMANCE_MAX"
    ]
    for row in batches[CAMPAIGN].rows.to_pylist():
        shown = row["impressions"] if row["campaign_id"] == max_id else 0
        assert (row["video_views"], row["video_completions"]) == (shown // 5, shown // 9)
    for row in batches[ADGROUP].rows.to_pylist():
        assert row["video_views"] == (None if row["campaign_id"] == max_id else 0)


def test_conversion_actions_sum_to_the_campaigns_and_drop_no_row_of_theirs(
    source: GoogleAdsSource,
) -> None:
    batches = pull(source, US, QUARTER)
    rows = batches[ACTIONS].rows.to_pylist()
    counted: dict[Any, list[float]] = {}
    for row in rows:
        sums = counted.setdefault((row["date"], row["campaign_id"]), [0.0, 0.0])
        sums[0] += row["conversions"]
        sums[1] += row["conversion_value"]
    campaigns = batches[CAMPAIGN].rows.to_pylist()
    assert len(counted) <= len(campaigns)
    for row in campaigns:
        expected = [row["conversions"], row["conversion_value"]]
        assert counted.get((row["date"], row["campaign_id"]), [0.0, 0.0]) == expected
    assert {r["category"] for r in rows} == {"PURCHASE", "PHONE_CALL_LEAD", "SIGNUP"}
    assert {r["conversion_action"] for r in rows} == {"801", "802", "803"}
    sign_ups = [r for r in rows if r["category"] == "SIGNUP"]
    assert all(r["all_conversions"] > r["conversions"] == 0 for r in sign_ups)


def test_clicks_carry_the_gclids_that_the_website_and_the_shop_saw(
    source: GoogleAdsSource, google: GoogleAdsServer, market: Market
) -> None:
    window = Window(date(2026, 6, 8), date(2026, 6, 30))  # a gclid returns for two weeks
    clicks = {
        row["click_id"]: (row["account_id"], row["campaign_id"])
        for account_id in (US, EU)
        for row in pull(source, account_id, window)[CLICKS].rows.to_pylist()
    }
    day = date(2026, 6, 26)
    seen = {
        event["collected_traffic_source"]["gclid"]
        for event in market.ga4_events(day, google.clock.today)
        if "gclid" in event.get("collected_traffic_source", {})
    }
    orders = market.orders(day, day, google.clock.today).to_pylist()
    bought = {o["gclid"] for o in orders if o["gclid"] and not o["test"]}
    assert seen
    assert bought
    assert seen | bought <= clicks.keys()


@pytest.mark.parametrize("account_id", [US, EU])
def test_there_are_as_many_clicks_as_the_campaigns_report_with_their_ads(
    source: GoogleAdsSource, account_id: str
) -> None:
    batches = pull(source, account_id)
    rows = batches[CLICKS].rows.to_pylist()
    counts: dict[Any, int] = {}
    for row in rows:
        at = row["date"], row["campaign_id"]
        counts[at] = counts.get(at, 0) + 1
    reported = summed(batches[CAMPAIGN].rows, "date", "campaign_id")
    assert counts == {at: metrics[1] for at, metrics in reported.items()}
    ads = {(r["campaign_id"], r["adgroup_id"], r["ad_id"]) for r in batches[AD].rows.to_pylist()}
    placed = {(r["campaign_id"], r["adgroup_id"], r["ad_id"]) for r in rows if r["ad_id"]}
    assert placed <= ads
    assert len({r["click_id"] for r in rows}) == len(rows)


def test_clicks_cover_the_part_of_the_window_that_google_still_has(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    oldest = google.clock.today - timedelta(days=90)
    astride = Window(oldest - timedelta(days=3), oldest + timedelta(days=1))
    batches = pull(source, US, astride)
    assert batches[CLICKS].window == Window(oldest, astride.end)
    assert min(batches[CLICKS].rows["date"].to_pylist()) == oldest
    assert {b.window for t, b in batches.items() if t != CLICKS} == {astride}
    assert set(pull(source, US, QUARTER)) == set(source.tables)
    assert CLICKS not in source.tables


def test_batches_have_the_columns_and_types_of_their_contracts(source: GoogleAdsSource) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    batches = [
        *pull(source).values(),
        *pull(source, US, empty).values(),
        *source.snapshot(US, WEEK.end),
    ]
    assert len(batches) == 14
    for batch in batches:
        assert_fits(batch, whole=False)


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
    # a budget of its own each, which Google says isn't shared
    assert len(set(budgets.rows["budget_id"].to_pylist())) == len(campaigns)
    assert set(budgets.rows["is_shared"].to_pylist()) == {False}
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
    batches = pull(source, EU)
    for batch in batches.values():
        assert set(batch.rows["time_zone"].to_pylist()) == {"Europe/Berlin"}
    for table in (CAMPAIGN, ADGROUP, AD):
        windows = set(batches[table].rows["attribution_window"].to_pylist())
        assert windows == {"account_default"}


def test_days_from_today_on_have_no_rows_until_the_clock_advances(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    google.clock.today = date(2026, 6, 26)
    assert max(pull(source)[CAMPAIGN].rows["date"].to_pylist()) == date(2026, 6, 25)
    google.clock.advance()
    assert max(pull(source)[CAMPAIGN].rows["date"].to_pylist()) == date(2026, 6, 26)


def test_asset_groups_are_entities_under_their_campaign(
    source: GoogleAdsSource, market: Market
) -> None:
    _, entities = source.snapshot(US, WEEK.end)
    rows = [r for r in entities.rows.to_pylist() if r["entity_type"] == "adgroup"]
    plain = {g.adgroup_id for c in market.account_campaigns(US) for g in c.adgroups}
    further = {r["parent_id"] for r in rows if r["entity_id"] not in plain}
    kinds = {c.campaign_id: c.advertising_type for c in market.account_campaigns(US)}
    assert [kinds[parent] for parent in further] == ["PERFORMANCE_MAX"]


def test_the_walk_under_the_login_customer_leaves_managers_and_closed_accounts_out(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    assert [a.account_id for a in source.reachable_accounts()] == [US, EU]
    regional = source_of(google, login_customer_id=REGIONAL_MANAGER_ID)
    assert [a.account_id for a in regional.reachable_accounts()] == [EU]
    assert regional.account(EU).name == "Canary EU"


@pytest.mark.parametrize("manager_id", ["9000000001", REGIONAL_MANAGER_ID])
def test_a_manager_account_is_rejected_because_it_has_no_delivery(
    source: GoogleAdsSource, manager_id: str
) -> None:
    with pytest.raises(SourceRejected, match=rf"{manager_id} .*manager"):
        pull(source, manager_id)


def test_a_closed_account_is_rejected_by_name(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    with pytest.raises(SourceRejected, match=rf"{CLOSED_ID} \(Canary UK\) is CLOSED"):
        pull(source, CLOSED_ID)
    alone = source_of(google, login_customer_id=None)
    with pytest.raises(SourceRejected, match=rf"{CLOSED_ID}.*CUSTOMER_NOT_ENABLED"):
        pull(alone, CLOSED_ID)


def test_an_account_that_is_not_under_the_login_customer_is_rejected_by_name(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    with pytest.raises(SourceRejected, match=r"9999999999 is not under 9000000001") as refused:
        source.account("9999999999")
    assert "login_customer_id" in str(refused.value)
    assert "Kept:" in str(refused.value)
    regional = source_of(google, login_customer_id=REGIONAL_MANAGER_ID)
    with pytest.raises(SourceRejected, match=f"{US} is not under {REGIONAL_MANAGER_ID}"):
        regional.account(US)


def test_a_login_that_may_not_be_used_is_rejected_with_the_account_it_was_for(
    google: GoogleAdsServer,
) -> None:
    source = source_of(google, login_customer_id="9999999999")
    with pytest.raises(SourceRejected, match=rf"{US}.*asked of 9999999999.*USER_PERMISSION_DENIED"):
        source.account(US)


def test_without_a_login_customer_an_account_is_asked_about_itself(google: GoogleAdsServer) -> None:
    source = source_of(google, login_customer_id=None)
    assert source.account(EU).time_zone == "Europe/Berlin"
    with pytest.raises(SourceRejected, match=r"9999999999.*USER_PERMISSION_DENIED"):
        source.account("9999999999")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"google_ads_access_token": "stolen"}, "OAUTH_TOKEN_INVALID"),
        ({"google_ads_developer_token": "mistyped"}, "DEVELOPER_TOKEN_INVALID"),
    ],
)
def test_a_wrong_token_is_rejected_without_being_shown(
    google: GoogleAdsServer, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(SourceRejected, match=words) as refused:
        source_of(google, **changes).account(US)
    assert "ADCANARY_GOOGLE_ADS" in str(refused.value)
    assert not any(v in str(refused.value) for v in changes.values())


def test_an_unreachable_platform_is_unavailable_and_named(google: GoogleAdsServer) -> None:
    source = source_of(google, endpoint="localhost:1")
    with pytest.raises(SourceUnavailable, match=f"google_ads account {US} at localhost:1"):
        source.account(US)


def test_consecutive_windows_cover_a_range_once(source: GoogleAdsSource) -> None:
    windows = list(Window(QUARTER.start, QUARTER.end).split(30))
    parts = pa.concat_tables([pull(source, US, w)[CAMPAIGN].rows for w in windows])
    assert parts.num_rows == pull(source, US, QUARTER)[CAMPAIGN].rows.num_rows
    assert windows[1].start - windows[0].end == timedelta(days=1)
