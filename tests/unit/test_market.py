"""The simulated market keeps its promises: exact sums, budgets, faults, restatement, truth."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from pipelines.sandbox.market import books
from pipelines.sandbox.market.creatives import creative_truth
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PLANS
from pipelines.sandbox.market.truth import CHANNELS, truth_of
from pipelines.sandbox.platforms.ga4_export.export import write_export
from pipelines.sandbox.platforms.tiktok_ads.export import write_report
from pipelines.sandbox.serving.clock import Clock

TODAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market()


def _days(market: Market, account: str, today: date = TODAY) -> pa.Table:
    return market.campaign_days(account, market.start, market.end, today)


def _ads(market: Market, account: str, today: date) -> list[dict[str, Any]]:
    return market.ad_days(account, date(2026, 5, 1), market.end, today).to_pylist()


def test_ads_sum_to_their_campaign_exactly(market: Market) -> None:
    metrics = ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")
    for account in market.accounts:
        ads = market.ad_days(account.account_id, market.start, market.end, TODAY)
        summed = ads.group_by(["date", "campaign_id"], use_threads=False).aggregate(
            [(m, "sum") for m in metrics]
        )
        campaigns = {
            (r["date"], r["campaign_id"]): r for r in _days(market, account.account_id).to_pylist()
        }
        for row in summed.to_pylist():
            whole = campaigns[row["date"], row["campaign_id"]]
            assert all(whole[m] == row[f"{m}_sum"] for m in metrics)


def test_ads_convert_as_their_truth_says_and_a_claimed_conversion_stays_an_ads(
    market: Market,
) -> None:
    truth, quarter = creative_truth(market), slice(100, 465)
    late, early = date(2026, 7, 1), date(2026, 6, 10)
    account = "1234567890"
    first, last = market.days[quarter.start], market.days[quarter.stop - 1]
    rows = market.ad_days(account, first, last, late).to_pylist()
    generic = [row for row in rows if row["campaign_id"] == PLANS[1].campaign.campaign_id]
    cost, won = Counter[str](), Counter[str]()
    for row in generic:
        cost[row["ad_id"]] += row["cost_micros"]
        won[row["ad_id"]] += row["conversions"]
    ads = sorted(cost)
    measured = np.array([won[ad] / cost[ad] for ad in ads])
    true = np.array([truth[ad][quarter].mean() for ad in ads])
    assert np.corrcoef(measured, true)[0, 1] > 0.9
    before = {(r["date"], r["ad_id"]): r for r in _ads(market, account, early)}
    after = {(r["date"], r["ad_id"]): r for r in _ads(market, account, late)}
    assert all(after[key]["conversions"] >= row["conversions"] for key, row in before.items())


def test_performance_max_spends_without_ads(market: Market) -> None:
    pmax = next(c for c in market.campaigns if c.advertising_type == "PERFORMANCE_MAX")
    assert pmax.adgroups == ()
    ads = market.ad_days(pmax.account_id, market.start, market.end, TODAY)
    assert pmax.campaign_id in _days(market, pmax.account_id)["campaign_id"].to_pylist()
    assert pmax.campaign_id not in ads["campaign_id"].to_pylist()


def test_june_spend_is_within_eight_percent_of_budget_except_for_the_faults(market: Market) -> None:
    for plan in PLANS:
        campaign = plan.campaign
        rows = market.campaign_days(
            campaign.account_id, date(2026, 6, 1), market.end, TODAY
        ).to_pylist()
        mine = {
            r["date"]: r["cost_micros"] for r in rows if r["campaign_id"] == campaign.campaign_id
        }
        budget = market.daily_budget_micros(campaign.campaign_id, date(2026, 6, 1))
        assert budget == market.daily_budget_micros(campaign.campaign_id, market.end)
        share = sum(mine.values()) / budget / 30
        if plan.fault == "runaway":
            assert all(1.9 < mine[date(2026, 6, d)] / budget < 2.5 for d in range(20, 31))
        elif plan.fault == "zero_delivery":
            assert max(mine) == date(2026, 6, 23)
            assert campaign.status == "ENABLED"
        elif campaign.status == "PAUSED":
            assert not mine
        else:
            assert 0.92 < share < 1.08


def test_no_healthy_month_spends_more_than_thirty_budgets(market: Market) -> None:
    for plan in PLANS:
        campaign = plan.campaign
        rows = market.campaign_days(
            campaign.account_id, market.start, date(2026, 5, 31), TODAY
        ).to_pylist()
        spent: Counter[tuple[int, int]] = Counter()
        budget: Counter[tuple[int, int]] = Counter()
        for row in rows:
            if row["campaign_id"] == campaign.campaign_id:
                day = row["date"]
                of_the_day = market.daily_budget_micros(campaign.campaign_id, day)
                assert row["cost_micros"] <= 2 * of_the_day + 10_000
                spent[day.year, day.month] += row["cost_micros"]
                budget[day.year, day.month] += of_the_day
        assert all(spent[m] <= budget[m] * 30.4 / 28 + 1_000_000 for m in spent)


def test_the_same_seed_gives_the_same_world_and_another_seed_another(market: Market) -> None:
    account = market.accounts[0].account_id
    assert _days(Market(), account) == _days(market, account)
    assert _days(Market(seed=8), account) != _days(market, account)
    day = date(2026, 3, 4)
    assert Market().ga4_events(day, TODAY) == market.ga4_events(day, TODAY)


def test_conversions_of_recent_days_grow_and_cost_stays(market: Market) -> None:
    account = "act_100200300"
    early, late = _days(market, account, date(2026, 6, 1)), _days(market, account, TODAY)
    seen = {(r["date"], r["campaign_id"]): r for r in late.to_pylist()}
    assert max(early["date"].to_pylist()) == date(2026, 5, 31)
    grown = 0.0
    for row in early.to_pylist():
        final = seen[row["date"], row["campaign_id"]]
        assert final["cost_micros"] == row["cost_micros"]
        assert final["conversions"] >= row["conversions"]
        if row["date"] >= date(2026, 5, 25):
            grown += final["conversions"] - row["conversions"]
    assert grown > 10


def test_platforms_claim_more_than_they_cause(market: Market) -> None:
    truth = truth_of(market)
    claimed = Counter[str]()
    for account in market.accounts:
        rows = _days(market, account.account_id, date(2026, 9, 1))
        claimed[account.platform] += sum(rows["conversions"].to_pylist())
    for channel, truth_of_channel in CHANNELS.items():
        ratio = claimed[channel] / truth.expected[channel].sum()
        assert ratio == pytest.approx(truth_of_channel.claim_factor, rel=0.03)


def test_orders_are_the_truths_orders_and_more_than_half_are_paid(market: Market) -> None:
    truth = truth_of(market)
    orders = market.orders(market.start, market.end, TODAY)
    realised = sum(int(v.sum()) for v in truth.realised.values())
    assert len(orders) == realised == sum(truth.contributions()["orders"].to_pylist())
    assert 0.5 < 1 - truth.realised["base"].sum() / realised < 0.6
    assert 50 < realised / len(market.days) < 90
    local = [
        at.astimezone(ZoneInfo("America/New_York")).date()
        for at in orders["created_at"].to_pylist()
    ]
    assert local == orders["order_date"].to_pylist()


def test_one_channel_is_under_invested_and_one_is_saturated(market: Market) -> None:
    spend = {"google_ads": 700.0, "meta_ads": 650.0, "tiktok_ads": 200.0}
    cost = {name: 1 / CHANNELS[name].marginal(dollars) for name, dollars in spend.items()}
    assert cost["tiktok_ads"] * 2 < cost["google_ads"]
    assert cost["google_ads"] * 2 < cost["meta_ads"]


def test_weekly_spend_varies_independently_by_channel(market: Market) -> None:
    table = books.campaign_spend(market, TODAY).to_pandas()
    table["week"] = table["date"].astype("datetime64[s]").dt.to_period("W")
    weekly = table.pivot_table(
        index="week", columns="platform", values="cost_micros", aggfunc="sum"
    )
    weekly = weekly.iloc[1:-1]
    assert ((weekly.std() / weekly.mean()) > 0.2).all()
    assert np.abs(np.triu(weekly.corr(), 1)).max() < 0.35


def test_refunds_show_up_days_after_the_order(market: Market) -> None:
    window = (date(2026, 5, 1), date(2026, 5, 31))
    early = market.orders(*window, date(2026, 6, 1))
    late = market.orders(*window, TODAY)
    assert early["order_id"] == late["order_id"]
    before, after = (
        sum(early["refunded_cents"].to_pylist()),
        sum(late["refunded_cents"].to_pylist()),
    )
    assert 0 < before < after
    refunded = [r for r in late.to_pylist() if r["refunded_cents"]]
    assert 0.02 < len(refunded) / len(late) < 0.06
    assert all(r["updated_at"] - r["created_at"] >= timedelta(days=3) for r in refunded)


def test_ga4_events_keep_consent_and_their_day(market: Market) -> None:
    day = date(2025, 11, 2)  # 25 hours long in New York
    events = market.ga4_events(day, TODAY)
    orders = {r["order_id"]: r for r in market.orders(day, day, TODAY).to_pylist()}
    refused = [e for e in events if e["privacy_info"]["analytics_storage"] == "No"]
    assert refused
    personal = {"user_pseudo_id", "user_id", "collected_traffic_source"}
    assert not any(personal & e.keys() for e in refused)
    for event in events:
        at = datetime.fromtimestamp(int(event["event_timestamp"]) / 1e6, UTC)
        assert at.astimezone(ZoneInfo("America/New_York")).date() == day
        transaction = event.get("ecommerce", {}).get("transaction_id")
        if transaction:
            assert event.get("user_id") == orders[transaction]["customer_id"]
    assert market.ga4_events(day, day) == []


def test_scale_thins_events_and_keeps_orders() -> None:
    day = date(2026, 3, 4)
    full, thin = Market(), Market(scale=0.2)
    assert len(thin.ga4_events(day, TODAY)) < 0.4 * len(full.ga4_events(day, TODAY))
    assert thin.orders(day, day, TODAY) == full.orders(day, day, TODAY)


@pytest.mark.slow
def test_the_export_rewrites_only_the_last_days(tmp_path: Path) -> None:
    market = Market(start=date(2026, 3, 1), end=date(2026, 6, 30), scale=0.3)
    clock = Clock(date(2026, 6, 20))
    first = write_export(market, tmp_path, clock.today)
    assert len(first) == (date(2026, 6, 20) - market.start).days
    assert write_export(market, tmp_path, clock.today) == []
    again = write_export(market, tmp_path, clock.advance())
    names = {p.name for p in again}
    assert "events_20260620.json" in names
    assert names <= {"events_20260618.json", "events_20260619.json", "events_20260620.json"}
    assert len(names) > 1
    fresh = tmp_path / "fresh"
    write_export(market, fresh, clock.today)
    assert all((fresh / p.name).read_bytes() == p.read_bytes() for p in tmp_path.glob("events_*"))


def test_the_tiktok_export_is_only_written_anew_when_it_changes(
    market: Market, tmp_path: Path
) -> None:
    path = tmp_path / "tiktok.csv"
    assert write_report(market, path, date(2026, 6, 30))
    assert not write_report(market, path, date(2026, 6, 30))
    assert write_report(market, path, TODAY)
    assert "06/30/2026" in path.read_text()
    assert "07/01/2026" not in path.read_text()


def test_the_books_hold_every_micro(market: Market) -> None:
    by_day = books.campaign_spend(market, TODAY)
    for platform, micros in books.totals(market, TODAY).items():
        ours = [r["cost_micros"] for r in by_day.to_pylist() if r["platform"] == platform]
        accounts = [a.account_id for a in market.accounts if a.platform == platform]
        rows = [_days(market, a)["cost_micros"].to_pylist() for a in accounts]
        assert micros == sum(ours) == sum(map(sum, rows))


def test_unknown_accounts_are_refused(market: Market) -> None:
    with pytest.raises(KeyError):
        _days(market, "999")
    with pytest.raises(ValueError, match="can't go back"):
        Clock(TODAY).advance(-1)
